"""dasp-pytorch's filters without what its import brings along.

dasp's modules import `scipy.signal` for a reverb and for FIR windows that nobody here uses; that takes as long as torch
itself does, and every command and REAPER's first key press would wait for it. While dasp is imported an empty module
stands in its place; `scipy` itself loads the real one when somebody reaches for it, dasp's reverb included.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def _later(name: str) -> Iterator[None]:
    """Within, `import name` loads nothing; afterwards it does. Nothing happens where it was loaded before."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = ModuleType(name)
    try:
        yield
    finally:
        del sys.modules[name]


with _later("scipy.signal"):
    from dasp_pytorch.signal import sosfilt_via_fsm

__all__ = ["sosfilt_via_fsm"]
