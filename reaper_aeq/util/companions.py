"""What operating systems keep beside the files of people, and the files of people. Standard library only."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

# What macOS, Windows and network disks put beside the files of people: companions, trash, thumbnails. In lower case.
COMPANIONS = frozenset((
    "__macosx", "$recycle.bin", "recycler", "recycled", "system volume information", "lost+found", "@eadir", "#recycle",
    "#snapshot", "@recycle", "@recently-snapshot", "network trash folder", "temporary items", "thevolumesettingsfolder",
))  # fmt: skip
HIDDEN_ON_WINDOWS, HIDDEN_ON_MACOS = 2, 0x8000  # a bit of st_file_attributes, and one of st_flags


def is_companion(path: str) -> bool:
    """Whether a file or folder is hidden, or one that an operating system keeps beside those of people.

    >>> [is_companion(name) for name in ("._song.rpp", "__MACOSX", "~$take.wav", "song.rpp")]
    [True, True, True, False]
    """
    name = os.path.basename(path)
    if name.startswith((".", "~$")) or name.lower() in COMPANIONS:
        return True
    try:
        status = os.lstat(path)
    except OSError:
        return False
    hidden = getattr(status, "st_file_attributes", 0) & HIDDEN_ON_WINDOWS
    return bool(hidden or getattr(status, "st_flags", 0) & HIDDEN_ON_MACOS)


def files_below(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """The files of people in a folder, at any depth, whose suffix in lower case is one of `suffixes`; sorted."""
    found = []
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_companion(os.path.join(here, name))]
        paths = [Path(here, name) for name in names if os.path.splitext(name)[1].lower() in suffixes]
        found += [path for path in paths if not is_companion(str(path))]
    return sorted(found)
