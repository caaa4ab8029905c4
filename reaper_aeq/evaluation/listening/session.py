"""A listener's place in a study, read from its database."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from .plan import NEITHER, PAIR, QUESTIONS
from .study import StudyError

REFERENCE_PLACE = 0  # of the reference that is shown as such; what is to be judged begins at 1


class NoSuchListener(StudyError):
    """A listener or sound that this study does not know."""

    http_status = 404


class Conflict(StudyError):
    """A name that is taken, or an answer to what is not asked now."""

    http_status = 409


@dataclass(frozen=True)
class ListenerSound:
    """What is heard at a place of a page; `id` is all that the page learns of it."""

    id: str
    place: int
    condition: str


@dataclass(frozen=True)
class Page:
    """The trial that a listener is at. `answers`: question -> id of a sound or 'neither'; id of a sound -> rating."""

    position: int
    kind: str
    item: str
    sounds: tuple[ListenerSound, ...]
    answers: dict[str, str | int]

    @property
    def judged(self) -> tuple[ListenerSound, ...]:
        return tuple(sound for sound in self.sounds if sound.place != REFERENCE_PLACE)

    @property
    def missing(self) -> list[str]:
        """Questions without an answer."""
        asked = QUESTIONS if self.kind == PAIR else [sound.id for sound in self.judged]
        return [question for question in asked if question not in self.answers]


@dataclass(frozen=True)
class Session:
    """A listener. `page` is None when all is done."""

    number: int
    name: str
    finished: int
    trials: int
    page: Page | None


def read_session(db: sqlite3.Connection, token: str) -> Session:
    """Raises `NoSuchListener`."""
    listener = db.execute("select number, name from listeners where token = ?", [token]).fetchone()
    if listener is None:
        raise NoSuchListener("this study does not know you: begin anew")
    counts = "select count(finished_at), count(*) from trials where listener = ?"
    finished, trials = db.execute(counts, [listener["number"]]).fetchone()
    return Session(listener["number"], listener["name"], finished, trials, _page(db, listener["number"]))


def _page(db: sqlite3.Connection, listener: int) -> Page | None:
    trial = db.execute(
        "select * from trials where listener = ? and finished_at is null order by position limit 1", [listener]
    ).fetchone()
    if trial is None:
        return None
    here = [listener, trial["position"]]
    found = db.execute("select * from sounds where listener = ? and position = ? order by place", here)
    sounds = tuple(ListenerSound(row["id"], row["place"], row["condition"]) for row in found)
    ids = {sound.condition: sound.id for sound in sounds if sound.place != REFERENCE_PLACE} | {NEITHER: NEITHER}
    answers: dict[str, str | int] = {}
    for row in db.execute("select * from choices where listener = ? and position = ?", here):
        answers[row["question"]] = ids[row["chosen"]]
    for row in db.execute("select * from ratings where listener = ? and position = ?", here):
        answers[ids[row["condition"]]] = row["rating"]
    return Page(trial["position"], trial["kind"], trial["item"], sounds, answers)
