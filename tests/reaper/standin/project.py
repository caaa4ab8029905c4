"""A project tab: the tree of its file, handles into it, and its undo states."""

from __future__ import annotations

import difflib
import os
import uuid
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from .handles import MASTER_GUID, Item, Source, Take, Track
from .tree import Node, parse


@dataclass(frozen=True)
class UndoPoint:
    """`label` as Edit > Undo shows it; the project's bytes before and after."""

    label: str
    before: bytes
    after: bytes
    flags: int

    @property
    def changed(self) -> bool:
        return self.before != self.after


class Project:
    """Opened from a .rpp or its bytes; `bytes()` is what saving would write."""

    lua_type = "ReaProject"

    def __init__(self, source: str | os.PathLike | bytes, reaper):
        self.path = None if isinstance(source, bytes) else Path(source)
        self.reaper, self.open, self.dirty = reaper, True, False
        data = source if isinstance(source, bytes) else self.path.read_bytes()
        self.root, self.ending = parse(data)
        if self.root.name != "REAPER_PROJECT":
            raise ValueError("not a REAPER project")
        self._trailing = b"" if data.rstrip(b"\r\n") == data else self.ending.encode()
        self.tracks: list[Track] = []
        self.master = Track(self, self.root, MASTER_GUID)
        self.changes = self.steps = 0
        self.play_state, self.play_position = 0, 0.0
        self.render_beside: dict = {}  # render keys that have no known project line
        self.render_lines: dict[str, str | None] = {}  # render lines as they were read
        self.reindex()
        assert self.bytes() == data, "the stand-in would not save this project as it was read"
        self.undo_points: list[UndoPoint] = []
        self.redo_points: list[UndoPoint] = []
        self.saved_state = data  # the state at the last undo point
        self.block: list = []  # open undo blocks: the bytes when each began

    @property
    def alive(self) -> bool:
        return self.open

    def bytes(self) -> bytes:
        text = self.ending.join(self.root.lines())
        return text.encode("utf-8", "surrogateescape") + self._trailing

    def touch(self) -> None:
        """Something changed."""
        self.changes += 1

    def add_undo_point(self, label: str, before: bytes, flags: int) -> None:
        self.undo_points.append(UndoPoint(label, before, self.bytes(), flags))
        self.redo_points.clear()
        self.saved_state, self.dirty = self.bytes(), True
        self.touch()

    def undo(self) -> str:
        """Takes the last point back, to the byte; returns its label, "" if there is none."""
        if not self.undo_points:
            return ""
        self.steps += 1
        point = self.undo_points.pop()
        self.redo_points.append(point)
        self.restore(point.before)
        self.saved_state = point.before
        return point.label

    def difference(self) -> str:
        """The first lines that differ from the last undo state."""
        old, new = (data.decode("utf-8", "replace").splitlines() for data in (self.saved_state, self.bytes()))
        return "\n".join(islice(difflib.unified_diff(old, new, "before", "now", n=0), 12))

    @property
    def items(self) -> list[Item]:
        return [item for track in self.tracks for item in track.items]

    def folder(self) -> Path:
        return self.path.parent if self.path else self.reaper.resource_path / "unsaved"

    def media_path(self, source: Source) -> str:
        """Relative names count from the project's folder (docs/reaper.md, section 6)."""
        return os.path.normpath(self.folder() / source.file) if source.file else ""

    def restore(self, data: bytes) -> None:
        """Tracks keep their handles over an undo, items and takes do not."""
        self.root, _ = parse(data)
        self.touch()
        for item in self.items:
            item.removed = True
            for take in filter(None, item.takes):
                take.removed = True
        for track in self.tracks:
            track.items = []
        self.reindex()

    def reindex(self) -> None:
        """Handles for what the tree holds now; a handle whose GUID is still there keeps its identity."""
        old_tracks = {track.guid: track for track in self.tracks}
        old_items = {item.guid: item for item in self.items}
        self.master.node = self.root
        self.tracks = []
        for node in self.root.nodes("TRACK"):
            guid = _guid(node.arguments[:1] or node.get("TRACKID"))
            track = old_tracks.pop(guid, None) or Track(self, node, guid)
            track.node = node
            self.tracks.append(track)
            track.items = [self._item(track, n, old_items) for n in node.nodes("ITEM")]
        for gone in (*old_tracks.values(), *old_items.values()):
            gone.removed = True
            for take in getattr(gone, "takes", ()):
                if take is not None:
                    take.removed = True

    def _item(self, track: Track, node: Node, old: dict[str, Item]) -> Item:
        guid = _guid(node.get("IGUID"))
        item = old.pop(guid, None) or Item(self, node, guid, track)
        item.node, item.track = node, track
        known = {take.guid: take for take in item.takes if take is not None}
        item.takes = []
        for number, (start, stop) in enumerate(_take_ranges(node)):
            source = next((p for p in node.body[start:stop] if isinstance(p, Node) and p.name == "SOURCE"), None)
            if source is None:
                item.takes.append(None)  # an empty take has no pointer
                continue
            take_guid = _guid(node.get("GUID", start, stop))
            take = known.pop(take_guid, None) or Take(item, take_guid, start, stop, number == 0)
            take.node, take.start, take.stop, take.first = node, start, stop, number == 0
            if take.source is None or take.source.node is not source:
                take.source = Source(self, take, source)
            item.takes.append(take)
        for gone in known.values():
            gone.removed = True
        return item


def _guid(values: list[str] | None) -> str:
    # old files have items without one: REAPER makes it while loading
    return values[0] if values else "{" + str(uuid.uuid4()).upper() + "}"


def _take_ranges(node: Node) -> list[tuple[int, int]]:
    """Where each take's lines begin and end; nothing for an empty item."""
    marks = [i for i, part in enumerate(node.body) if isinstance(part, str) and part.split()[:1] == ["TAKE"]]
    source = next((i for i, p in enumerate(node.body) if isinstance(p, Node) and p.name == "SOURCE"), None)
    if source is None:
        return []
    first = node.index("NAME")
    starts = [0 if first < 0 or (marks and first > marks[0]) else first, *(mark + 1 for mark in marks)]
    return list(zip(starts, [*marks, len(node.body)], strict=True))
