"""FX in a chain of a track, the master or a take: where each one's lines are, and putting them in and out."""

from __future__ import annotations

import sys
import uuid
from dataclasses import dataclass
from itertools import pairwise

from reaper_aeq.reaper.reaeq.instance import vst_block

from .handles import Take, Track
from .reaeq_instance import DEFAULT, ReaEq
from .tree import Node, parse_lines, quote_token

_PLUGINS = ("VST", "JS", "CLAP", "AU", "DX", "LV2", "VIDEO_EFFECT", "CONTAINER")
REAEQ_NAMES = {"reaeq", "reaeq (cockos)", "vst:reaeq", "vst: reaeq (cockos)", "vst:reaeq (cockos)", "reaeq.dll"}
KEPT_BY_FX = ("PARMENV", "PROGRAMENV")


IN_CONTAINER = 0x2000000  # indices of FX in containers begin here; they change with every edit of the chain


@dataclass
class Fx:
    """Lines `start` to `stop` of `chain`; `node` is the plug-in's own chunk. `inside` is the container it lies in."""

    owner: Track | Take
    chain: Node
    start: int
    stop: int
    node: Node
    index: int = 0
    inside: Fx | None = None

    def _line(self, key: str) -> list[str] | None:
        return self.chain.get(key, self.start, self.stop)

    def flag(self, field: int) -> bool:
        """Field 0 of BYPASS: bypassed; 1: offline."""
        values = self._line("BYPASS") or []
        return field < len(values) and values[field] == "1"

    def set_flag(self, field: int, on: bool) -> None:
        if self.flag(field) != on:
            values = self._line("BYPASS") or ["0"]
            values += ["0"] * (field + 1 - len(values))
            values[field] = str(int(on))
            self.chain.set("BYPASS", values, start=self.start)
            self.owner.project.touch()

    @property
    def guid(self) -> str:
        return (self._line("FXID") or [""])[0]

    @property
    def wet(self) -> float:
        return float((self._line("WET") or ["1"])[0])

    def set_wet(self, value: float) -> None:
        value = min(max(value, 0.0), 1.0)
        if value == self.wet:
            return
        if self._line("WET") is None:
            place = self.chain.body.index(self.node) + 1
            self.chain.body.insert(place, self.chain.line("WET", [value, int(self.delta)]))
        else:
            self.chain.set("WET", [value, int(self.delta)], start=self.start)
        self.owner.project.touch()

    @property
    def delta(self) -> float:
        """1.0 where only what the FX changes is heard. Where projects keep that: by nobody; here WET's second value."""
        return float(([*(self._line("WET") or []), "0", "0"])[1] == "1")

    def set_delta(self, on: bool) -> None:
        if on == bool(self.delta):
            return
        if self._line("WET") is None:
            place = self.chain.body.index(self.node) + 1
            self.chain.body.insert(place, self.chain.line("WET", [1, int(on)]))
        else:
            self.chain.set("WET", [(self._line("WET") or ["1"])[0], int(on)], start=self.start)
        self.owner.project.touch()

    @property
    def plugin_name(self) -> str:
        """What the FX list calls the plug-in itself."""
        words = self.node.arguments
        if self.is_container:  # the shown name is translated
            return "容器" if self.owner.project.reaper.preferences.language == "zh" else "Container"
        if self.node.name == "JS":
            return f"JS: {words[0]}"
        return words[0] if words else self.node.name

    @property
    def renamed(self) -> str:
        """The user's name of the instance, "" if there is none."""
        place = _name_place(self.node)
        words = self.node.arguments
        return words[place] if place is not None and place < len(words) else ""

    def rename(self, name: str) -> None:
        words = self.node.arguments
        place = _name_place(self.node)
        if place is None or self.renamed == name:
            return
        words += [""] * (place + 1 - len(words))
        words[place] = name
        # REAPER leaves the file name and the id unquoted where they allow it, the other words quoted
        shown = [quote_token(words[0]) if self.node.name == "JS" else f'"{words[0]}"']
        shown += [quote_token(word) for word in words[1:]]
        self.node.head = f"{self.node.indent}<{self.node.name} " + " ".join(shown)
        self.owner.project.touch()

    @property
    def is_container(self) -> bool:
        return self.node.name == "CONTAINER"

    @property
    def is_reaeq(self) -> bool:
        return ReaEq.is_one(self.node)

    @property
    def eq(self) -> ReaEq:
        return ReaEq(self.node)

    @property
    def is_instrument(self) -> bool:
        """Plug-ins that say so themselves; a JSFX does not."""
        return self.plugin_name.split(":")[0] in ("VSTi", "VST3i", "CLAPi", "AUi", "LV2i", "DXi")


def _name_place(node: Node) -> int | None:
    return {"VST": 3, "JS": 1, "CLAP": 2}.get(node.name)


def fx_list(owner: Track | Take) -> list[Fx]:
    """The top level of the chain."""
    return _listed(owner, owner.chain())


