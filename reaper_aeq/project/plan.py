"""A plan: which track gets which word, and reading it from a small TOML file (`default_plan.toml` explains it).

Whatever is wrong with a plan is said with the line it stands in.
"""

from __future__ import annotations

import fnmatch
import os
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ..errors import AeqError, AudioError, check_known
from ..model.kinds import KINDS, MELODIC_KIND
from ..reaper.reaeq.names import instance_name, match_name
from ..request import DEFAULT_PROFILE, METHODS, REFINE_STEPS, EqRequest, check_profile, check_range, parse_word
from ..util.message import Message
from ..util.small_files import read_small

DEFAULT_PLAN = Path(__file__).with_name("default_plan.toml")
OLDER_KINDS = ("low", "high", "full", "middle")  # which plans were written with before; see `kinds.kind_of`
RULE_KINDS = (*KINDS, MELODIC_KIND, *OLDER_KINDS)
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
        otherwise = None if is_bus else self.default
        return next((rule.action for rule in self.rules if rule.fits(name, folders, kinds, is_bus)), otherwise)

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


def _any(patterns: tuple[str, ...], name: str) -> bool:
    return any(fnmatch.fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)


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
        tables = _PlanTables.model_validate(tomllib.loads(text))
    except UnicodeDecodeError as error:
        line = 1 + error.object[: error.start].count(b"\n")
        raise PlanError(f"{path}: line {line}: a plan is written in UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PlanError(f"{path}: {_not_toml(str(error))}") from None
    except ValidationError as error:
        place, reason = _fault(error)
        raise PlanError(f"{path}: line {_line_of(text, *place)}: {reason}") from None

    def action(table: _ActionTable, name: str, n: int = 0) -> Action:
        return table.action(_line_of(text, name, n, "reference" if table.word is None else "word"), path)

    rules = [Rule(action(row, "rule", n), row.track, row.folder, row.kind, row.on) for n, row in enumerate(tables.rule)]
    default = action(tables.default, "default") if tables.default else None
    master = action(tables.master, "master") if tables.master else None
    return Plan(path, tuple(rules), default, master, tables.leave, text)


def _mistake(reason: object, key: str | None = None) -> PydanticCustomError:
    """What is told of a table, or of a `key` of it where that is not the field that is being read."""
    return PydanticCustomError("plan", "{reason}", {"reason": str(reason), "key": key})


def _texts(value: Any) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(text, str) and text for text in found):
        raise PydanticCustomError("texts", "")
    return tuple(found)


