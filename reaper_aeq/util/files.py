"""Writing files whole or not at all, one or several together. Standard library only: every writer goes through here."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import OutputError
from ..errors import output_error as output_error  # most who need it write files
from .interrupts import interrupts_wait
from .locks import MARK, TargetLock

SMALL_WAIT_S = 5.0  # for another who writes the same small file; that takes a moment
_OURS = re.compile(re.escape(MARK) + r"[0-9a-f]{12}(?=$|[.-])")  # and what only one run is at shares these digits

AnyPath = str | os.PathLike[str]


class Writing:
    """Files that are written together. Each is written under a temporary name in its own folder."""

    def __init__(self, outputs: Sequence[_Output]):
        self._outputs = outputs
        self._undo = ExitStack()

    @contextmanager
    def to(self, path: AnyPath) -> Iterator[Path]:
        """Gives the temporary path under which `path` is to be written. It has the suffix of `path`, by which libraries
        choose a format. Trouble with it is told as trouble with `path`: raises `OutputError`."""
        output = next(output for output in self._outputs if output.path == path)
        with output.told():
            yield output.temporary

    def otherwise(self, step: Callable[[], object]) -> None:
        """`step` is taken if the files do not come to their places."""
        self._undo.callback(step)

    def keep(self, path: Path, data: bytes, names: Iterable[Path]) -> Path:
        """Writes `data`, what `path` holds now, under the first of `names` that nothing has; gives that name.

        It is removed again if the files do not come to their places. Raises `OutputError`.
        """
        output = next(output for output in self._outputs if output.path == path)
        kept = _write_new(path, data, output.temporary.with_suffix(".kept"), list(names))
        ours = _identity(kept)
        self._undo.callback(_remove, kept, ours)
        return kept


@contextmanager
def write_all(paths: Sequence[AnyPath], mode: int | None = None, gone: Iterable[AnyPath] = ()) -> Iterator[Writing]:
    """All of `paths` appear and all of `gone` go when the block ends without an error, or all is as it was before.

    Each is locked against other runs, its place is tried and its temporary file made before the block begins. At its
    end every file is flushed to the disk, and only then the first is renamed; if one cannot be, those before it are
    taken back: a file that was there is there again, and only what this very call put in place is ever removed. The
    last of `paths` is the last to take its place. A link keeps being a link: the file it points to is replaced. An
    existing file keeps its permissions, unless `mode` gives them (0o600 for a secret: then nobody else can read even
    the temporary file). What runs that were killed left in the folders is removed first.

    Raises `OutputError` where the operating system refuses, a path is named twice, or another run is writing it.
    """
    for folder in {os.path.dirname(os.path.realpath(path)) for path in paths if "\0" not in os.fspath(path)}:
        sweep(folder)
    outputs = [*(_Gone(path) for path in gone if os.path.exists(path)), *(_Output(path, mode) for path in paths)]
    with _writing(outputs, 0.0) as writing:
        yield writing


@contextmanager
def _writing(outputs: Sequence[_Output], wait_s: float) -> Iterator[Writing]:
    """`write_all`, which waits up to `wait_s` for another run that writes one of them."""
    _refuse_twice(outputs)
    stack = ExitStack()
    try:
        with interrupts_wait():  # or what was just made would not be known to be taken away again
            known = True
            for lock in sorted({output.lock for output in outputs}):
                output = next(output for output in outputs if output.lock == lock)
                with output.told():
                    held = TargetLock.take(lock, wait_s)
                if held is None:
                    raise OutputError(
                        f"cannot write {output.shown}: another run is writing it just now: wait for that, or choose"
                        " another name"
                    )
                stack.callback(held.release)
                known = known and held.known
            for output in outputs:
                stack.enter_context(output.opened(known))
        writing = Writing(outputs)
        with writing._undo as undo:
            yield writing
            for output in outputs:
                output.finish()
            with interrupts_wait():
                _place(outputs)
                undo.pop_all()
    finally:
        with interrupts_wait():
            stack.close()


@contextmanager
def atomic_write(path: AnyPath, mode: int | None = None) -> Iterator[Path]:
    """Gives a temporary path to write to; what lies there becomes `path` only if the block ends without an error.

    `write_all` for one file, which waits a little for another who writes the same. An `OSError` about some other file
    (one that the block reads) passes through as it is.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(Path(folder, "eq.json")) as temporary:
    ...         _ = temporary.write_text("{}")
    ...     os.listdir(folder)
    ['eq.json']
    """
    with _writing([_Output(path, mode)], SMALL_WAIT_S) as writing, writing.to(path) as temporary:
        yield temporary


def write_bytes_atomic(path: AnyPath, data: bytes) -> None:
    """Writes `data` as the file `path`, whole or not at all; raises `OutputError`."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def write_text_atomic(path: AnyPath, text: str) -> None:
    """Writes `text` as UTF-8, its line ends untouched, whole or not at all; raises `OutputError`."""
    write_bytes_atomic(path, text.encode("utf-8"))


def check_target(path: str | os.PathLike[str]) -> None:
    """Raises `OutputError` for a place where `atomic_write` is certain to fail, before there is anything to write."""
    target, found = _target(path)
    if found is None and not os.access(target.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise output_error(path, PermissionError(errno.EACCES, "not ours"))


def same_file(one: AnyPath, other: AnyPath) -> bool:
    """Whether two paths lead to one file: by another spelling, through links, or on a disk that knows no case."""
    with suppress(ValueError):  # a name that no file can have
        try:
            return os.path.samefile(one, other)
        except OSError:
            return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))
    return False


