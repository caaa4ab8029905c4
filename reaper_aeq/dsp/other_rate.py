"""The same curve at another sample rate: bands near half the rate come out narrower the nearer that lies."""

from __future__ import annotations

import numpy as np

from ..eq import PASS_FILTERS, Band, Eq
from .band_shapes import CODES, Shapes, from_solver, to_solver
from .fit_problem import Problem, limits_of
from .levenberg import levenberg_marquardt

APART_DB = 0.25  # what is nearer than that stays as it is: one sound should have one setting
UP_TO_HZ = 16_000.0  # above, few hear a difference
STEPS = 8


def at_rate(eq: Eq, freqs_hz: np.ndarray, found_at: float, sample_rate: float) -> Eq:
    """The bands of `eq`, without output gain, for `sample_rate` (Hz): they do there what they did at `found_at`.

    ReaEQ's bells and shelves follow the bilinear transform: a bell at 12 kHz of -3 dB takes 0.5 dB more at 16 kHz when
    it runs at 96 kHz instead of at 44.1 kHz. Where the responses on `freqs_hz` (n,) up to 16 kHz lie further apart than
    `APART_DB`, all bands but pass filters are moved to where they are nearest.
    """
    if not eq.bands or sample_rate == found_at:
        return eq
    there, here = Shapes(freqs_hz, found_at), Shapes(freqs_hz, sample_rate)
    compared = freqs_hz <= min(UP_TO_HZ, 0.45 * found_at, 0.45 * sample_rate)
    codes = np.array([[CODES[band.kind] for band in eq.bands]])
    x = to_solver(np.array([[(band.freq_hz, band.gain_db, band.bandwidth_oct) for band in eq.bands]]))
    wanted = there.responses_db(x, codes).sum(1)
    apart_db = float(np.abs(here.responses_db(x, codes).sum(1) - wanted)[:, compared].max())
    if apart_db <= APART_DB:
        return eq
    limits = limits_of(tuple(band.kind for band in eq.bands), UP_TO_HZ, 0.0)
    stays = np.repeat([band.kind in PASS_FILTERS for band in eq.bands], 3)
    flat = x.reshape(1, -1)
    low, high = (np.where(stays, flat, limit[None]) for limit in limits)
    problem = Problem(here, codes, low, high, wanted, compared[None] / compared.sum(), 0.0)
    moved = levenberg_marquardt(problem, flat, STEPS)[0].reshape(x.shape)
    if np.abs(here.responses_db(moved, codes).sum(1) - wanted)[:, compared].max() >= apart_db:
        return eq
    rows = zip(eq.bands, from_solver(moved)[0].tolist(), strict=True)
    return Eq(tuple(band if band.kind in PASS_FILTERS else Band(band.kind, *numbers) for band, numbers in rows))
