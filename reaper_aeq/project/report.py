"""The report of one run: a page that needs nothing but itself, and the same as JSON.

No times and no places of this machine's are in it but those the user gave: the same run gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from ..eq import WITHOUT_GAIN, Eq
from ..result.result import Result
from .page import meter, page
from .picture import picture
from .plan import Plan
from .rows import MASTER, Row

NOT_HEARD = (
    "What was heard: the media items with their offsets, rates, sections, fades and volumes; folders and sends; the"
    " new EQs. What was not heard: instruments, all other FX, automation, pan laws and channels beyond the second. So"
    " the balance of buses and of the master is that of the tracks before such FX."
)


@dataclass(frozen=True)
class Report:
    """One run: the project's and the written file's names, the plan, and a row for each track."""

    song: str
    written: str
    sample_rate: int
    plan: Plan
    plan_text: str
    rows: Sequence[Row]

    @property
    def warnings(self) -> list[tuple[Row, str]]:
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
        done = [row for row in self.rows if row.result]
        return page(
            self.song,
            f"{self._summary()}<h2>Tracks</h2>{_table(self.rows)}{self._warnings()}"
            f"<h2>What was done</h2>{LEGEND}{''.join(map(card, done))}"
            f'<p class="small soft">{NOT_HEARD}</p>'
            f"<details><summary>The plan</summary><pre>{escape(self.plan_text)}</pre></details>",
        )

    def _summary(self) -> str:
        done = sum(row.inserted for row in self.rows)
        none = sum(row.result is not None and not row.inserted for row in self.rows)
        left = sum(bool(row.left) for row in self.rows)
        plan = "the default plan" if self.plan.is_default else f"the plan {escape(self.plan.path.name)}"
        parts = [f"{done} of {len(self.rows)} got an EQ by {plan}"]
        parts += [f"{none} would get an EQ of 0.0 dB, so none was inserted"] if none else []
        parts += [f"{left} left alone"] if left else []
        parts += [f"{len(self.warnings)} warning{'s' * (len(self.warnings) != 1)}"] if self.warnings else []
        return f'<p class="soft">{", ".join(parts)}. Written: {escape(self.written)}</p>'

    def _warnings(self) -> str:
        rows = "".join(f"<li><b>{escape(row.title)}</b>: {escape(text)}</li>" for row, text in self.warnings)
        return f'<div class="warnings"><ul>{rows}</ul></div>' if rows else ""


NOT_INSERTED = ' <span class="soft">(0.0 dB, not inserted)</span>'


def _table(rows: Sequence[Row]) -> str:
    head = (
        '<tr><th class="n">#</th><th>Track</th><th>Asked for</th><th>Score</th>'
        '<th class="wideonly">Sounds</th><th class="n wideonly">Loudness</th></tr>'
    )
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{"".join(map(_line, rows))}</tbody></table></div>'


def _line(row: Row) -> str:
    number = "" if row.number == MASTER else str(row.number)
    name = escape(row.title)
    flag = ' <span class="flag" title="see the warnings">▲</span>' if row.warnings else ""
    folders = f'<span class="soft">{escape(row.path)} / </span>' if row.folders else ""
    if row.result is None:
        what = f'<td class="left" colspan="4">{escape(row.left)}</td>'
        return f'<tr><td class="n soft">{number}</td><td>{folders}{name}{flag}</td>{what}</tr>'
    link = f'<a href="#t{row.number}">{name}</a>'
    return (
        f'<tr><td class="n soft">{number}</td><td>{folders}{link}{flag}</td>'
        f"<td>{escape(row.asked)}{NOT_INSERTED * (not row.inserted)}</td><td class='nowrap'>{_score(row.result)}</td>"
        f'<td class="wideonly">{escape(row.kind)}</td><td class="n wideonly">{_lufs(row.lufs[0])}</td></tr>'
    )


def _score(result: Result) -> str:
    return meter(result.score_before, result.score_after)


def card(row: Row) -> str:
    """What was done on one track or recording, with its picture; '' where nothing was."""
    result = row.result
    if result is None:
        return ""
    chips = [row.instance, *([f"in {row.path}"] if row.folders else [])]
    chips += [f"sounds: {row.kind}"] if row.kind and row.number != MASTER else []
    warnings = "".join(f"<li>{escape(text)}</li>" for text in row.warnings)
    facts = {
        "Score": _score(result),
        "Confidence": f"{result.confidence:.2f}",
        "Loudness": f"{_lufs(row.lufs[0])} → {_lufs(row.lufs[1])}",
        "Output gain": _db(result.eq.output_gain_db),
        "Listened to": f"{row.duration_s / 60:.1f} min" if row.duration_s >= 90 else f"{row.duration_s:.0f} s",
    }
    if row.distance_db:
        facts["Distance"] = f"{row.distance_db[0]:.1f} → {row.distance_db[1]:.1f} dB"
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items())
    return (
        f'<section class="card" id="t{row.number}"><header><h3>{escape(row.title)}</h3>'
        + "".join(f'<span class="chip">{escape(chip)}</span>' for chip in chips)
        + f"</header><p>{escape(result.explanation)}</p>"
        + f'<div class="columns"><div>{picture(result, row.title)}</div>'
        + f'<div><dl class="facts">{listed}</dl>{bands_table(result.eq)}</div></div>'
        + (f'<div class="warnings"><ul>{warnings}</ul></div>' if warnings else "")
        + "</section>"
    )


def bands_table(eq: Eq) -> str:
    head = '<tr><th>Band</th><th class="n">Hz</th><th class="n">Gain</th><th class="n">Octaves</th></tr>'
    rows = "".join(
        f'<tr><td>{band.kind.replace("_", " ")}</td><td class="n">{band.freq_hz:.0f}</td>'
        f'<td class="n">{"" if band.kind in WITHOUT_GAIN else _db(band.gain_db)}</td>'
        f'<td class="n">{band.bandwidth_oct:.2f}</td></tr>'
        for band in eq.bands
        if band.enabled
    )
    return rows and f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _db(value: float) -> str:
    return f"{round(value, 1) + 0.0:+.1f} dB".replace("-", "−")


def _lufs(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} LUFS".replace("-", "−")


def _key(name: str, text: str) -> str:
    shape = f'<path class="{name}" d="M0,6H26"/>'
    if name == "target":
        shape = '<path class="target" d="M0,1H26V11H0Z"/>'
    return f'<span><svg viewBox="0 0 26 12" aria-hidden="true">{shape}</svg>{text}</span>'


LEGEND = (
    '<p class="legend">'
    + _key("before", "before")
    + _key("after", "after the EQ")
    + _key("target", "usual range of the word, or the reference")
    + _key("eq", "ReaEQ’s response (lower half), dB; a dot for each band")
    + "</p>"
)
