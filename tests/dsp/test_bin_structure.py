"""Single bins: what is said of noise and tones, and that no EQ, level, sample rate or cut of the stream changes it."""

import numpy as np
import pytest
import torch

from reaper_aeq.dsp import fine_structure as whole
from reaper_aeq.dsp.bin_structure import LAGS, PER_BAND
from reaper_aeq.dsp.fine_structure import BAND_HZ, KEPT_FRAMES, N_BINS, fine_structure
from reaper_aeq.dsp.spectrum import analyze_blocks
from reaper_aeq.eq import Band, Eq

RATE = 48_000
BANDS = len(BAND_HZ)
SPREAD, UNDER, CREST, LEVEL, NEXT, THIRD = 0, 1 + len(LAGS), 2 + len(LAGS), 3 + len(LAGS), 4 + len(LAGS), 5 + len(LAGS)


def noise(seconds=6.0, rate=RATE):
    return np.random.default_rng(3).standard_normal((1, round(seconds * rate))).astype(np.float32) * 0.1


def beats(rate=RATE):
    """Noise that falls by 35 dB twice a second."""
    sound = noise(rate=rate)
    return sound * np.exp(-8 * (np.arange(sound.shape[1]) / rate % 0.5)).astype(np.float32)


def tone(pitch_hz=220.0, rate=RATE, seconds=6.0):
    """A saw that fades in and out, as its steps would be all that some bands hold, over noise."""
    t = np.arange(round(seconds * rate)) / rate
    saw = sum(np.sin(2 * np.pi * k * pitch_hz * t) / k for k in range(1, int(10_000 / pitch_hz)))
    hiss = np.random.default_rng(1).standard_normal(len(t))
    return (0.2 * saw * np.minimum(np.minimum(5 * t, 5 * (seconds - t)), 1) + 0.005 * hiss)[None].astype(np.float32)


def bins(sound, rate=RATE):
    """(rows, bands)"""
    return analyze_blocks([sound], rate).fine[-N_BINS:].reshape(PER_BAND, BANDS)


@pytest.mark.parametrize("band", [
    Band("low_shelf", 400.0, 6.0, 1.0), Band("high_shelf", 3000.0, -6.0, 1.0), Band("band", 1000.0, 6.0, 1.0),
    Band("low_shelf", 150.0, -12.0, 1.0), Band("high_shelf", 8000.0, 12.0, 1.0),
])  # fmt: skip
@pytest.mark.parametrize("sound", [noise(), beats(), tone()], ids=["noise", "beats", "tone"])
def test_no_eq_changes_it(sound, band):
    """By less than a tenth of how far noise, beats and a tone are apart: where a tone has no partial, bands hold little
    beside what its ends leave there."""
    changed = (bins(Eq((band,)).apply(sound, RATE)) - bins(sound)).abs()
    apart = torch.stack([bins(noise()), bins(beats()), bins(tone())])
    spread = (apart.amax(0) - apart.amin(0)).nanmean(1)
    assert (changed.nanmean(1) < 0.1 * spread).all()


def test_noise_is_as_powers_of_chance_are():
    found = bins(noise())[:, 12:20].mean(1)
    assert float(found[SPREAD]) == pytest.approx(6.11, abs=0.15)  # dB, of exponential powers: 5.57 about 2.51
    assert float(found[UNDER]) == pytest.approx(2.51, abs=0.15)
    # what a bin shares with any other is how far all lie under their band; a Hann window lets it leak into the next
    shared = 2.51**2 / (6.11**2 + 1)
    assert float(found[1]) == pytest.approx(shared + 5.57**2 / (6.11**2 + 1) * 0.32, abs=0.03)
    assert (found[3 : 1 + len(LAGS)] - shared).abs().max() < 0.05


def test_partials_are_alike_at_their_own_distance():
    found = bins(tone(72.2))[:, 14:20].mean(1)  # 13 bins apart
    assert found[1 + LAGS.index(13)] > found[1 + LAGS.index(8)] + 0.2
    assert found[SPREAD] > bins(noise())[SPREAD, 14:20].mean() + 3


