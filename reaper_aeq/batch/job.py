"""One task on a worker: whether it was done before, its folder, and what it leaves there."""

from __future__ import annotations

import os
import platform
import time
import traceback
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import AeqError
from ..util.files import output_error, refuse_replacing
from .content import Stamp, content_key, stamps
from .inputs import PROJECT, Task, portable_stem
from .recipe import Recipe
from .record import TaskRecord, prepare

Answer = dict[str, Any]
NAME_BYTES = 150  # of a result's name, which gets suffixes


class Changed(Exception):
    """A file was changed while it was worked on: to be tried again."""


class Job:
    """One task on this worker. `stamps` are of its files as they were before they were read."""

    def __init__(self, task: Task, recipe: Recipe, folder: Path, batch: str):
        self.task, self.recipe, self.folder, self.batch = task, recipe, folder, batch
        self.seconds = 0.0
        with self.timed():
            self._before = _times([task.path])
            self.opened: Any = None
            if task.kind == PROJECT:
                from ..project.whole import files_read
                from ..reaper.rpp.project import Project

                self.opened = Project.read(task.path)
                # all files that the result depends on besides the project itself
                self._before |= _times(str(path) for path in files_read(self.opened, recipe.plan))
            self.stamps: dict[str, Stamp] = stamps(self._before)
            self.key = content_key(recipe.asked_of(task.kind), self.stamps)

    @contextmanager
    def timed(self) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - started

    def finished(self, again: bool) -> TaskRecord | None:
        """The record of the same work, with the stamps of now."""
        found = TaskRecord.read(self.folder)
        if found is None or found.key != self.key or not found.complete(self.folder):
            return None
        if again and found.batch != self.batch:
            return None
        files = {path: list(stamp) if stamp else None for path, stamp in self.stamps.items()}
        return TaskRecord(**{**found.to_dict(), "files": files})

    def begin(self) -> None:
        """Raises `OutputError`."""
        try:
            prepare(self.folder)
        except OSError as error:
            raise output_error(self.folder, error) from None

    def output(self, suffix: str) -> Path:
        """Where a result of this task goes. Raises `OutputError` where a link makes that the file that is read."""
        path = self.folder / f"{portable_stem(self.task.path, NAME_BYTES)}.aeq{suffix}"
        refuse_replacing([path], [self.task.path])
        return path

    def finish(self, outputs: Sequence[Path], summary: dict[str, Any]) -> Answer:
        """Writes the record. Raises `OutputError`, and `Changed` if what was read is no longer what was hashed."""
        if _times(self._before) != self._before:
            raise Changed("one of its files was changed while it was being read")
        record = TaskRecord(
            id=self.task.id, path=self.task.path, kind=self.task.kind, asked=self.recipe.asked_of(self.task.kind),
            key=self.key, files=self.stamps,
            outputs={path.name: path.stat().st_size for path in outputs}, summary=summary,
            seconds=round(self.seconds, 3), worker=f"{platform.node()}:{os.getpid()}", batch=self.batch,
            result=uuid.uuid4().hex,
        )  # fmt: skip
        record.write(self.folder)
        return {"record": record.to_dict(), "fresh": True}


@contextmanager
def capture_errors(task: Task, answers: dict[str, Answer]) -> Iterator[None]:
    """What goes wrong with a task is its answer; the others go on."""
    try:
        yield
    except AeqError as error:
        answers[task.id] = {"error": str(error), "final": True, "trace": None}
    except Exception as error:
        sentence = str(error) if isinstance(error, Changed) else f"{type(error).__name__}: {error}"
        answers[task.id] = {"error": sentence, "final": False, "trace": traceback.format_exc()}


def _times(paths: Iterable[str]) -> dict[str, tuple[int, int] | None]:
    found: dict[str, tuple[int, int] | None] = {}
    for path in paths:
        try:
            status = os.stat(path)
            found[path] = status.st_size, status.st_mtime_ns
        except (OSError, ValueError):
            found[path] = None
    return found
