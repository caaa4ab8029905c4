"""The ReaEQs of one FX chain: finding them, setting ours by name, and taking it away without a trace.

An FX is a run of lines inside FXCHAIN or MASTERFXLIST: BYPASS, the plug-in's chunk, then what belongs to it (FLOATPOS,
FXID, envelopes, WAK ...) until the next BYPASS (docs/reaper.md, section 6). Standard library only.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeGuard

from ...eq import Eq, MovingEq
from ...errors import AeqError, ProjectError
from ..chunks import Chunk, Line, quote_token, split_tokens
from ..reaeq.instance import clean_name, decode_state, encode_state, to_eq, to_state, vst_block
from ..reaeq.state import VST_ID, ReaEqState, StateError
from .lanes import guid_for, is_marked, is_ours, lane_lines, parameters_of

PLUGINS = ("VST", "AU", "JS", "DX", "CLAP", "LV2", "VIDEO_EFFECT", "CONTAINER")
# What REAPER writes for a chain whose window was never opened.
NEW_CHAIN = ("SHOW 0", "LASTSEL 0", "DOCKED 0")
_PLINK = re.compile(rb"^(\s*PLINK\s+\S+\s+)(\d+)(:-?\d+)?(?=\s|$)")


@dataclass(frozen=True)
class EqInstance:
    """One ReaEQ: instance name and stored state."""

    name: str
    bypassed: bool
    offline: bool
    state: ReaEqState
    in_container: bool = False
    guid: str = ""  # "" where the file has none
    lanes: frozenset[int] = frozenset()  # parameters that follow an envelope
    our_lanes: frozenset[int] = frozenset()  # those whose envelope was written by us into this file

    @property
    def eq(self) -> Eq:
        """The state as an `Eq`; raises `StateError` for bands of a kind we cannot compute."""
        return to_eq(self.state)


def split_fx(chain: Chunk) -> tuple[list[Line | Chunk], list[Chunk]]:
    """What stands before the first FX (window, selection), and the lines of each FX in their order, as a chunk without
    a head."""
    head: list[Line | Chunk] = []
    fxs: list[Chunk] = []
    for child in chain.children:
        if isinstance(child, Line):
            begins = child.name == "BYPASS"
        else:
            # The oldest chains and hand-written ones have no BYPASS line.
            begins = child.name in PLUGINS and (not fxs or plugin_of(fxs[-1]) is not None)
        if begins:
            fxs.append(Chunk())
        (fxs[-1].children if fxs else head).append(child)
    for fx in fxs:
        # Stands at the end of one FX and says how the *next* one runs: it must neither go nor come with this one.
        while fx.children and fx.children[-1].name == "PARALLEL":
            fx.children.pop()
    return head, fxs


def plugin_of(fx: Chunk) -> Chunk | None:
    """The chunk of the plug-in itself; None where there is none."""
    return next((chunk for chunk in fx.chunks if chunk.name in PLUGINS), None)


def read_eqs(chain: Chunk) -> list[EqInstance]:
    """Every ReaEQ of the chain, those in containers too. Raises `ProjectError` with the line of a damaged state."""
    found = (pair for top in split_fx(chain)[1] for pair in _inside(top))
    return [_instance(fx, plugin, within) for fx, within in found if is_reaeq(plugin := plugin_of(fx))]


def is_reaeq(plugin: Chunk | None) -> TypeGuard[Chunk]:
    """By the plug-in's id, or by its file name where old files have none; the display name may be the user's."""
    if plugin is None or plugin.name != "VST":
        return False
    tokens = plugin.tokens
    if len(tokens) > 5 and (number := re.match(r"\d+", tokens[5])):
        return number[0] == str(VST_ID)
    file = tokens[2] if len(tokens) > 2 else ""
    return re.fullmatch(r"reaeq(\.dll|\.vst(\.so|\.dylib)?)", re.split(r"[\\/]", file)[-1].lower()) is not None


def read_state(plugin: Chunk) -> ReaEqState:
    """The state in a `<VST` (or `<PRESET`) chunk; raises `ProjectError` with the line."""
    for line in plugin.lines:
        try:
            base64.b64decode(line.raw.strip(), validate=True)
        except ValueError as error:
            raise ProjectError(f"the ReaEQ state is not base64: {error}", line.number) from None
    try:
        return decode_state([line.text for line in plugin.lines])
    except StateError as error:
        raise ProjectError(str(error), plugin.number) from None


class ChainHolder:
    """A track or the master: a chunk with a chain of FX in which EQs are found and set by name."""

    chain_name: str
    behind_chain: tuple[str, ...]  # chunks that REAPER writes behind the chain

    def __init__(self, chunk: Chunk, platform: str | None, path: Path | None):
        self.chunk, self._platform, self._path = chunk, platform, path

    def eqs(self) -> list[EqInstance]:
        """Every ReaEQ of the chain, in its order, ours or not.

        Raises `ProjectError` with the line of a state that cannot be read.
        """
        chain = self.chunk.find(self.chain_name)
        try:
            return read_eqs(chain) if chain else []
        except ProjectError as error:
            raise error.in_file(self._path) from None

    def set_eq(self, eq: Eq, name: str, *, moving: MovingEq | None = None) -> bool:
        """Sets the ReaEQ called `name`; False if it was like that already, and then no byte changes.

        An instance of that name keeps its place in the chain, bypass, window and pins, and gets the bands and the
        global gain. If there is none, one is inserted as the first FX, in REAPER's own form; a chain is created for it
        if need be.

        With `moving`, whose bands are those of `eq`, envelopes move the gains along the project; without it envelopes
        that were written so go. Those of the user's stay.

        Raises `RangeError` for what ReaEQ's controls cannot reach, `ProjectError` if the instance there is damaged.
        """
        name = stored_name(name)
        new, chain = to_state(eq), self.chunk.find(self.chain_name)
        fxs = split_fx(chain)[1] if chain else []
        for fx in fxs:
            if chain and (plugin := _called(name, fx)):
                return self._reset_eq(chain, fx, plugin, new, name, moving)
        # Once the last of the instances that live in a chain of ours goes, the chain goes with it.
        brought = chain is None or (bool(fxs) and all(map(_brought_chain, fxs)))
        block = vst_block(new, name, self._platform)
        fxid = guid_for(self.chunk.to_bytes() + "\n".join(block).encode("utf-8", "surrogateescape"), marked=brought)
        lines = ["BYPASS 0 0 0", *block, "FLOATPOS 0 0 0 0", f"FXID {fxid}"]
        lines += [*(lane_lines(moving) if moving else ()), "WAK 0 0"]
        if chain is None:
            self.chunk.insert(self.place_of_chain(), [f"<{self.chain_name}", *NEW_CHAIN, *lines, ">"])
        elif not fxs:
            chain.append(lines)
        else:
            _shift_links(fxs, {old: old + 1 for old in range(len(fxs))})
            chain.insert(chain.children.index(fxs[0].children[0]), lines)
        return True

    def _reset_eq(
        self, chain: Chunk, fx: Chunk, plugin: Chunk, new: ReaEqState, name: str, moving: MovingEq | None
    ) -> bool:
        """As `set_eq`, of the instance that is there."""
        try:
            replaced = _replace_bands(plugin, new)
        except ProjectError as error:
            raise error.in_file(self._path) from None
        guid = fx.value("FXID")
        changed = _replace_lanes(chain, fx, moving, self.drawn_in_reaper(name, guid)) or replaced
        if changed and moving is None:
            self.forget_drawn(guid)
        return changed

    def rename_eq(self, name: str, new: str) -> None:
        """Gives the ReaEQ of this name, if there is one, another; nothing else of it changes."""
        chain = self.chunk.find(self.chain_name)
        plugin = next((found for fx in (split_fx(chain)[1] if chain else []) if (found := _called(name, fx))), None)
        if plugin and plugin.head:
            old_token, new_token = (b" %b " % quote_token(clean_name(one)).encode() for one in (name, new))
            plugin.head.raw = plugin.head.raw.replace(old_token, new_token, 1)

    def remove_eq(self, name: str) -> bool:
        """Removes every ReaEQ that `set_eq` inserted under this name, and the chain if it came with it; False if there
        is none."""
        name = stored_name(name)
        chain = self.chunk.find(self.chain_name)
        found = False
        while chain and (fx := next((fx for fx in split_fx(chain)[1] if _called(name, fx)), None)):
            fxs = split_fx(chain)[1]
            index = next(i for i, other in enumerate(fxs) if other.children[0] is fx.children[0])
            for part in fx.children:
                chain.children.remove(part)
            del fxs[index]
            _shift_links(fxs, {old: old - (old > index) for old in range(len(fxs) + 1) if old != index})
            if not fxs and _brought_chain(fx):
                self.chunk.children.remove(chain)
                chain = None
            found = True
        return found

    def drawn_in_reaper(self, name: str, fxid: str) -> Collection[int]:
        """The parameters whose envelopes the actions or `live` drew for the EQ of this name and FXID."""
        return ()

    def forget_drawn(self, fxid: str) -> None:
        """Those envelopes are gone: what is drawn there from now on is the user's."""

    def place_of_chain(self) -> int:
        """The index among the chunk's children at which REAPER would write a chain."""
        children = self.chunk.children
        behind = (i for i, child in enumerate(children) if isinstance(child, Chunk) and child.name in self.behind_chain)
        return next(behind, len(children))


