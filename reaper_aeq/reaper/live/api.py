"""Calling REAPER: its functions by their names in reapy, many of them in one of REAPER's cycles.

An interrupt waits for a moment in which everything can still be put back.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...errors import AeqError

TEXT_BYTES = 4096
BUFFER_BYTES = 4 * 1024 * 1024  # of REAPER's Python module, for the longest of texts
Later = Callable[[Callable[[], object]], None]
_LOST = "REAPER is gone: the connection to it broke off; look at the project, Edit > Undo takes back what was begun"


class LiveError(AeqError):
    """REAPER cannot be reached, refuses something, or its project is not fit for what is asked."""

    http_status = 503


class RefusedCall(LiveError):
    """REAPER, or its Python, answered a single call with an error; the connection lives."""


class Api:
    """`reaper("CountTracks", reaper.project)` calls `RPR_CountTracks`.

    Python's conventions in REAPER are not those of Lua: pointers are texts, a function with a place for a value that
    comes back wants something in that place and answers [its own answer, every argument ...].
    """

    def __init__(self, reapy: Any, client: Any):
        self._reapy, self._client = reapy, client
        self.project = ""  # the one that is worked on, once `tracks.enter_front_project` was called
        self._asked = 0
        self._told = False
        self._closed = 0
        self.went_on = False  # whether REAPER did anything else since it was held

    def __call__(self, name: str, *arguments: Any) -> Any:
        """Raises `LiveError` for what REAPER does not know or do, `KeyboardInterrupt` after an answer."""
        try:
            answer = getattr(self._reapy.reascript_api, name)(*arguments)
        except self._reapy.errors.DistError as error:
            raise RefusedCall(f"REAPER refused {name}: {str(error).strip().splitlines()[-1]}") from None
        except AttributeError:
            raise RefusedCall(f"this REAPER knows no {name}: update it") from None
        except (OSError, ValueError):
            raise LiveError(_LOST) from None
        self._heed()
        return answer

    def text(self, name: str, *arguments: Any) -> str:
        """The text that a function fills into its last two arguments, a place and its size, whatever it answers."""
        return self(name, *arguments, "", TEXT_BYTES)[-2]

    def text_if(self, name: str, *arguments: Any) -> str:
        """The same of a function that answers whether there is one; "" where there is none."""
        answer = self(name, *arguments, "", TEXT_BYTES)
        return answer[-2] if answer[0] else ""

    @contextmanager
    def held(self) -> Iterator[None]:
        """All calls of the block are made in one of REAPER's cycles: its user does nothing meanwhile, and no call waits
        for the next cycle. Ctrl-C is thrown between two calls only, or REAPER's answer would be taken for that to
        another question; the third one gives up on a REAPER that does not answer."""
        self.went_on = False
        with self._interrupts_later():
            try:
                with self._reapy.inside_reaper():
                    yield
            except (OSError, self._reapy.errors.DistError):
                raise LiveError(_LOST) from None
        if self._asked and not self._told:
            raise KeyboardInterrupt

    def let_go(self, seconds: float) -> None:
        """Inside `held`: REAPER goes on with its own work for a while. Its user may do anything meanwhile."""
        self.went_on = True
        try:
            self._reapy.inside_reaper().__exit__(None, None, None)
            time.sleep(seconds)
            self._reapy.inside_reaper().__enter__()
        except (OSError, self._reapy.errors.DistError):
            raise LiveError(_LOST) from None
        self._heed()

    @contextmanager
    def guard(self) -> Iterator[Later]:
        """Gives `later(restore)`, to be called as soon as something was changed. All restores run in the end, the last
        first, each even if another fails; an error of the block itself is the one that is thrown."""
        restores: list[Callable[[], object]] = []
        trouble: BaseException | None = None
        try:
            yield restores.append
        except BaseException as error:
            trouble = error
        with self.closed():
            for restore in reversed(restores):
                try:
                    restore()
                except AeqError as error:
                    trouble = trouble or error
        if trouble:
            raise trouble

    @contextmanager
    def closed(self) -> Iterator[None]:
        """No interrupt in here: it waits."""
        self._closed += 1
        try:
            yield
        finally:
            self._closed -= 1

    def settled(self) -> None:
        """What was to be done is done: an interrupt comes too late."""
        self._asked = 0

    def _heed(self) -> None:
        if self._asked and not self._told and not self._closed:
            self._told = True
            raise KeyboardInterrupt

    @contextmanager
    def _interrupts_later(self) -> Iterator[None]:
        self._asked, self._told = 0, False
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _note(self, *_: Any) -> None:
        self._asked += 1
        if self._asked == 3:
            self._client.close()
            raise KeyboardInterrupt
