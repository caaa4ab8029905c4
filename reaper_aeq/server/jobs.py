"""Jobs and their tasks from submission to answer. Thread-safe; knows nothing of audio, models or HTTP."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..errors import AeqError
from . import wire

MAX_WAITING = 5 * wire.MAX_TASKS
# Finished ones; what waits or runs is never forgotten. An answer takes some 15 KB: of jobs with many, only a few.
KEPT_JOBS, KEPT_TASKS, KEPT_AT_LEAST = wire.MAX_JOBS_SHOWN, 400, 4

OVER = ("done", "cancelled")  # states after which nothing more comes of a job
Given = wire.AdaptTask | wire.AnalyzeTask
Outcome = wire.TaskDone | wire.TaskFailed


class BusyError(AeqError):
    """More waits already than will be done soon."""

    http_status = 429


class NoSuchJobError(AeqError):
    """Never submitted, or finished so long ago that it was forgotten."""

    http_status = 404


@dataclass(eq=False)
class Ticket:
    """One task of a job on its way through the worker. `result` is the engine's, kept for its picture."""

    job: JobRecord
    n: int
    given: Given
    started: float = 0.0
    outcome: Outcome | None = None
    result: Any = None

    @property
    def dropped(self) -> bool:
        """Nobody waits for it any more."""
        return self.job.state == "cancelled"


@dataclass(eq=False)
class JobRecord:
    """A job as it is kept; `wire.JobInfo` is what others see of it."""

    id: str
    label: str
    created: str
    state: str = "queued"
    tickets: list[Ticket] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in OVER

    def message(self) -> wire.JobInfo:
        """What others see of it now."""
        results = [ticket.outcome for ticket in self.tickets if ticket.outcome]
        total = len(self.tickets)
        # built from parts that were checked when they were made: checking them again would cost more than all the rest
        return wire.JobInfo.model_construct(
            id=self.id, label=self.label, state=self.state, progress=len(results) / total, created=self.created,
            total=total, results=results,
        )  # fmt: skip


class Jobs:
    """The queue, and the history of what was asked. Listeners are called after every change, from any thread."""

    def __init__(self) -> None:
        self._records: dict[str, JobRecord] = {}  # oldest first
        self._waiting: deque[Ticket] = deque()
        self._lock = threading.Condition()
        self._listeners: set[Callable[[], object]] = set()
        self._closed = False
        self.revision = 0

    def submit(self, label: str, tasks: Sequence[Given]) -> str:
        """Queues tasks as one job and returns its id. Raises `BusyError`."""
        with self._changing():
            if self._closed or len(self._waiting) + len(tasks) > MAX_WAITING:
                raise BusyError("reaper-aeq has too much to do already: wait for it or cancel a job, then press again")
            record = JobRecord(secrets.token_hex(8), label, datetime.now(UTC).isoformat(timespec="milliseconds"))
            record.tickets = [Ticket(record, n, task) for n, task in enumerate(tasks)]
            self._records[record.id] = record
            self._waiting.extend(record.tickets)
            self._forget_oldest()
            return record.id

    def take(self) -> Ticket | None:
        """The next task of whatever job, as soon as there is one; None once closed."""
        with self._changing():
            self._lock.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            ticket = self._waiting.popleft()
            ticket.job.state = "running"
            return ticket

    def finish(self, ticket: Ticket, outcome: Outcome, result: Any = None) -> None:
        """Notes the answer to a task; one that nobody waits for any more is dropped."""
        with self._changing():
            if not ticket.dropped and ticket.outcome is None:
                ticket.outcome, ticket.result = outcome, result
                if all(other.outcome for other in ticket.job.tickets):
                    ticket.job.state = "done"

    def cancel(self, job_id: str) -> wire.JobInfo:
        """Drops what is unfinished; what is done stays. A job that is over already is left as it is."""
        with self._changing():
            record = self._find(job_id)
            if not record.over:
                record.state = "cancelled"
                self._waiting = deque(ticket for ticket in self._waiting if ticket.job is not record)
            return record.message()

    def get(self, job_id: str) -> wire.JobInfo:
        """Raises `NoSuchJobError`, as all do that take an id."""
        with self._lock:
            return self._find(job_id).message()

    def state(self, job_id: str) -> str:
        """One of `wire.JobInfo.state`."""
        with self._lock:
            return self._find(job_id).state

    def ticket(self, job_id: str, n: int) -> Ticket:
        """Its task number `n`, from 0; `NoSuchJobError` too where there is none."""
        with self._lock:
            tickets = self._find(job_id).tickets
            if n >= len(tickets):
                raise NoSuchJobError(f"job {job_id} has no task {n}: it has {len(tickets)}")
            return tickets[n]

    def recent(self, most: int) -> list[wire.JobInfo]:
        """Newest first."""
        with self._lock:
            return [record.message() for record in list(self._records.values())[: -most - 1 : -1]]

    @property
    def waiting(self) -> int:
        """How many tasks nobody has taken yet."""
        with self._lock:
            return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether anything waits or is worked on."""
        with self._lock:
            return any(not record.over for record in self._records.values())

    def close(self) -> None:
        """Cancels everything and lets the worker's `take` return."""
        with self._changing():
            self._closed = True
            self._waiting.clear()
            for record in self._records.values():
                if not record.over:
                    record.state = "cancelled"

    @contextmanager
    def listening(self, listener: Callable[[], object]) -> Iterator[None]:
        """While the block runs, `listener` is called after every change."""
        with self._lock:
            self._listeners.add(listener)
        try:
            yield
        finally:
            with self._lock:
                self._listeners.discard(listener)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._lock:
            yield
            self.revision += 1
            self._lock.notify_all()
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    def _find(self, job_id: str) -> JobRecord:
        if job_id not in self._records:
            raise NoSuchJobError(f"no job {job_id[:64]!r}: it was never asked for, or so long ago that it is forgotten")
        return self._records[job_id]

    def _forget_oldest(self) -> None:
        over = [record for record in reversed(self._records.values()) if record.over]
        tasks = 0
        for number, record in enumerate(over):
            tasks += len(record.tickets)
            if number >= KEPT_JOBS or (number >= KEPT_AT_LEAST and tasks > KEPT_TASKS):
                # a job and its tickets know each other: left to Python's search for such circles, which comes around
                # after hundreds of jobs, they would hold their answers until then
                self._records.pop(record.id).tickets.clear()
