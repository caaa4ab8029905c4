"""The EQ that people would most likely have made on *this* sound: the posterior mean, then what the laws ask of it.

`posterior`: five lines of linear algebra and what goes into them. `constraints`: each correction, with its reason.
`adaptation` 0 gives the fixed curve, 0.5 weighs people and sound as the data do, 1 goes (almost) all the way.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...model.score import axes, standard_scores
from ..method import MethodInput
from .constraints import bounded_by_word, enough, follow, most, within
from .posterior import EVIDENCE, distance, evidence_ratio, human_limit_db, likeliest, posterior_gain


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
