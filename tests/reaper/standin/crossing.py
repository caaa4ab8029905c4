"""What a call from Lua into Python costs by itself. REAPER's calls have no such cost: it does not count as blocking."""

from __future__ import annotations

import time
from functools import cache

_CALLS = 1000
_LOOP = "local call, n = ... for _ = 1, n do call(1, 'text') end"


@cache
def crossing_s(make_runtime, prelude: str) -> float:
    """Seconds a call, apart from the time spent in Python: the quickest of a few rounds in a fresh Lua state."""
    lua = make_runtime()
    inside = 0.0

    def call(*arguments):
        nonlocal inside
        started = time.perf_counter()
        try:
            return (True, *arguments)
        finally:
            inside += time.perf_counter() - started

    loop, wrapped = lua.compile(_LOOP), lua.compile(prelude)(print).wrap(call)
    rounds = []
    for _ in range(5):
        inside, started = 0.0, time.perf_counter()
        loop(wrapped, _CALLS)
        rounds.append((time.perf_counter() - started - inside) / _CALLS)
    return min(rounds)
