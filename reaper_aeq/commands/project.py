"""`reaper-aeq project`: an EQ for each track of a project file and its master, and a report of what was done."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AeqError, OutputError
from ..files import atomic_write, write_bytes_atomic, write_text_atomic
from .console import note, print_json, progress, say, table

if TYPE_CHECKING:
    from ..project.report import Report
    from ..project.rows import Row


@dataclass(frozen=True)
class Places:
    """Where a run writes: the project, and the report beside it."""

    project: Path
    html: Path
    json: Path

    @classmethod
    def beside(cls, song: Path, out: Path | None, in_place: bool) -> Places:
        """Raises `AeqError` for a choice that would replace the song unasked."""
        if in_place and out:
            raise AeqError("say either --in-place or --out, not both")
        written = song if in_place else out or song.with_name(f"{song.stem}.aeq{song.suffix}")
        if not in_place and _same(written, song):
            raise AeqError(f"{written} is the project itself: say --in-place, which keeps a backup, or another --out")
        if written.suffix.lower() != song.suffix.lower():
            raise OutputError(f"cannot write {written}: choose a name that ends in {song.suffix}")
        stem = f"{song.stem}.aeq" if in_place else written.stem
        return cls(written, written.with_name(f"{stem}.html"), written.with_name(f"{stem}.json"))


def project(
    song: Path, *, plan: Path | None, out: Path | None, in_place: bool, dry_run: bool, force: bool,
    models: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Reads, listens, writes all files or none, prints. What can be wrong is said before anything is listened to."""
    from ..project.plan import read_plan
    from ..reaper.rpp import Project

    places = Places.beside(song, out, in_place)
    chosen = read_plan(plan)
    opened = Project.read(song)
    before = opened.to_bytes()
    from ..project.opened import refuse_open

    if not force:
        refuse_open(song, opened)
    with ExitStack() as stack:
        files = None if dry_run else stack.enter_context(_opened(places))
        _, step_done = stack.enter_context(progress())
        from ..project.mix import Mixer
        from ..project.report import Report
        from ..project.run import check_words, equalise, refuse_silence
        from .sound import load_engine

        mixer = Mixer(opened)
        refuse_silence(mixer)
        engine = load_engine(models)
        check_words(chosen, engine)
        rows = equalise(opened, mixer, chosen, engine, step_done)
        written = "nothing (dry run)" if dry_run else places.project.name
        report = Report(song.name, written, opened.sample_rate, chosen, chosen.path.read_text("utf-8-sig"), rows)
        backup = files.write(song, before, opened.to_bytes(), report, in_place) if files else None
    if as_json:
        print_json({**report.to_dict(), "backup": str(backup) if backup else None})
        return
    show(rows)
    if backup:
        say(f"\nkept what was there as {backup}")
    if not dry_run:
        say("\n" * (not backup) + f"wrote {places.project}\nwrote {places.html}\nwrote {places.json}")


@dataclass
class _Files:
    """The temporary files of `Places` while they are written."""

    places: Places
    project: Path
    html: Path
    json: Path
    created: list[Path]

    def write(self, song: Path, before: bytes, after: bytes, report: Report, in_place: bool) -> Path | None:
        """Gives the backup, if one was made. Raises `OutputError`."""
        backup = None
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


@contextmanager
def _opened(places: Places) -> Iterator[_Files]:
    """Opens every file, so that a place that cannot be written to is known before anything is computed.

    An error or an interrupt leaves all as it was. The project is the last to take its place.
    """
    paths = (places.project, places.html, places.json)
    created = [path for path in paths if not os.path.lexists(path)]
    try:
        with ExitStack() as stack:
            yield _Files(places, *(stack.enter_context(atomic_write(path)) for path in paths), created)
    except BaseException:
        for path in created:
            with suppress(OSError):
                path.unlink()
        raise


def backup_name(song: Path, now: datetime | None = None) -> Path:
    """A name that is free, dated as REAPER dates its own backups.

    >>> backup_name(Path("nowhere/song.rpp"), datetime(2026, 7, 18, 13, 45, 1)).name
    'song-2026-07-18_134501.rpp-bak'
    """
    stem = f"{song.stem}-{now or datetime.now():%Y-%m-%d_%H%M%S}"
    names = (song.with_name(f"{stem}{more}.rpp-bak") for more in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(name for name in names if not os.path.lexists(name))


def show(rows: Sequence[Row]) -> None:
    """The table on the screen, then the warnings."""
    columns = {"#": "right", "track": "left", "sounds": "left", "asked for": "left", "score": "left"}
    columns |= {"what was done": "left"}
    table(columns, [_cells(row) for row in rows])
    for row in rows:
        for warning in row.warnings:
            note(f"warning: {row.title}: {warning}")


def _cells(row: Row) -> list[str]:
    number, name = (str(row.number), row.title) if row.number else ("", "Master")
    name = " / ".join((*row.folders, name))
    if row.result is None:
        return [number, name, row.kind, "", "", f"left alone: {row.left}"]
    score = f"{row.result.score_before:.2f} -> {row.result.score_after:.2f}"
    return [number, name, row.kind, row.asked, score, _most(row)]


def _most(row: Row) -> str:
    """The two bands that do most, as text."""
    from .adapt import band_rows

    bands = sorted(band_rows(row.result.eq), key=lambda cells: -abs(float(cells[2].split()[0])))
    return ", ".join(f"{gain} {kind} at {freq}" for kind, freq, gain, _ in bands[:2])


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


@contextmanager
def _calling_it(path: Path, temporary: Path) -> Iterator[None]:
    """An error names the file that the user asked for, not the temporary one."""
    try:
        yield
    except OutputError as error:
        raise OutputError(str(error).replace(str(temporary), str(path))) from error
