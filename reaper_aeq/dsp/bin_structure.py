"""Structure of single bins of a spectrum: how partials and noise lie in each third of an octave, frame by frame.

Everything is of whitened powers (`fine_structure`), so an EQ, which is smooth, changes next to nothing; and of frames
by themselves, none of which needs its neighbors, as of long sounds only every second, fourth, ... is kept.
"""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

ACTIVE_DB = -30.0  # of a band's own mean: a frame that counts
LAGS = (1, 2, 3, 5, 8, 13)  # bins
NEXT = (1, 3)  # bands upwards
PER_BAND = 1 + len(LAGS) + 3 + len(NEXT)
LEAST_POWER = 1e-30  # of what does not count
LEAST_SPREAD_DB2 = 1.0  # added to the mean square of bins: of a band of two that are as loud nothing is alike
LEAST_DB2 = 0.01  # added to variances: of a level that stands still nothing is alike
Edges = tuple[tuple[int, int], ...]  # of bands: their first bins and ends


class BinStructure:
    """Sums over frames that come in pieces: (frames, bins) and (frames, bands), `edges` those of the bands' bins."""

    def __init__(self, edges: Edges, bins: int) -> None:
        self._edges, self._bins = edges, bins
        self._source, self._band, self._offsets = _columns(edges, bins)
        self._products = np.zeros((1 + len(LAGS), len(self._source)), np.float32)
        self._power, self._db = torch.zeros(len(edges), bins), np.zeros(len(edges))

    def add(self, white: Tensor, white_db: Tensor, mean_db: Tensor, level_db: Tensor, active: Tensor) -> None:
        """Whitened power and its dB (frames, bins), and of each band the mean of these dB, its own whitened power in dB
        and whether it counts (frames, bands)."""
        counts = active.float()
        off = white_db.index_select(1, self._source)
        off -= level_db.index_select(1, self._band)
        off *= counts.index_select(1, self._band)
        rows = off.numpy()
        for sums, lag in zip(self._products, (0, *LAGS), strict=True):
            sums[: rows.shape[1] - lag] += np.einsum("ti,ti->i", rows[:, : rows.shape[1] - lag], rows[:, lag:])
        self._power.addmm_(counts.T, white)
        self._db += (mean_db * counts).sum(0).numpy()

    def features(self, level_db: Tensor, active: Tensor) -> Tensor:
        """Levels of the bands about their means (all frames, bands) -> (`PER_BAND` * bands,), row after row; NaN where
        nothing counts.

        Spread of the bins in dB about the band's level in their frame; their likeness to bins `LAGS` above (which may
        lie beyond the band); how far bins lie under their own mean power; crest and mean of the level; correlation over
        frames of the level with that of the `NEXT` bands.
        """
        level, use = level_db.double().numpy(), active.numpy()
        count = use.sum(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.where(use, level, 0.0).sum(0) / count
            crest = np.where(use, level, -np.inf).max(0) - mean
            rows = [*self._spread_and_likeness(count), self._under_average(count), crest, mean]
            rows += [_likeness(level, use, apart) for apart in NEXT]
        return torch.from_numpy(np.where(count > 0, np.stack(rows), np.nan).ravel()).float()

    def _spread_and_likeness(self, count: np.ndarray) -> np.ndarray:
        """(1 + lags, bands)"""
        first, stop = np.array(self._edges).T
        lag, totals = np.array((0, *LAGS))[:, None], _totals(self._products)
        size = np.clip(np.minimum(stop, self._bins - lag) - first, 0, None)  # pairs that lie in the spectrum
        last = totals.shape[1] - 1  # a band that is empty may begin beyond
        low, row = np.minimum(self._offsets, last), np.arange(len(lag))[:, None]
        found = (totals[row, low + size] - totals[row, low]) / (count * size)
        return np.concatenate([np.sqrt(found[:1]), found[1:] / (found[:1] + LEAST_SPREAD_DB2)])

    def _under_average(self, count: np.ndarray) -> np.ndarray:
        """(bands,) dB"""
        band = self._band.numpy()
        average = self._power.numpy()[band, self._source.numpy()] / np.maximum(count, 1)[band]
        totals = _totals(10 * np.log10(np.maximum(average, LEAST_POWER)))
        size = np.array([stop - first for first, stop in self._edges])
        return (totals[self._offsets + size] - totals[self._offsets]) / size - self._db / count


def _totals(values: np.ndarray) -> np.ndarray:
    """(..., n) -> (..., n + 1): the sum of all before each."""
    out = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, -1, np.float64, out=out[..., 1:])
    return out


def _likeness(level_db: np.ndarray, active: np.ndarray, apart: int) -> np.ndarray:
    """(frames, bands) -> (bands,): correlation with the level of the band so many higher, while either is active."""
    held, there = np.where(active, level_db, ACTIVE_DB), active.sum(0) > 0
    either = active[:, :-apart] | active[:, apart:]
    count = either.sum(0)
    lower, upper = (rows - np.where(either, rows, 0.0).sum(0) / count for rows in (held[:, :-apart], held[:, apart:]))
    lower, upper = np.where(either, lower, 0.0), np.where(either, upper, 0.0)
    variances = [(rows**2).sum(0) / count + LEAST_DB2 for rows in (lower, upper)]
    found = (lower * upper).sum(0) / count / np.sqrt(variances[0] * variances[1])
    return np.concatenate([np.where(there[:-apart] & there[apart:], found, np.nan), np.full(apart, np.nan)])


@lru_cache(maxsize=8)
def _columns(edges: Edges, bins: int) -> tuple[Tensor, Tensor, np.ndarray]:
    """The bins of each band and those up to the longest of `LAGS` beyond, side by side: which bin and whose each is,
    and where each band begins."""
    blocks = [range(a, min(b + LAGS[-1], bins) if b > a else a) for a, b in edges]
    band = torch.repeat_interleave(torch.arange(len(blocks)), torch.tensor([len(block) for block in blocks]))
    offsets = np.cumsum([0, *(len(block) for block in blocks)])[:-1]
    return torch.tensor(list(itertools.chain(*blocks)), dtype=torch.long), band, offsets
