"""Random EQs of every shape and sounds made of noise: drawn from a generator first, applied afterwards."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...dsp.fit import DEFAULT_KINDS
from ...dsp.response import response_db
from ...eq import LIMITS, SHELF_BANDWIDTH_OCT
from ...model.curves import GRID, REFERENCE_RATE


def draw_band_params(count: int, generator: torch.Generator) -> Tensor:
    """(count, 5, 3): low shelf, three bands, high shelf; each band is off (0 dB) in a third of the draws."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, 5, generator=generator, dtype=torch.float64)

    log_low = torch.tensor([40.0, 80.0, 80.0, 80.0, 1500.0], dtype=torch.float64).log2()
    log_high = torch.tensor([800.0, 12_000.0, 12_000.0, 12_000.0, 14_000.0], dtype=torch.float64).log2()
    freq_hz = 2 ** (log_low + (log_high - log_low) * uniform(0, 1))
    limit = LIMITS["gain_db"].high
    gain_db = uniform(-limit, limit) * (uniform(0, 1) < 2 / 3)
    width_oct = 2 ** uniform(-1.5, 1.7)
    width_oct[:, [0, 4]] = SHELF_BANDWIDTH_OCT
    return torch.stack((freq_hz, gain_db, width_oct), -1)


def random_curves(count: int, generator: torch.Generator) -> Tensor:
    """(count, bands) dB: responses of `draw_band_params`."""
    return response_db(draw_band_params(count, generator), DEFAULT_KINDS, GRID, REFERENCE_RATE)


def shaped_noise(
    curve_db: Tensor, seconds: float, sample_rate: int, generator: torch.Generator, rate_hz: float, depth: float
) -> Tensor:
    """(2, samples) float32: pink noise whose octave-band levels follow `curve_db` (bands,), in gusts.

    `rate_hz` and `depth` (0..1) say how fast and how far the level moves, faster at high frequencies as in music.
    """
    samples = round(seconds * sample_rate)
    white = torch.randn(2, samples, generator=generator)
    freqs = torch.fft.rfftfreq(samples, 1 / sample_rate).numpy()
    gain_db = np.interp(np.log(np.maximum(freqs, 1.0)), np.log(GRID.numpy()), curve_db.numpy())
    pink = 1 / np.sqrt(np.maximum(freqs, 20.0))
    sound = torch.fft.irfft(torch.fft.rfft(white) * torch.from_numpy(pink * 10 ** (gain_db / 20)).float(), samples)
    phase = 2 * torch.pi * torch.rand(1, generator=generator)
    gust = torch.sin(2 * torch.pi * rate_hz * torch.arange(samples) / sample_rate + phase)
    sound = sound * (1 - depth + depth * gust.clamp_min(0) ** 2)
    return 0.3 * sound / sound.abs().max().clamp_min(1e-9)
