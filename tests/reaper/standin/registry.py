"""Where the stand-in's functions are found: `@api` puts a Python function under its ReaScript name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

FUNCTIONS: dict[str, Callable[..., Any]] = {}
# Functions that came with a later REAPER than the oldest one supported (docs/reaper.md, section 11).
SINCE: dict[str, tuple[int, int]] = {"set_action_options": (7, 3)}
SWS = ("CF_SetClipboard", "CF_SendActionShortcut")  # there only with the SWS extension
OSARA = ("osara_outputMessage",)  # there only with OSARA, which reads to screen readers


def exists(name: str, reaper: Any) -> bool:
    """Whether this REAPER has the function."""
    version = tuple(int(part) for part in reaper.version.split("/")[0].split(".")[:2])
    extension = (name not in SWS or reaper.preferences.sws) and (name not in OSARA or reaper.preferences.osara)
    return name in FUNCTIONS and SINCE.get(name, (0, 0)) <= version and extension


def api(function: Callable[..., Any]) -> Callable[..., Any]:
    """Registers `function(reaper, *arguments)`; the arguments have been checked against signatures.tsv."""
    name = function.__name__
    assert name not in FUNCTIONS, name
    FUNCTIONS[name] = function
    return function
