"""What of a file is sound, as its bytes say, and how a decoder is to see it: pieces of the file, some header mended."""

from __future__ import annotations

import os
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import BinaryIO

Span = tuple[int, int]  # from here up to there, in bytes of the file
Piece = bytes | Span


@dataclass(frozen=True)
class FilePart:
    """A stream that a decoder reads from its start to its end: `pieces` in order. `endless` hides its size from the
    decoder, where that would reckon a length from it."""

    pieces: tuple[Piece, ...]
    endless: bool = False


@dataclass(frozen=True)
class Layout:
    """The streams of a file, one behind the other.

    Attributes:
        parts: empty where the file itself is what the decoder shall read.
        remark: None, or what a user should know: the end of a sentence that begins with the file's name.
    """

    parts: tuple[FilePart, ...] = ()
    remark: str | None = None


class Splice:
    """Pieces of a file as a file of their own, for libsndfile.

    It calls from C, where an exception would be printed and forgotten, so none is raised: there is no more to read.
    """

    def __init__(self, path: str, part: FilePart):
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by `close`
        self._pieces = part.pieces
        sizes = [len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in part.pieces]
        self._starts = [0, *accumulate(sizes)][:-1]
        self._size = sum(sizes)
        self._shown_size = 2**40 if part.endless else self._size
        self._at = 0

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()

    def tell(self) -> int:
        """The place that is read next."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a place, as files do; gives it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._shown_size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:
        """Fills `buffer` as far as there is something; gives how many bytes that were."""
        view, filled = memoryview(buffer), 0
        while filled < len(view) and self._at < self._size:
            n = bisect_right(self._starts, self._at) - 1
            got = self._read(self._pieces[n], self._at - self._starts[n], len(view) - filled)
            if not got:
                break
            view[filled : filled + len(got)] = got
            filled += len(got)
            self._at += len(got)
        return filled

    def _read(self, piece: Piece, skip: int, count: int) -> bytes:
        if isinstance(piece, bytes):
            return piece[skip : skip + count]
        try:
            self._file.seek(piece[0] + skip)
            return self._file.read(min(count, piece[1] - piece[0] - skip)) or b""
        except (OSError, ValueError):
            return b""


class FileWindow:
    """A file of any size, read a few megabytes at a time by who walks through it in one direction."""

    SIZE = 2**22

    def __init__(self, file: BinaryIO, size: int):
        self.file, self.size = file, size
        self.data, self.start = b"", 0

    def at(self, position: int, count: int) -> bytes:
        """`count` bytes, fewer at the end of the file, none beyond it."""
        count = min(count, self.size - position)
        if count <= 0 or position < 0:
            return b""
        if not self.start <= position <= self.start + len(self.data) - count:
            self.start = position
            self.file.seek(position)
            self.data = self.file.read(max(self.SIZE, count))
        offset = position - self.start
        return self.data[offset : offset + count]

    def find(self, what: bytes, position: int, end: int) -> int:
        """Where `what` comes next, -1 if not before `end`."""
        overlap = len(what) - 1
        while position < end:
            data = self.at(position, min(self.SIZE, end - position))
            if (found := data.find(what)) >= 0:
                return position + found
            if len(data) <= overlap:
                break
            position += len(data) - overlap
        return -1


def add_span(spans: list[Span], start: int, stop: int) -> None:
    """Behind the others; neighbors that touch become one."""
    if spans and spans[-1][1] == start:
        start = spans.pop()[0]
    spans.append((start, stop))


def cut_off(stated_s: float, there_s: float) -> str:
    """The remark on a file that is shorter than it says."""
    return f"is cut off: it says that it lasts {clock(stated_s)}, {clock(there_s)} are there"


def clock(seconds: float) -> str:
    """
    >>> clock(7.0), clock(301.25)
    ('7.00 s', '5:01.2')
    """
    return f"{seconds:.2f} s" if seconds < 60 else f"{int(seconds // 60)}:{seconds % 60:04.1f}"
