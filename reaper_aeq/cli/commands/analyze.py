"""`reaper-aeq analyze`: how much of each word files have, and what to try."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...errors import AeqError
from ...util.printable import printable
from ...util.scores import rounded_score, shown_score
from .checks import check_audio, check_models
from .console import bar, complain, print_json, say, table
from .options import Json, Models

if TYPE_CHECKING:
    from ...engine import AdaptiveEQ


def analyze(
    sources: Annotated[list[Path], typer.Argument(metavar="IN...", help="Recordings.")],
    top: Annotated[int, typer.Option(min=1, help="How many words to show of each.")] = 5,
    models: Models = None,
    as_json: Json = False,
) -> int:
    """Say how warm or muddy files are; what to try."""
    # one file that fails gets its sentence and the others go on
    check_models(models)
    engine, reports, code = None, [], 0
    for source in sources:
        try:
            check_audio([source])
            if engine is None:
                from .sound import load_engine

                engine = load_engine(models)
            report = analyze_one(engine, source)
        except AeqError as error:
            code = error.exit_code
            report = {"file": str(source), "error": str(error)}
            complain(str(error))
        reports.append(report)
        if engine and not as_json and "error" not in report:
            core = [word for word in report["profile"] if engine.words[word].core]
            show(report, core[:top])
    if as_json:
        print_json({"files": reports})
    return code


def analyze_one(engine: AdaptiveEQ, source: Path) -> dict[str, Any]:
    """JSON-ready; the profile runs from the word the file has most of to the one it has least of."""
    from ...dsp.audio import AudioFile
    from .sound import hear

    with AudioFile(source) as file:
        analysis = hear(file).analysis
    profile = engine.profile_analysis(analysis)
    return {
        "file": str(source),
        "duration_s": round(analysis.duration_s, 3),
        "sample_rate": analysis.sample_rate,
        "channels": analysis.channels,
        "profile": {
            word: rounded_score(profile[word]) for word in sorted(profile, key=profile.__getitem__, reverse=True)
        },
        "suggestion": engine.suggestion(profile),
    }


def show(report: dict[str, Any], words: Sequence[str]) -> None:
    """Words for sounds only; moods ('uplifting', 'sad') are in the JSON."""
    channels = {1: "mono", 2: "stereo"}.get(report["channels"], f"{report['channels']} channels")
    say(f"{printable(report['file'])} ({report['duration_s']:.1f} s, {report['sample_rate']} Hz, {channels})")
    rows = [[word, shown_score(report["profile"][word]), bar(report["profile"][word])] for word in words]
    table(["word", ">score", ""], rows)
    say(report["suggestion"] + "\n")
