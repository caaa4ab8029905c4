"""`reaper-aeq live`: the project that is open in REAPER, from a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import AeqError, InstallError
from ...request import EqRequest, check_range, parse_word
from ...util.printable import printable
from .checks import check_audio, check_method, check_models, check_plan, check_request, check_sounds
from .console import print_json, progress, say

if TYPE_CHECKING:
    from ...engine import AdaptiveEQ
    from ...project.live.run import Progress, TrackChoice
    from ...project.rows import Row
    from ...reaper.live.api import Api

Given = tuple[bool, bool, list[str]]  # --selected, --all, --track


def live_word(
    word: str, given: Given, *, intensity: float, adaptation: float | None, method: str, linked: bool,
    always_render: bool, port: int, models: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """What can be wrong with the request is said before REAPER is looked for, and that before models are loaded."""
    request = parse_word(word)
    check_range("intensity", intensity)
    if adaptation is not None:
        check_range("adaptation", adaptation)
    check_method(method)
    _one_of(given)
    check_request(request, models)
    with _session(port, models) as (reaper, engine, step_done):
        from ...project.live.run import make

        wanted = EqRequest(request, intensity, adaptation, method)
        rows = make(reaper, engine, _choice(given, always_render, linked), wanted, step_done)
    _show(rows, as_json)


def live_project(plan: Path | None, *, always_render: bool, port: int, models: Path | None, as_json: bool) -> None:
    from ...project.plan import read_plan

    chosen = read_plan(plan)
    check_plan(chosen, models)
    with _session(port, models) as (reaper, engine, step_done):
        from ...project.live.backend import run_plan
        from ...project.runner import check_words

        check_words(chosen, engine)
        rows = run_plan(reaper, engine, chosen, step_done, always_render)
    _show(rows, as_json)


def live_match(
    references: Sequence[Path], given: Given, *, intensity: float, linked: bool, always_render: bool, port: int,
    models: Path | None, as_json: bool,
) -> None:  # fmt: skip
    check_range("match_intensity", intensity, "intensity")
    _one_of(given)
    check_sounds(references)
    check_audio(references)
    check_models(models)
    with _session(port, models) as (reaper, engine, step_done):
        from ...project.live.run import match

        rows = match(reaper, engine, _choice(given, always_render, linked), references, intensity, step_done)
    _show(rows, as_json)


def live_remove(given: Given, *, port: int, as_json: bool) -> None:
    from ...reaper.live.reach import connected

    _one_of(given)
    with connected(port) as reaper:
        from ...project.live.run import remove

        gone = remove(reaper, _choice(given))
    if as_json:
        print_json({"removed": [{"track": target.name, "instance": name} for target, name in gone]})
        return
    for target, name in gone:
        say(f"{printable(target.name)}: removed {printable(name)}")


def live_setup(given: Path | None, *, port: int, as_json: bool) -> None:
    """What reapy needs in a REAPER that is not running. Raises `InstallError`."""
    from ...reaper.install.resource_path import resource_path
    from ...reaper.install.running import running_reaper
    from ...reaper.live.setup import SERVER_PORT, enable

    resource = resource_path(given)
    if (pid := running_reaper()) is not None:
        raise InstallError(f"REAPER is running (process {pid}) and would undo this when it ends: quit it first")
    copies = enable(resource, port)
    if as_json:
        print_json({"resource_path": str(resource), "port": port, "copies": [str(path) for path in copies]})
        return
    kept = f" Copies of what was changed lie beside it ({', '.join(path.name for path in copies)})." if copies else ""
    say(f"Done: reapy is enabled in {resource}.{kept}")
    say(
        f"REAPER's web interface (port {port}) and reapy's server (port {SERVER_PORT}) have no password: whoever"
        " reaches them can control REAPER and run programs as you. Close both ports to other machines in your firewall."
    )
    say("Start REAPER, open a project, then try: reaper-aeq live warm --selected")


@contextmanager
def _session(port: int, models: Path | None) -> Iterator[tuple[Api, AdaptiveEQ, Progress]]:
    from ...reaper.live.reach import connected

    with connected(port) as reaper, progress() as (_, step_done):
        from .sound import load_engine

        yield reaper, load_engine(models), step_done


def _one_of(given: Given) -> None:
    if sum(map(bool, given)) > 1:
        raise AeqError("say only one of --selected, --all and --track")


def _choice(given: Given, always_render: bool = False, linked: bool = False) -> TrackChoice:
    from ...project.live.run import TrackChoice

    _, everything, names = given
    return TrackChoice(tuple(names), everything, always_render, linked)


def _show(rows: Sequence[Row], as_json: bool) -> None:
    if as_json:
        print_json({"tracks": [row.to_dict() for row in rows]})
        return
    from .project import show

    show(rows)
    for row in rows:
        if row.heard.startswith("rendered"):
            say(f"{row.title} was {row.heard}")
    changed = sum(row.inserted for row in rows)
    say(f"\n{changed} of {len(rows)} tracks changed, one undo point in REAPER" if changed else "\nnothing was changed")
