"""The stand-in itself: tabs, the action list, running scripts, the clock, and what a test's user does."""

from __future__ import annotations

import os
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from . import checks
from .action_list import ActionList
from .background_render import BackgroundRender
from .behavior import Disputed, Preferences
from .clock import Clock
from .envelopes import drive_all
from .errors import StandInError
from .ext_state import ExtState
from .media import forget_formats
from .project import Project
from .python_script import PythonScript
from .script import Cycle, Script
from .ui import UserInterface
from .user import User


class Reaper(User):
    """Opens a project and runs scripts in it.

    Args:
        project: a .rpp file, or the bytes of one (an unsaved project).
        resource_path: REAPER's resource folder: Scripts/, reaper-kb.ini, reaper-extstate.ini.
        lua: "5.4" (REAPER 7) or "5.3" (REAPER 6).
        version: what GetAppVersion returns; functions younger than it do not exist.
        os_name: what GetOS returns ("Other" is Linux, "Win64", "macOS-arm64"); programs and files behave as there.
        writes_unicode: whether io.open makes files below folders with other letters than ASCII's.
        slow_to_open: patterns of file names that refuse to open once after they were renamed into place.
        pace_s: real seconds a cycle takes at least. 0: cycles follow at once and each moves the clock by 1/30 s; give
            1/30 or less where real processes work, the clock then follows real time.
        env: environment of processes that scripts start.
        eq_creates: which missing ReaEQ bands SetEQParam makes: "band" (what is confirmed) or "all".
        eq_new_band_at: "end" or "start": the place of such a band is not known, so a test may try both.
        eq_chunk: what ReaEQ's `vst_chunk` holds: "B" (its own state, as inferred), "AB", or "refused".
        preferences: the user's; see behavior.py.
        disputed: what the measurements leave open; see behavior.py.
    """

    def __init__(
        self,
        project: str | os.PathLike | bytes,
        resource_path: str | os.PathLike,
        *,
        lua: str = "5.4",
        version: str = "7.66/linux-x86_64",
        os_name: str = "Other",
        writes_unicode: bool = True,
        slow_to_open: Sequence[str] = (),
        pace_s: float = 0.0,
        env: dict[str, str] | None = None,
        eq_creates: str = "band",
        eq_new_band_at: str = "end",
        eq_chunk: str = "B",
        preferences: Preferences | None = None,
        disputed: Disputed | None = None,
    ):
        self.resource_path = Path(resource_path)
        self.lua_version, self.version, self.os_name = lua, version, os_name
        self.writes_unicode, self.slow_to_open, self.opened_before = writes_unicode, tuple(slow_to_open), set()
        self.started: list[str] = []  # command lines of programs that scripts started, or tried to
        self.browsed: list[str] = []  # addresses handed to the browser (Windows)
        self.listings: dict = {}
        self.env = dict(os.environ if env is None else env)
        self.eq_creates, self.eq_new_band_at, self.eq_chunk = eq_creates, eq_new_band_at, eq_chunk
        self.preferences, self.disputed = preferences or Preferences(), disputed or Disputed()
        self.was_offline: set[str] = set()  # takes whose source was offline once
        self._window = "front"
        self.media_online = False  # by action 40101, while the window is inactive
        self.automation_override = -1
        self.background: BackgroundRender | None = None
        self.clock = Clock(pace_s)
        self.ui = UserInterface()
        self.ext_state = ExtState(self.resource_path)
        self.actions = ActionList(self.resource_path)
        self.toggle_states: dict[int, int] = {}
        self.lamps: dict[int, int] = {}  # as toolbars show them
        self.projects = [Project(project, self)]
        self.project = self.projects[0]
        self.scripts: list[Script | PythonScript] = []
        self.cycles: list[Cycle] = []
        self.prints: list = []
        self.renders: list = []  # one entry a render: the files it wrote
        self.rendered_jobs: list = []  # of all renders: file, thing, start and end
        self.commands: deque[int] = deque(maxlen=1000)
        self.processes: list[subprocess.Popen] = []
        self.running: Script | PythonScript | None = None
        self.refresh_prevented = 0
        self.ends_scripts = False  # once this cycle is over
        self.violations: list[StandInError] = []
        self.baseline = checks.capture(self)

    @property
    def window(self) -> str:
        """ "front", "inactive" (another program is in front), or "minimized"."""
        return self._window

    @window.setter
    def window(self, state: str) -> None:
        self._window = state
        if self.media_is_offline:
            for project in self.projects:
                for item in project.items:
                    forget_formats(item)

    @property
    def media_is_offline(self) -> bool:
        """By the user's preference, while another program is in front."""
        return self.window == "inactive" and self.preferences.offline_when_inactive and not self.media_online

    # --- running -------------------------------------------------------------------------------------------------

    def run_action(self, name: str) -> Script | PythonScript:
        """Presses the key of an action: its name in the list (with or without .lua) or its command id (`_RS...`)."""
        return self._start(*self.actions.find(name))

    def turn(self, name: str, value: int, *, mode: int = 0, resolution: int = 127) -> Script | PythonScript:
        """Moves what is bound to an action: mode 0 an absolute controller or the pitch wheel (0..resolution), 1 to 3
        relative ones and the mouse wheel (15 a notch)."""
        return self._start(*self.actions.find(name), (mode, resolution, value))

    def lamp(self, name: str) -> int:
        """What a toolbar shows of an action: 1 lit, 0 dark, -1 nothing."""
        return self.lamps.get(self.actions.find(name)[1], -1)

    def run_script(self, path: str | os.PathLike) -> Script | PythonScript:
        """Runs a file that need not be in the action list."""
        return self._start(Path(path), 0)

    def _start(
        self, path: Path, command_id: int, context: tuple[int, int, int] = (-1, -1, -1)
    ) -> Script | PythonScript:
        if not self.scripts:
            self.baseline = checks.capture(self)
        twin = next((s for s in self.scripts if s.command_id == command_id and s.path == path), None)
        if twin is not None:
            if twin.options & 1:
                twin.finish()
                self._raise()
                if not twin.options & 2:
                    return twin
            elif self.actions.flag(command_id) == 260:
                twin.finish()
                self._raise()
                return twin
            elif self.actions.flag(command_id) != 516:
                raise StandInError("dialog", "ReaScript task control: REAPER asks what to do with the running script")
        script = (
            PythonScript(self, path, command_id) if path.suffix == ".py" else Script(self, path, command_id, context)
        )
        self.scripts.append(script)
        script.start()
        self._end_scripts()
        self._raise()
        return script

    def step(self, cycles: int = 1) -> None:
        """Lets `cycles` defer cycles pass."""
        for _ in range(cycles):
            self.clock.next_cycle()
            if self.background is not None:
                self.background.step()
            for process in self.processes:
                process.poll()
            drive_all(self)
            for script in list(self.scripts):
                script.step()
                self._end_scripts()
                self._raise()

    def _end_scripts(self) -> None:
        """A project was opened: whatever runs is ended, and gets its atexit."""
        if self.ends_scripts:
            self.ends_scripts = False
            for script in list(self.scripts):
                script.finish()

    def run_until(self, done: Callable[[], bool] | None = None, timeout_s: float = 30.0) -> None:
        """Cycles until `done()`, or until no script is left; raises after `timeout_s` of REAPER's time."""
        end = self.clock.now + timeout_s
        while self.scripts if done is None else not done():
            if done is not None and not self.scripts:
                raise StandInError("timeout", "every script ended before what the test waits for")
            if self.clock.now > end:
                raise StandInError("timeout", f"not done after {timeout_s:g} s; messages: {self.ui.texts()}")
            self.step()

    def press(self, name: str, timeout_s: float = 30.0) -> None:
        """Runs an action to its end."""
        self.run_action(name)
        self.run_until(timeout_s=timeout_s)

    @property
    def longest_block_s(self) -> float:
        """The longest that any cycle so far stood in REAPER's way (see Cycle.blocked_s)."""
        return max((cycle.blocked_s for cycle in self.cycles), default=0.0)

    def close(self) -> None:
        """Ends the processes that scripts started and that still run, by their own ids."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()

    def __enter__(self) -> Reaper:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    # --- rules ---------------------------------------------------------------------------------------------------

    def violate(self, rule: str, message: str, script: Script | None = None) -> None:
        where = f"{script.path.name}: " if script else ""
        text = message.split("] ", 1)[-1] if message.startswith("[") else message
        self.violations.append(StandInError(rule, where + text))

    def locate(self, trace: str) -> None:
        """Adds the Lua trace to the violation it belongs to: a script's pcall must not hide where it was."""
        if self.violations:
            last = self.violations[-1]
            last.args = (f"{last.args[0]}\n{trace}",)

    def end_of_cycle(self, script: Script, globals_changed: str) -> None:
        checks.after_cycle(self, script, globals_changed)

    def script_ended(self, script: Script) -> None:
        self.scripts.remove(script)
        checks.after_script(self, script)
        if not self.scripts:
            checks.after_all(self)

    def _raise(self) -> None:
        if self.violations:
            first = self.violations[0]
            self.violations = []
            for script in self.scripts:
                script.ended = True
            self.scripts = []
            raise first
