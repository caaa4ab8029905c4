"""Comparing what two mixers make of a project."""

from __future__ import annotations

import numpy as np

from reaper_aeq.dsp.spectrum import GRID_HZ, Analysis

RATE = 48_000


def energy_db(analysis: Analysis) -> np.ndarray:
    """(bands,) over the whole sound, so that skipped silence does not count."""
    return 10 * np.log10(analysis.band_power.double().sum(0).numpy() + 1e-20)


def assert_alike(ours: Analysis, theirs: Analysis, top_hz: float = 20_200.0, limit_db: float = 0.5) -> None:
    """LTAS within the limit wherever there is signal, level included."""
    a, b = energy_db(ours), energy_db(theirs)
    heard = (b > b.max() - 60) & (top_hz > GRID_HZ)
    assert heard.sum() > 30 and b.max() > -40
    assert np.abs(a - b)[heard].max() < limit_db
