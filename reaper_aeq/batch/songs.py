"""A project as a task: what `reaper-aeq project` does, into the task's own folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..engine import AdaptiveEQ
from ..project.places import Places
from ..project.report import Report
from ..project.rows import MASTER
from ..project.whole import equalize_file
from .job import Answer, Job, capture_errors


def equalize(jobs: Sequence[Job], engine: AdaptiveEQ, answers: dict[str, Answer]) -> None:
    """One after the other: the tracks of one project fill a pass of the networks."""
    for job in jobs:
        with capture_errors(job.task, answers):
            places = Places(job.output(".rpp"), job.output(".html"), job.output(".json"))
            with job.timed():
                report, _ = equalize_file(
                    Path(job.task.path), job.opened, places, job.recipe.plan, lambda: engine, _silently, threads=1
                )
            answers[job.task.id] = job.finish([places.project, places.html, places.json], summary(report))


def summary(report: Report) -> dict[str, Any]:
    """For the index page."""
    master = next((row for row in report.rows if row.number == MASTER), None)
    result = master.result if master else None
    return {
        "tracks": sum(row.number != MASTER for row in report.rows),
        "equalized": sum(row.number != MASTER and row.inserted for row in report.rows),
        "asked": master.asked if master and result else "",
        "score": [round(result.score_before, 4), round(result.score_after, 4)] if result else None,
        "warnings": [f"{row.title}: {warning}" for row, warning in report.warnings],
    }


def _silently(name: str, step: int, steps: int) -> None:
    """Progress of a batch is counted in tasks."""
