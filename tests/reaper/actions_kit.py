"""What the tests of the actions share: small projects with generated sound, a session of the stand-in, the bytes."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from fake_backend import FakeBackend
from standin import Reaper

from reaper_aeq.dsp.spectrum import analyze_blocks
from reaper_aeq.eq import Band, Eq
from reaper_aeq.project.described import described
from reaper_aeq.project.description import DescribedSound
from reaper_aeq.project.mix import Mixer
from reaper_aeq.reaper.install.key_bindings import with_scripts
from reaper_aeq.reaper.reaeq.instance import decode_state, vst_block

SCRIPTS = Path(__file__).parents[2] / "reascripts"
RATE = 48_000
TONE = ['<JS synthesis/tonegenerator ""', "  -12 220 0 0 - - - -", ">"]


def guid() -> str:
    return "{" + str(uuid.uuid4()).upper() + "}"


def noise(path: Path, seconds: float = 0.4, slope_db: float = -3.0, seed: int = 1) -> Path:
    """Stereo noise whose spectrum falls by `slope_db` an octave."""
    rng = np.random.default_rng(seed)
    count = int(seconds * RATE)
    spectrum = np.fft.rfft(rng.standard_normal((count, 2)), axis=0)
    freqs = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20.0)
    spectrum *= 10 ** (slope_db * np.log2(freqs / 1000) / 20)[:, None]
    audio = np.fft.irfft(spectrum, count, axis=0)
    soundfile.write(path, 0.25 * audio / np.abs(audio).max(), RATE, subtype="FLOAT")
    return path


@dataclass
class Clip:
    """An item: a file, "MIDI", or None for an empty item."""

    source: Path | str | None
    position: float = 0.0
    length: float = 0.4
    selected: bool = False
    offline: bool = False
    take_fx: Sequence[str] = ()

    def lines(self) -> list[str]:
        head = [f"POSITION {self.position}", f"LENGTH {self.length}", "LOOP 0", "MUTE 0 0", f"SEL {int(self.selected)}"]
        head += [f"IGUID {guid()}"]
        if self.source is None:
            return ["<ITEM", *_indent(head), ">"]
        head += [
            "NAME clip",
            "VOLPAN 1 0 1 -1",
            "SOFFS 0",
            "PLAYRATE 1 1 0 -1 0 0.0025",
            "CHANMODE 0",
            f"GUID {guid()}",
        ]
        if self.source == "MIDI":
            source = [
                "<SOURCE MIDI",
                "  HASDATA 1 960 QN",
                "  E 0 90 3c 60",
                "  E 480 80 3c 00",
                "  E 480 b0 7b 00",
                ">",
            ]
        else:
            kind = "_OFFLINE_WAVE" if self.offline else "WAVE"
            source = [f"<SOURCE {kind}", f'  FILE "{self.source}"', ">"]
        return ["<ITEM", *_indent(head + source + chain(self.take_fx, "TAKEFX") * bool(self.take_fx)), ">"]


@dataclass
class Strip:
    """A track: `fx` are lines of plug-in blocks, each a list; `folder` is ISBUS' depth change."""

    name: str
    clips: Sequence[Clip] = ()
    fx: Sequence[list[str]] = ()
    selected: bool = False
    muted: bool = False
    solo: bool = False
    folder: int = 0
    locked: bool = False
    frozen: bool = False
    receives: Sequence[int] = ()
    guid: str = field(default_factory=guid)

    def lines(self) -> list[str]:
        kind = {0: 0, 1: 1}.get(self.folder, 2)
        body = [f'NAME "{self.name}"', *["LOCK 1"] * self.locked, "PEAKCOL 16576", "BEAT -1", "AUTOMODE 0"]
        body += ["VOLPAN 1 0 -1 -1 1", f"MUTESOLO {int(self.muted)} {int(self.solo)} 0", "IPHASE 0", "PLAYOFFS 0 1"]
        body += [f"ISBUS {kind} {self.folder}", f"SEL {int(self.selected)}", "REC 0 0 1 0 0 0 0 0", "NCHAN 2", "FX 1"]
        body += [
            f"TRACKID {self.guid}",
            "PERF 0",
            *(f"AUXRECV {n} 0 1 0 0 0 0 0 0 -1:U 0 -1 ''" for n in self.receives),
        ]
        body += ["MIDIOUT -1", "MAINSEND 1 0", *(chain(self.fx) if self.fx else [])]
        if self.frozen:
            body += ["<FREEZE 0", "  x", ">"]
        for clip in self.clips:
            body += clip.lines()
        return [f"<TRACK {self.guid}", *_indent(body), ">"]


