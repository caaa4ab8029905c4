"""What a batch is to work on: files, folders, patterns and lists of them become tasks. Standard library only."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import AeqError
from ..util.companions import is_companion

PROJECT, SOUND = "project", "sound"
SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".opus", ".w64", ".rf64", ".caf")
SHOWN_BYTES = 60  # of a file's name in the name of its folder
MAX_LIST_BYTES = 2**26


@dataclass(frozen=True)
class Task:
    """One project or recording. `id` names its folder in the batch's and follows from the path alone, so that it stays
    when other inputs come or go; two songs of one name have two."""

    path: str
    kind: str
    id: str
    size: int = 0

    @classmethod
    def of(cls, path: str, kind: str) -> Task:
        """`path` is absolute."""
        digest = hashlib.sha256(os.path.normcase(path).encode("utf-8", "surrogateescape")).hexdigest()
        try:
            size = os.stat(path).st_size
        except OSError:
            size = 0  # what is wrong with it is said when its turn comes
        return cls(path, kind, f"{portable_stem(path, SHOWN_BYTES)}-{digest[:12]}", size)


def find_tasks(named: Sequence[str], listed: str | None, out: Path, sounds: bool) -> tuple[list[Task], int]:
    """The tasks that the user named, in order without repetition; and how many recordings were left out because they
    lie in projects' folders and nobody named them.

    A folder gives its projects at any depth, and with `sounds` its recordings too, but for those in or below a folder
    that holds a project: those are its media. Results of `reaper-aeq project` (`.aeq.rpp`), what lies in `out`, what is
    hidden and what belongs to the operating system (see `is_companion`) are no inputs of a folder or a pattern. What is
    named itself is always taken.

    Args:
        named: files, folders and patterns, which not every shell expands.
        listed: a file with one of them a line, relative to its folder; '-' is the standard input.
        sounds: whether recordings can be treated, that is, whether a word was given.

    Raises `AeqError` for an input that is not there, or where nothing is found.
    """
    walk = _Walk(os.path.realpath(out), sounds)
    tasks: dict[str, Task] = {}
    for where, text in [*(("", text) for text in named), *(_listed(listed) if listed else [])]:
        for path in _expanded(text, where):
            if os.path.isdir(path):
                found = list(walk.tasks(path))
            else:
                found = [Task.of(path, PROJECT if path.lower().endswith(".rpp") else SOUND)]
                if found[0].kind == SOUND and not sounds:
                    raise AeqError(f"{where}{text} is not a project: say with --word what recordings should get")
            tasks.update((task.id, task) for task in found)
    if not tasks:
        what = "no project and no recording was found" if sounds else "no project was found"
        more = "" if sounds else "; to treat recordings, say with --word what they should get"
        if walk.passed_results:
            more = f": {out} is where the results go, and left out; choose another folder for them with --out"
        raise AeqError(what + more)
    return list(tasks.values()), len(walk.media - tasks.keys())


class _Walk:
    """Folders to their files; each folder once, so that links in circles end."""

    def __init__(self, out: str, sounds: bool):
        self.out, self.sounds = out, sounds
        self.media: set[str] = set()  # ids of recordings left out
        self.passed_results = False  # whether the folder of results was met
        self._seen: set[tuple[int, int]] = set()

    def tasks(self, folder: str) -> Iterator[Task]:
        with_projects: set[str] = set()
        for here, folders, files in os.walk(folder, followlinks=True):
            status = os.stat(here)
            results = os.path.realpath(here) == self.out
            self.passed_results |= results
            if ((status.st_dev, status.st_ino) in self._seen and status.st_ino) or results:
                folders.clear()
                continue
            self._seen.add((status.st_dev, status.st_ino))
            folders[:] = sorted(name for name in folders if not is_companion(os.path.join(here, name)))
            files = sorted(name for name in files if not is_companion(os.path.join(here, name)))
            projects = [name for name in files if name.lower().endswith(".rpp")]
            if projects or os.path.dirname(here) in with_projects:
                with_projects.add(here)
            for name in projects:
                if not name.lower().endswith(".aeq.rpp"):
                    yield Task.of(os.path.join(here, name), PROJECT)
            if self.sounds:
                names = [name for name in files if name.lower().endswith(SOUND_SUFFIXES)]
                recordings = [Task.of(os.path.join(here, name), SOUND) for name in names]
                if here in with_projects:
                    self.media.update(task.id for task in recordings)
                else:
                    yield from recordings


def _expanded(text: str, where: str) -> list[str]:
    """Absolute paths. A file whose own name looks like a pattern is that file."""
    if not text:
        raise AeqError(f"{where}an input is empty: name a file or a folder")
    path = os.path.abspath(os.path.expanduser(text))
    if os.path.lexists(path):
        return [path]
    found = [match for match in sorted(glob.glob(path, recursive=True)) if not _through_companions(match, path)]
    if not found:
        reason = "nothing has a name like that" if glob.has_magic(text) else "there is no such file or folder"
        raise AeqError(f"{where}{text}: {reason}")
    return found


def _through_companions(match: str, pattern: str) -> bool:
    """Whether a pattern matched a companion, or what lies in one that the pattern does not name."""
    named = set(pattern.split(os.sep))
    parts = (part for part in (Path(match), *Path(match).parents) if part.name and part.name not in named)
    return any(is_companion(str(part)) for part in parts)


def _read(file: str) -> bytes:
    with open(file, "rb") as opened:  # a pipe too: a shell's <(find ...) is one
        data = opened.read(MAX_LIST_BYTES + 1)
    if len(data) > MAX_LIST_BYTES:
        raise OSError(errno.EFBIG, f"it is larger than {MAX_LIST_BYTES >> 20} MB")
    return data


def _listed(file: str) -> Iterable[tuple[str, str]]:
    """(place in the list, path) of each line that is neither empty nor a remark."""
    try:
        data = sys.stdin.buffer.read() if file == "-" else _read(file)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise AeqError(f"the list {file} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise AeqError(f"the list {file} is not text in UTF-8") from None
    folder = "" if file == "-" else os.path.dirname(file)
    for number, line in enumerate(text.splitlines(), 1):
        if (line := line.strip()) and not line.startswith("#"):
            yield f"{file}: line {number}: ", os.path.join(folder, os.path.expanduser(line))


def shown(text: str) -> str:
    """A text that may hold the name of a file which is not in UTF-8, as it can be written down.

    >>> shown("caf\\udce9.rpp")
    'caf?.rpp'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def portable_stem(path: str, most_bytes: int) -> str:
    """The name of a file without its suffix, as any disk can keep it.

    >>> portable_stem("songs/who? me: 2.rpp", 60)
    'who_ me_ 2'
    """
    name = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", os.path.splitext(os.path.basename(path))[0])
    cut = shown(name).replace("?", "_").encode()[:most_bytes].decode("utf-8", "ignore")
    return cut.strip(". ") or "_"
