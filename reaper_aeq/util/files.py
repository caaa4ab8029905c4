"""Writing files whole or not at all, one or several together. Standard library only: every writer goes through here."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import OutputError
from ..errors import output_error as output_error  # most who need it write files
from .interrupts import interrupts_wait
from .locks import MARK, TargetLock
from .output import AnyPath, Output, identity, place_all, real_target, remove, write_new

SMALL_WAIT_S = 5.0  # for another who writes the same small file; that takes a moment
_OURS = re.compile(re.escape(MARK) + r"[0-9a-f]{12}(?=$|[.-])")  # and what only one run is at shares these digits


class Writing:
    """Files that are written together. Each is written under a temporary name in its own folder."""

    def __init__(self, outputs: Sequence[Output]):
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
        kept = write_new(path, data, output.temporary.with_suffix(".kept"), list(names))
        ours = identity(kept)
        self._undo.callback(remove, kept, ours)
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
    going = [Output(path, goes=True) for path in gone if os.path.exists(path)]
    with _writing([*going, *(Output(path, mode) for path in paths)], 0.0) as writing:
        yield writing


@contextmanager
def _writing(outputs: Sequence[Output], wait_s: float) -> Iterator[Writing]:
    """`write_all`, which waits up to `wait_s` for another run that writes one of them."""
    _refuse_twice(outputs)
    stack = ExitStack()
    try:
        with interrupts_wait():  # or what was just made would not be known to be taken away again
            known = True
            for lock, output in sorted({output.lock: output for output in reversed(outputs)}.items()):
                with output.told():
                    held = TargetLock.take(lock, wait_s)
                if held is None:
                    raise OutputError(
                        f"cannot write {output.shown}: another run is writing it just now: wait for that, or choose"
                        " another name"
                    )
                stack.callback(held.release)
                known = known and held.known
            written = [output for output in outputs if not output.goes]
            for output in written:
                stack.enter_context(output.opened(known))
        writing = Writing(written)
        with writing._undo as undo:
            yield writing
            for output in written:
                output.finish()
            with interrupts_wait():
                place_all(outputs)
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
    with _writing([Output(path, mode)], SMALL_WAIT_S) as writing, writing.to(path) as temporary:
        yield temporary


def write_bytes_atomic(path: AnyPath, data: bytes) -> None:
    """Writes `data` as the file `path`, whole or not at all; raises `OutputError`."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def write_text_atomic(path: AnyPath, text: str) -> None:
    """Writes `text` as UTF-8, its line ends untouched, whole or not at all; raises `OutputError`."""
    write_bytes_atomic(path, text.encode("utf-8"))


def make_folder(path: Path, mode: int = 0o777) -> None:
    """Makes a folder, and those that it lies in, where there is none; raises `OutputError`."""
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(path, error) from None


def apply_changes(changes: Mapping[Path, bytes | None]) -> None:
    """Writes each file, or removes it where there is None; folders that are missing are made.

    As `write_all` does it, with the folders too: `OutputError`, which it raises, and an interrupt leave every
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


def check_target(path: str | os.PathLike[str]) -> None:
    """Raises `OutputError` for a place where `atomic_write` is certain to fail, before there is anything to write."""
    target, found = real_target(path)
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


def _refuse_twice(outputs: Sequence[Output]) -> None:
    for n, output in enumerate(outputs):
        for other in outputs[:n]:
            if same_file(output.target, other.target):
                raise OutputError(f"cannot write {output.shown} twice: give each result a name of its own")
