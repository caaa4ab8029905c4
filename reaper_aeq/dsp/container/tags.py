"""Tags that programs put in front of the sound and behind it: ID3, APE, Lyrics3, and padding."""

from __future__ import annotations

import struct

from .layout import FileWindow

_MOST = 2**26  # of one tag; a picture in it may be large


def after_tags(window: FileWindow, position: int) -> int:
    """Where the first byte lies that belongs to no tag; several may follow each other, with zeros between."""
    while (size := tag_size(window, position)) and position + size < window.size:
        position += size
    return position


def tag_size(window: FileWindow, position: int) -> int:
    """Bytes of the tag or the padding that begins here, 0 if none does."""
    head = window.at(position, 32)
    if size := _id3_size(head):
        return size + (10 if head[5] & 0x10 else 0)
    if head[:4] == b"TAG+":
        return 227
    if head[:3] == b"TAG":
        return 128
    if head[:8] == b"APETAGEX" and len(head) == 32:
        size, flags = struct.unpack_from("<I4xI", head, 12)
        return 32 + (size if flags & 0x2000_0000 else 0)
    if head[:11] == b"LYRICSBEGIN":
        for mark in (b"LYRICS200", b"LYRICSEND"):
            end = window.find(mark, position, min(window.size, position + 2**20))
            if end >= 0:
                return end + len(mark) - position
    return zeros(window, position)


def before_tags(window: FileWindow, start: int, end: int) -> int:
    """Where the sound that begins at `start` ends: from there to `end` are tags and padding. Where that is zeros, the
    first of them may belong to the sound."""
    while (size := _tag_that_ends(window, end)) and end - size >= start:
        end -= size
    return end


def _tag_that_ends(window: FileWindow, end: int) -> int:
    tail = window.at(max(0, end - 128), min(128, end))
    if tail[:3] == b"TAG" and len(tail) == 128:
        return 128
    if tail[-32:-24] == b"APETAGEX":
        size, flags = struct.unpack_from("<I4xI", tail[-32:], 12)
        return min(size, _MOST) + (32 if flags & 0x8000_0000 else 0)
    if tail[-9:] == b"LYRICS200" and tail[-15:-9].isdigit():
        return int(tail[-15:-9]) + 15
    if tail[-10:-7] == b"3DI" and max(tail[-4:]) < 0x80:
        return _seven_bits(tail[-4:]) + 20
    padding = _zeros_before(window, end) if tail[-16:] == bytes(16) else 0
    # tags may end with zeros themselves
    footer = window.at(max(0, end - padding - 32), min(32, end - padding)).rfind(b"APETAGEX") if padding else -1
    return _id3_before(window, end - padding, end) or (padding - footer if footer > 0 else padding)


def _id3_size(head: bytes) -> int:
    """Bytes of the ID3v2 tag that begins so, without its footer; 0 if none does."""
    whole = head[:3] == b"ID3" and len(head) >= 10 and head[3] != 0xFF and max(head[6:10]) < 0x80
    return 10 + _seven_bits(head[6:10]) if whole else 0


def _seven_bits(data: bytes) -> int:
    """A number as ID3 writes it, in four bytes of which the highest bit counts for nothing."""
    return data[0] << 21 | data[1] << 14 | data[2] << 7 | data[3]


def _id3_before(window: FileWindow, low: int, high: int) -> int:
    """Bytes up to `high` of an ID3v2 tag that ends between there and `low`. It belongs in front of what follows, so it
    is known by its beginning only."""
    begin = max(0, low - 2**21)
    data = window.at(begin, low - begin)
    position = len(data)
    while (position := data.rfind(b"ID3", 0, position)) >= 0:
        size = _id3_size(window.at(begin + position, 10))
        if size and low <= begin + position + size <= high:
            return high - begin - position
    return 0


def zeros(window: FileWindow, position: int) -> int:
    """How many bytes from here on are zero."""
    start = position
    while data := window.at(position, min(2**16, window.size - position)):
        kept = len(data.lstrip(b"\0"))
        position += len(data) - kept
        if kept:
            break
    return position - start


def _zeros_before(window: FileWindow, end: int) -> int:
    position = end
    while position > 0:
        begin = max(0, position - 2**16)
        kept = len(window.at(begin, position - begin).rstrip(b"\0"))
        position = begin + kept
        if kept:
            break
    return end - position
