"""`reaper-aeq adapt`: one file, one word, one EQ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...eq import LIMITS, WITHOUT_GAIN, Eq
from ...errors import AeqError, check_known
from ...model import DEFAULT_ENCODER, ENCODERS
from ...reaper.reaeq.names import instance_name
from ...request import REFINE_STEPS, EqRequest, parse_word
from ...util.printable import printable
from ...util.scores import shown_change
from .checks import check_kind, check_outputs, check_request, check_sounds
from .console import COMPUTING, LOADING, SOON_S, print_json, progress, say, table
from .options import Json, Kind, Models, RequestOptions, Source, range_of
from .outputs import Outputs, all_opened

if TYPE_CHECKING:
    from ...dsp.analyze_file import AnalyzedAudio
    from ...result.result import Result

REFINE_HELP = ", ".join(f"{steps} for '{name}'" for name, steps in REFINE_STEPS.items()) + " and none for others"


def adapt(
    source: Source,
    word: Annotated[str, typer.Argument(metavar="WORD", help="A word, 'warm 0.7, airy 0.3', or words of your own.")],
    how: RequestOptions,
    *,
    refine: Annotated[
        int | None,
        typer.Option(
            metavar="N", help=f"Gradient steps on what the method found, {range_of('refine')}; else {REFINE_HELP}."
        ),
    ] = None,
    encoder: Annotated[str, typer.Option(help=f"Which network listens: {' or '.join(ENCODERS)}.")] = DEFAULT_ENCODER,
    exact: Annotated[
        bool, typer.Option("--exact", help="Refine through the waveform of up to a minute of sound: takes minutes.")
    ] = False,
    variations: Annotated[
        int,
        typer.Option(
            metavar="N",
            help=f"Other answers that people might give, up to {LIMITS['variations'].high}; files FILE-1 and so on.",
        ),
    ] = 0,
    outputs: Outputs,
    name: Annotated[str | None, typer.Option(help="Name of the EQ in REAPER, instead of 'AEQ: warm 100%'.")] = None,
    kind: Kind = None,
    track: Annotated[
        str | None, typer.Option(metavar="NAME", help="What the track is called, which may say its kind.")
    ] = None,
    sections: Annotated[
        bool, typer.Option("--sections", help="Follow the song: the same bands, whose gains move with its balance.")
    ] = False,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Compute the EQ that makes a sound more WORD. Of several files to be written all appear, or none does."""
    # what can be wrong with the request is said before the file is read
    request = EqRequest(
        parse_word(word), **how.fields, refine=refine, variations=variations, kind=kind, name=track, sections=sections
    )
    request.check()
    if exact and not (refine or (refine is None and request.method in REFINE_STEPS)):
        raise AeqError("--exact needs --method refine or --refine N")
    check_known("encoder", encoder, ENCODERS)
    check_kind(kind)
    several = [outputs, *(outputs.numbered(n + 1) for n in range(variations))]
    for one in several:
        one.refuse_replacing([source])
    check_sounds([source])
    check_outputs(path for one in several for path in one.paths)
    check_request(request, models, ENCODERS[encoder])

    with progress(SOON_S) as (_, step_done):
        step_done(LOADING, 0, 1)
        from ...dsp.audio import AudioFile

        with AudioFile(source) as file, all_opened(several, file.sample_rate, file.channels, like=file) as files:
            from ...methods.validation import AnalyzedRequest
            from ...result.result import with_loudness
            from .sound import counted, hear, load_engine

            engine = load_engine(models, encoder)
            step_done(LOADING, 1, 1)
            engine.words.blend(request.word)
            heard = hear(file, step_done, sections=sections)
            step_done(COMPUTING, 0, 1)
            asked = AnalyzedRequest(heard.analysis, request, heard.samples() if exact else None)
            result = with_loudness(engine.adapt_request(asked), heard)
            step_done(COMPUTING, 1, 1)
            name = name or instance_name(request.word, request.intensity, engine.words.spelled)
            title = f"{source.name}: {name.removeprefix('AEQ: ')}"
            for n, (answer, its_files) in enumerate(zip((result, *result.variations), files, strict=True)):
                its_files.write(answer, counted(file, step_done), name, title=title + (f", variation {n}" if n else ""))
    written = [path for one in several for path in one.paths]
    if as_json:
        print_json(about(heard, source, written, result.kind) | result.to_dict())
    else:
        show(result, written)


def about(heard: AnalyzedAudio, source: Path, written: Sequence[Path], kind: str | None) -> dict[str, Any]:
    """What JSON says beside the answer: which file, where the results are, and `kind`, what the sound was taken for;
    None where nobody told kinds apart."""
    return {
        "file": str(source),
        "sample_rate": heard.analysis.sample_rate,
        "channels": heard.analysis.channels,
        "duration_s": round(heard.analysis.duration_s, 3),
        "kind": kind,
        "outputs": [str(path) for path in written],
    }


def show(result: Result, written: Sequence[Path], measure: str = "score") -> None:
    """What a person wants to know of a result; `measure` is what its scores are called."""
    say(result.explanation)
    score = shown_change(result.score_before, result.score_after)
    say(f"\n{measure} {score}, confidence {result.confidence:.2f}\n")
    show_eq(result.eq)
    if result.sections:
        from ...result.explanation import clock

        bands = (f">{kind} {freq}" for kind, freq, *_ in band_rows(result.eq))
        say("")
        table([">from", ">to", *bands, ">output gain"], [
            [clock(one.start_s), clock(one.stop_s), *(decibels(band.gain_db) for band in one.result.eq.bands),
             decibels(one.result.eq.output_gain_db)]
            for one in result.sections
        ])  # fmt: skip
    for n, one in enumerate(result.variations, 1):
        say(f"\nvariation {n}, score {shown_change(one.score_before, one.score_after)}\n")
        show_eq(one.eq)
    for path in written:
        say(f"wrote {printable(path)}")


def show_eq(eq: Eq) -> None:
    """The bands as a table, and the output gain."""
    if rows := band_rows(eq):
        table(["band", ">frequency", ">gain", ">bandwidth"], rows)
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
