"""The demo's song: six short tracks, made here so that no recording has to be shipped.

Four bars of A minor 7, F major 7, C and G at 96 bpm, and a last C. Two tracks have a fault on purpose: the voice is
thin, the guitar boomy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .instruments import bass_note, hat, kick, pad_chord, piano_note, snare, string_note
from .sounds import high_passed, in_room, low_shelf, peak, place
from .voice import Sung, sing

BEAT_S = 60 / 96
BARS = 4
LENGTH_S = 4 * BARS * BEAT_S + 2.0

BASS_ROOTS = (33, 29, 36, 31)
PAD_CHORDS = ((57, 60, 64, 67), (57, 60, 64, 65), (55, 60, 62, 64), (55, 59, 62, 67), (55, 60, 64, 67))
PIANO_CHORDS = ((57, 67, 72, 76), (53, 69, 72, 76), (60, 67, 72, 76), (55, 67, 71, 74), (48, 67, 72, 76))
STRINGS = ((45, 52, 57, 60, 64), (41, 48, 57, 60, 64), (48, 55, 60, 64, 67), (43, 50, 59, 62, 67), (48, 55, 60, 64, 67))
PICKING = (0, 2, 3, 1, 0, 3, 4, 2)
# Beat, beats, MIDI note, vowel, consonant before it.
MELODY: tuple[tuple[float, float, int, str, str], ...] = (
    (0.5, 1.0, 52, "a", "s"), (1.5, 0.5, 50, "o", ""), (2.0, 1.75, 48, "a", "t"),
    (4.0, 1.0, 48, "o", ""), (5.0, 0.5, 50, "e", "t"), (5.5, 0.5, 48, "i", ""), (6.0, 1.75, 45, "a", "s"),
    (8.5, 1.0, 52, "e", "t"), (9.5, 0.5, 55, "a", ""), (10.0, 1.0, 52, "a", ""), (11.0, 1.0, 50, "o", "s"),
    (12.5, 1.5, 50, "a", "t"), (14.0, 0.75, 47, "u", ""), (14.75, 1.25, 50, "i", "s"), (16.0, 2.5, 48, "a", ""),
)  # fmt: skip
# RMS over the whole track, dB full scale before the mix is set: what makes the six sound like one song.
LEVELS_DB = {"drums": -19.0, "bass": -20.5, "guitar": -24.0, "voice": -20.5, "pad": -29.0, "keys": -26.5}


@dataclass(frozen=True)
class SongTrack:
    """One track: `audio` float32 (2, samples); `flaw` is what was spoilt on purpose, `word` what the demo asks for."""

    name: str
    audio: np.ndarray
    flaw: str | None
    word: str


def make_song(seed: int = 1, sample_rate: int = 44_100) -> tuple[SongTrack, ...]:
    """Plays the song. The same seed gives the same samples; another one another performance.

    Each track stays below -3 dBFS, and so does their sum: the tracks can be mixed as they are.
    """
    players = (
        ("drums", _drums, None, "crisp"),
        ("bass", _bass, None, "deep"),
        ("guitar", _guitar, "boomy", "less boomy"),
        ("voice", _voice, "thin", "warm"),
        ("pad", _pad, None, "airy"),
        ("keys", _keys, None, "clear"),
    )
    length = round(LENGTH_S * sample_rate)
    fade = np.minimum(1, np.arange(length)[::-1] / (0.3 * sample_rate))
    stems = []
    for number, (name, play, _, _) in enumerate(players):
        played = play(np.zeros((2, length)), sample_rate, np.random.default_rng([seed, number]))
        # Below 25 Hz there is nothing of the instruments, only offsets.
        stem = high_passed(played * fade, 25, sample_rate)
        stems.append(stem * 10 ** (LEVELS_DB[name] / 20) / stem.std())
    loudest = max(np.abs(sum(stems)).max(), *(np.abs(stem).max() for stem in stems))
    scale = 10 ** (-3.5 / 20) / loudest
    return tuple(
        SongTrack(name, (stem * scale).astype(np.float32), flaw, word)
        for stem, (name, _, flaw, word) in zip(stems, players, strict=True)
    )


def _drums(track: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Four to the bar: kick on 1, 2+ and 3, snare on 2 and 4, eighths on the hat, a crash at both ends."""

    def hit(sound: np.ndarray, beat: float, gain: float, pan: float) -> None:
        human_s = rng.normal(0, 0.002) if beat else 0.0
        place(track, sound, beat * BEAT_S + human_s, sample_rate, gain * rng.uniform(0.88, 1.0), pan)

    for bar in range(BARS):
        for beat in (0, 1.5, 2) + ((3.75,) if bar % 2 else ()):
            hit(kick(sample_rate, rng), 4 * bar + beat, 0.9 if beat in (0, 2) else 0.7, 0.0)
        for beat in (1, 3):
            hit(snare(sample_rate, rng), 4 * bar + beat, 0.75, 0.05)
        for eighth in range(8):
            is_open = eighth == 7
            gain = 0.12 if is_open else (0.15, 0.09)[eighth % 2]
            hit(hat(sample_rate, rng, 0.5 if is_open else 0.11), 4 * bar + eighth / 2, gain, 0.3)
    for beat in (0, 4 * BARS):
        hit(hat(sample_rate, rng, 1.4), beat, 0.15, -0.35)
    hit(kick(sample_rate, rng), 4 * BARS, 0.9, 0.0)
    return in_room(track, 0.16, 0.45, sample_rate, rng)


