"""One running action: its own Lua state, its deferred functions, and how long each of its cycles took."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .crossing import crossing_s
from .errors import ArgumentRefused, StandInError
from .gfx import refresh
from .lua_state import RUNTIMES, from_lua, to_lua
from .registry import FUNCTIONS, exists
from .signatures import check_arguments, check_returns, signatures
from .systems import execute, naming, opening, popen, removing, renaming

MAIN_THREAD_ONLY = ("GetAudioAccessorSamples",)
PRELUDE = Path(__file__).with_name("prelude.lua").read_text()


@dataclass(frozen=True)
class Cycle:
    """Seconds of one cycle of one script: all of it, inside rendering, inside the stand-in and on the way there.

    `called`: how often it called each function. `handed_s`: the way there and back where `Script.measures_way`, 0 else;
    of `standin_s` then that of the empty calls is a part.
    """

    script: str
    wall_s: float
    render_s: float
    standin_s: float
    called: Counter[str] = field(default_factory=Counter)
    handed_s: float = 0.0

    @property
    def calls(self) -> int:
        """How often the script called REAPER: what a cycle costs on any machine, however busy it is."""
        return self.called.total()

    @property
    def blocked_s(self) -> float:
        """How long REAPER's window would have stood still for the script's own doing (ExecProcess counts)."""
        return self.wall_s - self.render_s - self.standin_s - self.handed_s


class Script:
    """`start` runs the file; `step` what it deferred; `ended` once nothing is left."""

    # Whether each call is followed by an empty one. Between the end of the first and the beginning of the second a
    # script does nothing: so long is the way in this place, where Python has just had the processor's caches. The empty
    # one's own way is that of a call in a loop.
    measures_way = False

    def __init__(self, reaper, path: Path, command_id: int = 0, context: tuple[int, int, int] = (-1, -1, -1)):
        """`context`: mode, resolution and value of `get_action_context`; a key gives -1 each."""
        self.reaper, self.path, self.command_id, self.context = reaper, Path(path), command_id, context
        self.options, self.ended, self.deferred_ever, self.blocks_closed = 0, False, False, 0
        self.pending: list = []
        self.exits: list = []
        self.accessors: set = set()
        self._render_s = self._standin_s = self._handed_s = self._left_s = 0.0
        self._trace, self._crash = "", None
        self._called: Counter[str] = Counter()
        make = RUNTIMES[reaper.lua_version]
        self.lua, self._crossing_s = make(), crossing_s(make, PRELUDE)
        self.gfx_window = None
        self._prepare()

    def _prepare(self) -> None:
        g = self.lua.globals()
        g.python = None
        g.package.path = g.package.cpath = ""  # what a script requires it must find by itself
        self.prelude = self.lua.compile(PRELUDE)(self._note)
        reaper, gfx = self.lua.table(), self.lua.table()
        for name, function in FUNCTIONS.items():
            if exists(name, self.reaper):
                table = gfx if name.startswith("gfx_") and name != "gfx_" else reaper
                call = self._wrapped(self._callable(name, function))
                if name in MAIN_THREAD_ONLY:
                    call = self.prelude.on_main_thread_only(call)
                table[name.removeprefix("gfx_")] = call
        for name in ("x", "y", "w", "h", "mode", "dest", "mouse_x", "mouse_y", "mouse_cap", "mouse_wheel", "texth"):
            gfx[name] = 0
        for name in ("r", "g", "b", "a"):
            gfx[name] = 1
        g.reaper, g.gfx = reaper, gfx
        g.os.exit = self._wrapped(self._forbidden("os.exit", "it would end REAPER itself"))
        g.print = self._wrapped(self._callable("print", lambda reaper, *a: reaper.prints.append(a)))
        rules = ("io.open", opening), ("os.rename", naming), ("os.rename", renaming), ("os.remove", removing)
        rules += ("os.execute", execute), ("io.popen", popen)
        self.prelude.surround(*(self._wrapped(self._callable(name, rule)) for name, rule in rules))
        self.prelude.remember()

    def _callable(self, name: str, function):
        signature = signatures().get(name)

        def call(*arguments):
            started = time.perf_counter()
            self._called[name] += 1
            try:
                values = tuple(from_lua(value) for value in arguments)
                if signature is not None:
                    values = check_arguments(signature, values, self.reaper)
                result = function(self.reaper, *values)
                if signature is not None:
                    result = check_returns(signature, result)
                return (True, *(to_lua(value) for value in result or ()))
            except ArgumentRefused as error:
                self.reaper.violate("argument", str(error), self)
                return False, to_lua(str(error))
            except StandInError as error:
                self.reaper.violate(error.rule, str(error), self)
                return False, to_lua(str(error))
            except Exception as error:  # a defect of the stand-in: shown with its own trace after the cycle
                self._crash = error
                return False, f"stand-in defect: {error!r}"
            finally:
                self._left_s = time.perf_counter()
                if name not in ("ExecProcess", "os.execute"):  # these take REAPER's own time
                    self._standin_s += self._left_s - started

        return call

    def _wrapped(self, call):
        return self.prelude.wrap(call, self._back_again) if self.measures_way else self.prelude.wrap(call)

    def _back_again(self) -> None:
        now = time.perf_counter()
        self._handed_s += now - self._left_s
        self._standin_s += time.perf_counter() - now

    def _forbidden(self, name: str, reason: str):
        def call(*_):
            self.reaper.violate("forbidden", f"{name}: {reason}", self)
            return False, f"{name} is forbidden"

        return call

    def _note(self, trace) -> None:
        self._trace = from_lua(trace)
        self.reaper.locate(self._trace)

    def rendered(self, seconds: float) -> None:
        """Rendering takes REAPER's time, not the script's."""
        self._render_s += seconds
        self._standin_s -= seconds

    def start(self) -> None:
        chunk, problem = self.prelude.load(to_lua(str(self.path)))
        if not chunk:
            raise StandInError("script error", from_lua(problem))
        self._cycle([chunk])
        if not self.pending:
            self.finish()

    def step(self) -> None:
        if self.ended:
            return
        functions, self.pending = self.pending, []
        refresh(self)
        self._cycle(functions)
        if not self.pending:
            self.finish()

    def finish(self) -> None:
        """The script is over: what it left behind is looked at."""
        if self.ended:
            return
        functions, self.exits, self.pending = self.exits, [], []
        if functions:
            self._cycle(functions)
        self.ended = True
        self.gfx_window = None
        self.reaper.script_ended(self)

    def _cycle(self, functions: list) -> None:
        reaper = self.reaper
        reaper.running = self
        self._render_s = self._standin_s = self._handed_s = 0.0
        self._called, started = Counter(), time.perf_counter()
        try:
            for function in functions:
                ok, problem = self.prelude.call(function)
                if self._crash is not None:
                    crash, self._crash = self._crash, None
                    raise crash
                if not ok:
                    reaper.violate("script error", from_lua(problem), self)
                    self.pending, self.exits = [], []
        finally:
            wall_s, calls = time.perf_counter() - started, self._called.total()
            standin_s = self._standin_s + calls * self._crossing_s
            reaper.cycles.append(Cycle(self.path.name, wall_s, self._render_s, standin_s, self._called, self._handed_s))
            changed = from_lua(self.prelude.changed())
            reaper.end_of_cycle(self, changed)
            reaper.running = None
