"""The sampler: keys by the nearest sample at another speed, in time, with an end."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from packages import Missing
from patterns import Note
from sampler import RELEASE_S, instrument, key_of, sample

RATE = 44_100


def tone(freq_hz: float, seconds: float = 3.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * freq_hz * np.arange(int(seconds * RATE)) / RATE)[:, None]


def strongest_hz(samples: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(samples[:, 0] * np.hanning(len(samples))))
    return float(power.argmax() * RATE / len(samples))


@pytest.mark.parametrize(("key", "freq_hz"), [(57, 220.0), (69, 440.0), (81, 880.0), (64, 329.63)])
def test_a_key_sounds_at_its_frequency(key, freq_hz):
    played = sample({69: tone(440.0)}, [Note(0.0, key, 1.0, 127)], RATE, 1.0)
    assert strongest_hz(played) == pytest.approx(freq_hz, abs=2)


def test_the_nearest_sample_plays_and_of_two_as_near_the_first():
    samples = {60: tone(300.0), 72: tone(900.0)}
    assert strongest_hz(sample(samples, [Note(0.0, 60, 1.0, 127)], RATE, 1.0)) == pytest.approx(300, abs=2)
    assert strongest_hz(sample(samples, [Note(0.0, 73, 1.0, 127)], RATE, 1.0)) == pytest.approx(953.5, abs=2)
    assert strongest_hz(sample(samples, [Note(0.0, 66, 1.0, 127)], RATE, 1.0)) == pytest.approx(424.3, abs=2)


def test_notes_begin_and_end_in_time_and_add_up():
    played = sample({69: tone(440.0)}, [Note(0.5, 69, 0.25, 127), Note(1.9, 69, 9.0, 127)], RATE, 2.0)
    assert played.shape == (2 * RATE, 1)
    sounding = np.flatnonzero(np.abs(played[: int(1.5 * RATE), 0]) > 1e-9) / RATE
    assert sounding[0] == pytest.approx(0.5, abs=1e-3) and sounding[-1] == pytest.approx(0.75 + RELEASE_S, abs=1e-3)
    assert np.abs(played[int(1.95 * RATE) :]).max() > 0.4  # what lasts longer than the recording is cut
    twice = sample({69: tone(440.0)}, [Note(0.5, 69, 0.25, 127)] * 2, RATE, 1.0)
    assert np.allclose(twice, 2 * played[:RATE])


def test_softer_notes_are_softer():
    loud, soft = (np.abs(sample({69: tone(440.0)}, [Note(0, 69, 1.0, v)], RATE, 1.0)).max() for v in (127, 40))
    assert soft == pytest.approx(loud * (40 / 127) ** 1.5, rel=1e-6)


def test_keys_are_read_from_names():
    assert [key_of(Path(name)) for name in ("A4.mp3", "Cs2.mp3", "60.mp3")] == [69, 37, 60]
    with pytest.raises(Missing, match="not named by its key"):
        key_of(Path("H4.mp3"))


def test_an_instrument_of_one_sample_plays_it_at_the_key_that_is_given(tmp_path):
    class OneFile:
        def files(self, package, pattern):
            return [tmp_path / "FenderBass.wav"]

    soundfile.write(tmp_path / "FenderBass.wav", tone(65.41), RATE)
    made = list(instrument(OneFile(), "some", "some-basses", "", "FenderBass", "bass", ["bass"], 36, 48, key=36))
    assert [(one.name, one.kind) for one in made] == [("some_fenderbass_0", "bass"), ("some_fenderbass_1", "bass")]
    assert all(60 < strongest_hz(one.samples) < 135 for one in made)  # C2 to C3
