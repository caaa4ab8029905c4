"""Our block in `Scripts/__startup.lua`, which REAPER runs when it starts: put in and taken out, every other byte left.

Several tools share this file. Our block goes in front of theirs, never behind a last line that may have no end; and the
file is removed with the block only where the block says that there was none before. `reascripts/aeq/startup.lua` writes
the same bytes.
"""

from __future__ import annotations

import re

from ...errors import InstallError
from .ini import start_of

FILE = "__startup.lua"
BEGIN, END = "-- >>> reaper-aeq: start with REAPER", "-- <<< reaper-aeq"
NEW = " (this file was made for it)"
_BLOCK = re.compile(re.escape(BEGIN).encode() + rb"[^\n]*\n.*?" + re.escape(END).encode() + rb"[^\n]*\n", re.DOTALL)


def block(library: str, made: bool) -> bytes:
    """`library`: the folder of our Lua files below REAPER's folder Scripts, with forward slashes."""
    return "\n".join([
        BEGIN + (NEW if made else ""),
        "do",
        f'  local file = reaper.GetResourcePath() .. "/Scripts/{library}/startup.lua"',
        "  local found, startup = pcall(dofile, file)",
        "  if found then pcall(startup.begin) end",
        "  reaper.defer(function() end) -- a script that just ends would be an undo point",
        "end",
        END,
        "",
    ]).encode()  # fmt: skip


def with_block(data: bytes | None, library: str) -> bytes:
    """The file with our block in it, the one that is there brought up to date. Raises `InstallError`."""
    old = data or b""
    there = _find(old)
    start, end = there.span() if there else (_place(old), _place(old))
    return old[:start] + block(library, _made(there) if there else data is None) + old[end:]


def without_block(data: bytes | None) -> bytes | None:
    """The file as it was before our block; None where there was none. Raises `InstallError`."""
    there = _find(data or b"")
    if not data or not there:
        return data
    return data[: there.start()] + data[there.end() :] or (None if _made(there) else b"")


def has_block(data: bytes | None) -> bool:
    """Whether our block is in it. Raises `InstallError`."""
    return bool(_find(data or b""))


def _find(data: bytes) -> re.Match[bytes] | None:
    found = _BLOCK.search(data)
    marks = data.count(BEGIN.encode()), data.count(END.encode())
    if marks not in ((0, 0), (1, 1)) or (marks == (1, 1) and not found):
        raise InstallError(f"the lines of reaper-aeq in {FILE} are damaged: take them out by hand, then try again")
    return found


def _made(block: re.Match[bytes]) -> bool:
    """Whether the file was made for our block."""
    return NEW.encode() in block[0].split(b"\n", 1)[0]


def _place(data: bytes) -> int:
    """In front of everything but what Lua takes for no code at a file's beginning."""
    start = start_of(data)
    return data.find(b"\n") + 1 if data[start : start + 1] == b"#" else start
