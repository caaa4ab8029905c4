"""Reading files that are small when they are what they should be. Standard library only."""

from __future__ import annotations

import errno
import os
import stat
import tomllib
from pathlib import Path
from typing import Any

from ..errors import SettingsError


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


def read_toml(path: str | os.PathLike[str], most_bytes: int, what: str, is_: str) -> dict[str, Any]:
    """The tables of a TOML file. Raises `SettingsError`: `what` cannot be read, or the file is not `is_`."""
    try:
        return tomllib.loads(read_small(path, most_bytes).decode("utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"cannot read {what} in {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not {is_}: it is not text in UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{path} is not {is_}: {error}") from None
