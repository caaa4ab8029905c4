"""The examination questions: a quality taken out of a clean recording by a known edit.

Published edits follow SonicMaster's EQ test (gross lacks); nobody's 'bright' is meant by them, so nothing is trained on
them. The curves act on the sixth-octave band powers of the analysis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..dsp.spectrum import GRID_HZ
from ..eq import Band, BandKind, Eq
from ..model.curves import GRID, REFERENCE_RATE


@dataclass(frozen=True)
class Published:
    """One kind of edit: a band with gains from `mild_db` to `gross_db`, and the band of energy that is watched."""

    word: str
    kind: BandKind
    freq_hz: float
    mild_db: float
    gross_db: float
    low_hz: float
    high_hz: float
    bandwidth_oct: float = 1.0

    def curve(self, gain_db: float) -> Tensor:
        """(bands,) dB"""
        gain = max(-24.0, min(24.0, gain_db))
        eq = Eq((Band(self.kind, self.freq_hz, gain, self.bandwidth_oct),))
        return torch.from_numpy(eq.response_db(GRID_HZ, REFERENCE_RATE))

    def gains(self, count: int) -> list[float]:
        """So many gains from mild to gross, dB."""
        return np.linspace(self.mild_db, self.gross_db, count).tolist()


TOP = 20_500.0
LOW, HIGH, PEAK = BandKind.LOW_SHELF, BandKind.HIGH_SHELF, BandKind.BAND
# muddy: one band from 200 to 500 Hz, 1.32 octaves around their middle
PUBLISHED = (
    Published("warm", LOW, 400, -6, -20, 20, 400),
    Published("bright", HIGH, 6000, -6, -15, 6000, TOP),
    Published("boomy", LOW, 120, -10, -20, 20, 150),
    Published("airy", HIGH, 10_000, -10, -20, 10_000, TOP),
    Published("muddy", PEAK, 316.2, -6, -15, 200, 500, 1.32),
    Published("dark", HIGH, 6000, 6, 15, 6000, TOP),
    Published("thin", LOW, 400, 6, 20, 20, 400),
)


def band_energy_ratio(ltas_db: Tensor, low_hz: float, high_hz: float) -> float:
    """The share of all energy that lies between two frequencies, 0..1."""
    power = 10 ** (ltas_db / 10)
    inside = (low_hz <= GRID) & (high_hz >= GRID)
    return float(power[inside].sum() / power.sum())
