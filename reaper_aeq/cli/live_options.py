"""The command line of `live`: the project that is open in REAPER."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from ..reaper.live import WEB_PORT
from ..request import DEFAULT_METHOD
from .options import PLAIN, Adaptation, App, Help, Json, Method, Models, help_alone, range_of


class WordOrCommand(typer.core.TyperGroup):
    """`live warm` is `live word warm`: what is no command is a word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["word", *args]
        return super().parse_args(ctx, args)


live = App(
    help="The project that is open in REAPER: 'live warm --selected'. See 'live setup' for the first time.",
    cls=WordOrCommand,
    **PLAIN,
)

Selected = Annotated[bool, typer.Option("--selected", help="What is selected in REAPER; this is the default.")]
All = Annotated[bool, typer.Option("--all", help="Every track that sounds.")]
Tracks = Annotated[
    list[str] | None, typer.Option("--track", metavar="NAME", help="A track by name, with * and ?; may be repeated.")
]
Render = Annotated[
    bool, typer.Option("--render", help="Let REAPER render every track, also where its files hold all of its sound.")
]
Linked = Annotated[
    bool, typer.Option("--linked", help="Tracks that belong together: one EQ for all, computed from their sum.")
]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port of REAPER's web interface.")]


@live.callback(invoke_without_command=True)
def group(context: typer.Context, help_: Help = False) -> None:
    help_alone(context)


@live.command("word")
def word_command(
    word: Annotated[str, typer.Argument(metavar="WORD", help="A word, 'less muddy', or 'warm 0.7, airy 0.3'.")],
    selected: Selected = False,
    everything: All = False,
    tracks: Tracks = None,
    intensity: Annotated[float, typer.Option(help=f"How far to go, {range_of('intensity')}; 0 is nothing.")] = 1.0,
    adaptation: Adaptation = None,
    method: Method = DEFAULT_METHOD,
    linked: Linked = False,
    always_render: Render = False,
    port: Port = WEB_PORT,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Make tracks or items more WORD. The same word again replaces its EQ, another word joins it."""
    from .commands.live import live_word

    live_word(
        word, (selected, everything, tracks or []), intensity=intensity, adaptation=adaptation, method=method,
        linked=linked, always_render=always_render, port=port, models=models, as_json=as_json,
    )  # fmt: skip


@live.command("project")
def project_command(
    plan: Annotated[Path | None, typer.Option(metavar="FILE", help="TOML: which track gets what.")] = None,
    always_render: Render = False,
    port: Port = WEB_PORT,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Give each track, and the master, the EQ that a plan asks for."""
    from .commands.live import live_project

    live_project(plan, always_render=always_render, port=port, models=models, as_json=as_json)


@live.command("match")
def match_command(
    references: Annotated[list[Path], typer.Argument(metavar="REF...", help="What it should sound like.")],
    selected: Selected = False,
    everything: All = False,
    tracks: Tracks = None,
    intensity: Annotated[
        float, typer.Option(help=f"How far to go, {range_of('match_intensity')}; 1 is the reference.")
    ] = 1.0,
    linked: Linked = False,
    always_render: Render = False,
    port: Port = WEB_PORT,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Bring tracks or items to the balance of one or several references."""
    from .commands.live import live_match

    live_match(
        references, (selected, everything, tracks or []), intensity=intensity, linked=linked,
        always_render=always_render, port=port, models=models, as_json=as_json,
    )  # fmt: skip


@live.command("remove")
def remove_command(
    selected: Selected = False,
    everything: All = False,
    tracks: Tracks = None,
    port: Port = WEB_PORT,
    as_json: Json = False,
) -> None:
    """Take our EQs away, and nothing else."""
    from .commands.live import live_remove

    live_remove((selected, everything, tracks or []), port=port, as_json=as_json)


@live.command("setup")
def setup_command(
    resource_path: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="REAPER's resource folder, for a portable REAPER or a second one."),
    ] = None,
    port: Port = WEB_PORT,
    as_json: Json = False,
) -> None:
    """Enable reapy's distant API in REAPER, once. REAPER must not be running."""
    from .commands.live import live_setup

    live_setup(resource_path, port=port, as_json=as_json)
