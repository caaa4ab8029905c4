"""Where the balance of a sound changes for good, and what is known of the sections between."""

import numpy as np
import pytest
import torch

from reaper_aeq.dsp.sections import analysis_of, find_parts, given_parts
from reaper_aeq.dsp.spectrum import analyze_blocks
from reaper_aeq.errors import AeqError

RATE = 44_100


def noise(seconds, slope_db, seed):
    """Falls by so many dB an octave."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((2, round(seconds * RATE))))
    octaves = np.log2(np.maximum(np.fft.rfftfreq(round(seconds * RATE), 1 / RATE), 20.0) / 1000)
    sound = np.fft.irfft(spectrum * 10 ** (slope_db * octaves / 20), n=round(seconds * RATE))
    return (0.05 * sound / sound.std()).astype(np.float32)


def analyzed(*sounds):
    return analyze_blocks([np.concatenate(sounds, 1)], RATE, sections=True)


def test_cut_where_the_balance_changes_for_good():
    parts = find_parts(analyzed(noise(12, -3, 1), noise(10, -6, 2), noise(9, -2, 3)))
    assert [part.start_s for part in parts] == pytest.approx([0, 12, 22], abs=1.01)
    assert parts[-1].stop_s == pytest.approx(31, abs=0.01)


def test_a_short_sound_is_cut_for_two_decibels_an_octave():
    """Its own steps say how large a change is, not what was taken for them before anything was heard."""
    parts = find_parts(analyzed(noise(10, -3, 1), noise(10, -5, 2)))
    assert [part.start_s for part in parts] == pytest.approx([0, 10], abs=1.01)
    assert len(find_parts(analyzed(noise(10, -3, 1), noise(10, -4, 2)))) == 1


def test_neither_steady_nor_louder_nor_for_a_moment():
    assert len(find_parts(analyzed(noise(40, -3, 1)))) == 1
    assert len(find_parts(analyzed(noise(15, -3, 1), 0.1 * noise(15, -3, 2)))) == 1
    assert len(find_parts(analyzed(noise(15, -3, 1), noise(2, -6, 2), noise(15, -3, 3)))) == 1
    assert len(find_parts(analyzed(noise(15, -3, 1), np.zeros((2, 5 * RATE), np.float32), noise(15, -3, 3)))) == 1


def test_a_part_is_known_by_its_own_fine_structure():
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(12 * RATE) / RATE) * np.ones((2, 1))
    hiss = noise(12, -3, 1)
    both = analyzed(hiss, tone.astype(np.float32) + 0.01 * hiss)
    first, second = given_parts(both, [12.0])
    of_first = analysis_of(both, first).fine
    apart = (of_first - analyzed(hiss).fine).abs().nan_to_num(0.0)
    far = (both.fine - analyzed(hiss).fine).abs().nan_to_num(0.0)
    assert apart.max() < 0.5 * far.max() and apart.mean() < 0.3 * far.mean()
    assert not torch.allclose(of_first, analysis_of(both, second).fine, equal_nan=True)


def test_given_times_outside_of_the_sound_do_not_count():
    whole = analyzed(noise(10, -3, 1))
    assert [part.start_s for part in given_parts(whole, [-3.0, 4.0, 4.0, 99.0])] == [0.0, 4.0]
    with pytest.raises(AeqError, match="times in seconds"):
        given_parts(whole, [float("nan")])
