"""A request and the sound it is for, and the same once it was checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..dsp.analyze_file import MEASURED_UP_TO_S
from ..dsp.spectrum import Analysis
from ..errors import AudioError, WrongTypeError
from ..model.audio_encoder import Observation
from ..model.kinds import kind_prior, known_kind
from ..model.words import Vocabulary, Word
from ..request import DEFAULT_ADAPTATION, REFINE_STEPS, EqRequest

# Of the pull to one score, which is for sounds by themselves, to sections: with an EQ each they come closer to each
# other anyhow than one EQ brings them (docs/results.md).
SECTIONS_PULL = 0.25


@dataclass(frozen=True)
class AnalyzedRequest:
    """What is wanted of one sound.

    `sound`: its samples (channels, n) float32 where refining is to be exact, else None.
    `edges_s`: where sections begin, seconds; None: where the balance of the sound changes. Only with
    `request.sections`.
    `sections_pull`: how much of the pull to one score sections get, 0 to 1; examinations try others.
    """

    analysis: Analysis
    request: EqRequest
    sound: np.ndarray | Tensor | None = None
    edges_s: Sequence[float] | None = None
    sections_pull: float = SECTIONS_PULL


@dataclass(frozen=True, kw_only=True)
class ValidatedRequest(AnalyzedRequest):
    """A request that was checked, its defaults filled in.

    Attributes:
        asked: the word as it was said. wanted: what has to be done, its opposite for a negative intensity.
        prior: (kinds,), what is said of the sound's kind; None: nothing.
    """

    asked: Word
    wanted: Word
    intensity: float
    adaptation: float
    method: str
    refine: int
    prior: Tensor | None = None

    def on(self, seen: Observation) -> ValidatedRequest:
        """With the words as they are meant for what this sound is."""
        kinds = seen.usual.kinds if seen.usual else None
        return replace(self, asked=self.asked.for_kinds(kinds), wanted=self.wanted.for_kinds(kinds))


def validated(one: AnalyzedRequest, words: Vocabulary) -> ValidatedRequest:
    """Raises what may be wrong with it: `RangeError`, `UnknownWordError`, `AudioError`, `AeqError`."""
    request = one.request
    request.check()
    intensity = float(request.intensity)
    adaptation = DEFAULT_ADAPTATION if request.adaptation is None else float(request.adaptation)
    steps = REFINE_STEPS.get(request.method, 0) if request.refine is None else int(request.refine)
    if one.sound is not None and one.analysis.duration_s > MEASURED_UP_TO_S:
        raise AudioError(f"'exact' takes at most {MEASURED_UP_TO_S:g} s of sound: leave it out")
    asked = words.blend(request.word)
    # a negative intensity asks for the opposite, which this sound may lack as much or as little
    wanted = asked if intensity >= 0 else asked.opposite()
    return ValidatedRequest(
        **vars(one), asked=asked, wanted=wanted, intensity=intensity, adaptation=adaptation, method=request.method,
        refine=steps, prior=prior_of(request.kind, request.name),
    )  # fmt: skip


def prior_of(kind: str | None, name: str | Sequence[str] | None) -> Tensor | None:
    """What a person or names say of a sound's kind, (kinds,) float64. Raises `AeqError` for a kind that is none."""
    names = [name] if isinstance(name, str) else name if name is not None else []
    if not isinstance(names, Sequence) or not all(isinstance(one, str) for one in names):
        raise WrongTypeError("the name of a track", name, "text, or a list of names")
    prior = known_kind(kind) if kind else kind_prior(*names)
    return None if prior is None else torch.tensor(prior, dtype=torch.float64)
