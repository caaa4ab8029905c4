"""Numbers on the lines of a project file: missing ones have defaults, wrong ones an error with the line number."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...errors import ProjectError
from ..chunks import Chunk, Line


def floats(chunk: Chunk, name: str, defaults: Sequence[float]) -> list[float]:
    """The numbers after the name on the first such line of `chunk`, as many as there are defaults.

    Old versions of REAPER write fewer fields, so what is missing takes its default. Raises `ProjectError` for a field
    that is no finite number.
    """
    line = chunk.line(name)
    given = [_finite(line, token) for token in line.tokens[1 : 1 + len(defaults)]] if line else []
    return given + list(defaults[len(given) :])


def ints(chunk: Chunk, name: str, defaults: Sequence[int]) -> list[int]:
    """Like `floats`; REAPER reads a whole number off a longer one (a fade of shape 1.1 has shape 1)."""
    return [int(value) for value in floats(chunk, name, defaults)]


def positive(chunk: Chunk, name: str, default: float) -> float:
    """The first number after the name, which must be above zero."""
    (value,) = floats(chunk, name, [default])
    if value <= 0:
        line = chunk.line(name)
        raise ProjectError(f"{name} must be above 0, not {value:g}", line.number if line else None)
    return value


def text(chunk: Chunk, name: str) -> str:
    """The first value after the name; '' where there is none."""
    return (chunk.values(name) or [""])[0]


def number(token: str) -> float:
    """NaN for what is no number; REAPER takes a comma for a point as well."""
    try:
        return float(token.replace(",", "."))
    except ValueError:
        return math.nan


def _finite(line: Line, token: str) -> float:
    value = number(token)
    if not math.isfinite(value):
        raise ProjectError(f"{line.name} holds {token[:40]!r}, which is not a number", line.number)
    return value
