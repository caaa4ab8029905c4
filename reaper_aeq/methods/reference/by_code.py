"""Matching by features: the bands for which the encoder's code of the equalized sound is that of the reference.

As code(EQ(x)) = code(x) + encode(EQ), the sound need not be filtered at each step: ReaEQ's true responses are
differentiated, and steps of Adam go down the difference of the two codes. What texture makes the encoder expect of
source and reference is part of their codes: another piece is asked for its deviation from its kind, not for its notes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...dsp.fit import DEFAULT_KINDS
from ...dsp.response import response_db
from ...model.curves import COMPARED, GRID, REFERENCE_RATE, center
from ...model.eq_autoencoder import EqAutoencoder
from ..descent import descend, to_free, to_params

STEPS, RATE = 40, 0.1
SMALL = 0.002  # of a gain's square: of two EQs that match alike the smaller one


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
    start = to_free(torch.stack((guess, flat)))
    *_, (free, losses) = descend(lambda free: _losses(free, target, weight, eq_model), start, STEPS, RATE)
    best = to_params(free[int(losses.argmin())], DEFAULT_KINDS)
    return center(response_db(best, DEFAULT_KINDS, GRID, REFERENCE_RATE))


def _losses(free: Tensor, target: Tensor, weight: Tensor, eq_model: EqAutoencoder) -> Tensor:
    """(starts,): dB² between the codes' curves, level-free over what is heard, and the price of large gains."""
    params = to_params(free, DEFAULT_KINDS)
    code = eq_model.encode(response_db(params, DEFAULT_KINDS, GRID, REFERENCE_RATE).float())
    off = eq_model.decode_curve(code).double() - target
    off = off - (off * weight).sum(-1, keepdim=True)
    return (off.square() * weight).sum(-1) + SMALL * params[..., 1].square().sum(-1)
