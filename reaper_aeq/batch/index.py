"""The page over all tasks of a batch, and the same as JSON: made from the journal, with links to each task's page."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..project.page import meter, page
from ..util.files import write_text_atomic
from .inputs import PROJECT, SOUND, common_folder, shown
from .journal import DONE, FAILED, WAITING, Journal, JournalRow

HTML, JSON = "index.html", "index.json"
_HEADS = {
    PROJECT: ("Projects", '<th class="wideonly">Tracks with an EQ</th><th class="wideonly">Master</th>'),
    SOUND: ("Recordings", '<th class="wideonly">For REAPER</th><th>Asked for</th>'),
}


def write_index(journal: Journal, out: Path) -> None:
    """Raises `OutputError`."""
    rows = list(journal.rows())
    write_text_atomic(out / JSON, json.dumps({"tasks": [to_dict(row) for row in rows]}, indent=1) + "\n")
    write_text_atomic(out / HTML, shown(html(rows, out.resolve().name)))


def to_dict(row: JournalRow) -> dict[str, Any]:
    """JSON-ready; names of files are relative to the batch's folder."""
    record = row.record if row.state == DONE else None
    return {
        "input": row.path,
        "kind": row.kind,
        "state": row.state,
        "attempts": row.attempts,
        "seconds": row.seconds if record else None,
        "error": row.error,
        "trace": row.trace,
        "content": row.key if record else None,
        "files": [f"{row.id}/{name}" for name in record.outputs] if record else [],
        **(record.summary if record else {}),
    }


def html(rows: Sequence[JournalRow], title: str) -> str:
    """The page; `rows` by path."""
    by_state = {state: [row for row in rows if row.state == state] for state in (DONE, FAILED, WAITING)}
    top = common_folder([row.path for row in rows])
    done = by_state[DONE]
    body = _summary(by_state, top)
    body += _unfinished("Failed", by_state[FAILED], top) + _unfinished("Not done yet", by_state[WAITING], top)
    for kind, (heading, columns) in _HEADS.items():
        lines = "".join(_line(row, top) for row in done if row.kind == kind)
        if lines:
            head = (
                f"<tr><th>Name</th><th>Folder</th>{columns}<th>Score</th>"
                '<th>Warnings</th><th class="n wideonly">Seconds</th></tr>'
            )
            body += f"<h2>{heading}</h2>{_table(head, lines)}"
    return page(title, body, files(__package__).joinpath("index.css").read_text("utf-8"))


def _summary(by_state: dict[str, list[JournalRow]], top: str) -> str:
    counts = {state: len(rows) for state, rows in by_state.items()}
    warnings = sum(len(row.record.summary["warnings"]) for row in by_state[DONE] if row.record)
    tiles = [("", counts[DONE], "done")]
    tiles += [("bad", counts[FAILED], "failed")] if counts[FAILED] else []
    tiles += [("", counts[WAITING], "not done yet")] if counts[WAITING] else []
    tiles += [("", warnings, "warnings" if warnings > 1 else "warning")] if warnings else []
    listed = "".join(f'<div class="tile {kind}"><b>{count}</b><span>{name}</span></div>' for kind, count, name in tiles)
    whole = max(1, sum(counts.values()))
    bar = "".join(
        f'<i class="{kind}" style="width:{100 * counts[state] / whole:.2f}%"></i>'
        for kind, state in (("", DONE), ("bad", FAILED))
    )
    where = f'<p class="soft">{escape(top)}</p>' if top else ""
    return f'{where}<div class="tiles">{listed}</div><div class="share">{bar}</div>'


def _unfinished(heading: str, rows: Sequence[JournalRow], top: str) -> str:
    if not rows:
        return ""
    lines = "".join(
        f'<tr><td class="name" title="{escape(row.path)}">{escape(os.path.basename(row.path))}</td>'
        f'<td class="soft">{escape(_folder(row, top))}</td><td class="why">{escape(row.error or "")}</td>'
        f'<td class="n">{row.attempts or ""}</td></tr>'
        for row in rows
    )
    head = '<tr><th>Name</th><th>Folder</th><th>Reason</th><th class="n">Tries</th></tr>'
    return f"<h2>{heading}</h2>{_table(head, lines)}"


def _line(row: JournalRow, top: str) -> str:
    assert row.record
    told, outputs = row.record.summary, row.record.outputs
    warnings = told["warnings"]
    if row.kind == PROJECT:
        what = f'<td class="wideonly">{told["equalized"]} of {told["tracks"]}</td>'
        what += f'<td class="wideonly">{escape(told["asked"]) or "–"}</td>'
    else:
        what = (
            f'<td class="wideonly">{_link(row, ".RfxChain", outputs, "FX chain")}</td><td>{escape(told["asked"])}</td>'
        )
    score = meter(*told["score"]) if told["score"] else "–"
    flag = f'<span class="flag" title="{escape(chr(10).join(warnings))}">▲</span> {len(warnings)}' if warnings else ""
    return (
        f'<tr><td class="name">{_link(row, ".html", outputs, os.path.basename(row.path), row.path)}</td>'
        f'<td class="soft">{escape(_folder(row, top))}</td>{what}<td class="nowrap">{score}</td>'
        f'<td class="nowrap">{flag}</td><td class="n wideonly">{row.seconds:.1f}</td></tr>'
    )


def _link(row: JournalRow, suffix: str, outputs: dict[str, int], text: str, title: str = "") -> str:
    name = next(name for name in outputs if name.endswith(suffix))
    more = f' title="{escape(title)}"' if title else ""
    return f'<a href="{quote(f"{row.id}/{name}")}"{more}>{escape(text)}</a>'


def _folder(row: JournalRow, top: str) -> str:
    here = os.path.dirname(row.path)
    inside = os.path.relpath(here, top) if top else here
    return "" if inside == "." else inside


def _table(head: str, lines: str) -> str:
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{lines}</tbody></table></div>'
