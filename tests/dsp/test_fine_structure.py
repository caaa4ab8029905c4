"""Fine structure: what it says of noise and tones, and that no EQ, level or sample rate changes it."""

import numpy as np
import pytest
import torch

from reaper_aeq.dsp.fine_structure import BAND_HZ, KEPT_FRAMES, N_BINS, N_FINE, FrameStore, fine_structure
from reaper_aeq.dsp.spectrum import analyze_blocks
from reaper_aeq.eq import Band, Eq

RATE = 48_000
BANDS = len(BAND_HZ)


def noise(seconds=6.0, rate=RATE):
    return np.random.default_rng(3).standard_normal((1, round(seconds * rate))).astype(np.float32) * 0.1


def tone(pitch_hz=220.0, rate=RATE, seconds=6.0):
    """A saw that wavers a little, over faint noise."""
    t = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * pitch_hz * (t + 0.002 * np.sin(2 * np.pi * 0.7 * t))
    saw = sum(np.sin(k * phase) / k for k in range(1, int(10_000 / pitch_hz)))
    return (0.2 * saw + 1e-4 * np.random.default_rng(1).standard_normal(len(t)))[None].astype(np.float32)


def fine(sound, rate=RATE):
    return analyze_blocks([sound], rate).fine


@pytest.mark.parametrize("band", [
    Band("low_shelf", 400.0, 6.0, 1.0), Band("high_shelf", 3000.0, -6.0, 1.0), Band("band", 1000.0, 6.0, 1.0),
    Band("low_shelf", 150.0, -12.0, 1.0), Band("high_shelf", 8000.0, 12.0, 1.0),
])  # fmt: skip
@pytest.mark.parametrize("sound", [noise(), tone()], ids=["noise", "tone"])
def test_no_eq_changes_it(sound, band):
    """By less than a twentieth of how far noise and a tone are apart."""
    changed = (fine(Eq((band,)).apply(sound, RATE)) - fine(sound)).abs().nan_to_num(0.0)
    apart = (fine(noise()) - fine(tone())).abs().nan_to_num(0.0)
    assert changed[: 4 * BANDS].mean() < 0.05 * apart[: 4 * BANDS].mean()
    harmonic, strength = changed[4 * BANDS : 4 * BANDS + 3], changed[4 * BANDS + 5 : -N_BINS]
    assert max(harmonic.max(), strength.max()) < 0.02  # what pitch noise has is chance
    assert changed[: 4 * BANDS].quantile(0.9) < 0.5  # dB; where a tone has no partial there is little to go by


def test_noise_is_flat_and_a_tone_is_not():
    flat, peaked = fine(noise())[4:20], fine(tone())[4:20]
    assert float(flat.mean()) == pytest.approx(2.3, abs=0.4)  # of exponential powers: 2.5 dB, less in narrow bands
    assert float(peaked.mean()) > float(flat.mean()) + 3.0
    assert fine(tone())[4 * BANDS] > 1.5 * fine(noise())[4 * BANDS]


@pytest.mark.parametrize("pitch_hz", [110.0, 220.0, 440.0])
def test_pitch_is_found(pitch_hz):
    assert float(fine(tone(pitch_hz))[4 * BANDS + 3]) == pytest.approx(np.log2(pitch_hz), abs=0.1)


def test_level_and_channels_change_nothing():
    sound = tone()
    for other in (0.01 * sound, np.repeat(sound, 2, 0)):
        torch.testing.assert_close(fine(other), fine(sound), rtol=1e-3, atol=1e-2, equal_nan=True)


def test_what_a_sample_rate_cannot_hold_is_unknown():
    found = fine(noise(rate=16_000), 16_000)
    assert len(found) == N_FINE and found[:BANDS][BAND_HZ > 7200].isnan().all()
    assert found[:BANDS][BAND_HZ < 6500].isfinite().all()


@pytest.mark.parametrize(
    "sound", [np.zeros((1, RATE)), np.eye(1, RATE), np.ones((2, 1))], ids=["silence", "click", "dot"]
)
def test_odd_sounds_are_taken(sound):
    assert fine(sound.astype(np.float32)).shape == (N_FINE,)


def test_frames_of_long_sounds_are_evenly_spaced_however_they_come():
    rows = torch.arange(5 * KEPT_FRAMES)[:, None].float()
    kept = []
    for size in (1, 7, 64, len(rows)):
        store = FrameStore()
        for part in rows.split(size):
            store.add(part)
        kept.append(store.joined()[:, 0])
    assert all(torch.equal(one, kept[0]) for one in kept)
    assert KEPT_FRAMES <= len(kept[0]) <= 2 * KEPT_FRAMES
    assert torch.equal(kept[0].diff(), kept[0].diff()[:1].expand(len(kept[0]) - 1)) and kept[0][0] == 0


def test_power_that_is_nowhere_says_nothing():
    assert fine_structure(torch.zeros(3, 100), 5.5).isnan().all()
