"""Whether REAPER has a project open just now, as far as that can be known.

REAPER leaves no lock file beside an open project and closes the .rpp once it is read. What can be seen from outside is
a REAPER process of this user that was started with the file, or that holds the file or the project's media open, which
it does as long as their items are online. A project without media, opened from REAPER's own menu, cannot be seen.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import psutil

from ..errors import AeqError
from ..reaper.install.running import reapers
from ..reaper.rpp.project import Project


class OpenProjectError(AeqError):
    """Work on the file would be lost, or lose what is unsaved."""


def refuse_open(song: Path, project: Project) -> None:
    """Raises `OpenProjectError` if a running REAPER seems to have the project open."""
    media = {take.source.path for t in project.tracks for item in t.items for take in item.takes if take.source}
    wanted = {os.path.realpath(path) for path in media if path}
    for process in reapers():
        if sign := _sign(process, os.path.realpath(song), wanted):
            raise OpenProjectError(
                f"{song} seems to be open in REAPER (process {process.pid} {sign}): close it there, or say --force"
            )


def _sign(process: psutil.Process, song: str, media: Iterable[str]) -> str | None:
    """What betrays the project, as the end of a sentence."""
    try:
        folder = process.cwd()
        if any(os.path.realpath(os.path.join(folder, argument)) == song for argument in process.cmdline()[1:]):
            return "was started with it"
        held = {os.path.realpath(file.path) for file in process.open_files()}
    except (psutil.Error, OSError):
        return None  # gone meanwhile, or somebody else's
    if song in held:
        return "holds the file"
    playing = sorted(held.intersection(media))
    return f"holds its media, such as {os.path.basename(playing[0])}" if playing else None
