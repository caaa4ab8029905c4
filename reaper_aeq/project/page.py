"""The look that reports share: a page that needs nothing but itself. Standard library only."""

from __future__ import annotations

from html import escape
from importlib.resources import files

from ..util.scores import shown_score


def page(title: str, body: str, more_style: str = "") -> str:
    """A page in the style of the reports that needs nothing but itself; `body` is HTML, `title` text."""
    style = files(__package__).joinpath("report.css").read_text("utf-8") + more_style
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} – reaper-aeq</title><style>{style}</style></head><body><main>"
        f"<h1>{escape(title)}</h1>{body}</main></body></html>\n"
    )


def meter(before: float, after: float) -> str:
    """Two scores as numbers and on a rail from 0 to 1."""
    a, b = (8 + 76 * score for score in (before, after))
    return (
        f'{shown_score(before)} → {shown_score(after)}<svg class="meter" viewBox="0 0 92 14" aria-hidden="true">'
        f'<path class="rail" d="M8,7H84"/><path class="way" d="M{a:.1f},7H{b:.1f}"/>'
        f'<circle class="from" cx="{a:.1f}" cy="7" r="4"/><circle class="to" cx="{b:.1f}" cy="7" r="5"/></svg>'
    )
