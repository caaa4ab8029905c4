"""`reaper-aeq batch`: many projects and recordings, here or on a cluster, and a page over all of them."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from ...errors import AeqError
from ...request import EqRequest, parse_word
from ...util.files import make_folder
from ...util.printable import printable
from .checks import check_new_folder, check_plan, check_request
from .console import answer, note, progress, report
from .options import NONE_GIVEN, Json, Models, RequestOptions

if TYPE_CHECKING:
    from ...batch.run import Counts


def batch(
    *,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Where results and index go.")],
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="Projects, recordings, folders, patterns such as '**/*.rpp'."),
    ] = NONE_GIVEN,
    listed: Annotated[
        str | None, typer.Option("--list", metavar="FILE", help="A file with one input per line; - is standard input.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For projects, TOML: which track gets what.")
    ] = None,
    word: Annotated[str | None, typer.Option(help="For recordings: a word, or 'warm 0.7, airy 0.3'.")] = None,
    how: RequestOptions,
    sections: Annotated[
        bool, typer.Option("--sections", help="With --word: follow the song, the same bands, whose gains move.")
    ] = False,
    render: Annotated[bool, typer.Option("--render", help="Write the recordings with their EQs too.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Processes on this machine; by default one for each core.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Use the workers of this Dask scheduler instead: tcp://host:8786."),
    ] = None,
    retries: Annotated[int, typer.Option(min=0, metavar="N", help="How often a task that failed is tried again.")] = 2,
    again: Annotated[bool, typer.Option("--again", help="Redo what has not changed as well.")] = False,
    models: Models = None,
    as_json: Json = False,
) -> int:
    """Treat many projects and recordings, each once: what was finished stays so, whatever is killed meanwhile."""
    # gives the exit code: 1 where a task failed
    from ...batch.inputs import find_tasks
    from ...batch.task import Recipe

    if not inputs and not listed:
        raise AeqError("nothing to do: name projects, recordings or folders, or say --list FILE")
    if scheduler and workers:
        raise AeqError("say either --workers, for this machine, or --scheduler")
    # what other protocols call an address is for Dask to know
    if scheduler is not None and not re.fullmatch(r"(?!tcp:|tls:)\w+://.+|((tcp|tls)://)?[^\s/]+:\d+/?", scheduler):
        raise AeqError(f"no scheduler at {scheduler}: it names no port; write it like tcp://host:8786")
    asked = EqRequest("" if word is None else parse_word(word), **how.fields, sections=sections and word is not None)
    asked.check()
    request = None if word is None else asked
    recipe = Recipe.of(plan, request, render, models)
    check_new_folder(out)
    tasks, media = find_tasks(inputs, listed, out, sounds=request is not None)
    check_plan(recipe.plan, models)
    if request:
        check_request(request, models)
    if media:
        were = "1 recording was" if media == 1 else f"{media} recordings were"
        note(f"{were} left out, in folders that hold a project: to have them treated too, name them")
    with _locked(out), progress() as (_, step_done):
        step_done("tasks", 0, len(tasks))  # while the workers start

        from ...batch.index import HTML, write_index
        from ...batch.run import Batch
        from ...batch.workers import LocalWorkers, workers_at, workers_of_this_machine

        count = min(workers or workers_of_this_machine(), len(tasks))
        place = out.absolute()
        run = Batch(
            tasks, recipe, place, lambda counts: step_done("tasks", counts.ended, counts.total), report,
            lambda: workers_at(scheduler, recipe, str(place)) if scheduler else closing(LocalWorkers(count)),
            retries, again,
        )  # fmt: skip
        try:
            counts = run.run()
        finally:
            if not scheduler:
                run.sweep()
            write_index(tasks, out)
    _tell(counts, out / HTML, as_json)
    return 1 if counts.failures else 0


def _locked(out: Path) -> IO[bytes]:
    """The lock of a batch that is ours alone until this process ends, in its folder, which is made."""
    from ...util.locks import lock

    make_folder(out)
    held = lock(out / "batch")
    if held is None:
        raise AeqError(f"another batch is running in {out}: wait for it, or choose another --out")
    return held


def _tell(counts: Counts, index: Path, as_json: bool) -> None:
    told = {"done": counts.done, "unchanged": counts.unchanged, "failed": len(counts.failures)}
    parts = [f"{count} {how}" for how, count in told.items() if count or how == "done"]
    data = {**told, "seconds": round(counts.working_s, 3), "index": str(index)}
    answer(as_json, data, f"{', '.join(parts)}\nwrote {printable(index)}")
