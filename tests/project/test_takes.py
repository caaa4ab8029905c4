"""Play rate and pitch: tape, stretch and transposition; channels."""

import numpy as np
import pytest
import soundfile
from project_kit import RATE

from reaper_aeq.project.media import Library
from reaper_aeq.project.takes import as_tape, is_stretched, stereo, take_sound
from reaper_aeq.reaper.rpp.items import Fade, Item, Source, Take

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


@pytest.mark.parametrize(
    ("rate", "semitones", "hz", "begins_s"),
    [(1.0, 0.0, 1000.0, 2.0), (1.25, 0.0, 1250.0, 1.6), (0.8, 0.0, 800.0, 2.5), (2**0.25, 0.0, 1189.2, 1.682)],
)
def test_a_tape_moves_pitch_and_time(tone, rate, semitones, hz, begins_s):
    sound = played(tone, 4 / rate, rate=rate, pitch_semitones=semitones)
    assert pitch_hz(sound) == pytest.approx(hz, rel=0.005)
    loud = np.flatnonzero(np.abs(sound) > 0.25) / RATE
    assert loud[0] == pytest.approx(begins_s, abs=0.01)
    assert loud[-1] - loud[0] == pytest.approx(1 / rate, abs=0.02)


@pytest.mark.parametrize(
    ("rate", "preserve", "semitones", "factor"),
    [
        (1.0, False, 0.0, None),
        (1.25, False, 0.0, None),
        (1.0, True, 0.0, None),
        (2.0, True, 12.0, None),  # stretched by as much as a tape would have done
        (1.25, True, 0.0, 1.0),
        (1.0, True, 12.0, 2.0),
        (1.25, False, -12.0, 0.625),
        (1.0, True, 1e9, 64.0),
    ],
)
def test_what_is_stretched_is_read_as_a_tape_of_its_pitch(tone, rate, preserve, semitones, factor):
    take = Take(source=tone, offset_s=0.3, rate=rate, preserve_pitch=preserve, pitch_semitones=semitones)
    assert is_stretched(take) == (factor is not None)
    if factor:
        item, tape = as_tape(Item(5.0, 2.0, (take,), fade_in=Fade(0.5), fade_out=Fade(1.0)), take)
        assert not is_stretched(tape) and tape.rate == pytest.approx(factor) and tape.offset_s == 0.3
        assert item.length_s * tape.rate == pytest.approx(2.0 * rate)  # the same part of the source
        assert item.fade_in.length_s / item.length_s == 0.25 and item.fade_out.length_s / item.length_s == 0.5


def test_channel_modes():
    block = np.arange(12, dtype=np.float32).reshape(2, 6)
    ends = {0: [0, 1], 1: [1, 0], 2: [0.5, 0.5], 3: [0, 0], 4: [1, 1], 5: [2, 2], 8: [5, 5], 67: [0, 1], 69: [2, 3]}
    assert {mode: stereo(block, mode)[0].tolist() for mode in ends} == ends
    assert stereo(block, 40).tolist() == [[0, 0], [0, 0]]  # a channel that is not there
    assert stereo(block[:, :1], 0).tolist() == [[0, 0], [6, 6]]
