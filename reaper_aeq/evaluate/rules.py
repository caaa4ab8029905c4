"""The rules to beat: two constants and two page-long adaptive ones (design, section 2.11)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..methods.adaptive import LEVEL_VAR, RATIO_LIMIT
from ..model.audio_encoder import BLIND_VAR, levelled, visibility
from ..model.curves import COMPARED, level_free


@dataclass(frozen=True)
class Music:
    """Mean (bands,) and covariance (bands, bands) of whole-track spectra."""

    mean_db: Tensor
    cov: Tensor


def _ratio(adaptation: float) -> float:
    return min(adaptation / max(1 - adaptation, 1e-9), RATIO_LIMIT)


def _deviation(ltas_db: Tensor, music: Music) -> tuple[Tensor, Tensor]:
    visible = visibility(ltas_db)
    noise = (
        music.cov + LEVEL_VAR + torch.diag(BLIND_VAR * (1 - visible * COMPARED) / (visible * COMPARED).clamp_min(1e-4))
    )
    return levelled(ltas_db - music.mean_db, visible), noise


def scalar_rule(ltas_db: Tensor, published: Tensor, along_var: float, music: Music, adaptation: float) -> Tensor:
    """The word's published curve times one number: the posterior mean of N(1, r * along_var) given the LTAS."""
    curve = level_free(published)
    deviation, noise = _deviation(ltas_db, music)
    toward = torch.linalg.solve(noise, curve)
    prior = 1 / max(_ratio(adaptation) * along_var, 1e-9)
    return (prior - float(toward @ deviation)) / (prior + float(toward @ curve)) * curve


def posterior_rule(ltas_db: Tensor, mean: Tensor, cov: Tensor, music: Music, adaptation: float) -> Tensor:
    """The whole curve: posterior mean of people's settings N(mean, r cov) given the LTAS (bands,)."""
    deviation, noise = _deviation(ltas_db, music)
    spread = _ratio(adaptation) * cov
    return level_free(mean + spread @ torch.linalg.solve(spread + noise, -deviation - mean))
