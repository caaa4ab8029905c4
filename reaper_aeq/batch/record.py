"""What a finished task leaves in its folder: `done.json`, written last, says from what the other files were made.

With it a task that was finished just before everything was killed is known to be, though the journal is not.
Standard library only.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..util.files import sweep, write_text_atomic
from .content import Stamp

NAME = "done.json"


@dataclass(frozen=True)
class TaskRecord:
    """`key` is the content's hash (`content.content_key`) and `files` the stamps it was made of. `outputs` are names in
    the task's folder with their sizes. `summary` is what the index page shows. `result` is a number drawn once for each
    time that a task is really done; `batch` names the run of the command that asked for it."""

    id: str
    path: str
    kind: str
    asked: str
    key: str
    files: dict[str, Stamp]
    outputs: dict[str, int]
    summary: dict[str, Any]
    seconds: float
    worker: str
    batch: str
    result: str

    def write(self, folder: Path) -> None:
        """Raises `OutputError`."""
        write_text_atomic(folder / NAME, json.dumps(asdict(self), indent=1, allow_nan=False) + "\n")

    @classmethod
    def read(cls, folder: Path) -> TaskRecord | None:
        """None where there is none, or something else."""
        try:
            return cls(**json.loads((folder / NAME).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def complete(self, folder: Path) -> bool:
        """Whether every file it speaks of is there, in its full size."""
        try:
            return all(os.stat(folder / name).st_size == size for name, size in self.outputs.items())
        except OSError:
            return False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def prepare(folder: Path) -> None:
    """Makes a task's folder ready: no record of an older result, nothing half-written of a worker that was killed.

    Raises `OSError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).unlink(missing_ok=True)
    sweep(folder)
