"""REAPER's .ini files, read and changed line by line: every byte that is not meant stays as it is.

They have no declared encoding, may hold lines that are no `key=value`, comments, and a key twice (the first counts), so
they are handled as bytes; a parser that writes the whole file anew would lose all that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence

_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


def start_of(data: bytes) -> int:
    """Where the first line begins: a byte order mark belongs to none."""
    return len(_BOM) if data.startswith(_BOM) else 0


def lines_of(data: bytes) -> list[bytes]:
    """The lines with their ends."""
    return _LINE.findall(data, start_of(data))


def ending_of(data: bytes) -> bytes:
    """How its lines end; as this system's do where there is none."""
    return b"\r\n" if b"\r\n" in data else b"\n" if b"\n" in data else os.linesep.encode()


def value(data: bytes, section: str, key: str) -> str | None:
    """What `key` of `section` holds, None where it is not there; upper and lower case are the same.

    >>> value(b"[REAPER]\\r\\nlastcwd=C:\\\\Songs\\r\\n", "reaper", "LastCwd")
    'C:\\\\Songs'
    """
    lines = lines_of(data)
    found = (lines[n] for n in _places(lines, section) if _key(lines[n]) == key.lower())
    return next((_text(line).partition("=")[2].strip() for line in found), None)


def with_values(data: bytes, section: str, values: Mapping[str, str]) -> bytes:
    """The file with these values: a key that is there keeps its line's place, others go to the end of the section.

    >>> with_values(b"[a]\\nx=1\\n\\n[b]\\ny=2\\n", "a", {"x": "3", "z": "4"})
    b'[a]\\nx=3\\nz=4\\n\\n[b]\\ny=2\\n'
    """
    ending, lines = ending_of(data), lines_of(data)
    wanted = {key.lower(): f"{key}={text}".encode("utf-8", "surrogateescape") for key, text in values.items()}
    end = None
    for n in _places(lines, section):
        if lines[n].strip():
            end = n + 1
        if (key := _key(lines[n])) in wanted:
            if value(data, section, key) != _text(wanted[key]).partition("=")[2].strip():
                lines[n] = wanted[key] + ending
            del wanted[key]
    if wanted:
        new = [line + ending for line in wanted.values()]
        if end is None:
            new, end = [f"[{section}]".encode() + ending, *new], len(lines)
        if end and not lines[end - 1].endswith(b"\n"):
            lines[end - 1] += ending
        lines[end:end] = new
    return data[: start_of(data)] + b"".join(lines)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def _section(line: bytes) -> str | None:
    match = re.fullmatch(r"\[(.*)\]", _text(line).strip())
    return match[1].lower() if match else None


def _key(line: bytes) -> str | None:
    text = _text(line)
    return text.partition("=")[0].strip().lower() if "=" in text and text.lstrip()[:1] not in (";", "[") else None


def _places(lines: Sequence[bytes], section: str) -> Iterator[int]:
    """Of the lines of a section, its head among them."""
    inside = False
    for n, line in enumerate(lines):
        if (name := _section(line)) is not None:
            inside = name == section.lower()
        if inside:
            yield n
