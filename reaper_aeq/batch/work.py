"""What a worker does: a few tasks at a time, each to its own folder, with an engine that it keeps.

A project gets what `reaper-aeq project` does, into the task's own folder; several recordings share a pass of the
networks, and each leaves a chain for REAPER, a page and JSON. Nothing heavy is loaded before a task is worked on: a
scheduler imports this module too. Answers are plain data, for not every error of ours survives the way back.
"""

from __future__ import annotations

import json
import os
import platform
import time
import traceback
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import AeqError
from ..util.files import refuse_replacing, write_text_atomic
from ..util.libraries import explain
from ..util.scores import rounded_score
from .inputs import PROJECT, Task, portable_stem, shown
from .task import Recipe, TaskState, content_key, hash_of_models, prepare, stamp

if TYPE_CHECKING:
    from ..engine import AdaptiveEQ
    from ..project.rows import Row
    from ..result.result import Result

Answer = dict[str, Any]
NAME_BYTES = 150  # of a result's name, which gets suffixes
_OF_TRACKS = ("track", "name", "folders", "left_alone")  # of a row, which say nothing of a recording
_served: list[tuple[Recipe, str]] = []  # batches that this process was found fit for


class ChangedError(Exception):
    """A file was changed while it was worked on: to be tried again."""


def unfit(recipe: Recipe, out: str) -> str | None:
    """Why this worker cannot serve a batch, as one sentence; None if it can. Loads the engine."""
    if (recipe, out) in _served:
        return None
    where = platform.node()
    if recipe.version != __version__:
        return (
            f"the worker on {where} has reaper-aeq {__version__}, this command {recipe.version}:"
            " install the same version on both"
        )
    if not os.path.isdir(out):
        return f"the worker on {where} does not see {out}: workers need the same file system"
    try:
        if hash_of_models(recipe.models) != recipe.models_hash:
            return f"the worker on {where} has other models than this command: install the same on both"
        engine = engine_of(recipe.models, recipe.models_hash)
        recipe.plan.check(engine.words.blend)
        if recipe.request:
            engine.words.blend(recipe.request.word)
    except AeqError as error:
        return str(error)
    except Exception as error:
        if (unloadable := explain(error)) is None:
            raise
        return f"the worker on {where}: {unloadable}"
    _served.append((recipe, out))
    return None


@cache
def engine_of(models: str | None, models_hash: str) -> AdaptiveEQ:
    """Of a recipe's models, one for each process, not for each task. Raises `ModelError`."""
    from ..engine import AdaptiveEQ

    return AdaptiveEQ.load(models)


def work(
    tasks: Sequence[Task], recipe: Recipe, out: str, attempts: int, batch: str, again: bool
) -> dict[str, Answer]:  # fmt: skip
    """Does tasks of one kind; a task that was finished before with the same content is only recognized.

    Args:
        attempts: how many tries of them ended before. batch: the run of the command. again: what other runs finished is
            not taken.

    Gives for each id {'fresh'}, whether it was done just now, or {'error', 'final', 'trace'}, where what is final is
    not worth another try; or {'': {'unfit'}} for a worker that cannot serve.
    """
    if reason := unfit(recipe, out):
        return {"": {"unfit": reason}}
    answers: dict[str, Answer] = {}
    jobs: list[Job] = []
    for task in tasks:
        with capture_errors(task, answers):
            job = Job(task, recipe, Path(out, task.id), attempts, batch)
            if job.finished(again):
                answers[task.id] = {"fresh": False}
            else:
                prepare(job.folder)
                jobs.append(job)
    if jobs:
        engine = engine_of(recipe.models, recipe.models_hash)
        (_projects if jobs[0].task.kind == PROJECT else _recordings)(jobs, engine, answers)
    return answers


@contextmanager
def capture_errors(task: Task, answers: dict[str, Answer]) -> Iterator[None]:
    """What goes wrong with a task is its answer; the others go on."""
    try:
        yield
    except AeqError as error:
        answers[task.id] = {"error": str(error), "final": True, "trace": None}
    except Exception as error:
        sentence = str(error) if isinstance(error, ChangedError) else f"{type(error).__name__}: {error}"
        answers[task.id] = {"error": sentence, "final": False, "trace": traceback.format_exc()}


