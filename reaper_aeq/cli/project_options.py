"""`reaper-aeq project` and `batch`: their options. Nothing heavy is loaded before a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..request import DEFAULT_METHOD
from .options import Adaptation, Json, Method, Models, range_of


def add_projects(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("project")(project_command)
    app.command("batch")(batch_command)


def _default_plan(wanted: bool) -> None:
    if wanted:
        from ..project.plan import DEFAULT_PLAN

        print(DEFAULT_PLAN.read_text("utf-8"), end="")
        raise typer.Exit


def project_command(
    song: Annotated[Path, typer.Argument(metavar="SONG.rpp", help="A REAPER project that is not open.")],
    plan: Annotated[Path | None, typer.Option(metavar="FILE", help="TOML: which track gets what.")] = None,
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
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Give each track of a project, and its master, the EQ that a plan asks for; write a report."""
    from .commands.project import project

    project(
        song, plan=plan, out=out, in_place=in_place, dry_run=dry_run, force=force, models=models, as_json=as_json
    )  # fmt: skip


def batch_command(
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Where results and index go.")],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="INPUT...", help="Projects, recordings, folders, patterns such as '**/*.rpp'."),
    ] = None,
    listed: Annotated[
        str | None, typer.Option("--list", metavar="FILE", help="A file with one input per line; - is standard input.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For projects, TOML: which track gets what.")
    ] = None,
    word: Annotated[str | None, typer.Option(help="For recordings: a word, or 'warm 0.7, airy 0.3'.")] = None,
    intensity: Annotated[float, typer.Option(help=f"How far to go with --word, {range_of('intensity')}.")] = 1.0,
    adaptation: Adaptation = None,
    method: Method = DEFAULT_METHOD,
    render: Annotated[bool, typer.Option("--render", help="Write the recordings with their EQs too.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Processes on this machine; by default one for each core.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Use the workers of this Dask scheduler instead: tcp://host:8786."),
    ] = None,
    retries: Annotated[int, typer.Option(min=0, metavar="N", help="How often a task that failed is tried again.")] = 2,
    again: Annotated[bool, typer.Option("--again", help="Redo what has not changed as well.")] = False,
    models: Models = None,
    as_json: Json = False,
) -> int:
    """Treat many projects and recordings, each once: what was finished stays so, whatever is killed meanwhile."""
    from .commands.batch import batch

    return batch(
        inputs or [], listed=listed, out=out, plan=plan, word=word, intensity=intensity, adaptation=adaptation,
        method=method, render=render, models=models, workers=workers, scheduler=scheduler, retries=retries,
        again=again, as_json=as_json,
    )  # fmt: skip
