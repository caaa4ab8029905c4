"""Memory that was freed goes back to the system: glibc keeps what lies between blocks that are in use.

A press of 32 tracks passes half a gigabyte through the heap; without this a backend would keep most of it for good.
Where the C library is another one nothing happens: macOS and Windows give back by themselves.
"""

from __future__ import annotations

import ctypes
import os
from functools import lru_cache
from typing import Any

# Of `mallopt`. Left to itself glibc raises the last two with the largest array that was ever freed, and keeps as much.
_ARENA_MAX, _MMAP_THRESHOLD, _TRIM_THRESHOLD = -8, -3, -1
ARENAS = 2
LARGE_BYTES = 2**20  # an array of this size is the system's again as soon as it is freed, and as much at a heap's end


def few_heaps() -> None:
    """To be called before threads start: they share heaps, of which each would keep what it once needed."""
    if library := _glibc():
        library.mallopt(_ARENA_MAX, ARENAS)
        library.mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
        library.mallopt(_TRIM_THRESHOLD, LARGE_BYTES)


def give_back() -> None:
    """One to some milliseconds."""
    if library := _glibc():
        library.malloc_trim(0)


@lru_cache(maxsize=1)
def _glibc() -> Any:
    """None where the C library is no glibc."""
    try:
        if not os.confstr("CS_GNU_LIBC_VERSION"):
            return None
        library = ctypes.CDLL(None)
        library.mallopt.argtypes, library.malloc_trim.argtypes = (ctypes.c_int, ctypes.c_int), (ctypes.c_size_t,)
    except (OSError, ValueError, AttributeError):
        return None
    return library
