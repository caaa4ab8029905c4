"""Responses of ReaEQ bands and how they change with each number of a band, written for many sets at once.

The filters are those of `response`, for shelves of one octave and pass filters of 1.9 (both Butterworth). With
t = tan²(w/2) / tan²(w0/2) and G the amplitude of the gain, their squared magnitudes are

    bell        (t + 1/t - 2 + k G) / (t + 1/t - 2 + k / G),    k = 4 sinh²(ln2/2 bandwidth w0/sin w0)
    low shelf   G (t² + G) / (G t² + 1)                         high shelf  G (G t² + 1) / (t² + G)
    high pass   t² / (t² + 1)                                   low pass    1 / (t² + 1)

so a band costs no logarithm of its own, and what differs between bands is a few numbers before each term. Kinds may
differ from set to set: that is what `codes` are for. In numpy, because arrays here are small and torch takes longer to
begin with one than to compute it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..eq import BandKind
from .response import MAX_FREQ_RATIO, MAX_SINH_ARGUMENT, MIN_POWER

CODES = {
    BandKind.BAND: 0, BandKind.LOW_SHELF: 1, BandKind.HIGH_SHELF: 2, BandKind.HIGH_PASS: 3, BandKind.LOW_PASS: 4,
}  # fmt: skip
KINDS = {code: kind for kind, code in CODES.items()}
BELL, LOW_SHELF, HIGH_SHELF, HIGH_PASS, LOW_PASS = range(5)
PASS_BANDWIDTH_OCT = 1.9  # of a Butterworth filter: flat up to its corner, where it takes 3.0 dB
# One unit of each coordinate (freq, gain, bandwidth) in the solver: octave, 4 dB, octave of bandwidth.
GAIN_UNIT_DB = 4.0
DB = 10 / math.log(10)  # of a squared magnitude, for each unit of its natural logarithm
LN2 = math.log(2)
# Processors work on several numbers at once and on what is left over another way, which changes the last digits: filled
# up to a multiple of this, a row's result does not depend on how many others there are.
ROWS = 16


@dataclass(frozen=True)
class Shapes:
    """The frequencies (n,) Hz on which bands act at a sample rate, Hz."""

    freqs_hz: np.ndarray
    sample_rate: float

    @cached_property
    def powers(self) -> np.ndarray:
        """tan², 1/tan², 1 and tan⁴ of half the angle, (4, n): what all terms are made of."""
        half = np.minimum(self.freqs_hz, self.sample_rate / 2) * (math.pi / self.sample_rate)
        tan2 = np.tan(half) ** 2
        return np.stack((tan2, 1 / tan2, np.ones_like(tan2), tan2 * tan2))

    def responses_db(self, x: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Of each band alone, (N, bands, n) dB. x (N, bands, 3) in the solver's coordinates, codes (N, bands)."""
        one = _Terms(x, codes, self, slopes=False)
        top, bottom = one.fractions()
        return DB * np.log(np.maximum(top / bottom, MIN_POWER)) + one.offset_db

    def with_slopes(self, x: np.ndarray, codes: np.ndarray, out: np.ndarray) -> None:
        """The slopes of the response by each number of each band, and below them the response of the bands in series,
        dB; written into `out` (N, bands * 3 + 1, n)."""
        one = _Terms(x, codes, self, slopes=True)
        top, bottom = one.fractions()
        over_bottom = 1 / bottom
        power = np.multiply.reduce(top * over_bottom, axis=1)
        over_top = np.divide(1, top, out=top)
        out[:, -1] = DB * np.log(np.maximum(power, MIN_POWER))
        out[:, -1] += one.offset_db.sum(1)
        by_place = one.top_slope * over_top
        by_place -= one.bottom_slope * over_bottom
        by_place *= one.base_slope
        over_top *= one.top_constant
        over_bottom *= one.bottom_constant
        by_width = over_top - over_bottom
        over_top += over_bottom
        over_top *= one.gain_slope
        over_top += one.gain_bias
        by_place *= one.place_by_freq
        by_place += one.width_by_freq * by_width
        by_width *= one.width_by_width
        out[:, 0:-1:3], out[:, 1:-1:3], out[:, 2:-1:3] = by_place, over_top, by_width