def _bass(track: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    for bar, root in enumerate(BASS_ROOTS):
        for beat, beats, step in ((0, 1.4, 0), (1.5, 0.45, 0), (2, 0.95, 7), (3, 0.45, 0), (3.5, 0.45, 12)):
            sound = bass_note(root + step, beats * BEAT_S, sample_rate, rng)
            place(track, sound, (4 * bar + beat) * BEAT_S, sample_rate, rng.uniform(0.85, 1.0))
    place(track, bass_note(36, 1.7, sample_rate, rng), 4 * BARS * BEAT_S, sample_rate)
    return track


def _guitar(track: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Picked eighths; too close to the microphone, which makes the body's 120 Hz boom."""
    for bar, notes in enumerate(STRINGS[:BARS]):
        for eighth, string in enumerate(PICKING):
            at_s = (4 * bar + eighth / 2) * BEAT_S + rng.normal(0, 0.004)
            sound = string_note(notes[string], 1.6, sample_rate, rng)
            place(track, sound, at_s, sample_rate, rng.uniform(0.7, 1.0) * (1.0 if string else 0.9), -0.25)
    for string, note in enumerate(STRINGS[-1]):
        sound = string_note(note, 2.0, sample_rate, rng)
        place(track, sound, 4 * BARS * BEAT_S + 0.03 * string, sample_rate, 0.8, -0.25)
    track = in_room(track, 0.10, 0.6, sample_rate, rng)
    return low_shelf(peak(track, 120, 13, 1.2, sample_rate), 200, 4, sample_rate)


def _voice(track: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Recorded as through a telephone: nothing left of the low end, which makes it thin."""
    notes = [Sung(at * BEAT_S, beats * BEAT_S, note, vowel, before) for at, beats, note, vowel, before in MELODY]
    place(track, sing(notes, LENGTH_S, sample_rate, rng), 0.0, sample_rate)
    track = in_room(track, 0.14, 0.9, sample_rate, rng)
    return low_shelf(high_passed(track, 200, sample_rate), 500, -10, sample_rate)


def _pad(track: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    for bar, notes in enumerate(PAD_CHORDS):
        chord = pad_chord(notes, 4 * BEAT_S + 0.5, sample_rate, rng)
        start = max(0, round((4 * bar * BEAT_S - 0.1) * sample_rate))
        track[:, start : start + chord.shape[1]] += chord[:, : track.shape[1] - start]
    return in_room(track, 0.25, 1.2, sample_rate, rng)


def _keys(track: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    for bar, notes in enumerate(PIANO_CHORDS):
        for beat, beats in ((0, 1.3), (1.5, 0.9), (2.75, 1.0)) if bar < BARS else ((0, 2.4),):
            for string, note in enumerate(notes):
                at_s = (4 * bar + beat) * BEAT_S + 0.006 * string
                sound = piano_note(note, beats * BEAT_S, sample_rate, rng)
                place(track, sound, at_s, sample_rate, rng.uniform(0.8, 1.0), 0.3)
    return in_room(track, 0.18, 0.9, sample_rate, rng)
