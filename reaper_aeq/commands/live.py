"""`reaper-aeq live`: the project that is open in REAPER, from a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..blend import check_range, parse_word
from ..errors import AeqError, InstallError
from ..methods import METHODS
from .console import print_json, progress, say

if TYPE_CHECKING:
    from ..engine import AdaptiveEQ
    from ..live import Choice, Progress
    from ..project.rows import Row
    from ..reaper.live.api import Api

Given = tuple[bool, bool, list[str]]  # --selected, --all, --track


def live_word(
    word: str, given: Given, *, intensity: float, adaptation: float | None, method: str, port: int,
    models: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """What can be wrong with the request is said before REAPER is looked for, and that before models are loaded."""
    request = parse_word(word)
    check_range("intensity", intensity)
    if adaptation is not None:
        check_range("adaptation", adaptation)
    if method not in METHODS:
        raise AeqError(f"unknown method {method!r}: use one of {', '.join(METHODS)}")
    _one_of(given)
    with _session(port, models) as (reaper, engine, step_done):
        from ..live import Wanted, make

        rows = make(reaper, engine, _choice(given), Wanted(request, intensity, adaptation, method), step_done)
    _show(rows, as_json)


def live_project(plan: Path | None, *, port: int, models: Path | None, as_json: bool) -> None:
    from ..project.plan import read_plan

    chosen = read_plan(plan)
    with _session(port, models) as (reaper, engine, step_done):
        from ..live_plan import run_plan
        from ..project.run import check_words

        check_words(chosen, engine)
        rows = run_plan(reaper, engine, chosen, step_done)
    _show(rows, as_json)


def live_match(
    references: Sequence[Path], given: Given, *, intensity: float, port: int, models: Path | None, as_json: bool
) -> None:
    check_range("match_intensity", intensity, "intensity")
    _one_of(given)
    with _session(port, models) as (reaper, engine, step_done):
        from ..live import match

        rows = match(reaper, engine, _choice(given), references, intensity, step_done)
    _show(rows, as_json)


def live_remove(given: Given, *, port: int, as_json: bool) -> None:
    from ..reaper.live.reach import connected

    _one_of(given)
    with connected(port) as reaper:
        from ..live import remove

        gone = remove(reaper, _choice(given))
    if as_json:
        print_json({"removed": [{"track": target.name, "instance": name} for target, name in gone]})
        return
    for target, name in gone:
        say(f"{target.name}: removed {name}")


def live_setup(given: Path | None, *, port: int, as_json: bool) -> None:
    """reapy's own configuration of a REAPER. Raises `InstallError`."""
    from ..reaper.live.setup import enable
    from ..reaper.resource_path import resource_path
    from ..reaper.running import running_reaper

    resource = resource_path(given)
    if (pid := running_reaper()) is not None:
        raise InstallError(f"REAPER is running (process {pid}) and would undo this when it ends: quit it first")
    enable(resource, port)
    if as_json:
        print_json({"resource_path": str(resource), "port": port})
        return
    say(
        f"Done: reapy is enabled in {resource}. Start REAPER, open a project, then try: reaper-aeq live warm --selected"
    )


@contextmanager
def _session(port: int, models: Path | None) -> Iterator[tuple[Api, AdaptiveEQ, Progress]]:
    from ..reaper.live.reach import connected

    with connected(port) as reaper, progress() as (_, step_done):
        from .sound import load_engine

        yield reaper, load_engine(models), step_done


def _one_of(given: Given) -> None:
    if sum(map(bool, given)) > 1:
        raise AeqError("say only one of --selected, --all and --track")


def _choice(given: Given) -> Choice:
    from ..live import Choice

    _, everything, names = given
    return Choice(tuple(names), everything)


def _show(rows: Sequence[Row], as_json: bool) -> None:
    if as_json:
        print_json({"tracks": [row.to_dict() for row in rows]})
        return
    from .project import show

    show(rows)
    changed = sum(row.inserted for row in rows)
    say(f"\n{changed} of {len(rows)} tracks changed, one undo point in REAPER" if changed else "\nnothing was changed")
