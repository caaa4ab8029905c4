"""One set of bands for several curves: kinds, frequencies and widths are shared, each curve has its own gains.

Sets of shapes grow by what they explain of all curves together; the best of each size are moved to where all curves are
come near best, each with its own gains. What is chosen costs least by the price of `few_bands`, in the mean over the
curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from ..eq import MAX_BANDS, Band, Eq
from .band_shapes import GAIN_UNIT_DB, KINDS, from_solver
from .few_bands import GAINS_DB, BandSearch, Curve, Starts, all_wanted
from .levenberg import levenberg_marquardt
from .spectrum import GRID_HZ
from .subsets import Regression

BEAM = 6  # sets of each size that grow
POLISHED = 2  # of each size whose shapes are moved
GAIN_STEPS = 4
MOVES = (0.3, 0.15, 0.08, 0.04)  # octaves of frequency, and twice as much of the logarithm of a width
SMALL = 2e-3  # as in `few_bands`


def shared_bands(curves: Sequence[Curve], shares: Sequence[float], sample_rate: float) -> list[Eq]:
    """The bands for each curve, without output gain: the same ones in all, of which some may have 0 dB.

    Args:
        curves: at least one; where nothing is wanted (`ends`) a shelf does what can be done, as pass filters have no
            gain that could move.
        shares: how much each curve counts.
    """
    return _SharedSearch(curves, shares, sample_rate).run()


class _SharedSearch:
    def __init__(self, curves: Sequence[Curve], shares: Sequence[float], sample_rate: float) -> None:
        self.own_sound = torch.stack([curve.sound for curve in curves]).numpy()
        anywhere = torch.stack([curve.sound for curve in curves]).any(0)
        shared = [replace(curve, sound=anywhere, ends=all_wanted()) for curve in curves]
        self.search = BandSearch(shared, sample_rate)
        self.shares = np.asarray(shares, dtype=float) / float(np.sum(shares))
        self.count = len(curves)

    def run(self) -> list[Eq]:
        found = [(*self._moved(shapes, codes), codes) for shapes, codes in self._starts()]
        if not found:
            return [Eq()] * self.count
        _, gains, shapes, codes = min(found, key=lambda one: one[0])
        order = np.argsort(shapes[:, 0])
        return [
            Eq(tuple(
                Band(KINDS[codes[b]], float(2 ** shapes[b, 0]), float(row[b]), float(2 ** shapes[b, 1]))
                for b in order
            ))
            for row in gains
        ]  # fmt: skip

    def _starts(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Shapes (bands, 2) as logarithms of Hz and octaves, and kinds (bands,), to begin with."""
        one = self.search.regression()
        allowed = one.allowed.all(0)
        sets: list[tuple[int, ...]] = [()]
        found = []
        for size in range(1, min(MAX_BANDS, int(allowed.sum())) + 1):
            grown: dict[tuple[int, ...], float] = {}
            for members in sets:
                free = np.flatnonzero(allowed & ~one.atoms.barred[:, list(members)].any(-1))
                for at, explained in zip(free, self._explained(one, members, free), strict=True):
                    grown[tuple(sorted((*members, int(at))))] = float(explained)
            sets = sorted(grown, key=lambda members: -grown[members])[:BEAM]
            for members in sets[:POLISHED]:
                x, codes = one.atoms.x[list(members)], one.atoms.codes[list(members)]
                found.append((x[:, [0, 2]], codes))
            if not sets or size == MAX_BANDS:
                break
        return found

    def _explained(self, one: Regression, members: tuple[int, ...], free: np.ndarray) -> np.ndarray:
        """How much of the curves' energy sets explain that have one more shape, one for each of `free` (k,)."""
        sets = np.concatenate((np.tile(members, (len(free), 1)).astype(int), free[:, None]), 1)  # (k, size)
        inner = one.gram[:, sets[:, :, None], sets[:, None]] + SMALL * np.eye(sets.shape[1])
        along = one.product[:, sets]  # (curves, k, size)
        gains = np.linalg.solve(inner, along[..., None])[..., 0]
        return self.shares @ (gains * along).sum(-1)

    def _moved(self, shapes: np.ndarray, codes: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Cost, gains (curves, bands) dB, and the shapes where they cost least."""
        places = self.search.places[0][codes]  # (bands, 3, 2)
        low, high = places[:, [0, 2], 0], places[:, [0, 2], 1]
        shapes = np.clip(shapes, low, high)
        costs, gains = self._priced(shapes[None], codes)
        cost, gain = costs[0], gains[0]
        # each number alone, down and up: (4 * bands, bands, 2)
        ways = np.kron(np.eye(shapes.size), [[-1.0], [1.0]]).reshape(-1, *shapes.shape) * (1.0, 2.0)
        for move in MOVES:
            for _ in range(3):
                tried = np.clip(shapes + move * ways, low, high)
                tried = tried[(tried != shapes).any((1, 2))]
                if not len(tried):
                    break
                costs, gains = self._priced(tried, codes)
                at = int(costs.argmin())
                if costs[at] >= cost - 1e-4:
                    break
                cost, gain, shapes = costs[at], gains[at], tried[at]
        return float(cost), gain, shapes

    def _priced(self, shapes: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Several sets of shapes (k, bands, 2) with the best gains for each curve: costs (k,), gains (k, curves,
        bands)."""
        sets, bands = len(shapes), len(codes)
        owner = np.tile(np.arange(self.count), sets)
        wide = np.repeat(shapes, self.count, 0)  # (rows, bands, 2)
        nearest = np.abs(np.log2(GRID_HZ) - wide[..., :1]).argmin(-1)
        heard = np.take_along_axis(self.own_sound[owner], nearest, 1)
        most = np.where(heard, GAINS_DB[1] / GAIN_UNIT_DB, 0.0)
        low, high = (
            np.stack((wide[..., 0], sign * most, wide[..., 1]), -1).reshape(len(owner), -1) for sign in (-1, 1)
        )
        used = np.ones((len(owner), bands), dtype=bool)
        x = 0.5 * (low + high)
        rows = Starts(owner, x, low, high, np.tile(codes, (len(owner), 1)), used)
        rows = replace(rows, x=levenberg_marquardt(self.search.problem(rows), rows.x, GAIN_STEPS)[0])
        cost = self.search.price(rows)[0].reshape(sets, self.count) @ self.shares
        gains = from_solver(rows.x.reshape(len(owner), bands, 3))[..., 1]
        return cost, gains.reshape(sets, self.count, bands)
