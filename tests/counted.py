"""How much something does, as a number that is the same on every machine and every day: calls and Lua's own steps.

What is quick is measured in `tests/bench`; a test that looks at a clock fails on a bad day.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

LUA_STEPS = """
steps = 0
debug.sethook(function() steps = steps + 1 end, "", 1)
"""


def calls_of(work: Callable[[], Any]) -> tuple[int, Any]:
    """How many functions `work` calls, Python's and C's, and what it returns."""
    count = 0

    def seen(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        found = work()
    finally:
        sys.setprofile(before)
    return count, found