def _shift_links(fxs: Sequence[Chunk], moved: Mapping[int, int]) -> None:
    """Rewrites parameter links, by which the FX of a chain name each other by number, after numbers changed as `moved`
    says; a link to one not in it is left alone. `fxs` are those of the old chain that are still there, in order.

    `PLINK scale 2:-1 param offset` in a PROGRAMENV chunk links to FX 2 of the chain, one before its own (State Chunk
    Definitions, ReaTeam); older files write the number alone. -1 and -100 mean nothing and MIDI.
    """
    stayed = sorted(moved)
    for old_position, fx in zip(stayed, fxs, strict=True):
        for envelope in fx.find_all("PROGRAMENV"):
            line = envelope.line("PLINK")
            match = _PLINK.match(line.raw) if line else None
            if line and match and (target := int(match[2])) in moved:
                # Changed by how far both went, not computed anew: what was odd before is as odd when it is put back.
                change = (moved[target] - target) - (moved[old_position] - old_position)
                distance = b":%d" % (int(match[3][1:]) + change) if match[3] else b""
                line.raw = match[1] + b"%d" % moved[target] + distance + line.raw[match.end() :]


def stored_name(name: str) -> str:
    """The name as it reads back from a file; raises `AeqError` for none, which every ReaEQ of the user's has."""
    stored = split_tokens(quote_token(clean_name(name)))[0]
    if not stored.strip():
        raise AeqError("an EQ that is to be found again needs a name")
    return stored


