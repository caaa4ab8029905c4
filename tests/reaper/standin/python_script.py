"""One running action in Python. All of them share the interpreter and its `__main__`, as in REAPER."""

from __future__ import annotations

import sys
import time
import traceback
from pathlib import Path
from types import ModuleType

from .errors import StandInError
from .python_api import reaper_python
from .script import Cycle


def enter_reaper(reaper) -> ModuleType:
    """Makes this process' Python that of `reaper`; returns its `__main__`."""
    if "reaper_python" not in sys.modules:
        sys.modules["reaper_python"] = reaper_python(reaper)
        sys.modules["__main__"] = ModuleType("__main__")
        sys.modules["__main__"].obj = None  # a name of REAPER's own, by which reapy knows that it is inside
    return sys.modules["__main__"]


class PythonScript:
    """`start` runs the file; `step` what it deferred, texts of Python; `ended` once nothing is left.

    REAPER's Python is a process of its own for the tests: whoever starts this one gives it its `__main__`.
    """

    def __init__(self, reaper, path: Path, command_id: int = 0):
        self.reaper, self.path, self.command_id = reaper, Path(path), command_id
        self.options, self.ended, self.deferred_ever, self.blocks_closed = 0, False, False, 0
        self.pending: list[str] = []
        self.exits: list[str] = []
        self.accessors: set = set()
        self._render_s = 0.0
        self.main = enter_reaper(reaper)
        self.main.__dict__.update(RPR_defer=self._defer, RPR_runloop=self._defer, RPR_atexit=self.exits.append)

    def _defer(self, code: str) -> None:
        self.pending.append(code)
        self.deferred_ever = True

    def rendered(self, seconds: float) -> None:
        self._render_s += seconds

    def start(self) -> None:
        self._cycle([self.path.read_text(encoding="utf-8")], str(self.path))
        if not self.pending:
            self.finish()

    def step(self) -> None:
        if self.ended:
            return
        codes, self.pending = self.pending, []
        self._cycle(codes, "<deferred>")
        if not self.pending:
            self.finish()

    def finish(self) -> None:
        if self.ended:
            return
        codes, self.exits, self.pending = list(self.exits), [], []
        if codes:
            self._cycle(codes, "<atexit>")
        self.ended = True
        self.reaper.script_ended(self)

    def _cycle(self, codes: list[str], where: str) -> None:
        reaper, started = self.reaper, time.perf_counter()
        reaper.running, self._render_s = self, 0.0
        try:
            for code in codes:
                exec(compile(code, where, "exec"), self.main.__dict__)
        except StandInError:
            raise
        except Exception:
            reaper.violate("script error", traceback.format_exc(), self)
            self.pending, self.exits = [], []
        finally:
            reaper.cycles.append(Cycle(self.path.name, time.perf_counter() - started, self._render_s, 0.0))
            reaper.end_of_cycle(self, "")
            reaper.running = None
