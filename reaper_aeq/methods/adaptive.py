"""The EQ that people would most likely have made on *this* sound.

People's settings for the word are a Gaussian N(m, C) over curves; what is left of a sound's balance once its kind is
known is a Gaussian N(0, R). Somebody who asks for 'warm' has, on average, a sound that lacks it: the observed deviation
is d = (what is natural) - (the EQ that is missing). The posterior mean of the missing EQ is

    m + K (-d - m),    K = r C (r C + R)^-1,    r = EVIDENCE adaptation / (1 - adaptation)

`adaptation` 0 gives the fixed curve m, 0.5 weighs people and sound as the data do, 1 goes (almost) all the way. The
linear rule is followed by three bounds that keep the laws: a word never turns into its opposite, an already warm sound
gets little, but what can be heard, and a source that no Gaussian of music explains is not chased.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..model.audio_encoder import BLIND_VAR, Observation
from ..model.curves import COMPARED, along, along_heard, level_free, rms_db
from ..model.kinds import KINDS
from ..model.score import axes
from .request import Request

EVIDENCE = 0.9  # of r: how far a deviation is taken at its word; more costs on people's edits (models/README.md)
RATIO_LIMIT = 2.0  # of r: beyond it single partials are followed
LEVEL_VAR = 1e4  # dB²: the level of a recording says nothing
HUMAN_LIMIT_DB = 1.25  # of K m, so that an average sound gets the mean curve within the law's 1.5 dB RMS
FOLLOW = 0.53  # of the way to where all mixes score alike, at the default adaptation (law "convergent")
# On top of it beyond r = 1, for a word whose axis is known well; along one of few settings it costs more than it gives.
FOLLOW_KNOWN, KNOWN_FROM = 0.25, 64.0
# Of the word's curve: what a sound that has the word already still gets, for a press must be heard. The rule is bent
# towards it this softly, so that answers go on to fall with the score.
LEAST, SOFT = 0.25, 0.05
MOST, MOST_NARROW = 3.0, 1.85  # of the word's curve at the default adaptation; nobody means ten times what people do
# A source is narrow where little of the spectrum lies within so many dB of its loudest band (a bass, a trumpet, a
# cymbal: about half; mixes: nearly all). Between the two shares the limit moves from one to the other.
NEAR_DB, NEAR_SLOPE_DB = 40.0, 4.0
NARROW_UP_TO, WIDE_FROM = 0.64, 0.74
# Share of the word's curve, by the rule alone, up to which no corrections beside it are taken, and from which all are.
NO_SHAPE_TO, FULL_SHAPE_FROM = 0.06, 0.2
WORD_VAR = 1e4  # in units of the word's curve: any amount of it is alike
MIX = list(KINDS).index("mix")
ODD_ABOVE = 1.0  # squared Mahalanobis distance per band from which the usual spread is taken as wider: tails are heavy


def curves(requests: Sequence[Request]) -> Tensor:
    """(n, bands) dB, level-free."""
    return torch.stack([curve(request) for request in requests])


def curve(request: Request) -> Tensor:
    """(bands,) dB, level-free."""
    m, seen = request.mean_db, request.observation
    ratio = evidence_ratio(request.adaptation)
    if ratio == 0.0:
        return m
    answer, expected = likeliest(request, posterior_gain(request, ratio), ratio)
    # Music varies most in just the ways that words describe, so the rule above calls most of it natural and scores of
    # different sounds would hardly come closer: a part of what would bring them to one place is added.
    scored = axes(m[None], request.residual_cov)[0]
    lacking = scored @ (m - expected - seen.balance_db - answer) / (scored @ m).clamp_min(1e-12)
    answer = answer + follow(request, ratio) * float(lacking) * m
    return bounded_by_word(answer, m, most(seen) * max(1.0, ratio), seen.visible)


def evidence_ratio(adaptation: float) -> float:
    """r: how many times its spread the word is given, which is how much the sound's deviation counts against it."""
    return min(EVIDENCE * adaptation / max(1.0 - adaptation, 1e-9), RATIO_LIMIT)


