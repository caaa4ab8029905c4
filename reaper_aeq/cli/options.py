"""Options that several commands share. Nothing heavy is loaded."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from ..eq import LIMITS
from ..request import DEFAULT_ADAPTATION, METHODS
from .commands import console

# Plain help: rich's takes as long to load as all the rest, and reads square brackets as markup.
PLAIN: dict[str, Any] = {"rich_markup_mode": None, "add_completion": False, "pretty_exceptions_enable": False}
# A group's own --help that is not given has no value, for which typer 0.29 loads pydantic: 0.3 s before each command.
PLAIN["add_help_option"] = False
PLAIN["context_settings"] = {"help_option_names": ["-h", "--help"]}

Command = TypeVar("Command", bound=Callable[..., Any])


class App(typer.Typer):
    """A group of commands, each of which also has -v and -q."""

    def command(self, name: str | None = None, **options: Any) -> Callable[[Command], Command]:
        register = super().command(name, **options)

        def add(function: Command) -> Command:
            register(_with_levels(function))
            return function

        return add


def _with_levels(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` with the options that say how much is said; typer reads what a command takes from its signature."""
    hints = {**get_type_hints(function, include_extras=True), "verbose": Verbose, "quiet": Quiet}
    given = [parameter.replace(annotation=hints[name]) for name, parameter in signature(function).parameters.items()]
    levels = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=False, annotation=hints[name]) for name in ("verbose", "quiet")
    ]

    def command(*arguments: Any, verbose: bool, quiet: bool, **options: Any) -> Any:
        console.set_level(console.QUIET if quiet else console.VERBOSE if verbose else console.NORMAL)
        return function(*arguments, **options)

    command.__name__, command.__doc__, command.__annotations__ = function.__name__, function.__doc__, hints
    command.__signature__ = Signature([*given, *levels])  # type: ignore[attr-defined]
    return command


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


def help_alone(context: typer.Context) -> None:
    """For the callback of a group that is called without a command: shows what there is."""
    if context.invoked_subcommand is None:
        _show_help(context, True)


Help = Annotated[
    bool, typer.Option("-h", "--help", callback=_show_help, is_eager=True, help="Show this message and exit.")
]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say on stderr what is done, and how long it takes.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only results and errors: no warnings, no progress.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
Models = Annotated[
    Path | None,
    typer.Option("--models", metavar="DIR", help="Folder of models; by default those that come with the program."),
]
Method = Annotated[str, typer.Option("--method", help=f"Method: {' or '.join(METHODS)}.")]
Adaptation = Annotated[
    float | None,
    typer.Option(
        "--adaptation",
        help=f"How much the sound's own balance counts, {range_of('adaptation')}; by default {DEFAULT_ADAPTATION}.",
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
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE", help="TOML; by default the one that comes with the program."),
]
Weights = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the weights go.")]
RunFolder = Annotated[Path, typer.Option("--run", metavar="DIR", help="Where state, log and picture go.")]
DeviceName = Annotated[Device, typer.Option("--device", help="Device to run on.")]
