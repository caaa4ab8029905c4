"""The processes that work on a batch: on this machine the standard library's, elsewhere those of a Dask scheduler."""

from __future__ import annotations

import logging
import os
import queue
import time
import uuid
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from .. import __version__
from ..errors import AeqError
from ..util.own_process import OwnProcesses, deaf_to_interrupts
from .inputs import Task
from .task import Recipe
from .work import Answer, unfit, work

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 5.0
COUNT_EVERY_S = 5.0  # workers of a cluster come and go
WAIT_S = 0.5  # on Windows nothing interrupts a wait without an end
GB_A_WORKER = 2.0  # a long project takes up to 1.5
# What any Python can be asked: a function of ours could not even be named where the package is missing.
_VERSION = "__import__('reaper_aeq').__version__"
LOST = "the scheduler is gone: what was finished is kept; start the same command again once it is back"

Chunk = Sequence[Task]
Ended = tuple[Chunk, dict[str, Answer]]


class Workers(Protocol):
    """Who works. `ahead`: so many chunks are handed out for each that can be worked on at once."""

    ahead: int

    def capacity(self) -> int:
        """How many chunks can be worked on at once, as it was a moment ago; 0 while no worker has come."""

    def submit(self, chunk: Chunk, *arguments: Any) -> None:
        """Hands a chunk out, with what else `work.work` takes."""

    def ended(self) -> Iterator[Ended]:
        """Waits a moment for one to end; gives all that ended by then. Raises `AeqError` for what ends the batch."""


def died(chunk: Chunk, tries: int = 1) -> Ended:
    """The answer for tasks whose worker died, which has none of its own."""
    reason = "its worker process died, perhaps for lack of memory"
    return chunk, {task.id: {"error": reason, "final": False, "trace": None, "tries": tries} for task in chunk}


class LocalWorkers:
    """Processes of this machine, of one thread each, which nobody else can reach; none is left once it is closed, or
    this process ends, however it ends."""

    ahead = 1

    def __init__(self, count: int):
        self._processes = OwnProcesses()
        self._idle = [self._processes.new() for _ in range(count)]
        self._at_work: dict[Future[dict[str, Answer]], tuple[ProcessPoolExecutor, Chunk]] = {}
        self._ended: queue.SimpleQueue[Future[dict[str, Answer]]] = queue.SimpleQueue()

    def capacity(self) -> int:
        """See `Workers`."""
        return len(self._idle) + len(self._at_work)

    def submit(self, chunk: Chunk, *arguments: Any) -> None:
        """See `Workers`."""
        pool = self._idle.pop()
        with deaf_to_interrupts():  # the first task of a pool starts its process
            future = pool.submit(work, chunk, *arguments)
        self._at_work[future] = pool, chunk
        future.add_done_callback(self._ended.put)

    def ended(self) -> Iterator[Ended]:
        """See `Workers`."""
        for future in _all_of(self._ended):
            pool, chunk = self._at_work.pop(future)
            try:
                answers = future.result()
            except BrokenProcessPool:
                self._idle.append(self._processes.new())
                yield died(chunk)
            else:
                self._idle.append(pool)
                yield chunk, answers

    def close(self) -> None:
        """Ends the processes, whatever they are at."""
        self._processes.close()
        for pool in [*self._idle, *(pool for pool, _ in self._at_work.values())]:
            pool.shutdown(cancel_futures=True)


