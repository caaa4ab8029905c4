"""How commands speak: results on stdout (one JSON object with --json), warnings and progress on stderr.

Names of files and tracks are others' texts: nothing in them ever reaches a terminal as a control character.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ...util.printable import printable

BAR_CELLS = 12
QUIET, NORMAL, VERBOSE = -1, 0, 1
SOON_S = 1.0  # what takes longer shows how far it is
LOADING, COMPUTING = "loading the models", "computing the EQ"

Tell = Callable[[str], None]
StepDone = Callable[[str, int, int], None]
_level = NORMAL


def set_level(level: int) -> None:
    """How much is said on stderr: with QUIET only what went wrong, with VERBOSE also what took how long."""
    global _level
    _level = level


def print_json(data: dict[str, Any]) -> None:
    """One object on stdout. Not a number is no JSON, and would be a defect."""
    print(json.dumps(data, indent=1, allow_nan=False))


def say(text: str) -> None:
    """Lines on stdout: wrapped at words on a terminal, left in one piece for a pipe.

    Line ends in `text` are ours: a name in it goes through `printable` first.
    """
    _say(text, sys.stdout)


def answer(as_json: bool, data: dict[str, Any], text: str) -> None:
    """What a command found, as one object or in words."""
    if as_json:
        print_json(data)
    else:
        say(text)


def note(text: str) -> None:
    """A line on stderr, unless quiet."""
    if _level > QUIET:
        report(text)


def report(text: str) -> None:
    """A line on stderr that even the quiet want to see."""
    _say(printable(text), sys.stderr)


def warn(text: str) -> None:
    """A line on stderr of something to look at, unless quiet."""
    note(f"warning: {text}")


def complain(text: str) -> None:
    """A line on stderr of something that went wrong while other things went on."""
    report(f"error: {text}")


def detail(text: str) -> None:
    """A line on stderr for whoever asked for more."""
    if _level >= VERBOSE:
        report(text)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """Prints a table on stdout; the columns whose heading begins with '>' stand at their right, as numbers do."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        grid.add_column(heading.removeprefix(">"), justify="right" if heading[:1] == ">" else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(printable(cell)) for cell in row))  # names of files may look like markup
    console = Console()
    # a pipe has no width of its own: 80 columns would break what is read by machines and tests
    Console(width=None if console.is_terminal else 160).print(grid)


def bar(share: float) -> str:
    """0..1 as a bar of `BAR_CELLS` characters."""
    filled = round(BAR_CELLS * min(max(share, 0.0), 1.0))
    return "█" * filled + "░" * (BAR_CELLS - filled)


@contextmanager
def progress(after_s: float = 0.0) -> Iterator[tuple[Tell, StepDone]]:
    """Progress bars on stderr while the block runs, from `after_s` on and only on a terminal.

    Gives `tell(sentence)` and `step_done(name, step, steps)`. Until the first step a bar says that work has begun.
    """
    if _level <= QUIET or not (sys.stderr and sys.stderr.isatty()):
        yield note, lambda name, step, steps: None  # in a log a bar is only noise
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    bars = Progress(*columns, console=console, transient=True)
    tasks: dict[str, TaskID] = {}
    # libraries and models take seconds to load, more on a busy machine, before there is a step to count
    waiting = [bars.add_task("getting ready", total=None)]
    lock, over = threading.Lock(), threading.Event()

    def step_done(name: str, step: int, steps: int) -> None:
        while waiting:
            bars.remove_task(waiting.pop())
        if name not in tasks:
            tasks[name] = bars.add_task(printable(name), total=steps)
        bars.update(tasks[name], completed=step)

    def tell(text: str) -> None:
        console.print(printable(text), markup=False, highlight=False)

    def start() -> None:
        if not over.wait(after_s):
            with lock:
                if not over.is_set():
                    bars.start()

    starter = threading.Thread(target=start, name="progress", daemon=True)
    starter.start() if after_s else start()
    try:
        yield tell, step_done
    finally:
        over.set()
        with lock:
            bars.stop()


def _say(text: str, stream: Any) -> None:
    if stream is None:  # closed, or a program without a window
        return
    from rich.console import Console

    console = Console(file=stream)
    text = printable(text, keep="\n")
    try:
        console.print(text, markup=False, highlight=False, soft_wrap=not console.is_terminal)
    except OSError:
        if stream is not sys.stderr:  # what cannot be told there ends no work
            raise
