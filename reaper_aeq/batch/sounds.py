"""Recordings as tasks: several share a pass of the networks, each leaves a chain for REAPER, a page and JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..dsp.analyze_file import AnalyzedAudio, analyze_file
from ..dsp.audio import AudioFile
from ..dsp.response import EqFilter
from ..dsp.write import AudioWriter
from ..engine import AdaptiveEQ
from ..errors import AeqError
from ..methods.validation import AnalyzedRequest
from ..project.page import page
from ..project.plan import Action
from ..project.report import LEGEND, card
from ..project.rows import Row, loudness_lufs
from ..project.runner import doubts
from ..reaper.reaeq.instance import rfxchain_text
from ..reaper.reaeq.names import instance_name
from ..reaper.rpp.fxchain import stored_name
from ..result.result import Result, with_loudness
from ..util.files import write_text_atomic
from .inputs import shown
from .job import Answer, Job, capture_errors


def equalize(jobs: Sequence[Job], engine: AdaptiveEQ, answers: dict[str, Answer]) -> None:
    """Listens to all, asks the engine once, writes each."""
    action = action_of(jobs[0])
    heard: list[tuple[Job, AnalyzedAudio]] = []
    for job in jobs:
        with capture_errors(job.task, answers), job.timed():
            heard.append((job, analyze_file(job.task.path)))
    if not heard:
        return
    started = time.perf_counter()
    results = engine.adapt_many([AnalyzedRequest(h.analysis, action) for _, h in heard])
    pass_s = time.perf_counter() - started
    for (job, sound), result in zip(heard, results, strict=True):
        job.seconds += pass_s / len(heard)
        with capture_errors(job.task, answers):
            if isinstance(result, AeqError):
                raise result
            with job.timed():
                row = _row(job, sound, with_loudness(result, sound), action, engine)
                outputs = _write(job, row)
            answers[job.task.id] = job.finish(outputs, summary(row))


def action_of(job: Job) -> Action:
    return Action(**vars(job.recipe.request))


def summary(row: Row) -> dict[str, Any]:
    """For the index page."""
    assert row.result
    score = [round(row.result.score_before, 4), round(row.result.score_after, 4)]
    return {"asked": row.asked, "score": score, "warnings": row.warnings}


def _row(job: Job, sound: AnalyzedAudio, result: Result, action: Action, engine: AdaptiveEQ) -> Row:
    analysis = sound.analysis
    return Row(
        1, shown(Path(job.task.path).name), kind=result.kind or "", action=action, result=result,
        instance=stored_name(instance_name(action.word, action.intensity, engine.words.spelled)),
        lufs=(loudness_lufs(analysis), loudness_lufs(analysis, result.eq)), duration_s=analysis.duration_s,
        warnings=[*([sound.warning] if sound.warning else []), *doubts(action, result, engine)],
    )  # fmt: skip


def _write(job: Job, row: Row) -> list[Path]:
    """Raises `OutputError`, and `AudioError` for a file that can no longer be read."""
    assert row.result
    chain, html, data = (job.output(suffix) for suffix in (".RfxChain", ".html", ".json"))
    write_text_atomic(chain, rfxchain_text(row.result.eq, row.instance))
    write_text_atomic(html, page(row.name, LEGEND + card(row)))
    capture_errors = {"file": row.name, **{key: value for key, value in row.to_dict().items() if key not in _OF_TRACKS}}
    write_text_atomic(data, json.dumps(capture_errors, indent=1, allow_nan=False) + "\n")
    return [chain, html, data, *([_render(job, row.result)] if job.recipe.render else [])]


def _render(job: Job, result: Result) -> Path:
    """The recording with its EQ; 32-bit float holds what goes beyond full scale, any rate and any channels."""
    path = job.output(".wav")
    with AudioFile(job.task.path) as file, AudioWriter(path, file.sample_rate, file.channels, file) as sound:
        equalizer = EqFilter(result.eq, file.sample_rate, file.channels)
        for block in file.blocks():
            sound.write(equalizer.process(block))
    return path


_OF_TRACKS = ("track", "name", "folders", "left_alone")