class Job:
    """One task on this worker. `stamps` are of its files as they were before they were read."""

    def __init__(self, task: Task, recipe: Recipe, folder: Path, attempts: int, batch: str):
        self.task, self.recipe, self.folder, self.attempts, self.batch = task, recipe, folder, attempts, batch
        self.seconds = 0.0
        with self.timed():
            self.stamps = {task.path: stamp(task.path)}
            self.opened: Any = None
            if task.kind == PROJECT:
                from ..project.whole import files_read
                from ..reaper.rpp.project import Project

                self.opened = Project.read(task.path)
                # all files that the result depends on besides the project itself
                self.stamps |= {path: stamp(path) for path in map(str, files_read(self.opened, recipe.plan))}
            self.asked = recipe.asked_of(task.kind)
            self.key = content_key(self.asked, self.stamps)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """What the block takes counts for this task."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - started

    def finished(self, again: bool) -> bool:
        """Whether the same work was finished before; then its state has the stamps of now. Raises `OutputError`."""
        found = TaskState.read(self.folder)
        if not found or found.key != self.key or (again and found.batch != self.batch):
            return False
        if done := found.complete(self.folder):
            replace(found, files=self.stamps).write(self.folder)
        return done

    def output(self, suffix: str) -> Path:
        """Where a result of this task goes. Raises `OutputError` where a link makes that the file that is read."""
        path = self.folder / f"{portable_stem(self.task.path, NAME_BYTES)}.aeq{suffix}"
        refuse_replacing([path], [self.task.path])
        return path

    def finish(self, outputs: Sequence[Path], summary: dict[str, Any]) -> Answer:
        """Says in the folder that the task is done. Raises `OutputError`, `ChangedError`."""
        if content_key(self.asked, {path: stamp(path) for path in self.stamps}) != self.key:
            raise ChangedError("one of its files was changed while it was being read")
        state = TaskState(
            id=self.task.id, path=self.task.path, kind=self.task.kind, attempts=self.attempts + 1, asked=self.asked,
            key=self.key, files=self.stamps, outputs={path.name: path.stat().st_size for path in outputs},
            summary=summary, seconds=round(self.seconds, 3), worker=f"{platform.node()}:{os.getpid()}",
            batch=self.batch, result=uuid.uuid4().hex,
        )  # fmt: skip
        state.write(self.folder)
        return {"fresh": True}


def _projects(jobs: Sequence[Job], engine: AdaptiveEQ, answers: dict[str, Answer]) -> None:
    """One after the other: the tracks of one project fill a pass of the networks."""
    from ..project import whole
    from ..project.places import Places
    from ..project.rows import MASTER

    for job in jobs:
        with capture_errors(job.task, answers):
            places = Places(job.output(".rpp"), job.output(".html"), job.output(".json"))
            with job.timed():
                report, _ = whole.equalize_file(
                    Path(job.task.path), job.opened, places, job.recipe.plan, lambda: engine, lambda *_: None, threads=1
                )
            tracks = [row for row in report.rows if row.number != MASTER]
            master = next((row for row in report.rows if row.number == MASTER and row.result), None)
            summary = {
                "tracks": len(tracks),
                "equalized": sum(row.inserted for row in tracks),
                "asked": master.asked if master else "",
                "score": _score(master.result if master else None),
                "warnings": [f"{row.title}: {warning}" for row, warning in report.warnings],
            }
            answers[job.task.id] = job.finish(places.paths, summary)


def _recordings(jobs: Sequence[Job], engine: AdaptiveEQ, answers: dict[str, Answer]) -> None:
    """Listens to all, asks the engine once, writes each."""
    from ..dsp.analyze_file import AnalyzedAudio, analyze_file
    from ..methods.validation import AnalyzedRequest
    from ..project.plan import Action
    from ..project.rows import Row
    from ..project.runner import fill
    from ..reaper.rpp.fxchain import stored_name
    from ..result.result import raised, with_loudness

    request = jobs[0].recipe.request
    assert request is not None, "see `find_tasks`"
    action = Action(**vars(request))
    heard: list[tuple[Job, AnalyzedAudio]] = []
    for job in jobs:
        with capture_errors(job.task, answers), job.timed():
            heard.append((job, analyze_file(job.task.path, sections=request.sections)))
    started = time.perf_counter()
    results = engine.adapt_many([AnalyzedRequest(sound.analysis, request) for _, sound in heard]) if heard else []
    pass_s = time.perf_counter() - started
    for (job, sound), answer in zip(heard, results, strict=True):
        job.seconds += pass_s / len(heard)
        with capture_errors(job.task, answers):
            result = raised(answer)
            with job.timed():
                row = Row(1, shown(Path(job.task.path).name), kind=result.kind or "")
                row.duration_s = sound.analysis.duration_s
                row.warnings = [sound.warning] if sound.warning else []
                name = stored_name(action.in_reaper(engine.words.spelled))
                fill(row, action, name, with_loudness(result, sound), sound.analysis, engine)
                outputs = _write(job, row)
            summary = {"asked": row.asked, "score": _score(row.result), "warnings": row.warnings}
            answers[job.task.id] = job.finish(outputs, summary)


def _score(result: Result | None) -> list[float] | None:
    return [rounded_score(result.score_before), rounded_score(result.score_after)] if result else None


def _write(job: Job, row: Row) -> list[Path]:
    """The files of a recording. Raises `OutputError`, and `AudioError` for a file that can no longer be read."""
    from ..project.page import page
    from ..project.report import LEGEND, card
    from ..reaper.reaeq.instance import rfxchain_text

    assert row.result
    chain, html, data = (job.output(suffix) for suffix in (".RfxChain", ".html", ".json"))
    write_text_atomic(chain, rfxchain_text(row.result.eq, row.instance))
    write_text_atomic(html, page(row.name, LEGEND + card(row)))
    told = {"file": row.name, **{key: value for key, value in row.to_dict().items() if key not in _OF_TRACKS}}
    write_text_atomic(data, json.dumps(told, indent=1, allow_nan=False) + "\n")
    return [chain, html, data, *([_render(job, row.result)] if job.recipe.render else [])]


def _render(job: Job, result: Result) -> Path:
    """The recording with its EQ; 32-bit float holds what goes beyond full scale, any rate and any channels."""
    from ..dsp.audio import AudioFile
    from ..dsp.moving_filter import filter_of
    from ..dsp.write import AudioWriter

    path = job.output(".wav")
    with AudioFile(job.task.path) as file, AudioWriter(path, file.sample_rate, file.channels, file) as sound:
        equalizer = filter_of(result.eq, result.moving, file.sample_rate, file.channels)
        for block in file.blocks():
            sound.write(equalizer.process(block))
    return path
