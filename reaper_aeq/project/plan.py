"""A plan: which track gets which word, from a small TOML file (`default_plan.toml` explains it).

Whatever is wrong with a plan is said with the line it stands in. Standard library only.
"""

from __future__ import annotations

import fnmatch
import os
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from ..errors import AeqError, AudioError, RangeError
from ..model import kinds as model_kinds
from ..reaper.reaeq.names import instance_name, match_name
from ..request import (
    DEFAULT_METHOD,
    DEFAULT_PROFILE,
    METHODS,
    REFINE_STEPS,
    EqRequest,
    check_range,
    parse_word,
)
from ..util.small_files import read_small

DEFAULT_PLAN = Path(__file__).with_name("default_plan.toml")
OLDER_KINDS = ("low", "high", "full", "middle")  # names that `kinds.kind_of` gives
KINDS = (*model_kinds.KINDS, "melodic", *OLDER_KINDS)
ON = ("tracks", "buses", "both")
_ACTION = ("word", "intensity", "adaptation", "method", "heard_as", "profile", "sections")
_KEYS = {
    "rule": ("track", "folder", "kind", "on", *_ACTION),
    "default": _ACTION,
    "master": (*_ACTION, "reference"),
}
_MAX_BYTES = 2**20


class PlanError(AeqError):
    """A plan that cannot be read or asks for what there is not; names file and line."""


@dataclass(frozen=True)
class Action(EqRequest):
    """What a track gets. `line` is where it stands in the plan; `reference` is a file, for the master only."""

    word: str | Mapping[str, float] = ""
    profile: str | None = DEFAULT_PROFILE
    reference: Path | None = None
    line: int = 0

    def in_reaper(self, spelled: Callable[[str], str] = lambda word: word) -> str:
        """Of the instance in REAPER."""
        if self.reference:
            return match_name([self.reference], self.intensity)
        return instance_name(self.word, self.intensity, spelled)


@dataclass(frozen=True)
class Rule:
    """Patterns that must fit, empty ones fit all; `on` says whether tracks or buses are meant."""

    action: Action
    tracks: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    on: str = "tracks"

    def fits(self, name: str, folders: tuple[str, ...], kinds: Collection[str], is_bus: bool) -> bool:
        """Whether it is about a track, or a bus, of this name, in these folders, that may be called one of `kinds`."""
        return (
            self.on in ("both", "buses" if is_bus else "tracks")
            and (not self.tracks or _any(self.tracks, name))
            and (not self.folders or any(_any(self.folders, folder) for folder in folders))
            and (not self.kinds or any(kind in self.kinds for kind in kinds))
        )


@dataclass(frozen=True)
class Plan:
    """Rules in order, then the default; None leaves tracks or master as they are."""

    path: Path
    rules: tuple[Rule, ...] = ()
    default: Action | None = None
    master: Action | None = None
    leave: tuple[str, ...] = ()
    text: str = ""

    @property
    def is_default(self) -> bool:
        """Whether it is the one that comes with the program."""
        return self.path == DEFAULT_PLAN

    @property
    def actions(self) -> list[Action]:
        """All that is asked for, in the plan's order."""
        found = [rule.action for rule in self.rules]
        return found + [action for action in (self.default, self.master) if action]

    def leaves(self, name: str) -> bool:
        """Whether nothing is to be done to a track of this name."""
        return _any(self.leave, name)

    def action(self, name: str, folders: tuple[str, ...], kinds: Collection[str], is_bus: bool) -> Action | None:
        """What a track gets.

        >>> Plan(Path("p"), (Rule(Action("warm"), tracks=("*vox*",)),)).action("Lead Vox", (), ["vocals"], False).word
        'warm'
        """
        for rule in self.rules:
            if rule.fits(name, folders, kinds, is_bus):
                return rule.action
        return None if is_bus else self.default

    def check(self, check_word: Callable[[str | Mapping[str, float]], object]) -> None:
        """Raises `PlanError` with the line of a word that `check_word` refuses, or of a reference that is missing."""
        for action in self.actions:
            try:
                if action.reference is None:
                    check_word(action.word)
                elif not action.reference.is_file():
                    raise AudioError(f"{action.reference} does not exist: check the path of the reference")
            except AeqError as error:
                raise self.refuse(action, error) from None

    def refuse(self, action: Action, error: AeqError) -> PlanError:
        """The error about an action, with its place."""
        return PlanError(f"{self.path}: line {action.line}: {error}")


