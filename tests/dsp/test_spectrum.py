"""The analysis: right in level and place, the same however the sound is cut, sampled or spread over channels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import soxr
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.dsp.spectrum import FRAME_S, GRID_HZ, N_MELS, SILENT_POWER, Analysis, analyze_blocks, frame_length
from reaper_aeq.eq import Band, Eq

RATES = (8_000, 11_025, 16_000, 44_100, 48_000, 96_000, 192_000)


def pink(sample_rate: int, seconds: float, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Equal power in every band, RMS 0.1 a channel; float32 (channels, samples)."""
    samples = round(seconds * sample_rate)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((channels, samples)))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(samples, 1 / sample_rate), 10.0))
    sound = np.fft.irfft(spectrum, samples)
    return (0.1 * sound / sound.std(axis=1, keepdims=True)).astype(np.float32)


def sine(freq_hz: float, sample_rate: int, seconds: float, amplitude: float = 0.5) -> np.ndarray:
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    return (amplitude * np.sin(2 * np.pi * freq_hz * time_s)).astype(np.float32)[None]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 20_000), max_size=8), st.integers(1, 2))
def test_the_result_does_not_depend_on_how_the_stream_is_cut(cuts, channels):
    sound = pink(8_000, 1.3, channels)
    edges = [0, *sorted(min(cut, sound.shape[1]) for cut in cuts), sound.shape[1]]
    pieces = [sound[:, a:b] for a, b in pairwise(edges)]
    whole, cut = analyze_blocks([sound], 8_000), analyze_blocks(pieces, 8_000)
    assert cut.band_power.shape == whole.band_power.shape and cut.duration_s == whole.duration_s
    # matrix products of other sizes may round the last bit differently
    torch.testing.assert_close(cut.band_power, whole.band_power, rtol=1e-4, atol=1e-9)
    torch.testing.assert_close(cut.mel_power, whole.mel_power, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("apart_s", [0.0, 1.7, 9.0])
def test_channels_that_are_alike_are_heard_once_and_count_as_often(apart_s):
    """Both sides of a mono file; `apart_s`: until when they are alike, so that the stream changes on its way."""
    sound = np.repeat(pink(8_000, 3.0), 2, axis=0)
    sound[1, round(apart_s * 8_000) :] *= np.float32(0.5)
    blocks = np.split(sound, [4_000, 8_000, 16_000], axis=1)
    found, whole = analyze_blocks(blocks, 8_000), analyze_blocks([sound], 8_000)
    sides = [analyze_blocks([side[None]], 8_000) for side in sound]
    assert found.channels == 2
    for name in ("band_power", "mel_power", "node_power"):
        both = sum(getattr(side, name) for side in sides)
        torch.testing.assert_close(getattr(found, name), both, rtol=1e-4, atol=1e-9)
    assert torch.equal(found.loudest, whole.loudest) and torch.equal(found.loudest, sides[0].loudest)
    assert float((found.fine - whole.fine).abs().nan_to_num(0.0).max()) < 1e-3


def test_what_tells_loudness_is_kept_of_up_to_a_minute():
    for seconds, kept in ((59.9, True), (60.0, True), (60.5, False), (400.0, False)):
        found = analyze_blocks(np.array_split(pink(8_000, seconds), 7, axis=1), 8_000)
        assert (found.node_power is not None) == kept
        if kept:
            assert len(found.node_power) == len(found.band_power)
            # all of the power between the lowest node and Nyquist, and nothing twice
            assert float(found.node_power.sum() / found.band_power.sum()) == pytest.approx(1.0, abs=0.4)


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("center", [10, 20, 32, 40])  # 79 Hz, 250 Hz, 1 kHz, 2.5 kHz
def test_a_sine_lands_in_its_band_with_its_mean_square(sample_rate, center):
    power = analyze_blocks([sine(GRID_HZ[center], sample_rate, 10)], sample_rate).band_power.double().mean(0)
    assert int(power.argmax()) == center
    # half a frame of silence at each end is part of the mean
    around = power[center - 2 : center + 3].sum().item()
    assert 10 * np.log10(around / 0.125) == pytest.approx(0.0, abs=0.12)
    assert power.sum().item() / around < 1.001  # nothing elsewhere


@pytest.mark.parametrize("sample_rate", [rate for rate in RATES if rate < 192_000])
def test_sample_rates_agree_where_they_overlap(sample_rate):
    sound = torch.from_numpy(pink(192_000, 8.0))
    reference = analyze_blocks([sound], 192_000)
    other = analyze_blocks([soxr.resample(sound.T.numpy(), 192_000, sample_rate, "VHQ").T], sample_rate)
    shared = other.in_reach & torch.from_numpy((GRID_HZ > 60) & (0.44 * sample_rate > GRID_HZ))
    assert shared.sum() >= 33 and bool(reference.in_reach.all())
    difference = (other.ltas_db() - reference.ltas_db())[shared]
    assert difference.abs().max() < 0.05


def test_bands_above_nyquist_hold_nothing():
    analysis = analyze_blocks([pink(8_000, 2.0)], 8_000)
    assert int((~analysis.in_reach).sum()) == 15  # 4 kHz itself and all above
    assert bool((analysis.band_power[:, ~analysis.in_reach] == 0).all())
    assert bool((analysis.band_power[:, analysis.in_reach].mean(0) > 0).all())
    assert bool((analysis.mel_power[:, -1] == 0).all())


@pytest.mark.parametrize("channels", [1, 2, 8, 64])
def test_channels_add_up_in_power(channels):
    sound = pink(16_000, 1.0, channels)
    together = analyze_blocks([sound], 16_000)
    alone = sum(analyze_blocks([channel[None]], 16_000).band_power for channel in sound)
    torch.testing.assert_close(together.band_power, alone, rtol=1e-4, atol=1e-9)
    assert together.channels == channels


def test_channels_out_of_phase_do_not_cancel():
    sound = pink(16_000, 1.0)
    power = analyze_blocks([np.concatenate([sound, -sound])], 16_000).band_power
    torch.testing.assert_close(power, 2 * analyze_blocks([sound], 16_000).band_power, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("sample_rate", RATES)
def test_an_offset_holds_no_sound_but_its_edges(sample_rate):
    analysis = analyze_blocks([np.full((2, 2 * sample_rate), 0.5, np.float32)], sample_rate)
    assert float(analysis.band_power[2:-2].sum(1).max()) < SILENT_POWER
    assert bool(torch.isfinite(analysis.ltas_db()).all())


def test_silence_is_silent_and_a_whisper_is_not():
    assert analyze_blocks([np.zeros((2, 48_000), np.float32)], 48_000).silent
    assert analyze_blocks([1e-7 * pink(48_000, 1.0)], 48_000).silent
    assert not analyze_blocks([1e-4 * pink(48_000, 1.0)], 48_000).silent  # -100 dBFS


def test_bands_add_up_to_the_mean_square_of_noise_within_them():
    sample_rate, samples = 48_000, 480_000
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(samples))
    freqs = np.fft.rfftfreq(samples, 1 / sample_rate)
    spectrum[(freqs < 60) | (freqs > 18_000)] = 0
    sound = (0.02 * np.fft.irfft(spectrum, samples)).astype(np.float32)[None]
    analysis = analyze_blocks([sound], sample_rate)
    total = analysis.band_power.double().mean(0).sum().item()
    assert 10 * np.log10(total / np.mean(sound.astype(np.float64) ** 2)) == pytest.approx(0.0, abs=0.12)


@pytest.mark.parametrize("sample_rate", [44_100, 48_000, 96_000])
def test_pink_noise_is_flat(sample_rate):
    analysis = analyze_blocks([pink(sample_rate, 30.0)], sample_rate)
    level = analysis.ltas_db()[analysis.in_reach]
    assert (level - level.mean()).abs().max() < 1.0


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros((1, 48_000)),
        np.ones((1, 1)),
        np.eye(1, 48_000),
        np.eye(2, 3),
        np.full((3, 10), 1e-30),
        np.zeros((1, 0)),
    ],
    ids=["silence", "one sample", "click", "three samples", "denormal", "nothing"],
)
@pytest.mark.parametrize("sample_rate", [8_000, 192_000])
def test_what_hardly_is_a_sound_gives_finite_figures(sound, sample_rate):
    analysis = analyze_blocks([sound.astype(np.float32)], sample_rate)
    assert len(analysis.band_power) >= 1
    assert bool(torch.isfinite(analysis.band_power).all()) and bool(torch.isfinite(analysis.mel_power).all())
    assert bool(torch.isfinite(analysis.ltas_db()).all())