class _Terms:
    """The numbers of bands: with `base` of t, top = slope * base + constant, and so the bottom; (N, bands, 1) each."""

    def __init__(self, x: np.ndarray, codes: np.ndarray, shapes: Shapes, slopes: bool) -> None:
        octave, gain, width = (np.ascontiguousarray(x[..., k]) for k in range(3))
        w = np.minimum(np.exp2(octave) * (2 * math.pi / shapes.sample_rate), 2 * math.pi * MAX_FREQ_RATIO)
        sin, place = np.sin(w), np.tan(0.5 * w) ** 2
        ratio = w / sin
        amplitude = np.exp(gain * (GAIN_UNIT_DB * math.log(10) / 20))
        z = np.minimum(np.exp2(width) * ratio * (0.5 * LN2), MAX_SINH_ARGUMENT)
        k = 4 * np.sinh(z) ** 2
        bell, low, high = codes == BELL, codes == LOW_SHELF, codes == HIGH_SHELF
        self.top_slope = np.where(high, amplitude, 1.0 * (codes != LOW_PASS))[..., None]
        self.bottom_slope = np.where(low, amplitude, 1.0)[..., None]
        k_or_gain = np.where(bell, k, 1.0) * amplitude
        self.top_constant = np.where(bell | low, k_or_gain, 1.0 * (codes != HIGH_PASS))[..., None]
        self.bottom_constant = np.where(bell, k / amplitude, np.where(high, amplitude, 1.0))[..., None]
        self.offset_db = np.where(low | high, 0.5 * GAIN_UNIT_DB * gain, 0.0)[..., None]
        # what t and 1/t are multiplied by: for the base itself and for its slope by ln tan(w0/2)
        rows = np.zeros((*codes.shape, 2 if slopes else 1, 4))
        rows[..., 0, 0], rows[..., 0, 1], rows[..., 0, 2] = bell / place, bell * place, -2.0 * bell
        rows[..., 0, 3] = ~bell / (place * place)
        if slopes:
            rows[..., 1, :] = rows[..., 0, :] * (-2.0, 2.0, 0.0, -4.0)
        made = (rows.reshape(-1, 4) @ shapes.powers).reshape(*rows.shape[:-1], -1)
        self.base = made[..., 0, :]
        if not slopes:
            return
        self.base_slope = made[..., 1, :]
        # of the response: by the place (ln tan(w0/2)), by ln sqrt(k), by the gain
        self.place_by_freq = (DB * LN2 * ratio)[..., None]
        by_width = (2 * DB * LN2) * bell * z / np.tanh(z)
        self.width_by_freq = (by_width * (1 - ratio * np.cos(w)))[..., None]
        self.width_by_width = by_width[..., None]
        self.gain_bias = (GAIN_UNIT_DB * high)[..., None]
        self.gain_slope = GAIN_UNIT_DB * np.where(high, -0.5, 0.5 * (codes <= HIGH_SHELF))[..., None]

    def fractions(self) -> tuple[np.ndarray, np.ndarray]:
        top, bottom = self.top_slope * self.base, self.bottom_slope * self.base
        top += self.top_constant
        bottom += self.bottom_constant
        return top, bottom


def codes_of(kinds: Sequence[BandKind]) -> np.ndarray:
    """(kinds,) the number of each kind."""
    return np.array([CODES[kind] for kind in kinds])


def filled_up(rows: np.ndarray) -> np.ndarray:
    """With the last row repeated up to a multiple of `ROWS`."""
    spare = -len(rows) % ROWS
    return np.concatenate((rows, np.repeat(rows[-1:], spare, 0))) if spare else rows


def to_solver(params: np.ndarray) -> np.ndarray:
    """Hz, dB, octaves -> octaves, units of 4 dB, octaves of bandwidth; (..., 3)."""
    params = np.asarray(params, dtype=np.float64)
    return np.stack((np.log2(params[..., 0]), params[..., 1] / GAIN_UNIT_DB, np.log2(params[..., 2])), -1)


def from_solver(x: np.ndarray) -> np.ndarray:
    """(N, ..., 3) back; a row does not depend on the others."""
    if not len(x):
        return x
    octave, gain, width = (np.ascontiguousarray(side) for side in np.moveaxis(filled_up(x), -1, 0))
    return np.stack((np.exp2(octave), gain * GAIN_UNIT_DB, np.exp2(width)), -1)[: len(x)]
