"""Can the audio encoder tell which production style was applied to a clip it never saw?

Five styles as in Steinmetz, Bryan and Reiss (JAES 2022), here as random EQs: broadcast, telephone, neutral, bright and
warm. The same linear classifier reads our code, a random projection of the log-mel spectrum and plain band energies,
all of 32 numbers; sources are held out whole, and each fold's encoder was trained without them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..bands import Band, BandKind, Eq
from ..dsp.spectrum import GRID_HZ, Analysis
from ..errors import AeqError
from ..model.curves import COMPARED, REFERENCE_RATE
from ..model.eq_autoencoder import N_LATENT, EqAutoencoder
from ..train.data import read_clips
from .edits import equalised
from .folds import N_FOLDS, exam_folds, load_fold

STYLES = ("broadcast", "telephone", "neutral", "bright", "warm")
DRAWS = 4  # of each style for each clip
SHRINK = 0.02  # of the classifier's covariance towards a sphere, the same for all features


def draw_style(style: str, generator: torch.Generator) -> Eq:
    """A random EQ of a style; frequencies in Hz, gains in dB."""

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand(1, generator=generator))

    low_shelf, high_shelf, band = BandKind.LOW_SHELF, BandKind.HIGH_SHELF, BandKind.BAND
    bands = {
        "broadcast": lambda: [Band(low_shelf, uniform(80, 200), uniform(2, 6)), Band(high_shelf, uniform(4e3, 9e3), uniform(2, 6))],
        "telephone": lambda: [Band(BandKind.HIGH_PASS, uniform(250, 450), 0, 2), Band(BandKind.LOW_PASS, uniform(2500, 4000), 0, 2)],
        "neutral": lambda: [Band(band, uniform(100, 8000), uniform(-1.5, 1.5), 1.5) for _ in range(3)],
        "bright": lambda: [Band(low_shelf, uniform(100, 300), uniform(-4, 0)), Band(high_shelf, uniform(3e3, 8e3), uniform(3, 8))],
        "warm": lambda: [Band(low_shelf, uniform(150, 400), uniform(2, 6)), Band(high_shelf, uniform(3e3, 8e3), uniform(-8, -2))],
    }  # fmt: skip
    return Eq(tuple(bands[style]()))


def run_encoder(
    audio: Sequence[Path | str], models: Path | str | None = None, tell: Callable[[str], None] = lambda _: None
) -> dict[str, dict[str, dict[str, float]]]:
    """{'five styles': {features: {'accuracy': ...}}} over the mixes in the first of `audio`; others only teach. Raises `AeqError`, `ModelError`."""
    examined, *more = ([clip for clip in read_clips([folder], tell) if clip.kind == "mix"] for folder in audio)
    if len({clip.source for clip in examined}) < N_FOLDS:
        raise AeqError(f"the encoder's test needs mixes of at least {N_FOLDS} sources")
    fold_of, eq_model = exam_folds(examined), EqAutoencoder.load(models)
    mixes = examined + [clip for clips in more for clip in clips]
    tests = set(range(len(examined)))
    projection = torch.randn(64, N_LATENT, generator=torch.Generator().manual_seed(0), dtype=torch.float64) / 8
    right: dict[str, list[bool]] = {}
    for k in range(N_FOLDS):
        held = {source for source, fold in fold_of.items() if fold == k}
        encoder = load_fold(models, k, held)
        tell(f"fold {k + 1} of {N_FOLDS}")
        features: dict[str, list[Tensor]] = {}
        labels, unseen = [], []
        for i, clip in enumerate(mixes):
            if i not in tests and clip.source in held:
                continue
            natural = encoder.observe(clip.analysis, eq_model).usual_db
            for label, style in enumerate(STYLES):
                for draw in range(DRAWS):
                    generator = torch.Generator().manual_seed(1000 * i + 10 * label + draw)
                    eq = draw_style(style, generator)
                    shaped = equalised(clip.analysis, torch.from_numpy(eq.response_db(GRID_HZ, REFERENCE_RATE)))
                    # the texture, hence what is usual, is the same with and without an EQ
                    seen = encoder.compare(shaped.ltas_db(), natural, shaped.in_reach, eq_model)
                    features.setdefault("encoder", []).append(seen.code)
                    features.setdefault("band energies", []).append(band_energies(shaped))
                    features.setdefault("random mel projection", []).append(log_mel(shaped) @ projection)
                    labels.append(label)
                    unseen.append(clip.source in held)
        truth, test = torch.tensor(labels), torch.tensor(unseen)
        for name, rows in features.items():
            said = classify(torch.stack(rows), truth, test)
            right.setdefault(name, []).extend((said == truth[test]).tolist())
    return {"five styles": {name: {"accuracy": round(float(np.mean(hits)), 4)} for name, hits in right.items()}}


def classify(x: Tensor, labels: Tensor, test: Tensor) -> Tensor:
    """Linear discriminant analysis (one covariance for all classes, shrunk), trained where `test` is False."""
    known, y = x[~test], labels[~test]
    means = torch.stack([known[y == k].mean(0) for k in range(len(STYLES))])
    within = known - means[y]
    cov = within.T @ within / len(within)
    cov = cov + SHRINK * cov.diagonal().mean() * torch.eye(x.shape[1], dtype=x.dtype)
    weight = torch.linalg.solve(cov, means.T)  # (features, classes)
    return (x[test] @ weight - 0.5 * (means.T * weight).sum(0)).argmax(1)


def band_energies(analysis: Analysis) -> Tensor:
    """(32,) dB: band levels over log-frequency, level-free."""
    ltas = analysis.ltas_db()[COMPARED]
    bands = torch.nn.functional.interpolate(ltas[None, None], size=N_LATENT, mode="linear", align_corners=True)[0, 0]
    return bands - bands.mean()


def log_mel(analysis: Analysis) -> Tensor:
    """(64,) dB, mean over time of the log-mel spectrum, level-free."""
    power = analysis.mel_power.double()
    level = 10 * power.clamp_min(float(power.max()) * 1e-10).log10().mean(0)
    return level - level.mean()
