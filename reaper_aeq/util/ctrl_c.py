"""Ctrl-C for a program: one line, whenever it comes, and no trace.

Imports only what Python has loaded anyway, for this has to be there before anything else.

Python's own way, a `KeyboardInterrupt` wherever the program happens to be, fails in two places. While a large library
is being imported it may come out as another error, or be swallowed; and in a callback (a finalizer, a hook of the
garbage collector) it is printed and forgotten.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # has no stubs; signal itself loads enum, which takes its time
import _thread
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

EXIT_CODE = 130  # as shells have it: 128 and the number of SIGINT
SENTENCE = "interrupted: nothing half-written is left behind"
AGAIN_S = 0.5  # what comes sooner is the same press: terminals and process groups may send it twice
HOPELESS_S = 5.0  # whoever still presses after so long is not to be kept waiting

_first_at: float | None = None
_told = False


def install() -> None:
    """From now on Ctrl-C ends this process cleanly. For programs only: it changes what belongs to the process."""
    _signal.signal(_signal.SIGINT, _pressed)
    _hooked(sys.unraisablehook)


def was_pressed() -> bool:
    """Whether anybody pressed it in this process."""
    return _first_at is not None


def tell() -> int:
    """Says so on stderr, once; further presses change nothing. Returns the exit code."""
    global _told
    if not (_told and was_pressed()):  # whoever calls the command line as a function may do so again
        _told = True
        complain(SENTENCE)
    return EXIT_CODE


def complain(sentence: str) -> None:
    """A line on stderr, if there is one that takes it."""
    try:
        if sys.stderr is not None:
            print(sentence, file=sys.stderr, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # or Python would try again at its end


def finish() -> None:
    """All is said and done: whoever presses only now just ends what Python still tidies up."""
    _signal.signal(_signal.SIGINT, _signal.SIG_IGN if was_pressed() else _signal.SIG_DFL)


def _pressed(number: int, frame: FrameType | None) -> None:
    global _first_at
    now = time.monotonic()
    if _first_at is not None:
        if now - _first_at > HOPELESS_S:
            os.write(2, f"{SENTENCE}\n".encode() if not _told else b"")
            os._exit(EXIT_CODE)
        if _told or now - _first_at < AGAIN_S:
            return
    else:
        _first_at = now
    raise KeyboardInterrupt


def _hooked(before: Any) -> None:
    def hook(unraisable: Any) -> None:
        global _first_at
        if unraisable.exc_type is KeyboardInterrupt and not _told:
            _first_at = None
            _thread.start_new_thread(_press_again, (_thread.get_ident(),))  # it went where nobody could hear it
        elif _first_at is None:
            before(unraisable)

    sys.unraisablehook = hook


def _press_again(main_thread: int) -> None:
    time.sleep(0.02)  # not within the hook, which would swallow it again
    if hasattr(_signal, "pthread_kill"):
        _signal.pthread_kill(main_thread, _signal.SIGINT)  # wakes it from whatever it waits for
    else:
        _thread.interrupt_main()
