"""The same curve at another sample rate: bands near half the rate come out narrower the nearer that lies."""

from __future__ import annotations

import numpy as np

from ..eq import PASS_FILTERS, Band, Eq
from .band_shapes import CODES, Shapes, from_solver, to_solver
from .few_bands import FIXED_OCT, GAINS_DB, RANGES_HZ, WIDTHS_OCT
from .levenberg import Problem, levenberg_marquardt
from .spectrum import GRID_HZ

APART_DB = 0.25  # what is nearer than that stays as it is: one sound should have one setting
UP_TO_HZ = 16_000.0  # above, few hear a difference; it counts little there, so that bands do not wander off
ABOVE_WEIGHT = 0.01
MOVES_FROM_HZ = 1000.0  # what lies lower is alike at all rates
SMALL = 2e-4  # dB² for each dB² of gain: of two settings that do the same the gentler one
STEPS = 8


def at_rate(eq: Eq, found_at: float, sample_rate: float) -> Eq:
    """The bands of `eq`, without output gain, for `sample_rate` (Hz): they do there what they did at `found_at`.

    ReaEQ's bells and shelves follow the bilinear transform: a bell at 12 kHz of -3 dB takes 0.5 dB more at 16 kHz when
    it runs at 96 kHz instead of at 44.1 kHz. Where the responses up to 16 kHz lie further apart than `APART_DB`, bells
    and shelves from 1 kHz on are moved to where they are nearest, inside the ranges of `few_bands`. Pass filters, which
    have nothing that could make up for it, stay and are left out of what is compared.
    """
    moving = [n for n, band in enumerate(eq.bands) if band.kind not in PASS_FILTERS and band.freq_hz >= MOVES_FROM_HZ]
    if not moving or sample_rate == found_at:
        return eq
    there, here = Shapes(found_at), Shapes(sample_rate)
    inside = min(UP_TO_HZ, 0.45 * found_at, 0.45 * sample_rate) >= GRID_HZ
    weight = np.where(inside, 1.0, ABOVE_WEIGHT)[None]
    bands = [eq.bands[n] for n in moving]
    codes = np.array([[CODES[band.kind] for band in bands]])
    x = to_solver(np.array([[(band.freq_hz, band.gain_db, band.bandwidth_oct) for band in bands]]))
    wanted = there.responses_db(x, codes).sum(1)

    def apart_db(moved: np.ndarray) -> float:
        return float(np.abs(here.responses_db(moved, codes).sum(1) - wanted)[:, inside].max())

    if apart_db(x) <= APART_DB:
        return eq
    low, high = (_edges(bands, x[0], side).reshape(1, -1) for side in (0, 1))
    problem = Problem(here, codes, low, high, wanted, weight / weight.sum(), np.zeros_like(wanted), 0.0, SMALL)
    moved = levenberg_marquardt(problem, x.reshape(1, -1), STEPS)[0].reshape(x.shape)
    if apart_db(moved) >= apart_db(x):
        return eq
    found = dict(zip(moving, from_solver(moved)[0].tolist(), strict=True))
    return Eq(tuple(Band(band.kind, *found[n]) if n in found else band for n, band in enumerate(eq.bands)))


def _edges(bands: list[Band], x: np.ndarray, side: int) -> np.ndarray:
    """(bands, 3) in the solver's coordinates: how far down (`side` 0) or up each number may go; never less far than
    where it is."""
    rows = [(RANGES_HZ[b.kind][side], GAINS_DB[side], FIXED_OCT.get(b.kind, WIDTHS_OCT[side])) for b in bands]
    edges = to_solver(np.array(rows))
    return np.maximum(edges, x) if side else np.minimum(edges, x)
