"""The best few shapes of a dictionary for a curve, by each mix of band kinds: where a search for few bands begins.

dB responses are nearly linear in the gain, so the best gains of a set of shapes are linear regression, and what a shape
adds to a set follows from the set's own solution (the matrix is bordered). All pairs are tried; larger sets grow from
the best ones of each mix of kinds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from ..bands import BandKind

BEAM = 4  # sets of each mix of kinds that go on
NEAREST_OCT = 0.4  # two bands nearer than that are one


@dataclass(frozen=True)
class Shapes:
    """A dictionary: `kinds` (m,) codes 0 band, 1 low shelf, 2 high shelf; `octave` (m,) centre; `rows` (m, n) dB per dB
    of gain, times the root of each column's weight."""

    kinds: torch.Tensor
    octave: torch.Tensor
    rows: torch.Tensor


LOW, HIGH = 1, 2
KIND_OF = {BandKind.BAND: 0, BandKind.LOW_SHELF: LOW, BandKind.HIGH_SHELF: HIGH}


def best_subsets(
    shapes: Shapes, target: torch.Tensor, size: int, small: float
) -> Iterator[list[tuple[list[int], list[float]]]]:
    """For 1, 2, ... `size` bands in turn: the best set of each mix of kinds, as places in the dictionary and gains, dB.

    Args:
        target: (n,) dB, weighted as the rows are. small: cost of a squared dB of gain.
    """
    gram = shapes.rows @ shapes.rows.T
    diagonal = gram.diagonal() + small
    product = shapes.rows @ target
    near = (shapes.octave[:, None] - shapes.octave[None]).abs() < NEAREST_OCT
    shelf = shapes.kinds > 0
    barred = (shapes.kinds[:, None] == shapes.kinds[None]) & (near | shelf[:, None])  # one shelf of a kind; bells apart

    sets = torch.zeros(1, 0, dtype=torch.long)
    gains, inverse, left = product.new_zeros(1, 0), product.new_zeros(1, 0, 0), (target @ target)[None]
    for count in range(1, size + 1):
        cross = gram[sets]  # (sets, count - 1, m)
        schur = (diagonal - (cross * (inverse @ cross)).sum(1)).clamp_min(1e-9)  # (sets, m)
        missing = product - (cross * gains.unsqueeze(-1)).sum(1)
        error = left[:, None] - missing.square() / schur
        error = error.masked_fill(barred[sets].any(1), torch.inf)
        mix = shapes.kinds[sets].sum(1)[:, None] + shapes.kinds  # a mix is told by which shelves it has
        grown, first = _best_of_each(error, mix, sets, count)
        if not grown:
            return
        parents, atoms = torch.tensor(grown).T
        sets = torch.cat((sets[parents], atoms[:, None]), 1)
        own = gram[sets.unsqueeze(-1), sets.unsqueeze(1)] + small * torch.eye(count, dtype=gram.dtype)
        inverse = torch.linalg.inv(own)
        gains = (inverse @ product[sets].unsqueeze(-1)).squeeze(-1)
        left = (target @ target) - (gains * product[sets]).sum(-1)
        yield [(sets[n].tolist(), gains[n].tolist()) for n in first]


def _best_of_each(
    error: torch.Tensor, mix: torch.Tensor, sets: torch.Tensor, count: int
) -> tuple[list[tuple[int, int]], list[int]]:
    """The `BEAM` best pairs (set, shape to add) of each mix, no set twice; and where those of each mix begin."""
    grown: list[tuple[int, int]] = []
    first = []
    members = sets.tolist()
    for one in range(LOW + HIGH + 1):
        flat = error.where(mix == one, torch.inf).flatten()
        # a set is reached from each of its members
        values, order = flat.topk(min(BEAM * count, len(flat)), largest=False)
        seen: set[tuple[int, ...]] = set()
        for value, at in zip(values.tolist(), order.tolist(), strict=True):
            parent, atom = divmod(at, error.shape[1])
            key = tuple(sorted([*members[parent], atom]))
            if value < float("inf") and key not in seen and len(seen) < BEAM:
                if not seen:
                    first.append(len(grown))
                seen.add(key)
                grown.append((parent, atom))
    return grown, first
