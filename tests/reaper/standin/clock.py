"""REAPER's time: virtual, moved by each cycle, and by real time where a test lets real processes work."""

from __future__ import annotations

import time

CYCLE_S = 1 / 30  # how often REAPER runs defer


class Clock:
    """`now` is what time_precise returns, seconds. A pace of 0 makes cycles follow each other at once.

    With a pace, time also passes inside a cycle: a script that shares out its work by the clock does so here too.
    """

    def __init__(self, pace_s: float):
        self._begun, self.pace_s = 1000.0, pace_s
        self._last = time.perf_counter()

    @property
    def now(self) -> float:
        return self._begun + (time.perf_counter() - self._last if self.pace_s else 0.0)

    def next_cycle(self) -> None:
        if self.pace_s:
            time.sleep(max(0.0, self._last + self.pace_s - time.perf_counter()))
        real = time.perf_counter()
        # Real processes live in real time: a script's timeouts must not run ahead of them.
        self._begun += real - self._last if self.pace_s else CYCLE_S
        self._last = real

    def pass_s(self, seconds: float) -> None:
        """REAPER stood still for that long."""
        self._begun += seconds
