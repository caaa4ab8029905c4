"""The EQ that brings a sound to the balance of a reference.

The difference of two long-term spectra is the EQ between them plus whatever else was played. `posterior` tells the two
apart: people's EQs are N(0, P), content is N(0, g N) with an unknown scale g, and the difference itself says which g is
likely. For a dry/wet pair g is next to nothing and the EQ is the difference; for another part of the recording narrow
differences are taken for notes and broad ones for EQ. `ltas` is what other tools do: the difference, smoothed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...eq import LIMITS
from ...errors import AeqError
from ...model.audio_encoder import BLIND_VAR, visibility
from ...model.checkpoint import Checkpoint
from ...model.curves import COMPARED, GRID, N_GRID, center
from ...model.registry import ModelRegistry

NAME = "match"


@dataclass(frozen=True)
class Matching:
    """`people_cov`, `content_cov`: (bands, bands) float64 dB², of curves around 0."""

    people_cov: Tensor
    content_cov: Tensor

    def save(self, folder: Path | str, info: dict[str, Any]) -> None:
        """Writes `match.safetensors` and `match.json` into `folder`. Raises `OutputError`."""
        tensors = {"people_cov": self.people_cov.float(), "content_cov": self.content_cov.float()}
        Checkpoint(tensors, {"architecture": {"bands": N_GRID}, **info}).save(folder, NAME)

    @classmethod
    def load_for(cls, models: ModelRegistry) -> Matching:
        """For `ModelRegistry.get`."""
        return cls.load(models.folder)

    @classmethod
    def load(cls, folder: Path | str | None = None) -> Matching:
        """The shipped statistics, or those in `folder`. Raises `ModelError`."""
        tensors = Checkpoint.load(NAME, folder).tensors
        return cls(tensors["people_cov"].double(), tensors["content_cov"].double())


LEVEL_VAR = 1e4  # dB²: the level of a reference says nothing
# Of the content's variance: from the same performance to another song.
SCALES = 2.0 ** torch.arange(-12.0, 7.0, dtype=torch.float64)
MEASURED_DB2 = 1e-4  # of a spectrum, whatever was played
LTAS_SMOOTHING_OCT = 1.0  # of `ltas` where none is asked for: the best of half, one and two octaves
EDGE_OCT = 0.5  # beyond a frequency limit the EQ has returned to flat
LEAST_COMMON = 3.0  # bands that source and reference must share


@dataclass(frozen=True)
class Difference:
    """Reference minus source, (bands,) both.

    `db`: level-free over the bands that both sounds hold. `heard`: 0..1, how far both hold each.
    """

    db: Tensor
    heard: Tensor


def difference(
    source_db: Tensor, in_reach: Tensor, references: Sequence[tuple[Tensor, Tensor]], weights: Sequence[float]
) -> Difference:
    """The weighted mean of how the references differ from the source, each at the level that fits best.

    Args:
        source_db: LTAS, (bands,) dB. in_reach: (bands,) bool, below Nyquist.
        references: LTAS and reach of each. A band that a reference does not hold is left to the others.
        weights: of each, positive.

    Raises `AeqError` where source and references have next to nothing in common.
    """
    total, heard = torch.zeros_like(source_db), torch.zeros_like(source_db)
    own = visibility(source_db) * in_reach
    for (ltas_db, reach), weight in zip(references, weights, strict=True):
        common = own * visibility(ltas_db) * reach
        if float(common.sum()) < LEAST_COMMON:
            continue
        share = weight / sum(weights) * common
        total += share * centered(ltas_db - source_db, common)
        heard += share
    if float(heard.sum()) < LEAST_COMMON * min(weights) / sum(weights):
        raise AeqError("the reference has no sound where the source has some: choose another reference")
    return Difference(centered(total / heard.clamp_min(1e-9), heard), heard)


def centered(db: Tensor, heard: Tensor) -> Tensor:
    """(bands,) minus its mean over what is heard from 50 Hz to 16 kHz."""
    weight = heard * COMPARED
    weight = weight if float(weight.sum()) > 0.5 else heard
    return db - (db * weight).sum() / weight.sum().clamp_min(1e-9)


def posterior(seen: Difference, matching: Matching) -> tuple[Tensor, float]:
    """The EQ that is to be expected, (bands,) dB, and how sure that is, 0..1.

    The mean over all scales of the content, each weighted by how well it explains the difference. Sure: the part of
    the variance of people's EQs that is known once the difference is.
    """
    people = matching.people_cov
    # squared, so that what lies 40 dB under the loudest band, as the top of most music does, is still as good as heard
    blind = BLIND_VAR * ((1 - seen.heard) / seen.heard.clamp_min(1e-4)).square() + MEASURED_DB2
    total = people + SCALES[:, None, None] * matching.content_cov + torch.diag(blind) + LEVEL_VAR
    root = torch.linalg.cholesky(total)  # (scales, bands, bands)
    white = torch.linalg.solve_triangular(root, seen.db[:, None].expand(len(SCALES), -1, 1), upper=False)[..., 0]
    fits = -0.5 * white.square().sum(-1) - root.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    share = fits.softmax(0)
    known = torch.linalg.solve_triangular(root, people.expand_as(root), upper=False)  # (scales, bands, bands)
    curve = (share[:, None] * torch.einsum("sij,si->sj", known, white)).sum(0)
    explained = (share[:, None] * known.square().sum(1)).sum(0) / people.diagonal()
    return center(curve), min(1.0, max(0.0, float(explained[COMPARED].mean())))


def smoothed(db: Tensor, heard: Tensor, width_oct: float) -> Tensor:
    """A Gaussian of constant Q, `width_oct` octaves wide at half its height, over what is heard: bands that are not
    follow their neighbors. 0 smooths nothing."""
    if width_oct <= 0:
        return db
    octaves = GRID.log2()
    kernel = torch.exp(-4 * math.log(2) * ((octaves[:, None] - octaves) / width_oct).square())
    kernel = kernel * heard.clamp_min(1e-6)
    return kernel @ db / kernel.sum(1)


def window(low_hz: float | None, high_hz: float | None) -> Tensor:
    """(bands,) 1 between the limits, 0 from `EDGE_OCT` beyond them; a limit at the end of the range is none."""
    limit = LIMITS["freq_hz"]
    low, high = low_hz or limit.low, high_hz or limit.high
    beyond = torch.zeros_like(GRID)
    if low > limit.low:
        beyond = torch.maximum(beyond, (low / GRID).log2())
    if high < limit.high:
        beyond = torch.maximum(beyond, (GRID / high).log2())
    return 0.5 + 0.5 * torch.cos(math.pi * (beyond / EDGE_OCT).clamp(0.0, 1.0))


def limited(curve_db: Tensor, heard: Tensor, inside: Tensor) -> Tensor:
    """(bands,): the curve within `window`, flat outside.

    Its level is set so that half of what is heard inside lies above 0 dB and half below: outside stays at 0 dB when
    bands are fitted to it, which centers a curve in the same way.
    """
    if bool((inside == 1).all()):
        return curve_db
    counts = (heard > 0.5) & (inside > 0.5) & COMPARED
    middle = curve_db[counts].median() if bool(counts.any()) else curve_db[inside > 0.5].mean()
    return inside * (curve_db - middle)
