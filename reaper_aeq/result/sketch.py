"""What is kept with an EQ in REAPER: its picture in a few hundred bytes, and how far it may be turned up unasked."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..dsp.spectrum import Analysis
from ..eq import LIMITS
from .result import Result
from .safety import Limits, Loudness

STEPS = np.linspace(0.0, 2.0, 17)  # times what was computed


def sketch_of(result: Result, analysis: Analysis) -> dict[str, Any]:
    """The fields of `wire.Sketch`. The output gains pass through the one that was measured."""
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
    return " ".join(f"{round(10 * value)}" if np.isfinite(value) else "-" for value in curve_db.tolist())


def _reach(result: Result, analysis: Analysis) -> tuple[float, str]:
    """The largest of `STEPS` at which every limit holds, at least 1, and the output gain at each step up to it.

    Peaks that held the output gain back (`gave_way_db`) are taken to grow with the EQ, and end it at what was computed.
    """
    if not result.eq.bands or analysis.silent:
        return 1.0, ""
    loudness = Loudness(analysis)
    limits = Limits(torch.from_numpy(np.nan_to_num(result.source_db, nan=-200.0)), loudness)
    room = LIMITS["intensity"].high / max(abs(result.intensity), 1e-6)
    top = 1.0 if result.gave_way_db > 0 else max(1.0, room)
    most, pairs, offset_db = 1.0, [], 0.0
    found = [(float(times), limits.held(result.eq, float(times))) for times in STEPS if times <= top]
    for times, held in found:
        if times == 1.0:
            offset_db = result.eq.output_gain_db - held.eq.output_gain_db
    for times, held in found:
        if times > 1.0 and held.by is not None:
            break
        most = max(most, times)
        pairs.append(f"{times:g} {held.eq.output_gain_db + offset_db * times:.2f}")
    return most, " ".join(pairs)
