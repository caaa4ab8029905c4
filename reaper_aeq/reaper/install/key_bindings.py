"""REAPER's action list, reaper-kb.ini: our script lines put in and taken out, every other byte left as it is.

The lines (docs/reaper.md, 11): `SCR flags section id "Custom: name" path` registers a script, `KEY ... _id section`
binds a key, `ACT ...` is a custom action. The file has no declared encoding, so it is handled as bytes.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath

from ...errors import InstallError
from ..chunks import quote_token, split_tokens
from .ini import ending_of, lines_of, start_of

FILE = "reaper-kb.ini"
_MAIN_SECTION = "0"
# What REAPER does with an action that is run while it runs: 4 asks in a box that stops everything until it is answered,
# 516 starts another instance. Ours says "busy" then.
_ASKS, _NEW_INSTANCE = "4", "516"


def command_id(file: str) -> str:
    """The id of a script of ours; `file` is its path below Scripts, with forward slashes.

    Users' keys, toolbars and custom actions refer to it, so it depends on no machine and no version. It cannot be one
    that REAPER made, however REAPER makes them: a line that has the id of its own file is one of ours.

    >>> command_id("reaper-aeq/AEQ_More.lua")
    'RS33759e19623b6f017491c80b934d8e674e92f064'
    """
    return "RS" + hashlib.sha1(f"reaper-aeq action {file}".encode("utf-8", "surrogateescape")).hexdigest()


def with_scripts(data: bytes, files: Sequence[str], scripts: Path, separator: str = os.sep) -> bytes:
    """The list with a line in the main section for each of `files` that has none; `scripts` is REAPER's folder Scripts.

    A script that is there already, under whatever id, keeps its line, for keys of the user refer to it. If the line
    is ours and REAPER would ask what to do with a second press, it says "another instance" from now on. Raises
    `InstallError` for a file that is no text.
    """
    if b"\0" in data:
        raise InstallError(f"{FILE} is damaged or no text: move it away or bring a backup of it back, then try again")
    known = [words for line in lines_of(data) if (words := _script(line))]
    ids, paths = {words[3] for words in known}, {_below(words[5], scripts) for words in known}
    new = [file for file in files if command_id(file) not in ids and file.casefold() not in paths]
    ours = {command_id(file) for file in files}
    data = data[: start_of(data)] + b"".join(_answered(line, ours) for line in lines_of(data))
    place, ending = _place(data)
    return data[:place] + b"".join(_new_line(file, separator) + ending for file in new) + data[place:]


def without_scripts(data: bytes, folder: str, keep: Collection[str] = ()) -> bytes:
    """The list without the lines that are ours, those of the files to `keep` excepted; `folder` is below Scripts."""
    ids = own_ids(data, folder) - {command_id(file) for file in keep}
    kept = (line for line in lines_of(data) if not ((words := _script(line)) and words[3] in ids))
    return data[: start_of(data)] + b"".join(kept)


def own_ids(data: bytes, folder: str) -> set[str]:
    """The ids of the scripts in the list that are ours; all of them lie in `folder` itself."""
    known = [words for line in lines_of(data) if (words := _script(line))]
    names = {words[3]: re.split(r"[/\\]", words[5])[-1] for words in known}
    return {given for given, name in names.items() if given == command_id(f"{folder}/{name}")}


def uses(data: bytes, ids: Collection[str]) -> int:
    """How many keys and custom actions of the user refer to one of these ids."""
    named = {f"_{name}" for name in ids}
    lines = [words_of(line) for line in lines_of(data)]
    return sum(words[0] in ("KEY", "ACT") and not named.isdisjoint(words) for words in lines if words)


def _answered(line: bytes, ids: Collection[str]) -> bytes:
    words = _script(line)
    if words is None or words[3] not in ids or words[1] != _ASKS:
        return line
    return re.sub(rb"^(\s*SCR\s+)4(\s)", rb"\g<1>" + _NEW_INSTANCE.encode() + rb"\2", line, count=1)


def words_of(line: bytes) -> list[str]:
    """The tokens of a line, without their quotes."""
    return split_tokens(line.decode("utf-8", "surrogateescape").strip())


def _script(line: bytes) -> list[str] | None:
    """The words of a script line of the main section."""
    if not line.lstrip().startswith(b"SCR"):
        return None
    words = words_of(line)
    return words if len(words) >= 6 and words[0] == "SCR" and words[2] == _MAIN_SECTION else None


def _below(path: str, scripts: Path) -> str:
    """A path as `files` have it: below Scripts, forward slashes, small letters (two systems of three ignore case)."""
    root = str(scripts).replace("\\", "/").rstrip("/") + "/"
    return path.replace("\\", "/").casefold().removeprefix(root.casefold())


def _place(data: bytes) -> tuple[int, bytes]:
    """Where new lines go, and how they end: in front of the first script, else of the first key, else of everything.

    Never behind the last line, which may have no end: then taking ours out again gives the same bytes.
    """
    offset = start_of(data)
    found: dict[str, tuple[int, bytes]] = {}
    for line in lines_of(data):
        kind = (words_of(line) or [""])[0]
        found.setdefault(kind, (offset, line))
        offset += len(line)
    first = next(iter(lines_of(data)), b"")
    place, line = found.get("SCR") or found.get("KEY") or (start_of(data), first)
    return place, ending_of(line if line.endswith(b"\n") else first)


def _new_line(file: str, separator: str) -> bytes:
    path = PurePosixPath(file)
    name, where = quote_token(f"Custom: {path.name}"), quote_token(separator.join(path.parts))
    return f"SCR {_NEW_INSTANCE} {_MAIN_SECTION} {command_id(file)} {name} {where}".encode()
