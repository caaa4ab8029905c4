"""Loudness against the standard's own figures, EBU Tech 3341's tones and pyloudnorm."""

import subprocess
import sys

import numpy as np
import pyloudnorm
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import sosfreqz

from reaper_aeq.dsp import loudness
from reaper_aeq.dsp.loudness import gated_lufs, integrated_loudness, k_weight_db, k_weighting, loudness_through
from reaper_aeq.dsp.spectrum import analyze_blocks
from reaper_aeq.eq import Band, Eq
from reaper_aeq.errors import AudioError

RATES = [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000]


def tone(freq_hz: float, level_dbfs: float, seconds: float, rate: int, channels: int = 1) -> np.ndarray:
    """A sine whose peak lies `level_dbfs` below full scale, (channels, samples)."""
    wave = 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * freq_hz * np.arange(int(seconds * rate)) / rate)
    return np.tile(wave, (channels, 1))


def test_at_48_khz_the_filter_is_the_one_printed_in_the_standard():
    shelf, high_pass = k_weighting(48_000)
    printed = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585]
    assert shelf == pytest.approx(printed, abs=1e-9)
    assert high_pass == pytest.approx([1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621], abs=1e-9)


@pytest.mark.parametrize("rate", RATES)
def test_a_full_scale_tone_in_one_channel_reads_minus_3_01(rate):
    # The bilinear transform squeezes the shelf towards a low Nyquist frequency, so that it meets 997 Hz later.
    tolerance = {8_000: 0.25, 11_025: 0.12}.get(rate, 0.05)
    assert integrated_loudness(tone(997, 0.0, 5, rate), rate) == pytest.approx(-3.01, abs=tolerance)


@pytest.mark.parametrize("rate", RATES)
def test_the_filter_has_the_same_level_at_every_rate(rate):
    freqs = np.array([20.0, 50.0, 100.0, 300.0])
    _, here = sosfreqz(k_weighting(rate), freqs, fs=rate)
    assert 20 * np.log10(np.abs(here)) == pytest.approx(k_weight_db(freqs), abs=0.01)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize(("channels", "lufs"), [(1, -26.01), (2, -23.0), (8, -16.98)])
def test_997_hz_at_minus_23_dbfs(rate, channels, lufs):
    # EBU Tech 3341, case 1 (stereo); each doubling of equal channels adds 3.01 dB, for none is weighted.
    assert integrated_loudness(tone(997, -23.0, 20, rate, channels), rate) == pytest.approx(lufs, abs=0.05)


@pytest.mark.parametrize(
    ("levels_and_seconds", "lufs"),
    [
        ([(-33, 20)], -33.0),  # case 2
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),  # case 3: the relative gate
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),  # case 4: the absolute gate as well
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),  # case 5
    ],
)
def test_the_gating_tones_of_ebu_tech_3341(levels_and_seconds, lufs):
    audio = np.concatenate([tone(1000, level, seconds, 48_000, 2) for level, seconds in levels_and_seconds], axis=1)
    assert integrated_loudness(audio, 48_000) == pytest.approx(lufs, abs=0.1)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", ["white", "brown", "bursts", "mono"])
