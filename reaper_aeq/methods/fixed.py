"""The baseline: what people do on average for the word, whatever the sound. Presets do this."""

from __future__ import annotations

from torch import Tensor

from .request import Request


def curve(request: Request) -> Tensor:
    """(bands,) dB, level-free."""
    return request.mean_db
