"""The EQ that people would most likely have made on *this* sound: the posterior mean, then what the laws ask of it.

The missing EQ that is most likely follows from how far a sound is from what is usual. People's settings for the word
are a Gaussian N(m, C) over curves; what is left of a sound's balance once its kind is known is a Gaussian N(0, R).
Somebody who asks for 'warm' has, on average, a sound that lacks it: the observed deviation is d = (what is natural) -
(the EQ that is missing). The posterior mean of the missing EQ is

    m + K (-d - m),    K = r C (r C + s R)^-1,    r = EVIDENCE adaptation / (1 - adaptation)

which is how one Gaussian is conditioned on another's sum with noise (Rasmussen and Williams, Gaussian Processes for
Machine Learning, 2006, eq. 2.22 to 2.26; Wiener's filter). `s` widens R for a sound that no Gaussian of music explains,
as a distribution of heavier tails than the word's would: then the word is believed, not the sound (O'Hagan, On outlier
rejection phenomena in Bayes inference, Journal of the Royal Statistical Society B 41, 1979).

`adaptation` 0 gives the fixed curve, 0.5 weighs people and sound as the data do, 1 goes (almost) all the way. What is
asked of an answer beside being likely is one function a correction, from `follow` on, which says why.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..model.audio_encoder import BLIND_VAR, Observation
from ..model.curves import COMPARED, audible_projection, center, projection, rms_db, weights
from ..model.kinds import KINDS
from ..model.score import axes, standard_scores
from .method import MethodInput

EVIDENCE = 0.9  # of r: how far a deviation is taken at its word; more costs on people's edits (models/README.md)
RATIO_LIMIT = 2.0  # of r: beyond it single partials are followed
LEVEL_VAR = 1e4  # dB²: the level of a recording says nothing
# How far an average sound may come out from people's mean (law "human"), and what of that is left to few bands: they
# miss large curves by more.
HUMAN_DB, BANDS_MISS_DB, BANDS_MISS_SHARE = 1.5, 0.25, 0.065
WORD_VAR = 1e4  # in units of the word's curve: any amount of it is alike
ODD_ABOVE = 1.0  # squared Mahalanobis distance per band from which the usual spread is taken as wider: tails are heavy

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


def curves(requests: Sequence[MethodInput]) -> Tensor:
    """(n, bands) dB, level-free."""
    return torch.stack([curve(request) for request in requests])


def curve(request: MethodInput) -> Tensor:
    """(bands,) dB, level-free."""
    m, seen = request.mean_db, request.observation
    ratio = evidence_ratio(request.adaptation)
    if ratio == 0.0:
        return m
    far = distance(request, ratio)
    answer, expected = likeliest(request, posterior_gain(request, ratio, far), ratio)
    # Music varies most in just the ways that words describe, so the rule above calls most of it natural and scores of
    # different sounds would hardly come closer: a part of what would bring them to one place is added.
    scored = axes(m[None], request.residual_cov)[0]
    whole = (scored @ m).clamp_min(1e-12)
    lacking = scored @ (m - expected - seen.balance_db - answer) / whole
    pull = follow(request, ratio) * float(lacking)
    if seen.usual:
        # A score takes only a part of what is usual for granted. The rest pulls a sound of usual balance as well, so it
        # is held there, and no more where a sound is as far from usual as sounds are.
        average = -follow(request, ratio) * float(scored @ (seen.usual.mean_db - seen.usual.granted_db) / whole)
        held = within(average, m, expected, human_limit_db(m, ratio))
        pull += max(0.0, 1.0 - far) * (held - average)
    answer = answer + pull * m
    score = float(standard_scores(m[None], seen.balance_db, request.residual_cov)[0])
    limit = enough(most(seen) * max(1.0, ratio), score, min(1.0, ratio / EVIDENCE))
    return bounded_by_word(answer, m, limit, seen.visible)


def posterior(mean_db: Tensor, gain: Tensor, deviation_db: Tensor, expected_db: Tensor) -> Tensor:
    """m - K d - K m, level-free, (bands,) dB.

    Args:
        mean_db: m (bands,), what people do for the word. gain: K (bands, bands), `kalman_gain`.
        deviation_db: d (bands,), of a sound from what is usual for it.
        expected_db: K m (bands,), or less of it: what of the word's curve sounds are expected to lack.
    """
    return center(mean_db - gain @ deviation_db - expected_db)


def kalman_gain(word_cov: Tensor, natural_cov: Tensor) -> Tensor:
    """K = C (C + R)^-1 for covariances (bands, bands): from a deviation to the part of it that is a missing EQ."""
    return torch.linalg.solve(word_cov + natural_cov, word_cov).T


def evidence_ratio(adaptation: float) -> float:
    """r: how many times its spread the word is given, which is how much the sound's deviation counts against it."""
    return min(EVIDENCE * adaptation / max(1.0 - adaptation, 1e-9), RATIO_LIMIT)


