"""Where REAPER keeps its settings and scripts: its resource folder. Standard library only."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ...errors import InstallError

# REAPER writes it at its first start, wherever its resource folder is; a portable one is known by it
MARK = "reaper.ini"
_HINT = "in REAPER, Options > Show REAPER resource path opens it"


def candidates(system: str = sys.platform, environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Where it may be, the usual place first. Portable installations have theirs anywhere.

    >>> [path.as_posix() for path in candidates("darwin", {"HOME": "/Users/ann"})]
    ['/Users/ann/Library/Application Support/REAPER']
    """
    home = Path(environ.get("HOME") or environ.get("USERPROFILE") or Path.home())
    if system == "win32":
        return [Path(environ.get("APPDATA") or home / "AppData" / "Roaming") / "REAPER"]
    if system == "darwin":
        return [home / "Library" / "Application Support" / "REAPER"]
    places = [home / ".config" / "REAPER", home / ".var/app/fm.reaper.Reaper/config/REAPER"]  # the second is Flatpak's
    if (given := environ.get("XDG_CONFIG_HOME", "")).startswith("/"):
        places.append(Path(given) / "REAPER")
    return list(dict.fromkeys(places))


def resource_path(
    given: Path | None = None, system: str = sys.platform, environ: Mapping[str, str] = os.environ
) -> Path:
    """REAPER's resource folder, absolute: the one that is given, or the only one found. Raises `InstallError`."""
    if given is not None:
        path = given.expanduser().absolute()
        if not os.path.isdir(path):
            raise InstallError(f"there is no folder {path}: check --resource-path ({_HINT})")
        if not _is_reapers(path):
            raise InstallError(f"{path} is not REAPER's resource folder, for no {MARK} can be seen in it: {_HINT}")
        return path
    places = candidates(system, environ)
    found = [path for path in places if _is_reapers(path)]
    if len({os.path.realpath(path) for path in found}) > 1:
        raise InstallError(f"there is more than one REAPER: choose with --resource-path one of {_listed(found)}")
    if not found:
        raise InstallError(
            f"REAPER's resource folder was not found at {_listed(places)}: start REAPER once, or give it with"
            f" --resource-path ({_HINT})"
        )
    return found[0].absolute()


def _is_reapers(path: Path) -> bool:
    return os.path.isfile(path / MARK)  # unlike Path.is_file it takes "you may not look" for no


def _listed(paths: list[Path]) -> str:
    return " or ".join(map(str, paths))
