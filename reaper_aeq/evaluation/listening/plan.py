"""In which order a listener hears what. Drawn from the study's seed and the listener's number, into plain data.

First all pairs, then all ratings: a rating tells which sound is the reference, which must not be known before.
Listeners come in twos (0 and 1, 2 and 3, ...): the second of the two hears everything in the reverse order, with A
and B exchanged. Within a listener, each method of a pair is A on half of the items. Of as many successive listeners as
a rating has sounds, each hears every sound at another place.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from .study import Study

PAIR, RATING = "pair", "rating"
QUESTIONS = ("more", "prefer")
NEITHER = "neither"


@dataclass(frozen=True)
class ListeningTrial:
    """One page: the conditions of an item in the order in which they are shown."""

    kind: str
    item: str
    conditions: tuple[str, ...]


def plan(study: Study, listener: int) -> list[ListeningTrial]:
    """All trials of a listener, who is counted from 0."""
    twin, second = divmod(listener, 2)
    rng = random.Random(f"{study.seed}/{twin}")
    pairs = list(_pairs(study, rng, exchanged=bool(second)))
    rng.shuffle(pairs)
    ratings = [ListeningTrial(RATING, item.id, _places(study, item.id, listener)) for item in study.items]
    rng.shuffle(ratings)
    step = -1 if second else 1
    return pairs[::step] + ratings[::step]


def _pairs(study: Study, rng: random.Random, *, exchanged: bool) -> Iterator[ListeningTrial]:
    for first, second in combinations(study.methods, 2):
        # half of the items; of an odd number chance decides who gets the one more
        odd = rng.random() < 0.5
        turned = [(n + odd) % 2 == 0 for n in range(len(study.items))]
        rng.shuffle(turned)
        for item, turn in zip(study.items, turned, strict=True):
            shown = (second, first) if turn != exchanged else (first, second)
            yield ListeningTrial(PAIR, item.id, shown)


def _places(study: Study, item: str, listener: int) -> tuple[str, ...]:
    """A row of a Latin square, which is drawn for each item and block of listeners."""
    block, row = divmod(listener, len(study.conditions))
    order = list(study.conditions)
    random.Random(f"{study.seed}/{item}/{block}").shuffle(order)
    return tuple(order[row:] + order[:row])