def test_no_blocks_at_all_are_refused():
    with pytest.raises(ValueError, match="no blocks"):
        analyze_blocks([], 48_000)


@pytest.mark.parametrize("sample_rate", RATES)
def test_frames_are_as_frequent_as_they_say(sample_rate):
    analysis = analyze_blocks([pink(sample_rate, 3.0, channels=2)], sample_rate)
    assert frame_length(sample_rate) / sample_rate == pytest.approx(FRAME_S, rel=0.001)
    assert analysis.frame_rate == sample_rate / (frame_length(sample_rate) / 2)
    assert len(analysis.band_power) == pytest.approx(3.0 * analysis.frame_rate, abs=2)
    assert analysis.band_power.shape == (len(analysis.mel_power), len(GRID_HZ))
    assert analysis.mel_power.shape[1] == N_MELS
    assert (analysis.duration_s, analysis.channels, analysis.sample_rate) == (3.0, 2, sample_rate)


def test_the_least_level_is_bounded_below_the_loudest_band():
    power = torch.zeros(3, len(GRID_HZ))
    power[:, 30] = 4.0
    level = Analysis(power, torch.zeros(3, N_MELS), 48_000, 1, 1.0, 10.0).ltas_db()
    assert level[30] == pytest.approx(10 * np.log10(4.0)) and level.min() == pytest.approx(level[30] - 120)


EQS = {
    "warm": Eq((Band("low_shelf", 250, 6.0), Band("high_shelf", 5000, -4.0))),
    "air": Eq((Band("high_shelf", 9000, 8.0), Band("band", 400, -5.0, 1.5))),
    "five": Eq(
        (
            Band("low_shelf", 120, -9.0),
            Band("band", 300, 6.0),
            Band("band", 1200, -6.0, 1.5),
            Band("band", 4000, 7.0, 2.0),
            Band("high_shelf", 10_000, -10.0),
        )
    ),
}


@pytest.mark.parametrize("name", EQS)
@pytest.mark.parametrize("sample_rate", [44_100, 96_000])
def test_an_eq_moves_the_spectrum_by_its_response(name, sample_rate):
    sound, eq = pink(sample_rate, 8.0, channels=2), EQS[name]
    moved = analyze_blocks([eq.apply(sound, sample_rate)], sample_rate).ltas_db()
    moved = (moved - analyze_blocks([sound], sample_rate).ltas_db()).numpy()
    inside = (GRID_HZ >= 100) & (GRID_HZ <= 16_000)
    assert np.abs(moved - eq.response_db(GRID_HZ, sample_rate))[inside].max() < 0.3
