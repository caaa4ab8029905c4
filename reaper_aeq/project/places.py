"""Where a run on a project writes: the project, and the report beside it as page and JSON. All appear, or none does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AeqError, OutputError
from ..util.files import Writing, output_error, refuse_replacing, same_file, write_all

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
        if not song.suffix and not in_place:
            raise AeqError(f"{song} has no ending: rename it to {song.name or 'song'}.rpp, as REAPER calls projects")
        written = song if in_place else out or song.with_name(f"{song.stem}.aeq{song.suffix}")
        if not in_place and same_file(written, song):
            raise AeqError(f"{written} is the project itself: say --in-place, which keeps a backup, or another --out")
        if written.suffix.lower() != song.suffix.lower():
            raise OutputError(f"cannot write {written}: choose a name that ends in {song.suffix}")
        stem = f"{song.stem}.aeq" if in_place else written.stem
        return cls(written, written.with_name(f"{stem}.html"), written.with_name(f"{stem}.json"), in_place)

    def refuse_replacing(self, inputs: Iterable[Path]) -> None:
        """Raises `OutputError` if a file that the run reads (media, references, the plan) would be replaced."""
        refuse_replacing([self.html, self.json, self.project], inputs)

    @property
    def paths(self) -> list[Path]:
        """All of them, the project first."""
        return [self.project, self.html, self.json]

    def opened(self) -> AbstractContextManager[Writing]:
        """Opens every file, so that a place that cannot be written to is known before anything is computed.

        An error or an interrupt leaves all as it was. The project is the last to take its place.
        """
        return write_all([self.html, self.json, self.project])

    def write(self, writing: Writing, song: Path, before: bytes, after: bytes, report: Report) -> Path | None:
        """Fills the files that `opened` gave. Gives the backup, if one was made: of the song that is changed in place,
        or of an earlier result that was changed since. Raises `OutputError`."""
        backup, there = None, _read(self.project)
        if self.in_place and there != before:
            raise AeqError(f"{song} was changed during the run: start again")
        # what an earlier run wrote may have been opened and worked on since
        if there is not None and there != after and (self.in_place or _sha256(there) != self._written_before()):
            backup = writing.keep(self.project, there, backup_names(self.project))
        told = {**report.to_dict(), "project_sha256": _sha256(after)}
        data = {
            self.html: report.html().encode(),
            self.json: (json.dumps(told, indent=1, allow_nan=False) + "\n").encode(),
            self.project: after,
        }
        for path, content in data.items():
            with writing.to(path) as temporary:
                temporary.write_bytes(content)
        return backup

    def _written_before(self) -> str | None:
        """The hash of the project as the run left it whose report lies there."""
        try:
            return json.loads(self.json.read_bytes())["project_sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _read(path: Path) -> bytes | None:
    """Raises `OutputError` for what is there and cannot be kept."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise output_error(path, error) from error


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def backup_names(song: Path, now: datetime | None = None) -> Iterator[Path]:
    """Dated as REAPER dates its own backups; the first that is free is to be taken.

    >>> [name.name for name in backup_names(Path("song.rpp"), datetime(2026, 7, 18, 13, 45, 1))][:2]
    ['song-2026-07-18_134501.rpp-bak', 'song-2026-07-18_134501-2.rpp-bak']
    """
    stem = f"{song.stem}-{now or datetime.now():%Y-%m-%d_%H%M%S}"
    return (song.with_name(f"{stem}{more}.rpp-bak") for more in ("", *(f"-{n}" for n in range(2, 1000))))
