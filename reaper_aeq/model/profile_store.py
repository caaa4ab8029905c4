"""What a person's own settings of words were: one SQLite file in the user's data folder that never leaves it.

Standard library only. Two processes may use it at once; a store that is damaged is set aside under another name and
the next one begins empty. Erased rows are overwritten in the file (`secure_delete`), and nothing is kept in a log
beside it: the journal is deleted with each transaction.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import AeqError
from ..util.paths import user_folder

SETTING = "AEQ_PROFILES"
VERSION = 1


class StoreError(AeqError):
    """The store of own settings cannot be used."""


@dataclass(frozen=True)
class Edit:
    """What somebody made of an answer. Curves are (bands,) dB on the grid, of the bands alone.

    Attributes:
        word: as the vocabulary spells it. kind: what the sound was taken for, or ''. heard: its LTAS, dB, or nothing.
        computed_db: what we answered. made_db: what the person made of it. meant_db: the word's mean curve then.
        intensity: that was asked for, never 0.
    """

    profile: str
    word: str
    kind: str
    heard: tuple[float, ...]
    computed_db: tuple[float, ...]
    made_db: tuple[float, ...]
    meant_db: tuple[float, ...]
    intensity: float = 1.0
    made_at: str = ""


_COLUMNS = tuple(one.name for one in fields(Edit))  # the table has what an edit has; curves are JSON
_PLACES = ", ".join(_COLUMNS)
_TABLE = "create table if not exists edits (id integer primary key, " + ", ".join(
    f"{name} {'real' if name == 'intensity' else 'text'} not null" for name in _COLUMNS
) + ")"  # fmt: skip


def default_store(system: str = sys.platform, environ: Mapping[str, str] = os.environ) -> Path:
    """Where it is, which need not exist.

    >>> default_store("linux", {"HOME": "/home/ann"}).as_posix()
    '/home/ann/.local/share/reaper-aeq/profiles.sqlite'
    """
    if given := environ.get(SETTING, "").strip():
        return Path(given).expanduser()
    folder = user_folder(system, environ, ("APPDATA", "Roaming"), ("XDG_DATA_HOME", ".local/share"))
    return folder / "profiles.sqlite"


class ProfileStore:
    """The edits of all profiles."""

    def __init__(self, path: Path | None = None):
        self.path = path or default_store()
        self.told: list[str] = []  # sentences for people: what was set aside

    @property
    def state(self) -> tuple[int, int, int] | None:
        """Changes whenever another process may have written; None: there is no store."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def edits(self, profile: str | None = None) -> list[Edit]:
        """The edits, oldest first; of all profiles where none is named. Raises `StoreError`."""
        if self.state is None:
            return []

        def read(db: sqlite3.Connection) -> list[Edit]:
            rows = db.execute(f"select {_PLACES} from edits where ?1 is null or profile = ?1 order by id", [profile])
            return [_edit(row) for row in rows]

        return self._do(read) or []

    def add(self, edits: Sequence[Edit], once: bool = False) -> None:
        """All of them or none; `once`: in place of what this profile did before with this word on the same sound.

        Raises `StoreError`, `AeqError`.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        rows = [_row(one, now) for one in edits]
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot make the folder {self.path.parent}: {error.strerror or error}") from None

        def write(db: sqlite3.Connection) -> None:
            if once:
                same = [(row["profile"], row["word"], row["heard"]) for row in rows]
                db.executemany("delete from edits where profile = ? and word = ? and heard = ?", same)
            db.executemany(f"insert into edits ({_PLACES}) values (:{', :'.join(_COLUMNS)})", rows)

        self._do(write, again=True)

    def erase(self, profile: str | None = None, word: str | None = None) -> int:
        """Takes edits away without a trace; with neither named the store itself. Returns how many there were."""
        if self.state is None and not self.set_aside():
            return 0
        if profile is None and word is None:
            count = len(self.edits())
            for path in [*self.set_aside(), *(self.path.with_name(self.path.name + end) for end in _BESIDE), self.path]:
                _overwrite(path)
            return count

        def remove(db: sqlite3.Connection) -> int:
            forget = "delete from edits where (?1 is null or profile = ?1) and (?2 is null or word = ?2)"
            return db.execute(forget, [profile, word]).rowcount

        return self._do(remove, after="vacuum") or 0

    def set_aside(self) -> list[Path]:
        """Damaged stores that were set aside."""
        return sorted(self.path.parent.glob(f"{self.path.name}.damaged*")) if self.path.parent.is_dir() else []

    def _do(self, work: Any, again: bool = False, after: str = "") -> Any:
        for _ in range(1 + again):
            try:
                with self._open() as db:
                    with db:
                        db.execute("begin immediate" if again or after else "begin")
                        found = work(db)
                    if after:
                        db.execute(after)
                    return found
            except (sqlite3.DatabaseError, ValueError, KeyError, TypeError) as error:
                if isinstance(error, sqlite3.OperationalError) and not _is_damage(error):
                    raise StoreError(f"the store of your own settings {self.path} cannot be used: {error}") from None
                if again and not isinstance(error, sqlite3.DatabaseError):
                    raise  # what cannot be written is no damage of the store
                self._put_aside()
        return None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if not self.path.exists():
            with open(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600), "rb"):
                pass  # readable by its owner alone from the first byte on
        with closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as db:
            db.execute("pragma secure_delete = on")
            db.execute("pragma journal_mode = delete")
            db.execute("pragma temp_store = memory")
            db.execute("pragma synchronous = full")
            if db.execute("pragma quick_check").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("damaged")
            if (version := db.execute("pragma user_version").fetchone()[0]) > VERSION:
                raise StoreError(f"{self.path} was written by a newer reaper-aeq: update this one")
            if not version:
                db.execute(_TABLE)
                db.execute(f"pragma user_version = {VERSION}")
            yield db

    def _put_aside(self) -> None:
        names = (self.path.with_name(f"{self.path.name}.damaged{n or ''}") for n in range(1000))
        aside = next(path for path in names if not path.exists())
        try:
            os.replace(self.path, aside)
            self.told.append(
                f"the store of your own settings was damaged and set aside as {aside}: words mean what they mean to"
                " everybody until you teach them again"
            )
        except OSError as error:
            self.told.append(f"the damaged store of your own settings {self.path} is left out: {error.strerror}")


_BESIDE = ("-journal", "-wal", "-shm")


def _is_damage(error: sqlite3.OperationalError) -> bool:
    return any(text in str(error) for text in ("malformed", "no such", "not a database", "has no column"))


def _overwrite(path: Path) -> None:
    try:
        with open(path, "r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"cannot erase {path}: {error.strerror or error}") from None


def _row(edit: Edit, now: str) -> dict[str, Any]:
    bands = len(edit.computed_db)
    numbers = [*edit.heard, *edit.computed_db, *edit.made_db, *edit.meant_db, edit.intensity]
    if not bands or {len(edit.made_db), len(edit.meant_db)} != {bands}:
        raise AeqError("the curves of an edit must have as many bands as each other")
    if not all(math.isfinite(number) for number in numbers) or not edit.intensity:
        raise AeqError("an edit holds a number that is none, or an intensity of 0")
    row = {
        name: json.dumps([round(part, 4) for part in value]) if isinstance(value, tuple) else value
        for name, value in asdict(edit).items()
    }
    return row | {"made_at": edit.made_at or now}


def _edit(row: Sequence[Any]) -> Edit:
    found = dict(zip(_COLUMNS, row, strict=True))
    for name in ("heard", "computed_db", "made_db", "meant_db"):
        found[name] = tuple(float(part) for part in json.loads(found[name]))
    return Edit(**found | {"intensity": float(found["intensity"])})
