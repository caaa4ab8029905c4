"""How the tasks of one run stand: what is there already, what ended how, what is to be tried again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .content import same
from .inputs import SOUND, Task
from .job import Answer
from .journal import DONE, Journal
from .recipe import Recipe
from .record import TaskRecord

CHUNK_SOUNDS, CHUNK_BYTES = 16, 2**27  # recordings that share a pass of the networks


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
        return self.unchanged + self.done + len(self.failures)


@dataclass(frozen=True)
class Watch:
    """Who is told while a batch runs: `ended` after each task, `say` a sentence."""

    ended: Callable[[Counts], None]
    say: Callable[[str], None]


class Ledger:
    """The tasks of one run with the journal behind them. `retries`, `again`: as in `run.Batch`."""

    def __init__(
        self, tasks: Sequence[Task], recipe: Recipe, out: Path, journal: Journal, watch: Watch, retries: int,
        again: bool,
    ):  # fmt: skip
        self.tasks, self.out, self.journal, self.watch = tasks, out, journal, watch
        self.retries, self.again = retries, again
        self.counts = Counts(len(tasks))
        self._asked = {kind: recipe.asked_of(kind) for kind in {task.kind for task in tasks}}
        self._attempts: dict[str, int] = {}  # of tasks that are out
        self._later: deque[Task] = deque()

    def to_do(self) -> Iterator[Task]:
        """The tasks whose result is not there already; the others are counted on the way."""
        for task in self.tasks:
            if not self.again and self._unchanged(task):
                self.counts.unchanged += 1
                self.watch.ended(self.counts)
            else:
                yield task

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

    def handed_out(self, task: Task) -> int:
        """How many tries of it ended before this one."""
        if task.id not in self._attempts:
            self._attempts[task.id] = 0
            self.journal.waiting(task.id)
        return self._attempts[task.id]

    def done(self, record: TaskRecord, fresh: bool) -> None:
        """`fresh`: by this run; else it was found finished."""
        self.journal.done(record, self._attempts.pop(record.id) + fresh)
        if fresh:
            self.counts.done += 1
        else:
            self.counts.unchanged += 1
        self.watch.ended(self.counts)

    def failed(self, task: Task, answer: Answer) -> None:
        """What is not final is tried again, `retries` times."""
        attempts = self._attempts[task.id] = self._attempts[task.id] + answer.get("tries", 1)
        final = answer["final"] or attempts > self.retries
        self.journal.failed(task.id, attempts, answer["error"], answer["trace"], final)
        if final:
            self.counts.failures.append(task.id)
            error = answer["error"]
            # most sentences name their file themselves
            self.watch.say("failed: " + (error if task.path in error else f"{task.path}: {error}"))
            self.watch.ended(self.counts)
        else:
            self._later.append(task)

    def _unchanged(self, task: Task) -> bool:
        row = self.journal.row(task.id)
        if row is None or row.state != DONE or row.record is None or row.asked != self._asked[task.kind]:
            return False
        return same(row.record.files) and row.record.complete(self.out / task.id)
