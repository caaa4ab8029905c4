"""Locks that the operating system takes back however a process ends. Standard library only.

By hand, for more is asked of them than of filelock: names that a disk takes for one share a lock, nothing of it stays
beside the files of people, and on a disk that knows no locks one goes without.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import time
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import IO

from ..errors import OutputError, output_error

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

MARK = ".aeq-"  # how everything begins that we put beside files while they are written
RETRY_S = 0.02
# Some network disks know no locks. There two runs at once are not kept apart, but each can work.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, getattr(errno, "ENOTSUP", errno.EOPNOTSUPP)}


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
        taken = _take(file.fileno())
    except OSError as error:
        file.close()
        raise OutputError(f"cannot lock {beside}: {error.strerror}; choose a place on another disk") from None
    if taken:
        return file
    file.close()
    return None


class TargetLock:
    """The right to write one file, which no other process and no other thread has meanwhile.

    Its name follows from the file's, so a name that a disk takes for the same (`Song.wav` and `song.wav`) shares it.
    While it is held `path` exists; once it is released nothing is left.

    Attributes:
        path: of the lock, in the file's folder. known: whether the disk knows locks at all.
    """

    def __init__(self, path: Path, handle: int | None):
        self.path, self._handle = path, handle
        self.known = handle is not None

    @classmethod
    def name(cls, target: Path) -> str:
        """
        >>> TargetLock.name(Path("Song.wav")) == TargetLock.name(Path("elsewhere/song.WAV"))
        True
        """
        spelled = unicodedata.normalize("NFC", target.name).casefold()
        return MARK + hashlib.sha256(spelled.encode("utf-8", "surrogateescape")).hexdigest()[:12]

    @classmethod
    def take(cls, path: Path, wait_s: float = 0.0) -> TargetLock | None:
        """None if another holds it for longer than `wait_s`. Raises `OSError` where no file can be made.

        Args:
            path: `name(target) + '.lock'` in the target's folder.
        """
        until = time.monotonic() + wait_s
        while True:
            handle = _open(path)
            try:
                taken = _take(handle)
                # another may have removed the file between our opening and locking it
                current = taken and _same(path, handle)
            except OSError as error:
                os.close(handle)
                if error.errno not in _NO_LOCKS:
                    raise
                return cls(path, None)
            if taken and current:
                return cls(path, handle)
            os.close(handle)
            if not taken:
                if time.monotonic() >= until:
                    return None
                time.sleep(RETRY_S)

    def release(self) -> None:
        """Gives it up; a second time changes nothing."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        windows = os.name == "nt"  # where nothing open can be removed
        if windows:
            os.close(handle)
        with suppress(OSError):
            os.unlink(self.path)
        if not windows:
            os.close(handle)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    except PermissionError as refused:
        try:
            return os.open(path, os.O_RDONLY)  # of another user; reading is enough for a lock
        except OSError:
            raise refused from None


def _same(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False


def _take(handle: int) -> bool:
    """Whether the lock is ours now. Raises `OSError` where there are no locks."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if isinstance(error, BlockingIOError) or (os.name == "nt" and isinstance(error, PermissionError)):
            return False
        raise
    return True
