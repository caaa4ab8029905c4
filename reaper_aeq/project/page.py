"""The look that reports share, from `report.html` and `report.css`: pages that need nothing but themselves.

Whoever writes a page loads no torch for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..eq import WITHOUT_GAIN
from ..util.scores import shown_score

HERE = Path(__file__).parent


def _db(value: float) -> str:
    return f"{round(value, 1) + 0.0:+.1f} dB".replace("-", "−")


def _lufs(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} LUFS".replace("-", "−")


_ENVIRONMENT = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
_ENVIRONMENT.filters |= {"db": _db, "lufs": _lufs, "score": shown_score}
_ENVIRONMENT.globals["WITHOUT_GAIN"] = WITHOUT_GAIN
PARTS: Any = _ENVIRONMENT.get_template("report.html").module  # its macros, each of which gives HTML


def page(title: str, body: str, more_style: str = "") -> str:
    """A page in the style of the reports that needs nothing but itself; `body` is HTML, `title` text."""
    return str(PARTS.page(title, body, (HERE / "report.css").read_text("utf-8") + more_style)) + "\n"


def meter(before: float, after: float) -> str:
    """Two scores as numbers and on a rail from 0 to 1."""
    return str(PARTS.meter(before, after))
