"""Reading files side by side, so that a long one holds up no short one.

Short lanes read whatever comes next. What turns out to be long (a small file may hold hours) goes to a lane of its own,
where it is read from its start once more, one after the other. What nobody waits for any more is left between blocks.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
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


def leave_when_long(blocks: int) -> Callable[[], None]:
    """To be called before each block: raises `LongError` after so many, or after `SHORT_CPU_S` in this thread."""
    count, began_s = 0, time.thread_time()

    def between_blocks() -> None:
        nonlocal count
        count += 1
        if count > blocks or time.thread_time() - began_s > SHORT_CPU_S:
            raise LongError

    return between_blocks


class Lanes:
    """Runs `read(ticket, between_blocks)` for tickets; `read` calls what it is given before each block."""

    def __init__(self, read: Callable[[Ticket, Callable[[], None]], None], failed: Callable[[Ticket, Exception], None]):
        """`failed` is told of whatever `read` raises; a `LeftError` means that there is nobody to answer."""
        self._read, self._failed = read, failed
        self._short = ThreadPoolExecutor(SHORT_LANES, thread_name_prefix="read")
        self._long = ThreadPoolExecutor(1, thread_name_prefix="read-long")

    def add(self, ticket: Ticket) -> None:
        """Has it read; what `failed` is told of may be told from here."""
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
        leave = leave_when_long(blocks) if blocks else None

        def between_blocks() -> None:
            if ticket.dropped:
                raise LeftError
            if leave:
                leave()

        try:
            if ticket.dropped:
                raise LeftError
            self._read(ticket, between_blocks)
        except LongError:
            self._submit(self._long, ticket, None)
        except Exception as error:
            self._failed(ticket, error)


@dataclass(eq=False)
class _Reference:
    """One reference; whoever reads it holds `reading`. `error` is for those who wait meanwhile."""

    reading: threading.Lock = field(default_factory=threading.Lock)
    analysis: Analysis | None = None
    error: BaseException | None = None


class References:
    """Analyses of references, which all tracks of a project may be matched to: each is read once."""

    KEPT = 16

    def __init__(self) -> None:
        self._known: dict[Hashable, _Reference] = {}
        self._lock = threading.Lock()

    def get(self, reference: str | ReferenceInfo, between_blocks: Callable[[], None]) -> Analysis:
        """Of a file or of a described sound; where another thread reads it, waits for that one.

        Raises `AudioError`, and what `between_blocks` raises.
        """
        key = _key(reference)
        with self._lock:
            known = self._known.setdefault(key, _Reference())
            for oldest in list(self._known)[: -self.KEPT]:
                del self._known[oldest]
        while not known.reading.acquire(timeout=WAIT_S):
            between_blocks()
        try:
            if known.error:
                raise known.error
            known.analysis = known.analysis or _analysis(reference, between_blocks)
            return known.analysis
        except LeftError:
            raise  # the next who waits reads it
        except BaseException as error:
            known.error = error
            with self._lock:
                self._known.pop(key, None)
            raise
        finally:
            known.reading.release()


def _analysis(reference: str | ReferenceInfo, between_blocks: Callable[[], None]) -> Analysis:
    from ..dsp.analyze_file import analyze_file
    from ..project.described import UnreadableError, hear
    from ..project.media import Library

    if isinstance(reference, str):
        return analyze_file(reference, between_blocks).analysis
    try:
        return hear(reference.sound, Library(), check_path, between_blocks).analysis
    except UnreadableError as error:  # to render the task's own sound would not help
        raise AudioError(f"the reference: {error}") from None


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
