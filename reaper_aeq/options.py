"""Options that several commands share. Nothing heavy is loaded."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from .bands import LIMITS
from .methods import DEFAULT_ADAPTATION, METHODS

# Plain help: rich's takes as long to load as all the rest, and reads square brackets as markup.
PLAIN: dict[str, Any] = {"rich_markup_mode": None, "add_completion": False, "pretty_exceptions_enable": False}
# A group's own --help that is not given has no value, for which typer 0.29 loads pydantic: 0.3 s before each command.
PLAIN["add_help_option"] = False


class Device(StrEnum):
    """Where a training runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


def range_of(name: str) -> str:
    """What a parameter may be, for its help."""
    return f"{LIMITS[name].low:g} to {LIMITS[name].high:g}"


def _show_help(context: typer.Context, wanted: bool) -> None:
    if wanted:
        print(context.get_help())
        raise typer.Exit


Help = Annotated[bool, typer.Option("--help", callback=_show_help, is_eager=True, help="Show this message and exit.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
Models = Annotated[
    Path | None, typer.Option("--models", metavar="DIR", help="Models to use; the shipped ones if none.")
]
Method = Annotated[str, typer.Option("--method", help=f"How: {' or '.join(METHODS)}.")]
Adaptation = Annotated[
    float | None,
    typer.Option(
        "--adaptation",
        help=f"How much the sound's own balance counts, {range_of('adaptation')}; else {DEFAULT_ADAPTATION}.",
    ),
]
Audio = Annotated[list[Path], typer.Option("--audio", metavar="DIR", help="A folder of recordings; may be repeated.")]
Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder of people's settings and spectra.")]
Learn = Annotated[
    list[Path] | None, typer.Option("--learn", metavar="DIR", help="More recordings to learn from; may be repeated.")
]
EveryMix = Annotated[int, typer.Option("--every", min=1, help="Use only every n-th mix, which is quicker.")]
SomeData = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Folder of people's settings and spectra; may be left out.")
]
SettingsFile = Annotated[Path | None, typer.Option("--settings", metavar="FILE", help="TOML; the shipped one if none.")]
Weights = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the weights go.")]
RunFolder = Annotated[Path, typer.Option("--run", metavar="DIR", help="Where state, log and picture go.")]
DeviceName = Annotated[Device, typer.Option("--device", help="Where it runs.")]