def follow(request: Request, ratio: float) -> float:
    """0..1, of the way to where all sounds score alike. Mixes are meant to come closer to each other; a bass is not to
    be made as bright as a voice, and what is usual for one single source is known too little (models/README.md)."""
    own = FOLLOW * min(1.0, ratio) + FOLLOW_KNOWN * max(0.0, ratio - 1.0) * known(request)
    kinds = request.observation.usual.kinds if request.observation.usual else None
    return own if kinds is None else own * float(kinds[MIX])


def known(request: Request) -> float:
    """0..1, half at `KNOWN_FROM` settings: how well the data tell this word from how people differ in general."""
    settings = settings_behind(request)
    return settings / (settings + KNOWN_FROM)


def settings_behind(request: Request) -> float:
    """How many of people's settings the word rests on; 0 for a curve without a word."""
    return request.word.evidence.settings if request.word else 0


def likeliest(request: Request, gain: Tensor, ratio: float) -> tuple[Tensor, Tensor]:
    """The posterior mean before its bounds, and what of the word's curve sounds are expected to lack; (bands,) dB."""
    pull = gain @ request.mean_db
    expected = missing_share(pull, ratio) * pull
    return level_free(request.mean_db - gain @ request.observation.deviation_db - expected), expected


def missing_share(pull: Tensor, ratio: float) -> float:
    """0..1, how much of K m (bands,) a sound is expected to lack: an average one must still get what people do on
    average, and strong words would fall short of it."""
    return min(1.0, HUMAN_LIMIT_DB * max(1.0, ratio) ** 2 / max(float(rms_db(pull)), 1e-9))


def most(seen: Observation) -> float:
    """How many times the word's curve a sound may get: what a narrow source lacks is not its to have."""
    near = torch.sigmoid((seen.ltas_db - seen.ltas_db.max() + NEAR_DB) / NEAR_SLOPE_DB)
    wide = (float(near[COMPARED].mean()) - NARROW_UP_TO) / (WIDE_FROM - NARROW_UP_TO)
    return MOST_NARROW + (MOST - MOST_NARROW) * min(max(wide, 0.0), 1.0)


def posterior_gain(request: Request, ratio: float) -> Tensor:
    """K, (bands, bands): from a deviation to the part of it that the word's EQ is expected to undo."""
    cov = ratio * request.cov_db
    return torch.linalg.solve(cov + natural_cov(request, ratio), cov).T


def natural_cov(request: Request, ratio: float) -> Tensor:
    """(bands, bands): how far a sound deviates that lacks nothing, where it can be seen."""
    seen, cov = request.observation, ratio * request.cov_db
    visible = seen.visible * COMPARED
    blind = torch.diag(BLIND_VAR * (1 - visible) / visible.clamp_min(1e-4))
    noise = request.residual_cov + LEVEL_VAR
    # How much of the word a sound has must not make it odd, or the thinnest versions would be listened to least and get
    # less than thicker ones.
    total = cov + noise + blind + WORD_VAR * torch.outer(request.mean_db, request.mean_db)
    # Student's t in spirit: the further a source lies from all music, the less its deviation is taken at its word
    distance = float(seen.deviation_db @ torch.linalg.solve(total, seen.deviation_db)) / float(
        visible.sum().clamp_min(1)
    )
    oddness = max(1.0, distance / ODD_ABOVE)
    return oddness * noise + blind


def bounded_by_word(answer: Tensor, m: Tensor, most: float, visible: Tensor) -> Tensor:
    """Keeps the share of the word's own curve in `LEAST`..`most`; lets go of the rest as it nears the lower end.

    `visible`: (bands,) 0..1, where the sound is; there the rest must not undo the word either.
    """
    share = float(along(answer, m))
    beside = (answer - share * level_free(m)) * min(1.0, most / max(share, 1e-9))
    share = min(share, most)
    full = min(1.0, max(0.0, (share - NO_SHAPE_TO) / (FULL_SHAPE_FROM - NO_SHAPE_TO)))
    share = at_least(share)
    undone = -float(along_heard(beside, m, visible))
    if undone > 0:
        full = min(full, (share - LEAST) / undone)
    return share * level_free(m) + full * beside


def at_least(share: float) -> float:
    """Never under `LEAST`, hardly changed far above it, and smooth between: a softplus."""
    x = (share - LEAST) / SOFT
    return LEAST + SOFT * (max(x, 0.0) + math.log1p(math.exp(-abs(x))))
