"""An EQ that moves filters as its sections do, and changes between them without a click."""

from itertools import pairwise

import numpy as np
import pytest

from reaper_aeq.dsp.moving_filter import MovingEqFilter
from reaper_aeq.eq import Band, Eq, EqSection, MovingEq
from reaper_aeq.errors import AeqError

RATE = 48_000


def eq(low_db, high_db, out_db=0.0):
    return Eq((Band("low_shelf", 200.0, low_db), Band("band", 3000.0, high_db, 1.5)), out_db)


MOVING = MovingEq(
    (EqSection(0.0, 2.0, eq(4, -3, -1)), EqSection(2.0, 4.0, eq(-2, 5, 2)), EqSection(4.0, 6.0, eq(0, 0)))
)


def tone(freq_hz, seconds=6.0):
    return 0.3 * np.sin(2 * np.pi * freq_hz * np.arange(round(seconds * RATE)) / RATE)[None]


def level_db(sound, start_s, stop_s):
    part = sound[0, round(start_s * RATE) : round(stop_s * RATE)]
    return 10 * np.log10(np.mean(np.square(part, dtype=np.float64)))


@pytest.mark.parametrize("freq_hz", [60.0, 200.0, 1000.0, 3000.0, 9000.0])
def test_levels_follow_the_curve_over_time(freq_hz):
    sound = tone(freq_hz)
    out = MovingEqFilter(MOVING, RATE, 1).process(sound)
    # in each section, and in ten places of a ramp
    spots = [(0.5, 1.4), (2.1, 3.4), (4.1, 5.9), *pairwise(np.linspace(1.5, 2.0, 11))]
    for start_s, stop_s in spots:
        middle = 0.5 * (start_s + stop_s)
        now = MOVING.at(middle)
        expected = now.response_db(np.array([freq_hz]), RATE)[0] + now.output_gain_db
        assert level_db(out, start_s, stop_s) - level_db(sound, start_s, stop_s) == pytest.approx(expected, abs=0.1)


def test_blocks_do_not_show():
    sound = np.random.default_rng(1).normal(size=(2, 3 * RATE)).astype(np.float32)
    whole = MovingEqFilter(MOVING, RATE, 2).process(sound)
    stream = MovingEqFilter(MOVING, RATE, 2)
    edges = [0, 100, 5000, 71_990, 80_000, sound.shape[1]]
    pieces = np.concatenate([stream.process(sound[:, a:b]) for a, b in pairwise(edges)], 1)
    # steps of a ramp begin anew at a block's end: less than can be heard, nowhere a jump
    assert np.abs(pieces - whole).max() < 2e-3


def test_no_clicks():
    sound = tone(100.0)
    out = MovingEqFilter(MOVING, RATE, 1).process(sound)
    # the second difference of a clean tone is w² of it; a click stands far above
    bend = np.abs(np.diff(out[0], 2))[RATE // 10 :]
    assert bend.max() < 2.0 * 0.3 * 2.0 * (2 * np.pi * 100 / RATE) ** 2


def test_points_hold_until_the_ramp_before_a_cut():
    assert MOVING.points(0) == [(0.0, 4), (1.5, 4), (2.0, -2), (3.5, -2), (4.0, 0)]
    assert MOVING.points(2) == [(0.0, -1.0), (1.5, -1.0), (2.0, 2.0), (3.5, 2.0), (4.0, 0.0)]
    assert MOVING.moving == [0, 1, 2]
    assert MOVING.at(99.0) == eq(0, 0)


def test_sections_have_to_have_the_same_bands():
    with pytest.raises(AeqError, match="same bands"):
        MovingEq((EqSection(0, 1, eq(1, 1)), EqSection(1, 2, Eq())))
    with pytest.raises(AeqError, match="follow each other"):
        MovingEq((EqSection(1, 2, eq(1, 1)), EqSection(1, 2, eq(1, 2))))
