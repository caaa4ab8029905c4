"""What was analyzed of a stretched take at its own pace, brought to the time of its item.

Powers are added, so what a stretched take and its neighbors cancel or raise of each other is not known; nor could it
be, as the phases of a stretching are its maker's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..dsp.spectrum import GRID_HZ, N_MELS, Analysis, frame_length


def silence(samples: int, sample_rate: int) -> Analysis:
    """The analysis of so many samples of nothing in stereo, without computing it."""
    hop = frame_length(sample_rate) // 2
    frames = samples // hop + 2  # as many as `analyze_blocks` makes
    bands, mels = torch.zeros(frames, len(GRID_HZ)), torch.zeros(frames, N_MELS)
    return Analysis(bands, mels, sample_rate, 2, samples / sample_rate, sample_rate / hop)


def add_at(whole: Analysis, part: Analysis, start_s: float, length_s: float) -> Analysis:
    """`whole` with the powers of `part`, which is played from `start_s` on within `length_s`.

    What `part` has of energy at its own pace is spread over `length_s`, each moment as long as any other, so that its
    mean power, and with it its balance, stays what it is.
    """
    pace = length_s / part.duration_s
    # a frame stands for the time from halfway to the one before to halfway to the next; its center is at n hops
    edges_s = start_s + (np.arange(len(part.band_power) + 1) - 0.5) * pace / part.frame_rate
    hops = np.arange(1, len(whole.band_power)) - 0.5  # the borders between the frames of `whole`
    return replace(
        whole,
        band_power=whole.band_power + _spread(part.band_power, edges_s * whole.frame_rate, hops),
        mel_power=whole.mel_power + _spread(part.mel_power, edges_s * whole.frame_rate, hops),
        node_power=None,
    )


def _spread(power: Tensor, edges: np.ndarray, borders: np.ndarray) -> Tensor:
    """(n, bands) of power between `edges` (n + 1) -> (len(borders) + 1, bands) between `borders`; nothing is lost."""
    energy = power.double().numpy() * np.diff(edges)[:, None]
    sums = np.concatenate([np.zeros((1, energy.shape[1])), energy.cumsum(0)])  # up to each edge
    place = np.interp(borders, edges, np.arange(len(edges)))
    below = np.minimum(place.astype(int), len(edges) - 2)
    share = (place - below)[:, None]
    at_borders = sums[below] * (1 - share) + sums[below + 1] * share
    ends = np.concatenate([np.zeros((1, energy.shape[1])), at_borders, sums[-1:]])
    # behind something very loud the difference of two sums may round to less than nothing
    return torch.from_numpy(np.maximum(np.diff(ends, axis=0), 0.0)).to(power.dtype)
