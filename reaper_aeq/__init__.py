"""Adaptive, word-driven EQ for REAPER's ReaEQ. Importing this package loads no torch."""

from __future__ import annotations

from typing import Any

from .bands import Band, BandKind, Eq

__version__ = "0.1.0"
__all__ = ["AdaptiveEQ", "Band", "BandKind", "Eq", "__version__"]


def __getattr__(name: str) -> Any:
    # The engine needs torch; it is loaded when somebody asks for it.
    if name == "AdaptiveEQ":
        from .engine import AdaptiveEQ

        return AdaptiveEQ
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
