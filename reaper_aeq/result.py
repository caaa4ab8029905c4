"""What is found for one sound: the EQ, and all that is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .bands import Eq
from .dsp.spectrum import GRID_HZ, Analysis
from .loudness_kept import measured_compensation_db

# Up to this length loudness is measured on the filtered sound; beyond, the band powers of many blocks are as good.
MEASURED_UP_TO_S = 60.0


@dataclass(frozen=True)
class Result:
    """What `adapt` found. Curves are numpy (59,) on `dsp.spectrum.GRID_HZ`, dB, NaN where nothing is heard.

    `word` is None where a reference was matched (`match.MatchResult`). `understood`: where it is free text, the blend
    of known words that it was taken for. `variations`: other answers that people might give, where they were asked for.
    """

    word: str | None
    intensity: float
    method: str
    eq: Eq
    score_before: float
    score_after: float
    confidence: float
    explanation: str
    sample_rate: int
    source_db: np.ndarray
    result_db: np.ndarray
    target_low_db: np.ndarray
    target_high_db: np.ndarray
    understood: Mapping[str, float] | None = None
    variations: tuple[Result, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, as in the design's section 4."""
        return {
            "word": self.word,
            **({"understood": dict(self.understood)} if self.understood else {}),
            "intensity": self.intensity,
            "method": self.method,
            "score": {"before": round(self.score_before, 4), "after": round(self.score_after, 4)},
            "confidence": round(self.confidence, 3),
            "explanation": self.explanation,
            **self.eq.to_dict(),
            **({"variations": [one.to_dict() for one in self.variations]} if self.variations else {}),
        }


def with_measured_loudness(result: Result, audio: np.ndarray) -> Result:
    """The result with its output gain from the exact loudness of `audio` (channels, samples) before and after."""
    result = replace(result, variations=tuple(with_measured_loudness(one, audio) for one in result.variations))
    if not result.eq.bands:
        return result
    gain_db = measured_compensation_db(result.eq, audio, result.sample_rate)
    return replace(result, eq=result.eq.with_output_gain(gain_db))


def nothing_heard(word: str, intensity: float, method: str, analysis: Analysis) -> Result:
    empty = np.full(len(GRID_HZ), np.nan)
    told = f"There is no sound between 25 Hz and 20 kHz, so nothing was computed for '{word}'."
    return Result(
        word, float(intensity), method, Eq(), 0.5, 0.5, 0.0, told, analysis.sample_rate, empty, empty, empty, empty
    )
