"""Handing out the tasks of a batch: a few ahead of the workers, each until it is done or has failed for good."""

from __future__ import annotations

import itertools
import queue
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import AeqError
from ..util.files import sweep
from .inputs import Task
from .job import Answer
from .journal import Journal
from .recipe import Recipe
from .record import TaskRecord
from .scheduler import Counts, Ledger, Watch
from .work import work
from .workers import Workers

if TYPE_CHECKING:
    from distributed import Future

AHEAD = 4  # tasks handed out for each thread of the workers: enough that none waits, and no more however many there are
WAIT_S = 0.5  # on Windows nothing interrupts a wait without an end


class Batch:
    """One run of the command over `tasks`; `run` returns when each has ended.

    Args:
        open_crew: gets the workers; called only if there is something to do.
        retries: how often a task is tried again that failed for no fault of its files.
        again: do also what did not change.
    """

    def __init__(
        self, tasks: Sequence[Task], recipe: Recipe, out: Path, journal: Journal,
        open_crew: Callable[[], AbstractContextManager[Workers]], watch: Watch, retries: int = 2, again: bool = False,
    ):  # fmt: skip
        self.recipe, self.out, self.journal, self.open_crew, self.watch = recipe, out, journal, open_crew, watch
        self.ledger = Ledger(tasks, recipe, out, journal, watch, retries, again)
        self._id = uuid.uuid4().hex
        self._out_now: dict[Future[Any], list[Task]] = {}
        self._ended: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()

    def run(self) -> Counts:
        """Raises `AeqError` for what ends the whole batch; all that was finished is kept."""
        self.journal.add(self.ledger.tasks)
        waiting = self.ledger.to_do()
        first = next(waiting, None)
        if first is None:
            return self.ledger.counts
        with self.open_crew() as crew:
            try:
                crew.check(self.recipe, str(self.out))
                self._work_off(crew, itertools.chain([first], waiting))
            except Exception as error:
                if not crew.lost or isinstance(error, AeqError):
                    raise
                raise _scheduler_lost() from None
            finally:
                with suppress(Exception):  # of a scheduler that is gone
                    crew.client.cancel(list(self._out_now))
        return self.ledger.counts

    def sweep(self) -> None:
        """Removes what was not finished when the batch was interrupted; for workers that have ended."""
        for task in itertools.chain(*self._out_now.values()):
            sweep(self.out / task.id)

    # Handing out ---------------------------------------------------------------------------------------------------

    def _work_off(self, crew: Workers, tasks: Iterator[Task]) -> None:
        def most() -> int:
            """Few enough that each worker has several chunks before it."""
            return max(1, len(self.ledger.tasks) // (AHEAD * max(1, crew.threads())))

        started, told_of_none = time.monotonic(), False
        chunks = self.ledger.chunks(tasks, most)
        while True:
            while len(self._out_now) < AHEAD * max(1, crew.threads()) and (chunk := next(chunks)):
                self._hand_out(crew, chunk)
            if not self._out_now:
                break
            if not crew.threads() and not told_of_none:
                told_of_none = True
                self.watch.say("the scheduler has no workers yet: waiting for them")
            futures = self._just_ended()
            if not futures and crew.lost:
                raise _scheduler_lost()
            for future, answers in self._answers(crew, futures):
                self._take(self._out_now.pop(future), answers)
                future.release()
        self.ledger.counts.working_s = time.monotonic() - started

    def _hand_out(self, crew: Workers, chunk: list[Task]) -> None:
        tries = [self.ledger.handed_out(task) for task in chunk]
        # keys of one family are held back by the scheduler instead of being heaped upon workers
        key = (f"aeq-{self._id}", f"{chunk[0].id}-{tries[0]}")
        future = crew.client.submit(
            work, self.recipe, str(self.out), chunk, self._id, self.ledger.again, key=key, pure=False, retries=0
        )
        self._out_now[future] = chunk
        future.add_done_callback(self._ended.put)

    # Taking in -----------------------------------------------------------------------------------------------------

    def _just_ended(self) -> list[Future[Any]]:
        """Waits for the first, and takes all that ended by then."""
        with suppress(queue.Empty):
            found = [self._ended.get(timeout=WAIT_S)]
            with suppress(queue.Empty):
                while True:
                    found.append(self._ended.get_nowait())
            return found
        return []

    def _answers(
        self, crew: Workers, futures: Sequence[Future[Any]]
    ) -> Iterator[tuple[Future[Any], dict[str, Answer]]]:
        """Those of one moment in one question to the workers, each of which would wait for what they are at."""
        fine = [future for future in futures if future.status == "finished"]
        yield from zip(fine, crew.client.gather(fine), strict=True)
        for future in futures:
            if future not in fine:
                yield future, self._answer_for(future, crew)

    def _take(self, chunk: Sequence[Task], answers: dict[str, Answer]) -> None:
        if reason := answers.get("", {}).get("unfit"):
            raise AeqError(reason)
        for task in chunk:
            answer = answers[task.id]
            if "record" in answer:
                self.ledger.done(TaskRecord(**answer["record"]), answer["fresh"])
            else:
                self.ledger.failed(task, answer)

    def _answer_for(self, future: Future[Any], crew: Workers) -> dict[str, Answer]:
        """Where a worker died there is no answer of its own. Raises for what is the matter with all workers."""
        from distributed import KilledWorker

        if future.cancelled():  # which only a scheduler that ends does
            raise _scheduler_lost()
        error = future.exception()
        if isinstance(error, KilledWorker):
            tries = error.allowed_failures + 1
            reason = "its worker process died, perhaps for lack of memory"
            answer = {"error": reason, "final": False, "trace": None, "tries": tries}
            return {task.id: answer for task in self._out_now[future]}
        if isinstance(error, ImportError):
            raise AeqError(f"a worker cannot load reaper-aeq: {error}; install it on all of them")
        raise error


def _scheduler_lost() -> AeqError:
    return AeqError("the scheduler is gone: what was finished is kept; start the same command again once it is back")
