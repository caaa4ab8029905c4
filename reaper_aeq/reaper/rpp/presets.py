"""ReaEQ settings outside projects: FX chains, track templates, preset libraries and REAPER's own preset file.

`.RfxChain`, `.RTrackTemplate`, `.RPL` and `presets/vst-reaeq.ini` (docs/reaper.md, section 2). Standard library only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ...eq import Eq
from ...errors import ProjectError
from ..chunks import parse
from ..reaeq.instance import decode_state, to_eq
from ..reaeq.state import ReaEqState, StateError
from .fxchain import read_eqs, read_state, split_fx
from .project import Project, read_file

_LIBRARY, _PRESET = "REAPER_PRESET_LIBRARY", "PRESET"


@dataclass(frozen=True)
class Preset:
    """A stored ReaEQ and the name it goes by: the preset's, the instance's, or '' where it has none."""

    name: str
    state: ReaEqState
    line: int = 0

    @property
    def eq(self) -> Eq:
        """The state as an `Eq`; raises `StateError` for bands of a kind we cannot compute."""
        return to_eq(self.state)


def read_presets(path: str | os.PathLike[str]) -> list[Preset]:
    """Every ReaEQ in a chain, template, library or `.ini` file, in its order; which it is, its suffix says.

    Raises `ProjectError` with the line for a file of another kind, or one that is damaged.
    """
    reader = _READERS.get(Path(path).suffix.lower())
    try:
        if reader is None:
            known = ", ".join((".RfxChain", ".RTrackTemplate", ".RPL", "vst-reaeq.ini"))
            raise ProjectError(f"presets are read from files of these kinds: {known}")
        return list(reader(read_file(path)))
    except ProjectError as error:
        raise error.in_file(os.fspath(path)) from None


def read_chain(data: bytes) -> Iterator[Preset]:
    """The ReaEQs of an `.RfxChain`: the inside of an FXCHAIN, with or without the chunk around it."""
    root = parse(data)
    chain = root.find("FXCHAIN") or root
    if not split_fx(chain)[1]:
        raise ProjectError("it is not an FX chain: there is no FX in it", 1)
    for eq in read_eqs(chain):
        yield Preset(eq.name, eq.state, eq.line)


def read_template(data: bytes) -> Iterator[Preset]:
    """The ReaEQs on the tracks of an `.RTrackTemplate`."""
    for track in Project.from_bytes(data).tracks:
        for eq in track.eqs():
            yield Preset(eq.name, eq.state, eq.line)


def read_library(data: bytes) -> Iterator[Preset]:
    """The presets of an `.RPL` of ReaEQ's."""
    library = parse(data).find(_LIBRARY)
    if library is None:
        raise ProjectError(f"it is not a preset library: there is no <{_LIBRARY}", 1)
    for chunk in library.find_all(_PRESET):
        yield Preset((chunk.tokens[1:] or [""])[0], read_state(chunk), chunk.number)


def read_ini(data: bytes) -> Iterator[Preset]:
    """The presets of `vst-reaeq.ini`: hex that ends in a checksum, the sum of all bytes before it modulo 256."""
    sections: list[_Section] = []
    for number, content in enumerate(_decoded(data).split("\n"), 1):
        key, equals, value = content.strip().partition("=")
        if key.startswith("["):
            sections.append(_Section(key.strip("[]")[:40], number, {}))  # a damaged line can be long
        elif equals and sections:
            sections[-1].values[key.strip()] = value.strip()
    found = [section for section in sections if section.name.startswith("Preset")]
    declared = next((section.values.get("NbPresets") for section in sections if section.name == "General"), None)
    if declared is None:
        raise ProjectError("it is not a file of REAPER's presets: there is no NbPresets", 1)
    if declared != str(len(found)):
        raise ProjectError(f"it holds {len(found)} presets, not the {declared[:20]} it should: the file is cut short")
    yield from map(_ini_preset, found)


@dataclass(frozen=True)
class _Section:
    name: str
    line: int
    values: dict[str, str]


def _ini_preset(section: _Section) -> Preset:
    try:
        digits, length, name = (section.values[key] for key in ("Data", "Len", "Name"))
        data = bytes.fromhex(digits)
    except KeyError as error:
        raise ProjectError(f"[{section.name}] has no {error.args[0]}: the file is cut short", section.line) from None
    except ValueError:
        raise ProjectError(f"the data of [{section.name}] are not hexadecimal", section.line) from None
    if length != str(len(data) - 1):
        raise ProjectError(f"[{section.name}] has {len(data) - 1} bytes, not the {length[:20]} it should", section.line)
    if not data or sum(data[:-1]) % 256 != data[-1]:
        raise ProjectError(f"[{section.name}] is damaged: its checksum is wrong", section.line)
    try:
        return Preset(name, decode_state(data[:-1]), section.line)
    except StateError as error:
        raise ProjectError(f"[{section.name}]: {error}", section.line) from None


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


_READERS: dict[str, Callable[[bytes], Iterator[Preset]]] = {
    ".rfxchain": read_chain,
    ".rtracktemplate": read_template,
    ".rpl": read_library,
    ".ini": read_ini,
}