def likeliest(request: MethodInput, gain: Tensor, ratio: float) -> tuple[Tensor, Tensor]:
    """The posterior mean before its bounds, and what of the word's curve sounds are expected to lack; (bands,) dB."""
    pull = gain @ request.mean_db
    expected = missing_share(pull, human_limit_db(request.mean_db, ratio)) * pull
    return posterior(request.mean_db, gain, request.observation.deviation_db, expected), expected


def missing_share(pull: Tensor, limit_db: float) -> float:
    """0..1, how much of K m (bands,) a sound is expected to lack: an average one must still get what people do on
    average, and strong words would fall short of it."""
    return min(1.0, limit_db / max(float(rms_db(pull)), 1e-9))


def human_limit_db(m: Tensor, ratio: float) -> float:
    """How far (RMS, dB) the answer of an average sound may be from the word's mean curve m (bands,), before bands."""
    return (HUMAN_DB - max(BANDS_MISS_DB, BANDS_MISS_SHARE * float(rms_db(m)))) * max(1.0, ratio) ** 2


def posterior_gain(request: MethodInput, ratio: float, far: float | None = None) -> Tensor:
    """K, (bands, bands): from a deviation to the part of it that the word's EQ is expected to undo. `far`: `distance`,
    where it is known already."""
    return kalman_gain(ratio * request.cov_db, natural_cov(request, ratio, far))


def natural_cov(request: MethodInput, ratio: float, far: float | None = None) -> Tensor:
    """(bands, bands): how far a sound deviates that lacks nothing, where it can be seen; `far` as above."""
    noise, blind = _unexplained(request)
    far = distance(request, ratio) if far is None else far
    # Student's t in spirit: the further a source lies from all music, the less its deviation is taken at its word
    oddness = max(1.0, far / ODD_ABOVE)
    return oddness * noise + blind


def distance(request: MethodInput, ratio: float) -> float:
    """How far a sound is from what is usual for it, squared, per band that can be seen: 0 just that, 1 as far as
    sounds are on average."""
    seen = request.observation
    noise, blind = _unexplained(request)
    # How much of the word a sound has must not make it odd, or the thinnest versions would be listened to least and get
    # less than thicker ones.
    total = ratio * request.cov_db + noise + blind + WORD_VAR * torch.outer(request.mean_db, request.mean_db)
    squared = float(seen.deviation_db @ torch.linalg.solve(total, seen.deviation_db))
    return squared / float((seen.visible * COMPARED).sum().clamp_min(1))


def _unexplained(request: MethodInput) -> tuple[Tensor, Tensor]:
    """Covariances (bands, bands) of what is natural, level and all, and of bands out of sight."""
    visible = request.observation.visible * COMPARED
    blind = torch.diag(BLIND_VAR * (1 - visible) / visible.clamp_min(1e-4))
    return request.residual_cov + LEVEL_VAR, blind


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
