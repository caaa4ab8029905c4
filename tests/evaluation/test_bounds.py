"""What the laws say of an answer that limits held back."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from reaper_aeq.dsp.spectrum import GRID_HZ, analyze_blocks
from reaper_aeq.eq import Band, BandKind, Eq
from reaper_aeq.evaluation.law import slack_as_loud_db, slack_db
from reaper_aeq.result.safety import Loudness

RATE = 48_000


def bass_and_hiss(level_db):
    """Loud lows, a top 45 dB under them."""
    t = np.arange(4 * RATE) / RATE
    low = np.sin(2 * np.pi * 60 * t) + 0.5 * np.sin(2 * np.pi * 120 * t)
    hiss = np.random.default_rng(0).standard_normal(len(t)) * 0.01
    sound = (low + hiss)[None] * 0.5 * 10 ** (level_db / 20)
    return analyze_blocks([sound.astype(np.float32)], RATE)


@pytest.mark.parametrize("peaks_took_db", [0.0, 3.0])
def test_how_near_a_limit_an_answer_is_does_not_hang_on_what_peaks_took_off(peaks_took_db):
    loud, soft = bass_and_hiss(0.0), bass_and_hiss(-30.0)
    bands = Eq((Band(BandKind.HIGH_SHELF, 2000.0, 4.5, 1.0), Band(BandKind.LOW_SHELF, 100.0, -2.0, 1.0)))
    kept_db = Loudness(loud).lost_db(torch.from_numpy(bands.response_db(GRID_HZ, RATE)))
    eq = bands.with_output_gain(kept_db - peaks_took_db)
    assert slack_as_loud_db(eq, loud) == pytest.approx(slack_db(bands.with_output_gain(kept_db), soft), abs=0.01)
    assert slack_db(eq, loud) == pytest.approx(slack_as_loud_db(eq, loud) + peaks_took_db, abs=0.01)


def test_a_limit_on_lifting_may_be_counted_before_it_begins():
    """A top 39 dB down is one decibel from where 6 dB is the most: 7 dB there break nothing, but lie at a limit."""
    levels_db = torch.from_numpy(np.where(GRID_HZ < 1000.0, 0.0, -39.0))
    analysis = bass_and_hiss(0.0)
    rows = (10 ** (levels_db / 10)).float().expand(len(analysis.band_power), -1)
    analysis = replace(analysis, band_power=rows.clone())
    eq = Eq((Band(BandKind.HIGH_SHELF, 4000.0, 7.0),))
    assert slack_db(eq, analysis) == pytest.approx(5.0, abs=0.2)
    assert slack_db(eq, analysis, 2.5) == pytest.approx(-1.0, abs=0.2)
    assert slack_as_loud_db(eq, analysis, 2.5) == pytest.approx(-1.0, abs=0.2)