def _inside(fx: Chunk) -> Iterator[tuple[Chunk, bool]]:
    yield fx, False
    plugin = plugin_of(fx)
    if plugin and plugin.name == "CONTAINER":
        for inner in split_fx(plugin)[1]:
            for found, _ in _inside(inner):
                yield found, True


def _instance(fx: Chunk, plugin: Chunk, within: bool) -> EqInstance:
    bypass = [token != "0" for token in fx.values("BYPASS")] + [False, False]
    return EqInstance(
        _name(plugin), bypass[0], bypass[1], read_state(plugin), within, fx.value("FXID"), parameters_of(fx.children),
        parameters_of(filter(is_ours, fx.children)),
    )  # fmt: skip


def _name(plugin: Chunk) -> str:
    return (plugin.tokens[4:] or [""])[0]


def _called(name: str, fx: Chunk) -> Chunk | None:
    """The plug-in of an FX that is a ReaEQ of this name."""
    plugin = plugin_of(fx)
    return plugin if is_reaeq(plugin) and _name(plugin) == name else None


def _replace_bands(plugin: Chunk, new: ReaEqState) -> bool:
    old = read_state(plugin)
    if _sound_alike(new, old):
        return False
    plugin.children = plugin.made(encode_state(replace(old, bands=new.bands, gain=new.gain)))
    return True


def _sound_alike(a: ReaEqState, b: ReaEqState) -> bool:
    """Whether they differ in no more than the last digits, which the way to dB and back may change."""
    if [(one.type, one.enabled) for one in a.bands] != [(one.type, one.enabled) for one in b.bands]:
        return False
    rows = [[one.gain, *(value for band in one.bands for value in (band.freq_hz, band.gain, band.bandwidth_oct))]
            for one in (a, b)]  # fmt: skip
    return all(math.isclose(x, y, rel_tol=1e-12) for x, y in zip(*rows, strict=True))


def _replace_lanes(chain: Chunk, fx: Chunk, moving: MovingEq | None, drawn: Collection[int]) -> bool:
    """Puts our envelopes in the place of those of ours that are there; whether anything changed."""
    old = [part for part in fx.children if is_ours(part, drawn)]
    kept = [part for part in fx.children if part not in old]
    new = lane_lines(moving, parameters_of(kept)) if moving else []
    if b"".join(part.to_bytes() for part in chain.made(new)) == b"".join(part.to_bytes() for part in old):
        return False
    before = next(part for part in reversed(kept) if not (isinstance(part, Line) and part.name == "WAK"))
    for part in old:
        chain.children.remove(part)
    chain.insert(chain.children.index(before) + 1, new)
    return True


def _brought_chain(fx: Chunk) -> bool:
    """Whether the chain came with this instance. REAPER writes empty chains of exactly our form, so only its FXID tells
    a chain to take away from one to leave."""
    return is_marked(fx.value("FXID"))
