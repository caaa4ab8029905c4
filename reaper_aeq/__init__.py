"""Adaptive, word-driven EQ for REAPER's ReaEQ. Importing this package loads no torch."""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own takes a hundredth of a second, in which Ctrl-C would leave a trace
if TYPE_CHECKING:
    from typing import Any

    from .engine import AdaptiveEQ
    from .eq import Band, BandKind, Eq

__version__ = "0.1.0"
__all__ = ["AdaptiveEQ", "Band", "BandKind", "Eq", "__version__"]
# Loaded when somebody asks for them: the engine needs torch, and the command line wants to be there at once.
_HOMES = {"AdaptiveEQ": "engine", "Band": "eq", "BandKind": "eq", "Eq": "eq"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
