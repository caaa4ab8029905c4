"""Sonic Pi's synthesizers, compiled for SuperCollider, played with patterns of our own by its server without real time.

Each is played with other settings than its own and mostly through one of Sonic Pi's effects, many as they are too.
"""

from __future__ import annotations

import random
import struct
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import soundfile
from packages import Cache, Missing, run
from patterns import Note, play
from recording import RATE, RENDERED_S, Recording, played

ROLES = ("melody", "arpeggio", "pad", "comp")
KEYS, BASS_KEYS = (43, 84), (28, 52)
# What a synthesizer does not have of these, the server passes over.
SETTINGS = {
    "cutoff": (70, 120), "res": (0, 0.8), "detune": (0.03, 0.3), "pulse_width": (0.1, 0.6), "mod_phase": (0.12, 1),
    "mod_range": (3, 12), "mod_wave": (0, 3), "depth": (0.5, 5), "divisor": (0.5, 4), "coef": (0.1, 0.6),
    "sub_amp": (0.3, 1), "noise": (0, 4), "width": (0, 2),
}  # fmt: skip
EFFECTS: tuple[tuple[str, dict[str, float]], ...] = (
    ("", {}), ("", {}), ("reverb", {"mix": 0.4, "room": 0.7}), ("gverb", {"mix": 0.3}),
    ("echo", {"mix": 0.4, "phase": 0.3, "decay": 2}), ("distortion", {"distort": 0.6}),
    ("slicer", {"phase": 0.25}), ("wobble", {"phase": 0.5}), ("ixi_techno", {"phase": 4}),
    ("flanger", {}), ("bitcrusher", {"bits": 6, "sample_rate": 9000}), ("krush", {"mix": 0.5}),
    ("tremolo", {"phase": 0.2}), ("ring_mod", {"freq": 40, "mix": 0.4}), ("rhpf", {"cutoff": 70, "res": 0.4}),
    ("ping_pong", {"phase": 0.28}), ("octaver", {"mix": 0.5}), ("panslicer", {"phase": 0.25}),
)  # fmt: skip
LONGEST_S = {"melody": 0.5, "arpeggio": 0.6, "pad": 2.5, "comp": 0.8, "bass": 0.2}  # of a release that is drawn
SYNTHESIZERS, EFFECT, TO_EFFECT, OUT = 1, 2, 16, 0  # two groups of nodes, two buses
Argument = int | float | str | bytes


def sonic_pi(
    cache: Cache, instrument: str, package: str, plain: bool = True, bass: bool = False
) -> Iterator[Recording]:
    """One recording of a synthesizer with settings and an effect that are drawn; before it, one without if `plain`."""
    definitions = {file.stem.removeprefix("sonic-pi-"): file for file in cache.unpacked(package).rglob("*.scsyndef")}
    if instrument not in definitions:
        raise Missing(f"{package} holds no synthesizer {instrument}: recordings.toml was made for another version")
    rng = random.Random(instrument)
    for k in range(0 if plain else 1, 2):
        role = "bass" if bass else rng.choice(ROLES)
        settings: dict[str, float] = {"attack": 0.01, "release": 0.15}
        effect: tuple[str, dict[str, float]] = ("", {})
        if k:
            settings = {name: rng.uniform(*ends) for name, ends in SETTINGS.items() if rng.random() < 0.7}
            settings["attack"] = rng.choice((0.002, 0.01, 0.05 if role != "pad" else 0.6))
            settings["release"] = rng.uniform(0.05, LONGEST_S[role])
            effect = rng.choice(EFFECTS)
        notes = play(role, rng, *(BASS_KEYS if bass else KEYS))
        used = [definitions[name] for name in (instrument, f"fx_{effect[0]}") if name in definitions]
        with tempfile.TemporaryDirectory() as folder:
            score, out = Path(folder, "s.osc"), Path(folder, "s.wav")
            score.write_bytes(score_of(used, f"sonic-pi-{instrument}", notes, settings, effect))
            run(
                ["scsynth", "-N", str(score), "_", str(out), str(RATE), "WAV", "float", "-o", "2", "-i", "0", "-D", "0"]
            )
            samples = played(soundfile.read(out, always_2d=True)[0], RATE)
        note = f"rendered; synthesizer{', ' + effect[0].replace('_', ' ') if effect[0] else ''}"
        kind = "synth_bass" if bass else "synth"
        if samples is not None:
            yield Recording(f"sonicpi_{instrument}_{k}", kind, role, package, samples, RATE, note, path=used[0].name)