def chain(fx: Sequence[list[str]], name: str = "FXCHAIN") -> list[str]:
    lines = ["SHOW 0", "LASTSEL 0", "DOCKED 0"]
    for block in fx:
        lines += ["BYPASS 0 0 0", *block, "FLOATPOS 0 0 0 0", f"FXID {guid()}", "WAK 0 0"]
    return [f"<{name}", *_indent(lines), ">"]


def reaeq(*bands: Band, name: str = "") -> list[str]:
    """A plug-in block: a ReaEQ with these bands, the user's own unless `name` is one of ours."""
    return vst_block(Eq(tuple(bands)), name, "linux")


def _indent(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def song(folder: Path, strips: Sequence[Strip], name: str = "song.rpp") -> Path:
    """Writes a project."""
    head = [
        "RIPPLE 0",
        "CURSOR 0.125",
        "ZOOM 100 0 0",
        "SAMPLERATE 48000 1 0",
        'RENDER_FILE "mine"',
        'RENDER_PATTERN ""',
    ]
    head += [
        "RENDER_FMT 0 1 44100",
        "RENDER_1X 0",
        "RENDER_RANGE 1 0 0 18 1000",
        "RENDER_ADDTOPROJ 0",
        "RENDER_STEMS 0",
    ]
    head += [
        "RENDER_DITHER 0",
        "LOOP 0",
        "<RENDER_CFG",
        "  bDNwbUABAAABAAAA",
        ">",
        "SELECTION 0.1 0.2",
        "SELECTION2 0 0",
    ]
    head += ["MASTER_NCH 2 2", "MASTER_VOLUME 1 0 -1 -1 1", "MASTER_FX 1", "MASTER_SEL 0"]
    body = [*head, *(line for strip in strips for line in strip.lines())]
    path = folder / name
    path.write_text("\n".join(['<REAPER_PROJECT 0.1 "7.66/linux-x86_64" 1763000000', *_indent(body), ">"]) + "\n")
    return path


def install(resource: Path, state_file: Path, command: Sequence[str]) -> Path:
    """Copies and lists the scripts as `reaper-aeq install` does, and leaves its record. Returns their folder."""
    scripts = resource / "Scripts" / "reaper-aeq"
    shutil.copytree(SCRIPTS, scripts, dirs_exist_ok=True)
    names = [f"reaper-aeq/{path.name}" for path in sorted(SCRIPTS.glob("AEQ_*.lua"))]
    (resource / "reaper-kb.ini").write_bytes(with_scripts(b"", names, resource / "Scripts"))
    record = {
        "command": list(command),
        "state_file": str(state_file),
        "version": "0.1.0",
        "files": dict.fromkeys(names),
    }
    (scripts / "aeq" / "installed.json").write_text(json.dumps(record))
    return scripts


def ours(project) -> dict[str, list]:
    """{track name: [(instance name, ReaEqState)]} of our instances, from the project's own lines."""
    found = {}
    for track in (project.master, *project.tracks):
        lines = [] if track.chain() is None else list(track.chain().lines())
        for place, line in enumerate(lines):
            if "AEQ" in line and "ReaEQ (Cockos)" in line:
                name = "AEQ" + line.split('"AEQ', 1)[1].split('"', 1)[0]
                end = next(i for i in range(place, len(lines)) if lines[i].strip() == ">")
                state = decode_state([text.strip() for text in lines[place + 1 : end]])
                found.setdefault("Master" if track.is_master else track.name, []).append((name, state))
    return found


def sound_of(task: dict) -> np.ndarray:
    """(n, 2): what a question is about, read from its file or mixed of its items as the backend does."""
    if "path" in task:
        return soundfile.read(task["path"])[0]
    sound = DescribedSound.model_validate(task["sound"])
    project, blocks = described(sound), []
    mixer = Mixer(project)

    def analyze(given):
        blocks.extend(block.T for block in given)
        return analyze_blocks([block.T.copy() for block in blocks], sound.sample_rate)

    if sound.track is None:
        mixer.analyze_master(project.eqs, analyze)
    else:
        mixer.analyze_track(project.tracks[sound.track], project.eqs, analyze, sound.through_eq)
    return np.concatenate(blocks)


class Session:
    """REAPER with a song (strips, or the path of a project) in it and a fake backend beside it.

    `press` runs an action to its end.
    """

    def __init__(
        self, tmp_path: Path, strips: Sequence[Strip] | Path, *, backend: bool = True, mode: str = "", **options
    ):
        self.folder = tmp_path
        self.temp = tmp_path / "temp"
        self.temp.mkdir(exist_ok=True)
        self.state_file = options.pop("state_file", tmp_path / "state" / "backend.json")
        fake = [sys.executable, "-S", str(Path(__file__).with_name("fake_backend.py")), *([mode] if mode else [])]
        command = options.pop("command", fake)
        resource = tmp_path / options.pop("resource", "REAPER")
        self.scripts = install(resource, self.state_file, command)
        self.mailbox = resource / "reaper-aeq-mailbox"
        self.backend = FakeBackend(self.state_file, self.mailbox) if backend else None
        env = {**os.environ, "TMPDIR": str(self.temp), **options.pop("env", {})}
        path = strips if isinstance(strips, Path) else song(tmp_path, strips)
        self.reaper = Reaper(path, resource, pace_s=0.01, env=env, **options)
        self.project = self.reaper.project
        self.before = self.project.bytes()

    def start(self, action: str):
        return self.reaper.run_action(f"AEQ_{action}")

    def press(self, action: str, timeout_s: float = 30.0) -> None:
        self.start(action)
        self.reaper.run_until(timeout_s=timeout_s)

    @property
    def unchanged(self) -> bool:
        return self.project.bytes() == self.before and not self.project.undo_points

    @property
    def said(self) -> list[str]:
        return self.reaper.ui.texts()

    def left_behind(self) -> list[str]:
        """What lies in the mailbox beside what always does, and in the system's temporary folder."""
        always, until = ("backend.json", "mailbox.lock", "start.log"), time.monotonic() + 3
        while list(self.mailbox.glob("*.cancel")) and time.monotonic() < until:
            time.sleep(0.01)  # a backend that lives takes these away
        letters = {path.name for path in self.mailbox.rglob("*") if path.name not in always}
        time.sleep(0.02)  # the next heartbeat may be on its way under a name of its own: gone at a second look
        letters &= {path.name for path in self.mailbox.rglob("*")}
        return sorted([*letters, *(path.name for path in self.temp.rglob("*"))])

    def close(self) -> None:
        self.reaper.close()
        if self.backend:
            self.backend.stop()


def always_render(session: Session) -> None:
    """The user's setting for what REAPER itself plays."""
    session.reaper.ext_state.values[("reaper-aeq", "settings")] = '{"always_render": true}'


def opener(tmp_path: Path, monkeypatch) -> Iterator[Callable[..., Session]]:
    """The body of a fixture: a function that opens songs, all closed at the end.

    The scripts ask their own process for TMPDIR, so the test's process has it too.
    """
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temp"))
    sessions = []

    def open_song(strips: Sequence[Strip] | Path, **options) -> Session:
        sessions.append(Session(tmp_path, strips, **options))
        return sessions[-1]

    yield open_song
    for session in sessions:
        session.close()
