"""Writing files whole or not at all. Standard library only: every writer in the project goes through here."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import OutputError

_FULL = "the disk is full (or your quota is used up): free some space or choose another disk"
_FORBIDDEN = "you may not write there: choose another place or change its permissions"
_REASONS = {
    errno.ENOSPC: _FULL,
    getattr(errno, "EDQUOT", errno.ENOSPC): _FULL,  # Windows has no quota error of its own
    errno.EFBIG: "the file would be larger than this disk or your limits allow",
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: "the disk is read-only: choose another place",
    errno.ENOENT: "its folder does not exist: create it first",
    errno.ENOTDIR: "part of its path is a file, not a folder: check the path",
    errno.EISDIR: "it is a folder: give the name of a file",
    errno.ENAMETOOLONG: "the name is too long: choose a shorter one",
}


def output_error(path: str | os.PathLike[str], error: OSError) -> OutputError:
    """The sentence for a refusal by the operating system while `path` was written."""
    reason = _REASONS.get(error.errno or 0) or error.strerror or str(error) or type(error).__name__
    return OutputError(f"cannot write {os.fspath(path)}: {reason}")


@contextmanager
def atomic_write(path: str | os.PathLike[str], mode: int | None = None) -> Iterator[Path]:
    """Gives a temporary path to write to; what lies there becomes `path` only if the block ends without an error.

    The temporary file is in the folder of `path` and has its suffix (libraries choose a format by it). It is flushed
    to the disk before it is renamed and is removed on any exception, an interrupt included. A link keeps being a link:
    the file it points to is replaced. An existing file keeps its permissions, unless `mode` gives them (0o600 for a
    secret: then nobody else can read even the temporary file).

    Raises `OutputError` where the operating system refuses, at once where that can be known before anything is
    computed. An `OSError` about some other file (one that the block reads) passes through as it is.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(Path(folder, "eq.json")) as temporary:
    ...         _ = temporary.write_text("{}")
    ...     os.listdir(folder)
    ['eq.json']
    """
    target, found_mode = _target(path)
    # Not made of the target's own name, which may already be as long as the disk allows.
    temporary = target.with_name(f".aeq-{secrets.token_hex(6)}{target.suffix[:16]}")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666 if mode is None else mode))
        yield temporary
        _flush(temporary)
        if (wanted := found_mode if mode is None else mode) is not None:
            with suppress(OSError):  # a disk that knows no permissions
                os.chmod(temporary, wanted)
        os.replace(temporary, target)
    except OSError as error:
        if error.filename is not None and str(error.filename) not in (str(temporary), str(target)):
            raise
        raise output_error(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_bytes_atomic(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes `data` as the file `path`, whole or not at all; raises `OutputError`."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def write_text_atomic(path: str | os.PathLike[str], text: str) -> None:
    """Writes `text` as UTF-8, its line ends untouched, whole or not at all; raises `OutputError`."""
    write_bytes_atomic(path, text.encode("utf-8"))


def check_target(path: str | os.PathLike[str]) -> None:
    """Raises `OutputError` for a place where `atomic_write` is certain to fail, before there is anything to write."""
    target, found = _target(path)
    if found is None and not os.access(target.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise output_error(path, PermissionError(errno.EACCES, "not ours"))


def _target(path: str | os.PathLike[str]) -> tuple[Path, int | None]:
    """The real place of `path` and the permissions of the file there now; raises `OutputError` if it cannot be one."""
    try:
        target = Path(os.path.realpath(path))
        status = target.stat()
    except FileNotFoundError:
        if not target.parent.is_dir():
            reason = f"the folder {target.parent} does not exist: create it first"
            raise OutputError(f"cannot write {os.fspath(path)}: {reason}") from None
        return target, None
    except OSError as error:
        raise output_error(path, error) from error
    except ValueError:
        raise OutputError(f"cannot write {os.fspath(path)!r}: no file can have this name") from None
    if stat.S_ISDIR(status.st_mode):
        raise output_error(path, IsADirectoryError(errno.EISDIR, "is a directory"))
    if not stat.S_ISREG(status.st_mode):
        # Renaming over a device such as /dev/null would destroy it for the whole machine.
        raise OutputError(f"cannot write {os.fspath(path)}: it is a device or a pipe: give the name of a file")
    if not os.access(target, os.W_OK):
        # The rename would succeed in a folder that is ours; the owner's "read-only" counts all the same.
        raise output_error(path, PermissionError(errno.EACCES, "read-only file"))
    return target, stat.S_IMODE(status.st_mode)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)  # Windows flushes only what is open for writing
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
