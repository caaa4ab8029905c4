"""How `evaluate sections` measures: what is taken out of which section, and levels over time."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from reaper_aeq.dsp.spectrum import analyze_blocks
from reaper_aeq.eq import Band, Eq, EqSection, MovingEq
from reaper_aeq.evaluation.sections import RATE, JoinedClips, _beside_one, off_curve_db
from reaper_aeq.model.curves import GRID, N_GRID


def eq(low_db, high_db, out_db=0.0):
    return Eq((Band("low_shelf", 200.0, low_db), Band("band", 3000.0, high_db, 1.5)), out_db)


def test_levels_of_tones_are_those_of_the_curve_at_their_time():
    moving = MovingEq((EqSection(0.0, 2.0, eq(4, -3, -1)), EqSection(2.0, 4.0, eq(-2, 5, 2))))
    assert off_curve_db(moving, RATE) < 0.1


def test_each_recording_loses_its_own_edit():
    sound = np.random.default_rng(1).normal(size=(2, 8 * RATE)).astype(np.float32)
    joined = JoinedClips(SimpleNamespace(), "mixes", 5.0, analyze_blocks([sound], RATE, sections=True))
    first, second = torch.full((N_GRID,), 6.0).double(), -3.0 * (GRID > 1000).double()
    damaged = joined.without((first, second))
    change = 10 * (damaged.band_power / joined.analysis.band_power).log10()
    cut = round(5.0 * damaged.frame_rate)
    assert change[3:cut].numpy() == pytest.approx(-6.0, abs=1e-3)
    assert change[cut:].nan_to_num(0.0)[2].numpy() == pytest.approx(3.0 * (GRID > 1000).float().numpy(), abs=1e-3)
    assert damaged.spectra is joined.analysis.spectra and damaged.node_power is None


def test_errors_are_held_against_those_of_one_eq():
    figures = _beside_one({"one EQ": [2.0, 4.0], "sections": [1.0, 3.5]})
    assert figures["sections"]["less_percent"] == pytest.approx(25.0) and "less_percent" not in figures["one EQ"]
