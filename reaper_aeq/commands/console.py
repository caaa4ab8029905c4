"""How commands speak: results on stdout (one JSON object with --json), warnings and progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

BAR_CELLS = 12


def print_json(data: dict[str, Any]) -> None:
    """One object on stdout. Not a number is no JSON, and would be a defect."""
    print(json.dumps(data, indent=1, allow_nan=False))


def say(text: str) -> None:
    """A line on stdout: wrapped at words on a terminal, left in one piece for a pipe."""
    _say(text, sys.stdout)


def note(text: str) -> None:
    """A line on stderr."""
    _say(text, sys.stderr)


def warn(text: str) -> None:
    note(f"warning: {text}")


def table(columns: dict[str, str], rows: list[list[str]], title: str | None = None) -> None:
    """Prints a table on stdout; `columns` maps each heading to 'left' or 'right'."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading, justify in columns.items():
        grid.add_column(heading, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        grid.add_row(*map(Text, row))  # names of files may look like markup
    console = Console()
    # a pipe has no width of its own: 80 columns would break what is read by machines and tests
    Console(width=None if console.is_terminal else 160).print(grid)


def bar(share: float) -> str:
    """0..1 as a bar of `BAR_CELLS` characters."""
    filled = round(BAR_CELLS * min(max(share, 0.0), 1.0))
    return "█" * filled + "░" * (BAR_CELLS - filled)


@contextmanager
def progress() -> Iterator[tuple[Callable[[str], None], Callable[[str, int, int], None]]]:
    """Progress bars on stderr while the block runs: gives `tell(sentence)` and `step_done(name, step, steps)`."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    # in a log a bar is only noise
    bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    tasks: dict[str, TaskID] = {}

    def step_done(name: str, step: int, steps: int) -> None:
        if name not in tasks:
            tasks[name] = bars.add_task(name, total=steps)
        bars.update(tasks[name], completed=step)

    def tell(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=not console.is_terminal)

    with bars:
        yield tell, step_done


def _say(text: str, stream: Any) -> None:
    from rich.console import Console

    console = Console(file=stream)
    console.print(text, markup=False, highlight=False, soft_wrap=not console.is_terminal)