class DaskWorkers:
    """Those of a scheduler, threads of processes anywhere."""

    ahead = 4  # enough that none waits, and no more however many there are

    def __init__(self, client: Client):
        self.client = client
        self._threads, self._counted = 0, float("-inf")
        self._family = f"aeq-{uuid.uuid4().hex}"
        self._at_work: dict[Any, Chunk] = {}
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def capacity(self) -> int:
        """See `Workers`."""
        if time.monotonic() > self._counted + COUNT_EVERY_S:
            self._threads, self._counted = sum(self.client.nthreads().values()), time.monotonic()
        return self._threads

    def submit(self, chunk: Chunk, *arguments: Any) -> None:
        """See `Workers`."""
        # keys of one family are held back by the scheduler instead of being heaped upon workers
        key = self._family, uuid.uuid4().hex
        future = self.client.submit(work, chunk, *arguments, key=key, pure=False, retries=0)
        self._at_work[future] = chunk
        future.add_done_callback(self._ended.put)

    def ended(self) -> Iterator[Ended]:
        """See `Workers`."""
        futures = list(_all_of(self._ended))
        if not futures and self.lost:
            raise AeqError(LOST)
        # in one question to the workers, each of which would wait for what they are at
        fine = [future for future in futures if future.status == "finished"]
        answers = dict(zip(fine, self.client.gather(fine), strict=True))
        for future in futures:
            chunk = self._at_work.pop(future)
            yield (chunk, answers[future]) if future in answers else self._unanswered(future, chunk)
            future.release()

    @property
    def lost(self) -> bool:
        """Whether the scheduler is gone."""
        return self.client.status != "running"

    def close(self) -> None:
        """Takes back what is not done yet."""
        with suppress(Exception):  # of a scheduler that is gone
            self.client.cancel(list(self._at_work))
        self.client.close()

    def check(self, recipe: Recipe, out: str) -> None:
        """Raises `AeqError` if scheduler or workers cannot serve; a worker that comes later says so itself."""
        try:
            version = self.client.run_on_scheduler(eval, _VERSION)
        except ImportError as error:
            version = error
        _same_version("the scheduler", version)
        for address, version in self.client.run(eval, _VERSION, on_error="return").items():
            _same_version(f"the worker at {address}", version)
        for address, reason in self.client.run(unfit, recipe, out, on_error="return").items():
            if isinstance(reason, BaseException):
                raise AeqError(f"the worker at {address} cannot run reaper-aeq: {type(reason).__name__}: {reason}")
            if reason:
                raise AeqError(reason)

    def _unanswered(self, future: Any, chunk: Chunk) -> Ended:
        """Raises for what is the matter with all workers."""
        from distributed import KilledWorker

        if future.cancelled():  # which only a scheduler that ends does
            raise AeqError(LOST)
        error = future.exception()
        if isinstance(error, KilledWorker):
            return died(chunk, error.allowed_failures + 1)
        if isinstance(error, ImportError):
            raise AeqError(f"a worker cannot load reaper-aeq: {error}; install it on all of them")
        raise error


def _same_version(who: str, version: Any) -> None:
    if isinstance(version, BaseException):
        raise AeqError(f"{who} does not have reaper-aeq {__version__} ({version}): install it there too")
    if version != __version__:
        raise AeqError(f"{who} has reaper-aeq {version}, this command {__version__}: install the same on both")


def _all_of(ended: queue.SimpleQueue[Any]) -> Iterator[Any]:
    with suppress(queue.Empty):
        yield ended.get(timeout=WAIT_S)
        while True:
            yield ended.get_nowait()


def workers_of_this_machine() -> int:
    """One for each core, as far as memory reaches."""
    import psutil

    memory_gb = psutil.virtual_memory().total / 2**30
    return max(1, min(os.cpu_count() or 1, int(memory_gb / GB_A_WORKER)))


@contextmanager
def workers_at(address: str, recipe: Recipe, out: str) -> Iterator[DaskWorkers]:
    """The workers of a scheduler. Raises `AeqError` if it cannot be reached within seconds, cannot serve or is lost."""
    from distributed import Client

    with _quiet():
        try:
            client = Client(address, timeout=CONNECT_S)
        except (OSError, ValueError, TypeError) as error:
            reason = str(error).splitlines()[0] if isinstance(error, ValueError | TypeError) else "it does not answer"
            raise AeqError(
                f"no scheduler at {address}: {reason}; start 'dask scheduler' there, write it like tcp://host:8786"
            ) from None
        workers = DaskWorkers(client)
        try:
            workers.check(recipe, out)
            yield workers
        except Exception as error:
            if isinstance(error, AeqError) or not workers.lost:
                raise
            raise AeqError(LOST) from None
        finally:
            workers.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Dask tells of each lost connection at length; what matters is told by us."""
    loud = logging.getLogger("distributed")
    level = loud.level
    loud.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        loud.setLevel(level)
