"""What is kept beside an EQ to learn from later: the sound that it was computed for, small and as plain text."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..dsp.spectrum import GRID_HZ, Analysis
from ..errors import AeqError
from .result import Result


def heard_of(analysis: Analysis, result: Result) -> dict[str, Any]:
    """JSON-ready: `sample_rate` in Hz, `kind` or None where it is not sure, `ltas` in whole tenths of a dB as text."""
    ltas = " ".join(f"{10 * level:.0f}" for level in analysis.ltas_db().tolist())
    return {"sample_rate": result.sample_rate, "kind": result.known_kind or None, "ltas": ltas}


def ltas_of(text: str) -> Tensor:
    """(bands,) float64 dB. Raises `AeqError` for what is no `ltas` of `heard_of`."""
    try:
        found = [int(part) / 10 for part in text.split()]
    except ValueError:
        found = []
    if len(found) != len(GRID_HZ):
        raise AeqError(f"the spectrum of a sound is {len(GRID_HZ)} whole numbers")
    return torch.tensor(found, dtype=torch.float64)