def children(container: Fx) -> list[Fx]:
    """What lies in a container, with indices as REAPER counts them.

    0x2000000 + place of the container + place in it times (length of the chain + 1), places from 1; deeper ones go on
    in the same way.
    """
    siblings = children(container.inside) if container.inside else fx_list(container.owner)
    found = _listed(container.owner, container.node)
    prefix, stride = _address(container, len(siblings))
    for place, fx in enumerate(found, 1):
        fx.inside, fx.index = container, IN_CONTAINER + prefix + place * stride
    return found


def _address(container: Fx, siblings: int) -> tuple[int, int]:
    if container.inside is None:
        return container.index + 1, siblings + 1
    above = container.inside
    outer = children(above.inside) if above.inside else fx_list(above.owner)
    _, stride = _address(above, len(outer))
    return container.index - IN_CONTAINER, stride * (siblings + 1)


def container_at(owner: Track | Take, index: int) -> tuple[Fx, int] | None:
    """The container, and the place in it from 0 on, that an index means; those inside of others are not modeled."""
    chain = fx_list(owner)
    number, place = divmod(index - IN_CONTAINER, len(chain) + 1)
    found = chain[place - 1] if 0 < place <= len(chain) else None
    return (found, number - 1) if found and found.is_container and number > 0 else None


def put_inside(container: Fx, number: int, lines: list) -> None:
    body, inside = container.node.body, children(container)
    at = inside[number].start if number < len(inside) else len(body)
    body[at:at] = lines
    _changed(container.owner)


def all_fx(owner: Track | Take) -> list[Fx]:
    """The chain with what lies in its containers, each container before its content."""

    def walk(chain: list[Fx]) -> list[Fx]:
        return [found for fx in chain for found in (fx, *(walk(children(fx)) if fx.is_container else ()))]

    return walk(fx_list(owner))


def _listed(owner: Track | Take, chain: Node | None) -> list[Fx]:
    if chain is None:
        return []
    starts = [i for i, part in enumerate(chain.body) if isinstance(part, str) and part.split()[:1] == ["BYPASS"]]
    found = []
    for start, stop in pairwise([*starts, len(chain.body)]):
        parts = chain.body[start:stop]
        node = next((p for p in parts if isinstance(p, Node) and p.name in _PLUGINS), None)
        if node is not None:
            found.append(Fx(owner, chain, start, stop, node, len(found)))
    return found


def insert(owner: Track | Take, place: int, lines: list) -> int:
    """Puts the lines of one FX (as `chain.body` holds them) at an FX index; returns the index they got."""
    chain = owner.make_chain()
    existing = fx_list(owner)
    place = min(max(place, 0), len(existing))
    at = existing[place].start if place < len(existing) else (existing[-1].stop if existing else len(chain.body))
    chain.body[at:at] = lines
    _changed(owner)
    return place


def remove(fx: Fx, keep_chain: bool = False) -> list:
    """Takes an FX out and returns its lines. A chain that becomes empty goes with it."""
    lines = fx.chain.body[fx.start : fx.stop]
    del fx.chain.body[fx.start : fx.stop]
    if fx.inside is None and not fx_list(fx.owner) and not keep_chain:
        fx.owner.drop_chain()
    _changed(fx.owner)
    return lines


def copied(fx: Fx, owner: Track | Take) -> list:
    """Lines of a copy, with a GUID of its own and the indentation of its new chain."""
    indent = owner.make_chain().indent
    box = Node(indent + "<X", [p.copy() if isinstance(p, Node) else p for p in fx.chain.body[fx.start : fx.stop]])
    body = box.reindent(indent).body
    return [_fresh(part, indent) for part in body]


def _fresh(part, indent: str):
    return f"{indent}  FXID {new_guid()}" if isinstance(part, str) and part.split()[:1] == ["FXID"] else part


def new_reaeq(owner: Track | Take) -> list:
    """Lines of a new ReaEQ: factory state (docs/reaper.md, section 2), or the user's default preset."""
    indent = owner.make_chain().indent
    platform = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    block = parse_lines(vst_block(default_state(owner), platform=platform)).reindent(indent + "  ")
    after = ("FLOATPOS 0 0 0 0", f"FXID {new_guid()}", "WAK 0 0")
    return [f"{indent}  BYPASS 0 0 0", block, *(f"{indent}  {line}" for line in after)]


def new_container(owner: Track | Take) -> list:
    indent = owner.make_chain().indent
    node = Node(f'{indent}  <CONTAINER Container "" ""')
    lines = ("CONTAINER_CFG 2 2 2 0", "SHOW 0", "LASTSEL 0", "DOCKED 0")
    node.body = [f"{node.indent}  {line}" for line in lines]
    after = ("FLOATPOS 0 0 0 0", f"FXID {new_guid()}", "WAK 0 0")
    return [f"{indent}  BYPASS 0 0 0", node, *(f"{indent}  {line}" for line in after)]


def default_state(owner: Track | Take):
    return owner.project.reaper.preferences.eq_default or DEFAULT


def new_guid() -> str:
    return "{" + str(uuid.uuid4()).upper() + "}"


def _changed(owner: Track | Take) -> None:
    owner.project.touch()
    if isinstance(owner, Take):
        owner.project.reindex()
