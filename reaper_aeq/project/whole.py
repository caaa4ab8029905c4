"""One project from its file to its results: what `reaper-aeq project` does, and `reaper-aeq batch` for each of many."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from ..engine import AdaptiveEQ
from ..reaper.rpp.project import Project
from . import runner
from .analysis_pool import AnalysisPool, Progress
from .file_backend import FileBackend, refuse_silence
from .mix import Mixer
from .places import Places
from .plan import Plan
from .report import Report


def equalize_file(
    song: Path, opened: Project, places: Places | None, plan: Plan, load_engine: Callable[[], AdaptiveEQ],
    progress: Progress, threads: int | None = None, afresh: bool = False,
) -> tuple[Report, Path | None]:  # fmt: skip
    """Sets the EQs that the plan asks for in `opened` and writes all of `places`, or nothing where that is None.

    Gives the report, and the backup if one was made. What can be wrong is said before anything is listened to;
    `load_engine` is called once that is known. `threads`: to listen with, else as many as suit the machine.
    `afresh`: what somebody changed by hand in EQs of ours is dropped.

    Raises `AudioError`, `PlanError`, `OutputError`, `ProjectError`, `AeqError`; then every file is as it was.
    """
    if places:
        places.refuse_replacing([*files_read(opened, plan), plan.path])
    before = opened.to_bytes()
    with places.opened() if places else nullcontext() as writing:
        mixer = Mixer(opened)
        refuse_silence(mixer)
        engine = load_engine()
        plan.check(engine.words.blend)
        with AnalysisPool(progress, opened.sample_rate, threads) as hearing:
            backend = FileBackend(opened, plan, mixer, hearing, afresh)
            hearing.total_s = backend.seconds()
            rows = runner.run(plan, engine, backend)
        backend.add_file_warnings()
        written = places.project.name if places else "nothing (dry run)"
        report = Report(song.name, written, opened.sample_rate, plan, rows)
        backup = None
        if places and writing:
            backup = places.write(writing, song, before, opened.to_bytes_in(places.project.parent), report)
    return report, backup


def files_read(project: Project, plan: Plan) -> list[Path]:
    """All files that the result depends on besides the project itself."""
    takes = [take for track in project.tracks for item in track.items for take in item.takes if take]
    media = [take.source.path for take in takes if take.source and take.source.path]
    return media + [action.reference for action in plan.actions if action.reference]
