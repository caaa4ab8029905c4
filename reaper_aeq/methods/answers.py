"""From what the engine found out about sounds to ReaEQ bands, and to what a picture of them shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..eq import Eq
from ..model.audio_encoder import Observation, center_robust
from ..model.eq_autoencoder import EqAutoencoder
from ..result.realization import realize_many
from .method import Method, MethodInput


def find_eqs(eq_model: EqAutoencoder, methods: Sequence[Method], requests: Sequence[MethodInput]) -> list[Eq]:
    """The bands at intensity 1: what is asked of one method goes through it together."""
    eqs: dict[int, Eq] = {}
    for method in dict.fromkeys(methods):
        here = [n for n, other in enumerate(methods) if other == method]
        own = [requests[n] for n in here]
        found = _realized(eq_model, method.curves(own), own)
        eqs |= zip(here, method.polish(own, found) if method.polish else found, strict=True)
    together = [eqs[n] for n in range(len(methods))]
    if not any(request.refine for request in requests):
        return together
    from .refine import refined

    return refined(requests, together)


def draw_eqs(eq_model: EqAutoencoder, request: MethodInput, count: int) -> list[Eq]:
    """So many other answers that people might give, drawn by the conditional VAE."""
    if not count:
        return []
    from .cvae import variations

    curves = variations(request, count)
    return _realized(eq_model, curves, [request] * len(curves))


def _realized(eq_model: EqAutoencoder, curves: Tensor, requests: Sequence[MethodInput]) -> list[Eq]:
    """(n, bands) dB -> bands that are safe for the n sounds."""
    # one by one: the last digits of a product of matrices depend on how many rows it has
    codes = torch.stack([eq_model.encode(curve) for curve in curves.float()])
    loudness = [r.loudness for r in requests if r.loudness is not None]
    return realize_many(
        eq_model,
        codes,
        [r.observation for r in requests],
        loudness,
        [r.mean_db for r in requests],
    )


def pictures(
    seen: Observation, request: MethodInput, change_db: Tensor
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """source, result, target from, target to: what the plot shows, on the grid; NaN where nothing is heard.

    `change_db`: (bands,) what comes out of bands and output gain.
    """
    natural = seen.usual_db + _level_against(seen)
    spread = 0.5 * request.residual_cov.diagonal().sqrt()
    aim = natural + request.mean_db
    low, high = torch.minimum(natural, aim) - spread, torch.maximum(natural, aim) + spread
    heard = seen.visible > 0.5
    hidden = torch.full_like(seen.ltas_db, torch.nan)
    result = seen.ltas_db + change_db
    shown = [torch.where(heard, row, hidden).numpy() for row in (seen.ltas_db, result, low, high)]
    return shown[0], shown[1], shown[2], shown[3]


def _level_against(seen: Observation) -> Tensor:
    """The level at which the usual spectrum lies nearest to this one, dB."""
    difference = seen.ltas_db - seen.usual_db
    return (difference - center_robust(difference, seen.visible)).where(seen.visible > 0.5, torch.nan).nanmedian()
