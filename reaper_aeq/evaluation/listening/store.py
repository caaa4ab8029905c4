"""Who listens, what they are to hear and what they answered: one SQLite file, written before anything is confirmed.

Tables `choices` and `ratings` speak of conditions by their names and can be read by anyone who knows SQL.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from ...util.files import output_error
from .plan import NEITHER, PAIR, QUESTIONS, RATING, plan
from .study import ANSWERS, ORIGINAL, Study, StudyError

REFERENCE_PLACE = 0  # of the reference that is shown as such; what is to be judged begins at 1


class NoSuchListener(StudyError):
    """A listener or sound that this study does not know."""

    http_status = 404


class Conflict(StudyError):
    """A name that is taken, or an answer to what is not asked now."""

    http_status = 409


@dataclass(frozen=True)
class Page:
    """The trial that a listener is at, as their page is told: of no sound more than its id.

    Attributes:
        reference: of the sound that is shown as the reference, where there is one.
        sounds: what is judged, in the order of the buttons.
        answers: question -> id of a sound or 'neither'; id of a sound -> rating.
    """

    position: int
    kind: str
    word: str
    reference: str | None
    sounds: list[str]
    answers: dict[str, str | int]

    @property
    def missing(self) -> list[str]:
        """Questions without an answer."""
        asked = QUESTIONS if self.kind == PAIR else self.sounds
        return [question for question in asked if question not in self.answers]


@dataclass(frozen=True)
class Session:
    """How far a listener is. `trial` is None when all is done."""

    name: str
    finished: int
    trials: int
    trial: Page | None


MIN_RATING, MAX_RATING = 0, 100
BUSY_S = 30.0
WRITING = "begin immediate"  # waits for its turn before it reads what it will change
SCHEMA = """
create table if not exists listeners (
  number integer primary key, token text not null unique, name text not null unique collate nocase,
  consented_at text not null);
create table if not exists trials (
  listener integer not null references listeners, position integer not null, kind text not null, item text not null,
  finished_at text, primary key (listener, position));
create table if not exists sounds (
  id text primary key, listener integer not null, position integer not null, place integer not null,
  condition text not null, unique (listener, position, place));
create table if not exists choices (
  listener integer not null, position integer not null, question text not null, chosen text not null,
  answered_at text not null, primary key (listener, position, question));
create table if not exists ratings (
  listener integer not null, position integer not null, condition text not null, rating integer not null,
  answered_at text not null, primary key (listener, position, condition));
