"""The stored answers as `results` wants them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from .plan import QUESTIONS
from .results import Choice, Rated
from .store import Store
from .study import ANSWERS, Study

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
