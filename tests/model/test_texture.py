"""Texture: what an EQ leaves alone. Level, EQ and sample rate are not in it; pauses are left out."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
import torch

from reaper_aeq.dsp.audio import AudioFile
from reaper_aeq.dsp.spectrum import N_MELS, analyze_blocks
from reaper_aeq.eq import Band, Eq
from reaper_aeq.model.curves import N_GRID
from reaper_aeq.model.texture import FRAMES_PER_S, MAX_SEGMENTS, SEGMENT, UNIT_DB, segments, statistics, texture
from reaper_aeq.training.datasets.sources import shaped_noise

RATE = 44_100
EQ = Eq((Band("low_shelf", 250, 6.0), Band("band", 1500, -6.0, 2.0), Band("high_shelf", 6000, 8.0)))


def gusts(seconds: float, seed: int = 0, rate_hz: float = 2.0) -> np.ndarray:
    """Pink noise whose level moves, (2, samples) float32."""
    curve = torch.zeros(N_GRID, dtype=torch.float64)
    return shaped_noise(curve, seconds, RATE, torch.Generator().manual_seed(seed), rate_hz, 0.8).numpy()


def texture_of(sound: np.ndarray, sample_rate: int = RATE) -> torch.Tensor:
    return texture(analyze_blocks([sound], sample_rate))


def difference_db(a: torch.Tensor, b: torch.Tensor) -> float:
    assert a.shape == b.shape
    return UNIT_DB * float((a - b).abs().mean())


def test_an_eq_is_not_in_it():
    sound = gusts(12.0)
    plain, shaped = texture_of(sound), texture_of(EQ.apply(sound, RATE))
    assert difference_db(plain, shaped) < 0.1
    assert difference_db(plain, texture_of(gusts(12.0, rate_hz=0.4))) > 3.0  # another movement is


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["ichbin_caesium_mix.flac", "coulton_better.mp3", "voxserv_corsica.flac", "librosa_trumpet.ogg"]
)
def test_an_eq_is_not_in_the_texture_of_recordings(shared_dir, name):
    with AudioFile(shared_dir / "audio" / name) as file:
        sound, sample_rate = next(iter(file.blocks(10.0))), file.sample_rate
    plain, shaped = texture_of(sound, sample_rate), texture_of(EQ.apply(sound, sample_rate), sample_rate)
    assert difference_db(plain, shaped) < 0.25
    assert difference_db(plain, texture_of(sound * np.float32(10 ** (-30 / 20)), sample_rate)) < 1e-3


@pytest.mark.parametrize("gain_db", [-60.0, -30.0, 10.0])
def test_level_is_not_in_it(gain_db):
    sound = gusts(10.0)
    quieter = texture_of(sound * np.float32(10 ** (gain_db / 20)))
    assert UNIT_DB * float((quieter - texture_of(sound)).abs().max()) < 0.01


@pytest.mark.parametrize("sample_rate", [32_000, 48_000, 96_000])
def test_sample_rate_is_not_in_it(sample_rate):
    sound = torch.from_numpy(gusts(15.0))
    other = texture_of(soxr.resample(sound.T.numpy(), RATE, sample_rate, "VHQ").T, sample_rate)
    assert difference_db(other, texture_of(sound)) < 0.05


@pytest.mark.parametrize("seconds", [1 / RATE, 0.05, 0.5, 3.0])
def test_a_short_sound_is_repeated(seconds):
    sound = gusts(max(seconds, 0.01))[:, : max(1, round(seconds * RATE))]
    found = texture_of(sound)
    assert found.shape == (N_MELS, SEGMENT) and bool(torch.isfinite(found).all())
    analysis = analyze_blocks([sound], RATE)
    frames = max(1, round(len(analysis.mel_power) / analysis.frame_rate * FRAMES_PER_S))
    period = next(n for n in range(1, SEGMENT) if torch.equal(found[:, n:], found[:, :-n]))
    assert 0.4 * frames <= period <= frames  # pauses between the gusts may be left out


def test_a_long_sound_is_sampled_all_over():
    long = np.concatenate([gusts(75.0, rate_hz=0.4), gusts(75.0, rate_hz=4.0)], 1)
    found = texture_of(long)
    assert found.shape == (N_MELS, SEGMENT * MAX_SEGMENTS)
    half = SEGMENT * MAX_SEGMENTS // 2
    first, last = (part.diff(dim=1).abs().mean() for part in (found[:, :half], found[:, half:]))
    assert last > 1.5 * first  # both halves of the sound are in it, in their order


def test_pauses_are_left_out():
    sound = gusts(20.0)
    gap = np.zeros((2, 10 * RATE), np.float32)
    with_pauses = np.concatenate([gap, sound[:, : 10 * RATE], gap, sound[:, 10 * RATE :], gap], 1)
    assert texture_of(with_pauses).shape[1] == pytest.approx(20 * FRAMES_PER_S, abs=8)
    # a band's mean over time knows of the silence; how the band moves does not
    plain, paused, foreign = (
        statistics(found - found.mean(1, keepdim=True))
        for found in map(texture_of, (sound, with_pauses, gusts(20.0, rate_hz=0.4)))
    )
    assert (paused - plain).abs().mean() < 0.5 * (foreign - plain).abs().mean()


@pytest.mark.parametrize("sound", [np.zeros((1, RATE)), np.eye(1, RATE), np.full((1, RATE), 0.5)])
def test_silence_a_click_and_an_offset_have_a_finite_one(sound):
    found = texture_of(sound.astype(np.float32))
    assert found.shape == (N_MELS, SEGMENT) and bool(torch.isfinite(found).all())
    assert bool(torch.isfinite(statistics(found)).all())


@pytest.mark.parametrize("frames", [96, 97, 150, 191, 192, 300, 768])
def test_segments_cover_the_whole(frames):
    pieces = segments(torch.arange(frames).expand(N_MELS, -1))
    assert pieces.shape == (-(-frames // SEGMENT), N_MELS, SEGMENT)
    assert set(pieces[:, 0].flatten().tolist()) == set(range(frames))


def test_statistics_have_one_length_and_know_movement():
    lengths = {len(statistics(texture_of(gusts(seconds)))) for seconds in (0.3, 5.0, 25.0)}
    assert len(lengths) == 1
    still, moving = statistics(torch.zeros(N_MELS, SEGMENT)), statistics(texture_of(gusts(10.0)))
    assert (moving - still).abs().mean() > 1.0
