"""A word that means that nothing should be down there gets a high-pass, which keeps every law and grows evenly."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from reaper_aeq import AdaptiveEQ
from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.eq import PASS_FILTERS, Band, Eq
from reaper_aeq.model.curves import GRID, audible_projection
from reaper_aeq.reaper.reaeq.instance import to_eq, to_state
from reaper_aeq.result.safety import CUT, Limits, Loudness, scaled
from reaper_aeq.result.wanted_gone import ends_wanted_gone
from reaper_aeq.training.datasets.sources import shaped_noise

RATE = 48_000


@pytest.fixture(scope="module")
def engine() -> AdaptiveEQ:
    return AdaptiveEQ.load(device="cpu")


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    """Noise as a mix has it, with sound at both ends."""
    return shaped_noise(-3.0 * GRID.log2() + 30, 6.0, RATE, torch.Generator().manual_seed(1), 2.0, 0.6).numpy()


@pytest.fixture(scope="module")
def analysis(engine, sound):
    return engine.analyze(sound, RATE)


def pass_filters(eq: Eq) -> list[Band]:
    return [band for band in eq.bands if band.kind in PASS_FILTERS]


LOW = ("less rumble", "tight", "less plosive")


@pytest.mark.parametrize("word", LOW)
def test_such_words_get_a_pass_filter_and_no_shelf_or_bell_there(engine, analysis, word):
    result = engine.adapt_analysis(analysis, word)
    (band,) = pass_filters(result.eq)
    assert (band.kind, band.bandwidth_oct) == ("high_pass", 1.9) and 30 < band.freq_hz < 100
    assert all(other.freq_hz > 120 for other in result.eq.bands if other is not band)
    assert "a high-pass at" in result.explanation
    # never a boost, and of the second order: 12 dB an octave
    alone = Eq((band,))
    assert alone.response_db(GRID_HZ, RATE).max() < 0.01
    assert np.diff(alone.response_db(np.array([0.1, 0.2]) * band.freq_hz, RATE)) == pytest.approx(12.0, abs=0.1)


def test_a_low_pass_where_it_lies_low_enough_else_a_shelf(engine, analysis):
    """Half of one at 15 kHz would have left the spectrum."""
    kinds = [band.kind for band in engine.adapt_analysis(analysis, "less fizzy").eq.bands]
    assert "high_shelf" in kinds and "band" not in kinds
    dark = shaped_noise(-7.0 * GRID.log2() + 70, 6.0, RATE, torch.Generator().manual_seed(1), 2.0, 0.6).numpy()
    darker = engine.adapt(dark, RATE, "less fizzy", intensity=1.0, kind="guitar").eq
    assert all(band.freq_hz <= 11_000 for band in pass_filters(darker))


@pytest.mark.parametrize(
    "word", ["warm", "thin", "less boomy", "less deep", "dark", "less airy", "dull", "deep", "bright"]
)
def test_shelves_and_bells_do_everywhere_else(engine, analysis, word):
    assert not pass_filters(engine.adapt_analysis(analysis, word).eq)


def test_what_no_word_asks_away():
    assert ends_wanted_gone(None)[0].tolist() == [0.0, float("inf")]
    step = torch.where(GRID < 60, -6.0, 0.0).double()
    ends, gone = ends_wanted_gone(step)
    assert 50 < ends[0] < 60 and ends[1] == float("inf") and bool((gone == (GRID < 60)).all())
    assert ends_wanted_gone(-step)[0].tolist() == [0.0, float("inf")], "a boost"
    assert ends_wanted_gone(torch.where(GRID < 300, -6.0, 0.0).double())[0][0] == 0, "that is the bass"
    assert ends_wanted_gone(step + torch.where((GRID > 500) & (GRID < 900), 5.0, 0.0))[0][0] == 0, "it means more"
    ends, gone = ends_wanted_gone(step.flip(0))
    assert ends[0] == 0 and ends[1] > 8000 and bool((gone == (step.flip(0) < -1)).all())


@pytest.mark.parametrize("word", ["less rumble", "tight", "less fizzy"])
def test_it_grows_evenly_with_intensity_and_is_nothing_at_0(engine, analysis, word):
    seen = engine.encoder.observe(analysis, engine.eq_model)
    curve = engine.curve_of(word)
    shares, scores = [], []
    for intensity in (0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0):
        result = engine.adapt_analysis(analysis, word, intensity=intensity)
        response = torch.from_numpy(result.eq.response_db(GRID_HZ, RATE))
        shares.append(float(audible_projection(response, curve, seen.visible)))
        scores.append(result.score_after)
    assert shares[0] == 0 and engine.adapt_analysis(analysis, word, intensity=0.0).eq.bands == ()
    assert all(b > a for a, b in pairwise(shares)), shares
    assert all(b >= a for a, b in pairwise(scores)), scores
    # about as the gain of a shelf would: half of it at a half, twice of it at two
    assert 0.4 < shares[3] / shares[5] < 0.65 and 1.5 < shares[7] / shares[5] < 2.2


def test_the_opposite_has_no_pass_filter(engine, analysis):
    assert not pass_filters(engine.adapt_analysis(analysis, "less rumble", intensity=-1.0).eq)
    assert not pass_filters(engine.adapt_analysis(analysis, "rumble").eq)


def test_a_sound_without_lows_gets_no_filter_for_them(engine):
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal((1, 4 * RATE)) * np.hanning(4 * RATE))
    spectrum[:, : 4 * 300] = 0
    noise = (0.1 * np.fft.irfft(spectrum)).astype(np.float32)
    assert not pass_filters(engine.adapt(noise, RATE, "less rumble").eq)


def test_every_way_of_asking_goes_through(engine, analysis):
    for method in ("fixed", "refine", "proxy"):
        (band,) = pass_filters(engine.adapt_analysis(analysis, "less rumble", method=method).eq)
        assert band.kind == "high_pass" and band.bandwidth_oct == 1.9
    (blended,) = pass_filters(engine.adapt_analysis(analysis, {"less rumble": 1.0, "less plosive": 0.5}).eq)
    assert 30 < blended.freq_hz < 100


def test_limits_leave_out_what_a_pass_filter_takes_away(engine, analysis):
    """Its cut may be deeper than 12 dB, that of the other bands may not."""
    limits = Limits(analysis.ltas_db(), Loudness(analysis))
    deep = Eq((Band("high_pass", 90.0, 0.0, 1.9),))
    held = limits.held(deep)
    assert held.by is None and held.eq.bands == deep.bands and deep.response_db(np.array([30.0]), RATE)[0] < -18
    cut = Eq((Band("high_pass", 60.0, 0.0, 1.9), Band("band", 300.0, -12.0, 1.0), Band("band", 310.0, -6.0, 1.0)))
    assert limits.held(cut).by == CUT
    half = limits.held(deep, 0.5).eq.bands[0]
    assert half.freq_hz == pytest.approx(scaled(deep, 0.5).bands[0].freq_hz) and half.gain_db == 0
    assert half.freq_hz < 75


def test_it_is_stored_as_reaeq_stores_it_and_sounds_so(engine, analysis, sound):
    eq = engine.adapt_analysis(analysis, "less rumble").eq
    assert [band.kind for band in to_eq(to_state(eq)).bands] == [band.kind for band in eq.bands]
    assert to_state(eq).bands[0].type == 4
    before, after = (
        np.abs(np.fft.rfft(audio[0]))[np.searchsorted(np.fft.rfftfreq(sound.shape[1], 1 / RATE), (22, 28)).tolist()]
        for audio in (sound, eq.apply(sound, RATE))
    )
    assert np.all(after < before)


def test_a_filter_alone_is_no_eq_that_does_nothing(engine, analysis):
    result = engine.adapt_analysis(analysis, "less rumble")
    alone = Eq(tuple(pass_filters(result.eq)), 0.0)
    assert not replace(result, eq=alone).does_nothing
