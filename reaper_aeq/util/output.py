"""One file that is to be written or to go: beside its place until it is whole, then in it, and back if need be."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import OutputError, output_error
from .locks import TargetLock

AnyPath = str | os.PathLike[str]


class Output:
    """One file of several: `path` as it was given, `target` its real place; `goes`: it is not written but removed,
    and neither `opened` nor `finish` is called."""

    def __init__(self, path: AnyPath, mode: int | None = None, goes: bool = False):
        self.path, self.shown, self.goes = path, os.fspath(path), goes
        self.target, self._found_mode = real_target(path)
        self._mode = mode
        name = TargetLock.name(self.target)
        # the lock is shared by spellings of one name, which may be two files all the same
        exact = hashlib.sha256(os.fsencode(self.target.name)).hexdigest()[:8]
        self.lock = self.target.with_name(name + ".lock")
        # not made of the target's own name, which may already be as long as the disk allows
        self.temporary = self.target.with_name(f"{name}-{exact}{self.target.suffix[:16]}")
        self._spare = self.target.with_name(f"{name}-{exact}.old")

    @contextmanager
    def told(self) -> Iterator[None]:
        """Refusals are told of the file that was asked for."""
        try:
            yield
        except OutputError as error:
            if str(self.temporary) not in str(error):
                raise
            raise OutputError(str(error).replace(str(self.temporary), self.shown)) from error
        except OSError as error:
            own = (str(self.temporary), str(self.target), str(self.lock), str(self._spare))
            if error.filename is not None and str(error.filename) not in own:
                raise
            raise output_error(self.shown, error) from error

    @contextmanager
    def opened(self, locked: bool) -> Iterator[None]:
        """The temporary file, while the block runs."""
        if not locked:  # then another run may be at it too
            self.temporary = self.temporary.with_stem(f"{self.temporary.stem}-{secrets.token_hex(6)}")
        with self.told():
            with suppress(FileNotFoundError):  # of a run that was killed
                self.temporary.unlink()
            mode = 0o666 if self._mode is None else self._mode
            os.close(os.open(self.temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        try:
            yield
        finally:
            _unlink(self.temporary)

    def finish(self) -> None:
        """All of it is on the disk afterwards. Raises `OutputError`."""
        with self.told():
            with open(self.temporary, "r+b") as file:  # Windows flushes only what is open for writing
                os.fsync(file.fileno())
            if (wanted := self._found_mode if self._mode is None else self._mode) is not None:
                with suppress(OSError):  # a disk that knows no permissions
                    os.chmod(self.temporary, wanted)

    def place(self, keep: bool, undo: ExitStack, after: ExitStack) -> None:
        """Renames it, or takes the older file away. Raises `OutputError`.

        `keep`: so that `undo` can bring the older file again, until `after`.
        """
        with self.told():
            kept = keep and self.target.exists()
            if kept:
                after.callback(_unlink, self._spare)  # also what a full disk leaves of it
                _copy(self.target, self._spare)
            placed = None if self.goes else identity(self.temporary)
            if self.goes:
                self.target.unlink()
            else:
                os.replace(self.temporary, self.target)
            undo.callback(self._take_back, kept, placed)

    def _take_back(self, kept: bool, placed: tuple[int, ...] | None) -> None:
        if identity(self.target) == placed:  # else it is somebody else's by now
            with suppress(OSError):
                os.replace(self._spare, self.target) if kept else self.target.unlink()


def place_all(outputs: Sequence[Output]) -> None:
    """Each in its turn; what cannot be takes those before it back. Raises `OutputError`."""
    with ExitStack() as after, ExitStack() as undo:
        for output in outputs:
            output.place(output is not outputs[-1], undo, after)
        undo.pop_all()


def _copy(source: Path, copy: Path) -> None:
    """The same file under a second name, or where the disk knows no such thing a copy."""
    with suppress(FileNotFoundError):
        copy.unlink()
    try:
        os.link(source, copy)
    except OSError:
        shutil.copy2(source, copy)


def write_new(beside: Path, data: bytes, temporary: Path, names: Iterable[Path]) -> Path:
    """`data` under the first name that is free; another that takes it at the same moment is never replaced."""
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(OSError):
            shutil.copystat(beside, temporary)
        for name in names:
            if not os.path.lexists(name):
                with suppress(FileExistsError):
                    _rename_new(temporary, name)
                    return name
    except OSError as error:
        raise output_error(next(iter(names), beside), error) from error
    finally:
        _unlink(temporary)
    raise OutputError(f"cannot write a copy of {beside}: every name for it is taken")


def _rename_new(temporary: Path, name: Path) -> None:
    """Raises `FileExistsError` where something has the name, which a rename would replace."""
    try:
        os.link(temporary, name)
    except FileExistsError:
        raise
    except OSError:  # a disk without second names
        os.rename(temporary, name)


def remove(path: Path, ours: tuple[int, ...] | None) -> None:
    """Removes the file of the `identity` given, no other that lies there now."""
    if ours and identity(path) == ours:
        _unlink(path)


def _unlink(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def identity(path: Path) -> tuple[int, ...] | None:
    """What tells a file from any other that has its name, and outlives a rename. The number of a file that was removed
    is soon given to a new one."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def real_target(path: AnyPath) -> tuple[Path, int | None]:
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
        read_only = os.name != "nt" and os.statvfs(target).f_flag & os.ST_RDONLY
        raise output_error(path, PermissionError(errno.EROFS if read_only else errno.EACCES, "read-only file"))
    return target, stat.S_IMODE(status.st_mode)
