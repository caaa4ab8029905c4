"""The backend's log: the owner's only, of bounded size, one line a message, and no flood of one kind of error."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import re
import time
import traceback
from io import TextIOWrapper
from pathlib import Path
from typing import Literal

from ..util.printable import printable

LOG_BYTES, LOG_FILES = 1_000_000, 3
QUIET_S = 60.0  # between two lines of one kind
MOST_KINDS = 200
_VARIES = re.compile(r"0x[0-9a-f]+|\d+|'[^']*'|\"[^\"]*\"|<[^>]*>")


class LogFile(logging.handlers.RotatingFileHandler):
    """A file that only its owner may read, from its first byte on; older ones are closed to others, too."""

    def __init__(self, path: Path):
        for older in (path, *(path.with_name(f"{path.name}.{n + 1}") for n in range(LOG_FILES))):
            with contextlib.suppress(OSError):
                os.chmod(older, 0o600)
        super().__init__(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
        self.setFormatter(OneLine("%(asctime)s %(levelname)s %(message)s"))
        self.addFilter(OnceAMinute())

    def _open(self) -> TextIOWrapper:
        return open_private(self.baseFilename, "a")

    def handleError(self, record: logging.LogRecord) -> None:
        """A log that cannot be written (no file handle left, a full disk) is no reason to stop, nor to shout."""


class OneLine(logging.Formatter):
    """Each message on a line of its own, whatever is in it; a trace on lines that are indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line."""
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:
        """The trace."""
        lines = super().formatException(ei).split("\n")  # type: ignore[arg-type]
        return "\n".join("    " + printable(line) for line in lines)


class OnceAMinute(logging.Filter):
    """Of warnings and errors of one kind a line a minute; the next one says how many were left out."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[object, tuple[float, int]] = {}  # when one was written, and how many were not since

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is written."""
        if record.levelno < logging.WARNING:
            return True
        kind, now = _kind(record), time.monotonic()
        since, left_out = self._kinds.get(kind, (float("-inf"), 0))
        if now - since < QUIET_S:
            self._kinds[kind] = since, left_out + 1
            return False
        self._kinds.pop(kind, None)
        self._kinds[kind] = now, 0  # the newest last
        if len(self._kinds) > MOST_KINDS:
            del self._kinds[next(iter(self._kinds))]
        if left_out:
            record.msg, record.args = f"{record.getMessage()} (and {left_out} more like it before)", None
        return True


def _kind(record: logging.LogRecord) -> object:
    """The words of a message without what changes from one to the next, and where its error came from."""
    error, _, trace = record.exc_info or (None, None, None)
    steps = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(trace)]
    return record.name, record.levelno, _VARIES.sub("#", str(record.msg))[:200], error, *steps[-1:]


def open_private(path: str | os.PathLike[str], mode: Literal["a", "w"]) -> TextIOWrapper:
    """A text file to write or append to that nobody but its owner may read, the one that was there included."""
    flags = os.O_CREAT | os.O_WRONLY | (os.O_APPEND if mode == "a" else os.O_TRUNC)
    handle = os.open(path, flags, 0o600)
    with contextlib.suppress(OSError, AttributeError):  # Windows keeps a user's folders closed by itself
        os.fchmod(handle, 0o600)
    return open(handle, mode, encoding="utf-8", errors="backslashreplace")
