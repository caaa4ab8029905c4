"""What is asked of the engine, and the same once it was checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .dsp.spectrum import Analysis
from .eq import LIMITS
from .errors import AudioError, RangeError, as_number
from .methods import DEFAULT_ADAPTATION, DEFAULT_METHOD, REFINE_STEPS
from .methods.request import Method
from .methods.request import method as find_method
from .model.audio_encoder import Observation
from .model.kinds import kind_prior, known_kind
from .model.words import Vocabulary, Word
from .result.result import MEASURED_UP_TO_S

COUNTS = ("refine", "variations")


@dataclass(frozen=True)
class Asked:
    """One sound and what is wanted of it; the fields are those of `AdaptiveEQ.adapt`.

    `sound`: its samples (channels, n) float32 where refining is to be exact, else None.
    """

    analysis: Analysis
    word: str | Mapping[str, float]
    intensity: float = 1.0
    adaptation: float | None = None
    method: str = DEFAULT_METHOD
    refine: int | None = None
    sound: np.ndarray | Tensor | None = None
    variations: int = 0
    kind: str | None = None
    name: str | Sequence[str] | None = None


@dataclass(frozen=True)
class Plan:
    """A request that was checked."""

    asked: Word
    wanted: Word
    intensity: float
    adaptation: float
    method: Method
    refine: int
    prior: Tensor | None = None  # (kinds,), what is said of the sound's kind

    def on(self, seen: Observation) -> Plan:
        """With the words as they are meant for what this sound is."""
        kinds = seen.usual.kinds if seen.usual else None
        return replace(self, asked=self.asked.for_kinds(kinds), wanted=self.wanted.for_kinds(kinds))


def plan(one: Asked, words: Vocabulary) -> Plan:
    """Raises what may be wrong with it: `RangeError`, `UnknownWordError`, `AudioError`, `AeqError`."""
    method = find_method(one.method)
    intensity = _checked("intensity", one.intensity)
    adaptation = _checked("adaptation", DEFAULT_ADAPTATION if one.adaptation is None else one.adaptation)
    steps = int(_checked("refine", REFINE_STEPS.get(one.method, 0) if one.refine is None else one.refine))
    _checked("variations", one.variations)
    if one.sound is not None and one.analysis.duration_s > MEASURED_UP_TO_S:
        raise AudioError(f"'exact' takes at most {MEASURED_UP_TO_S:g} s of sound: leave it out")
    asked = words.blend(one.word)
    # a negative intensity asks for the opposite, which this sound may lack as much or as little
    return Plan(
        asked,
        asked if intensity >= 0 else asked.opposite(),
        intensity,
        adaptation,
        method,
        steps,
        prior_of(one.kind, one.name),
    )


def prior_of(kind: str | None, name: str | Sequence[str] | None) -> Tensor | None:
    """What a person or names say of a sound's kind, (kinds,) float64. Raises `AeqError` for a kind that is none."""
    names = [name] if isinstance(name, str) else name or []
    prior = known_kind(kind) if kind else kind_prior(*names)
    return None if prior is None else torch.tensor(prior, dtype=torch.float64)


def _checked(name: str, value: float) -> float:
    limit, value = LIMITS[name], as_number(name, value, whole=name in COUNTS)
    if value not in limit:
        raise RangeError(name, value, limit.low, limit.high)
    return value
