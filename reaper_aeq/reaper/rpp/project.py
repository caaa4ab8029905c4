"""REAPER project files: reading what is on the tracks, and editing EQs so that nothing else changes by a byte.

The format: docs/reaper.md, section 6. Standard library only.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath

from ...errors import ProjectError
from ..chunks import Chunk, Line, check_size, parse, quote_token
from .items import media_path
from .tracks import Master, Track, nest

_PROJECT, _TRACK = "REAPER_PROJECT", "TRACK"
_BEGINNING = re.compile(rb"(\xef\xbb\xbf)?\s*<(REAPER_PROJECT|TRACK|FXCHAIN)(?=\s)")
# After the slash of the version: "7.66/linux-x86_64", "6.11/x64" (Windows), "4.602/OSX", "6.56/macOS-arm64".
_PLATFORMS = {"linux": "linux", "osx": "macos", "macos": "macos", "win": "windows", "x64": "windows"}
_PLUGIN_FILES = {"so": "linux", "dylib": "macos", "dll": "windows"}


class Project:
    """A project, or a track template, whose tracks have no project (and no master) around them.

    >>> project = Project.from_bytes(b'<REAPER_PROJECT 0.1 "7.66/linux-x86_64" 0\\n  <TRACK\\n    NAME Bass\\n  >\\n>')
    >>> from reaper_aeq import Band, Eq
    >>> track = project.tracks[0]
    >>> track.set_eq(Eq((Band("low_shelf", 120.0, 2.5),)), "AEQ: warm 70%")
    True
    >>> [(eq.name, eq.eq.bands[0].gain_db) for eq in track.eqs()]
    [('AEQ: warm 70%', 2.5)]
    """

    def __init__(self, root: Chunk, path: Path | None = None):
        self.path = path
        self._root = root
        self._folder = path.resolve().parent if path else None
        body = root.find(_PROJECT)
        self.version = (body.tokens[2:] or [""])[0] if body else ""
        self.platform = _platform_of_version(self.version) or _platform_of_plugins(root)
        inside = body or root
        self.sample_rate = round(inside.positive("SAMPLERATE", 44100))  # Hz; REAPER's own default where it is missing
        self.tracks = [
            Track(chunk, index, self._folder, self.platform, path)
            for index, chunk in enumerate(inside.find_all(_TRACK))
        ]
        nest(self.tracks)
        self.master = Master(body, self.platform, path) if body else None

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Project:
        """Raises `ProjectError` for a file that cannot be read, or is no project, or a broken one."""
        try:
            return cls.from_bytes(read_file(path), path)
        except ProjectError as error:
            raise error.in_file(os.fspath(path)) from None

    @classmethod
    def from_bytes(cls, data: bytes, path: str | os.PathLike[str] | None = None) -> Project:
        """The project in `data`; media are looked for beside `path`, which need not exist."""
        if not data:
            raise ProjectError("it is an empty file")
        if not _BEGINNING.match(data):
            # Asked before anything else: of other files it would be told which of their "chunks" is not closed.
            raise ProjectError(f"it is not a REAPER project: it begins with {Line(data[:40]).text!r}", 1)
        return cls(parse(data), Path(path) if path is not None else None)

    def to_bytes(self) -> bytes:
        """The file again; byte for byte what was read, where nothing was changed."""
        return self._root.to_bytes()

    def to_bytes_in(self, folder: str | os.PathLike[str]) -> bytes:
        """What to write for a copy in another folder: relative names of media lead there from it."""
        if self._folder and self._folder != Path(folder).resolve():
            _refer_from(self._root, self._folder, Path(folder))
        return self.to_bytes()


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a REAPER file; raises `ProjectError` with the reason, without the path."""
    try:
        status = os.stat(path)
        # A pipe or a device would hang or never end.
        if not stat.S_ISREG(status.st_mode):
            raise ProjectError("it is not a file")
        check_size(status.st_size)
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise ProjectError("there is no such file") from None
    except (OSError, ValueError) as error:
        raise ProjectError(f"it cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _platform_of_version(version: str) -> str | None:
    suffix = version.partition("/")[2].lower()
    return next((name for start, name in _PLATFORMS.items() if suffix.startswith(start)), None)


def _platform_of_plugins(root: Chunk) -> str | None:
    """Templates have no version, and old versions no platform, but plug-ins have the file names of theirs."""
    for chunk in root.walk():
        if chunk.name == "VST" and (match := re.search(r"\.(dll|dylib|so)$", (chunk.tokens[2:] or [""])[0])):
            return _PLUGIN_FILES[match[1]]
    return None


def _refer_from(root: Chunk, old: Path, new: Path) -> None:
    """Rewrites the relative names of media below `root`, which hold from the folder `old`, so that they do from `new`.

    Relative names start from the project's folder (docs/reaper.md, section 6), so a copy in another folder would lose
    its media. They stay relative: the workstation may know the disk by another name than the machine that wrote the
    copy. Absolute names, those inside plug-ins, and everything else on the lines stay as they are.
    """
    for chunk in root.walk():
        if chunk.name == "SOURCE" and (line := chunk.line("FILE")):
            _rewrite(line, old, new)


def _rewrite(line: Line, old: Path, new: Path) -> None:
    name, *values = line.tokens
    file, more = (values or [""])[0], values[1:]
    if not file or PureWindowsPath(file).is_absolute() or PurePosixPath(file).is_absolute():
        return
    try:
        found = os.path.relpath(media_path(file, old), os.path.realpath(new))
    except ValueError:  # another drive of Windows
        found = os.path.abspath(media_path(file, old))
    found = found.replace(os.sep, "\\" if "\\" in file and "/" not in file else "/")
    text = " ".join([name, quote_token(found), *more])
    line.raw = line.indent + _encoded(text, line.raw) + line.line_end


def _encoded(text: str, raw: bytes) -> bytes:
    """As the line was: old files are not in UTF-8."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return text.encode("latin-1", "replace")
    return text.encode("utf-8", "surrogateescape")
