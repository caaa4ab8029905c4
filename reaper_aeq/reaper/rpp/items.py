"""Media items of a project: takes, sources, sections and fades as REAPER writes them (docs/reaper.md, section 6).

Field meanings are those of ReaTeam's "State Chunk Definitions", checked against real files.
Standard library only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from ...errors import ProjectError
from ..chunks import Chunk, Line

MAX_OCTAVES = 6.0  # of pitch: beyond it hardly anything of a sound is left in what can be heard
_OFFLINE = "_OFFLINE_"
_NO_SECTION, _REVERSE = 1, 2  # bits of a section's MODE: 2 is a reversed section, 3 the whole file reversed


@dataclass(frozen=True)
class Section:
    """A window on a source, seconds. `length_s` None means to the end."""

    start_s: float = 0.0
    length_s: float | None = None
    reverse: bool = False


@dataclass(frozen=True)
class Source:
    """What a take plays: `kind` is REAPER's word (WAVE, FLAC, MP3, VORBIS, WAVPACK, MIDI, VIDEO, ...).

    `file` is the text in the project ('' for sources inside it, such as MIDI), `path` where that lies, `folder` the
    project's. `sections` are applied in order, the innermost first.
    """

    kind: str
    file: str = ""
    path: Path | None = None
    sections: tuple[Section, ...] = ()
    offline: bool = False
    folder: Path | None = None

    @property
    def name(self) -> str:
        """Of the file, without its folders, whichever system wrote them."""
        return PureWindowsPath(self.file).name if "\\" in self.file else Path(self.file).name


@dataclass(frozen=True)
class Fade:
    """`shape` is REAPER's number (0 is linear); an automatic crossfade replaces the length that was set by hand, as it
    does in REAPER."""

    length_s: float = 0.0
    shape: int = 0


@dataclass(frozen=True)
class Take:
    """One take. `volume` is linear and not negative; REAPER writes the flipped phase as a negative volume."""

    source: Source | None = None
    offset_s: float = 0.0  # into the source (after its sections)
    rate: float = 1.0
    preserve_pitch: bool = False
    pitch_semitones: float = 0.0
    volume: float = 1.0
    pan: float = 0.0
    phase_flipped: bool = False
    channel_mode: int = 0  # 0 normal, 1 swapped, 2 downmix, 3 left, 4 right, 5 and on other channels
    has_fx: bool = False
    has_envelopes: bool = False
    has_stretch_markers: bool = False

    @property
    def pitch_factor(self) -> float:
        """By which the spectrum is moved: 2 is an octave up."""
        octaves = self.pitch_semitones / 12
        return 2 ** max(-MAX_OCTAVES, min(MAX_OCTAVES, octaves)) * (1.0 if self.preserve_pitch else self.rate)


@dataclass(frozen=True)
class Item:
    """One item on the timeline, seconds. `takes` holds empty takes too, so that `active` counts as REAPER does."""

    position_s: float
    length_s: float
    takes: tuple[Take, ...]
    active: int = 0
    loop: bool = False
    mute: bool = False
    volume: float = 1.0  # linear, before the takes'
    fade_in: Fade = Fade()
    fade_out: Fade = Fade()
    play_all_takes: bool = False
    lane: int | None = None  # counted from 0, on tracks with fixed lanes

    @property
    def take(self) -> Take | None:
        """The active take; None where the item has none or an empty one."""
        take = self.takes[self.active] if self.takes else None
        return take if take and take.source else None


def read_item(chunk: Chunk, folder: Path | None) -> Item:
    """The item of an `<ITEM` chunk; media paths are taken from `folder`. Raises `ProjectError`."""
    head, *others = _split_takes(chunk)
    first = _take(head, folder, first=True)
    takes = [_take(part, folder, first=False) for part in others]
    if first.source or head.value("GUID") or takes:
        takes.insert(0, first)
    (position_s,) = chunk.floats("POSITION", [0.0])
    (length_s,) = chunk.floats("LENGTH", [0.0])
    if length_s < 0:
        raise ProjectError(f"LENGTH of an item cannot be {length_s:g}", chunk.number)
    return Item(
        position_s,
        length_s,
        tuple(takes),
        active=next((i for i, part in enumerate(others, 1) if "SEL" in part.tokens[1:]), 0),
        loop=bool(chunk.ints("LOOP", [0])[0]),
        mute=bool(chunk.ints("MUTE", [0])[0]),
        volume=abs(head.floats("VOLPAN", [1.0])[0]),
        fade_in=_fade(chunk, "FADEIN"),
        fade_out=_fade(chunk, "FADEOUT"),
        play_all_takes=bool(chunk.ints("ALLTAKES", [0])[0]),
        lane=_lane(chunk),
    )


def _split_takes(chunk: Chunk) -> Iterator[Chunk]:
    """The children up to the first TAKE line (item and first take), then those of each further take under its line."""
    part = Chunk(chunk.head)
    for child in chunk.children:
        if isinstance(child, Line) and child.name == "TAKE":
            yield part
            part = Chunk(child)
        else:
            part.children.append(child)
    yield part


def _take(part: Chunk, folder: Path | None, first: bool) -> Take:
    # The first take shares its line with the item's own volume; the others begin with the pan.
    if first:
        _, pan, volume = part.floats("VOLPAN", [1.0, 0.0, 1.0])
    else:
        pan, volume = part.floats("TAKEVOLPAN", [0.0, 1.0])
    source = part.find("SOURCE")
    _, preserve_pitch, pitch = part.floats("PLAYRATE", [1.0, 0.0, 0.0])
    return Take(
        source=_source(source, folder) if source else None,
        offset_s=part.floats("SOFFS", [0.0])[0],
        rate=part.positive("PLAYRATE", 1.0),
        preserve_pitch=bool(preserve_pitch),
        pitch_semitones=pitch,
        volume=abs(volume),
        pan=pan,
        phase_flipped=volume < 0,
        channel_mode=part.ints("CHANMODE", [0])[0],
        has_fx=part.find("TAKEFX") is not None,
        has_envelopes=any(inner.name.endswith("ENV") for inner in part.chunks),
        has_stretch_markers=part.line("SM") is not None,
    )


def _source(chunk: Chunk, folder: Path | None) -> Source:
    sections: list[Section] = []
    while (chunk.tokens[1:] or [""])[0] == "SECTION":
        sections.insert(0, _section(chunk))
        inner = chunk.find("SOURCE")
        if inner is None:
            return Source("SECTION", sections=tuple(sections))
        chunk = inner
    kind = (chunk.tokens[1:] or [""])[0]
    file = chunk.value("FILE")
    path = media_path(file, folder) if file else None
    return Source(kind.removeprefix(_OFFLINE), file, path, tuple(sections), kind.startswith(_OFFLINE), folder)


def _section(chunk: Chunk) -> Section:
    (mode,) = chunk.ints("MODE", [0])
    reverse = bool(mode & _REVERSE)
    if mode & _NO_SECTION:
        return Section(reverse=reverse)
    (start_s,), (length_s,) = chunk.floats("STARTPOS", [0.0]), chunk.floats("LENGTH", [0.0])
    return Section(start_s, length_s if length_s > 0 else None, reverse)


def _fade(chunk: Chunk, name: str) -> Fade:
    # Shape, length, length of the automatic crossfade, shape again (newer files), flag, curvature.
    old_shape, length_s, auto_s, shape, _, _ = chunk.floats(name, [0.0, 0.0, 0.0, -1.0, 0.0, 0.0])
    return Fade(max(0.0, auto_s if auto_s > 0 else length_s), int(shape if shape >= 0 else old_shape))


def _lane(chunk: Chunk) -> int | None:
    if chunk.line("YPOS") is None:
        return None
    # Top edge and height as parts of the track's; the lane is how many such heights lie above it.
    top, height = chunk.floats("YPOS", [0.0, 1.0])
    return round(top / height) if 1e-4 < height <= 1 and 0 <= top <= 1 else 0


def media_path(file: str, folder: Path | None) -> Path:
    """Where the media file of a project in `folder` lies.

    Relative names start from the project's folder. Projects from Windows write backslashes, which elsewhere are turned
    unless a file of exactly that name is there.
    """
    base = folder or Path()
    if os.name != "nt" and "\\" in file and not os.path.exists(base / file):
        # Nothing is gained by hanging "C:" below the project's folder: the message that it is missing names the file.
        return Path(file) if PureWindowsPath(file).is_absolute() else base / file.replace("\\", "/")
    return base / file
