"""How warm is it? The share of sounds of its kind that hold less of a word than this one does.

The raw score weighs the sound's deviation from what is usual for it by the word's mean curve: a matched filter, linear
in any applied EQ up to a bound, blind to level. Dividing by how far music varies and taking the normal distribution
makes it a percentile: 0.5 is usual, 0.98 two standard deviations more. A cosine to a centroid obeys none of the laws
(docs/algorithm.md, section 6).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .curves import weights


def axes(curves_db: Tensor, music_cov: Tensor) -> Tensor:
    """(words, bands): the filters that are matched to mean curves (words, bands), blind to level.

    Each band counts by its own certainty, 1 / variance: a decibel means more where music hardly varies. Every weight
    has the sign of the (centered) curve, so raising what the word raises never lowers a score.
    """
    certain = weights() / music_cov.diagonal()
    certain = certain / certain.sum()
    return (curves_db - (curves_db * certain).sum(-1, keepdim=True)) * certain


def standard_scores(curves_db: Tensor, balance_db: Tensor, music_cov: Tensor) -> Tensor:
    """Mean curves (words, bands), bounded deviation (bands,) -> (words,) in standard deviations of music."""
    axis = axes(curves_db, music_cov)
    spread = torch.einsum("wi,ij,wj->w", axis, music_cov, axis).clamp_min(1e-12).sqrt()
    return axis @ balance_db / spread


def scores(curves_db: Tensor, balance_db: Tensor, music_cov: Tensor) -> Tensor:
    """(words,) in 0..1: percentile among sounds of its kind for each word's mean curve (words, bands)."""
    return percentiles(standard_scores(curves_db, balance_db, music_cov))


def percentiles(standard: Tensor) -> Tensor:
    """The share of a standard normal distribution below each value, 0..1."""
    return 0.5 * (1.0 + torch.erf(standard / math.sqrt(2.0)))
