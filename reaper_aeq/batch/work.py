"""What a worker does: a few tasks at a time, each to its own folder, with an engine that it keeps.

The scheduler imports this module too, so nothing heavy is loaded before a task is worked on. Answers are plain data:
not every error of ours survives the way back.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import AeqError
from ..util.libraries import explain
from .inputs import PROJECT, Task
from .job import Answer, Job, capture_errors
from .recipe import Recipe, hash_of_models

if TYPE_CHECKING:
    from ..engine import AdaptiveEQ

_engines: dict[tuple[str | None, str], AdaptiveEQ] = {}
_served: set[tuple[Recipe, str]] = set()  # batches that this process was found fit for


def fit(recipe: Recipe, out: str) -> str | None:
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
        engine = engine_of(recipe)
        from ..project.runner import check_words

        check_words(recipe.plan, engine)
        if recipe.word:
            engine.words.blend(recipe.request.word)
    except AeqError as error:
        return str(error)
    except Exception as error:
        if (unloadable := explain(error)) is None:
            raise
        return f"the worker on {where}: {unloadable}"
    _served.add((recipe, out))
    return None


def engine_of(recipe: Recipe) -> AdaptiveEQ:
    """One for each process, not for each task. Raises `ModelError`."""
    key = recipe.models, recipe.models_hash
    if key not in _engines:
        from ..engine import AdaptiveEQ

        _engines[key] = AdaptiveEQ.load(recipe.models)
    return _engines[key]


def work(recipe: Recipe, out: str, tasks: Sequence[Task], batch: str, again: bool) -> dict[str, Answer]:
    """Does tasks of one kind; a task that was finished before with the same content is only recognized.

    Args:
        batch: the run of the command. again: what other runs finished is not taken.

    Gives for each id {'record', 'fresh'} or {'error', 'final', 'trace'}, where what is final is not worth another try;
    or {'': {'unfit'}} for a worker that cannot serve.
    """
    if reason := fit(recipe, out):
        return {"": {"unfit": reason}}
    from . import songs, sounds

    answers: dict[str, Answer] = {}
    jobs: list[Job] = []
    for task in tasks:
        with capture_errors(task, answers):
            job = Job(task, recipe, Path(out, task.id), batch)
            found = job.finished(again)
            if found:
                answers[task.id] = {"record": found.to_dict(), "fresh": False}
            else:
                job.begin()
                jobs.append(job)
    if jobs:
        run = songs.equalize if jobs[0].task.kind == PROJECT else sounds.equalize
        run(jobs, engine_of(recipe), answers)
    return answers
