"""What may be asked of a match, checked before anything is read. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .eq import LIMITS
from .errors import AeqError, RangeError, WrongTypeError, as_number
from .methods import DEFAULT_MATCH, MATCHES

NARROWEST_OCT = 0.5  # between two frequency limits; a sixth-octave grid says little of less


@dataclass(frozen=True)
class MatchRequest:
    """How a reference is followed.

    Attributes:
        intensity: 0 nothing, 1 the reference's balance, up to 2 beyond it.
        weights: of each reference, positive, any scale; None: all alike.
        low_hz, high_hz: outside of them the EQ returns to flat within half an octave; None: no limit.
        smoothing_oct: octaves over which the EQ is smoothed; None: as the method does best.
        by: one of `methods.MATCHES`.

    Raises `AeqError`, `RangeError`.
    """

    intensity: float = 1.0
    weights: Sequence[float] | None = None
    low_hz: float | None = None
    high_hz: float | None = None
    smoothing_oct: float | None = None
    by: str = DEFAULT_MATCH

    def __post_init__(self) -> None:
        as_number("intensity", self.intensity)
        _check("intensity", self.intensity, "match_intensity")
        _check("the lower limit in Hz", self.low_hz, "freq_hz")
        _check("the upper limit in Hz", self.high_hz, "freq_hz")
        _check("the smoothing in octaves", self.smoothing_oct, "smoothing_oct")
        if not isinstance(self.by, str) or self.by not in MATCHES:
            raise AeqError(f"unknown way to match {self.by!r}: use one of {', '.join(MATCHES)}")
        low, high = self.low_hz or LIMITS["freq_hz"].low, self.high_hz or LIMITS["freq_hz"].high
        if high < low * 2**NARROWEST_OCT:
            raise AeqError(f"nothing can be matched from {low:g} to {high:g} Hz: they must lie half an octave apart")
        if self.weights is not None and not isinstance(self.weights, list | tuple):
            raise WrongTypeError("the weights", self.weights, "a list of numbers")
        for weight in self.weights or ():
            weight = as_number("the weight of a reference", weight)
            if not (math.isfinite(weight) and weight > 0):
                raise AeqError(f"the weight of a reference must be a number above 0, not {weight:g}")

    def shares(self, references: int) -> list[float]:
        """The weight of each of so many references; they sum to 1. Raises `AeqError` where the numbers differ."""
        if references < 1:
            raise AeqError("no reference given: name at least one recording to match")
        weights = list(self.weights) if self.weights is not None else [1.0] * references
        if len(weights) != references:
            raise AeqError(
                f"each reference needs one weight, not {_counted(len(weights), 'weight')} for"
                f" {_counted(references, 'reference')}"
            )
        return [float(weight) / sum(weights) for weight in weights]


def _check(name: str, value: float | None, limit: str) -> None:
    if value is not None and as_number(name, value) not in LIMITS[limit]:
        raise RangeError(name, as_number(name, value), LIMITS[limit].low, LIMITS[limit].high)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
