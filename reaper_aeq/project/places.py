"""Where a run on a project writes: the project, and the report beside it as page and JSON. All appear, or none does."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AeqError, OutputError
from ..files import atomic_write, write_bytes_atomic, write_text_atomic

if TYPE_CHECKING:
    from .report import Report


@dataclass(frozen=True)
class Places:
    """The files of one run; with `in_place` the project is the song itself, of which a backup is kept."""

    project: Path
    html: Path
    json: Path
    in_place: bool = False

    @classmethod
    def beside(cls, song: Path, out: Path | None, in_place: bool) -> Places:
        """Raises `AeqError` for a choice that would replace the song unasked."""
        if in_place and out:
            raise AeqError("say either --in-place or --out, not both")
        written = song if in_place else out or song.with_name(f"{song.stem}.aeq{song.suffix}")
        if not in_place and os.path.realpath(written) == os.path.realpath(song):
            raise AeqError(f"{written} is the project itself: say --in-place, which keeps a backup, or another --out")
        if written.suffix.lower() != song.suffix.lower():
            raise OutputError(f"cannot write {written}: choose a name that ends in {song.suffix}")
        stem = f"{song.stem}.aeq" if in_place else written.stem
        return cls(written, written.with_name(f"{stem}.html"), written.with_name(f"{stem}.json"), in_place)

    @contextmanager
    def opened(self) -> Iterator[OpenPlaces]:
        """Opens every file, so that a place that cannot be written to is known before anything is computed.

        An error or an interrupt leaves all as it was. The project is the last to take its place.
        """
        paths = (self.project, self.html, self.json)
        created = [path for path in paths if not os.path.lexists(path)]
        try:
            with ExitStack() as stack:
                yield OpenPlaces(self, *(stack.enter_context(atomic_write(path)) for path in paths), created)
        except BaseException:
            for path in created:
                with suppress(OSError):
                    path.unlink()
            raise


@dataclass
class OpenPlaces:
    """The temporary files of `Places` while they are written."""

    places: Places
    project: Path
    html: Path
    json: Path
    created: list[Path]

    def write(self, song: Path, before: bytes, after: bytes, report: Report) -> Path | None:
        """Gives the backup, if one was made. Raises `OutputError`."""
        backup, in_place = None, self.places.in_place
        if in_place and song.read_bytes() != before:
            raise AeqError(f"{song} was changed while it was listened to: start again")
        if in_place and before != after:
            backup = backup_name(song)
            self.created.append(backup)
            write_bytes_atomic(backup, before)
        texts = {"html": report.html(), "json": json.dumps(report.to_dict(), indent=1, allow_nan=False) + "\n"}
        for name, text in texts.items():
            with _calling_it(getattr(self.places, name), getattr(self, name)):
                write_text_atomic(getattr(self, name), text)
        with _calling_it(self.places.project, self.project):
            write_bytes_atomic(self.project, after)
        return backup


def backup_name(song: Path, now: datetime | None = None) -> Path:
    """A name that is free, dated as REAPER dates its own backups.

    >>> backup_name(Path("nowhere/song.rpp"), datetime(2026, 7, 18, 13, 45, 1)).name
    'song-2026-07-18_134501.rpp-bak'
    """
    stem = f"{song.stem}-{now or datetime.now():%Y-%m-%d_%H%M%S}"
    names = (song.with_name(f"{stem}{more}.rpp-bak") for more in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(name for name in names if not os.path.lexists(name))


@contextmanager
def _calling_it(path: Path, temporary: Path) -> Iterator[None]:
    """An error names the file that the user asked for, not the temporary one."""
    try:
        yield
    except OutputError as error:
        raise OutputError(str(error).replace(str(temporary), str(path))) from error
