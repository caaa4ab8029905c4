"""Decoders that write to the terminal by themselves are kept from it: what a user reads are our sentences.

libmpg123 tells of every doubtful frame on C's `stderr`, and libsndfile gives no way to ask it not to. While a decoder
runs, that stream is another one, which leads nowhere. Python's own `sys.stderr` and what other threads write there are
not touched, nor is the descriptor 2, which they use as well.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# In the C library of Windows, which the wheel's libsndfile shares with Python, a stream is a structure of two pointers
# (where the next byte goes, the buffer) and two numbers (room left, flags), and then comes its descriptor.
_DESCRIPTOR_AT = 2 * ctypes.sizeof(ctypes.c_void_p) + 2 * 4

_lock = threading.Lock()
_inside = 0


def _switch(platform: str = sys.platform) -> tuple[Any, int] | None:
    """What says where C's `stderr` leads, and its value for nowhere; None where there is no such switch."""
    try:
        if platform == "darwin":
            return ctypes.c_void_p.in_dll(ctypes.CDLL(None), "__stderrp"), _stream_to_nowhere()
        # a variable in glibc, a constant in musl
        if platform.startswith("linux") and os.confstr("CS_GNU_LIBC_VERSION"):
            return ctypes.c_void_p.in_dll(ctypes.CDLL(None), "stderr"), _stream_to_nowhere()
        if platform == "win32":
            return _descriptor_of_stderr(ctypes.CDLL("ucrtbase"))
    except (OSError, ValueError, AttributeError):
        pass
    return None


def _stream_to_nowhere() -> int:
    library = ctypes.CDLL(None)
    library.fopen.restype, library.fopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_char_p]
    if not (stream := library.fopen(os.devnull.encode(), b"w")):
        raise OSError("no descriptor left")
    return stream


def _descriptor_of_stderr(library: Any) -> tuple[Any, int] | None:
    """Windows' switch, where `library` confirms that it is where it should be; a program without a console has none."""
    stream_of, descriptor_of = library["__acrt_iob_func"], library["_fileno"]
    stream_of.restype, stream_of.argtypes = ctypes.c_void_p, [ctypes.c_uint]
    descriptor_of.restype, descriptor_of.argtypes = ctypes.c_int, [ctypes.c_void_p]
    stream = stream_of(2)
    before = descriptor_of(stream)
    if before < 0:
        return None
    switch, nowhere = ctypes.c_int32.from_address(stream + _DESCRIPTOR_AT), os.open(os.devnull, os.O_WRONLY)
    if switch.value == before:
        switch.value = nowhere
        found = descriptor_of(stream) == nowhere
        switch.value = before
        if found:
            return switch, nowhere
    os.close(nowhere)
    return None


_found = _switch()
_terminal = _found[0].value if _found else None


@contextmanager
def decoders_silent() -> Iterator[None]:
    """What C libraries print to `stderr` while the block runs, in any thread, goes nowhere."""
    global _inside
    if _found is None:
        yield
        return
    switch, nowhere = _found
    with _lock:
        _inside += 1
        switch.value = nowhere
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                switch.value = _terminal
