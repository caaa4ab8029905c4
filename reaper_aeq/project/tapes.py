"""What reached a track, kept for those that hear it: a deep project is not mixed anew for each of its levels."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Hashable, Iterator, Mapping

import numpy as np

MOST_FRAMES = 2**25  # stereo, 256 MiB: twelve minutes at 44.1 kHz


class Tape:
    """Blocks (n, 2) of one track in order of time; between them and around them is silence."""

    def __init__(self, frames: int):
        self.frames = frames  # that it will hold
        self._starts: list[int] = []
        self._blocks: list[np.ndarray] = []

    def add(self, start: int, sound: np.ndarray) -> None:
        """Takes a block (n, 2) that begins at sample `start`, behind all that came before."""
        self._starts.append(start)
        alike = np.array_equal(sound[:, 0], sound[:, 1])  # a mono file's
        self._blocks.append(sound[:, : 1 if alike else 2].copy())

    def read(self, start: int, count: int) -> np.ndarray:
        """(count, 2), new."""
        total = np.zeros((count, 2), np.float32)
        for low, part in self._parts(start, start + count):
            total[low - start : low - start + len(part)] = part
        return total

    def holds(self, start: int, count: int) -> bool:
        """Whether anything of it lies there."""
        return any(True for _ in self._parts(start, start + count))

    def _parts(self, start: int, stop: int) -> Iterator[tuple[int, np.ndarray]]:
        """What lies between two samples, and where each part of it begins."""
        at = max(0, bisect_right(self._starts, start) - 1)
        while at < len(self._starts) and self._starts[at] < stop:
            first, block = self._starts[at], self._blocks[at]
            low, high = max(first, start), min(first + len(block), stop)
            if low < high:
                yield low, block[low - first : high - first]
            at += 1


class Tapes:
    """Those of a project, as many as memory allows: the oldest make room, which costs only time.

    `part`: of which one stretched item a tape holds the sound, at that item's own pace, or what the timeline holds.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[int, Hashable], Tape] = {}
        self._promised = 0  # frames of tapes that are being made
        self._lock = threading.Lock()

    def new(self, frames: int, worth_more: bool = True) -> Tape | None:
        """An empty one that will hold so many frames; None where there is no room.

        `worth_more`: than those that are there, which make room for it.
        """
        with self._lock:
            there = 0 if worth_more else sum(tape.frames for tape in self._kept.values())
            if self._promised + there + frames > MOST_FRAMES:
                return None
            self._promised += frames
            while self._promised + sum(tape.frames for tape in self._kept.values()) > MOST_FRAMES:
                del self._kept[next(iter(self._kept))]
        return Tape(frames)

    def keep(self, number: int, tape: Tape, part: Hashable) -> None:
        """`tape` is complete."""
        with self._lock:
            self._promised -= tape.frames
            self._kept[number, part] = tape

    def kept(self, part: Hashable) -> Mapping[int, Tape]:
        """By the numbers of their tracks."""
        with self._lock:
            return {number: tape for (number, what), tape in self._kept.items() if what == part}
