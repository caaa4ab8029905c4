"""The report of one run: a page that needs nothing but itself, and the same as JSON.

No times and no places of this machine's are in it but those the user gave: the same run gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .page import PARTS, page
from .picture import movement, picture
from .plan import Plan
from .rows import Row

LEGEND = str(PARTS.legend())


@dataclass(frozen=True)
class Report:
    """One run: the project's and the written file's names, the plan, and a row for each track."""

    song: str
    written: str
    sample_rate: int
    plan: Plan
    rows: Sequence[Row]

    @property
    def warnings(self) -> list[tuple[Row, str]]:
        """All of them, each with its row."""
        return [(row, warning) for row in self.rows for warning in row.warnings]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "project": self.song,
            "written": self.written,
            "sample_rate": self.sample_rate,
            "plan": "default" if self.plan.is_default else str(self.plan.path),
            "tracks": [row.to_dict() for row in self.rows],
        }

    def html(self) -> str:
        """The page, UTF-8 when written."""
        cards = "".join(map(card, self.rows))
        return page(self.song, PARTS.report(self._summary(), self.rows, self.warnings, cards, self.plan.text))

    def _summary(self) -> str:
        done = sum(row.inserted for row in self.rows)
        none = sum(row.result is not None and not row.inserted for row in self.rows)
        left = sum(bool(row.left) for row in self.rows)
        plan = "the default plan" if self.plan.is_default else f"the plan {self.plan.path.name}"
        parts = [f"{done} of {len(self.rows)} got an EQ by {plan}"]
        parts += [f"{none} would get an EQ of 0.0 dB, so none was inserted"] if none else []
        parts += [f"{left} left alone"] if left else []
        parts += [f"{len(self.warnings)} warning{'s' * (len(self.warnings) != 1)}"] if self.warnings else []
        return f"{', '.join(parts)}. Written: {self.written}"


def card(row: Row) -> str:
    """What was done on one track or recording, with its picture; '' where nothing was."""
    if not row.result:
        return ""
    return str(PARTS.card(row, picture(row.result, row.title) + movement(row.result, row.title)))
