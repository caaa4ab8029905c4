"""Matching by features: the bands for which the encoder's code of the equalised sound is that of the reference.

By design code(EQ(x)) = code(x) + encode(EQ), so the sound need not be filtered at each step: ReaEQ's true responses are
differentiated, and steps of Adam go down the difference of the two codes. What texture makes the encoder expect of
source and reference is part of their codes: another piece is asked for its deviation from its kind, not for its notes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..bands import LIMITS, SHELF_BANDWIDTH_OCT, SHELVES
from ..dsp.fit import DEFAULT_KINDS, GAIN_UNIT_DB
from ..dsp.response import response_db
from ..model.curves import COMPARED, GRID, REFERENCE_RATE, level_free
from ..model.eq_autoencoder import EqAutoencoder

STEPS, RATE = 40, 0.1
SMALL = 0.002  # of a gain's square: of two EQs that match alike the smaller one
HIGHEST_BAND_HZ = 12_000.0  # as where bands are fitted to curves


def curve(wanted_code: Tensor, heard: Tensor, eq_model: EqAutoencoder) -> Tensor:
    """(bands,) dB, level-free: the response of five bands found by gradient.

    Args:
        wanted_code: code of the reference minus code of the source, (32,).
        heard: (bands,) 0..1; where it is 0 the reference says nothing.
    """
    target = eq_model.decode_curve(wanted_code.float()).double()
    weight = heard * COMPARED
    weight = weight / weight.sum().clamp_min(1e-9)
    # the encoder's own guess, and no EQ at all
    guess = eq_model.propose(wanted_code.float()[None])[0].double()
    flat = guess.clone()
    flat[:, 1] = 0.0
    free = _to_free(torch.stack((guess, flat))).requires_grad_(True)
    mean, square = torch.zeros_like(free), torch.zeros_like(free)
    for step in range(1, STEPS + 1):
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(_losses(free, target, weight, eq_model).sum(), free)
        # Adam (Kingma and Ba 2015) by hand: the first step of torch's own loads its compiler, which takes seconds
        mean = 0.9 * mean + 0.1 * slope
        square = 0.999 * square + 0.001 * slope.square()
        move = mean / (1 - 0.9**step) / ((square / (1 - 0.999**step)).sqrt() + 1e-8)
        free = (free.detach() - RATE * move).requires_grad_(True)
    with torch.no_grad():
        best = int(_losses(free, target, weight, eq_model).argmin())
        return level_free(response_db(_to_params(free[best]), DEFAULT_KINDS, GRID, REFERENCE_RATE))


def _losses(free: Tensor, target: Tensor, weight: Tensor, eq_model: EqAutoencoder) -> Tensor:
    """(starts,): dB² between the codes' curves, level-free over what is heard, and the price of large gains."""
    params = _to_params(free)
    code = eq_model.encode(response_db(params, DEFAULT_KINDS, GRID, REFERENCE_RATE).float())
    off = eq_model.decode_curve(code).double() - target
    off = off - (off * weight).sum(-1, keepdim=True)
    return (off.square() * weight).sum(-1) + SMALL * params[..., 1].square().sum(-1)


def _to_free(params: Tensor) -> Tensor:
    """(..., bands, 3) Hz, dB, octaves -> octaves, units of `GAIN_UNIT_DB`, octaves of bandwidth."""
    return torch.stack((params[..., 0].log2(), params[..., 1] / GAIN_UNIT_DB, params[..., 2].log2()), -1)


def _to_params(free: Tensor) -> Tensor:
    freq, gain, width = LIMITS["freq_hz"], LIMITS["gain_db"], LIMITS["bandwidth_oct"]
    shelf = torch.tensor([kind in SHELVES for kind in DEFAULT_KINDS])
    highest = torch.where(shelf, freq.high, HIGHEST_BAND_HZ).to(free)
    freq_hz = free[..., 0].exp2().clamp_min(freq.low).minimum(highest)
    gain_db = (GAIN_UNIT_DB * free[..., 1]).clamp(gain.low, gain.high)
    width_oct = torch.where(shelf, SHELF_BANDWIDTH_OCT, free[..., 2].exp2().clamp(width.low, width.high))
    return torch.stack((freq_hz, gain_db, width_oct), -1)
