"""What a backend is, beside the app that speaks for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import LibraryError
from .guard import Codes
from .jobs import Jobs
from .state import State
from .worker import Worker

if TYPE_CHECKING:
    from ..engine import AdaptiveEQ


@dataclass
class Backend:
    """What lives beside the app: `state` is what its file says, `stopping` is set by anyone who wants it to end,
    `touched` is the last request."""

    state: State
    engine: Future[AdaptiveEQ]
    jobs: Jobs
    worker: Worker
    started: float = field(default_factory=time.monotonic)
    touched: float = field(default_factory=time.monotonic)
    stopping: bool = False
    codes: Codes = field(default_factory=Codes)

    @property
    def unloadable(self) -> LibraryError | None:
        """Why nothing here can ever be answered: then the backend stops, with this as its last word."""
        failure = self.engine.exception() if self.engine.done() else None
        return failure if isinstance(failure, LibraryError) else None

    @property
    def ready(self) -> bool:
        """Whether a task is answered at once: with an EQ, or with the sentence that says which models are missing."""
        return self.engine.done() and self.unloadable is None

    @property
    def device(self) -> str:
        """Where the networks run; '' while they load, and where they could not."""
        return self.engine.result().device if self.engine.done() and not self.engine.exception() else ""

    def idle_s(self) -> float:
        """Seconds since anything was asked for. Looking at the dashboard is not asking."""
        if self.jobs.busy:
            self.touched = time.monotonic()
        return time.monotonic() - self.touched

    async def until(self, happened: Callable[[], bool], seconds: float) -> None:
        """Returns when `happened`, after `seconds`, or when the backend stops."""
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        end = loop.time() + seconds
        with self.jobs.listening(lambda: loop.call_soon_threadsafe(event.set)):
            while not happened() and not self.stopping and (left := end - loop.time()) > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), min(left, 0.25))  # stopping is silent
                event.clear()
