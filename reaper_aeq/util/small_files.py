"""Reading files that are small when they are what they should be. Standard library only."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read_small(path: str | os.PathLike[str], most_bytes: int) -> bytes:
    """The bytes of a file. A pipe, which might never end, or more than `most_bytes` is an `OSError` that says so."""
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", os.fspath(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is a device or a pipe, not a file", os.fspath(path))
    if status.st_size > most_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {most_bytes / 1e6:g} MB", os.fspath(path))
    return Path(path).read_bytes()
