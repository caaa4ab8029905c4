"""What a batch remembers: one row for each task in an SQLite file, and a line for each time that one was finished.

Only the command's own process opens it. The records in the tasks' folders hold all of it that cost work, so a journal
that is damaged is laid aside, and what was finished is found again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import OutputError
from .inputs import Task, shown
from .record import TaskRecord

NAME = "batch.sqlite"
FORMAT = 1
WAITING, DONE, FAILED = "waiting", "done", "failed"
_TABLES = """
CREATE TABLE tasks (
    id TEXT PRIMARY KEY, path TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, asked TEXT, key TEXT,
    attempts INTEGER NOT NULL DEFAULT 0, seconds REAL, error TEXT, trace TEXT, record TEXT, ended TEXT
) WITHOUT ROWID;
CREATE TABLE finished (
    id TEXT NOT NULL, key TEXT NOT NULL, result TEXT NOT NULL, ended TEXT NOT NULL, PRIMARY KEY (id, key, result)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class JournalRow:
    """A task and how it stands; `attempts` are the tries that ended, `record` is there if it is done."""

    id: str
    path: str
    kind: str
    state: str
    asked: str | None
    key: str | None
    attempts: int
    seconds: float | None
    error: str | None
    trace: str | None
    record: TaskRecord | None
    ended: str | None


class Journal:
    """Use as a context manager. `damaged` is where a journal that could not be read was laid, or None.

    Raises `OutputError` from every method if the disk is full or refuses.
    """

    def __init__(self, out: Path):
        self.path = out / NAME
        self.damaged: Path | None = None
        with self._told():
            try:
                self._db = self._opened()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):  # the disk, not the file
                    raise
                self._lay_aside()
                self._db = self._opened()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def add(self, tasks: Iterable[Task]) -> None:
        """Tasks that are new wait; those not asked for any more are forgotten unless they are done."""
        rows = [(task.id, shown(task.path), task.kind, WAITING) for task in tasks]
        with self._told(), self._db:
            self._db.execute("CREATE TEMP TABLE asked_for (id TEXT PRIMARY KEY)")
            self._db.executemany("INSERT INTO asked_for VALUES (?)", [row[:1] for row in rows])
            self._db.execute("DELETE FROM tasks WHERE state != ? AND id NOT IN (SELECT id FROM asked_for)", (DONE,))
            self._db.execute("DROP TABLE asked_for")
            self._db.executemany("INSERT OR IGNORE INTO tasks (id, path, kind, state) VALUES (?, ?, ?, ?)", rows)

    def row(self, id: str) -> JournalRow | None:
        with self._told():
            found = self._db.execute("SELECT * FROM tasks WHERE id = ?", (id,)).fetchone()
        return _row(found) if found else None

    def rows(self) -> Iterator[JournalRow]:
        """All of them, by path."""
        with self._told():
            yield from map(_row, self._db.execute("SELECT * FROM tasks ORDER BY path"))

    def waiting(self, id: str) -> None:
        """It is to be done (again)."""
        self._set(id, state=WAITING, attempts=0, error=None, trace=None)

    def failed(self, id: str, attempts: int, error: str, trace: str | None, final: bool) -> None:
        self._set(
            id, state=FAILED if final else WAITING, attempts=attempts, error=shown(error),
            trace=trace and shown(trace), ended=_now(),
        )  # fmt: skip

    def done(self, record: TaskRecord, attempts: int) -> None:
        """One transaction: a task is done and counted, or neither."""
        with self._told(), self._db:
            self._update(
                record.id, state=DONE, asked=record.asked, key=record.key, attempts=attempts, seconds=record.seconds,
                error=None, trace=None, record=json.dumps(record.to_dict()), ended=_now(),
            )  # fmt: skip
            # the same result found on the disk once more is not counted once more
            line = record.id, record.key, record.result, _now()
            self._db.execute("INSERT OR IGNORE INTO finished VALUES (?, ?, ?, ?)", line)

    def _set(self, id: str, **values: Any) -> None:
        with self._told(), self._db:
            self._update(id, **values)

    def _update(self, id: str, **values: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in values)
        self._db.execute(f"UPDATE tasks SET {names} WHERE id = ?", (*values.values(), id))

    def _opened(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            # NORMAL: after a power cut the file is whole, but its last rows may be missing. Their tasks are then found
            # finished in their folders, whose files are flushed one by one; FULL would flush twice for the same.
            db.execute("PRAGMA synchronous = NORMAL")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                db.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {FORMAT}; COMMIT;")
            (state,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if state != "ok" or version not in (0, FORMAT):
                raise sqlite3.DatabaseError(state)
        except BaseException:
            db.close()
            raise
        return db

    def _lay_aside(self) -> None:
        names = (self.path.with_name(f"{NAME}.damaged-{n}") for n in range(1, 1000))
        self.damaged = next(name for name in names if not name.exists())
        self.path.rename(self.damaged)
        for suffix in ("-wal", "-shm"):
            self.path.with_name(NAME + suffix).unlink(missing_ok=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, OSError) as error:
            raise OutputError(f"cannot write the journal {self.path}: {error}; what was finished is kept") from error


def _row(values: tuple[Any, ...]) -> JournalRow:
    task, path, kind, state, asked, key, attempts, seconds, error, trace, said, ended = values
    record = TaskRecord(**json.loads(said)) if said else None
    return JournalRow(task, path, kind, state, asked, key, attempts, seconds, error, trace, record, ended)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
