"""The filter of an EQ that follows a song, block by block and without clicks."""

from __future__ import annotations

import itertools

import numpy as np

from ..eq import Eq, MovingEq
from .response import EqFilter, band_coefficients, params_from_eq
from .sosfilt import sosfilt

STEP = 16  # samples with the same coefficients while gains move: of 64 a pure bass tone shows the steps


def filter_of(eq: Eq, moving: MovingEq | None, sample_rate: float, channels: int) -> EqFilter | MovingEqFilter:
    """What filters a stream by `moving`, or by `eq` where nothing moves."""
    return MovingEqFilter(moving, sample_rate, channels) if moving else EqFilter(eq, sample_rate, channels)


class MovingEqFilter:
    """As `response.EqFilter`, with gains that move; the filters' states go on from one step to the next.

    >>> import numpy as np
    >>> from reaper_aeq.eq import Eq, EqSection
    >>> sections = (EqSection(0.0, 1.0, Eq()), EqSection(1.0, 2.0, Eq((), -6.0)))
    >>> out = MovingEqFilter(MovingEq(sections), sample_rate=100, channels=1).process(np.ones((1, 200)))
    >>> [round(float(out[0, n]), 2) for n in (0, 49, 75, 150)]
    [1.0, 1.0, 0.75, 0.5]
    """

    def __init__(self, moving: MovingEq, sample_rate: float, channels: int):
        self._moving, self._rate, self._position = moving, sample_rate, 0
        self._state = np.zeros((sum(band.enabled for band in moving.bands), channels, 2))
        # all that moves to the next section does so in the same time
        self._ramps = sorted({
            (round(start * sample_rate), round(stop * sample_rate))
            for n in range(len(moving.bands) + 1)
            for (start, was), (stop, is_) in itertools.pairwise(moving.points(n))
            if was != is_
        })  # fmt: skip
        gains = moving.points(len(moving.bands))
        self._gain_at = np.array([at * sample_rate for at, _ in gains])
        self._gain = np.array([10 ** (gain_db / 20) for _, gain_db in gains])

    def process(self, block: np.ndarray) -> np.ndarray:
        """(channels, samples) in, the same shape out, float32; samples beyond 1.0 are kept, never clipped."""
        block = np.asarray(block, dtype=np.float64)
        out = np.empty_like(block)
        done = 0
        while done < block.shape[1]:
            at = self._position + done
            stop = min(block.shape[1], done + self._still(at))
            # in the middle of a step, so that steps lie about what they stand for
            eq = self._moving.at((at + 0.5 * min(STEP, stop - done)) / self._rate)
            params, kinds = params_from_eq(eq)
            part = block[:, done:stop]
            if len(kinds):
                sos = band_coefficients(params, kinds, self._rate).numpy()
                part, self._state = sosfilt(sos, part, self._state)
            out[:, done:stop] = part
            done = stop
        out *= np.interp(self._position + np.arange(block.shape[1]), self._gain_at, self._gain)
        self._position += block.shape[1]
        return out.astype(np.float32)

    def _still(self, at: int) -> int:
        """For how many samples from `at` the coefficients of there may stay."""
        for start, stop in self._ramps:
            if at < start:
                return start - at
            if at < stop:
                return min(STEP, stop - at)
        return 2**40