def score_of(
    definitions: Iterable[Path], name: str, notes: Iterable[Note], settings: Mapping[str, float],
    effect: tuple[str, Mapping[str, float]],
) -> bytes:  # fmt: skip
    """What the server plays and when, as it reads it from a file."""
    start: list[tuple[Argument, ...]] = [("/d_recv", file.read_bytes()) for file in definitions]
    start += [("/d_recv", seeding(1)), ("/s_new", "seeding", -1, 0, 0)]
    start += [("/g_new", SYNTHESIZERS, 1, 0), ("/g_new", EFFECT, 1, 0)]
    if effect[0]:
        buses = ("in_bus", TO_EFFECT, "out_bus", OUT)
        start.append(("/s_new", f"sonic-pi-fx_{effect[0]}", -1, 0, EFFECT, *buses, *_flat(effect[1])))
    parts = [bundle(0.0, start)]
    bus = TO_EFFECT if effect[0] else OUT
    for note in sorted(notes):
        if note.at_s >= RENDERED_S:
            break
        sustain_s = max(0.0, note.length_s - settings["attack"])
        own = ("note", float(note.midi), "amp", (note.velocity / 127) ** 1.5, "sustain", sustain_s, "out_bus", bus)
        parts.append(bundle(note.at_s, [("/s_new", name, -1, 0, SYNTHESIZERS, *own, *_flat(settings))]))
    parts.append(bundle(RENDERED_S, [("/g_freeAll", 0)]))
    return b"".join(struct.pack(">i", len(part)) + part for part in parts)


def seeding(seed: int) -> bytes:
    """A definition, 'seeding', that seeds what the server draws noise from, which else is another in each run."""
    constants = struct.pack(">iff", 2, 1.0, float(seed))
    inputs = struct.pack(">iiii", -1, 0, -1, 1)  # the two constants
    unit = b"\x08RandSeed\x01" + struct.pack(">iih", 2, 1, 0) + inputs + b"\x01"
    return (
        b"SCgf" + struct.pack(">ih", 2, 1) + b"\x07seeding" + constants + struct.pack(">iii", 0, 0, 1) + unit + bytes(2)
    )


def bundle(at_s: float, messages: Iterable[tuple[Argument, ...]]) -> bytes:
    """Of Open Sound Control, at a time from the start."""
    parts = [message(*one) for one in messages]
    time = struct.pack(">Q", round(at_s * 2**32))
    return b"#bundle\0" + time + b"".join(struct.pack(">i", len(part)) + part for part in parts)


def message(*words: Argument) -> bytes:
    """Of Open Sound Control: an address, then what belongs to it."""
    address, *arguments = words
    types, data = ",", b""
    for one in arguments:
        if isinstance(one, bytes):
            types, data = types + "b", data + struct.pack(">i", len(one)) + one + bytes(-len(one) % 4)
        elif isinstance(one, str):
            types, data = types + "s", data + _text(one)
        elif isinstance(one, int):
            types, data = types + "i", data + struct.pack(">i", one)
        else:
            types, data = types + "f", data + struct.pack(">f", one)
    return _text(str(address)) + _text(types) + data


def _text(text: str) -> bytes:
    """With a zero at its end, and more of them up to a multiple of four."""
    data = text.encode("ascii")
    return data + bytes(4 - len(data) % 4)


def _flat(settings: Mapping[str, float]) -> list[str | float]:
    return [part for name, value in settings.items() for part in (name, float(value))]
