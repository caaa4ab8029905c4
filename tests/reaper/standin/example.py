"""Writes small projects for tests, with the lines that REAPER 7 writes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reaper_aeq.reaper.reaeq.instance import Eq, vst_block
from reaper_aeq.reaper.reaeq.state import ReaEqState

from .tree import quote_token


def _guid() -> str:
    return "{" + str(uuid.uuid4()).upper() + "}"


@dataclass
class ItemSpec:
    """One item of one take. Times in seconds. `file` None makes an empty item; `notes` (pitch, start, end) a MIDI one.

    `section`: start and length in the file; `extra`: more lines of the item, `after`: of the take, behind its source;
    `kind`: of the source, where its file name does not tell; `fx`: as in `TrackSpec`.
    """

    file: str | Path | None = None
    position: float = 0.0
    length: float = 1.0
    offset: float = 0.0
    rate: float = 1.0
    preserve_pitch: bool = False
    pitch: float = 0.0
    loop: bool = False
    volume: float = 1.0
    take_volume: float = 1.0
    pan: float = 0.0
    fade_in: float = 0.0
    fade_out: float = 0.0
    fade_shape: int = 0
    muted: bool = False
    selected: bool = False
    channel_mode: int = 0
    section: tuple[float, float] | None = None
    reverse: bool = False
    notes: Sequence[tuple[int, float, float]] = ()
    fx: Sequence[Sequence[str]] = ()
    name: str = ""
    extra: Sequence[str] = ()
    after: Sequence[str] = ()
    kind: str = ""


@dataclass
class TrackSpec:
    """`folder`: 1 opens one, -1 closes one after this track. `fx`: blocks of lines, from `reaeq`, `tone`, `synth`."""

    name: str = ""
    items: Sequence[ItemSpec] = ()
    fx: Sequence[Sequence[str]] = ()
    volume: float = 1.0
    pan: float = 0.0
    muted: bool = False
    solo: bool = False
    folder: int = 0
    selected: bool = False
    guid: str = field(default_factory=_guid)
    extra: Sequence[str] = ()


def reaeq(eq: Eq | ReaEqState, name: str = "", bypassed: bool = False) -> list[str]:
    return [f"BYPASS {int(bypassed)} 0 0", *vst_block(eq, name), "FLOATPOS 0 0 0 0", f"FXID {_guid()}", "WAK 0 0"]


def tone(level_db: float, freq_hz: float) -> list[str]:
    """The JSFX tone that stands for an instrument and sounds all the time."""
    values = f"  {level_db:g} {freq_hz:g} " + "- " * 62
    lines = ['<JS synthesis/tonegenerator ""', values, ">", "FLOATPOS 0 0 0 0", f"FXID {_guid()}", "WAK 0 0"]
    return ["BYPASS 0 0 0", *lines]


def synth() -> list[str]:
    """An instrument that plays MIDI notes."""
    head = '<VST "VSTi: ReaSynth (Cockos)" reasynth.vst.so 0 "" 1919251321<> ""'
    return ["BYPASS 0 0 0", head, "  AAAQAAAA", ">", "FLOATPOS 0 0 0 0", f"FXID {_guid()}", "WAK 0 0"]


def other(name: str = "VST: Unknown (Somebody)") -> list[str]:
    """A plug-in that the stand-in does not know: sound passes through."""
    head = f'<VST {quote_token(name)} unknown.so 0 "" 1234567890<> ""'
    return ["BYPASS 0 0 0", head, "  AAAQAAAA", ">", "FLOATPOS 0 0 0 0", f"FXID {_guid()}", "WAK 0 0"]


def container(*fx: Sequence[str]) -> list[str]:
    """FX in a container of their own."""
    inside = [line for block in fx for line in block]
    head = ['<CONTAINER Container "" ""', "CONTAINER_CFG 2 2 2 0", "SHOW 0", "LASTSEL 0", "DOCKED 0"]
    return ["BYPASS 0 0 0", *head, *inside, ">", "FLOATPOS 0 0 0 0", f"FXID {_guid()}", "WAK 0 0"]


def project(
    tracks: Sequence[TrackSpec],
    sample_rate: int = 48_000,
    master_fx: Sequence[Sequence[str]] = (),
    line_end: str = "\n",
    feedback: bool = False,
) -> bytes:
    """The bytes of a .rpp."""
    lines = [
        '<REAPER_PROJECT 0.1 "7.66/linux-x86_64" 1785070350 0',
        f"FEEDBACK {int(feedback)}",
        "PANLAW 1",
        "CURSOR 0",
        "LOOP 0",
    ]
    lines += ['RENDER_FILE ""', 'RENDER_PATTERN ""', "RENDER_FMT 0 2 0", "RENDER_RANGE 1 0 0 18 1000"]
    lines += ["RENDER_ADDTOPROJ 0", "RENDER_STEMS 0", "RENDER_DITHER 0", f"SAMPLERATE {sample_rate} 0 0"]
    lines += ["<RENDER_CFG", "ZXZhdxgAAQ==", ">", "TEMPO 120 4 4", "PLAYRATE 1 0 0.25 4"]
    lines += ["SELECTION 0 0", "SELECTION2 0 0", "MASTER_NCH 2 2", "MASTER_VOLUME 1 0 -1 -1 1", "MASTER_FX 1"]
    lines += ["MASTERMUTESOLO 0", "MASTER_SEL 0", *_chain("MASTERFXLIST", master_fx)]
    for track in tracks:
        lines += _track(track)
    return _indented([*lines, ">"], line_end).encode()


def write(path: Path, tracks: Sequence[TrackSpec], **more) -> Path:
    path.write_bytes(project(tracks, **more))
    return path


def _chain(name: str, fx: Sequence[Sequence[str]]) -> list[str]:
    if not fx:
        return []
    return [f"<{name}", "SHOW 0", "LASTSEL 0", "DOCKED 0", *(line for block in fx for line in block), ">"]


def _track(track: TrackSpec) -> list[str]:
    bus = {1: "1 1", 0: "0 0"}.get(track.folder, f"2 {track.folder}")
    lines = [f"<TRACK {track.guid}", f"NAME {quote_token(track.name)}", "PEAKCOL 16576"]
    lines += [f"VOLPAN {track.volume:g} {track.pan:g} -1 -1 1", f"MUTESOLO {int(track.muted)} {int(track.solo)} 0"]
    lines += ["IPHASE 0", f"ISBUS {bus}", "SHOWINMIX 1 0.6667 0.5 1 0.5 0 0 0 0", f"SEL {int(track.selected)}"]
    lines += ["REC 0 0 1 0 0 0 0 0", "NCHAN 2", "FX 1", f"TRACKID {track.guid}", "PERF 0", *track.extra]
    lines += ["MIDIOUT -1", "MAINSEND 1 0", *_chain("FXCHAIN", track.fx)]
    for item in track.items:
        lines += _item(item)
    return [*lines, ">"]


def _item(item: ItemSpec) -> list[str]:
    lines = ["<ITEM", f"POSITION {item.position!r}", "SNAPOFFS 0", f"LENGTH {item.length!r}", f"LOOP {int(item.loop)}"]
    lines += ["ALLTAKES 0", f"FADEIN {item.fade_shape} {item.fade_in:g} 0 1 0 0 0"]
    lines += [f"FADEOUT {item.fade_shape} {item.fade_out:g} 0 1 0 0 0", f"MUTE {int(item.muted)} 0"]
    lines += [f"SEL {int(item.selected)}", f"IGUID {_guid()}", *item.extra]
    if item.file is None and not item.notes:
        return [*lines, ">"]
    lines += [f"NAME {quote_token(item.name)}", f"VOLPAN {item.volume:g} {item.pan:g} {item.take_volume:g} -1"]
    lines += [f"SOFFS {item.offset!r}", f"PLAYRATE {item.rate!r} {int(item.preserve_pitch)} {item.pitch!r} -1 0 0.0025"]
    lines += [f"CHANMODE {item.channel_mode}"]
    return [*lines, f"GUID {_guid()}", *_source(item), *_chain("TAKEFX", item.fx), *item.after, ">"]


def _source(item: ItemSpec) -> list[str]:
    if item.notes:
        return _midi(item)
    kind = item.kind or {".flac": "FLAC", ".mp3": "MP3", ".ogg": "VORBIS"}.get(Path(item.file).suffix.lower(), "WAVE")
    inner = [f"<SOURCE {kind}", f"FILE {quote_token(str(item.file))}", ">"]
    if item.section is None and not item.reverse:
        return inner
    start, length = item.section or (0.0, 0.0)
    mode = ["MODE 3" if item.section is None else "MODE 2"] if item.reverse else []
    return ["<SOURCE SECTION", f"LENGTH {length!r}", *mode, f"STARTPOS {start!r}", "OVERLAP 0.01", *inner, ">"]


def _midi(item: ItemSpec) -> list[str]:
    """Notes in seconds at 120 beats a minute, 960 ticks a beat."""
    events = sorted(
        (round(t * 1920), status, pitch) for pitch, a, b in item.notes for t, status in ((a, 0x90), (b, 0x80))
    )
    lines, now = ["<SOURCE MIDI", "HASDATA 1 960 QN"], 0
    for ticks, status, pitch in events:
        lines.append(f"E {ticks - now} {status:02x} {pitch:02x} {0x60 if status == 0x90 else 0:02x}")
        now = ticks
    return [*lines, f"E {max(0, round(item.length * 1920) - now)} b0 7b 00", ">"]


def _indented(lines: list[str], line_end: str) -> str:
    depth, out = 0, []
    for line in lines:
        text = line.strip()
        depth -= text == ">"
        out.append("  " * depth + text)
        depth += text.startswith("<")
    return line_end.join(out) + line_end
