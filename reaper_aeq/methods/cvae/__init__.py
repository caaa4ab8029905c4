"""What different people might do for the word on this sound: draws of a conditional VAE, and their mean.

The mean of many draws is the answer; single draws are the variations. All keep the bounds of `adaptive`: a draw that
would turn the word into its opposite is left out, for some people's 'warm' is bright on average sounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from ...model.curves import center, projection
from ...model.score import axes
from ..adaptive.constraints import bounded_by_word, most
from ..adaptive.posterior import evidence_ratio, human_limit_db, missing_share, natural_cov, posterior_gain
from ..method import MethodInput
from .network import Cvae, Posterior, posterior

MEAN_OF = 128  # draws: their mean moves by less than 0.1 dB from one set to another
LEAST_SHARE = 0.15  # of the word's curve, and of its score: a variation that has less is not more of the word
TRIES = 16  # draws for each variation that is wanted
SEED = 5


def curves(requests: Sequence[MethodInput]) -> Tensor:
    """(n, bands) dB, level-free: the mean of what people might do."""
    return torch.stack([_bounded(request, drawn(request, MEAN_OF).mean(0)) for request in requests])


def variations(request: MethodInput, count: int) -> Tensor:
    """(count, bands) dB, level-free, each of them more of the word; the first ones are the same whatever `count` is."""
    m = request.mean_db
    scored = axes(m[None], request.residual_cov)[0]
    tried = drawn(request, TRIES * count)
    shares = torch.minimum(projection(tried, m), tried @ scored / (scored @ m).clamp_min(1e-12))
    fitting = [n for n, share in enumerate(shares.tolist()) if share >= LEAST_SHARE]
    # where a sound has the word already hardly any draw adds to it: those that add most
    rest = [n for n in shares.argsort(descending=True).tolist() if n not in fitting]
    return torch.stack([_bounded(request, tried[n]) for n in sorted((fitting + rest)[:count])])


def drawn(request: MethodInput, count: int) -> Tensor:
    """(count, bands) dB: settings that people might choose, spread evenly; the same for the same request."""
    assert request.models is not None and request.word is not None, "drawing needs the models and the word"
    model, word, ratio = request.models.get(Cvae), request.word, evidence_ratio(request.adaptation)
    decoder = request.models.eq.decoder.weight.double().cpu()  # (bands, 32)
    seen = word_on_sound(request, model, decoder, ratio)
    vector, known = model.text(word.made_of)
    mean, ratios = model.standard(word.mean)[None], torch.tensor([ratio], dtype=torch.float64)
    odd, gates = model.condition(mean, vector[None], seen, ratios, known[None])
    z, rest = _normal(count, model.latent + model.n_axes).split([model.latent, model.n_axes], -1)
    with torch.no_grad():
        inside, log_std = model.decode(z, odd.expand(count, -1), gates.expand(count, -1))
    points = seen.mean + (inside + log_std.exp() * rest).double() @ seen.root[0]
    # what of the word lies outside of the axes is as people do it on average
    return center((word.mean + model.code(points - mean)) @ decoder.T)


def word_on_sound(request: MethodInput, model: Cvae, decoder: Tensor, ratio: float) -> Posterior:
    """The word's settings as far as the sound leaves them likely, a batch of one."""
    assert request.word is not None, "a trained method needs the word"
    mean, cov = model.standard(request.word.mean), model.covariance(request.word.cov)
    precision, information = torch.zeros_like(cov), torch.zeros_like(mean)
    if ratio:
        pull = posterior_gain(request, ratio) @ request.mean_db
        share = missing_share(pull, human_limit_db(request.mean_db, ratio))
        deviation = request.observation.deviation_db - (1 - share) * request.mean_db
        basis = decoder @ (model.axes * model.scale)  # (bands, axes)
        certain = ratio * torch.linalg.solve(natural_cov(request, ratio), basis)
        precision, information = basis.T @ certain, -certain.T @ deviation
    return posterior(mean[None], cov[None], precision[None], information[None])


def _bounded(request: MethodInput, curve_db: Tensor) -> Tensor:
    limit = most(request.observation) * max(1.0, evidence_ratio(request.adaptation))
    return bounded_by_word(curve_db, request.mean_db, limit, request.observation.visible)


@lru_cache(maxsize=8)
def _normal(count: int, dimensions: int) -> Tensor:
    """(count, dimensions) N(0, 1), as even as a Sobol sequence; a longer one begins with a shorter one."""
    uniform = torch.quasirandom.SobolEngine(dimensions, scramble=True, seed=SEED).draw(count)
    return torch.special.ndtri(uniform.double().clamp(1e-6, 1 - 1e-6)).float()
