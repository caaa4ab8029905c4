"""Checks every call against REAPER's true signature: names, argument counts, types and returns are facts of its API."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .errors import ArgumentRefused, StandInError

TABLE = Path(__file__).with_name("signatures.tsv")
HANDLES = ("MediaTrack", "MediaItem", "MediaItem_Take", "PCM_source", "AudioAccessor", "ReaProject", "TrackEnvelope")


@dataclass(frozen=True)
class Signature:
    """`arguments` are type names, the last `optional` of them may be left out; `returns` likewise, None: not fixed."""

    name: str
    arguments: tuple[str, ...]
    optional: int
    returns: tuple[str, ...] | None


@cache
def signatures() -> dict[str, Signature]:
    """The committed table: name, arguments, number of optional ones, returns."""
    table = {}
    for row in TABLE.read_text().splitlines()[1:]:
        name, arguments, optional, returns = row.split("\t")
        split = tuple(filter(None, arguments.split(",")))
        fixed = None if returns == "?" else tuple(filter(None, returns.split(",")))
        table[name] = Signature(name, split, int(optional), fixed)
    return table


def check_arguments(signature: Signature, arguments: tuple, reaper: Any) -> list:
    """The arguments as Python wants them; raises `ArgumentRefused` with the words of REAPER's Lua."""
    most = len(signature.arguments)
    least = most - signature.optional
    if not least <= len(arguments) <= most:
        wanted = str(most) if least == most else f"{least} to {most}"
        raise ArgumentRefused(f"'{signature.name}' takes {wanted} arguments, not {len(arguments)}")
    checked = []
    for place, (kind, value) in enumerate(zip(signature.arguments, arguments, strict=False)):
        if value is None and place >= least:
            checked.append(None)
            continue
        result = _argument(kind, value, reaper)
        if result is _REFUSED:
            given = "nil" if value is None else getattr(value, "lua_type", type(value).__name__)
            raise ArgumentRefused(f"bad argument #{place + 1} to '{signature.name}' ({kind} expected, got {given})")
        checked.append(result)
    return checked


_REFUSED = object()


def _argument(kind: str, value: Any, reaper: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "number":
        return float(value) if number else _REFUSED
    if kind == "integer":
        return int(value) if number and float(value).is_integer() else _REFUSED
    if kind == "boolean":
        return value if isinstance(value, bool) else _REFUSED
    if kind == "string":
        return value if isinstance(value, str) else _REFUSED
    if kind == "ReaProject" and number and value == 0:
        return reaper.project  # 0 is the tab in front
    if kind in HANDLES:
        # A pointer to something that was deleted crashes or misleads: it is refused like any other wrong value.
        return value if getattr(value, "lua_type", None) == kind and value.alive else _REFUSED
    if kind == "identifier":
        return value if hasattr(value, "lua_type") else _REFUSED
    if kind == "any":
        return value
    if kind == "function":
        return value if callable(value) else _REFUSED
    return value if getattr(value, "lua_type", None) == kind else _REFUSED


def check_returns(signature: Signature, result: Any) -> tuple:
    """The values for Lua, floats where REAPER returns numbers; a wrong arity is a defect of the stand-in."""
    if signature.returns is None:
        return result if isinstance(result, tuple) else (result,)
    if not signature.returns:
        assert result is None, signature.name
        return ()
    values = result if isinstance(result, tuple) else (result,)
    if len(values) != len(signature.returns):
        raise StandInError("stand-in", f"{signature.name} returned {len(values)} values, not {len(signature.returns)}")
    return tuple(_returned(kind, value) for kind, value in zip(signature.returns, values, strict=True))


def _returned(kind: str, value: Any) -> Any:
    convert = {"number": float, "integer": int, "boolean": bool}.get(kind)
    return convert(value) if convert and value is not None else value
