"""What stays the same while bands move towards curves, one row for each setting that moves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..eq import LIMITS, SHELF_BANDWIDTH_OCT, SHELVES, BandKind
from .band_shapes import Kinds, Shapes, to_solver

FITTED_KINDS = (BandKind.BAND, BandKind.LOW_SHELF, BandKind.HIGH_SHELF)


@dataclass(frozen=True)
class Problem:
    """Curves to come near, what is free, and what counts beside the distance; rows go one by one.

    Attributes:
        shapes: the frequencies, and the responses of bands on them.
        codes: kinds of the bands (N, bands), as in `band_shapes.CODES`.
        low, high: between what each number stays, (N, bands * 3) in the solver's coordinates.
        target: (N, n) dB. weight: (N, n) of each squared error, a row sums to 1.
        level_free: 0..1, the part of the mean difference between curve and response that does not count.
        small: dB² of cost for each dB² of gain.
        axis: (N, n), a weighted curve: what of it is missed counts (sum of it times the difference)² more; or None.
    """

    shapes: Shapes
    codes: np.ndarray
    low: np.ndarray
    high: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    level_free: float
    small: float = 0.0
    axis: np.ndarray | None = None

    @cached_property
    def kinds(self) -> Kinds:
        """What the kinds of bands at all places mean for the solver."""
        return Kinds(self.codes)

    def rows(self, at: np.ndarray | slice) -> Problem:
        """The same for some of the rows."""
        axis = None if self.axis is None else self.axis[at]
        return replace(
            self, codes=self.codes[at], low=self.low[at], high=self.high[at], target=self.target[at],
            weight=self.weight[at], axis=axis,
        )  # fmt: skip


def limits_of(kinds: tuple[BandKind, ...], max_band_hz: float, min_band_oct: float) -> tuple[np.ndarray, np.ndarray]:
    """Between what numbers of bands of these kinds stay, each (bands * 3,) in the solver's coordinates."""
    table = [LIMITS[name] for name in ("freq_hz", "gain_db", "bandwidth_oct")]
    limits = np.array([[[r.low for r in table], [r.high for r in table]]] * len(kinds))
    for limit, kind in zip(limits, kinds, strict=True):
        if kind in SHELVES:
            limit[:, 2] = SHELF_BANDWIDTH_OCT
        else:
            limit[1, 0], limit[0, 2] = LIMITS["freq_hz"].clamp(max_band_hz), LIMITS["bandwidth_oct"].clamp(min_band_oct)
    low, high = (to_solver(limits[:, side]).ravel() for side in (0, 1))
    return low, high
