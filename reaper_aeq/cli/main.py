"""The command line: what can be asked and with which options. Nothing heavy is loaded before a command runs.

Exit codes: 0; 1 where an examination failed; 2 for a user's mistake, with one sentence; 130 when interrupted.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections import UserDict
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
import typer.core

from .. import __version__
from ..errors import AeqError
from ..util import ctrl_c
from ..util.printable import printable
from .commands import console
from .commands.options import App, Help, help_alone
from .config import config_file, read_defaults

COMPLETION = "_REAPER_AEQ_COMPLETE"  # by which a shell asks what could come next
UNPRINTED = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG)  # what a stream says that takes no more
DEFAULTS = config_file()
COMMANDS = (
    "adapt", "match", "analyze", "words", "profile", "project", "batch", "demo", "serve", "install", "reapack", "train",
    "live", "evaluate",
)  # fmt: skip


@cache
def load_command(name: str) -> Any:
    """The command or group of that name, as typer makes it of what its module holds."""
    found = getattr(import_module(f".commands.{name}", __package__), name)
    if isinstance(found, App):
        group = typer.main.get_group(found)
        group.name = name
        return group
    alone = App("")
    alone.command(name)(found)
    return typer.main.get_group(alone).commands[name]


class LateCommands(UserDict[str, Any]):
    """{name: command}, each loaded when it is asked for: any --help would wait for all of them."""

    def __getitem__(self, name: str) -> Any:
        """Loads it. Raises `KeyError`."""
        return load_command(self.data[name])


class LateGroup(typer.core.TyperGroup):
    """The group of all commands."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.commands = LateCommands(zip(COMMANDS, COMMANDS, strict=True))


app = App(
    "Ask for a word such as 'warm' and get a ReaEQ setting computed for this very audio.",
    epilog=f"Your own default options: {DEFAULTS or 'switched off by AEQ_CONFIG'}. "
    "Write lines such as intensity = 0.8; options of one command go below its name, as in [batch].",
    cls=LateGroup,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"reaper-aeq {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    help_: Help = False,
) -> None:
    """The program without a command shows what there is."""
    help_alone(context)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code; every mistake of the user becomes one sentence on stderr."""
    for stream in (sys.stdout, sys.stderr):
        # a name that the terminal cannot show must not end the program
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        console.set_level(console.NORMAL)
        if COMPLETION in os.environ:
            from typer.completion import completion_init  # type: ignore[attr-defined]  # not in its __all__

            completion_init()
        command = typer.main.get_command(app)
        defaults = {} if _only_tells(argv) else read_defaults(command, config_file())
        code = command.main(args=argv, prog_name="reaper-aeq", standalone_mode=False, default_map=defaults)
        if sys.stdout is not None:
            sys.stdout.flush()
        return ctrl_c.tell() if code == 130 else code or 0
    except AeqError as error:
        return _refuse(str(error), error.exit_code)
    except BrokenPipeError:
        _close_stdout()  # the reader has seen enough
        return 1
    except (typer.Abort, KeyboardInterrupt):
        return ctrl_c.tell()
    except Exception as error:
        if ctrl_c.was_pressed():
            return ctrl_c.tell()
        if isinstance(error, OSError) and error.errno in UNPRINTED and error.filename is None:
            _close_stdout()
            return _refuse(f"what was found cannot be printed: {error.strerror}", 2)
        from ..util.libraries import explain  # takes longer to load than any --help may

        if unloadable := explain(error):
            return _refuse(str(unloadable), unloadable.exit_code)
        # typer brings click's exceptions along, under a name that changes with its version
        if not hasattr(error, "format_message"):
            raise
        context = getattr(error, "ctx", None)
        hint = f" (see '{context.command_path} --help')" if context else ""
        if _from_defaults(error):
            hint = f" (as {config_file()} has it)"
        return _refuse(_plain_fault(error) + hint, 2)


def _plain_fault(error: Any) -> str:
    """One of typer's mistakes in our own words, where pydantic, which checks its options, has found it."""
    sentence = str(error.format_message()).removesuffix(".").replace("Value error, ", "")
    if hasattr(error.__cause__, "errors") and (option := re.match("Invalid value for '(.+?)': ", sentence)):
        from ..util.message import fault_told  # with pydantic, which is loaded by now

        if told := fault_told(error.__cause__.errors()[0]):
            return f"{option[1]} {told}"
    return sentence


def _only_tells(argv: Sequence[str] | None) -> bool:
    """Whether nothing is to be done, so that a mistake in the file of defaults keeps nobody from reading the help."""
    given = sys.argv[1:] if argv is None else argv
    return COMPLETION in os.environ or bool({"-h", "--help", "--version"} & set(given))


def _from_defaults(error: Exception) -> bool:
    """Whether what is wrong came from the file of defaults."""
    context, option = getattr(error, "ctx", None), getattr(error, "param", None)
    source = context.get_parameter_source(option.name) if context and option else None
    return source is not None and source.name == "DEFAULT_MAP"


def _refuse(sentence: str, code: int) -> int:
    ctrl_c.complain("error: " + printable(" ".join(sentence.split("\n"))))
    return code


def _close_stdout() -> None:
    """What Python still flushes at its end goes nowhere."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
