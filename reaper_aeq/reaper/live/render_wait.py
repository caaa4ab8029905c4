"""A render that is not there when its action returns: REAPER renders in the background."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import soundfile

from .api import TEXT_BYTES, Api, LiveError
from .target import is_null

RENDERING = 0x40000000  # EnumProjects: the project that is being rendered
TICK_S = 0.1
STILL_TICKS = 3  # a file of the same size so often in a row grows no more
LONGEST_S = 600.0


def wait_for(reaper: Api, files: Sequence[Path], may_wait: bool) -> None:
    """Until all files are written, or grow no more. Returns at once where REAPER rendered in the foreground, or wrote
    nothing and is not about to. Raises `LiveError`."""
    if not _is_rendering(reaper) and all(_is_whole(path) for path in files):
        return
    if not _is_rendering(reaper) and not any(path.exists() for path in files):
        return
    if not may_wait:
        raise LiveError(
            "REAPER renders in the background, and a bus or the master can only be heard with the new EQs if it does"
            " not: switch 'Render in background' off in File > Render, then try again"
        )
    waited_s, still, sizes = 0.0, 0, _sizes(files)
    while waited_s < LONGEST_S:
        reaper("PreventUIRefresh", -1)  # it must not stay on while REAPER goes on
        try:
            reaper.let_go(TICK_S)
        finally:
            reaper("PreventUIRefresh", 1)
        waited_s += TICK_S
        rendering = _is_rendering(reaper)
        if not rendering and all(_is_whole(path) for path in files):
            return
        now = _sizes(files)
        still, sizes = still + 1 if now == sizes else 0, now
        if not rendering and still >= STILL_TICKS:
            return  # what is missing is said by whoever reads the files
    raise LiveError("REAPER has been rendering in the background for ten minutes: let it end, then try again")


def _is_rendering(reaper: Api) -> bool:
    return not is_null(reaper("EnumProjects", RENDERING, "", TEXT_BYTES)[0])


def _sizes(files: Sequence[Path]) -> list[int]:
    return [path.stat().st_size if path.exists() else -1 for path in files]


def _is_whole(path: Path) -> bool:
    """Its header names a length: REAPER fills that in when it is done."""
    try:
        return soundfile.info(str(path)).frames > 0
    except (soundfile.LibsndfileError, OSError):
        return False