def _only(value: Any) -> Any:
    """What is in a list of one, which may be written for one text."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _one_of(what: str, known: Collection[str]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        check_known(what, value, known)
        return value

    return check


def _kinds(value: Any) -> tuple[str, ...]:
    return tuple(map(_one_of("kind", RULE_KINDS), _texts(value)))


def _word(value: Any) -> str | dict[str, float]:
    if isinstance(value, dict):  # { warm = 0.7, airy = 0.3 }
        value = ", ".join(f"{word} {weight}" for word, weight in value.items())
    if not isinstance(value, str):
        raise AeqError(f"a word is a text such as 'warm', not {value!r}")
    return parse_word(value)


def _profile(value: Any) -> str | None:
    return None if value is False else check_profile(value)  # false: what the words mean to everybody


def _amount(name: str) -> BeforeValidator:
    """A number within the limits of that name."""

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise AeqError(f"{name} must be a number, not {value!r}")
        check_range(name, value)
        return float(value)

    return BeforeValidator(check)


class _StrictTable(Message, strict=True):
    @field_validator("*", mode="wrap")
    @classmethod
    def _told(cls, value: Any, check: Callable[[Any], Any]) -> Any:
        """What is wrong with a field by the checks that every request passes is told with its place."""
        try:
            return check(value)
        except AeqError as error:
            raise _mistake(error) from None


class _ActionTable(_StrictTable):
    """What is to be done, as `[default]` says it."""

    word: Annotated[Any, PlainValidator(_word)] = None
    intensity: Annotated[float, _amount("intensity")] = 1.0
    adaptation: Annotated[float | None, _amount("adaptation")] = None
    method: Annotated[str, PlainValidator(_one_of("method", METHODS))] = EqRequest.method
    heard_as: Annotated[str | None, PlainValidator(_one_of("kind", KINDS)), BeforeValidator(_only)] = None
    profile: Annotated[str | None, PlainValidator(_profile), BeforeValidator(_only)] = DEFAULT_PROFILE
    sections: bool = False

    @model_validator(mode="after")
    def _asks_for_one_thing(self) -> _ActionTable:
        reference = getattr(self, "reference", None)
        if (self.word is None) == (reference is None):
            needs = "a word or a reference" if isinstance(self, _MasterTable) else "a word"
            raise _mistake(f"it needs {needs}" + (", not both" if reference is not None else ""))
        if self.sections and reference:
            raise _mistake("a reference is followed in one EQ for the whole song: leave sections out", "sections")
        if self.sections and self.method in REFINE_STEPS:
            raise _mistake(f"the method {self.method!r} makes one EQ for the whole song", "sections")
        if reference and self.intensity < 0:
            raise _mistake("a reference can be followed or not, but not turned round: 0 to 2", "intensity")
        return self

    def action(self, line: int, plan: Path) -> Action:
        """The same for the runner; it stands in a `line` of the file `plan`."""
        reference = getattr(self, "reference", None)
        return Action(
            self.word or "", self.intensity, self.adaptation, self.method, kind=self.heard_as, profile=self.profile,
            sections=self.sections, reference=reference and plan.parent / reference, line=line,
        )  # fmt: skip


class _RuleTable(_ActionTable):
    """`[[rule]]`: for whom, and what."""

    track: Annotated[tuple[str, ...], BeforeValidator(_texts)] = ()
    folder: Annotated[tuple[str, ...], BeforeValidator(_texts)] = ()
    kind: Annotated[tuple[str, ...], BeforeValidator(_kinds)] = ()
    on: Literal["tracks", "buses", "both"] = "tracks"

    @model_validator(mode="after")
    def _fits_something(self) -> _RuleTable:
        if not (self.track or self.folder or self.kind):
            raise _mistake("a rule needs track, folder or kind; what is for all others is [default]")
        return self


class _MasterTable(_ActionTable):
    """`[master]`: a word, or a file to match."""

    reference: Annotated[str | None, BeforeValidator(_only), Field(min_length=1)] = None


class _PlanTables(_StrictTable):
    """A whole file."""

    rule: list[_RuleTable] = Field(default_factory=list)
    default: _ActionTable | None = None
    master: _MasterTable | None = None
    leave: Annotated[tuple[str, ...], BeforeValidator(_texts)] = ()


_TABLES: dict[str, type[_StrictTable]] = {"rule": _RuleTable, "default": _ActionTable, "master": _MasterTable}


def _fault(error: ValidationError) -> tuple[tuple[str, int, str | None], str]:
    """Of the first mistake its table, which of them and the key, and what is told."""
    first = error.errors(include_url=False)[0]
    table, *rest = first["loc"]
    n = next((part for part in rest if isinstance(part, int)), 0)
    key = next((part for part in rest if isinstance(part, str)), None)
    kind, value = first["type"], first["input"]
    if kind == "plan":
        key, reason = key or first["ctx"]["key"], first["ctx"]["reason"]
    elif kind == "extra_forbidden" and key is None:
        reason = f"unknown table or key {table!r}; a plan has leave, [[rule]], [default], [master]"
    elif kind == "extra_forbidden":
        reason = f"unknown key {key!r}; known are {', '.join(_TABLES[str(table)].model_fields)}"
    elif kind == "texts":
        reason = f"{key or table} must be a text or a list of texts, not {value!r}"
    elif key is None and table == "rule":
        reason = "rules are written [[rule]], with two brackets"
    elif key is None:
        reason = f"{table} is a table: write [{table}] and its keys below"
    else:
        must = {"on": "one of tracks, buses, both", "sections": "true or false"}.get(key, "one text")
        reason = f"{key} must be {must}, not {value!r}"
    return (str(table), n, key), reason


def _line_of(text: str, table: str, n: int, key: str | None) -> int:
    """Where a key of the n-th table of that name stands; the table's own line if it is not found."""
    head = re.compile(r"^\s*\[\[?\s*[\"']?([^\]\"']*?)[\"']?\s*\]")
    inside, tables, found = None, -1, 1
    for number, line in enumerate(text.splitlines(), 1):
        if match := head.match(line):
            inside = match[1]
            tables += inside == table
            if inside == table and tables == n:
                found = number
        if key and inside == table and tables == n and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
            return number
        if inside is None and re.match(rf"\s*[\"']?{re.escape(table)}[\"']?\s*[=.]", line):
            found = number
    return found


def _not_toml(message: str) -> str:
    """tomllib says '... (at line 3, column 5)'; line first, as everywhere here."""
    match = re.search(r"\s*\(at line (\d+), column (\d+)\)$", message)
    if not match:
        return "its last line: " + message.replace(" (at end of document)", " where the file ends")
    return f"line {match[1]}: not TOML: {message[: match.start()]} (column {match[2]})"