def test_levels_that_move_together_are_alike_and_have_a_crest():
    found, still = bins(beats()), bins(noise())
    assert found[NEXT, :-1].min() > 0.8 and found[THIRD, :-3].min() > 0.8
    assert (found[CREST] > still[CREST] + 3).all() and (found[LEVEL] < still[LEVEL] - 2).all()
    assert found[NEXT, -1:].isnan().all() and found[THIRD, -3:].isnan().all()  # there is no such band


def test_a_pause_is_not_heard():
    sound = noise()
    with_pause = np.concatenate([sound, np.zeros_like(sound)], 1)
    rows = [SPREAD, *range(1, UNDER + 1)]  # all that does not tell how levels move
    assert (bins(with_pause) - bins(sound))[rows].abs().max() < 0.3


@pytest.mark.parametrize("make", [noise, beats, tone])
def test_sample_rates_agree(make):
    """As far as another draw of the noise, or of where frames begin, lets them."""
    other = (bins(make(rate=44_100), 44_100) - bins(make()))[:, 6:]
    scale = torch.tensor([1.0, *[0.15] * len(LAGS), 0.7, 2.0, 0.6, 0.35, 0.35])
    assert (other.nan_to_num(0.0).abs().mean(1) < 0.5 * scale).all()


def test_level_and_channels_change_nothing():
    sound = tone()
    for other in (0.01 * sound, np.repeat(sound, 2, 0)):
        torch.testing.assert_close(bins(other), bins(sound), rtol=1e-3, atol=1e-2, equal_nan=True)


def test_what_a_sample_rate_cannot_hold_is_unknown():
    found = bins(noise(rate=16_000), 16_000)
    assert found[:, BAND_HZ > 7200].isnan().all() and found[:NEXT, BAND_HZ < 6500].isfinite().all()


def test_a_band_without_sound_is_unknown_and_others_do_not_care():
    power = analyze_blocks([noise()], RATE, sections=True).spectra.power.clone()
    full = fine_structure(power, 1 / 0.18)[-N_BINS:].reshape(PER_BAND, BANDS)
    power[:, round(3000 / 5.5556) :] = 0.0
    found = fine_structure(power, 1 / 0.18)[-N_BINS:].reshape(PER_BAND, BANDS)
    assert found[:, BAND_HZ > 3600].isnan().all()
    torch.testing.assert_close(found[:NEXT, BAND_HZ < 1500], full[:NEXT, BAND_HZ < 1500], rtol=1e-2, atol=0.05)


@pytest.mark.parametrize(
    "sound", [np.zeros((1, RATE)), np.eye(1, RATE), np.ones((2, 1))], ids=["silence", "click", "dot"]
)
def test_odd_sounds_are_taken(sound):
    found = bins(sound.astype(np.float32))
    assert not found.isinf().any() and (found[NEXT:].nan_to_num(0.0).abs() <= 1 + 1e-5).all()


def test_it_does_not_depend_on_how_the_stream_or_its_frames_were_cut(monkeypatch):
    sound = beats()
    cut = analyze_blocks(np.split(sound, [100, 9000, 100_000], 1), RATE).fine[-N_BINS:]
    torch.testing.assert_close(cut, bins(sound).flatten(), rtol=1e-4, atol=1e-4, equal_nan=True)
    for size in (1, 7, 4096):
        monkeypatch.setattr(whole, "FRAMES_AT_ONCE", size)
        torch.testing.assert_close(bins(sound).flatten(), cut, rtol=1e-4, atol=1e-4, equal_nan=True)


def test_long_sounds_of_which_frames_are_left_out_say_the_same():
    sound = beats()
    long = np.tile(sound, (1, 17))
    assert long.shape[1] / (0.09 * RATE) > 2 * KEPT_FRAMES
    scale = torch.tensor([1.0, *[0.15] * len(LAGS), 0.7, 2.0, 0.6, 0.35, 0.35])
    assert ((bins(long) - bins(sound)).nan_to_num(0.0).abs().mean(1) < scale).all()
