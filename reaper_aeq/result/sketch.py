"""What is kept with an EQ in REAPER: its picture in a few hundred bytes, how far it may be turned up unasked, and, to
learn from later, the sound that it was computed for, small and as plain text."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..dsp.spectrum import GRID_HZ, Analysis
from ..eq import LIMITS
from ..errors import AeqError
from .result import Result
from .safety import Limits, Loudness

STEPS = np.linspace(0.0, 2.0, 17)  # times what was computed
AS_COMPUTED = int(np.flatnonzero(STEPS == 1.0)[0])


def sketch_of(result: Result, analysis: Analysis) -> dict[str, Any]:
    """The fields of `wire.Sketch`. The output gains pass through the one that was measured.

    About a millisecond, so it is made only where it is asked for.
    """
    most, gains = _reach(result, analysis)
    return {
        "sample_rate": result.sample_rate,
        "source": _tenths(result.source_db),
        "low": _tenths(result.target_low_db),
        "high": _tenths(result.target_high_db),
        "most": most,
        "gains": gains,
    }


def _tenths(curve_db: np.ndarray) -> str:
    return " ".join(str(round(10 * level)) if isfinite(level) else "-" for level in curve_db.tolist())


def _reach(result: Result, analysis: Analysis) -> tuple[float, str]:
    """The largest of `STEPS` up to which every limit holds, at least 1, and the output gain at each step up to it.

    Peaks that held the output gain back (`gave_way_db`) are taken to grow with the EQ, and end it at what was computed.
    """
    if not result.eq.bands or analysis.silent:
        return 1.0, ""
    limits = Limits(torch.from_numpy(np.nan_to_num(result.source_db, nan=-200.0)), Loudness(analysis))
    over_db, gains_db = limits.reach(result.eq, STEPS)
    room = LIMITS["intensity"].high / max(abs(result.intensity), 1e-6)
    top = 1.0 if result.gave_way_db > 0 else max(1.0, room)
    broken = (STEPS > 1.0) & ((over_db > 0) | (top < STEPS))
    count = int(broken.argmax()) if broken.any() else len(STEPS)
    steps, gains_db = STEPS[:count], gains_db[:count]
    gains_db = gains_db + (result.eq.output_gain_db - gains_db[AS_COMPUTED]) * steps
    pairs = zip(steps.tolist(), gains_db.tolist(), strict=True)
    return float(steps[-1]), " ".join(f"{times:g} {gain_db:.2f}" for times, gain_db in pairs)


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
