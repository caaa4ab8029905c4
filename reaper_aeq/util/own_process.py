"""Processes of this machine that end with the one that started them, however it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection


class OwnProcesses:
    """Starts them one by one; each is a pool of its own.

    Where one process of a pool dies, the library takes down the others with their tasks, and nobody knows which of them
    was at fault.
    """

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._alive, self._held = self._context.Pipe(duplex=False)

    def new(self) -> ProcessPoolExecutor:
        """A pool of one process, of one thread of torch; its first task starts it: see `deaf_to_interrupts`."""
        return ProcessPoolExecutor(1, self._context, _begin, (self._alive,))

    def close(self) -> None:
        """Ends them, whatever they are at."""
        self._held.close()


def _begin(alive: Connection) -> None:
    """In a new process, before anything heavy is loaded."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # each core has a process of its own
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()


def _end_with(alive: Connection) -> None:
    """The other end of `alive` is closed by who started it, or by the operating system once that is gone."""
    with suppress(EOFError, OSError):
        alive.recv_bytes()
    os._exit(0)


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Processes and threads started inside never hear Ctrl-C, which a terminal sends to all: stopping is the command's.

    Windows has no such mask.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # it is started with the first process and then takes the mask away from the thread that starts it
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