"""


class NotStored(StudyError):
    """The database refuses: a full disk, a damaged file."""

    http_status = 507


class Store:
    """The answers of a study. Every call is a transaction on a connection of its own, from whatever thread."""

    def __init__(self, study: Study) -> None:
        self.study, self.path = study, study.folder / ANSWERS
        try:
            # people's names and answers: for the owner's eyes only
            os.close(os.open(self.path, os.O_CREAT | os.O_RDONLY, 0o600))
        except OSError as error:
            raise output_error(self.path, error) from None
        with self._transaction() as db:
            for statement in filter(str.strip, SCHEMA.split(";")):
                db.execute(statement)

    @contextmanager
    def _transaction(self, begin: str = "begin") -> Iterator[sqlite3.Connection]:
        """On the disk when the block has ended; raises `NotStored`."""
        try:
            with closing(sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)) as db:
                db.row_factory = sqlite3.Row
                # the default may leave the last answers to the operating system's cache when the power fails
                db.execute("pragma synchronous = full")
                db.execute(begin)
                yield db
                db.execute("commit")  # what raised before is rolled back when the connection is closed
        except sqlite3.Error as error:
            raise NotStored(
                f"answers cannot be stored in {self.path.name} ({error}): see to the disk, then go on"
            ) from error

    def join(self, name: str) -> str:
        """Draws a new listener's trials; gives the token that names them from now on. Raises `Conflict`."""
        token = secrets.token_hex(16)
        with self._transaction(WRITING) as db:
            if db.execute("select 1 from listeners where name = ?", [name]).fetchone():
                raise Conflict(f"{name!r} takes part already: choose another name, or go on where it began")
            number = db.execute("select coalesce(max(number), -1) + 1 from listeners").fetchone()[0]
            db.execute("insert into listeners values (?, ?, ?, ?)", [number, token, name, _now()])
            for position, trial in enumerate(plan(self.study, number)):
                db.execute("insert into trials values (?, ?, ?, ?, null)", [number, position, trial.kind, trial.item])
                heard = list(enumerate(trial.conditions, REFERENCE_PLACE + 1))
                heard += [(REFERENCE_PLACE, ORIGINAL)] if trial.kind == RATING else []
                rows = [[secrets.token_hex(8), number, position, place, condition] for place, condition in heard]
                db.executemany("insert into sounds values (?, ?, ?, ?, ?)", rows)
        return token

    def session(self, token: str) -> Session:
        """Where a listener is. Raises `NoSuchListener`."""
        with self._transaction() as db:
            return self._session(db, token)

    def answer(self, token: str, position: int, question: str, value: str | int) -> None:
        """Stores one answer; a later one to the same question takes its place.

        Args:
            question, value: of a pair 'more' or 'prefer' and the id of a sound or 'neither'; else the id of the sound
                that is rated and 0 to 100.

        Raises `NoSuchListener`; `Conflict` for another trial than the listener's present one; `StudyError`.
        """
        with self._transaction(WRITING) as db:
            listener = _listener(db, token)["number"]
            page, conditions = self._current(db, listener, position), _conditions(db, listener, position)
            if page.kind == PAIR:
                chosen = (conditions | {NEITHER: NEITHER}).get(str(value))
                if question not in QUESTIONS or chosen is None:
                    raise StudyError("that is not an answer to this question")
                _replace(db, "choices", listener, position, question, chosen)
            else:
                is_rating = type(value) is int and MIN_RATING <= value <= MAX_RATING
                if question not in conditions or not is_rating:
                    raise StudyError(
                        f"a rating is a whole number, {MIN_RATING} to {MAX_RATING}, of a sound of this page"
                    )
                _replace(db, "ratings", listener, position, conditions[question], value)

    def finish(self, token: str, position: int) -> Session:
        """Goes on to the next trial. Raises as `answer`, and `Conflict` while a question is open."""
        with self._transaction(WRITING) as db:
            listener = _listener(db, token)["number"]
            if self._current(db, listener, position).missing:
                raise Conflict("answer every question of this page first")
            where = [_now(), listener, position]
            db.execute("update trials set finished_at = ? where listener = ? and position = ?", where)
            return self._session(db, token)

    def sound(self, token: str, sound_id: str) -> tuple[str, str]:
        """Item and condition of a sound. Raises `NoSuchListener` for another listener's."""
        with self._transaction() as db:
            row = db.execute(
                "select item, condition from sounds join trials using (listener, position)"
                " join listeners on number = listener where sounds.id = ? and token = ?", [sound_id, token],
            ).fetchone()  # fmt: skip
        if row is None:
            raise NoSuchListener("there is no such sound")
        return row["item"], row["condition"]

    def rows(self, query: str) -> list[sqlite3.Row]:
        """What a query finds, for the results."""
        with self._transaction() as db:
            return db.execute(query).fetchall()

    def _session(self, db: sqlite3.Connection, token: str) -> Session:
        listener = _listener(db, token)
        counts = "select count(finished_at), count(*) from trials where listener = ?"
        finished, trials = db.execute(counts, [listener["number"]]).fetchone()
        return Session(listener["name"], finished, trials, self._page(db, listener["number"]))

    def _page(self, db: sqlite3.Connection, listener: int) -> Page | None:
        unfinished = "select * from trials where listener = ? and finished_at is null order by position limit 1"
        trial = db.execute(unfinished, [listener]).fetchone()
        if trial is None:
            return None
        here = [listener, trial["position"]]
        shown = "select id from sounds where listener = ? and position = ? and place = ?"
        reference = db.execute(shown, [*here, REFERENCE_PLACE]).fetchone()
        conditions = _conditions(db, *here)
        ids = {condition: sound for sound, condition in conditions.items()} | {NEITHER: NEITHER}
        answers: dict[str, str | int] = {}
        for row in db.execute("select * from choices where listener = ? and position = ?", here):
            answers[row["question"]] = ids[row["chosen"]]
        for row in db.execute("select * from ratings where listener = ? and position = ?", here):
            answers[ids[row["condition"]]] = row["rating"]
        word = self.study.item(trial["item"]).word
        return Page(
            trial["position"], trial["kind"], word, reference["id"] if reference else None, list(conditions), answers
        )

    def _current(self, db: sqlite3.Connection, listener: int, position: int) -> Page:
        page = self._page(db, listener)
        if page is None or page.position != position:
            raise Conflict("this page is finished already: reload to go on")
        return page


def _listener(db: sqlite3.Connection, token: str) -> sqlite3.Row:
    row = db.execute("select number, name from listeners where token = ?", [token]).fetchone()
    if row is None:
        raise NoSuchListener("this study does not know you: begin anew")
    return row


def _conditions(db: sqlite3.Connection, listener: int, position: int) -> dict[str, str]:
    """Of what is judged on a page, by the ids of its sounds, in the order shown."""
    query = "select id, condition from sounds where listener = ? and position = ? and place != ? order by place"
    return dict(db.execute(query, [listener, position, REFERENCE_PLACE]).fetchall())


def _replace(db: sqlite3.Connection, table: str, *values: object) -> None:
    db.execute(f"insert or replace into {table} values (?, ?, ?, ?, ?)", [*values, _now()])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
