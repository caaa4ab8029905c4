"""The page over all tasks of a batch, and the same as JSON: made from what the tasks' folders say, with links."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..project.page import meter, page
from ..util.files import write_text_atomic
from .inputs import Task, shown
from .task import NAME, TaskState

HTML, JSON = "index.html", "index.json"
WAITING, DONE, FAILED = "waiting", "done", "failed"


def write_index(tasks: Iterable[Task], out: Path) -> None:
    """Of `tasks`, and of what earlier runs did. Raises `OutputError`."""
    found = {task.id: TaskState.read(out / task.id) or TaskState(task.id, task.path, task.kind, 0) for task in tasks}
    others = (TaskState.read(path.parent) for path in out.glob(f"*/{NAME}") if path.parent.name not in found)
    states = sorted([*found.values(), *(state for state in others if state and state.done)], key=lambda one: one.path)
    rows = [to_dict(state) for state in states]
    write_text_atomic(out / JSON, json.dumps({"tasks": rows}, indent=1) + "\n")
    write_text_atomic(out / HTML, shown(html(rows, out.resolve().name)))


def to_dict(state: TaskState) -> dict[str, Any]:
    """JSON-ready; names of files are relative to the batch's folder."""
    return {
        "input": shown(state.path),
        "kind": state.kind,
        "state": DONE if state.done else FAILED if state.error else WAITING,
        "attempts": state.attempts,
        "seconds": state.seconds if state.done else None,
        "error": state.error and shown(state.error),
        "trace": state.trace and shown(state.trace),
        "content": state.key if state.done else None,
        "files": [f"{state.id}/{name}" for name in state.outputs],
        **state.summary,
    }


def html(rows: Sequence[dict[str, Any]], title: str) -> str:
    """The page; `rows` as `to_dict` gives them, by path."""
    from jinja2 import Environment, PackageLoader

    top = common_folder([row["input"] for row in rows])
    environment = Environment(
        loader=PackageLoader(__package__, "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "file_name": os.path.basename,
        "folder": lambda path: _folder(path, top),
        "meter": lambda score: meter(*score),
    }
    by_state = {state: [row for row in rows if row["state"] == state] for state in (DONE, FAILED, WAITING)}
    warnings = sum(len(row["warnings"]) for row in by_state[DONE])
    body = environment.get_template("index.html").render(by_state, top=top, warnings=warnings, whole=max(1, len(rows)))
    return page(title, body, files(__package__).joinpath("index.css").read_text("utf-8"))


def common_folder(paths: Sequence[str]) -> str:
    """The folder that holds all of them, '' if there is none."""
    try:
        return os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""
    except ValueError:  # several drives of Windows
        return ""


def _folder(path: str, top: str) -> str:
    here = os.path.dirname(path)
    inside = os.path.relpath(here, top) if top else here
    return "" if inside == "." else inside
