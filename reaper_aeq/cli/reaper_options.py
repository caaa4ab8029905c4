"""`reaper-aeq serve`, `install`, `reapack`: what REAPER's actions need. Nothing heavy is loaded before one runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import Json, Models


def add_reaper(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("serve")(serve_command)
    app.command("install")(install_command)
    app.command("reapack")(reapack_command)


def serve_command(
    state_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where clients find it; REAPER's actions know the default.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Instead of the usual port, or any free one.")
    ] = None,
    idle_minutes: Annotated[
        float, typer.Option(min=0, help="Stop after this many minutes without a request; 0: never.")
    ] = 120,
    mailbox: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder in which REAPER's actions put their requests.")
    ] = None,
    background: Annotated[bool, typer.Option("--background", help="Leave it running, without a window.")] = False,
    models: Models = None,
    as_json: Json = False,
) -> int:
    """Run the backend that REAPER's actions ask, with a dashboard. Only this machine can reach it."""
    from .commands.serve import serve

    return serve(
        state_file=state_file, port=port, idle_minutes=idle_minutes, background=background, models=models,
        as_json=as_json, mailbox=mailbox,
    )  # fmt: skip


def install_command(
    resource_path: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="REAPER's resource folder, for a portable REAPER or a second one."),
    ] = None,
    start_with_reaper: Annotated[
        bool | None,
        typer.Option(
            "--start-with-reaper/--no-start-with-reaper",
            help="Start the backend whenever REAPER starts, so that the first press is quick; by default as before.",
        ),
    ] = None,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Take away exactly what was installed.")] = False,
    as_json: Json = False,
) -> None:
    """Put the actions into REAPER and its action list. REAPER must not be running."""
    from .commands.install import install

    install(given=resource_path, uninstall=uninstall, as_json=as_json, start_with_reaper=start_with_reaper)


def reapack_command(
    base: Annotated[str, typer.Option(metavar="URL", help="Where the folder 'reascripts' is on the web.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="File to write.")] = Path("index.xml"),
    as_json: Json = False,
) -> None:
    """Write the index with which ReaPack installs the actions."""
    from .commands.reapack import reapack

    reapack(base, out=out, as_json=as_json)
