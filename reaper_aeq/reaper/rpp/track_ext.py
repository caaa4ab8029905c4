"""What scripts keep beside a track (`P_EXT`), as it stands in a project: the `<EXT` chunk of the track.

Values stand in quotes, those that are long or hold line breaks as `<BIN` with base64 (docs/reaper.md, section 6).
"""

from __future__ import annotations

import base64
import binascii

from ..chunks import Chunk, Line, quote_token, split_tokens

LONGEST = 1000  # characters on a line
_BYTES_PER_LINE = 96  # as REAPER breaks base64
_BEFORE = ("TRACKID", "PERF")


def read(track: Chunk, key: str) -> str:
    """The value, "" for none or one that cannot be read."""
    store = track.find("EXT")
    part = _part(store, key) if store else None
    if isinstance(part, Line):
        return (part.tokens[1:] or [""])[0]
    if isinstance(part, Chunk):
        try:
            return base64.b64decode("".join(line.text for line in part.lines), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            pass
    return ""


def is_empty(track: Chunk) -> bool:
    """Whether the chunk is there with nothing in it."""
    store = track.find("EXT")
    return store is not None and not store.children


def write(track: Chunk, key: str, value: str, *, empty_stays: bool = False) -> None:
    """Sets the value; "" takes it away, and the chunk if nothing else is in it, unless `empty_stays`."""
    if read(track, key) == value:
        return
    store = track.find("EXT")
    if store is None:
        places = [n for n, child in enumerate(track.children) if isinstance(child, Line) and child.name in _BEFORE]
        (made,) = track.insert(places[-1] + 1 if places else 0, ["<EXT", ">"])
        assert isinstance(made, Chunk), "two lines that open and close it"
        store = made
    lines = _lines(key, value) if value else []
    if part := _part(store, key):
        store.replace(part, lines)
    else:
        store.append(lines)
    if not store.children and not empty_stays:
        track.children.remove(store)


def _part(store: Chunk, key: str) -> Line | Chunk | None:
    return store.line(key) or next((part for part in store.find_all("BIN") if part.tokens[1:2] == [key]), None)


def _lines(key: str, value: str) -> list[str]:
    quoted = quote_token(value)
    if len(value) <= LONGEST and value.isprintable() and split_tokens(quoted) == [value]:
        return [f"{key} {quoted}"]
    data = value.encode("utf-8")
    pieces = (data[at : at + _BYTES_PER_LINE] for at in range(0, len(data), _BYTES_PER_LINE))
    return [f"<BIN {key}", *(base64.b64encode(piece).decode("ascii") for piece in pieces), ">"]
