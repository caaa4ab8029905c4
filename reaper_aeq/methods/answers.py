"""From what the engine found out about sounds to ReaEQ bands, and to what a picture of them shows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

import numpy as np
import torch
from torch import Tensor

from ..eq import Eq
from ..model.audio_encoder import Observation, center_robust
from ..model.eq_autoencoder import EqAutoencoder
from ..result.realization import FitTarget, bands_for, shared_bands_for
from .method import MethodInput, method
from .own_eq import own_shares


def find_eqs(eq_model: EqAutoencoder, methods: Sequence[str], requests: Sequence[MethodInput]) -> list[Eq]:
    """The bands at intensity 1: what is asked of one method goes through it together."""
    targets: dict[int, FitTarget] = {}
    for name in dict.fromkeys(methods):
        here = [n for n, other in enumerate(methods) if other == name]
        own = [requests[n] for n in here]
        targets |= zip(here, _targets(eq_model, method(name)(own), own), strict=True)
    eqs = bands_for([targets[n] for n in range(len(methods))])
    if not any(request.refine for request in requests):
        return eqs
    from .refine import refined

    return refined(requests, eqs)


def draw_eqs(eq_model: EqAutoencoder, request: MethodInput, count: int) -> list[Eq]:
    """So many other answers that people might give, drawn by the conditional VAE."""
    if not count:
        return []
    from .cvae import variations

    curves = variations(request, count)
    return bands_for(_targets(eq_model, curves, [request] * len(curves)))


def _targets(eq_model: EqAutoencoder, curves: Tensor, requests: Sequence[MethodInput]) -> list[FitTarget]:
    """(n, bands) dB -> what bands are searched for that are safe for the n sounds."""
    # one by one: the last digits of a product of matrices depend on how many rows it has
    codes = [eq_model.encode(curve) for curve in curves.float()]
    return [request.fit_target(eq_model, code) for request, code in zip(requests, codes, strict=True)]


def find_section_eqs(
    eq_model: EqAutoencoder, name: str, whole: MethodInput, requests: Sequence[MethodInput], wanted: Sequence[bool]
) -> list[Eq]:
    """The bands at intensity 1 of those sections of the sound `whole` that are `wanted`, each in bands of its own;
    `name`: of the method."""
    curves = _followed(name, whole, requests)[1:]
    return bands_for(_targets(eq_model, curves[list(wanted)], list(compress(requests, wanted))))


def find_shared_eqs(
    eq_model: EqAutoencoder, name: str, whole: MethodInput, requests: Sequence[MethodInput], shares: Sequence[float]
) -> list[Eq]:
    """The bands at intensity 1 of a sound and of its sections: the same ones, each with its own gains.

    `shares`: how much each counts, `whole` first.
    """
    curves = _followed(name, whole, requests)
    return shared_bands_for(_targets(eq_model, curves, [whole, *requests]), shares)


def _followed(name: str, whole: MethodInput, requests: Sequence[MethodInput]) -> Tensor:
    """(1 + n, bands) dB: of the whole sound, and of sections as far as they are believed to need one of their own."""
    curves = method(name)([whole, *requests])
    shares = torch.tensor([1.0, *own_shares(requests)], dtype=curves.dtype)[:, None]
    return curves[:1] + shares * (curves - curves[:1])


def pictures(
    seen: Observation, request: MethodInput, change_db: Tensor
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """source, result, target from, target to: what the plot shows, on the grid; NaN where nothing is heard.

    `change_db`: (bands,) what comes out of bands and output gain.
    """
    heard, difference = seen.visible > 0.5, seen.ltas_db - seen.usual_db
    # at the level at which the usual spectrum lies nearest to this one
    level = (difference - center_robust(difference, seen.visible)).where(heard, torch.nan).nanmedian()
    natural = seen.usual_db + level
    spread = 0.5 * request.residual_cov.diagonal().sqrt()
    aim = natural + request.mean_db
    low, high = torch.minimum(natural, aim) - spread, torch.maximum(natural, aim) + spread
    hidden = torch.full_like(seen.ltas_db, torch.nan)
    result = seen.ltas_db + change_db
    shown = [torch.where(heard, row, hidden).numpy() for row in (seen.ltas_db, result, low, high)]
    return shown[0], shown[1], shown[2], shown[3]
