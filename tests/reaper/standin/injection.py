"""What users and machines do while an action waits: inside `reaper.as_user()`, or around it for the disk."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from reaper_aeq.reaper.reaeq.state import StateBand

from .fx_chain import fx_list
from .handles import Item, Track
from .media import forget_formats
from .project import Project
from .registry import FUNCTIONS
from .tree import Node


def select(project: Project, tracks: list[Track] = (), items: list[Item] = ()) -> None:
    """Selects just these."""
    for track in (project.master, *project.tracks):
        track.select(track in tracks)
    for item in project.items:
        item.select(item in items)


def delete_track(track: Track) -> None:
    with tracks_change(track.project):
        track.project.root.body.remove(track.node)


@contextmanager
def tracks_change(project: Project) -> Iterator[None]:
    """Receives name their source by its number: they go on naming the same track, and go with it."""
    sources = [track.guid for track in project.tracks]
    yield
    project.touch()
    project.reindex()
    number = {track.guid: str(n) for n, track in enumerate(project.tracks)}
    for track in project.tracks:
        for line in [part for part in track.node.body if isinstance(part, str) and part.split()[:1] == ["AUXRECV"]]:
            words, place = line.split(), track.node.body.index(line)
            words[1] = number.get(sources[int(words[1])], "")
            track.node.body[place : place + 1] = [f"{track.node.indent}  {' '.join(words)}"] if words[1] else []


def delete_item(item: Item) -> None:
    item.track.node.body.remove(item.node)
    item.project.touch()


def lock_track(track: Track) -> None:
    """Locks the track's controls: `LOCK 1` in its chunk, the only place that tells (State Chunk Definitions)."""
    track.node.set("LOCK", [1], after=("NAME",))
    track.project.touch()


def lock_item(item: Item) -> None:
    item.node.set("LOCK", [1], after=("MUTE", "SEL"))
    item.project.touch()


def freeze_track(track: Track) -> None:
    """A `<FREEZE` chunk as REAPER keeps for a frozen track, before the items."""
    items = track.node.nodes("ITEM")
    place = track.node.body.index(items[0]) if items else len(track.node.body)
    track.node.body.insert(place, Node(track.node.indent + "  <FREEZE 0"))
    track.project.touch()


def receive(source: int, muted: int = 0, channel: int = 0) -> str:
    """The line of a track that gets the sound of track number `source`."""
    return f"AUXRECV {source} 0 1 0 {muted} 0 0 {channel} 0 -1:U 0 -1 ''"


def receives(track: Track) -> list[str]:
    """What other tracks send to this one, a line each."""
    return [line.strip() for line in track.node.body if str(line).split()[:1] == ["AUXRECV"]]


def set_receives(track: Track, lines: list[str]) -> None:
    body = track.node.body
    body[:] = [line for line in body if str(line).split()[:1] != ["AUXRECV"]]
    place = body.index("    PERF 0") + 1
    body[place:place] = [f"    {line}" for line in lines]
    track.project.touch()


def draw_envelope(track: Track, fx: int, parameter: int, value: float, active: bool = True) -> Node:
    """An envelope of an FX parameter with one point, `value` on the parameter's native scale."""
    node = FUNCTIONS["GetFXEnvelope"](track.project.reaper, track, fx, parameter, True).node
    node.body = [f"{node.indent}  ACT {int(active)} -1", f"{node.indent}  PT 0 {value!r} 0"]
    track.project.touch()
    return node


def turn_band(track: Track, fx: int, band: int, gain_db: float | None = None, **fields: object) -> None:
    """The user turns a band of a ReaEQ: `gain_db`, or what a `StateBand` has. -1 is the global gain."""
    eq = fx_list(track)[fx].eq
    if gain_db is not None:
        fields["gain"] = 10 ** (gain_db / 20)
    if band < 0:
        eq.write(replace(eq.state, gain=fields["gain"]))
    else:
        eq.set_band(band, **fields)
    track.project.touch()


def set_bands(track: Track, fx: int, change: Callable[[tuple[StateBand, ...]], tuple[StateBand, ...]]) -> None:
    """The user adds bands to a ReaEQ or takes some away."""
    eq = fx_list(track)[fx].eq
    eq.write(replace(eq.state, bands=change(eq.state.bands)))
    track.project.touch()


def offline(item: Item) -> None:
    """Sets the active take's media offline."""
    node = item.active_take.source.node
    node.head = node.head.replace("<SOURCE ", "<SOURCE _OFFLINE_", 1)
    forget_formats(item)
    item.project.touch()


def media_file(item: Item) -> Path:
    """The file of the active take, to move or damage."""
    source = item.active_take.source
    return Path(item.project.media_path(source.parent or source))


def can_mount() -> bool:
    """Whether `small_disk` works here: it needs root and a kernel that lets it mount."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    return subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


@contextmanager
def small_disk(folder: Path, size_kb: int = 64) -> Iterator[Path]:
    """A real file system of a few kilobytes on `folder` (an existing empty folder); gone afterwards."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "none", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)
