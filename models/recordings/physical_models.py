"""Instruments of the Synthesis ToolKit, physical models, played with patterns of our own by ChucK."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import soundfile
from packages import Cache, run
from patterns import Note, play
from recording import Recording

ROLES = {"keys": ("comp", "arpeggio"), "mallet": ("arpeggio", "melody"), "acoustic_guitar": ("pick", "strum")}
VOICES = 6  # taken in turn
UNTIL_S, RING_S = 10.4, 0.3
LOW, LOW_WOODWIND, HIGH = 43, 55, 79


def model(cache: Cache, instrument: str, kind: str, package: str) -> Iterator[Recording]:
    """Two recordings of one of ChucK's instruments."""
    rng = random.Random(instrument)
    for k, role in enumerate(ROLES.get(kind, ("melody", "melody"))):
        notes = play(role, rng, LOW_WOODWIND if kind == "woodwind" else LOW, HIGH)
        rng.random()  # the next recording's notes are drawn after one number more
        with tempfile.TemporaryDirectory() as folder:
            script, out = Path(folder, "s.ck"), Path(folder, "s.wav")
            script.write_text(program_text(instrument, notes, out), encoding="utf-8")
            run(["chuck", "-s", str(script)])
            samples, rate = soundfile.read(out, always_2d=True)
        name = f"stk_{instrument.lower()}_{k}"
        yield Recording(name, kind, role, package, samples, rate, "rendered; physical model")


def program_text(instrument: str, notes: Sequence[Note], out: Path) -> str:
    """A ChucK program that plays the notes with a little reverb into `out`."""
    lines = [
        f'dac => WvOut2 w => blackhole; "{out}" => w.wavFilename;',
        f"{instrument} s[{VOICES}]; Gain g => NRev r => dac; 0.02 => r.mix; 0.25 => g.gain;",
        f"for (0 => int i; i < {VOICES}; i++) s[i] => g;",
    ]
    starts = [(note.at_s, 1, n, note) for n, note in enumerate(notes)]
    ends = [(note.at_s + note.length_s, 0, n, note) for n, note in enumerate(notes)]
    now_s, voices = 0.0, dict[int, int]()
    for at_s, on, n, note in sorted(starts + ends):
        if at_s > UNTIL_S:
            break
        if at_s > now_s:
            lines.append(f"{at_s - now_s:.5f}::second => now;")
            now_s = at_s
        if on:
            voice = voices[n] = len(voices) % VOICES
            lines.append(f"Std.mtof({note.midi}) => s[{voice}].freq; {note.velocity / 127:.3f} => s[{voice}].noteOn;")
        else:
            lines.append(f"0.4 => s[{voices[n]}].noteOff;")
    return "\n".join([*lines, f"{RING_S}::second => now;", "null @=> w;", ""])
