"""Voices of Yamaha's DX7, TX7 and FB-01, frequency modulation, played with patterns of our own by Dexed's engine.

It plays one note at a time; their sum is what the instrument gives, which adds its voices too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from packages import Cache, Missing
from patterns import Note, play
from recording import RATE, RENDERED_S, Recording, Samples, played, slug

ROLES = {"synth": ("melody", "arpeggio", "pad", "comp"), "keys": ("comp", "arpeggio"), "synth_bass": ("bass",)}
KEYS, BASS_KEYS = (43, 84), (28, 52)
VOICE_BYTES, NAME = 128, slice(118, 128)
LONGEST_RELEASE_S = 3.0


def dx7(cache: Cache, package: str, file: str, name: str, voices: Mapping[str, Sequence[str]]) -> Iterator[Recording]:
    """One recording of each of these voices of a file, by kind."""
    try:
        import dexed
    except ImportError:
        raise Missing("the Python package dexed-py is missing: install it") from None
    packed = {name_of(one): one for one in voices_of((cache.unpacked(package) / file).read_bytes())}
    synth = dexed.DexedSynth(RATE)
    for kind, voice in ((kind, voice) for kind, of_kind in voices.items() for voice in of_kind):
        if voice not in packed:
            raise Missing(f"{package} holds no voice {voice!r} in {file}: recordings.toml was made for another version")
        rng = random.Random(f"{name} {voice}")
        role = rng.choice(ROLES[kind])
        notes = play(role, rng, *(BASS_KEYS if kind == "synth_bass" else KEYS))
        synth.load_patch(dexed.Patch.from_packed(packed[voice]))
        samples = played(mix(synth.render, notes), RATE)
        if samples is not None:
            own = f"{name}_{slug(voice.removeprefix('FB:'))}"
            yield Recording(own, kind, role, package, samples, RATE, "rendered; preset", path=file)


def voices_of(data: bytes) -> list[bytes]:
    """Those of a file as hexter has them, packed one after the other."""
    return [data[at : at + VOICE_BYTES] for at in range(0, len(data) - VOICE_BYTES + 1, VOICE_BYTES)]


def name_of(voice: bytes) -> str:
    return " ".join(voice[NAME].decode("ascii", "replace").split())


def mix(render: Callable[[int, int, float, float], NDArray[np.float32]], notes: Iterable[Note]) -> Samples:
    """The sum of all notes, each of which `render` gives: key, velocity, seconds it is held, seconds in all."""
    whole = np.zeros(int(RENDERED_S * RATE))
    for note in notes:
        left = len(whole) - int(note.at_s * RATE)
        if left <= 0:
            continue
        seconds = min(note.length_s + LONGEST_RELEASE_S, left / RATE)
        sound = render(note.midi, note.velocity, min(note.length_s, seconds), seconds)[:left]
        whole[-left:][: len(sound)] += sound
    return whole[:, None]
