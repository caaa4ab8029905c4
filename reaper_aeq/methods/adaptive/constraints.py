"""What the laws ask of an answer beside being likely: each correction is a function that says why."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...model.audio_encoder import Observation
from ...model.curves import COMPARED, audible_projection, center, projection, weights
from ...model.kinds import KINDS
from ..method import MethodInput

# Of the way to where all mixes score alike, at the default adaptation (law "convergent") and beyond r = 1, for a word
# whose axis is known well; along one of few settings it costs more than it gives.
FOLLOW, FOLLOW_FURTHER, KNOWN_FROM = 0.76, 0.25, 64.0
# Of the word's curve: what a sound that has the word already still gets, for a press must be heard. The rule is bent
# towards it this softly, so that answers go on to fall with the score.
LEAST, SOFT = 0.25, 0.05
MOST, MOST_NARROW = 3.0, 1.85  # of the word's curve at the default adaptation; nobody means ten times what people do
# Standard deviations of music: what has so much more of a word than is usual gets the least there is. Beyond that bands
# fall silent one by one, a sound says less and less, and the rule alone would fall back to what people do on average.
ENOUGH_FROM = 3.0
# A source is narrow where little of the spectrum lies within so many dB of its loudest band (a bass, a trumpet, a
# cymbal: about half; mixes: nearly all). Between the two shares the limit moves from one to the other.
NEAR_DB, NEAR_SLOPE_DB = 40.0, 4.0
NARROW_UP_TO, WIDE_FROM = 0.64, 0.74
# Share of the word's curve, by the rule alone, up to which no corrections beside it are taken, and from which all are.
NO_SHAPE_TO, FULL_SHAPE_FROM = 0.06, 0.2
MIX = list(KINDS).index("mix")


def follow(request: MethodInput, ratio: float) -> float:
    """0..1, of the way to where all sounds score alike. Mixes are meant to come closer to each other; a bass is not to
    be made as bright as a voice, and what is usual for one single source is known too little (models/README.md)."""
    axis = known(request) if request.word else 1.0
    own = request.pull * axis * (FOLLOW * min(1.0, ratio) + FOLLOW_FURTHER * max(0.0, ratio - 1.0))
    kinds = request.observation.usual.kinds if request.observation.usual else None
    return own if kinds is None else own * float(kinds[MIX])


def within(share: float, m: Tensor, expected: Tensor, limit_db: float) -> float:
    """The nearest to `share`, of the word's curve m (bands,), with which `share * m - expected` has at most `limit_db`.

    `expected`: (bands,) dB, no more than that itself; RMS, dB.
    """
    curve, less, w = center(m), center(expected), weights()
    size, both, own = (float((a * b * w).sum()) for a, b in ((curve, curve), (curve, less), (less, less)))
    middle = both / max(size, 1e-12)
    reach = math.sqrt(max(middle**2 - (own - limit_db**2) / max(size, 1e-12), 0.0))
    return min(max(share, middle - reach), middle + reach)


def known(request: MethodInput) -> float:
    """0..1, half at `KNOWN_FROM` settings: how well the data tell this word from how people differ in general."""
    settings = settings_behind(request)
    return settings / (settings + KNOWN_FROM)


def settings_behind(request: MethodInput) -> float:
    """How many of people's settings the word rests on; 0 for a curve without a word."""
    return request.word.evidence.settings if request.word else 0


def most(seen: Observation) -> float:
    """How many times the word's curve a sound may get: what a narrow source lacks is not its to have."""
    near = torch.sigmoid((seen.ltas_db - seen.ltas_db.max() + NEAR_DB) / NEAR_SLOPE_DB)
    wide = (float(near[COMPARED].mean()) - NARROW_UP_TO) / (WIDE_FROM - NARROW_UP_TO)
    return MOST_NARROW + (MOST - MOST_NARROW) * min(max(wide, 0.0), 1.0)


def enough(most: float, standard_score: float, heard: float) -> float:
    """How many times the word's curve a sound may get that has so much of the word already: `most` up to a standard
    deviation before `ENOUGH_FROM`, then less, down to `NO_SHAPE_TO`, of which `at_least` makes the least.

    Args:
        standard_score: of the word, in standard deviations of music (`model.score.standard_scores`).
        heard: 0..1, how far the sound is listened to at all: without adaptation all get the same.
    """
    left = max(NO_SHAPE_TO / most, min(1.0, ENOUGH_FROM - standard_score))
    return most * left**heard


def bounded_by_word(answer: Tensor, m: Tensor, most: float, visible: Tensor) -> Tensor:
    """Keeps the share of the word's own curve in `LEAST`..`most`; lets go of the rest as it nears the lower end.

    `visible`: (bands,) 0..1, where the sound is; there the rest must not undo the word either.
    """
    share = float(projection(answer, m))
    beside = (answer - share * center(m)) * min(1.0, most / max(share, 1e-9))
    share = min(share, most)
    full = min(1.0, max(0.0, (share - NO_SHAPE_TO) / (FULL_SHAPE_FROM - NO_SHAPE_TO)))
    share = at_least(share)
    undone = -float(audible_projection(beside, m, visible))
    if undone > 0:
        full = min(full, (share - LEAST) / undone)
    return share * center(m) + full * beside


def at_least(share: float) -> float:
    """Never under `LEAST`, hardly changed far above it, and smooth between: a softplus."""
    x = (share - LEAST) / SOFT
    return LEAST + SOFT * (max(x, 0.0) + math.log1p(math.exp(-abs(x))))
