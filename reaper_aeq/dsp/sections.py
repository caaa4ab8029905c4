"""Where the balance of a sound changes for good: the sections between its cuts.

A song is cut where what follows is of another balance and stays so. Short-time balances are Gaussian about the mean
of their section, with the covariance that neighbors in time have; of all partitions the one is taken that is likeliest
once each cut has paid its price (optimal partition: Jackson et al. 2005, by dynamic programming).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import AeqError
from .fine_structure import fine_structure
from .spectrum import Analysis

BLOCK_S, MOST_BLOCKS = 1.0, 1200  # of sound to one short-time balance; blocks of what is longer than that are longer
SHORTEST_S = 6.0  # a section; what is shorter is a fill or a break, which an EQ does not follow
FIRST_BAND, BANDS_AT_ONCE = 6, 3  # of the grid: half octaves from 50 Hz to 16 kHz
FLOOR_DB = 50.0  # under the loudest of a block
PAUSE_DB = 30.0  # under the loudest block: says nothing of a balance
# Neighbors in time seldom show all that a balance does: as many observations of independent bands of so many dB are
# added to theirs.
PRIOR_BLOCKS, PRIOR_DB = 8, 4.0
LEFT_OUT = 20  # one step in so many
# Of a cut, for each number that may change with it: of twice the log likelihood. Chosen on half of the recordings
# (`evaluate sections`).
CUT_PRICE = 17.0


@dataclass(frozen=True)
class Part:
    """A stretch of a sound, in seconds from its beginning."""

    start_s: float
    stop_s: float


def find_parts(analysis: Analysis, cut_price: float = CUT_PRICE) -> list[Part]:
    """The parts of a sound between which its balance changes for good; one for a steady one.

    Args:
        cut_price: what a cut has to gain, in twice the log likelihood for each of the numbers of a balance.
    """
    rows, starts = _balances(analysis)
    ends = [0.0, *(float(starts[cut]) for cut in _cuts(rows, starts, cut_price)), analysis.duration_s]
    return [Part(start, stop) for start, stop in itertools.pairwise(ends)]


def given_parts(analysis: Analysis, edges_s: Sequence[float]) -> list[Part]:
    """The parts of a sound between given times, such as a project's regions; those outside of it do not count."""
    if not all(np.isfinite(edges_s)):
        raise AeqError("the edges of sections are times in seconds")
    least = 2 / analysis.frame_rate
    ends = [0.0]
    for edge in sorted(map(float, edges_s)):
        if least < edge < analysis.duration_s - least and edge - ends[-1] >= least:
            ends.append(edge)
    return [Part(start, stop) for start, stop in itertools.pairwise([*ends, analysis.duration_s])]


def analysis_of(analysis: Analysis, part: Part) -> Analysis:
    """What the analysis would be of a part alone. Where it has no spectra the fine structure is that of the whole, and
    peaks always are."""
    first, stop = (round(at * analysis.frame_rate) for at in (part.start_s, part.stop_s))
    if part.stop_s >= analysis.duration_s:
        stop = len(analysis.band_power)
    first = max(0, min(first, len(analysis.band_power) - 1))
    stop = max(stop, first + 1)
    nodes, spectra = analysis.node_power, analysis.spectra
    spectra = spectra and spectra.between(part.start_s, part.stop_s)
    return replace(
        analysis,
        fine=fine_structure(spectra.power, spectra.bin_hz) if spectra else analysis.fine,
        spectra=spectra,
        band_power=analysis.band_power[first:stop],
        mel_power=analysis.mel_power[first:stop],
        node_power=None if nodes is None else nodes[first:stop],
        duration_s=part.stop_s - part.start_s,
    )


def _balances(analysis: Analysis) -> tuple[np.ndarray, np.ndarray]:
    """Balances of the blocks that are no pauses, (n, numbers) dB without their level, and when each begins, (n,) s."""
    power = analysis.band_power[:, FIRST_BAND : FIRST_BAND + 17 * BANDS_AT_ONCE].double().numpy()
    power = power[:, : power.shape[1] // BANDS_AT_ONCE * BANDS_AT_ONCE]
    coarse = power.reshape(len(power), -1, BANDS_AT_ONCE).sum(-1)
    coarse = coarse[:, coarse.any(0)]  # what lies beyond Nyquist says nothing
    frames = max(1, round(max(BLOCK_S, analysis.duration_s / MOST_BLOCKS) * analysis.frame_rate))
    count = max(1, len(coarse) // frames)
    edges = np.arange(count) * frames
    blocks = np.add.reduceat(coarse, edges) / np.diff(np.append(edges, len(coarse)))[:, None]
    starts = edges / analysis.frame_rate
    level = blocks.sum(-1)
    loud = level > level.max(initial=0.0) * 10 ** (-PAUSE_DB / 10)
    blocks, starts = blocks[loud], starts[loud]
    db = 10 * np.log10(np.maximum(blocks, blocks.max(-1, keepdims=True, initial=1e-30) * 10 ** (-FLOOR_DB / 10)))
    return db - db.mean(-1, keepdims=True), starts


def _whitened(rows: np.ndarray) -> np.ndarray:
    """Rows (n, numbers) in coordinates in which neighbors differ by a unit Gaussian; the cuts themselves, the largest
    steps, left out."""
    steps = np.diff(rows, axis=0) / np.sqrt(2)
    steps = steps[np.argsort((steps**2).sum(-1))[: len(steps) - max(1, len(steps) // LEFT_OUT)]]
    cov = (steps.T @ steps + PRIOR_BLOCKS * PRIOR_DB**2 * np.eye(rows.shape[1])) / (len(steps) + PRIOR_BLOCKS)
    return np.linalg.solve(np.linalg.cholesky(cov), rows.T).T


def _cuts(rows: np.ndarray, starts: np.ndarray, cut_price: float) -> list[int]:
    """Which rows begin a new section."""
    count, numbers = rows.shape
    if count < 4:
        return []
    white = _whitened(rows)
    sums = np.concatenate((np.zeros((1, numbers)), white.cumsum(0)))
    squares = np.concatenate(([0.0], (white**2).sum(-1).cumsum()))
    price = cut_price * numbers
    best, before = np.full(count + 1, np.inf), np.zeros(count + 1, dtype=int)
    best[0] = -price
    ends = np.append(starts, starts[-1] + (starts[-1] - starts[-2]))
    for stop in range(1, count + 1):
        first = np.arange(stop)
        cost = squares[stop] - squares[first] - ((sums[stop] - sums[first]) ** 2).sum(-1) / (stop - first)
        short = ends[stop] - starts[first] < SHORTEST_S
        total = np.where(short & (first > 0), np.inf, best[first] + price + cost)
        if stop < count and ends[stop] - starts[0] < SHORTEST_S:
            total[:] = np.inf
        before[stop] = int(total.argmin())
        best[stop] = total[before[stop]]
    found: list[int] = []
    at = count
    while before[at] > 0:
        at = int(before[at])
        found.append(at)
    return found[::-1]
