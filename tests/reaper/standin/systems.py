"""What differs between Windows, macOS and Linux for a script: paths, programs that start, files that open.

The stand-in runs on one system; the script is told another one. Windows' paths are this system's with backslashes.
Sources (others' measurements in real REAPER) are in README.md.
"""

from __future__ import annotations

import fnmatch
import os
import subprocess

from .errors import StandInError

# Windows programs without a console of their own; whatever else is started there shows one for a moment
WINDOWLESS = ("pythonw.exe", "rundll32.exe", "explorer.exe", "wscript.exe")


def is_windows(reaper) -> bool:
    return reaper.os_name.startswith("Win")


def is_mac(reaper) -> bool:
    return reaper.os_name.startswith(("OSX", "macOS"))


def real(reaper, path: str) -> str:
    """This system's path for the one that the script names."""
    return path.replace("\\", "/") if is_windows(reaper) else path


def shown(reaper, path: str) -> str:
    """A path as REAPER tells it to a script."""
    return path.replace("/", "\\") if is_windows(reaper) else path


def opening(reaper, path: str, mode: str):
    """For io.open: the path to open, or None and the reason that C gives."""
    if "r" not in mode and not path.isascii() and not reaper.writes_unicode:
        return None, f"{path}: No such file or directory", 2
    place = real(reaper, path)
    if "r" in mode and "+" not in mode and _just_renamed(reaper, place):
        return None, f"{path}: Permission denied", 13
    return place, "", 0


def _just_renamed(reaper, place: str) -> bool:
    """On Windows a file just renamed into place may refuse to open for a moment: here each does, the first time."""
    name = os.path.basename(place)
    if not any(fnmatch.fnmatch(name, pattern) for pattern in reaper.slow_to_open) or not os.path.exists(place):
        return False
    status = os.stat(place)
    key = (place, status.st_ino, status.st_mtime_ns)
    fresh = key not in reaper.opened_before
    reaper.opened_before.add(key)
    return fresh


def naming(reaper, path: str):
    """For os.rename and os.remove: as `opening`."""
    return real(reaper, path), "", 0


def renaming(reaper, path: str):
    """The new name: Windows' rename() replaces nothing."""
    place, why, code = naming(reaper, path)
    if place is not None and is_windows(reaper) and os.path.lexists(place):
        return None, f"{path}: File exists", 17
    return place, why, code


def removing(reaper, path: str):
    """C's remove() takes an empty folder, on Windows only files."""
    place, why, code = naming(reaper, path)
    if place is not None and is_windows(reaper) and os.path.isdir(place):
        return None, f"{path}: Permission denied", 13
    return place, why, code


def execute(reaper, command=None):
    """os.execute: /bin/sh -c; on Windows cmd.exe, which shows a console."""
    if command is None:
        return (True,)
    if is_windows(reaper):
        raise StandInError("console", f"os.execute shows a console window on Windows: {command}")
    reaper.started.append(command)
    # only a program that is sent to the background outlives this call, as with C's system()
    done = subprocess.run(["/bin/sh", "-c", command], env=reaper.env, stdin=subprocess.DEVNULL)
    return done.returncode == 0 or None, "exit", done.returncode


def popen(reaper, command, mode="r"):
    raise StandInError("console" if is_windows(reaper) else "not modeled", f"io.popen blocks REAPER: {command}")
