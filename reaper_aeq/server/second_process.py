"""A second process that answers a part of a large press.

Python computes in one thread at a time, and threads that take turns thousands of times a second lose what a second
processor would give. So a part of the sounds goes to a process of its own, with models of its own (about 280 MB). It is
there before it is needed: started once the backend has loaded and nobody waits, ended after an hour without a request.
"""

from __future__ import annotations

import logging
import os
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ..errors import AeqError
from ..util.own_process import OwnProcesses, deaf_to_interrupts
from . import wire
from .adapting import adapt_all, answered, listen
from .lanes import SHORT_BLOCKS, LongError, leave_when_long

if TYPE_CHECKING:
    from ..engine import AdaptiveEQ
    from ..result.result import Result

AT_ONCE = 4  # sounds: the search for bands is shared by them, and what is cancelled meanwhile is worked on in vain
MAX_SOUND_S, MAX_FILE_BYTES = 60.0, 60 * 48_000 * 2 * 4  # what may be longer is for the lanes of the first process
QUIET_S = 4.0  # without a request, then it is started: its two seconds of computing are in nobody's way
REST_S = 3600.0  # without a request, then its memory is given back
DEATHS = 2  # after so many it is not tried again
T = TypeVar("T")
log = logging.getLogger("reaper_aeq.server")


class SecondAnswer(NamedTuple):
    """What became of one task; `refused` is its sentence for people, `trace` is of a defect, `warning` for the log."""

    answer: wire.AdaptAnswer | None = None
    result: Result | None = None
    refused: str | None = None
    unreadable: bool = False
    trace: str | None = None
    warning: str | None = None


Told = Callable[[Sequence[SecondAnswer | None] | None], None]


def fits(given: wire.AdaptTask | wire.AnalyzeTask) -> bool:
    """Whether a task may go to the second process: a word for a sound that is surely short."""
    if not isinstance(given, wire.AdaptTask) or given.request is None or given.method != "adaptive":
        return False
    if given.sound is not None:
        return sum(item.length_s for track in given.sound.tracks for item in track.items) <= MAX_SOUND_S
    try:
        return os.path.getsize(given.path or "") <= MAX_FILE_BYTES
    except OSError:
        return False


class SecondProcess:
    """The process as the first one sees it; thread-safe.

    Attributes:
        ready: whether it is there, with its models.
    """

    def __init__(self, models: Path | None = None):
        """`models`: the folder of the first process's models."""
        self._models = models
        self._lock = threading.Lock()
        self._processes = OwnProcesses()
        self._pool: ProcessPoolExecutor | None = None
        self._deaths = 0
        self.ready = False

    def tend(self, idle_s: float) -> None:
        """To be called now and then: starts or ends it, as the first process has had no request for `idle_s`."""
        if idle_s >= REST_S:
            self.rest()
        elif idle_s >= QUIET_S:
            self.start()

    def start(self) -> None:
        """Has it started if there is none; returns at once."""
        with self._lock:
            if self._pool or self._deaths >= DEATHS:
                return
            pool = None
            try:
                pool = self._pool = self._processes.new()
                with deaf_to_interrupts():  # the first task starts the process
                    loaded = pool.submit(_load, self._models)
            except (OSError, NotImplementedError, RuntimeError):  # no room for a process, or no semaphores here
                self._pool, self._deaths = None, DEATHS
                self._drop(pool)
                log.warning("no second process can be started here: large presses take longer", exc_info=True)
                return
        loaded.add_done_callback(lambda ended: self._loaded(pool, ended))

    def rest(self) -> None:
        """Gives its memory back; it has nothing to do."""
        with self._lock:
            pool, self._pool, self.ready = self._pool, None, False
        self._drop(pool)

    def submit(self, tasks: Sequence[wire.AdaptTask], told: Told) -> None:
        """Has tasks answered. `told` gets an answer for each, None for one that is too long; or only None where the
        process died, and nothing is known of any."""
        with self._lock:
            pool = self._pool if self.ready else None
            try:
                future = pool.submit(_answer, self._models, tasks) if pool else None
            except RuntimeError:  # broken or closed
                future = None
        if future is None or pool is None:
            self._lost(pool)
            told(None)
            return
        future.add_done_callback(lambda ended: told(self._result(pool, ended)))

    def close(self) -> None:
        """Ends it, whatever it is at."""
        with self._lock:
            self._deaths = DEATHS  # it is not started again
        self.rest()
        self._processes.close()

    def _loaded(self, pool: ProcessPoolExecutor, ended: Future[int]) -> None:
        if number := self._result(pool, ended):
            with self._lock:
                self.ready = self._pool is pool
            log.info("process %d helps with large presses", number)

    def _result(self, pool: ProcessPoolExecutor, ended: Future[T]) -> T | None:
        """None where the process died, which is noted."""
        if ended.cancelled() or ended.exception():
            self._lost(pool)
            return None
        return ended.result()

    def _lost(self, pool: ProcessPoolExecutor | None) -> None:
        with self._lock:
            if pool is None or self._pool is not pool:
                return
            self._pool, self.ready = None, False
            self._deaths += 1
        log.warning("the process that helps with large presses ended: its sounds are heard again here")
        self._drop(pool)

    @staticmethod
    def _drop(pool: ProcessPoolExecutor | None) -> None:
        if pool:
            pool.shutdown(wait=False, cancel_futures=True)


# In the second process ------------------------------------------------------------------------------------------------


def _load(models: Path | None) -> int:
    """Loads the models; gives the number of this process."""
    _engine(models)
    return os.getpid()


@cache
def _engine(models: Path | None) -> AdaptiveEQ:
    from ..engine import AdaptiveEQ

    return AdaptiveEQ.load(models)


def _answer(models: Path | None, tasks: Sequence[wire.AdaptTask]) -> list[SecondAnswer | None]:
    """What `SecondProcess.submit` tells."""
    from ..project.media import Library

    library, heard, found = Library(), [], dict[int, SecondAnswer | None]()
    for n, given in enumerate(tasks):
        try:
            heard.append((n, given, listen(given, library, leave_when_long(SHORT_BLOCKS))))
        except LongError:
            found[n] = None
        except Exception as error:
            found[n] = refused(error)
    for n, sound, adapted in adapt_all(_engine(models), heard, lambda n, error: found.update({n: refused(error)})):
        try:
            found[n] = SecondAnswer(*answered(tasks[n], sound, adapted), warning=sound.warning)
        except Exception as error:
            found[n] = refused(error)
    return [found[n] for n in range(len(tasks))]


def refused(error: Exception) -> SecondAnswer:
    """What is told of a task that failed so; a trace only of what is a defect of ours."""
    trace = None if isinstance(error, AeqError) else "".join(traceback.format_exception(error))
    return SecondAnswer(refused=str(error), unreadable=bool(getattr(error, "unreadable", False)), trace=trace)
