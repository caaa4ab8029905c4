"""The EQ that a network believes to make the change that is wanted: an online optimizer over `proxy.network`.

What is wanted is the displacement that `adaptive` finds. Several starts, of all sounds at once, go down the distance
between it and what the network says of their bands; a prior holds the bands near what EQs usually are. What the best
start's bands *truly* do is the answer. `search` takes any function for "what bands do", the true response as well
(tests/bench/bench_proxy.py compares the two).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ...dsp.fit import DEFAULT_KINDS
from ...dsp.response import response_db
from ...model.curves import COMPARED, GRID, REFERENCE_RATE, center
from ...model.eq_autoencoder import EqAutoencoder
from ...result.realization import NARROWEST_OCT, TARGET_STEP_DB
from .. import adaptive
from ..descent import descend, to_free, to_params
from ..method import MethodInput
from .network import EqProxy, features, from_features

STEPS, RATE = 150, 0.15
DRAWN = 6  # starts drawn from the prior, beside the encoder's own guess and no EQ at all
DRAWN_SPREAD = 0.7  # standard deviations: no start at the prior's edge
PRIOR = 1e-3  # dB² for each squared standard deviation from the usual


def curves(requests: Sequence[MethodInput]) -> Tensor:
    """(n, bands) dB, level-free."""
    models = requests[0].models
    assert models is not None, "a trained method needs the models"
    # two levels of one sound differ in the last digits, after which a search goes another way
    wanted = (adaptive.curves(requests) / TARGET_STEP_DB).round() * TARGET_STEP_DB
    eq_model, proxy = models.eq, models.get(EqProxy)
    codes = eq_model.encode(wanted.float())
    decoder = eq_model.decoder.weight.to(proxy.usual)
    found = search(wanted.to(decoder), starts(eq_model, proxy, codes), proxy, lambda params: proxy(params) @ decoder.T)
    return center(response_db(found.double().cpu(), DEFAULT_KINDS, GRID, REFERENCE_RATE))


def starts(eq_model: EqAutoencoder, proxy: EqProxy, codes: Tensor) -> Tensor:
    """(n, 32) -> (n, starts, 5, 3): the encoder's guess, that guess with all gains at 0, and draws from the prior."""
    guess = eq_model.propose(codes)[:, None].cpu().to(proxy.usual.dtype)
    draws = torch.randn(DRAWN, len(DEFAULT_KINDS), 3, generator=torch.Generator().manual_seed(0)).to(guess)
    drawn = from_features(proxy.usual.cpu() + DRAWN_SPREAD * proxy.spread.cpu() * draws)
    drawn = to_params(to_free(drawn), DEFAULT_KINDS, NARROWEST_OCT).expand(len(codes), -1, -1, -1)
    return torch.cat((guess, guess * guess.new_tensor([1.0, 0.0, 1.0]), drawn), 1).to(proxy.usual)


@torch.no_grad()
def search(wanted_db: Tensor, first: Tensor, proxy: EqProxy, does: Callable[[Tensor], Tensor]) -> Tensor:
    """The best of many starts, (n, 5, 3).

    Args:
        wanted_db: (n, grid), level-free. first: (n, starts, 5, 3), on the device and in the precision of the search.
        proxy: whose prior holds the bands.
        does: params (..., 5, 3) -> (..., grid) dB, differentiable.
    """
    count = first.shape[1]
    target = wanted_db.repeat_interleave(count, 0)
    counted = COMPARED.to(target.device)

    def errors(free: Tensor) -> tuple[Tensor, Tensor]:
        params = to_params(free, DEFAULT_KINDS, NARROWEST_OCT)
        off = (does(params) - target)[..., counted]
        return off.var(-1, correction=0), params  # level-free

    def losses(free: Tensor) -> Tensor:
        error, params = errors(free)
        away = (features(params) - proxy.usual.to(params)) / proxy.spread.to(params)
        return error + PRIOR * away.square().sum((-2, -1))

    *_, (free, _) = descend(losses, to_free(first.flatten(0, 1)), STEPS, RATE, cooling=True)
    error, params = errors(free)
    best = error.view(-1, count).argmin(1)
    return params.unflatten(0, (-1, count))[torch.arange(len(best), device=best.device), best]
