"""A recording on its way into the folder: level, channels, and where a codec cut its top off."""

import numpy as np
import pytest
import soundfile
from recording import PEAK, Recording, codec_cutoff_hz, trimmed, write
from scipy.signal import firwin, lfilter

RATE = 44_100


def noise(seconds: float = 8.0, channels: int = 1) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal((int(seconds * RATE), channels))


def recording(samples: np.ndarray) -> Recording:
    return Recording("x", "mix", "music", "some-package", samples, RATE, "")


@pytest.mark.parametrize("cutoff_hz", [8_000, 11_000, 16_000, 19_000])
def test_the_cutoff_of_a_codec_is_found(cutoff_hz):
    low_passed = lfilter(firwin(801, cutoff_hz, fs=RATE), 1.0, noise(), axis=0)
    assert codec_cutoff_hz(low_passed, RATE) == pytest.approx(cutoff_hz, abs=700)


def test_full_band_noise_and_a_gentle_slope_have_no_cutoff():
    assert codec_cutoff_hz(noise(), RATE) == RATE / 2
    assert codec_cutoff_hz(np.cumsum(noise(), 0), RATE) == RATE / 2
    assert codec_cutoff_hz(noise(0.05), RATE) == RATE / 2  # too short to say


def test_loud_recordings_are_turned_down_and_quiet_ones_left():
    assert np.abs(recording(5 * noise()).finished()).max() == pytest.approx(PEAK)
    quiet = 0.1 * noise()
    assert np.array_equal(recording(quiet).finished(), quiet)
    assert recording(1e-5 * noise()).finished() is None and recording(np.zeros((0, 1))).finished() is None
    assert recording(np.full((9, 1), np.nan)).finished() is None


def test_two_channels_that_are_one_become_one():
    assert recording(np.repeat(noise(), 2, 1)).finished().shape[1] == 1
    assert recording(noise(channels=2)).finished().shape[1] == 2


def test_silence_at_the_ends_is_cut():
    samples = np.concatenate([np.zeros((100, 1)), np.ones((50, 1)), np.zeros((70, 1))])
    assert len(trimmed(samples, 0.02)) == 50 and len(trimmed(samples, 0.02, end=False)) == 120
    assert len(trimmed(np.zeros((9, 1)), 0.02)) == 0


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    write(tmp_path / "a.flac", noise(), RATE)
    assert [path.name for path in tmp_path.iterdir()] == ["a.flac"] and soundfile.info(tmp_path / "a.flac").subtype
    before = (tmp_path / "a.flac").read_bytes()

    def stopped(path, *args, **options):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(soundfile, "write", stopped)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a.flac", noise(), RATE)
    assert (tmp_path / "a.flac").read_bytes() == before
