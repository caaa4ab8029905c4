"""Where files lie: the shipped ones (beside the package in a checkout, inside it in a wheel), and those of one user of
this machine, as each system has it.

By hand: platformdirs knows the system it runs on, and this is asked, and tested, for all three on each.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

PACKAGE = Path(__file__).resolve().parent.parent


def installed() -> bool:
    """Whether this is an installed wheel, and not a clone of the repository."""
    return (PACKAGE / "shipped").is_dir()


def shipped(name: str) -> Path:
    """Folder `models` or `reascripts`, wherever this installation keeps it."""
    inside = PACKAGE / "shipped" / name
    return inside if inside.is_dir() else PACKAGE.parent / name


def user_folder(system: str, environ: Mapping[str, str], windows: tuple[str, str], posix: tuple[str, str]) -> Path:
    """Our own folder, which need not exist.

    Args:
        system: as `sys.platform` says it.
        windows, posix: the variable that names the place, and where that is below the home folder by default. Source:
            Windows' known folders, the XDG Base Directory Specification. macOS has one place for all.
    """
    home = Path(environ.get("HOME") or environ.get("USERPROFILE") or Path.home())
    if system == "win32":
        variable, default = windows
        folder = Path(environ.get(variable) or home / "AppData" / default)
    elif system == "darwin":
        folder = home / "Library" / "Application Support"
    else:
        variable, default = posix
        # the standard says that a relative path there counts for nothing
        given = environ.get(variable, "")
        folder = Path(given) if PurePosixPath(given).is_absolute() else home / default
    return folder / "reaper-aeq"