def test_pyloudnorm_agrees(rate, name):
    rng = np.random.default_rng(1)
    audio = 0.05 * rng.standard_normal((1 if name == "mono" else 2, 6 * rate))
    if name == "brown":
        audio = np.cumsum(audio, axis=1)
        audio = 0.3 * (audio - audio.mean(axis=1, keepdims=True)) / np.abs(audio).max()
    if name == "bursts":
        audio = audio * 10 ** (-1.5 * (np.arange(audio.shape[1]) // (rate // 2) % 3))
    theirs = pyloudnorm.Meter(rate).integrated_loudness(audio.T)
    # It scales the high-pass fully, also at 48 kHz: 0.04 LU less than the standard everywhere.
    assert integrated_loudness(audio.astype(np.float32), rate) == pytest.approx(theirs, abs=0.1)


def test_short_material_is_one_block():
    short = tone(997, -20.0, 0.1, 48_000, 2)
    assert integrated_loudness(short, 48_000) == pytest.approx(-20.0, abs=0.4)
    assert np.isfinite(integrated_loudness(np.array([0.5]), 48_000))
    # From 400 ms on the standard's blocks count.
    assert integrated_loudness(tone(997, -20.0, 0.4, 48_000, 2), 48_000) == pytest.approx(-20.0, abs=0.1)


@pytest.mark.parametrize("samples", [1, 100, 48_000])
def test_silence_and_near_silence_are_minus_infinity(samples):
    assert integrated_loudness(np.zeros((2, samples)), 48_000) == -np.inf
    assert integrated_loudness(np.full((2, samples), 1e-6), 48_000) == -np.inf


@pytest.mark.parametrize("gain_db", [-20, 6])
def test_gain_moves_loudness_by_itself(gain_db):
    audio = 0.05 * np.random.default_rng(0).standard_normal((2, 96_000))
    change = integrated_loudness(audio * 10 ** (gain_db / 20), 48_000) - integrated_loudness(audio, 48_000)
    assert change == pytest.approx(gain_db, abs=1e-4)


def test_long_audio_is_filtered_in_chunks_without_seams(monkeypatch):
    audio = tone(40, -20.0, 6, 8_000)
    whole = integrated_loudness(audio, 8_000)
    monkeypatch.setattr(loudness, "_CHUNK_STEPS", 7)
    assert integrated_loudness(audio, 8_000) == pytest.approx(whole, abs=1e-9)


def test_nan_is_refused():
    with pytest.raises(AudioError, match="NaN"):
        integrated_loudness(np.array([0.0, np.nan]), 48_000)


def test_the_weighting_curve():
    curve = k_weight_db([0.0, 20, 38.13547087602444, 997, 10_000, 24_000, 96_000])
    assert curve[0] == -200
    assert curve[1] == pytest.approx(-13.3, abs=0.3)
    assert curve[2] == pytest.approx(-6.0, abs=0.1)
    assert curve[3] == pytest.approx(0.691, abs=0.01)  # what the standard's offset takes away again
    assert curve[4:] == pytest.approx([4.0, 4.04, 4.04], abs=0.06)


@pytest.mark.parametrize("freq_hz", [60, 997, 5_000])
def test_the_weighting_curve_is_what_tones_meet(freq_hz):
    measured = integrated_loudness(tone(freq_hz, -20.0, 5, 48_000), 48_000) + 20 + 3.01 + 0.691
    assert k_weight_db([freq_hz])[0] == pytest.approx(measured, abs=0.02)


def test_gating_is_vectorised_over_leading_axes():
    lufs = torch.tensor([[-20.0, -20.0, -40.0, -80.0], [-72.0, -75.0, -90.0, -200.0], [-30.0, -39.0, -30.0, -30.0]])
    power = (10 ** ((lufs.double() + 0.691) / 10)).numpy()
    result = gated_lufs(power.reshape(3, 1, 4))
    assert result.shape == (3, 1)
    third = 10 * np.log10((3 * 10**-3.0 + 10**-3.9) / 4)
    assert result.flatten().tolist() == pytest.approx([-20.0, -np.inf, third], abs=1e-9)
    assert np.array_equal(result[0], gated_lufs(power[0:1]))


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([8000, 11_025, 44_100, 48_000, 96_000]),
    st.sampled_from([0.02, 0.3, 0.45, 2.0, 5.3]),
    st.integers(1, 3),
    st.floats(-12, 12),
    st.floats(60, 3000),
    st.integers(0, 99),
)
def test_what_a_filter_does_to_loudness_is_known_without_filtering(rate, seconds, channels, gain_db, freq_hz, seed):
    gusts = 0.2 + np.abs(np.sin(3 * np.arange(round(seconds * rate)) / rate))
    sound = gusts * np.random.default_rng(seed).standard_normal((channels, len(gusts))).astype(np.float32) * 0.1
    eq = Eq((Band("band", freq_hz, gain_db, 0.7), Band("high_shelf", 2000, -gain_db, 1.0)))
    heard = analyze_blocks([sound], rate)
    before, after = loudness_through(
        heard.node_power, rate, heard.frame_rate, lambda freqs: eq.response_db(freqs, rate)
    )
    real = integrated_loudness(eq.apply(sound, rate), rate) - integrated_loudness(sound, rate)
    # 20 ms are over before a filter at 60 Hz has settled
    assert after - before == pytest.approx(real, abs=0.15 if seconds >= 0.3 else 0.4)


def test_importing_the_engine_does_not_load_the_slow_half_of_scipy():
    code = "import reaper_aeq.engine, sys; raise SystemExit('scipy.signal' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
