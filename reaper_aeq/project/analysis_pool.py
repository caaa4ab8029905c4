"""Listening to several tracks side by side; progress in seconds of sound; stops at once when asked to."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

import numpy as np

from ..dsp.spectrum import Analysis, analyze_blocks

T = TypeVar("T")
U = TypeVar("U")
Progress = Callable[[str, int, int], None]


class Stopped(Exception):
    """Inside a thread whose result nobody waits for any more."""


class AnalysisPool:
    """A pool for decoding and analysis, whose libraries let go of the interpreter while they compute.

    To be used in a `with`, whose end stops all work, however it comes, an interrupt included.
    """

    def __init__(
        self, progress: Progress = lambda name, step, steps: None, sample_rate: int = 0, threads: int | None = None
    ):
        self.pool = ThreadPoolExecutor(threads or max(2, min(4, os.cpu_count() or 1)), thread_name_prefix="hear")
        self.sample_rate = sample_rate
        self.total_s = 0.0
        self._progress, self._done_s = progress, 0.0
        self._stop, self._lock = threading.Event(), threading.Lock()

    def analyze(self, blocks: Iterable[np.ndarray], /, **how: bool) -> Analysis:
        """`analyze_blocks` of blocks (channels, n) at `sample_rate`; `how`: its `sections` and `powers_only`. Tells how
        far it is. Raises `Stopped` once the end of the `with` has begun."""
        return analyze_blocks(self._watched(blocks), self.sample_rate, **how)

    def each(self, work: Callable[[T], U], of: Iterable[T], done: Callable[[int], None] = lambda _: None) -> list[U]:
        """`[work(x) for x in of]`, side by side; `done` is told how many are ready. The first error, in the order of
        `of`, ends those behind it."""
        return results([self.pool.submit(work, one) for one in of], done)

    def check(self) -> None:
        """Raises `Stopped` once nobody waits for the work any more; to be called between blocks."""
        if self._stop.is_set():
            raise Stopped

    def __enter__(self) -> AnalysisPool:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends all work at its next block, and waits for that."""
        self._stop.set()
        self.pool.shutdown(wait=True, cancel_futures=True)

    def _watched(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for block in blocks:
            self.check()
            yield np.ascontiguousarray(block)
            with self._lock:
                self._done_s += block.shape[1] / self.sample_rate
                # what lies before it was counted may be a little less than there is
                self._progress("seconds of sound", round(min(self._done_s, self.total_s)), max(1, round(self.total_s)))


def results(futures: Sequence[Future[U]], done: Callable[[int], None] = lambda _: None) -> list[U]:
    """What all give, in order; `done` is told how many are ready.

    Of several errors the first in order is raised, whichever came first by the clock, so that the same mistake is told
    alike each time. What stands behind an error is not waited for.
    """
    place = {future: n for n, future in enumerate(futures)}
    end, waiting = len(futures), set(futures)
    while waiting:
        # with a timeout, for on Windows nothing interrupts a wait without one
        ready, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
        end = min([end, *(place[future] for future in ready if future.exception())])
        waiting = {future for future in waiting if place[future] < end}
        if end == len(futures):
            done(len(futures) - len(waiting))
    return [future.result() for future in futures[: end + 1]]
