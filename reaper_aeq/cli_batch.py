"""`reaper-aeq batch`: what can be asked and with which options. Nothing heavy is loaded before the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .bands import LIMITS
from .methods import DEFAULT_ADAPTATION, DEFAULT_METHOD, METHODS
from .options import Json, Models


def add_batch(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("batch")(batch_command)


def _range(name: str) -> str:
    return f"{LIMITS[name].low:g} to {LIMITS[name].high:g}"


def batch_command(
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Where results, index and journal go.")],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="INPUT...", help="Projects, recordings, folders, patterns such as '**/*.rpp'."),
    ] = None,
    listed: Annotated[
        str | None, typer.Option("--list", metavar="FILE", help="A file with one input a line; - is the input stream.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For projects, TOML: which track gets what.")
    ] = None,
    word: Annotated[str | None, typer.Option(help="For recordings: a word, or 'warm 0.7, airy 0.3'.")] = None,
    intensity: Annotated[float, typer.Option(help=f"How far to go with --word, {_range('intensity')}.")] = 1.0,
    adaptation: Annotated[
        float | None,
        typer.Option(
            help=f"How much a recording's own balance counts, {_range('adaptation')}; else {DEFAULT_ADAPTATION}."
        ),
    ] = None,
    method: Annotated[str, typer.Option(help=f"How: {' or '.join(METHODS)}.")] = DEFAULT_METHOD,
    render: Annotated[bool, typer.Option("--render", help="Write the recordings with their EQs too.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Processes on this machine; else one for each core.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a Dask scheduler, tcp://host:8786, instead of them.")
    ] = None,
    retries: Annotated[int, typer.Option(min=0, metavar="N", help="How often a task that failed is tried again.")] = 2,
    again: Annotated[bool, typer.Option("--again", help="Do also what did not change.")] = False,
    models: Models = None,
    as_json: Json = False,
) -> int:
    """Treat many projects and recordings, each once: what was finished stays so, whatever is killed meanwhile."""
    from .commands.batch import batch

    asked = {
        "plan": plan, "word": word, "intensity": intensity, "adaptation": adaptation, "method": method,
        "render": render, "models": models,
    }  # fmt: skip
    return batch(
        inputs or [], listed=listed, out=out, asked=asked, workers=workers, scheduler=scheduler, retries=retries,
        again=again, as_json=as_json,
    )  # fmt: skip
