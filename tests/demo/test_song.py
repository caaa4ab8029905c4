"""The demo song: what the demo relies on, and that each instrument sounds where the real one does."""

import time

import numpy as np
import pytest

from reaper_aeq.demo.song import BARS, BEAT_S, LENGTH_S, make_song

RATE = 44_100


@pytest.fixture(scope="module")
def song():
    return {track.name: track for track in make_song()}


def band_db(audio, low_hz, high_hz, rate=RATE):
    """Energy from `low_hz` to `high_hz` against the whole, dB."""
    power = (np.abs(np.fft.rfft(audio.astype(np.float64), axis=-1)) ** 2).sum(axis=0)
    freqs_hz = np.fft.rfftfreq(audio.shape[-1], 1 / rate)
    return 10 * np.log10(power[(freqs_hz >= low_hz) & (freqs_hz < high_hz)].sum() / power.sum())


def test_six_tracks_of_equal_length(song):
    assert list(song) == ["drums", "bass", "guitar", "voice", "pad", "keys"]
    for track in song.values():
        assert track.audio.shape == (2, round(LENGTH_S * RATE))
        assert track.audio.dtype == np.float32
        assert track.word
    assert 10 <= LENGTH_S <= 12.5


def test_levels_are_safe_alone_and_together(song):
    for track in song.values():
        assert np.isfinite(track.audio).all()
        assert 0.03 < np.abs(track.audio).max() < 10 ** (-3 / 20)
        assert np.abs(track.audio.mean(axis=1)).max() < 1e-5
    assert np.abs(sum(track.audio for track in song.values())).max() < 10 ** (-3 / 20)


def test_seed_decides_every_sample():
    one, same, other = (make_song(seed, 22_050) for seed in (3, 3, 4))
    for a, b, c in zip(one, same, other, strict=True):
        assert np.array_equal(a.audio, b.audio)
        assert not np.array_equal(a.audio, c.audio)


def test_two_tracks_are_spoilt_and_asked_to_be_repaired(song):
    assert {t.name: (t.flaw, t.word) for t in song.values() if t.flaw} == {
        "guitar": ("boomy", "less boomy"),
        "voice": ("thin", "warm"),
    }


def test_voice_is_thin_and_guitar_boomy(song):
    # The voice sings from 110 to 196 Hz, so that its fundamentals are what the first band would hold.
    assert band_db(song["voice"].audio, 100, 250) < band_db(song["voice"].audio, 250, 1500) - 8
    assert band_db(song["guitar"].audio, 90, 250) > band_db(song["guitar"].audio, 250, 1500) + 2


@pytest.mark.parametrize(
    "name, low_hz, high_hz, at_least_db, at_most_db",
    [
        ("drums", 50, 110, -8, -1),  # kick
        ("drums", 6000, 14_000, -20, -5),  # hats and wires
        ("drums", 10_000, 14_000, -25, -8),
        ("bass", 40, 130, -6, -1),
        ("bass", 6000, 20_000, -90, -35),
        ("guitar", 2000, 6000, -30, -10),
        ("guitar", 8000, 12_000, -45, -22),
        ("voice", 2000, 4000, -22, -6),  # the singer's formant
        ("voice", 8000, 12_000, -38, -20),  # breath and consonants
        ("pad", 8000, 16_000, -40, -15),
        ("keys", 2000, 5000, -30, -10),
    ],
)
def test_spectra_are_like_the_real_instruments(song, name, low_hz, high_hz, at_least_db, at_most_db):
    assert at_least_db < band_db(song[name].audio, low_hz, high_hz) < at_most_db


def test_hats_mark_the_eighths_between_the_beats(song):
    drums = song["drums"].audio
    for bar in range(BARS):
        at = round((4 * bar + 2.5) * BEAT_S * RATE)  # nothing else is struck here
        stroke, before = drums[:, at : at + 2000], drums[:, at - 2500 : at - 500]
        loudness = [np.abs(np.fft.rfft(x.sum(axis=0)))[370:].sum() for x in (stroke, before)]  # from 8 kHz
        assert loudness[0] > 3 * loudness[1]


def test_stereo_is_not_two_times_mono(song):
    for name in ("drums", "pad", "guitar", "voice", "keys"):
        left, right = song[name].audio
        assert np.corrcoef(left, right)[0, 1] < 0.995


def test_another_sample_rate_is_the_same_music(song):
    for track in make_song(sample_rate=48_000):
        for low_hz, high_hz in ((100, 400), (400, 2000)):
            again = band_db(track.audio, low_hz, high_hz, 48_000)
            assert again == pytest.approx(band_db(song[track.name].audio, low_hz, high_hz), abs=1.5)


def test_does_not_keep_a_user_waiting():
    start_s = time.process_time()
    make_song()
    assert time.process_time() - start_s < 6  # 2.5 s on an idle core
