"""How far each section of a sound is believed to lack an EQ of its own, and not the one that all of it lacks.

What is missing in two places of a song is either one EQ or it is two. Both are Gaussian models of what is seen there,
d = (what is natural) - (the EQ that is missing), as in `adaptive.posterior`, with one missing EQ common to both or two
drawn from what people do; which of them explains it better decides (Bayes factor: Kass and Raftery, Journal of the
American Statistical Association 90, 1995).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..model.audio_encoder import Observation
from ..model.curves import COMPARED
from .adaptive.posterior import evidence_ratio, natural_cov
from .method import MethodInput

# Logarithm of the odds for an EQ of its own where a balance changes for good, before anything is known of either
# (chosen by `evaluate sections` on half of the recordings).
PRIOR = 1.5


def own_shares(requests: Sequence[MethodInput]) -> list[float]:
    """The probability, 0..1, for each section that its EQ is not that of all the others; at least two sections."""
    natural = [natural_cov(one, evidence_ratio(one.adaptation)) for one in requests]
    known = [torch.linalg.inv(cov) for cov in natural]
    shares = []
    for n, request in enumerate(requests):
        others = [k for k in range(len(requests)) if k != n]
        # of one EQ for all others they are observations that add up
        cov = torch.linalg.inv(torch.stack([known[k] for k in others]).sum(0))
        weighted = (known[k] @ requests[k].observation.deviation_db for k in others)
        rest = cov @ torch.stack(list(weighted)).sum(0)
        heard = _heard(request.observation) & torch.stack([_heard(requests[k].observation) for k in others]).any(0)
        shares.append(1 / (1 + math.exp(min(_for_one_eq(request, natural[n], rest, cov, heard) - PRIOR, 500.0))))
    return shares


def _for_one_eq(request: MethodInput, natural: Tensor, rest_db: Tensor, rest_cov: Tensor, heard: Tensor) -> float:
    """How many nats likelier one EQ makes what is seen of a section and of the rest than two EQs do."""
    at = heard.nonzero()[:, 0]
    word = evidence_ratio(request.adaptation) * request.cov_db[at][:, at]
    seen_db = torch.cat([(one + request.mean_db)[at] for one in (request.observation.deviation_db, rest_db)])
    own, rest = natural[at][:, at] + word, rest_cov[at][:, at] + word
    one, two = (
        _nats(torch.cat([torch.cat([own, both], 1), torch.cat([both, rest], 1)]), seen_db)
        for both in (word, torch.zeros_like(word))
    )
    return one - two


def _nats(cov: Tensor, seen_db: Tensor) -> float:
    """Logarithm of a Gaussian's density, but for what hangs on the size alone."""
    root = torch.linalg.cholesky(cov)
    white = torch.linalg.solve_triangular(root, seen_db[:, None], upper=False)
    return -float(0.5 * white.square().sum() + root.diagonal().log().sum())


def _heard(seen: Observation) -> Tensor:
    """(bands,) bool."""
    return (seen.visible > 0.5) & COMPARED
