"""Reading files side by side, so that a long one holds up no short one.

Short lanes read whatever comes next. What turns out to be long (a small file may hold hours) goes to a lane of its own,
where it is read from its start once more, one after the other. What nobody waits for any more is left between blocks.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from ..errors import AudioError
from .guard import check_path
from .jobs import Ticket

if TYPE_CHECKING:
    from ..dsp.spectrum import Analysis
    from ..project.description import ReferenceInfo

# More is long: blocks of up to ten seconds (ten minutes of stereo take a lane about two seconds of processor time), and
# that time itself, for a minute of eight channels at 192 kHz takes as long as half an hour of stereo.
SHORT_BLOCKS, SHORT_CPU_S = 60, 3.0
WAIT_S = 0.25  # between two looks at whether somebody still waits, where there are no blocks
SHORT_LANES = max(2, min(4, os.cpu_count() or 1))


class LeftError(Exception):
    """Nobody waits for it any more."""


class LongError(Exception):
    """It is too long for a short lane."""


class Lanes:
    """Runs `read(ticket, between_blocks)` for tickets; `read` calls what it is given before each block."""

    def __init__(self, read: Callable[[Ticket, Callable[[], None]], None], failed: Callable[[Ticket, Exception], None]):
        """`failed` is told of whatever `read` raises; a `LeftError` means that there is nobody to answer."""
        self._read, self._failed = read, failed
        self._short = ThreadPoolExecutor(SHORT_LANES, thread_name_prefix="read")
        self._long = ThreadPoolExecutor(1, thread_name_prefix="read-long")

    def add(self, ticket: Ticket) -> None:
        self._submit(self._short, ticket, SHORT_BLOCKS)

    def close(self) -> None:
        """What is under way ends by itself: its tickets are dropped."""
        for lane in (self._short, self._long):
            lane.shutdown(wait=False, cancel_futures=True)

    def _submit(self, lane: ThreadPoolExecutor, ticket: Ticket, blocks: int | None) -> None:
        try:
            lane.submit(self._run, ticket, blocks)
        except RuntimeError:  # closed
            self._failed(ticket, LeftError())

    def _run(self, ticket: Ticket, blocks: int | None) -> None:
        count, began_s = 0, time.thread_time()

        def between_blocks() -> None:
            nonlocal count
            count += 1
            if ticket.dropped:
                raise LeftError
            if blocks is not None and (count > blocks or time.thread_time() - began_s > SHORT_CPU_S):
                raise LongError

        try:
            if ticket.dropped:
                raise LeftError
            self._read(ticket, between_blocks)
        except LongError:
            self._submit(self._long, ticket, None)
        except Exception as error:
            self._failed(ticket, error)


class References:
    """Analyses of references, which all tracks of a project may be matched to: each is read once."""

    KEPT = 16

    def __init__(self) -> None:
        self._known: dict[Hashable, Future[Analysis]] = {}
        self._lock = threading.Lock()

    def get(self, reference: str | ReferenceInfo, between_blocks: Callable[[], None]) -> Analysis:
        """Of a file or of a described sound; where another thread reads it, waits for that one.

        Raises `AudioError`, and what `between_blocks` raises.
        """
        while True:
            key = _key(reference)
            with self._lock:
                future = self._known.get(key)
                if mine := future is None:
                    future = self._known[key] = Future()
                    self._forget()
            if mine:
                return self._read(key, reference, future, between_blocks)
            try:
                return future.result(WAIT_S)
            except TimeoutError:
                between_blocks()
            except LeftError:  # whoever began to read it left
                continue

    def _read(
        self,
        key: Hashable,
        reference: str | ReferenceInfo,
        future: Future[Analysis],
        between_blocks: Callable[[], None],
    ) -> Analysis:
        from ..dsp.analyze_file import analyze_file
        from ..project.described import UnreadableError, hear
        from ..project.media import Library

        try:
            if isinstance(reference, str):
                found = analyze_file(reference, between_blocks).analysis
            else:
                found = hear(reference.sound, Library(), check_path, between_blocks).analysis
        except BaseException as error:
            if isinstance(error, UnreadableError):  # to render the task's own sound would not help
                error = AudioError(f"the reference: {error}")
            with self._lock:
                self._known.pop(key, None)
            future.set_exception(error)
            raise error from None
        future.set_result(found)
        return found

    def _forget(self) -> None:
        over = [key for key, future in self._known.items() if future.done()]
        for key in over[: max(0, len(self._known) - self.KEPT)]:
            del self._known[key]


def _key(reference: str | ReferenceInfo) -> Hashable:
    """The same for what sounds the same; a file that is written anew is another."""
    if isinstance(reference, str):
        return reference, _modified_ns(reference)
    files = sorted({item.file for track in reference.sound.tracks for item in track.items})
    return reference.sound.model_dump_json(), tuple(map(_modified_ns, files))


def _modified_ns(path: str) -> int:
    """0 for a file that is not there: listening to it says so in a sentence."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