def refuse_replacing(
    outputs: Iterable[AnyPath], inputs: Iterable[AnyPath], way_out: str = "choose another name"
) -> None:
    """Raises `OutputError` if one of `outputs` is one of `inputs`, which would be lost."""
    read = list(inputs)
    for output in outputs:
        for path in read:
            if same_file(output, path):
                also = "" if os.fspath(output) == os.fspath(path) else f" ({os.fspath(path)})"
                raise OutputError(
                    f"cannot write {os.fspath(output)}: it is one of the files that are read{also}: {way_out}"
                )


def sweep(folder: AnyPath) -> None:
    """Removes from `folder` what runs that were killed had not finished; what a living one is at stays."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for group in {match[0] for match in map(_OURS.match, names) if match}:
        try:
            held = TargetLock.take(Path(folder, group + ".lock"))
        except OSError:
            continue
        if held is None or not held.known:
            continue  # its owner lives, or nobody can tell
        try:
            # listed anew, for until a moment ago it may have been another's
            for name in os.listdir(folder):
                if (match := _OURS.match(name)) and match[0] == group and not name.endswith(".lock"):
                    with suppress(OSError):
                        os.unlink(Path(folder, name))
        finally:
            held.release()


class _Output:
    """One file of several: `path` as it was given, `target` its real place."""

    def __init__(self, path: AnyPath, mode: int | None = None):
        self.path, self.shown = path, os.fspath(path)
        self.target, self._found_mode = _target(path)
        self._mode = mode
        name = TargetLock.name(self.target)
        # the lock is shared by spellings of one name, which may be two files all the same
        exact = hashlib.sha256(os.fsencode(self.target.name)).hexdigest()[:8]
        self.lock = self.target.with_name(name + ".lock")
        # not made of the target's own name, which may already be as long as the disk allows
        self.temporary = self.target.with_name(f"{name}-{exact}{self.target.suffix[:16]}")
        self._spare = self.target.with_name(f"{name}-{exact}.old")
        self._placed: tuple[int, ...] | None = None
        self._has_spare = False

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
            with suppress(OSError):
                self.temporary.unlink()

    def finish(self) -> None:
        """All of it is on the disk afterwards. Raises `OutputError`."""
        with self.told():
            _flush(self.temporary)
            if (wanted := self._found_mode if self._mode is None else self._mode) is not None:
                with suppress(OSError):  # a disk that knows no permissions
                    os.chmod(self.temporary, wanted)

    def place(self, keep: bool) -> None:
        """Renames it. `keep`: so that `take_back` can bring the older file again. Raises `OutputError`."""
        with self.told():
            if keep and self.target.exists():
                _copy(self.target, self._spare)
                self._has_spare = True
            ours = _identity(self.temporary)
            os.replace(self.temporary, self.target)
            self._placed = ours

    def take_back(self) -> None:
        if self._placed and _identity(self.target) == self._placed:  # else it is somebody else's by now
            with suppress(OSError):
                os.replace(self._spare, self.target) if self._has_spare else self.target.unlink()

    def forget(self) -> None:
        if self._has_spare:
            with suppress(OSError):
                self._spare.unlink()


class _Gone(_Output):
    """A file that goes together with what others become."""

    @contextmanager
    def opened(self, locked: bool) -> Iterator[None]:
        yield

    def finish(self) -> None:
        """There is nothing to flush."""

    def place(self, keep: bool) -> None:
        with self.told():
            _copy(self.target, self._spare)
            self._has_spare = True
            self.target.unlink()

    def take_back(self) -> None:
        if self._has_spare and not os.path.lexists(self.target):
            with suppress(OSError):
                os.replace(self._spare, self.target)


def _place(outputs: Sequence[_Output]) -> None:
    try:
        for output in outputs:
            output.place(keep=output is not outputs[-1])
    except BaseException:
        for output in reversed(outputs):
            output.take_back()
        raise
    finally:
        for output in outputs:
            output.forget()


def _refuse_twice(outputs: Sequence[_Output]) -> None:
    for n, output in enumerate(outputs):
        for other in outputs[:n]:
            if same_file(output.target, other.target):
                raise OutputError(f"cannot write {output.shown} twice: give each result a name of its own")


def _copy(source: Path, copy: Path) -> None:
    """The same file under a second name, or where the disk knows no such thing a copy."""
    with suppress(FileNotFoundError):
        copy.unlink()
    try:
        os.link(source, copy)
    except OSError:
        shutil.copy2(source, copy)


def _write_new(beside: Path, data: bytes, temporary: Path, names: Iterable[Path]) -> Path:
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
        with suppress(OSError):
            temporary.unlink()
    raise OutputError(f"cannot write a copy of {beside}: every name for it is taken")


def _rename_new(temporary: Path, name: Path) -> None:
    """Raises `FileExistsError` where something has the name, which a rename would replace."""
    try:
        os.link(temporary, name)
    except FileExistsError:
        raise
    except OSError:  # a disk without second names
        os.rename(temporary, name)


def _remove(path: Path, ours: tuple[int, ...] | None) -> None:
    if ours and _identity(path) == ours:
        with suppress(OSError):
            path.unlink()


def _identity(path: Path) -> tuple[int, ...] | None:
    """What tells a file from any other that has its name, and outlives a rename. The number of a file that was removed
    is soon given to a new one."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _target(path: AnyPath) -> tuple[Path, int | None]:
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


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)  # Windows flushes only what is open for writing
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
