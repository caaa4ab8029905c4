"""The best few shapes of a dictionary for curves, by each mix of band kinds: where a search for few bands begins.

dB responses are nearly linear in the gain, so the best gains of a set of shapes are linear regression, and what a shape
adds to a set follows from the set's own solution (the matrix is bordered). Sets grow by one shape at a time from the
best ones of each mix of kinds; all curves side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

BEAM = 4  # sets of each mix of kinds that go on
NEAREST_OCT = 0.4  # two bands nearer than that are one
# A mix of kinds is told by which ends of the spectrum it has a shelf or pass filter at.
LOW_END, HIGH_END = 1, 2
MIXES = LOW_END + HIGH_END + 1
END_OF = np.array((0, LOW_END, HIGH_END, LOW_END, HIGH_END))  # in the order of `band_shapes.KINDS`


@dataclass(frozen=True)
class Atoms:
    """A dictionary of m shapes: `x` (m, 3) in the solver's coordinates, `codes` and `ends` (m,), `responses` (m, n)
    dB per dB of gain, of a pass filter dB per filter; `alike` (groups, k) places of those that differ in width only."""

    x: np.ndarray
    codes: np.ndarray
    ends: np.ndarray
    responses: np.ndarray
    alike: np.ndarray

    @cached_property
    def barred(self) -> np.ndarray:
        """(m, m) bool: which may not stand beside each other. One shelf at an end; bells apart."""
        near = np.abs(self.x[:, :1] - self.x[:, 0]) < NEAREST_OCT
        return (self.ends[:, None] == self.ends) & (near | (self.ends[:, None] > 0))


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
    it, all weighted, dB²; `allowed` (curves, m) bool."""

    gram: np.ndarray
    product: np.ndarray
    energy: np.ndarray
    allowed: np.ndarray
    atoms: Atoms

    def rows(self, at: np.ndarray) -> Regression:
        """The same of some of the curves."""
        return Regression(self.gram[at], self.product[at], self.energy[at], self.allowed[at], self.atoms)


class GrowingSets:
    """The best sets of 1, 2, ... bands in turn, each size from the one before."""

    def __init__(self, one: Regression, small: float) -> None:
        """small: cost of a squared dB of gain."""
        self._one, self._small, self.size = one, small, 0
        # two sets are one if these add up to the same
        self._names = np.random.default_rng(0).integers(1 << 62, size=len(one.atoms.ends))
        self._diagonal = one.gram.diagonal(axis1=-2, axis2=-1)[:, None] + small
        self._members = np.zeros((len(one.product), 1, 0), dtype=np.intp)
        self._found = np.ones((len(one.product), 1), dtype=bool)
        self._gains, self._inverse = self._members.astype(one.gram.dtype), np.zeros((len(one.product), 1, 0, 0))
        self._left = one.energy[:, None]

    def keep(self, at: np.ndarray) -> None:
        """Goes on with some of the curves alone."""
        self._one, self._diagonal = self._one.rows(at), self._diagonal[at]
        self._members, self._found = self._members[at], self._found[at]
        self._gains, self._inverse, self._left = self._gains[at], self._inverse[at], self._left[at]

    def grow(self) -> Sets:
        """Those of one band more."""
        one, members, found = self._one, self._members, self._found
        self.size += 1
        each = np.arange(len(members))[:, None]
        if self.size == 1:
            error = one.energy[:, None] - one.product**2 / np.maximum(self._diagonal[:, 0], 1e-9)
            error[~one.allowed] = np.inf
            members, found = _best_widths(error, one.atoms.alike)
        else:
            cross = one.gram[each[..., None], members]  # (curves, sets, size - 1, m)
            schur = np.maximum(self._diagonal - (cross * (self._inverse @ cross)).sum(2), 1e-9)
            missing = one.product[:, None] - (self._gains[..., None, :] @ cross)[..., 0, :]
            error = self._left[..., None] - missing * missing / schur
            barred = one.atoms.barred[members[..., 0]]
            for place in range(1, self.size - 1):
                barred |= one.atoms.barred[members[..., place]]
            error[barred | ~(one.allowed[:, None] & found[..., None])] = np.inf
            members, found = self._best_of_each(error)
        own = one.gram[each[..., None, None], members[..., None], members[..., None, :]]
        own += np.where(found, self._small, 1e3).astype(own.dtype)[..., None, None] * np.eye(self.size, dtype=own.dtype)
        inverse = np.linalg.inv(own)
        wanted = one.product[each[..., None], members]
        gains = (inverse @ wanted[..., None])[..., 0]
        left = one.energy[:, None] - (gains * wanted).sum(-1)
        self._members, self._found, self._gains, self._inverse, self._left = members, found, gains, inverse, left
        if self.size == 1:
            first = _best_alone(np.where(found, left, np.inf), one.atoms.ends[members[..., 0]])
            return Sets(members[each, first], gains[each, first], found[each, first] & (np.arange(MIXES) < 3))
        return Sets(members[:, ::BEAM], gains[:, ::BEAM], found[:, ::BEAM])

    def _best_of_each(self, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The `BEAM` best sets of each mix, no set twice: (curves, mixes * BEAM, size), and which of them there are.

        error: (curves, sets, m), of each set with each shape added.
        """
        members, ends = self._members, self._one.atoms.ends
        curves, _, count = error.shape
        # single shapes lie in the same order in all curves, larger sets in the order of their mixes
        mixes = ends[members[0, :, 0]] if self.size == 2 else np.repeat(np.arange(MIXES), BEAM)
        flat, mix_of = error.reshape(curves, -1), (mixes[:, None] + ends).ravel()
        # a set is reached from each of its members
        tops = BEAM * self.size
        values = np.full((curves, MIXES, tops), np.inf, dtype=error.dtype)
        at = np.zeros(values.shape, dtype=np.intp)
        for mix in range(MIXES):
            own = np.flatnonzero(mix_of == mix)
            here = flat[:, own]
            if len(own) > tops:
                best = np.argpartition(here, tops - 1, axis=-1)[:, :tops]
                own, here = own[best], here[np.arange(curves)[:, None], best]
            values[:, mix, : here.shape[1]], at[:, mix, : here.shape[1]] = here, own
        order = np.argsort(values, axis=-1, kind="stable")
        each, row = np.arange(curves)[:, None, None], np.arange(MIXES)[:, None]
        values, at = values[each, row, order], at[each, row, order]
        parents, added = np.divmod(at, count)
        names = self._names[members].sum(-1)[each, parents] + self._names[added]
        same = names[..., None] == names[..., None, :]  # (curves, mixes, tops, tops)
        again = np.tril(same, -1).any(-1) | np.isinf(values)
        order = np.argsort(again, axis=-1, kind="stable")[..., :BEAM]
        found, parents, added = ~again[each, row, order], parents[each, row, order], added[each, row, order]
        sets = np.concatenate((members[each, parents], added[..., None]), -1)
        return sets.reshape(curves, -1, self.size), found.reshape(curves, -1)


def _best_widths(error: np.ndarray, alike: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of shapes (curves, m) that differ in width only the best each, (curves, groups, 1), and which there are."""
    best = error[:, alike].argmin(-1)
    members = alike[np.arange(len(alike)), best]
    return members[..., None], np.isfinite(np.take_along_axis(error, members, 1))


def _best_alone(error: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Places of the best bell, low and high end of single shapes (curves, groups); (curves, mixes)."""
    return np.stack([np.where(ends == end, error, np.inf).argmin(-1) for end in range(MIXES)], 1)
