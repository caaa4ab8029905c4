"""ExtState: REAPER's memory that all scripts share, and reaper-extstate.ini for what persists."""

from __future__ import annotations

from pathlib import Path

from .errors import StandInError
from .registry import api


class ExtState:
    """`values` is what scripts see; `kept` what the file holds. Section and key names ignore case, as in .ini files."""

    def __init__(self, resource_path: Path):
        self.file = resource_path / "reaper-extstate.ini"
        self.kept: dict[tuple[str, str], str] = {}
        section = ""
        for line in self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else ():
            if line.startswith("["):
                section = line[1:-1]
            elif "=" in line:
                key, value = line.split("=", 1)
                self.kept[section.lower(), key.lower()] = value
        self.values = dict(self.kept)

    def set(self, section: str, key: str, value: str, persist: bool) -> None:
        if persist and any(c in section + key + value for c in "\r\n"):
            raise StandInError("ext state", f"a persistent value holds a line break: {section}/{key}")
        self.values[section.lower(), key.lower()] = value
        if persist:
            self.kept[section.lower(), key.lower()] = value
            self._write()

    def delete(self, section: str, key: str, persist: bool) -> None:
        self.values.pop((section.lower(), key.lower()), None)
        if persist and self.kept.pop((section.lower(), key.lower()), None) is not None:
            self._write()

    def _write(self) -> None:
        sections = sorted({section for section, _ in self.kept})
        lines = []
        for section in sections:
            lines += [f"[{section}]", *(f"{k}={v}" for (s, k), v in sorted(self.kept.items()) if s == section)]
        self.file.write_text("\n".join(lines) + "\n", encoding="utf-8")


@api
def GetExtState(reaper, section, key):
    return reaper.ext_state.values.get((section.lower(), key.lower()), "")


@api
def SetExtState(reaper, section, key, value, persist):
    reaper.ext_state.set(section, key, value, persist)


@api
def HasExtState(reaper, section, key):
    return (section.lower(), key.lower()) in reaper.ext_state.values


@api
def DeleteExtState(reaper, section, key, persist):
    reaper.ext_state.delete(section, key, persist)


@api
def GetProjExtState(reaper, project, section, key):
    found = _section(project, section)
    values = found.get(key) if found is not None else None
    return (1, values[0]) if values else (0, "")


@api
def SetProjExtState(reaper, project, section, key, value):
    from .tree import Node

    state = project.root.node("EXTENSIONS_STATE", "EXTSTATE")
    if state is None:
        state = Node(project.root.indent + "  <EXTSTATE")
        project.root.body.append(state)
    found = _section(project, section)
    if found is None:
        found = Node(f"{state.indent}  <{section}")
        state.body.append(found)
    if value:
        found.set(key, [value])
    elif found.index(key) >= 0:
        found.body.pop(found.index(key))
    project.touch()
    return 1


def _section(project, section):
    state = project.root.node("EXTSTATE")
    return state.node(section) if state is not None else None
