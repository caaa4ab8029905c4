"""What stays the same while bands move towards a curve, in the solver's coordinates: octaves and units of 4 dB."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..bands import LIMITS, SHELF_BANDWIDTH_OCT, SHELVES, BandKind
from .response import half_angle_powers

# One unit of each coordinate (freq, gain, bandwidth) in the solver: octave, 4 dB, octave of bandwidth.
GAIN_UNIT_DB = 4.0
FITTED_KINDS = (BandKind.BAND, BandKind.LOW_SHELF, BandKind.HIGH_SHELF)


@dataclass(frozen=True)
class Problem:
    """What stays the same while bands move: the axes, what is free, and what counts beside the distance to a curve.

    `level_free`: 0..1, the part of the mean difference between curve and response that does not count. `small`: dB² of
    cost for each dB² of gain. `axis`: (N, n), a curve for each row, weighted: what of it is missed counts (sum of it
    times the difference)² more; None is none.
    """

    freqs_hz: torch.Tensor
    powers: torch.Tensor  # of the frequencies, (3, n)
    sample_rate: float
    kinds: tuple[BandKind, ...]
    low: torch.Tensor  # (bands * 3,) or of each row (N, bands * 3), in the solver's coordinates
    high: torch.Tensor
    free: torch.Tensor  # indices into bands * 3: shelves keep their bandwidth
    level_free: float
    small: float = 0.0
    axis: torch.Tensor | None = None

    def centred(self, curves: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Without the offset that does not count, if it does not; (..., n)."""
        return curves - self.level_free * (curves * weights).sum(-1, keepdim=True) if self.level_free else curves


def make_problem(
    freqs: torch.Tensor,
    sample_rate: float,
    kinds: tuple[BandKind, ...],
    level_free: bool,
    max_band_hz: float,
    min_band_oct: float,
) -> Problem:
    table = [LIMITS[name] for name in ("freq_hz", "gain_db", "bandwidth_oct")]
    limits = torch.tensor([[[r.low for r in table], [r.high for r in table]]] * len(kinds), dtype=torch.float64)
    shelf = torch.tensor([kind in SHELVES for kind in kinds])
    limits[shelf, :, 2] = SHELF_BANDWIDTH_OCT
    limits[~shelf, 1, 0] = LIMITS["freq_hz"].clamp(max_band_hz)
    limits[~shelf, 0, 2] = LIMITS["bandwidth_oct"].clamp(min_band_oct)
    low, high = (to_solver(limits[:, side]).flatten().to(freqs.device) for side in (0, 1))
    powers = half_angle_powers(freqs, sample_rate)
    return Problem(freqs, powers, sample_rate, kinds, low, high, (low < high).nonzero()[:, 0], float(level_free))


def to_solver(params: torch.Tensor) -> torch.Tensor:
    """Hz, dB, octaves -> octaves, units of 4 dB, octaves of bandwidth."""
    return torch.stack((params[..., 0].log2(), params[..., 1] / GAIN_UNIT_DB, params[..., 2].log2()), -1)


def from_solver(x: torch.Tensor) -> torch.Tensor:
    return torch.stack((x[..., 0].exp2(), x[..., 1] * GAIN_UNIT_DB, x[..., 2].exp2()), -1)
