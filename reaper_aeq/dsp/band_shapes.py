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
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..eq import BandKind
from .response import MAX_FREQ_RATIO, MAX_SINH_ARGUMENT, MIN_POWER
from .spectrum import GRID_HZ

KINDS = (BandKind.BAND, BandKind.LOW_SHELF, BandKind.HIGH_SHELF, BandKind.HIGH_PASS, BandKind.LOW_PASS)
CODES = {kind: code for code, kind in enumerate(KINDS)}
BELL, LOW_SHELF, HIGH_SHELF, HIGH_PASS, LOW_PASS = range(5)
PASS_BANDWIDTH_OCT = 1.9  # of a Butterworth filter: flat up to its corner, where it takes 3.0 dB
# One unit of each coordinate (freq, gain, bandwidth) in the solver: octave, 4 dB, octave of bandwidth.
GAIN_UNIT_DB = 4.0
DB = 10 / math.log(10)  # of a squared magnitude, for each unit of its natural logarithm
LN2 = math.log(2)
# Processors work on several numbers at once and on what is left over another way, which changes the last digits: filled
# up to a multiple of this, a row's result does not depend on how many others there are.
ROWS = 8


# What follows from a kind alone, in the order of `KINDS`: whether it is a bell; by which power of the gain the top's
# constant grows; whether the top has a slope, and a constant; dB for each unit of gain, everywhere.
TABLE = np.array(
    [
        (1.0, 0.0, 0.0, 0.0, 0.0),
        (1.0, 1.0, -1.0, 0.0, 0.0),
        (1.0, 1.0, 1.0, 1.0, 0.0),
        (1.0, 1.0, 1.0, 0.0, 1.0),
        (0.0, 0.0, GAIN_UNIT_DB, 0.0, 0.0),
    ]
)
# of tan², 1/tan², 1 and tan⁴, over those of the center, by ln tan(w0/2)
BASE_SLOPE = np.array((-2.0, 2.0, 0.0, -4.0))
# The tangent grows without end towards half the sample rate, where nothing is left to hear.
MOST_TAN2 = 1e11


class Kinds:
    """Kinds of bands (N, bands) as the rows of `TABLE` for them."""

    def __init__(self, codes: np.ndarray) -> None:
        self.bell, self.grows, self.top_slope, self.top_constant, self.offset_db = TABLE[:, codes]
        self.passing = bool(codes.max(initial=0) > HIGH_SHELF)


@dataclass(frozen=True)
class Shapes:
    """What bands do at a sample rate, Hz, on the frequencies of the grid."""

    sample_rate: float

    @cached_property
    def powers(self) -> np.ndarray:
        """tan², 1/tan², 1 and tan⁴ of half the angle, (4, n): what all terms are made of."""
        half = np.minimum(GRID_HZ, self.sample_rate / 2) * (math.pi / self.sample_rate)
        tan2 = np.minimum(np.tan(half) ** 2, MOST_TAN2)
        return np.stack((tan2, 1 / tan2, np.ones_like(tan2), tan2 * tan2))

    @cached_property
    def single_powers(self) -> np.ndarray:
        """`powers` in single precision."""
        return self.powers.astype(np.float32)

    def responses_db(self, x: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Of each band alone, (N, bands, n) dB. x (N, bands, 3) in the solver's coordinates, codes (N, bands)."""
        kinds = Kinds(codes)
        rows, *_ = _terms(x, kinds, self.sample_rate, slopes=False)
        top, bottom = (rows.reshape(-1, 4) @ self.powers).reshape(*rows.shape[:-1], -1)
        return DB * np.log(np.maximum(top / bottom, MIN_POWER)) + (kinds.offset_db * x[..., 1])[..., None]

    def with_slopes(self, x: np.ndarray, kinds: Kinds, out: np.ndarray) -> None:
        """The slopes of the response by each number of each band, and below them the response of the bands in series,
        dB; written into `out` (N, bands * 3 + 1, n), in single precision: steps that are tried need no more."""
        rows, constants, by_place, by_width = _terms(x, kinds, self.sample_rate, slopes=True)
        made = rows.reshape(3, -1, 4).astype(np.float32) @ self.single_powers
        top, bottom, base_slope = made.reshape(*rows.shape[:-1], -1)
        constants, by_place, by_width = (one.astype(np.float32)[..., None] for one in (constants, by_place, by_width))
        place, gain, width = (out[:, number:-1:3] for number in range(3))
        np.divide(1, bottom, out=bottom)
        response = np.multiply.reduce(top * bottom, axis=1, out=out[:, -1])
        np.log(np.maximum(response, MIN_POWER, out=response), out=response)
        response *= DB
        response += (kinds.offset_db * x[..., 1]).sum(1)[:, None]
        np.divide(1, top, out=top)
        np.subtract(kinds.top_slope[..., None] * top if kinds.passing else top, bottom, out=place)
        place *= base_slope
        top *= constants[0]
        bottom *= constants[1]
        np.subtract(top, bottom, out=width)
        np.add(top, bottom, out=gain)
        gain += kinds.offset_db[..., None]
        place += np.multiply(width, by_place, out=top)
        width *= by_width


def _terms(
    x: np.ndarray, kinds: Kinds, sample_rate: float, slopes: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What `Shapes.powers` are multiplied by for top and bottom of each band's fraction, and, with `slopes`, for how
    the base changes: (2 or 3, N, bands, 4). Then, (N, bands) each but for two of the first: what the reciprocals of
    top and bottom are multiplied by in the slope by the gain (2, ...), and what the difference of these two is
    multiplied by in the slopes by frequency and by width."""
    made = np.exp2(x[..., ::2])
    w = np.minimum(made[..., 0] * (2 * math.pi / sample_rate), 2 * math.pi * MAX_FREQ_RATIO)
    sin, cos = np.sin(w), np.cos(w)
    place = (1 - cos) / (1 + cos)
    ratio = w / sin
    z = np.minimum(made[..., 1] * ratio * (0.5 * LN2), MAX_SINH_ARGUMENT)
    sinh = np.sinh(z)
    constants = np.empty((2, *place.shape))
    np.exp(kinds.grows * x[..., 1] * (GAIN_UNIT_DB * math.log(10) / 20), out=constants[0])
    np.divide(1, constants[0], out=constants[1])
    constants *= 1 + kinds.bell * (4 * sinh * sinh - 1)
    over = kinds.bell / place
    rows = np.empty((3 if slopes else 2, *place.shape, 4))
    rows[..., 0], rows[..., 1], rows[..., 2] = over, kinds.bell * place, -2 * kinds.bell
    rows[..., 3] = (1 - kinds.bell) / (place * place)
    if kinds.passing:
        rows[0] *= kinds.top_slope[..., None]
        constants[0] *= kinds.top_constant
    rows[:2, ..., 2] += constants
    if not slopes:
        return rows, constants, place, place
    # of the response: by the place (ln tan(w0/2)), by ln sqrt(k), by the gain
    rows[2] *= BASE_SLOPE * (DB * LN2 * ratio)[..., None]
    constants *= (0.5 * GAIN_UNIT_DB) * kinds.grows
    by_width = (4 * DB * LN2 / GAIN_UNIT_DB) * kinds.bell * z * np.sqrt(1 + 1 / (sinh * sinh))
    return rows, constants, by_width * (1 - ratio * cos), by_width


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
    made = np.exp2(filled_up(x))[: len(x)]
    made[..., 1] = x[..., 1] * GAIN_UNIT_DB
    return made
