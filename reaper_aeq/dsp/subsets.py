"""The best few shapes of a dictionary for curves, by each mix of band kinds: where a search for few bands begins.

dB responses are nearly linear in the gain, so the best gains of a set of shapes are linear regression, and what a shape
adds to a set follows from the set's own solution (the matrix is bordered). Sets grow by one shape at a time from the
best ones of each mix of kinds; all curves side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..eq import BandKind
from .band_shapes import CODES

BEAM = 4  # sets of each mix of kinds that go on
NEAREST_OCT = 0.4  # two bands nearer than that are one
# A mix of kinds is told by which ends of the spectrum it has a shelf or pass filter at.
LOW_END, HIGH_END = 1, 2
MIXES = LOW_END + HIGH_END + 1
END_OF = {
    CODES[BandKind.BAND]: 0, CODES[BandKind.LOW_SHELF]: LOW_END, CODES[BandKind.HIGH_SHELF]: HIGH_END,
    CODES[BandKind.HIGH_PASS]: LOW_END, CODES[BandKind.LOW_PASS]: HIGH_END,
}  # fmt: skip


@dataclass(frozen=True)
class Sets:
    """For each curve and mix of kinds the best set: `members` (curves, mixes, size), places in the dictionary;
    `gains_db` of the same shape; `found` (curves, mixes) bool, whether there is one."""

    members: np.ndarray
    gains_db: np.ndarray
    found: np.ndarray


@dataclass(frozen=True)
class Regression:
    """Curves by shapes: `gram` (curves, m, m), `product` (curves, m) of shapes with the curve, `energy` (curves,) of
    it, all weighted, dB²; `allowed` (curves, m) bool; `ends` (m,) codes of `END_OF`; `octave` (m,) centers; `alike`
    (groups, k) places of shapes that differ in width only."""

    gram: np.ndarray
    product: np.ndarray
    energy: np.ndarray
    allowed: np.ndarray
    ends: np.ndarray
    octave: np.ndarray
    alike: np.ndarray


def best_subsets(one: Regression, size: int, small: float) -> Iterator[Sets]:
    """For 1, 2, ... `size` bands in turn. `small`: cost of a squared dB of gain."""
    curves = len(one.product)
    near = np.abs(one.octave[:, None] - one.octave) < NEAREST_OCT
    barred = (one.ends[:, None] == one.ends) & (near | (one.ends[:, None] > 0))  # one shelf at an end; bells apart
    diagonal = one.gram.diagonal(axis1=-2, axis2=-1)[:, None] + small
    each = np.arange(curves)[:, None]
    members, found = np.zeros((curves, 1, 0), dtype=np.intp), np.ones((curves, 1), dtype=bool)
    gains, inverse, left = np.zeros((curves, 1, 0)), np.zeros((curves, 1, 0, 0)), one.energy[:, None]
    for grown in range(1, size + 1):
        cross = one.gram[each[..., None], members]  # (curves, sets, grown - 1, m)
        schur = np.maximum(diagonal - (cross * (inverse @ cross)).sum(2), 1e-9)
        missing = one.product[:, None] - (gains[..., None, :] @ cross)[..., 0, :]
        error = left[..., None] - missing * missing / schur
        error[~(one.allowed[:, None] & found[..., None]) | barred[members].any(2)] = np.inf
        mixes = one.ends[members].sum(-1)[..., None] + one.ends
        if grown == 1:
            members, found = _best_widths(error[:, 0], one.alike)
        else:
            members, found = _best_of_each(error, mixes, members, grown)
        own = one.gram[each[..., None, None], members[..., None], members[..., None, :]]
        own += np.where(found, small, 1e3)[..., None, None] * np.eye(grown)
        inverse = np.linalg.inv(own)
        wanted = one.product[each[..., None], members]
        gains = (inverse @ wanted[..., None])[..., 0]
        left = one.energy[:, None] - (gains * wanted).sum(-1)
        if grown == 1:
            first = _best_alone(np.where(found, left, np.inf), one.ends[members[..., 0]])
            is_alone = np.arange(MIXES) < 3
            yield Sets(members[each, first], gains[each, first], found[each, first] & is_alone)
        else:
            yield Sets(members[:, ::BEAM], gains[:, ::BEAM], found[:, ::BEAM])


def _best_widths(error: np.ndarray, alike: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of shapes (curves, m) that differ in width only the best each, (curves, groups, 1), and which there are."""
    best = error[:, alike].argmin(-1)
    members = alike[np.arange(len(alike)), best]
    return members[..., None], np.isfinite(np.take_along_axis(error, members, 1))


def _best_alone(error: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Places of the best bell, low and high end of single shapes (curves, groups); (curves, mixes)."""
    return np.stack([np.where(ends == end, error, np.inf).argmin(-1) for end in range(MIXES)], 1)


def _best_of_each(
    error: np.ndarray, mixes: np.ndarray, members: np.ndarray, grown: int
) -> tuple[np.ndarray, np.ndarray]:
    """The `BEAM` best sets of each mix, no set twice: (curves, mixes * BEAM, grown), and which of them there are.

    error, mixes: (curves, sets, m), of each set with each shape added.
    """
    curves, _, count = error.shape
    own = mixes.reshape(curves, 1, -1) == np.arange(MIXES)[:, None]
    by_mix = np.where(own, error.reshape(curves, 1, -1), np.inf)
    # a set is reached from each of its members
    tops = BEAM * grown
    at = np.argpartition(by_mix, tops, axis=-1)[..., :tops]
    values = np.take_along_axis(by_mix, at, -1)
    order = np.argsort(values, axis=-1, kind="stable")
    values, at = np.take_along_axis(values, order, -1), np.take_along_axis(at, order, -1)
    each = np.arange(curves)[:, None, None]
    sets = np.sort(np.concatenate((members[each, at // count], (at % count)[..., None]), -1), axis=-1)
    same = (sets[:, :, :, None] == sets[:, :, None]).all(-1)  # (curves, mixes, tops, tops)
    again = np.tril(same, -1).any(-1) | np.isinf(values)
    order = np.argsort(again, axis=-1, kind="stable")[..., :BEAM]
    found = ~np.take_along_axis(again, order, -1)
    sets = np.take_along_axis(sets, order[..., None], 2)
    return sets.reshape(curves, -1, grown), found.reshape(curves, -1)
