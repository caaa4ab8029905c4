"""Gradient steps on ReaEQ bands: their coordinates, and Adam."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from ..dsp.band_shapes import GAIN_UNIT_DB
from ..dsp.few_bands import FIXED_OCT
from ..dsp.fit import HIGHEST_BAND_HZ
from ..eq import LIMITS, BandKind


def to_free(params: Tensor) -> Tensor:
    """(..., bands, 3) Hz, dB, octaves -> octaves, units of `GAIN_UNIT_DB`, octaves of bandwidth."""
    return torch.stack((params[..., 0].log2(), params[..., 1] / GAIN_UNIT_DB, params[..., 2].log2()), -1)


def to_params(free: Tensor, kinds: Sequence[BandKind], narrowest_oct: float = LIMITS["bandwidth_oct"].low) -> Tensor:
    """Back, (..., bands, 3), held inside `eq.LIMITS`; shelves and pass filters keep their width."""
    freq, gain, width = LIMITS["freq_hz"], LIMITS["gain_db"], LIMITS["bandwidth_oct"]
    fixed = torch.tensor([FIXED_OCT.get(kind, 0.0) for kind in kinds], device=free.device).to(free)
    highest = torch.where(fixed > 0, freq.high, HIGHEST_BAND_HZ).to(free)
    freq_hz = free[..., 0].exp2().clamp_min(freq.low).minimum(highest)
    gain_db = (GAIN_UNIT_DB * free[..., 1]).clamp(gain.low, gain.high)
    width_oct = torch.where(fixed > 0, fixed, free[..., 2].exp2().clamp(narrowest_oct, width.high))
    return torch.stack((freq_hz, gain_db, width_oct), -1)


def descend(
    losses: Callable[[Tensor], Tensor], free: Tensor, steps: int, rate: float | Tensor, *, cooling: bool = False
) -> Iterator[tuple[Tensor, Tensor]]:
    """Where Adam is before its first step and after each, with the losses there.

    Args:
        losses: free (n, ...) -> (n,); each is descended by itself.
        rate: of the first step, one for all or (n, 1, ...); with `cooling` it falls to nothing on a cosine.
    """
    free = free.detach()
    mean, square = torch.zeros_like(free), torch.zeros_like(free)
    for step in range(1, steps + 1):
        free.requires_grad_(True)
        with torch.enable_grad():
            loss = losses(free)
            (slope,) = torch.autograd.grad(loss.sum(), free)
        yield free.detach(), loss.detach()
        # Adam (Kingma and Ba 2015) by hand: the first step of torch's own loads its compiler, which takes seconds
        mean = 0.9 * mean + 0.1 * slope
        square = 0.999 * square + 0.001 * slope.square()
        size = rate * (0.5 + 0.5 * torch.cos(torch.tensor(torch.pi * (step - 1) / steps)).item() if cooling else 1.0)
        free = free.detach() - size * (mean / (1 - 0.9**step)) / ((square / (1 - 0.999**step)).sqrt() + 1e-8)
    with torch.no_grad():
        yield free, losses(free)
