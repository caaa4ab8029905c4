"""The command line: what can be asked and with which options. Nothing heavy is loaded before a command runs.

Exit codes: 0; 1 where an examination failed; 2 for a user's mistake, with one sentence; 130 when interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer

from .. import __version__
from ..errors import AeqError
from ..util import ctrl_c
from ..util.libraries import explain
from ..util.printable import printable
from .commands import console
from .commands.adapt import adapt
from .commands.analyze import analyze
from .commands.batch import batch
from .commands.demo import demo
from .commands.evaluate import evaluate
from .commands.install import install
from .commands.live import live
from .commands.match import match
from .commands.options import App, Help, help_alone
from .commands.project import project
from .commands.reapack import reapack
from .commands.serve import serve
from .commands.train import train
from .commands.words import words
from .config import config_file, read_defaults
from .plain_fault import plain_fault

COMPLETION = "_REAPER_AEQ_COMPLETE"  # by which a shell asks what could come next
UNPRINTED = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG)  # what a stream says that takes no more
DEFAULTS = config_file()
app = App(
    "Ask for a word such as 'warm' and get a ReaEQ setting computed for this very audio.",
    epilog=f"Your own default options: {DEFAULTS or 'switched off by AEQ_CONFIG'}. "
    "Write lines such as intensity = 0.8; options of one command go below its name, as in [batch].",
)
app.add_typer(train, name="train")
app.add_typer(live, name="live")
app.add_typer(evaluate, name="evaluate")


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
    help_alone(context)


for command in (adapt, match, analyze, words, project, batch, demo, serve, install, reapack):
    app.command(command.__name__)(command)


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
        return _interrupted() if code == 130 else code or 0
    except AeqError as error:
        return _refuse(str(error), error.exit_code)
    except BrokenPipeError:
        _close_stdout()  # the reader has seen enough
        return 1
    except (typer.Abort, KeyboardInterrupt):
        return _interrupted()
    except Exception as error:
        if ctrl_c.was_pressed():
            return _interrupted()
        if isinstance(error, OSError) and error.errno in UNPRINTED and error.filename is None:
            _close_stdout()
            return _refuse(f"what was found cannot be printed: {error.strerror}", 2)
        if unloadable := explain(error):
            return _refuse(str(unloadable), unloadable.exit_code)
        # typer brings click's exceptions along, under a name that changes with its version
        if not hasattr(error, "format_message"):
            raise
        context = getattr(error, "ctx", None)
        hint = f" (see '{context.command_path} --help')" if context else ""
        if _from_defaults(error):
            hint = f" (as {config_file()} has it)"
        return _refuse(plain_fault(error.format_message()) + hint, 2)


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


def _interrupted() -> int:
    return ctrl_c.tell()


if __name__ == "__main__":
    sys.exit(main())
