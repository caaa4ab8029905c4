"""How warm is it? The share of music that holds less of a word than this sound does.

The raw score weighs the sound's balance against the mean of music by the word's mean curve: a matched filter, linear in
any applied EQ up to a bound, blind to level. Dividing by what it varies over music and taking the normal distribution
makes it a percentile: 0.5 is average music, 0.98 two standard deviations more. A cosine to a centroid obeys none of the
laws (design, section 2.5).
"""

from __future__ import annotations

import torch
from torch import Tensor

from .curves import level_free, normal_cdf, weights


def raw_scores(curves_db: Tensor, balance_db: Tensor, visible: Tensor) -> Tensor:
    """Mean curves (words, bands), balance and visibility (bands,) -> (words,), dB²."""
    return level_free(curves_db) @ (weights() * visible * balance_db)


def music_spread(curves_db: Tensor, music_cov: Tensor) -> Tensor:
    """Standard deviation of the raw score over music of covariance (bands, bands): (words,), dB²."""
    axes = level_free(curves_db) * weights()
    return torch.einsum("wi,ij,wj->w", axes, music_cov, axes).clamp_min(1e-9).sqrt()


def scores(curves_db: Tensor, balance_db: Tensor, visible: Tensor, music_cov: Tensor) -> Tensor:
    """(words,) in 0..1: percentile of this sound among music for each word's mean curve (words, bands)."""
    return normal_cdf(raw_scores(curves_db, balance_db, visible) / music_spread(curves_db, music_cov))
