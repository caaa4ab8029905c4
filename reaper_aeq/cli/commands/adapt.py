"""`reaper-aeq adapt`: one file, one word, one EQ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...eq import WITHOUT_GAIN, Eq
from ...errors import AeqError
from ...model import ENCODERS
from ...reaper.reaeq.names import instance_name
from ...request import REFINE_STEPS, check_range, parse_word
from ...util.printable import printable
from ...util.scores import shown_change
from .checks import check_encoder, check_kind, check_method, check_outputs, check_request, check_sounds
from .console import COMPUTING, LOADING, SOON_S, print_json, progress, say, table
from .outputs import Outputs, all_opened

if TYPE_CHECKING:
    from ...dsp.analyze_file import AnalyzedAudio
    from ...result.result import Result


def adapt(
    source: Path,
    word: str,
    *,
    intensity: float,
    adaptation: float | None,
    method: str,
    refine: int | None,
    exact: bool,
    encoder: str,
    variations: int,
    outputs: Outputs,
    force: bool,
    name: str | None,
    kind: str | None,
    track: str | None,
    models: Path | None,
    as_json: bool,
) -> None:
    """Computes the EQ, writes `outputs`, prints. What can be wrong with the request is said before the file is read."""
    request = parse_word(word)
    check_range("intensity", intensity)
    if adaptation is not None:
        check_range("adaptation", adaptation)
    if refine is not None:
        check_range("refine", refine)
    check_range("variations", variations)
    if exact and not (refine or (refine is None and method in REFINE_STEPS)):
        raise AeqError("--exact needs --method refine or --refine N")
    check_method(method)
    check_encoder(encoder)
    check_kind(kind)
    several = [outputs, *(outputs.numbered(n + 1) for n in range(variations))]
    for one in several:
        one.refuse_replacing([source], force)
    check_sounds([source])
    check_outputs(path for one in several for path in one.paths)
    check_request(request, models, ENCODERS[encoder])

    with progress(SOON_S) as (_, step_done):
        step_done(LOADING, 0, 1)
        from ...dsp.audio import AudioFile

        with AudioFile(source) as file, all_opened(several, file.sample_rate, file.channels, like=file) as files:
            from ...result.result import with_loudness
            from .sound import counted, hear, load_engine

            engine = load_engine(models, encoder)
            step_done(LOADING, 1, 1)
            engine.words.blend(request)
            heard = hear(file, step_done)
            step_done(COMPUTING, 0, 1)
            result = with_loudness(
                engine.adapt_analysis(
                    heard.analysis, request, intensity=intensity, adaptation=adaptation, method=method, refine=refine,
                    sound=heard.samples() if exact else None, variations=variations, kind=kind, name=track,
                ),
                heard,
            )  # fmt: skip
            step_done(COMPUTING, 1, 1)
            name = name or instance_name(request, intensity, engine.words.spelled)
            title = f"{source.name}: {name.removeprefix('AEQ: ')}"
            for n, (answer, its_files) in enumerate(zip((result, *result.variations), files, strict=True)):
                its_files.write(answer, counted(file, step_done), name, title=title + (f", variation {n}" if n else ""))
    if as_json:
        told = about(heard, source, [path for one in several for path in one.paths], result.kind)
        print_json(told | result.to_dict())
    else:
        show(result, [path for one in several for path in one.paths])


def about(heard: AnalyzedAudio, source: Path, written: Sequence[Path], kind: str | None = None) -> dict[str, Any]:
    """What JSON says beside the answer: which file, what it sounds like, where the results are.

    `kind`: what the sound was taken for; else it is judged from the spectrum alone.
    """
    from ...project.kinds import kind_of

    return {
        "file": str(source),
        "sample_rate": heard.analysis.sample_rate,
        "channels": heard.analysis.channels,
        "duration_s": round(heard.analysis.duration_s, 3),
        "kind": kind or kind_of(heard.analysis),
        "outputs": [str(path) for path in written],
    }


def show(result: Result, written: list[Path]) -> None:
    """What a person wants to know of a result."""
    say(result.explanation)
    say(f"\nscore {shown_change(result.score_before, result.score_after)}, confidence {result.confidence:.2f}\n")
    show_eq(result.eq)
    for n, one in enumerate(result.variations):
        say(f"\nvariation {n + 1}, score {shown_change(one.score_before, one.score_after)}\n")
        show_eq(one.eq)
    for path in written:
        say(f"wrote {printable(path)}")


def show_eq(eq: Eq) -> None:
    if rows := band_rows(eq):
        table({"band": "left", "frequency": "right", "gain": "right", "bandwidth": "right"}, rows)
        say("")
    say(f"output gain {decibels(eq.output_gain_db)}")


def decibels(value_db: float) -> str:
    """With its sign, and never -0.0."""
    return f"{round(value_db, 1) + 0.0:+.1f} dB"


def most(eq: Eq) -> str:
    """The two bands that do most, as text: filters without a gain first, then the largest gains."""
    rows = sorted(band_rows(eq), key=lambda row: -abs(float(row[2].split()[0])) if row[2] else float("-inf"))
    return ", ".join(f"{gain} {kind} at {freq}".lstrip() for kind, freq, gain, _ in rows[:2])


def band_rows(eq: Eq) -> list[list[str]]:
    """The enabled bands as text; what has no gain shows none."""
    return [
        [
            band.kind.replace("_", " "),
            f"{band.freq_hz:.0f} Hz" if band.freq_hz < 1000 else f"{band.freq_hz / 1000:.2f} kHz",
            "" if band.kind in WITHOUT_GAIN else decibels(band.gain_db),
            f"{band.bandwidth_oct:.2f} oct",
        ]
        for band in eq.bands
        if band.enabled
    ]
