"""A lock that the operating system takes back however a process ends. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from .errors import OutputError
from .files import output_error


def lock(path: Path) -> IO[bytes] | None:
    """The lock of a file (`<name>.lock` beside it), held until it is closed or the process ends; None if another
    process holds it.

    Raises `OutputError` where no file can be made.
    """
    beside = path.with_name(path.name + ".lock")
    try:
        file = os.fdopen(os.open(beside, os.O_CREAT | os.O_RDWR, 0o600), "r+b")
    except OSError as error:
        raise output_error(beside, error) from None
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if isinstance(error, BlockingIOError) or (os.name == "nt" and isinstance(error, PermissionError)):
            return None
        raise OutputError(f"cannot lock {beside}: {error.strerror}; choose a place on another disk") from None
    return file