def read_plan(path: str | os.PathLike[str] | None = None) -> Plan:
    """The plan in a file, or the default one. Raises `PlanError`."""
    path = Path(path or DEFAULT_PLAN)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise PlanError(f"{path} is not a plan: it has more than {_MAX_BYTES >> 20} MB")
        return parse_plan(read_small(path, _MAX_BYTES), path)
    except FileNotFoundError:
        raise PlanError(f"{path} does not exist: check the path of the plan") from None
    except OSError as error:
        raise PlanError(f"{path} cannot be read: {error.strerror or error}") from None


def parse_plan(data: bytes, path: Path) -> Plan:
    """The plan that was read from `path`; references are looked for beside it. Raises `PlanError`."""
    try:
        text = data.decode("utf-8-sig")
        tables = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = 1 + error.object[: error.start].count(b"\n")
        raise PlanError(f"{path}: line {line}: a plan is written in UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PlanError(f"{path}: {_where(str(error))}") from None
    return _PlanReader(path, text).plan(tables)


class _PlanReader:
    """Turns the tables of one file into a plan."""

    def __init__(self, path: Path, text: str):
        self.path, self.text, self.lines = path, text, text.splitlines()

    def plan(self, data: dict[str, Any]) -> Plan:
        for key in data:
            if key not in (*_KEYS, "leave"):
                self.fail(
                    key, 0, None, f"unknown table or key {key!r}; a plan has leave, [[rule]], [default], [master]"
                )
        rows = data.get("rule", [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self.fail("rule", 0, None, "rules are written [[rule]], with two brackets")
        rules = tuple(self.rule(n, row) for n, row in enumerate(rows))
        ends = {name: self.action(name, 0, data[name]) if name in data else None for name in ("default", "master")}
        leave = self.texts("", 0, data, "leave")
        return Plan(self.path, rules, ends["default"], ends["master"], leave, self.text)

    def rule(self, n: int, row: dict[str, Any]) -> Rule:
        action = self.action("rule", n, row)
        tracks, folders, kinds = (self.texts("rule", n, row, key) for key in ("track", "folder", "kind"))
        on = row.get("on", "tracks")
        if unknown := [kind for kind in kinds if kind not in KINDS]:
            self.fail("rule", n, "kind", f"unknown kind {unknown[0]!r}: use {', '.join(KINDS)}")
        if on not in ON:
            self.fail("rule", n, "on", f"on must be one of {', '.join(ON)}, not {on!r}")
        if not (tracks or folders or kinds):
            self.fail("rule", n, None, "a rule needs track, folder or kind; what is for all others is [default]")
        return Rule(action, tracks, folders, kinds, on)

    def action(self, table: str, n: int, row: Any) -> Action:
        if not isinstance(row, dict):
            self.fail(table, n, None, f"{table} is a table: write [{table}] and its keys below")
        for key in row:
            if key not in _KEYS[table]:
                self.fail(table, n, key, f"unknown key {key!r}; known are {', '.join(_KEYS[table])}")
        if ("word" in row) == ("reference" in row):
            needs = "a word or a reference" if table == "master" else "a word"
            self.fail(table, n, None, f"it needs {needs}" + (", not both" if "word" in row else ""))
        action = Action(line=self.line_of(table, n, "word" if "word" in row else "reference"))
        if "intensity" in row:
            action = replace(action, intensity=self.number(table, n, "intensity", row["intensity"]))
        if "adaptation" in row:
            action = replace(action, adaptation=self.number(table, n, "adaptation", row["adaptation"]))
        if "heard_as" in row:
            (kind,) = self.texts(table, n, row, "heard_as", single=True)
            if kind not in model_kinds.KINDS:
                self.fail(table, n, "heard_as", f"unknown kind {kind!r}: use {', '.join(model_kinds.KINDS)}")
            action = replace(action, kind=kind)
        if "profile" in row:
            name = row["profile"]
            if name is not False:  # false: what the words mean to everybody
                (name,) = self.texts(table, n, row, "profile", single=True)
            action = replace(action, profile=name or None)
            try:
                action.check()
            except AeqError as error:
                self.fail(table, n, "profile", str(error))
        if "sections" in row:
            if not isinstance(row["sections"], bool):
                self.fail(table, n, "sections", f"sections must be true or false, not {row['sections']!r}")
            action = replace(action, sections=row["sections"])
        method = row.get("method", DEFAULT_METHOD)
        if method not in METHODS:
            self.fail(table, n, "method", f"unknown method {method!r}: use one of {', '.join(METHODS)}")
        if action.sections and "reference" in row:
            self.fail(table, n, "sections", "a reference is followed in one EQ for the whole song: leave sections out")
        if action.sections and method in REFINE_STEPS:
            self.fail(table, n, "sections", f"the method {method!r} makes one EQ for the whole song")
        if "reference" in row:
            (file,) = self.texts(table, n, row, "reference", single=True)
            if action.intensity < 0:
                self.fail(table, n, "intensity", "a reference can be followed or not, but not turned round: 0 to 2")
            return replace(action, method=method, reference=self.path.parent / file)
        return replace(action, method=method, word=self.word(table, n, row["word"]))

    def word(self, table: str, n: int, value: Any) -> str | Mapping[str, float]:
        if isinstance(value, dict):  # { warm = 0.7, airy = 0.3 }
            value = ", ".join(f"{word} {weight}" for word, weight in value.items())
        if not isinstance(value, str):
            self.fail(table, n, "word", f"a word is a text such as 'warm', not {value!r}")
        try:
            return parse_word(value)
        except AeqError as error:
            self.fail(table, n, "word", str(error))

    def number(self, table: str, n: int, key: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(table, n, key, f"{key} must be a number, not {value!r}")
        try:
            check_range(key, value)
        except RangeError as error:
            self.fail(table, n, key, str(error))
        return float(value)

    def texts(self, table: str, n: int, row: dict[str, Any], key: str, single: bool = False) -> tuple[str, ...]:
        value = row.get(key, [])
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(text, str) and text for text in found):
            self.fail(
                table or key, n, key if table else None, f"{key} must be a text or a list of texts, not {value!r}"
            )
        if single and len(found) != 1:
            self.fail(table, n, key, f"{key} must be one text")
        return tuple(found)

    def fail(self, table: str, n: int, key: str | None, reason: str) -> NoReturn:
        raise PlanError(f"{self.path}: line {self.line_of(table, n, key)}: {reason}")

    def line_of(self, table: str, n: int, key: str | None) -> int:
        """Where a key of the n-th table of that name stands; the table's own line if it is not found."""
        head = re.compile(r"^\s*\[\[?\s*[\"']?([^\]\"']*?)[\"']?\s*\]")
        inside, seen, found = None, -1, 1
        for number, line in enumerate(self.lines, 1):
            if match := head.match(line):
                inside = match[1]
                seen += inside == table
                if inside == table and seen == n:
                    found = number
            here = inside == table and seen == n
            if key and here and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
                return number
            if inside is None and re.match(rf"\s*[\"']?{re.escape(table)}[\"']?\s*[=.]", line):
                found = number
        return found


def _any(patterns: tuple[str, ...], name: str) -> bool:
    return any(fnmatch.fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)


def _where(message: str) -> str:
    """tomllib says '... (at line 3, column 5)'; line first, as everywhere here."""
    match = re.search(r"\s*\(at line (\d+), column (\d+)\)$", message)
    if not match:
        return "its last line: " + message.replace(" (at end of document)", " where the file ends")
    return f"line {match[1]}: not TOML: {message[: match.start()]} (column {match[2]})"
