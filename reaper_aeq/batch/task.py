"""What a batch asks of its tasks, and how each of them stands: `task.json` in its folder says so, and nothing else.

The worker that did a task writes it last, so a task that was finished just before everything was killed is known to be.
Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import ModelError, OutputError
from ..project.plan import DEFAULT_PLAN, Plan, parse_plan, read_plan
from ..request import EqRequest
from ..util.files import output_error, sweep, write_text_atomic
from ..util.paths import shipped
from .inputs import PROJECT, Task

NAME = "task.json"
# Size, time of the last change (ns; 0 where it proves nothing) and SHA-256; None for a file that cannot be read.
Stamp = tuple[int, int, str] | None
# A file changed this recently may change again without its time changing: disks count in steps of up to two seconds.
SETTLED_S = 2.0

_hashed: dict[tuple[str, int, int], str] = {}  # of this process: projects share media


@dataclass(frozen=True)
class Recipe:
    """What is asked of every task, as plain data that travels to workers.

    Attributes:
        plan_text: for projects, as it was when the batch began. plan_path: None is the default plan.
        request: for recordings; None if no word was given. render: write recordings with their EQ too.
        models: a folder that workers see; None is the shipped ones, which `models_hash` compares.
    """

    plan_text: str
    plan_path: str | None
    request: EqRequest | None
    render: bool
    models: str | None
    models_hash: str
    version: str = __version__

    @classmethod
    def of(cls, plan: Path | None, request: EqRequest | None, render: bool, models: Path | None) -> Recipe:
        """Raises `PlanError`, `ModelError`."""
        folder = os.path.abspath(models) if models else None
        plan_path = str(plan.absolute()) if plan else None
        return cls(read_plan(plan).text, plan_path, request, render, folder, hash_of_models(folder))

    @cached_property
    def plan(self) -> Plan:
        """The text, not the file, which may be edited while the batch runs."""
        return parse_plan(self.plan_text.encode(), Path(self.plan_path) if self.plan_path else DEFAULT_PLAN)

    def asked_of(self, kind: str) -> str:
        """A hash of all that a task of this kind depends on besides its files."""
        asked = [self.plan_text] if kind == PROJECT else [self.request and asdict(self.request), self.render]
        return _hash(kind, asked, self.models_hash, self.version)


def hash_of_models(folder: str | None) -> str:
    """Of the descriptions of all models in a folder, each of which holds its weights' hash. Raises `ModelError`."""
    digest = hashlib.sha256()
    try:
        for path in sorted((Path(folder) if folder else shipped("models")).glob("*.json")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    except OSError as error:
        raise ModelError(f"the models in {folder} cannot be read: {error.strerror or error}") from None
    return digest.hexdigest()


@dataclass(frozen=True)
class TaskState:
    """How a task stands: done, failed, or waiting, which leaves no file.

    Attributes:
        attempts: tries that ended. error, trace: why it failed for good, else None.
        asked: `Recipe.asked_of`. files: stamps of all that was read, as it was before. key: `content_key` of both.
        outputs: names in the task's folder with their sizes. summary: what the index page shows.
        batch: the run of the command that asked for it. result: drawn once for each time that it is really done.
    """

    id: str
    path: str
    kind: str
    attempts: int
    error: str | None = None
    trace: str | None = None
    asked: str = ""
    key: str = ""
    files: dict[str, Stamp] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    worker: str = ""
    batch: str = ""
    result: str = ""

    @property
    def done(self) -> bool:
        """Whether there is a result."""
        return bool(self.result)

    @classmethod
    def read(cls, folder: Path) -> TaskState | None:
        """None where there is none, or something else."""
        try:
            return cls(**json.loads((folder / NAME).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, folder: Path) -> None:
        """Raises `OutputError`."""
        write_text_atomic(folder / NAME, json.dumps(asdict(self), indent=1, allow_nan=False) + "\n")

    def complete(self, folder: Path) -> bool:
        """Whether it is done, and every file it speaks of there in its full size."""
        try:
            return self.done and all(os.stat(folder / name).st_size == size for name, size in self.outputs.items())
        except OSError:
            return False

    def holds(self, asked: str, folder: Path) -> bool:
        """Whether it is done as asked and no file was touched since; False also where only reading them would tell."""
        return self.asked == asked and all(map(_untouched, self.files, self.files.values())) and self.complete(folder)


def prepare(folder: Path) -> None:
    """Makes a task's folder ready: nothing said of it, nothing half-written of a worker that was killed.

    Raises `OutputError`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / NAME).unlink(missing_ok=True)
    except OSError as error:
        raise output_error(folder, error) from None
    sweep(folder)


def failed(task: Task, out: Path, attempts: int, error: str, trace: str | None) -> None:
    """Says in its folder that a task failed for good, if the disk lets us."""
    try:
        prepare(out / task.id)
        TaskState(task.id, task.path, task.kind, attempts, error, trace).write(out / task.id)
    except OutputError:
        pass  # its user was told, and the next run tries it again


def stamp(path: str) -> Stamp:
    """Reads the whole file, once for each of its states that this process meets."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return None
        state = path, status.st_size, status.st_mtime_ns
        settled = status.st_mtime_ns < 1e9 * (time.time() - SETTLED_S)
        if not settled or state not in _hashed:
            with open(path, "rb") as file:
                _hashed[state] = hashlib.file_digest(file, "sha256").hexdigest()
        return status.st_size, status.st_mtime_ns if settled else 0, _hashed[state]
    except (OSError, ValueError):
        return None


def content_key(asked: str, stamps: Mapping[str, Stamp]) -> str:
    """One hash of what is asked and of all that the answer follows from; times are not in it."""
    return _hash(asked, {path: before and [before[0], before[2]] for path, before in stamps.items()})


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _untouched(path: str, before: Stamp) -> bool:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return before is None
    return before is not None and (status.st_size, status.st_mtime_ns) == tuple(before[:2])
