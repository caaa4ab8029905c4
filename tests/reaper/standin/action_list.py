"""REAPER's action list: the script lines of reaper-kb.ini, as `reaper-aeq install` writes them (docs/reaper.md, 11)."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from .errors import StandInError
from .registry import api
from .tree import quote_token, tokens

_COMMAND = re.compile(r"RS(?:[0-9a-f]+_)?[0-9a-f]{40}")
_REAPYS_COMMAND = re.compile(r"RS[0-9a-zA-Z]{40}")  # what reapy makes up for its own script
FIRST_COMMAND = 53_000  # REAPER gives scripts numbers from here on, anew at each start


class ActionList:
    """Reads the list at start, as REAPER does; the numbers of commands hold for this run only."""

    def __init__(self, resource_path: Path):
        self.resource_path, self.file = resource_path, resource_path / "reaper-kb.ini"
        self.entries: list[tuple[str, str, Path]] = []  # id, name in the list, file
        self.flags: dict[str, int] = {}  # by id: what to do when an action is run while it runs
        self.read()

    def read(self) -> None:
        self.entries = []
        if not self.file.exists():
            return
        for number, line in enumerate(self.file.read_text(encoding="utf-8").splitlines(), 1):
            words = tokens(line)
            if not words or words[0] != "SCR":
                continue
            command = _REAPYS_COMMAND if words[-1].endswith(".py") else _COMMAND
            if len(words) != 6 or not (words[1].isdigit() and words[2].isdigit() and command.fullmatch(words[3])):
                raise StandInError("reaper-kb.ini", f"line {number} is no script line: {line!r}")
            if not words[4].startswith("Custom: "):
                raise StandInError("reaper-kb.ini", f"line {number} has a name without 'Custom: ': {line!r}")
            path = Path(words[5])
            if not path.is_absolute():
                path = self.resource_path / "Scripts" / path
            self.entries.append((words[3], words[4].removeprefix("Custom: "), path))
            self.flags[words[3]] = int(words[1])
        ids = [command for command, _, _ in self.entries]
        if len(set(ids)) != len(ids):
            raise StandInError("reaper-kb.ini", "two script lines have the same command id")

    def find(self, name: str) -> tuple[Path, int]:
        """File and number of an action by its name or id."""
        wanted = name.removeprefix("_")
        for index, (command, title, path) in enumerate(self.entries):
            if wanted in (command, title, title.removesuffix(".lua"), path.stem):
                return path, FIRST_COMMAND + index
        raise StandInError("action", f"no action {name!r} in the list: {[title for _, title, _ in self.entries]}")

    def flag(self, command: int) -> int:
        """The remembered answer for an action of this number: 4 none, 260 end it, 516 another instance."""
        index = command - FIRST_COMMAND
        return self.flags.get(self.entries[index][0], 4) if 0 <= index < len(self.entries) else 4

    def add(self, path: str) -> int:
        file = Path(path)
        if not file.is_file():
            return 0
        known = [entry_path for _, _, entry_path in self.entries]
        if file not in known:
            command = "RS" + hashlib.sha1(str(file).encode()).hexdigest()
            self.entries.append((command, file.name, file))
            known.append(file)
        return FIRST_COMMAND + known.index(file)

    def commit(self) -> None:
        kept = self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []
        ids = {words[3] for words in map(tokens, kept) if words[:1] == ["SCR"]}
        new = [
            f"SCR 4 0 {command} {quote_token('Custom: ' + title)} {quote_token(str(path))}"
            for command, title, path in self.entries
            if command not in ids
        ]
        self.file.write_text("\n".join([*kept, *new]) + "\n", encoding="utf-8")


@api
def AddRemoveReaScript(reaper, add, section, path, commit):
    if section != 0:
        raise StandInError("not modeled", f"section {section} of the action list")
    if not add:
        before = len(reaper.actions.entries)
        reaper.actions.entries = [e for e in reaper.actions.entries if e[2] != Path(path)]
        return int(len(reaper.actions.entries) < before)
    command = reaper.actions.add(path)
    if commit:
        reaper.actions.commit()
    return command


@api
def NamedCommandLookup(reaper, name):
    if not name.startswith("_"):
        return int(name) if name.isdigit() else 0
    for index, (command, _, _) in enumerate(reaper.actions.entries):
        if command == name[1:]:
            return FIRST_COMMAND + index
    return 0


@api
def ReverseNamedCommandLookup(reaper, command):
    index = command - FIRST_COMMAND
    # REAPER leaves the underscore off here, and returns nil for its own actions
    return reaper.actions.entries[index][0] if 0 <= index < len(reaper.actions.entries) else None


@api
def GetToggleCommandStateEx(reaper, section, command):
    return reaper.toggle_states.get(command, -1)


@api
def SetToggleCommandState(reaper, section, command, state):
    """Of actions in the list only; a toolbar shows it once it is refreshed."""
    if section != 0 or not FIRST_COMMAND <= command < FIRST_COMMAND + len(reaper.actions.entries):
        return False
    reaper.toggle_states[command] = state
    return True


@api
def RefreshToolbar2(reaper, section, command):
    reaper.lamps[command] = reaper.toggle_states.get(command, -1)
