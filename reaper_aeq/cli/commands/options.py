"""Options that several commands share, and how a function becomes a command. Nothing heavy is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from ...eq import LIMITS
from ...model.kinds import KINDS
from ...request import DEFAULT_ADAPTATION, DEFAULT_METHOD, DEFAULT_PROFILE, METHODS
from . import console

# Plain help: rich's takes as long to load as all the rest, and reads square brackets as markup.
PLAIN: dict[str, Any] = {"rich_markup_mode": None, "add_completion": False, "pretty_exceptions_enable": False}
# A group's own --help that is not given has no value, for which typer 0.29 loads pydantic: 0.3 s before each command.
PLAIN["add_help_option"] = False
PLAIN["context_settings"] = {"help_option_names": ["-h", "--help"]}

NONE_GIVEN: list[Any] = []  # the default of options that may be repeated; typer copies it
Command = TypeVar("Command", bound=Callable[..., Any])


class App(typer.Typer):
    """A group of commands. Alone it shows its help; each command also has -v and -q.

    A parameter that is a dataclass stands for the options that are its fields, each with its default.
    """

    def __init__(self, help: str, **options: Any):
        super().__init__(help=help, **PLAIN | options)
        self.callback(invoke_without_command=True)(help_alone)

    def command(self, name: str | None = None, **options: Any) -> Callable[[Command], Command]:
        """Makes a function the command `name`; its signature says what it takes, its docstring is its help."""
        register = super().command(name, **options)

        def add(function: Command) -> Command:
            register(_with_levels(function))
            return function

        return add


def _with_levels(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` as typer shall see it, which reads what a command takes from its signature: each field of a group of
    options by itself, and the options that say how much is said."""
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, Any] = {}
    given: list[Parameter] = []
    for name, parameter in signature(function).parameters.items():
        if is_dataclass(group := hints[name]):
            groups[name] = group
            types = get_type_hints(group, include_extras=True)
            given += [
                _option(one.name, types[one.name], getattr(parameter.default, one.name, one.default))
                for one in fields(group)
            ]
        else:
            given.append(_option(name, hints[name], parameter.default))
    given += [_option("verbose", Verbose, False), _option("quiet", Quiet, False)]

    def command(*, verbose: bool, quiet: bool, **options: Any) -> Any:
        console.set_level(console.QUIET if quiet else console.VERBOSE if verbose else console.NORMAL)
        for name, group in groups.items():
            options[name] = group(**{one.name: options.pop(one.name) for one in fields(group)})
        return function(**options)

    command.__name__, command.__doc__ = function.__name__, function.__doc__
    command.__annotations__ = {one.name: one.annotation for one in given}
    command.__signature__ = Signature(given)  # type: ignore[attr-defined]
    return command


def _option(name: str, hint: Any, default: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=hint)


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


Help = Annotated[
    bool, typer.Option("-h", "--help", callback=_show_help, is_eager=True, help="Show this message and exit.")
]


def help_alone(context: typer.Context, help_: Help = False) -> None:
    """For the callback of a group that is called without a command: shows what there is."""
    if context.invoked_subcommand is None:
        _show_help(context, True)


Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say on stderr what is done, and how long it takes.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only results and errors: no warnings, no progress.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
Models = Annotated[
    Path | None,
    typer.Option("--models", metavar="DIR", help="Folder of models; by default those that come with the program."),
]
Source = Annotated[Path, typer.Argument(metavar="IN", help="WAV, FLAC, OGG, MP3 or AIFF.")]
References = Annotated[list[Path], typer.Argument(metavar="REF...", help="What it should sound like.")]
Kind = Annotated[
    str | None, typer.Option(metavar="KIND", help=f"What the sound is: {', '.join(KINDS)}. Else it is judged.")
]
Plot = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it: .png, .svg or .pdf.")]
PlanFile = Annotated[Path | None, typer.Option(metavar="FILE", help="TOML: which track gets what.")]
ResourcePath = Annotated[
    Path | None,
    typer.Option(
        "--resource-path", metavar="DIR", help="REAPER's resource folder, for a portable REAPER or a second one."
    ),
]
FreePort = Annotated[
    int | None, typer.Option("--port", min=1, max=65535, help="Instead of the usual port, or any free one.")
]
Audio = Annotated[list[Path], typer.Option("--audio", metavar="DIR", help="A folder of recordings; may be repeated.")]
Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder of people's settings and spectra.")]
RunFolder = Annotated[Path, typer.Option("--run", metavar="DIR", help="Where state, log and picture go.")]


@dataclass(frozen=True)
class RequestOptions:
    """How a word is asked for: the fields of `EqRequest` that every command with a word has."""

    intensity: Annotated[float, typer.Option(help=f"How far to go, {range_of('intensity')}; 0 is nothing.")] = 1.0
    adaptation: Annotated[
        float | None,
        typer.Option(
            help=f"How much the sound's own balance counts, {range_of('adaptation')}; by default {DEFAULT_ADAPTATION}."
        ),
    ] = None
    method: Annotated[str, typer.Option(help=f"Method: {' or '.join(METHODS)}.")] = DEFAULT_METHOD
    profile: Annotated[
        str, typer.Option("--profile", metavar="NAME", help="Whose own meaning of the words counts.")
    ] = DEFAULT_PROFILE
    no_profile: Annotated[
        bool, typer.Option("--no-profile", help="What the words mean to everybody, whatever was learned from you.")
    ] = False

    @property
    def fields(self) -> dict[str, Any]:
        """As `EqRequest` has them."""
        given = dict(vars(self))
        without = given.pop("no_profile")
        return given | {"profile": None if without else self.profile}
