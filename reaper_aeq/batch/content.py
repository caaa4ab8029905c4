"""Whether a task's files are those of last time: by size and time where that is certain, else by what they hold.

Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable, Mapping

# Size, time of the last change (ns; 0 where it proves nothing) and SHA-256; None for a file that cannot be read.
Stamp = tuple[int, int, str] | None
# A file changed this recently may change again without its time changing: disks count in steps of up to two seconds.
SETTLED_S = 2.0

_hashed: dict[tuple[str, int, int], str] = {}  # of this process: projects share media


def stamp(path: str) -> Stamp:
    """Reads the whole file, once for each of its states that this process meets."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return None
        state = path, status.st_size, status.st_mtime_ns
        settled = status.st_mtime_ns < 1e9 * (time.time() - SETTLED_S)
        if not settled or state not in _hashed:
            with open(path, "rb") as file:
                _hashed[state] = hashlib.file_digest(file, "sha256").hexdigest()
        return status.st_size, status.st_mtime_ns if settled else 0, _hashed[state]
    except (OSError, ValueError):
        return None


def stamps(paths: Iterable[str]) -> dict[str, Stamp]:
    return {path: stamp(path) for path in dict.fromkeys(paths)}


def same(stamps: Mapping[str, Stamp]) -> bool:
    """Whether no file was touched since; False also where only reading it would tell."""
    return all(_untouched(path, before) for path, before in stamps.items())


def _untouched(path: str, before: Stamp) -> bool:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return before is None
    return before is not None and (status.st_size, status.st_mtime_ns) == tuple(before[:2])


def content_key(recipe: str, stamps: Mapping[str, Stamp]) -> str:
    """One hash of what is asked and of all that the answer follows from; times are not in it."""
    contents = {path: before and [before[0], before[2]] for path, before in stamps.items()}
    return hashlib.sha256(json.dumps([recipe, contents], sort_keys=True).encode()).hexdigest()
