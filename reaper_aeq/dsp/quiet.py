"""Decoders that write to the terminal by themselves are kept from it: what a user reads are our sentences.

libmpg123 tells of every doubtful frame on C's `stderr`, and libsndfile gives no way to ask it not to. While a decoder
runs, that stream is another one, which leads nowhere. Python's own `sys.stderr` and what other threads write there are
not touched. On Windows there is no such variable, so there nothing is kept back.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_inside = 0


def _stream() -> ctypes.c_void_p | None:
    """C's variable, where it is one: in glibc and on macOS. In musl it is a constant."""
    try:
        if sys.platform == "darwin":
            return ctypes.c_void_p.in_dll(ctypes.CDLL(None), "__stderrp")
        if sys.platform.startswith("linux") and os.confstr("CS_GNU_LIBC_VERSION"):
            return ctypes.c_void_p.in_dll(ctypes.CDLL(None), "stderr")
    except (OSError, ValueError):
        pass
    return None


def _open_nowhere() -> int | None:
    library = ctypes.CDLL(None)
    library.fopen.restype, library.fopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_char_p]
    return library.fopen(os.devnull.encode(), b"w")


_real = _stream()
_terminal = _real.value if _real is not None else None
_nowhere = _open_nowhere() if _real is not None else None


@contextmanager
def decoders_silent() -> Iterator[None]:
    """What C libraries print to `stderr` while the block runs, in any thread, goes nowhere."""
    global _inside
    if _real is None or _nowhere is None:
        yield
        return
    with _lock:
        _inside += 1
        _real.value = _nowhere
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _real.value = _terminal
