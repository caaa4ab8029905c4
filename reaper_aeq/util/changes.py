"""Several files changed as one: afterwards all of them are new, or all are as they were. Standard library only."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from ..errors import output_error
from .files import write_all


def apply(changes: Mapping[Path, bytes | None]) -> None:
    """Writes each file, or removes it where there is None; folders that are missing are made.

    As `files.write_all` does it, with the folders too: `OutputError`, which it raises, and an interrupt leave every
    file and folder as it was.
    """
    fresh = {path: data for path, data in changes.items() if data is not None}
    with ExitStack() as folders:
        for folder in missing_folders(path.parent for path in fresh):
            try:
                folder.mkdir()
            except OSError as error:
                raise output_error(folder, error) from error
            folders.callback(_remove, folder)
        with write_all(list(fresh), gone=[path for path in changes if path not in fresh]) as writing:
            for path, data in fresh.items():
                with writing.to(path) as temporary:
                    temporary.write_bytes(data)
        folders.pop_all()


def missing_folders(wanted: Iterable[Path]) -> list[Path]:
    """The folders that must be made for these to exist, outermost first, each once."""
    missing: dict[Path, None] = {}
    for folder in wanted:
        chain = [part for part in (folder, *folder.parents) if not os.path.exists(part)]
        missing.update(dict.fromkeys(reversed(chain)))
    return list(missing)


def _remove(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
