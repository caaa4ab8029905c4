"""The words as curves, for the dashboard to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ..model.curves import COMPARED, GRID, center
from ..model.words import DescriptorSettings
from . import wire

if TYPE_CHECKING:
    from ..engine import AdaptiveEQ


def curves_of_words(engine: AdaptiveEQ) -> wire.WordCurves:
    """Mean and standard deviation in dB where curves are compared; by kind of sound where a word differs."""
    decoder = center(engine.eq_model.decoder.weight.detach().double().cpu().T).T[COMPARED]  # (bands, 32)

    def curve(kind: str, settings: DescriptorSettings) -> wire.WordCurve:
        variance = torch.einsum("bi,ij,bj->b", decoder, settings.cov, decoder)
        mean, spread = decoder @ settings.mean, variance.clamp_min(0.0).sqrt()
        mean_db, spread_db = ([round(value, 2) for value in line.tolist()] for line in (mean, spread))
        return wire.WordCurve(kind=kind, mean_db=mean_db, spread_db=spread_db)

    words = {
        name: [
            curve("", DescriptorSettings(word.mean, word.cov)),
            *(curve(kind, one) for kind, one in word.by_kind.items()),
        ]
        for name, word in engine.words.items()
    }
    return wire.WordCurves(freqs_hz=[round(f, 1) for f in GRID[COMPARED].tolist()], words=words)
