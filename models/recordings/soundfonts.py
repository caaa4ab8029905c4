"""General MIDI instruments of soundfonts and patches, played with patterns of our own by fluidsynth and timidity."""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile
from packages import Cache, Missing, run
from patterns import Note, drums, play
from recording import RATE, RENDERED_S, Recording, Samples

TICKS, DRUM_CHANNEL = 480, 9
KITS = (0, 8, 16, 24, 25, 32, 40)
CHOIRS, CHOIR_KEYS = (52, 53, 54), (48, 76)


@dataclass(frozen=True)
class Instruments:
    """Programs of General MIDI, from 0, of one kind, what they play and from which key to which."""

    kind: str
    programs: tuple[int, ...]
    roles: tuple[str, ...]
    low: int
    high: int


GENERAL_MIDI = (
    Instruments("bass", (32, 33, 34, 35, 36, 37, 43), ("bass",), 28, 52),
    Instruments("synth_bass", (38, 39), ("bass", "arpeggio"), 28, 55),
    Instruments("acoustic_guitar", (24, 25), ("pick", "strum"), 40, 76),
    Instruments("electric_guitar", (26, 27, 28, 29, 30), ("pick", "strum", "melody"), 40, 76),
    Instruments("piano", (0, 1, 2, 3), ("comp", "arpeggio", "melody"), 33, 88),
    Instruments("keys", (4, 5, 6, 7, 16, 17, 18, 19, 21, 22), ("comp", "pad", "arpeggio"), 36, 84),
    Instruments("mallet", (8, 9, 10, 11, 12, 13, 14), ("arpeggio", "melody"), 53, 89),
    Instruments("strings", (40, 41, 42), ("melody",), 43, 84),
    Instruments("strings", (44, 45, 48, 49, 50, 51), ("pad", "comp", "melody"), 40, 84),
    Instruments("brass", (56, 57, 58, 59, 60, 61), ("melody", "comp"), 41, 76),
    Instruments("woodwind", (64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75), ("melody",), 48, 88),
    Instruments("synth", (80, 81, 82, 84, 87), ("melody", "arpeggio"), 40, 84),
    Instruments("synth", (88, 89, 90, 92, 93, 94, 95, 96, 97, 98, 99), ("pad", "arpeggio"), 40, 84),
)


def font(cache: Cache, name: str, package: str, file: str, fm: bool = False) -> Iterator[Recording]:
    """Up to six programs of each row of General MIDI, kits and choirs; of a chip's FM sounds (`fm`), all of which are a
    synthesizer's whatever they are named after, one a row."""
    path = cache.unpacked(package) / file
    if not path.is_file():
        raise Missing(f"{package} holds no {file}: recordings.toml was made for another version of it")

    def rendered(kind: str, style: str, notes: Sequence[Note], program: int, kit: bool = False) -> Recording:
        samples = fluidsynth(path, notes, program, DRUM_CHANNEL if kit else 0, wet=rng.random() < 0.5)
        label, what = (
            (f"font_{name}_drums{program:03d}", "kit") if kit else (f"font_{name}_{program:03d}", "GM program")
        )
        return Recording(label, kind, style, package, samples, RATE, f"rendered; {what} {program}")

    def some(row: Instruments, programs: Sequence[int], most: int) -> Iterator[Recording]:
        kind = row.kind if not fm else "synth_bass" if "bass" in row.kind else "synth"
        for program in rng.sample(programs, min(most, len(programs))):
            taken.add(program)
            role = rng.choice(row.roles)
            yield rendered(kind, f"{row.kind} {role}", play(role, rng, row.low, row.high), program)

    taken: set[int] = set()
    rng = random.Random(name)
    for row in GENERAL_MIDI:
        yield from some(row, row.programs, 1 if fm else 3)
    if fm:
        return
    for program in rng.sample(KITS, 4):
        yield rendered("drums", "kit", drums(rng), program, kit=True)
    rng = random.Random(f"{name}2")
    for row in GENERAL_MIDI:
        yield from some(row, [program for program in row.programs if program not in taken], 3)
    for program in CHOIRS:
        yield rendered("choir", "choir", play(rng.choice(("pad", "melody")), rng, *CHOIR_KEYS), program)


def patches(cache: Cache, name: str, package: str, folder: str, settings: str) -> Iterator[Recording]:
    """Up to three programs of each row of General MIDI among timidity's patches in `folder`, and three beats."""
    root, rng = cache.unpacked(package), random.Random(package)
    lines = (root / settings).read_text(encoding="utf-8", errors="replace").splitlines()
    there = {int(found[1]) for line in lines if (found := re.match(r"\s*(\d+)\s+Tone_000/", line))}
    config = f"dir {root / folder}\nsource {root / settings}\n"
    for row in GENERAL_MIDI:
        usable = [program for program in row.programs if program in there]
        for program in rng.sample(usable, min(3, len(usable))):
            role = rng.choice(row.roles)
            samples = timidity(config, play(role, rng, row.low, row.high), program, 0)
            label = f"{name}_{program:03d}"
            yield Recording(label, row.kind, role, package, samples, RATE, f"rendered; program {program}")
    for k in range(3):
        samples = timidity(config, drums(rng), 0, DRUM_CHANNEL)
        yield Recording(f"{name}_drums{k}", "drums", "kit", package, samples, RATE, "rendered")


def fluidsynth(font: Path, notes: Sequence[Note], program: int, channel: int, wet: bool) -> Samples:
    """`wet`: with reverb and chorus."""
    with tempfile.TemporaryDirectory() as folder:
        midi, out, effects = Path(folder, "a.mid"), Path(folder, "a.wav"), "1" if wet else "0"
        write_midi(midi, notes, program, channel)
        options = ["-ni", "-q", "-g", "0.7", "-r", str(RATE), "-R", effects, "-C", effects]
        run(["fluidsynth", *options, "-F", str(out), str(font), str(midi)])
        return _first_seconds(out)


def timidity(config: str, notes: Sequence[Note], program: int, channel: int) -> Samples:
    with tempfile.TemporaryDirectory() as folder:
        midi, out, settings = Path(folder, "a.mid"), Path(folder, "a.wav"), Path(folder, "a.cfg")
        settings.write_text(config, encoding="utf-8")
        write_midi(midi, notes, program, channel)
        run(["timidity", "-c", str(settings), "-Ow", "-s", str(RATE), "-o", str(out), str(midi)])
        return _first_seconds(out)


def _first_seconds(path: Path) -> Samples:
    samples: Samples = soundfile.read(path, always_2d=True)[0]
    return samples[: int(RENDERED_S * RATE)]


def write_midi(path: Path, notes: Sequence[Note], program: int, channel: int) -> None:
    """One track at 120 beats a minute. Raises `Missing` without mido."""
    try:
        import mido
    except ImportError:
        raise Missing("the Python package mido is missing: install it") from None
    song = mido.MidiFile(ticks_per_beat=TICKS)
    track = mido.MidiTrack()
    song.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=500_000, time=0))
    track.append(mido.Message("program_change", program=program, channel=channel, time=0))
    starts = [(note.at_s, 1, note.midi, note.velocity) for note in notes]
    ends = [(note.at_s + note.length_s, 0, note.midi, 0) for note in notes]
    last = 0
    for at_s, on, key, velocity in sorted(starts + ends):
        tick = round(at_s * 2 * TICKS)
        what = "note_on" if on else "note_off"
        track.append(mido.Message(what, note=key, velocity=velocity, channel=channel, time=max(0, tick - last)))
        last = max(last, tick)
    song.save(path)
