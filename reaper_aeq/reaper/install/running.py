"""Is REAPER running? It keeps its action list in memory and writes it over ours when it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

# Windows and Wine: reaper.exe; macOS: REAPER; Linux: reaper, as .reaper-wrapped where a package wraps it
_NAME = re.compile(r"\.?reaper\d*(-wrapped)?(\.exe)?", re.IGNORECASE)


def running_reaper() -> int | None:
    """The process id of a REAPER that this user runs, or None."""
    return next((process.pid for process in reapers()), None)


def reapers() -> Iterator[psutil.Process]:
    """Every REAPER that this user runs."""
    import psutil  # a fifth of the time that any --help takes

    me = psutil.Process().username()
    for process in psutil.process_iter(["pid", "name", "username", "status"]):
        about = process.info
        if not _NAME.fullmatch(about["name"] or "") or about["username"] != me:
            continue
        if about["status"] != psutil.STATUS_ZOMBIE and _is_reaper(process, about["name"]):
            yield process


def _is_reaper(process: psutil.Process, name: str) -> bool:
    """Other programs for Linux are called reaper too (a game launcher's, for one), but none of them has libSwell, the
    library that REAPER's windows are made with."""
    import psutil

    if not psutil.LINUX or name.lower().endswith(".exe"):
        return True
    try:
        return any("libSwell" in mapped.path for mapped in process.memory_maps())
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OSError):
        return True  # it cannot be looked at: better to ask once too often
