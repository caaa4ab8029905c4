"""What the listeners' answers say, with intervals and tests. Plain numbers come in, rows for tables go out.

Answers of one listener are not independent of each other, so each comparison is also tested over listeners: each
counts once, for what they chose or rated higher more often (exact sign test).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from .figures import proportion, sign_test, spread, wilcoxon, with_holm
from .plan import NEITHER, QUESTIONS
from .store import Store
from .study import ANCHOR, ANSWERS, ORIGINAL, Study

# ITU-R BS.1534-3, 4.1.2
LEAST_FOR_REFERENCE, SHARE_BELOW_IT = 90, 0.15


@dataclass(frozen=True)
class Choice:
    """One answer: what a listener chose of a pair of conditions, or 'neither'."""

    listener: int
    word: str
    pair: tuple[str, str]
    chosen: str


@dataclass(frozen=True)
class Rated:
    """All ratings of one page: condition -> 0..100."""

    listener: int
    word: str
    ratings: Mapping[str, int]


def choices_of(choices: Iterable[Choice], methods: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each pair of methods over all words, and for each word where there are several.

    `share` is of those who chose at all (ties apart), with Wilson's interval and the exact binomial test against a
    half; `p_holm` is corrected for all rows of the table that have the same word.
    """
    choices = list(choices)
    rows = []
    for word in _words(choices):
        mine = [choice for choice in choices if word in (None, choice.word)]
        group = [
            _pair_row(word, first, second, [choice for choice in mine if set(choice.pair) == {first, second}])
            for first, second in combinations(methods, 2)
        ]
        rows += with_holm([row for row in group if row["answers"]])
    return rows


def _pair_row(word: str | None, first: str, second: str, choices: Sequence[Choice]) -> dict[str, Any]:
    wins, losses = (sum(choice.chosen == name for choice in choices) for name in (first, second))
    per_listener: defaultdict[int, float] = defaultdict(float)
    for choice in choices:
        per_listener[choice.listener] += (choice.chosen == first) - (choice.chosen == second)
    row = {"word": word, "first": first, "second": second, "answers": len(choices)}
    row |= {"for_first": wins, "for_second": losses, "ties": sum(choice.chosen == NEITHER for choice in choices)}
    return row | proportion(wins, wins + losses) | {"listeners": sign_test(per_listener.values())}


def screened(pages: Sequence[Rated]) -> tuple[list[Rated], list[dict[str, int]]]:
    """The pages of listeners who may count, and who may not: rule of ITU-R BS.1534-3.

    Left out is who rated the hidden reference below 90 on more than 15 % of their pages.
    """
    out = []
    for listener in sorted({page.listener for page in pages}):
        mine = [page.ratings[ORIGINAL] for page in pages if page.listener == listener]
        below = sum(rating < LEAST_FOR_REFERENCE for rating in mine)
        if below > SHARE_BELOW_IT * len(mine):
            out.append({"listener": listener, "below_90": below, "pages": len(mine)})
    refused = {row["listener"] for row in out}
    return [page for page in pages if page.listener not in refused], out


def ratings_of(pages: Sequence[Rated], conditions: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each condition over all words, and for each word where there are several; bootstrap intervals."""
    rows = []
    for word in _words(pages):
        mine = [page for page in pages if word in (None, page.word)]
        for condition in conditions:
            groups = _by_listener(mine, condition)
            row = {"word": word, "condition": condition, "ratings": len(mine), "listeners": len(groups)}
            rows.append(row | spread(list(groups.values())))
    return rows


def rating_pairs(pages: Sequence[Rated], conditions: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each two conditions but the anchor: Wilcoxon's signed-rank test over pages, corrected after Holm."""
    rows = []
    for first, second in combinations([name for name in conditions if name != ANCHOR], 2):
        groups = _by_listener(pages, first, second)
        differences = np.array([value for group in groups.values() for value in group], dtype=float)
        if len(differences):
            row = {"first": first, "second": second, "pairs": len(differences), "p": wilcoxon(differences)}
            row |= {"mean_difference": float(differences.mean()), "median_difference": float(np.median(differences))}
            rows.append(row | {"listeners": sign_test(float(np.mean(group)) for group in groups.values())})
    return with_holm(rows)


def _words(answers: Sequence[Choice] | Sequence[Rated]) -> list[str | None]:
    """All words (None), then each one where there are several."""
    words = list(dict.fromkeys(answer.word for answer in answers))
    return [None, *words] if len(words) > 1 else [None]


def _by_listener(pages: Iterable[Rated], condition: str, other: str | None = None) -> dict[int, list[float]]:
    """The ratings of a condition, or how far they are above those of another, by listener."""
    groups: defaultdict[int, list[float]] = defaultdict(list)
    for page in pages:
        groups[page.listener].append(page.ratings[condition] - (page.ratings[other] if other else 0))
    return groups


_CHOICES = """
select listener, position, question, chosen, item, group_concat(condition, '/') as shown
from choices join trials using (listener, position) join sounds using (listener, position)
group by listener, position, question order by listener, position"""
# a page that is not finished may lack ratings, and those it has may still change
_RATINGS = """
select listener, position, item, condition, rating from ratings join trials using (listener, position)
where finished_at is not null order by listener, position"""
_PEOPLE = """
select number, count(finished_at) as finished, count(position) as trials
from listeners join trials on listener = number group by number"""


@dataclass(frozen=True)
class Answers:
    """`listeners`: how many began; `finished`: how many of them have answered all; `choices`: by question."""

    listeners: int
    finished: int
    choices: dict[str, list[Choice]]
    pages: list[Rated]

    @property
    def count(self) -> int:
        """Of single answers."""
        return sum(map(len, self.choices.values())) + sum(len(page.ratings) for page in self.pages)


def read_answers(study: Study) -> Answers:
    """Everything that was answered so far, also while listeners are at it. Raises `NotStored`."""
    if not (study.folder / ANSWERS).exists():
        return Answers(0, 0, {question: [] for question in QUESTIONS}, [])
    store = Store(study)
    words = {item.id: item.word for item in study.items}
    choices: dict[str, list[Choice]] = {question: [] for question in QUESTIONS}
    for row in store.rows(_CHOICES):
        first, second = row["shown"].split("/")
        choice = Choice(row["listener"], words[row["item"]], (first, second), row["chosen"])
        choices[row["question"]].append(choice)
    pages: defaultdict[tuple[int, int, str], dict[str, int]] = defaultdict(dict)
    for row in store.rows(_RATINGS):
        pages[row["listener"], row["position"], words[row["item"]]][row["condition"]] = row["rating"]
    rated = [Rated(listener, word, ratings) for (listener, _, word), ratings in pages.items()]
    people = store.rows(_PEOPLE)
    finished = sum(row["finished"] == row["trials"] for row in people)
    return Answers(len(people), finished, choices, rated)


def summary(answers: Answers, study: Study) -> dict[str, Any]:
    """Everything: {'more', 'prefer', 'ratings', 'rating_pairs', 'left_out'}, each a list of rows."""
    kept, left_out = screened(answers.pages)
    tables: dict[str, Any] = {question: choices_of(rows, study.methods) for question, rows in answers.choices.items()}
    return tables | {
        "ratings": ratings_of(kept, study.conditions) if kept else [],
        "rating_pairs": rating_pairs(kept, study.conditions),
        "left_out": left_out,
    }
