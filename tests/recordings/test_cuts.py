"""Cuts: loops repeated, chords joined, until ten seconds are full."""

import numpy as np
import pytest
import soundfile
from cuts import LOOP_S, loop, sequence

RATE = 8000


class Folder:
    """A package's sounds, all of a folder."""

    def __init__(self, path):
        self.path = path

    def files(self, package, pattern, least_s=0.0):
        return sorted(self.path.iterdir())

    def path_in(self, package, file):
        return file.name


def tone(freq_hz: float, seconds: float) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * freq_hz * np.arange(int(seconds * RATE)) / RATE)


def strongest_hz(samples: np.ndarray, rate: int) -> float:
    return float(np.abs(np.fft.rfft(samples[:, 0])).argmax() * rate / len(samples))


def test_a_phrase_is_repeated_until_ten_seconds_are_full(tmp_path):
    phrase = np.linspace(0.1, 0.5, int(3 * RATE))
    soundfile.write(tmp_path / "phrase.wav", phrase, RATE, subtype="FLOAT")
    (made,) = loop(Folder(tmp_path), "one", "some-sounds", "phrase", "vocals", "sung")
    assert len(made.samples) == LOOP_S * RATE and (made.kind, made.style, made.path) == ("vocals", "sung", "phrase.wav")
    assert np.allclose(made.samples[:, 0], np.resize(phrase, len(made.samples)), atol=1e-6)


def test_chords_are_joined_without_their_silence_and_each_recording_has_others(tmp_path):
    for k in range(40):
        silence = np.zeros(RATE // 2)
        soundfile.write(tmp_path / f"chord{k:02}.wav", np.concatenate([tone(200 + 20 * k, 1.0), silence]), RATE)
    made = list(sequence(Folder(tmp_path), "strums", "some-chords", "chord", "guitar", "strummed", 2))
    assert [one.name for one in made] == ["strums0", "strums1"]
    tones = []
    for one in made:
        assert len(one.samples) == LOOP_S * RATE and np.abs(one.samples[:, 0]).max() == pytest.approx(0.5, abs=0.01)
        assert (np.abs(one.samples[:, 0]) < 1e-3).mean() < 0.05
        seconds = [one.samples[s * RATE : (s + 1) * RATE] for s in range(9)]
        tones.append({round(strongest_hz(second, RATE) / 20) for second in seconds})
    assert len(tones[0]) >= 8 and not tones[0] & tones[1]
    again = next(iter(sequence(Folder(tmp_path), "strums", "some-chords", "chord", "guitar", "strummed", 2)))
    assert np.array_equal(again.samples, made[0].samples)
