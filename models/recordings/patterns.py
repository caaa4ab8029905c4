"""Notes that an instrument in a given role might play: patterns of our own, each drawn from a seed.

Same generator state, same notes, on any machine. Who plays them is another matter (sampler, soundfonts, synthesizer).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

SECONDS = 11.0  # of notes; renderings are cut to ten and a half
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10), (0, 2, 4, 5, 7, 9, 10))
CHORDS = ((0, 3, 4, 5), (0, 5, 3, 4), (5, 3, 0, 4), (0, 4, 5, 3), (1, 4, 0, 0), (0, 0, 3, 4), (0, 6, 5, 6))


class Note(NamedTuple):
    """`midi` is a key number, or names a piece of a drum kit."""

    at_s: float
    midi: int
    length_s: float
    velocity: int  # 1..127


@dataclass(frozen=True)
class Tune:
    """What all notes of one recording share; degrees are counted in steps of the scale from its lowest key."""

    rng: random.Random
    beat_s: float
    scale: tuple[int, ...]
    chords: tuple[int, ...]  # the degree of a bar's root, four bars in turn
    bars: int
    lowest: int
    loud: int

    def key(self, degree: int, octave: int = 0) -> int:
        return self.lowest + 12 * octave + 12 * (degree // 7) + self.scale[degree % 7]

    def velocity(self) -> int:
        return _velocity(self.loud + self.rng.gauss(0, 9))


def play(role: str, rng: random.Random, low: int, high: int, seconds: float = SECONDS) -> list[Note]:
    """Notes of one of `ROLES` from key `low` to `high`, 66 to 150 beats a minute."""
    beat_s = 60 / rng.uniform(66, 150)
    scale, key, chords = rng.choice(SCALES), rng.randrange(12), rng.choice(CHORDS)
    bars, lowest = int(seconds / (4 * beat_s)) + 1, key + 12 * round((low - key) / 12 + 0.5)
    tune = Tune(rng, beat_s, scale, chords, bars, lowest, rng.randrange(70, 110))
    notes = ROLES[role](tune)
    return [note._replace(midi=_within(note.midi, low, high)) for note in notes if note.at_s < seconds]


def _bass(tune: Tune) -> Iterable[Note]:
    rng = tune.rng
    steps = rng.choice(((0, 2, 4, 6), (0, 3, 6), (0, 1, 2, 3, 4, 5, 6, 7), (0, 3, 4, 7), (0, 4), (0, 2, 3, 5, 6)))
    for bar in range(tune.bars):
        for n, step in enumerate(steps):
            degree = tune.chords[bar % 4] + (rng.choice((0, 0, 4, 7, 2)) if n else 0)
            length_s = rng.choice((0.4, 0.5, 0.9)) * tune.beat_s
            yield Note((4 * bar + step / 2) * tune.beat_s, tune.key(degree), length_s, tune.velocity())


def _arpeggio(tune: Tune) -> Iterable[Note]:
    rng = tune.rng
    order = rng.choice(((0, 1, 2, 3), (0, 2, 1, 3), (3, 2, 1, 0), (0, 1, 2, 1)))
    rate = rng.choice((2, 2, 3, 4))
    for bar in range(tune.bars):
        tones = [tune.chords[bar % 4] + step for step in (0, 2, 4, 7)]
        for n in range(4 * rate):
            place = order[n % 4] + (7 if rng.random() < 0.1 else 0)
            degree = tones[place % 4] + 7 * (place // 4)
            length_s = rng.uniform(0.6, 2) * tune.beat_s / rate * 1.5
            yield Note((4 * bar + n / rate) * tune.beat_s, tune.key(degree, 1), length_s, tune.velocity())


def _strum(tune: Tune) -> Iterable[Note]:
    rng = tune.rng
    steps = rng.choice(((0, 2, 3, 5, 6), (0, 1, 2, 3, 4, 5, 6, 7), (0, 3, 4, 6), (0, 4), (1, 3, 5, 7)))
    for bar in range(tune.bars):
        tones = [tune.key(tune.chords[bar % 4] + step, 1) for step in (0, 2, 4, 7, 9)]
        for step in steps:
            strings = tones if step % 2 == 0 else tones[::-1][:3]  # up strokes reach three of them
            for n, tone in enumerate(strings):
                at_s = (4 * bar + step / 2) * tune.beat_s + 0.012 * n
                yield Note(at_s, tone, rng.uniform(0.3, 0.5) * tune.beat_s, tune.velocity())


def _comp(tune: Tune) -> Iterable[Note]:
    rng, beat_s = tune.rng, tune.beat_s
    steps = rng.choice(((0, 3), (0, 3, 6), (0,), (0, 2, 4, 6), (1, 4, 7)))
    left_hand = rng.random() < 0.6
    for bar in range(tune.bars):
        root = tune.chords[bar % 4]
        voicing = rng.choice(((0, 2, 4), (0, 2, 4, 6), (2, 4, 7), (0, 4, 8)))
        for step in steps:
            length_s = rng.choice((0.4, 0.8, 1.6)) * beat_s
            for tone in voicing:
                yield Note((4 * bar + step / 2) * beat_s, tune.key(root + tone, 1), length_s, tune.velocity())
        if left_hand:
            yield Note(4 * bar * beat_s, tune.key(root), 1.8 * beat_s, tune.velocity())
            yield Note((4 * bar + 2) * beat_s, tune.key(root + 4), 1.8 * beat_s, tune.velocity())


def _pad(tune: Tune) -> Iterable[Note]:
    for bar in range(tune.bars):
        for tone in tune.rng.choice(((0, 2, 4), (0, 4, 9), (0, 2, 4, 7))):
            key = tune.key(tune.chords[bar % 4] + tone, 1)
            yield Note(4 * bar * tune.beat_s, key, 3.95 * tune.beat_s, tune.velocity())


def _melody(tune: Tune) -> Iterable[Note]:
    rng = tune.rng
    at, degree = 0.0, rng.randrange(4, 11)
    long = rng.choice((0.5, 1, 1, 2))
    while at < 4 * tune.bars:
        beats = rng.choice((0.5, 0.5, 1, 1, 1.5, 2)) * long
        if rng.random() > 0.12:  # else a rest
            length_s = beats * tune.beat_s * rng.uniform(0.8, 1.0)
            yield Note(at * tune.beat_s, tune.key(degree), length_s, tune.velocity())
        at += beats
        degree = max(0, min(14, degree + rng.choice((-2, -1, -1, 0, 1, 1, 2, 3, -3))))


ROLES = {
    "bass": _bass, "pick": _arpeggio, "arpeggio": _arpeggio, "strum": _strum, "comp": _comp, "pad": _pad,
    "melody": _melody,
}  # fmt: skip

# Places among the sixteen of a bar.
KICKS = ((0, 8), (0, 6, 8), (0, 4, 8, 12), (0, 7, 10), (0, 3, 8, 11), (0, 10))
SNARES = ((4, 12), (8,), (4, 12, 15), (4, 11, 12), (12,))
HATS = ((0, 2, 4, 6, 8, 10, 12, 14), (0, 4, 8, 12), tuple(range(16)), (2, 6, 10, 14), (0, 3, 6, 8, 11, 14))


def drums(
    rng: random.Random, kick: int = 36, snare: int = 38, hat: int = 42, more: Sequence[int] = (46, 45, 48, 49, 51),
    seconds: float = SECONDS,
) -> list[Note]:  # fmt: skip
    """A beat, by General MIDI's notes or whatever else names the pieces; in a quarter of them one row of it rests."""
    step_s = 60 / rng.uniform(72, 150) / 4
    rows = [(kick, rng.choice(KICKS), 105), (snare, rng.choice(SNARES), 100), (hat, rng.choice(HATS), 78)]
    if rng.random() < 0.25:
        rows = rows[:2] if rng.random() < 0.5 else rows[1:]
    swing = rng.choice((0, 0, 0.2))
    notes = []
    for bar in range(int(seconds / (16 * step_s)) + 1):
        for piece, places, loud in rows:
            for place in places:
                at_s = (16 * bar + place + swing * (place % 2)) * step_s
                notes.append(Note(at_s, piece, 0.3, _velocity(loud + rng.gauss(0, 10))))
        for piece in more:
            if rng.random() < 0.35:
                notes.append(Note((16 * bar + rng.randrange(16)) * step_s, piece, 0.5, int(rng.uniform(60, 110))))
    return [note for note in notes if note.at_s < seconds]


def _velocity(about: float) -> int:
    return max(20, min(127, int(about)))


def _within(midi: int, low: int, high: int) -> int:
    """The same note in an octave that lies from `low` to `high`."""
    while midi < low:
        midi += 12
    while midi > high:
        midi -= 12
    return midi
