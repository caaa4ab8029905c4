"""Fine structure of a spectrum: what lies between the bands of an equalizer, which no smooth EQ can change.

How noisy or tonal each third of an octave is, how deep the valleys between its partials are, and how harmonic the
whole is. Spectra are first divided by their own long-term envelope (half an octave wide, taken in dB), so an EQ, which
is smooth over half an octave, cancels but for its curvature.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from .bin_structure import ACTIVE_DB, PER_BAND, BinStructure, Edges

BAND_HZ = 63.0 * 2.0 ** (np.arange(24) / 3)  # third-octave centers, 63 Hz to 12.8 kHz
TOP_HZ = 14_400.0
SMOOTHED_OCT = 0.5
PITCH_HZ = 55.0 * 2.0 ** (np.arange(21) / 4)  # edges of the pitches whose strength is measured
# What `fine_structure` says, in this order: flatness and ripple, harmonicity and pitch, single bins.
N_FLAT, N_PITCH, N_BINS = 4 * len(BAND_HZ), 5 + len(PITCH_HZ) - 1, PER_BAND * len(BAND_HZ)
N_FINE = N_FLAT + N_PITCH + N_BINS
KEPT_FRAMES = 512  # up to twice as many are held; of longer sounds every second, fourth, ... frame is kept
DEAD_DB = -100.0  # of the loudest band: nothing is there
FLOOR_DB = -90.0  # of a bin, under its band's mean
PITCH_LOW_HZ, PITCH_HIGH_HZ, HARMONICS_UP_TO_HZ = 60.0, 800.0, 5000.0
LAG_BINS = 2048
FRAMES_AT_ONCE = 32  # some hundred kilobytes: of more, freed pieces stay between what is kept


class FrameStore:
    """Evenly spaced frames of a stream of any length: at most twice `KEPT_FRAMES`, however the stream is cut."""

    def __init__(self) -> None:
        self._kept = torch.empty(0, 0)  # (2 * KEPT_FRAMES, bins), of which `_count` are filled
        self.every = 1  # of how many frames that passed one is kept
        self._count, self._next, self._seen = 0, 0, 0

    def add(self, power: Tensor) -> None:
        """(frames, bins) power spectra."""
        if not len(self._kept):  # once, for pieces that come between large temporaries keep the heap from shrinking
            self._kept = torch.empty(2 * KEPT_FRAMES, power.shape[1])
        while (at := self._next - self._seen) < len(power):
            piece = power[at :: self.every][: 2 * KEPT_FRAMES - self._count]
            self._kept[self._count : self._count + len(piece)] = piece
            self._count += len(piece)
            self._next += self.every * len(piece)
            if self._count == 2 * KEPT_FRAMES:
                for first in range(0, KEPT_FRAMES, FRAMES_AT_ONCE):
                    stop = first + FRAMES_AT_ONCE
                    self._kept[first:stop] = self._kept[2 * first : 2 * stop : 2].clone()
                self._count //= 2
                self.every *= 2
                self._next = self.every * self._count
        self._seen += len(power)

    def joined(self) -> Tensor:
        """(frames, bins)"""
        return self._kept[: self._count]


def fine_structure(power: Tensor, bin_hz: float) -> Tensor:
    """(frames, bins) power spectra from 0 Hz in steps of `bin_hz` -> (`N_FINE`,); NaN where a band holds nothing.

    Per third-octave band: mean, 10th and 90th percentile over its active frames of the flatness in dB (arithmetic over
    geometric mean of the whitened power; 0 is white, noise 2.5, a sine 20), and the ripple of the long-term spectrum
    about its envelope (dB, standard deviation). Then harmonicity (mean, 10th and 90th percentile of the normalized
    autocorrelation's peak, 0..1) and pitch (median and quartile distance, octaves), and how strong each quarter of an
    octave of pitch is on average. Last what `BinStructure` says of single bins.
    """
    edges = _edges(bin_hz, power.shape[1])
    mean = power.mean(0).double()
    band_mean = torch.stack([mean[a:b].mean() if b > a else mean.new_zeros(()) for a, b in edges])
    there = band_mean > band_mean.max() * 10 ** (DEAD_DB / 10)
    if not there.any():
        return torch.full((N_FINE,), torch.nan)
    floor = mean.max() * 10 ** (DEAD_DB / 10)
    log_mean = 10 * mean.clamp_min(floor).log10()
    envelope = _smoothed(log_mean, bin_hz)
    whitening = (10 ** (-envelope / 10)).float()

    def whitened() -> Iterator[Tensor]:
        """Piece by piece, so that no copies of all of them lie in memory."""
        return ((some * whitening).clamp_min_(10 ** (FLOOR_DB / 10)) for some in power.split(FRAMES_AT_ONCE))

    inside = torch.cat([_band_means(white, edges) for white in whitened()])  # (frames, bands)
    inside_db = 10 * inside.log10()
    level = 10 * (inside / inside.mean(0)).log10()
    active = (level > ACTIVE_DB) & there
    lags, logs, single = [], [], BinStructure(edges, power.shape[1])
    pieces = zip(whitened(), inside_db.split(FRAMES_AT_ONCE), active.split(FRAMES_AT_ONCE), strict=True)
    for white, white_level, counts in pieces:
        lags.append(_lags(white, bin_hz))
        white_db = white.log10().mul_(10)
        logs.append(_band_means(white_db, edges))
        single.add(white, white_db, logs[-1], white_level, counts)
    return torch.cat((
        _flatness(inside_db - torch.cat(logs), active, log_mean - envelope, edges),
        _harmonicity(torch.cat(lags), level[:, there].mean(1), bin_hz),
        single.features(level, active),
    ))  # fmt: skip


def _flatness(flatness: Tensor, active: Tensor, ripple_db: Tensor, edges: Edges) -> Tensor:
    """(`N_FLAT`,), from the flatness (frames, bands) and the long-term spectrum about its envelope (bins,)."""
    out, count = torch.full((4, len(BAND_HZ)), torch.nan), active.sum(0)
    there = (count > 0).nonzero()[:, 0]
    flatness, active, count = flatness[:, there], active[:, there], count[there]
    out[0, there] = flatness.where(active, 0.0).sum(0) / count
    out[1:3, there] = _quantiles(flatness.where(active, torch.inf), count, (0.1, 0.9))
    for k in there.tolist():
        out[3, k] = ripple_db[slice(*edges[k])].std(correction=0)
    return out.flatten()


def _quantiles(values: Tensor, count: Tensor, at: tuple[float, ...]) -> Tensor:
    """(n, columns), of which in each column `count` (columns,) are finite -> (len(at), columns); linear between two."""
    ordered = values.sort(0).values
    place = torch.tensor(at)[:, None] * (count - 1)
    below = place.long()
    low, high = (ordered.gather(0, index.clamp(max=len(values) - 1)) for index in (below, below + 1))
    # where the place is a value itself there may be nothing beyond it
    return low + torch.where(place > below, (place - below) * (high - low), 0.0)


def _lags(white: Tensor, bin_hz: float) -> Tensor:
    """Whitened power (frames, bins) -> (frames, lags): the normalized autocorrelation, as far as it is looked at."""
    rows = white[:, : round(HARMONICS_UP_TO_HZ / bin_hz)].clamp(1e-3, 1e3).sqrt_()
    rows -= rows.mean(1, keepdim=True)
    _, last, edges = _lags_looked_at(bin_hz)
    spectra = torch.fft.rfft(rows, LAG_BINS)[:, : max(last, int(edges.max()) + 1)]
    lags = (spectra.real.square() + spectra.imag.square()).sqrt_()
    return lags.div_(rows.abs_().sum(1, keepdim=True).clamp_min(1e-9))


def _lags_looked_at(bin_hz: float) -> tuple[int, int, np.ndarray]:
    """Of pitches the shortest lag and the end, and the edges of those whose strength is measured."""
    rate_hz = LAG_BINS * bin_hz
    first, last = round(rate_hz / PITCH_HIGH_HZ), min(round(rate_hz / PITCH_LOW_HZ), LAG_BINS // 2)
    return first, last, np.round(rate_hz / PITCH_HZ).astype(int)


def _harmonicity(lags: Tensor, loudness: Tensor, bin_hz: float) -> Tensor:
    """(`N_PITCH`,), from the normalized autocorrelation (frames, lags) of those frames that are not far softer (dB)."""
    lags = lags[loudness > loudness.max() + ACTIVE_DB]
    first, last, edges = _lags_looked_at(bin_hz)
    rate_hz = LAG_BINS * bin_hz  # of the lags
    peak, at = lags[:, first:last].max(1)
    pitch = (rate_hz / (at + first).float()).log2()
    low, middle, high = torch.quantile(pitch, torch.tensor([0.25, 0.5, 0.75]))
    ends = torch.quantile(peak, torch.tensor([0.1, 0.9]))
    mean = lags.mean(0)
    strength = [mean[b : max(a, b + 1)].max() for a, b in itertools.pairwise(edges)]
    return torch.stack((peak.mean(), *ends, middle, high - low, *strength))


@lru_cache(maxsize=8)
def _edges(bin_hz: float, bins: int) -> Edges:
    """First bin and end of each band; empty where the spectrum does not reach."""
    starts = np.ceil(BAND_HZ * 2 ** (-1 / 6) / bin_hz).astype(int)
    stops = np.floor(BAND_HZ * 2 ** (1 / 6) / bin_hz).astype(int) + 1
    stops = np.where(stops <= bins, np.maximum(stops, starts + 2), starts)
    return tuple(zip(starts.tolist(), stops.tolist(), strict=True))


def _band_means(values: Tensor, bands: Edges) -> Tensor:
    """(frames, bins) -> (frames, bands); of a band that is empty nothing that means anything."""
    edges = np.array(bands)
    sums = np.add.reduceat(values.numpy(), edges[edges < values.shape[1]], axis=1)[:, ::2]
    found = np.zeros((len(values), len(bands)), np.float32)
    found[:, : sums.shape[1]] = sums / np.maximum(np.diff(edges)[:, 0], 1)[: sums.shape[1]]
    return torch.from_numpy(found)


def _smoothed(log_power: Tensor, bin_hz: float) -> Tensor:
    """(bins,) dB, the mean over `SMOOTHED_OCT` about each bin: linear, so what is smooth passes unchanged."""
    bins = len(log_power)
    at = np.arange(bins)
    half = np.maximum(at * (2 ** (SMOOTHED_OCT / 2) - 1), 2.0)
    low, high = np.maximum(np.round(at - half), 0).astype(int), np.minimum(np.round(at + half), bins - 1).astype(int)
    total = torch.cat((log_power.new_zeros(1), log_power.cumsum(0)))
    return (total[high + 1] - total[low]) / torch.from_numpy(high + 1 - low)
