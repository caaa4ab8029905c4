"""Where a word would have this sound: the EQ that is likeliest among those that bring it as far as `adaptive` does.

People's settings and what music leaves open make a posterior over curves. `adaptive` keeps its mean lawful with bounds
that look at the word alone: how much of the word's own curve a sound gets, and what becomes of the rest where that is
little. Given how much it gets, both in the score and along the word's curve, the same posterior says what the rest is
likely to be: the conditional mean of a Gaussian.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...model.curves import center, rms_db, weights
from ...model.score import axes
from .. import adaptive
from ..method import MethodInput

# Of the word's own size (RMS): the region comes no further from `adaptive`'s answer, however much would be likely.
# A sound that has the word already would else get a large EQ that does everything but the word. Times how well the word
# is known.
NEAR_SHARE = 0.2  # more gives people a little more and settles worse (0.604 of the first pass at 0.3)
FEW = 8  # settings; what fewer say of anything but the word's own curve is chance
RIDGE = 1e-6  # the score and the word's curve point nearly the same way


def constrained_mean(request: MethodInput) -> Tensor:
    """Its center, (bands,) dB, level-free."""
    m, lawful = request.mean_db, adaptive.curve(request)
    ratio = adaptive.evidence_ratio(request.adaptation)
    size = float(rms_db(m))
    if ratio == 0.0 or size == 0.0 or adaptive.settings_behind(request) < FEW:
        return lawful
    gain = adaptive.posterior_gain(request, ratio)
    mean, _ = adaptive.likeliest(request, gain, ratio)
    spread = ratio * (request.cov_db - gain @ request.cov_db)
    held = torch.stack((axes(m[None], request.residual_cov)[0], center(m) * weights()))  # (2, bands)
    held = held / held.norm(dim=1, keepdim=True)
    reach = spread @ held.T  # (bands, 2)
    given = held @ reach
    given = given + RIDGE * given.diagonal().mean() * torch.eye(2).to(given)
    off = center(mean + reach @ torch.linalg.solve(given, held @ (lawful - mean)) - lawful)
    near = NEAR_SHARE * size * adaptive.known(request)
    return lawful + off * near / max(near + float(rms_db(off)), 1e-9)
