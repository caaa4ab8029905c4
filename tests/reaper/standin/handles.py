"""What Lua holds as pointers. A handle stays the same object as long as its thing exists, also over an undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .tree import Node

if TYPE_CHECKING:
    from .project import Project

MASTER_GUID = "{00000000-0000-0000-0000-000000000000}"
# The master has no chunk of its own: its lines lie at project level under other names.
_MASTER_KEYS = {
    "VOLPAN": "MASTER_VOLUME",
    "SEL": "MASTER_SEL",
    "MUTESOLO": "MASTERMUTESOLO",
    "FX": "MASTER_FX",
    "NCHAN": "MASTER_NCH",
}


class Handle:
    """Something with a node in a project's tree; dead once that node is gone."""

    lua_type = ""

    def __init__(self, project: Project, node: Node, guid: str):
        self.project, self.node, self.guid, self.removed = project, node, guid, False

    @property
    def alive(self) -> bool:
        return not self.removed and self.project.open


class Track(Handle):
    lua_type = "MediaTrack"

    def __init__(self, project: Project, node: Node, guid: str):
        super().__init__(project, node, guid)
        self.items: list[Item] = []
        self.is_master = guid == MASTER_GUID

    def key(self, key: str) -> str:
        return _MASTER_KEYS.get(key, key) if self.is_master else key

    @property
    def name(self) -> str:
        values = None if self.is_master else self.node.get("NAME")
        return values[0] if values else ""

    @property
    def number(self) -> int:
        """1-based; -1 for the master, as IP_TRACKNUMBER."""
        return -1 if self.is_master else self.project.tracks.index(self) + 1

    @property
    def selected(self) -> bool:
        return bool(self.node.number(self.key("SEL")))

    def select(self, on: bool) -> None:
        if self.selected != on:
            self.node.set(self.key("SEL"), [int(on)], after=("FREEMODE", "SHOWINMIX", "NAME", "MASTER_FX"))
            self.project.touch()

    def chain(self) -> Node | None:
        return self.node.node("MASTERFXLIST" if self.is_master else "FXCHAIN")

    def make_chain(self) -> Node:
        chain = self.chain()
        if chain is not None:
            return chain
        indent = self.node.indent + "  "
        body = [f"{indent}  {line}" for line in ("SHOW 0", "LASTSEL 0", "DOCKED 0")]
        chain = Node(indent + ("<MASTERFXLIST" if self.is_master else "<FXCHAIN"), body)
        stops = ("TRACK", "PROJBAY", "EXTENSIONS") if self.is_master else ("FREEZE", "FXCHAIN_REC", "ITEM")
        behind = self.node.node(*stops)
        place = len(self.node.body) if behind is None else self.node.body.index(behind)
        self.node.body.insert(place, chain)
        return chain

    def drop_chain(self) -> None:
        self.node.body.remove(self.chain())


class Item(Handle):
    lua_type = "MediaItem"

    def __init__(self, project: Project, node: Node, guid: str, track: Track):
        super().__init__(project, node, guid)
        self.track, self.takes = track, []

    @property
    def selected(self) -> bool:
        return bool(self.node.number("SEL"))

    def select(self, on: bool) -> None:
        if self.selected != on:
            self.node.set("SEL", [int(on)], after=("ALLTAKES", "LOOP", "LENGTH", "MUTE"))
            self.project.touch()

    @property
    def active_take(self) -> Take | None:
        """The one marked `TAKE SEL`, else the first (which has no TAKE line of its own)."""
        for take in self.takes:
            if take is not None and take.start and "SEL" in tokens_of(self.node, take.start - 1):
                return take
        return self.takes[0] if self.takes else None


class Take(Handle):
    """Lines `start` to `stop` of the item's body. The first take's volume is in the item's VOLPAN."""

    lua_type = "MediaItem_Take"

    def __init__(self, item: Item, guid: str, start: int, stop: int, first: bool):
        super().__init__(item.project, item.node, guid)
        self.item, self.start, self.stop, self.first = item, start, stop, first
        self.source: Source | None = None

    def value(self, key: str, field: int = 0, default: float = 0.0) -> float:
        return self.node.number(key, field, default, self.start, self.stop)

    def chain(self) -> Node | None:
        parts = self.node.body[self.start : self.stop]
        return next((p for p in parts if isinstance(p, Node) and p.name == "TAKEFX"), None)

    def make_chain(self) -> Node:
        chain = self.chain()
        if chain is None:
            indent = self.node.indent + "  "
            chain = Node(indent + "<TAKEFX", [f"{indent}  {line}" for line in ("SHOW 0", "LASTSEL 0", "DOCKED 0")])
            self.node.body.insert(self.stop, chain)
            self.project.reindex()
        return chain

    def drop_chain(self) -> None:
        self.node.body.remove(self.chain())
        self.project.reindex()


class Source:
    """A `<SOURCE` node; a section's parent is the source it wraps. `take` is None before it is put into one."""

    lua_type = "PCM_source"

    def __init__(self, project: Project, take: Take | None, node: Node):
        self.project, self.take, self.node = project, take, node
        inner = node.node("SOURCE")
        self.parent = Source(project, take, inner) if inner is not None else None

    @property
    def alive(self) -> bool:
        return self.project.open and (self.take is None or self.take.alive)

    @property
    def kind(self) -> str:
        return self.node.arguments[0]

    @property
    def file(self) -> str:
        values = self.node.get("FILE")
        return values[0] if values else ""


def tokens_of(node: Node, place: int) -> list[str]:
    part = node.body[place]
    return part.split() if isinstance(part, str) else []
