"""One run of a batch: what is there already, what is handed out together, what is tried again and what has failed."""

from __future__ import annotations

import itertools
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import AeqError
from ..util.files import sweep
from .inputs import SOUND, Task
from .task import Recipe, TaskState, failed
from .work import Answer
from .workers import Workers

CHUNK_SOUNDS, CHUNK_BYTES = 16, 2**27  # recordings that share a pass of the networks
SHARE = 4  # so many chunks at least for each worker


@dataclass
class Counts:
    """How many tasks of this run ended how; `failures` are their ids."""

    total: int
    unchanged: int = 0
    done: int = 0
    failures: list[str] = field(default_factory=list)
    working_s: float = 0.0  # since workers were ready

    @property
    def ended(self) -> int:
        """All that nothing more is done about in this run."""
        return self.unchanged + self.done + len(self.failures)


class Batch:
    """One run of the command over `tasks`; `run` returns when each has ended.

    Args:
        ended: told of the counts after each task. say: told a sentence.
        open_workers: gets the workers; called only if there is something to do.
        retries: how often a task is tried again that failed for no fault of its files.
        again: do also what did not change.
    """

    def __init__(
        self, tasks: Sequence[Task], recipe: Recipe, out: Path, ended: Callable[[Counts], None],
        say: Callable[[str], None], open_workers: Callable[[], AbstractContextManager[Workers]], retries: int = 2,
        again: bool = False,
    ):  # fmt: skip
        self.tasks, self.recipe, self.out, self.open_workers = tasks, recipe, out, open_workers
        self.ended, self.say = ended, say
        self.retries, self.again = retries, again
        self.counts = Counts(len(tasks))
        self.attempts: dict[str, int] = {}  # tries that ended, of tasks that are out or come again
        self._id = uuid.uuid4().hex
        self._later: deque[Task] = deque()

    def run(self) -> Counts:
        """Raises `AeqError` for what ends the whole batch; all that was finished is kept."""
        to_do = self._to_do()
        first = next(to_do, None)
        if first is not None:
            with self.open_workers() as workers:
                started = time.monotonic()
                self._work_off(workers, itertools.chain([first], to_do))
                self.counts.working_s = time.monotonic() - started
        return self.counts

    def sweep(self) -> None:
        """Removes what was not finished when the batch was interrupted; for workers that have ended."""
        for task_id in self.attempts:
            sweep(self.out / task_id)

    def chunks(self, tasks: Iterator[Task], most: Callable[[], int]) -> Iterator[list[Task]]:
        """Tasks to be worked on together: recordings, up to `most()` if they are small. Without an end: [] while there
        is nothing to do, and what is to be tried again once all others had their turn, for trouble passes with time."""
        held: list[Task] = []
        size = 0
        for task in tasks:
            if task.kind != SOUND:
                yield [task]
                continue
            if held and (len(held) >= min(CHUNK_SOUNDS, most()) or size + task.size > CHUNK_BYTES):
                yield held
                held, size = [], 0
            held.append(task)
            size += task.size
        if held:
            yield held
        while True:
            # alone, so that none suffers from what another does to its worker
            yield [self._later.popleft()] if self._later else []

    def take(self, chunk: Sequence[Task], answers: dict[str, Answer]) -> None:
        """What a worker answers. Raises `AeqError` where it cannot serve."""
        if reason := answers.get("", {}).get("unfit"):
            raise AeqError(reason)
        for task in chunk:
            answer = answers[task.id]
            if "fresh" not in answer:
                self._failed(task, answer)
                continue
            del self.attempts[task.id]
            if answer["fresh"]:  # by this run; else it was found finished
                self.counts.done += 1
            else:
                self.counts.unchanged += 1
            self.ended(self.counts)

    def _to_do(self) -> Iterator[Task]:
        """The tasks whose result is not there already; the others are counted on the way."""
        asked = {kind: self.recipe.asked_of(kind) for kind in {task.kind for task in self.tasks}}
        for task in self.tasks:
            state = None if self.again else TaskState.read(self.out / task.id)
            if state and state.holds(asked[task.kind], self.out / task.id):
                self.counts.unchanged += 1
                self.ended(self.counts)
            else:
                yield task

    def _work_off(self, workers: Workers, tasks: Iterator[Task]) -> None:
        handed_out, told_of_none = 0, False
        chunks = self.chunks(tasks, lambda: max(1, len(self.tasks) // (SHARE * max(1, workers.capacity()))))
        while True:
            while handed_out < workers.ahead * max(1, workers.capacity()) and (chunk := next(chunks)):
                attempts = [self.attempts.setdefault(task.id, 0) for task in chunk]
                workers.submit(chunk, self.recipe, str(self.out), attempts[0], self._id, self.again)
                handed_out += 1
            if not handed_out:
                return
            if not workers.capacity() and not told_of_none:
                told_of_none = True
                self.say("the scheduler has no workers yet: waiting for them")
            for ended, answers in workers.ended():
                handed_out -= 1
                self.take(ended, answers)

    def _failed(self, task: Task, answer: Answer) -> None:
        """What is not final is tried again, `retries` times."""
        attempts = self.attempts[task.id] = self.attempts[task.id] + answer.get("tries", 1)
        if not answer["final"] and attempts <= self.retries:
            self._later.append(task)
            return
        del self.attempts[task.id]
        error = answer["error"]
        failed(task, self.out, attempts, error, answer["trace"])
        self.counts.failures.append(task.id)
        # most sentences name their file themselves
        self.say("failed: " + (error if task.path in error else f"{task.path}: {error}"))
        self.ended(self.counts)
