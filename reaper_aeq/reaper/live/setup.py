"""Enabling reapy's distant API in a REAPER that is not running: by reapy's own configuration."""

from __future__ import annotations

from pathlib import Path

from ...changes import apply
from ...errors import InstallError
from . import WEB_PORT
from .reach import import_reapy

# what reapy changes: Python and the web interface; the action that starts its server; the name of that action
FILES = ("reaper.ini", "reaper-kb.ini", "reaper-extstate.ini")


def enable(resource: Path, port: int = WEB_PORT) -> None:
    """Lets reapy configure the REAPER of this resource folder, with a web interface on `port`.

    It keeps a copy of each file beside it. Raises `InstallError`, and then the files are as they were.
    """
    before = {resource / name: _bytes(resource / name) for name in FILES}
    reapy = import_reapy()
    try:
        reapy.configure_reaper(str(resource))
        if port != WEB_PORT:
            reapy.config.add_web_interface(str(resource), port)
    except Exception as error:  # its own kinds, configparser's, the disk's: reapy leaves all of them to its caller
        apply({path: data for path, data in before.items() if _bytes(path) != data})
        raise InstallError(f"reapy could not configure REAPER in {resource}: {error}") from error


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
