"""Sampled instruments and drum kits of packages, played with patterns of our own."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import soxr
from packages import Cache, Missing
from patterns import Note, drums, play
from recording import RATE, RENDERED_S, Recording, Samples, numbered, read_at, slug, trimmed

RELEASE_S = 0.04
DRUM_S = 1.5  # how long a drum rings
QUIET = 0.03  # of a sample's peak: what is cut off at its start
KEYS = {name: key for key, name in enumerate(("C", "Cs", "D", "Ds", "E", "F", "Fs", "G", "Gs", "A", "As", "B"))}


def sample(samples: Mapping[int, Samples], notes: Sequence[Note], rate: int, seconds: float = RENDERED_S) -> Samples:
    """The notes by `samples` (key -> sound), each by the nearest (of two as near: the first) at another speed."""
    out = np.zeros((int(seconds * rate), max(sound.shape[1] for sound in samples.values())))
    for note in notes:
        near = min(samples, key=lambda key: abs(key - note.midi))
        sound = samples[near]
        if near != note.midi:
            sound = soxr.resample(sound, rate, rate * 2 ** ((near - note.midi) / 12))
        sound = sound[: int((note.length_s + RELEASE_S) * rate)].copy()
        release = min(len(sound), int(RELEASE_S * rate))
        sound[len(sound) - release :] *= np.linspace(1, 0, release)[:, None]
        start = int(note.at_s * rate)
        sound = sound[: max(0, len(out) - start)]
        out[start : start + len(sound), : sound.shape[1]] += sound * (note.velocity / 127) ** 1.5
    return out


def instrument(
    cache: Cache, prefix: str, package: str, pattern: str, instrument: str, kind: str, roles: Sequence[str], low: int,
    high: int, skip_s: float = 0.0, key: int | None = None,
) -> Iterator[Recording]:  # fmt: skip
    """Two recordings of an instrument whose samples are named by their keys, 'As4' or 70, or that has but one, of
    `key`; `skip_s`: a codec's padding at the start of each."""
    samples = {}
    for file in cache.files(package, pattern):
        sound = read_at(RATE, file)[int(skip_s * RATE) :]
        samples[key_of(file) if key is None else key] = trimmed(sound, QUIET, end=False)
    samples = dict(sorted(samples.items()))
    rng = random.Random(instrument)
    for k, role in enumerate((*roles, *roles)[:2]):
        rendered = sample(samples, play(role, rng, low, high), RATE)
        name = f"{prefix}_{slug(instrument)}_{k}"
        yield Recording(name, kind, role, package, rendered, RATE, "rendered; sampled notes")


def key_of(file: Path) -> int:
    """A MIDI key from the name of a sample."""
    found = re.fullmatch(r"([A-G]s?)(\d)|(\d+)", file.stem)
    if not found:
        raise Missing(f"{file} is not named by its key: its table was made for another version of the package")
    return int(found[3]) if found[3] else KEYS[found[1]] + 12 * (int(found[2]) + 1)


def kit(
    cache: Cache, name: str, package: str, folder: str, seeds: Sequence[int], pieces: Sequence[str],
    draw: int | None = None,
) -> Iterator[Recording]:  # fmt: skip
    """A beat a seed by one-shots of a folder: kick, snare, hat and whatever follows, of which all are in the beat, or
    `draw`. 'a/' is one out of folder 'a'."""
    for k, seed in enumerate(seeds):
        rng = random.Random(seed)
        sounds = {place: _one_shot(cache, package, f"{folder}/{piece}", rng) for place, piece in enumerate(pieces)}
        more = tuple(range(3, len(pieces)))
        more = more if draw is None else tuple(rng.sample(more, draw))
        notes = [note._replace(length_s=DRUM_S) for note in drums(rng, 0, 1, 2, more)]
        label, style = numbered(name, k, seeds), "one-shots sequenced"
        yield Recording(label, "drums", style, package, sample(sounds, notes, RATE), RATE, f"rendered; {style}")


def _one_shot(cache: Cache, package: str, path: str, rng: random.Random) -> Samples:
    """Mono."""
    if path.endswith("/"):
        file = rng.choice(cache.files(package, re.escape(path) + r"[^/]*\.wav$", -1))
    else:
        file = cache.files(package, re.escape(path) + r"\.(wav|flac|mp3|ogg)$")[0]
    return read_at(RATE, file, mono=True)
