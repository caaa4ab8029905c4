"""What the stand-in raises when a script does what it must not, or what REAPER would refuse."""

from __future__ import annotations


class StandInError(AssertionError):
    """A broken rule. `rule` is its short name (see README.md), the text says what happened and where."""

    def __init__(self, rule: str, message: str):
        super().__init__(f"[{rule}] {message}")
        self.rule = rule


class ArgumentRefused(Exception):
    """REAPER's own Lua error for a wrong argument; the bridge raises it in Lua, at the script's line."""
