"""`reaper-aeq batch`: many projects and recordings, here or on a cluster, and a page over all of them."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import AeqError
from ...util.files import output_error
from ...util.printable import printable
from .checks import check_new_folder, check_plan, check_request
from .console import note, print_json, progress, report, say, warn
from .options import Json, Models, RequestOptions, range_of

if TYPE_CHECKING:
    from ...batch.journal import Journal
    from ...batch.scheduler import Counts


@dataclass(frozen=True)
class WordOptions(RequestOptions):
    """How the word for recordings is asked for."""

    intensity: Annotated[float, typer.Option(help=f"How far to go with --word, {range_of('intensity')}.")] = 1.0


def batch(
    *,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Where results, index and journal go.")],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="INPUT...", help="Projects, recordings, folders, patterns such as '**/*.rpp'."),
    ] = None,
    listed: Annotated[
        str | None, typer.Option("--list", metavar="FILE", help="A file with one input per line; - is standard input.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For projects, TOML: which track gets what.")
    ] = None,
    word: Annotated[str | None, typer.Option(help="For recordings: a word, or 'warm 0.7, airy 0.3'.")] = None,
    how: WordOptions,
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
    from ...batch.recipe import Recipe

    if not inputs and not listed:
        raise AeqError("nothing to do: name projects, recordings or folders, or say --list FILE")
    if scheduler and workers:
        raise AeqError("say either --workers, for this machine, or --scheduler")
    # what other protocols call an address is for Dask to know
    if scheduler is not None and not re.fullmatch(r"(?!tcp:|tls:)\w+://.+|((tcp|tls)://)?[^\s/]+:\d+/?", scheduler):
        raise AeqError(f"no scheduler at {scheduler}: it names no port; write it like tcp://host:8786")
    recipe = Recipe.of(plan=plan, word=word, render=render, models=models, **vars(how))
    check_new_folder(out)
    found = find_tasks(inputs or [], listed, out, sounds=bool(recipe.word))
    check_plan(recipe.plan, models)
    if recipe.word:
        check_request(recipe.request, models)
    if found.media:
        media = "1 recording was" if found.media == 1 else f"{found.media} recordings were"
        note(f"{media} left out, in folders that hold a project: to have them treated too, name them")
    with ExitStack() as stack:
        journal = stack.enter_context(_opened(out, stack))
        _, step_done = stack.enter_context(progress())
        step_done("tasks", 0, len(found.tasks))  # while the workers start

        from ...batch.run import Batch
        from ...batch.scheduler import Watch
        from ...batch.workers import own_workers, workers_at, workers_of_this_machine

        count = min(workers or workers_of_this_machine(), len(found.tasks))
        watch = Watch(lambda counts: step_done("tasks", counts.ended, counts.total), report)
        run = Batch(
            found.tasks, recipe, out.absolute(), journal,
            lambda: workers_at(scheduler) if scheduler else own_workers(count), watch, retries, again,
        )  # fmt: skip
        try:
            counts = run.run()
        finally:
            if not scheduler:
                run.sweep()
            _index(journal, out)
    _tell(counts, journal.path.parent, as_json)
    return 1 if counts.failures else 0


def _opened(out: Path, stack: ExitStack) -> Journal:
    """The journal of a batch that is ours alone until this process ends."""
    from ...batch.journal import NAME, Journal
    from ...util.locks import lock

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(out, error) from None
    held = lock(out / NAME)
    if held is None:
        raise AeqError(f"another batch is running in {out}: wait for it, or choose another --out")
    stack.callback(held.close)
    journal = Journal(out)
    if journal.damaged:
        warn(f"the journal was damaged and was kept as {journal.damaged}; finished tasks are known from their folders")
    return journal


def _index(journal: Journal, out: Path) -> None:
    from ...batch.index import write_index

    write_index(journal, out)


def _tell(counts: Counts, out: Path, as_json: bool) -> None:
    from ...batch.index import HTML

    if as_json:
        told = {"done": counts.done, "unchanged": counts.unchanged, "failed": len(counts.failures)}
        print_json({**told, "seconds": round(counts.working_s, 3), "index": str(out / HTML)})
        return
    parts = [f"{counts.done} done"]
    parts += [f"{counts.unchanged} unchanged"] if counts.unchanged else []
    parts += [f"{len(counts.failures)} failed"] if counts.failures else []
    say(f"{', '.join(parts)}\nwrote {printable(out / HTML)}")
