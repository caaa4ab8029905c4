"""The media that a project names, seen from another folder: for a copy of the project that is written elsewhere.

Relative names start from the project's folder (docs/reaper.md, section 6), so a copy in another folder would lose its
media. They stay relative: the workstation may know the disk by another name than the machine that wrote the copy.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..chunks import Chunk, Line, quote_token
from .items import media_path


def refer_from(root: Chunk, old: Path, new: Path) -> None:
    """Rewrites the relative names of media below `root`, which hold from the folder `old`, so that they do from `new`.

    Absolute names, those inside plug-ins, and everything else on the lines stay as they are.
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
