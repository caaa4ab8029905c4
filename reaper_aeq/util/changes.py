"""Several files changed as one: afterwards all of them are new, or all are as they were. Standard library only."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from ..errors import OutputError
from .files import output_error, write_bytes_atomic
from .interrupts import interrupts_wait


def apply(changes: Mapping[Path, bytes | None]) -> None:
    """Writes each file, or removes it where there is None; folders that are missing are made.

    Whatever needs room on a disk is written first and under other names: the new contents, and a copy of each file
    that will go. Only renames are left then, and taking them back needs no room. A link keeps being a link: the file it
    points to changes. Raises `OutputError`; that and an interrupt leave every file and folder as it was.
    """
    with ExitStack() as folders, ExitStack() as staged, ExitStack() as swapped:
        for folder in missing_folders(path.parent for path, data in changes.items() if data is not None):
            try:
                folder.mkdir()
            except OSError as error:
                raise output_error(folder, error) from error
            folders.callback(_quietly, folder.rmdir)
        steps = []
        for path, data in changes.items():
            target = Path(os.path.realpath(path))
            spare = _spare(target, staged)
            fresh = None if data is None else _stage(target, data, staged)
            if fresh and spare:
                shutil.copymode(target, fresh)
            steps.append((target, fresh, spare))
        with interrupts_wait():
            for target, fresh, spare in steps:
                try:
                    os.replace(fresh, target) if fresh else target.unlink(missing_ok=True)
                except OSError as error:
                    raise output_error(target, error) from error
                # only what was put there is taken back
                swapped.callback(_quietly, partial(_restore, target, spare))
            swapped.pop_all()
            folders.pop_all()


def missing_folders(wanted: Iterable[Path]) -> list[Path]:
    """The folders that must be made for these to exist, outermost first, each once."""
    missing: dict[Path, None] = {}
    for folder in wanted:
        chain = [part for part in (folder, *folder.parents) if not os.path.exists(part)]
        missing.update(dict.fromkeys(reversed(chain)))
    return list(missing)


def _spare(target: Path, staged: ExitStack) -> Path | None:
    """A copy of the file as it is, with its times; None where there is no file."""
    try:
        data = target.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise output_error(target, error) from error
    spare = _stage(target, data, staged)
    if not os.access(target, os.W_OK):
        # a rename in a folder that is ours would succeed; the owner's "read-only" counts all the same
        raise output_error(target, PermissionError(errno.EACCES, "read-only file"))
    shutil.copystat(target, spare)
    return spare


def _stage(target: Path, data: bytes, staged: ExitStack) -> Path:
    temporary = target.with_name(f".aeq-{secrets.token_hex(6)}")
    staged.callback(_quietly, lambda: temporary.unlink(missing_ok=True))
    try:
        write_bytes_atomic(temporary, data)
    except OutputError as error:
        # what the user knows is the file itself
        raise OutputError(str(error).replace(str(temporary), str(target))) from error
    return temporary


def _restore(target: Path, spare: Path | None) -> None:
    if spare is None:
        target.unlink(missing_ok=True)
    elif spare.exists():
        os.replace(spare, target)


def _quietly(step: Callable[[], object]) -> None:
    """While taking back: what cannot be taken back must not hide why, nor stop the rest."""
    with suppress(OSError):
        step()
