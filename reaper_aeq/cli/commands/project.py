"""`reaper-aeq project`: an EQ for each track of a project file and its master, and a report of what was done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import AudioError
from ...util.printable import printable
from ...util.scores import shown_change
from .checks import check_outputs, check_plan
from .console import note, print_json, progress, say, table
from .options import Json, Models, PlanFile

if TYPE_CHECKING:
    from ...project.rows import Row

TITLES = 3  # of tracks named in one warning


def _default_plan(wanted: bool) -> None:
    if wanted:
        from ...project.plan import DEFAULT_PLAN

        print(DEFAULT_PLAN.read_text("utf-8"), end="")
        raise typer.Exit


def project(
    song: Annotated[Path, typer.Argument(metavar="SONG.rpp", help="A REAPER project that is not open.")],
    plan: PlanFile = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FILE", help="Instead of SONG.aeq.rpp; reports go beside it."),
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Change SONG.rpp itself; a dated backup is kept.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the table, write nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Even if REAPER seems to have the project open.")] = False,
    default_plan: Annotated[
        bool,
        typer.Option(
            "--default-plan", callback=_default_plan, is_eager=True, help="Print the plan that is used without --plan."
        ),
    ] = False,
    afresh: Annotated[
        bool, typer.Option("--afresh", help="Drop what was changed by hand in our EQs; else it is kept on the new EQ.")
    ] = False,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Give each track of a project, and its master, the EQ that a plan asks for; write a report."""
    # what can be wrong is said before anything is listened to
    from ...project import NOTHING_PLAYS
    from ...project.places import Places
    from ...project.plan import read_plan
    from ...reaper.rpp.project import Project

    opened = Project.read(song)
    places = Places.beside(song, out, in_place)
    chosen = read_plan(plan)
    if not dry_run:
        check_outputs(places.paths)
    check_plan(chosen, models)
    if not any(track.items for track in opened.tracks):
        raise AudioError(NOTHING_PLAYS)
    if not force:
        from ...project.opened import refuse_open

        refuse_open(song, opened)
    with progress() as (_, step_done):
        from ...project.whole import equalize_file
        from .sound import load_engine

        report, backup = equalize_file(
            song, opened, None if dry_run else places, chosen, lambda: load_engine(models), step_done,
            afresh=afresh,
        )  # fmt: skip
    if as_json:
        print_json({**report.to_dict(), "backup": str(backup) if backup else None})
        return
    show(report.rows)
    if backup:
        say(f"\nthe file that was there before is kept as {printable(backup)}")
    if not dry_run:
        say("\n" * (not backup) + "\n".join(f"wrote {printable(path)}" for path in places.paths))


def show(rows: Sequence[Row]) -> None:
    """The table on the screen, then the warnings."""
    table([">#", "track", "sounds", "asked for", "score", "what was done"], [_cells(row) for row in rows])
    titles: dict[str, list[str]] = {}
    for row in rows:
        for warning in row.warnings:
            titles.setdefault(warning, []).append(row.title)
    for warning, those in titles.items():  # tracks share files: each sentence once
        more = f" and {len(those) - TITLES} more" if len(those) > TITLES else ""
        note(f"warning: {', '.join(those[:TITLES])}{more}: {warning}")


def _cells(row: Row) -> list[str]:
    from .adapt import most

    number, name = (str(row.number), row.title) if row.number else ("", "Master")
    name = f"{row.path} / {name}" if row.folders else name
    if row.result is None:
        return [number, name, row.kind, "", "", f"left alone: {row.left}"]
    score = shown_change(row.result.score_before, row.result.score_after)
    return [number, name, row.kind, row.asked, score, most(row.result.eq) if row.inserted else "0.0 dB: not inserted"]
