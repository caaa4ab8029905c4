"""The command line: what can be asked and with which options. Nothing heavy is loaded before a command runs.

Exit codes: 0; 1 where an examination failed; 2 for a user's mistake, with one sentence; 130 when interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from ..eq import LIMITS
from ..errors import AeqError
from ..model import DEFAULT_ENCODER, ENCODERS
from ..model.kinds import KINDS
from ..request import DEFAULT_MATCH, DEFAULT_METHOD, MATCHES, REFINE_STEPS
from ..util import ctrl_c
from ..util.libraries import explain
from ..util.printable import printable
from .commands import console
from .config import config_file, read_defaults
from .evaluate_options import evaluate
from .live_options import live
from .options import PLAIN, Adaptation, App, Help, Json, Method, Models, help_alone, range_of
from .plain_fault import plain_fault
from .project_options import add_projects
from .reaper_options import add_reaper
from .train_options import train

COMPLETION = "_REAPER_AEQ_COMPLETE"  # by which a shell asks what could come next
UNPRINTED = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG)  # what a stream says that takes no more
DEFAULTS = config_file()
app = App(
    help="Ask for a word such as 'warm' and get a ReaEQ setting computed for this very audio.",
    epilog=f"Your own default options: {DEFAULTS or 'switched off by AEQ_CONFIG'}. "
    "Write lines such as intensity = 0.8; options of one command go below its name, as in [batch].",
    **PLAIN,
)
app.add_typer(train, name="train")
app.add_typer(live, name="live")
app.add_typer(evaluate, name="evaluate")


REFINE_HELP = ", ".join(f"{steps} for '{name}'" for name, steps in REFINE_STEPS.items()) + " and none for others"


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


@app.command("adapt")
def adapt_command(
    source: Annotated[Path, typer.Argument(metavar="IN", help="WAV, FLAC, OGG, MP3 or AIFF.")],
    word: Annotated[str, typer.Argument(metavar="WORD", help="A word, 'warm 0.7, airy 0.3', or words of your own.")],
    intensity: Annotated[float, typer.Option(help=f"How far to go, {range_of('intensity')}; 0 is nothing.")] = 1.0,
    adaptation: Adaptation = None,
    method: Method = DEFAULT_METHOD,
    refine: Annotated[
        int | None,
        typer.Option(
            metavar="N", help=f"Gradient steps on what the method found, {range_of('refine')}; else {REFINE_HELP}."
        ),
    ] = None,
    encoder: Annotated[str, typer.Option(help=f"Which network listens: {' or '.join(ENCODERS)}.")] = DEFAULT_ENCODER,
    exact: Annotated[
        bool, typer.Option("--exact", help="Refine through the waveform of up to a minute of sound: takes minutes.")
    ] = False,
    variations: Annotated[
        int, typer.Option(metavar="N", help=f"Other answers that people might give, up to {LIMITS['variations'].high}.")
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="FILE", help="Write the sound with the EQ; variations get FILE-1 and so on."
        ),
    ] = None,
    fxchain: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a .RfxChain for REAPER.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it: .png, .svg or .pdf.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the output even if it is also an input.")] = False,
    name: Annotated[str | None, typer.Option(help="Name of the EQ in REAPER, instead of 'AEQ: warm 100%'.")] = None,
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help=f"What the sound is: {', '.join(KINDS)}. Else it is judged.")
    ] = None,
    track: Annotated[
        str | None, typer.Option(metavar="NAME", help="What the track is called, which may say its kind.")
    ] = None,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Compute the EQ that makes a sound more WORD. Of several files to be written all appear, or none does."""
    from .commands.adapt import adapt
    from .commands.outputs import Outputs

    adapt(
        source, word, intensity=intensity, adaptation=adaptation, method=method, refine=refine, exact=exact,
        encoder=encoder, variations=variations, outputs=Outputs(out, fxchain, plot), force=force, name=name,
        kind=kind, track=track, models=models, as_json=as_json,
    )  # fmt: skip


@app.command("match")
def match_command(
    source: Annotated[Path, typer.Argument(metavar="IN", help="WAV, FLAC, OGG, MP3 or AIFF.")],
    references: Annotated[list[Path], typer.Argument(metavar="REF...", help="What it should sound like.")],
    weights: Annotated[
        str | None, typer.Option(metavar="W,W,...", help="How much each reference counts; by default all count alike.")
    ] = None,
    intensity: Annotated[
        float, typer.Option(help=f"How far to go, {range_of('match_intensity')}; 0 is nothing, 1 the reference.")
    ] = 1.0,
    low: Annotated[float | None, typer.Option(metavar="HZ", help="Leave frequencies below this as they are.")] = None,
    high: Annotated[float | None, typer.Option(metavar="HZ", help="Leave frequencies above this as they are.")] = None,
    smoothing: Annotated[
        float | None,
        typer.Option(metavar="OCT", help=f"Smooth the EQ over this many octaves, {range_of('smoothing_oct')}."),
    ] = None,
    by: Annotated[str, typer.Option(help=f"How: {', '.join(MATCHES)}.")] = DEFAULT_MATCH,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="Write the sound with the EQ.")
    ] = None,
    fxchain: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a .RfxChain for REAPER.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it: .png, .svg or .pdf.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the output even if it is also an input.")] = False,
    name: Annotated[
        str | None, typer.Option(help="Name of the EQ in REAPER, instead of 'AEQ match: REF 100%'.")
    ] = None,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Compute the EQ that brings a sound to the balance of one or several references."""
    from .commands.match import match
    from .commands.outputs import Outputs

    options = {"intensity": intensity, "low_hz": low, "high_hz": high, "smoothing_oct": smoothing, "by": by}
    match(
        source, references, weights=weights, options=options, outputs=Outputs(out, fxchain, plot), force=force,
        name=name, models=models, as_json=as_json,
    )  # fmt: skip


@app.command("analyze")
def analyze_command(
    sources: Annotated[list[Path], typer.Argument(metavar="IN...", help="Recordings.")],
    top: Annotated[int, typer.Option(min=1, help="How many words to show of each.")] = 5,
    models: Models = None,
    as_json: Json = False,
) -> int:
    """Say how warm or muddy files are; what to try."""
    from .commands.analyze import analyze

    return analyze(sources, top=top, models=models, as_json=as_json)


@app.command("words")
def words_command(
    language: Annotated[str | None, typer.Option(metavar="en|es", help="Only words of this language.")] = None,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """List the words, and how well each is known."""
    from .commands.words import words

    words(language=language, models=models, as_json=as_json)


add_projects(app)


@app.command("demo")
def demo_command(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the results; files of an earlier demo are replaced.")
    ] = Path("aeq-demo"),
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Make a short song and adapt its six tracks."""
    from .commands.demo import demo

    demo(out, models=models, as_json=as_json)


add_reaper(app)


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
