"""`reaper-aeq batch`: many projects and recordings, here or on a cluster, and a page over all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ...errors import AeqError
from ...request import EqRequest, check_range, parse_word
from ...util.files import output_error
from ...util.printable import printable
from .checks import check_method, check_new_folder, check_plan, check_request
from .console import note, print_json, progress, report, say

if TYPE_CHECKING:
    from ...batch.run import Counts


def batch(
    inputs: Sequence[str], *, listed: str | None, out: Path, plan: Path | None, word: str | None, intensity: float,
    adaptation: float | None, method: str, render: bool, models: Path | None, workers: int | None,
    scheduler: str | None, retries: int, again: bool, as_json: bool,
) -> int:  # fmt: skip
    """Returns the exit code: 1 where a task failed."""
    from ...batch.inputs import find_tasks
    from ...batch.task import Recipe

    if not inputs and not listed:
        raise AeqError("nothing to do: name projects, recordings or folders, or say --list FILE")
    if scheduler and workers:
        raise AeqError("say either --workers, for this machine, or --scheduler")
    # what other protocols call an address is for Dask to know
    if scheduler is not None and not re.fullmatch(r"(?!tcp:|tls:)\w+://.+|((tcp|tls)://)?[^\s/]+:\d+/?", scheduler):
        raise AeqError(f"no scheduler at {scheduler}: it names no port; write it like tcp://host:8786")
    check_range("intensity", intensity)
    if adaptation is not None:
        check_range("adaptation", adaptation)
    check_method(method)
    request = None if word is None else EqRequest(parse_word(word), intensity, adaptation, method)
    recipe = Recipe.of(plan, request, render, models)
    check_new_folder(out)
    found = find_tasks(inputs, listed, out, sounds=request is not None)
    check_plan(recipe.plan, models)
    if request:
        check_request(request.word, models)
    if found.media:
        media = "1 recording was" if found.media == 1 else f"{found.media} recordings were"
        note(f"{media} left out, in folders that hold a project: to have them treated too, name them")
    with ExitStack() as stack:
        stack.callback(_locked(out).close)
        _, step_done = stack.enter_context(progress())
        step_done("tasks", 0, len(found.tasks))  # while the workers start

        from ...batch.index import HTML, write_index
        from ...batch.run import Batch, Watch
        from ...batch.workers import own_workers, workers_at, workers_of_this_machine

        count = min(workers or workers_of_this_machine(), len(found.tasks))
        watch = Watch(lambda counts: step_done("tasks", counts.ended, counts.total), report)
        place = out.absolute()
        run = Batch(
            found.tasks, recipe, place, watch,
            lambda: workers_at(scheduler, recipe, str(place)) if scheduler else own_workers(count), retries, again,
        )  # fmt: skip
        try:
            counts = run.run()
        finally:
            if not scheduler:
                run.sweep()
            write_index(found.tasks, out)
    _tell(counts, out / HTML, as_json)
    return 1 if counts.failures else 0


def _locked(out: Path) -> IO[bytes]:
    """The lock of a batch that is ours alone until this process ends, in its folder, which is made."""
    from ...util.locks import lock

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(out, error) from None
    held = lock(out / "batch")
    if held is None:
        raise AeqError(f"another batch is running in {out}: wait for it, or choose another --out")
    return held


def _tell(counts: Counts, index: Path, as_json: bool) -> None:
    if as_json:
        told = {"done": counts.done, "unchanged": counts.unchanged, "failed": len(counts.failures)}
        print_json({**told, "seconds": round(counts.working_s, 3), "index": str(index)})
        return
    parts = [f"{counts.done} done"]
    parts += [f"{counts.unchanged} unchanged"] if counts.unchanged else []
    parts += [f"{len(counts.failures)} failed"] if counts.failures else []
    say(f"{', '.join(parts)}\nwrote {printable(index)}")
