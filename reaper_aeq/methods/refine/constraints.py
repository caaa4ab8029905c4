"""Where a word would have a sound that the laws (docs/examinations.md) leave possible, and whether bands keep them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ...model.audio_encoder import center_robust
from ...model.curves import COMPARED, center, rms_db, soft_clip_inverse, weights
from ...model.score import axes
from ..adaptive import curve
from ..adaptive.constraints import known, settings_behind
from ..adaptive.posterior import evidence_ratio, likeliest, posterior_gain
from ..method import MethodInput

INTENSITIES = (0.25, 0.5, 0.75, 1.0)
FALL = 1e-4  # of a raw score between two intensities: less than the filters' own edges change


def keeps_constraints(
    requests: Sequence[MethodInput],
    respond: Callable[[Tensor], Tensor],
    limit: Tensor,
    start: Tensor,
    candidates: Tensor,
) -> Tensor:
    """Which candidates go no further beyond `limit` and let the score fall no more than the start does, (n, k) bool.

    Args:
        limit: (n, grid) dB, what the bands may do at most.
        respond: params (..., bands, 3) -> response (..., grid) dB.
        start: params (n, bands, 3). candidates: (n, k, bands, 3).
    """
    tried = torch.cat((start[:, None], candidates), 1)  # (n, k + 1, bands, 3)
    over = (respond(tried) - limit[:, None]).amax(-1)  # (n, k + 1)
    allowed = over[:, :1].clamp_min(0.0) + 1e-6
    scores = raw_scores(requests, torch.stack([respond(scaled(tried, i)) for i in INTENSITIES], 2))
    silent = raw_scores(requests, limit.new_zeros(len(requests), 1, 1, len(COMPARED))).expand(-1, tried.shape[1], -1)
    falls = -torch.cat((silent, scores), -1).diff(dim=-1).amin(-1)  # (n, k + 1)
    risen = scores[..., -1] > silent[..., 0]
    kept = (over <= allowed) & (falls <= falls[:, :1].clamp_min(FALL)) & (risen | ~risen[:, :1])
    return kept[:, 1:]


def scaled(params: Tensor, factor: float) -> Tensor:
    """The same bands with gains times `factor`."""
    return params * params.new_tensor([1.0, factor, 1.0])


def raw_scores(requests: Sequence[MethodInput], response: Tensor) -> Tensor:
    """What the sounds score for their words after EQs: (n, ..., grid) dB -> (n, ...), on any scale."""
    found = []
    for request, own in zip(requests, response.cpu(), strict=True):
        after = (soft_clip_inverse(request.observation.balance_db) + own).reshape(-1, own.shape[-1])
        balances = torch.stack([center_robust(row, torch.ones_like(row)) for row in after])
        found.append((balances @ axes(request.mean_db[None], request.residual_cov)[0]).view(own.shape[:-1]))
    return torch.stack(found).to(response.device)


# Of the word's own size (RMS): the region comes no further from `adaptive`'s answer, however much would be likely.
# A sound that has the word already would else get a large EQ that does everything but the word. Times how well the word
# is known.
NEAR_SHARE = 0.2  # more gives people a little more and settles worse (0.604 of the first pass at 0.3)
FEW = 8  # settings; what fewer say of anything but the word's own curve is chance
RIDGE = 1e-6  # the score and the word's curve point nearly the same way


def constrained_mean(request: MethodInput) -> Tensor:
    """Where a word would have this sound, (bands,) dB, level-free: the likeliest that goes as far as `adaptive`.

    People's settings and what music leaves open make a posterior over curves. `adaptive` bounds its mean by
    rules that look at the word alone: how much of the word's own curve a sound gets, and what becomes of the rest
    where that is little. Given how much it gets, both in the score and along the word's curve, the same posterior says
    what the rest is likely to be: the conditional mean of a Gaussian.
    """
    m, adapted = request.mean_db, curve(request)
    ratio = evidence_ratio(request.adaptation)
    size = float(rms_db(m))
    if ratio == 0.0 or size == 0.0 or settings_behind(request) < FEW:
        return adapted
    gain = posterior_gain(request, ratio)
    mean, _ = likeliest(request, gain, ratio)
    spread = ratio * (request.cov_db - gain @ request.cov_db)
    held = torch.stack((axes(m[None], request.residual_cov)[0], center(m) * weights()))  # (2, bands)
    held = held / held.norm(dim=1, keepdim=True)
    reach = spread @ held.T  # (bands, 2)
    given = held @ reach
    given = given + RIDGE * given.diagonal().mean() * torch.eye(2).to(given)
    off = center(mean + reach @ torch.linalg.solve(given, held @ (adapted - mean)) - adapted)
    near = NEAR_SHARE * size * known(request)
    return adapted + off * near / max(near + float(rms_db(off)), 1e-9)
