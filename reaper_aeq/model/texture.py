"""What of a sound no static EQ can change: how each band moves in time, whatever its level.

Dividing each mel band by its own mean over time cancels any EQ exactly (an EQ multiplies a band by a constant), as
cepstral mean normalization does in speech. What is left (onsets, decays, modulation, gaps) says what kind of sound it
is, hence which balance would be usual for it, without being fooled by the EQ that is already on it.
"""

from __future__ import annotations

from math import ceil

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..dsp.spectrum import Analysis

FRAMES_PER_S = 10.0
SEGMENT = 96  # frames the network looks at in one piece
MAX_SEGMENTS = 8  # spread over the file: more adds time and no knowledge
FLOOR_DB, CEILING_DB, UNIT_DB = -60.0, 20.0, 10.0
GATE_DB = -45.0
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LAGS = (1, 4, 12)
STEPS = 16  # from one frame to the next, where moments between them are told apart


def texture(analysis: Analysis) -> Tensor:
    """(mels, frames), tens of dB over each band's mean power, at `FRAMES_PER_S`; at least `SEGMENT` frames.

    The same for a sound and for any EQ of it, for any level and sample rate. Pauses are left out, short sounds are
    repeated, long ones are sampled in `MAX_SEGMENTS` pieces spread evenly.
    """
    power, order = _moments(analysis)
    mean = _mean(power, order)
    relative = (power / mean.clamp_min(1e-30)).clamp(10 ** (FLOOR_DB / 10), 10 ** (CEILING_DB / 10))
    level_db = torch.where(mean > 1e-20, 10 * relative.log10(), torch.zeros_like(power))
    active = level_db.mean(0) > GATE_DB
    if order is None:
        level_db = level_db[:, active] if bool(active.any()) else level_db
    elif bool(active.any()):
        order = order[active[order]]
    # over the mean of what is left: silence around a sound must not change what kind of sound it is
    level_db = level_db - 10 * _mean(10 ** (level_db / 10), order).log10()
    count = level_db.shape[1] if order is None else len(order)
    if count > SEGMENT * MAX_SEGMENTS:
        starts = torch.linspace(0, count - SEGMENT, MAX_SEGMENTS).round().long().tolist()
        pieces = torch.cat([torch.arange(start, start + SEGMENT) for start in starts])
        level_db = level_db[:, pieces if order is None else order[pieces]]
    elif order is not None:
        level_db = level_db[:, order]
    if level_db.shape[1] < SEGMENT:
        level_db = level_db.repeat(1, -(-SEGMENT // level_db.shape[1]))[:, :SEGMENT]
    return level_db / UNIT_DB


def _moments(analysis: Analysis) -> tuple[Tensor, Tensor | None]:
    """(mels, n) power at `FRAMES_PER_S`, and which of the n stands for each moment; None where each does for itself."""
    power, order = analysis.mel_power.T.float(), analysis.order
    count = power.shape[1] if order is None else len(order)
    moments = max(1, round(count / analysis.frame_rate * FRAMES_PER_S))
    if order is None:
        return F.interpolate(power[None], size=moments, mode="linear", align_corners=False)[0], None
    at = ((torch.arange(moments).double() + 0.5) * count / moments - 0.5).clamp(0, count - 1)
    steps = (at * STEPS).round().long()
    before = steps // STEPS
    pair = order[before] * power.shape[1] + order[(before + 1).clamp(max=count - 1)]
    # of loops that repeat for hours most moments are alike
    each, which = torch.unique(pair * STEPS + steps % STEPS, return_inverse=True)
    pair, share = each // STEPS, (each % STEPS).float() / STEPS
    return torch.lerp(power[:, pair // power.shape[1]], power[:, pair % power.shape[1]], share), which


def _mean(values: Tensor, order: Tensor | None) -> Tensor:
    """(mels, n) -> (mels, 1), over all moments."""
    if order is None:
        return values.mean(1, keepdim=True)
    counts = torch.bincount(order, minlength=values.shape[1]).to(values)
    return (values @ counts / counts.sum())[:, None]


def segments(texture_map: Tensor) -> Tensor:
    """(mels, frames) -> (pieces, mels, SEGMENT), covering the whole with overlap where it does not divide evenly."""
    frames = texture_map.shape[1]
    count = -(-frames // SEGMENT)
    starts = torch.linspace(0, frames - SEGMENT, count).round().long().tolist()
    return torch.stack([texture_map[:, s : s + SEGMENT] for s in starts])


def statistics(texture_map: Tensor) -> Tensor:
    """(mels, frames) -> (n,): quantiles, rises and memory of each band's envelope, smoothed over frequency, thinned."""
    x = texture_map * UNIT_DB
    centered = x - x.mean(1, keepdim=True)
    unit = centered / (x.std(1, keepdim=True, correction=0) + 1e-3)
    step = x.diff(dim=1)
    # numpy sorts five times as quickly
    ordered, last = torch.from_numpy(np.sort(x.numpy(), axis=1)), x.shape[1] - 1
    # `torch.quantile` takes three times as long
    rows = [torch.lerp(ordered[:, int(q * last)], ordered[:, ceil(q * last)], q * last % 1) for q in QUANTILES]
    rows += [x.mean(1), x.std(1, correction=0)]
    rows += [step.std(1, correction=0), step.clamp_min(0).mean(1)]
    rows += [(x[:, lag:] - x[:, :-lag]).abs().mean(1) for lag in (2, 8)]
    # 6: correlations brought to the size of the figures in dB
    rows += [6 * (unit[:, lag:] * unit[:, :-lag]).mean(1) for lag in LAGS]
    rows += [6 * (unit * unit.mean(0, keepdim=True)).mean(1)]
    smooth = F.avg_pool1d(F.pad(torch.stack(rows)[:, None], (2, 2), mode="replicate"), 5, stride=4)
    return smooth.flatten().clamp(-40, 40)
