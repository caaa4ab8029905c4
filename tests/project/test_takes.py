"""Play rate and pitch: tape, stretch and transposition; channels."""

import numpy as np
import pytest
import soundfile
from project_kit import RATE, energy_db

from reaper_aeq.dsp.spectrum import GRID_HZ, analyze_blocks
from reaper_aeq.project.media import Library
from reaper_aeq.project.takes import stereo, take_sound
from reaper_aeq.reaper.items import Source, Take

HZ = 1000.0


@pytest.fixture
def tone(tmp_path):
    """Four seconds: silence, a tone of 1 kHz in the third second."""
    audio = np.zeros(4 * 44_100)
    audio[2 * 44_100 : 3 * 44_100] = 0.5 * np.sin(2 * np.pi * HZ * np.arange(44_100) / 44_100)
    soundfile.write(tmp_path / "tone.wav", audio, 44_100, subtype="FLOAT")
    return Source("WAVE", "tone.wav", tmp_path / "tone.wav")


def played(source, seconds, **more) -> np.ndarray:
    blocks = list(take_sound(Take(source=source, **more), False, round(seconds * RATE), RATE, Library()))
    sound = np.concatenate(blocks)
    assert sound.shape == (round(seconds * RATE), 2) and np.array_equal(sound[:, 0], sound[:, 1])
    return sound[:, 0]


def pitch_hz(sound) -> float:
    return float(np.abs(np.fft.rfft(sound * np.hanning(len(sound)))).argmax() * RATE / len(sound))


CASES = {  # rate, preserve pitch, semitones: pitch and the time at which the tone begins
    "as it is": (1.0, False, 0.0, 1000.0, 2.0),
    "tape, faster": (1.25, False, 0.0, 1250.0, 1.6),
    "tape, slower": (0.8, False, 0.0, 800.0, 2.5),
    "stretched, faster": (1.25, True, 0.0, 1000.0, 1.6),
    "stretched, slower": (0.8, True, 0.0, 1000.0, 2.5),
    "transposed": (1.0, True, 12.0, 2000.0, 2.0),
    "transposed tape": (1.25, False, -12.0, 625.0, 1.6),
    "stretch that is none": (1.0, True, 0.0, 1000.0, 2.0),
}


@pytest.mark.parametrize("name", CASES)
def test_pitch_and_time(tone, name):
    rate, preserve, semitones, hz, begins_s = CASES[name]
    sound = played(tone, 4 / rate, rate=rate, preserve_pitch=preserve, pitch_semitones=semitones)
    assert pitch_hz(sound) == pytest.approx(hz, rel=0.005)
    loud = np.flatnonzero(np.abs(sound) > 0.25) / RATE
    assert loud[0] == pytest.approx(begins_s, abs=0.3 if preserve or semitones else 0.01)
    assert loud[-1] - loud[0] == pytest.approx(1 / rate, abs=0.3)


@pytest.mark.parametrize("rate", [0.75, 1.3])
def test_stretching_keeps_the_long_term_spectrum(sound, rate):
    file = sound("long.wav", 44_100, seconds=10.0)
    source = Source("WAVE", "long.wav", file)
    library, samples = Library(), round(10 / rate * RATE)
    stretched = list(take_sound(Take(source=source, rate=rate, preserve_pitch=True), False, samples, RATE, library))
    plain = list(take_sound(Take(source=source), False, 10 * RATE, RATE, library))
    one, other = (energy_db(analyze_blocks([np.concatenate(b).T.copy()], RATE)) for b in (stretched, plain))
    inside = (other > other.max() - 40) & (GRID_HZ > 80)  # of slower waves ten seconds hold few
    difference = (one - other)[inside]
    assert np.abs(difference - difference.mean()).max() < 1.0
    assert difference.mean() == pytest.approx(-10 * np.log10(rate), abs=0.3)  # as much longer or shorter


def test_channel_modes():
    block = np.arange(12, dtype=np.float32).reshape(2, 6)
    ends = {0: [0, 1], 1: [1, 0], 2: [0.5, 0.5], 3: [0, 0], 4: [1, 1], 5: [2, 2], 8: [5, 5], 67: [0, 1], 69: [2, 3]}
    assert {mode: stereo(block, mode)[0].tolist() for mode in ends} == ends
    assert stereo(block, 40).tolist() == [[0, 0], [0, 0]]  # a channel that is not there
    assert stereo(block[:, :1], 0).tolist() == [[0, 0], [6, 6]]
