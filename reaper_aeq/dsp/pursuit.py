"""Where a search for bands begins: orthogonal matching pursuit over a dictionary of band shapes.

dB responses are nearly linear in the gain, so shapes can be added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from ..eq import LIMITS, SHELF_BANDWIDTH_OCT, SHELVES, BandKind
from .band_shapes import CODES, GAIN_UNIT_DB, Shapes, to_solver
from .fit_problem import FITTED_KINDS

# Greedy starts differ in taste: for each kind in each of so many parts of the axis, a factor of this spread (log).
REGIONS, HANDICAP = 5, 1.0


@dataclass(frozen=True)
class Pursuit:
    """For curves on one axis: which kinds of bands there are to place, between `low` and `high` (bands * 3,)."""

    shapes: Shapes
    kinds: tuple[BandKind, ...]
    low: np.ndarray
    high: np.ndarray
    level_free: bool

    def starts(self, target: torch.Tensor, weights: torch.Tensor, count: int) -> torch.Tensor:
        """Orthogonal matching pursuit, once per start -> (batch, count, bands * 3) in the solver's coordinates.

        The first start takes the shape that explains most each time. The others are led astray by random handicaps
        from a fixed seed, drawn for a kind and a region together: greed takes one wide band for two, or a shelf for a
        band, and a handicap on single shapes only makes it take the neighbor.
        """

        atoms, kind_of, shapes = _dictionary(tuple(self.shapes.freqs_hz.tolist()), self.shapes.sample_rate, self.kinds)
        batch = len(target)
        position = (atoms[:, 0] - atoms[:, 0].min()) / (atoms[:, 0].max() - atoms[:, 0].min())
        region = kind_of * REGIONS + (position * REGIONS).long().clamp(max=REGIONS - 1)
        draws = torch.randn(count, REGIONS * len(FITTED_KINDS), generator=torch.Generator().manual_seed(0)).double()
        draws[0] = 0
        handicap = draws.mul(HANDICAP).exp()[:, region].repeat(batch, 1)
        target, weights = (t.repeat_interleave(count, 0) for t in (target, weights))
        left = torch.tensor([self.kinds.count(k) for k in FITTED_KINDS]).repeat(len(target), 1)

        target = self._centered(target, weights)
        mean = weights @ shapes.T if self.level_free else 0.0
        norm = (weights @ (shapes**2).T - mean**2).clamp(min=1e-9)
        picks: list[torch.Tensor] = []
        residual = target
        for _ in self.kinds:
            gain = (residual * weights) @ shapes.T / norm  # a centered residual needs no centered shapes
            score = (gain**2 * norm + 1e-12) * handicap * (left.gather(1, kind_of.expand(len(left), -1)) > 0)
            pick = score.argmax(1)
            picks.append(pick)
            left = left.scatter_add(1, kind_of[pick].unsqueeze(1), -torch.ones_like(pick).unsqueeze(1))
            chosen = self._centered(shapes[torch.stack(picks, 1)], weights.unsqueeze(1))  # (N, k, n)
            gram = (chosen * weights.unsqueeze(1)) @ chosen.mT
            eye = torch.eye(len(picks), dtype=gram.dtype)
            # the ridge keeps two neighbors from fighting each other with gains of opposite sign
            ridge = 0.02 * gram.diagonal(dim1=-2, dim2=-1).mean(-1)[:, None, None] + 1e-9
            gains = torch.linalg.solve(gram + ridge * eye, chosen @ (target * weights).unsqueeze(-1)).squeeze(-1)
            residual = target - (gains.unsqueeze(1) @ chosen).squeeze(1)
        pick = torch.stack(picks, 1)
        x = atoms[pick]
        x[..., 1] = gains / GAIN_UNIT_DB
        # lay the picks into the places of their kinds
        place = sorted(range(len(self.kinds)), key=lambda i: FITTED_KINDS.index(self.kinds[i]))
        x = x.gather(1, kind_of[pick].argsort(dim=1, stable=True).unsqueeze(-1).expand(-1, -1, 3))
        x = x[:, torch.tensor(place).argsort()]
        x = x.flatten(1).clamp(torch.from_numpy(self.low), torch.from_numpy(self.high))
        return x.view(batch, count, -1)

    def _centered(self, curves: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Without the offset that does not count, if it does not; (..., n)."""
        return curves - (curves * weights).sum(-1, keepdim=True) if self.level_free else curves


@lru_cache(maxsize=16)
def _dictionary(
    freqs_hz: tuple[float, ...], sample_rate: float, kinds: tuple[BandKind, ...]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Atoms (m, 3) in the solver's coordinates, each one's place in FITTED_KINDS (m,), dB per dB of gain (m, n)."""
    low, high = max(LIMITS["freq_hz"].low, freqs_hz[0]), min(LIMITS["freq_hz"].high, freqs_hz[-1], sample_rate * 0.45)
    centers = np.geomspace(low, high, 24)
    rows: list[tuple[float, float, float]] = []
    kind_of: list[int] = []
    codes: list[list[int]] = []
    for place, kind in enumerate(FITTED_KINDS):
        if kind not in kinds:
            continue
        widths = (SHELF_BANDWIDTH_OCT,) if kind in SHELVES else (0.25, 0.6, 1.2, 2.0, 3.2)
        rows += [(freq_hz, 6.0, width) for freq_hz in centers for width in widths]
        kind_of += [place] * (len(rows) - len(kind_of))
        codes += [[CODES[kind]]] * (len(rows) - len(codes))
    x = to_solver(np.array(rows))
    shapes = Shapes(np.array(freqs_hz), sample_rate).responses_db(x[:, None], np.array(codes))[:, 0] / 6.0
    return torch.from_numpy(x), torch.tensor(kind_of), torch.from_numpy(shapes)
