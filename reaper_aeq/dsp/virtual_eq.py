"""What an analysis would be with an EQ on the sound: an EQ multiplies band powers, the sound itself is not needed."""

from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from .spectrum import GRID_HZ, MEL_HIGH_HZ, MEL_LOW_HZ, N_MELS, Analysis


def equalized(analysis: Analysis, curve_db: Tensor) -> Analysis:
    """The analysis of the same sound after an EQ whose response on the grid is `curve_db` (bands,)."""
    return dataclasses.replace(
        analysis,
        band_power=analysis.band_power * (10 ** (curve_db / 10)).float(),
        loudest=None,  # peaks depend on phases too
        most_peak_db=None,
        node_power=None,
        mel_power=analysis.mel_power * (10 ** (on_mels(curve_db) / 10)).float(),
    )


def on_mels(curves_db: Tensor) -> Tensor:
    """(..., bands) -> (..., mels): the response at each mel band's center, linear over log-frequency."""
    place = np.interp(np.log(_mel_centers_hz()), np.log(GRID_HZ), np.arange(len(GRID_HZ)))
    low = np.minimum(np.floor(place).astype(int), len(GRID_HZ) - 2)
    share = torch.from_numpy(place - low).to(curves_db)
    return curves_db[..., low] * (1 - share) + curves_db[..., low + 1] * share


@lru_cache(maxsize=1)
def _mel_centers_hz() -> np.ndarray:
    low, high = (2595 * np.log10(1 + f / 700) for f in (MEL_LOW_HZ, MEL_HIGH_HZ))
    return 700 * (10 ** (np.linspace(low, high, N_MELS + 2)[1:-1] / 2595) - 1)
