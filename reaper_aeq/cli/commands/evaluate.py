"""`reaper-aeq evaluate ...`: the examinations, printed as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ...errors import AeqError, check_known
from ...model.free_text.sentences import sentences
from ...request import DEFAULT_METHOD, METHODS
from ...training.datasets.tables import CHARTS, CHARTS_BY_INSTRUMENT, CONTRIBUTIONS, PRESETS, SETTINGS, WORDS
from ...util.files import refuse_replacing
from ...util.printable import printable
from .checks import FOLD_DATA, check_data, check_models, check_new_folder, check_outputs, check_recordings
from .console import print_json, progress, say, table
from .listen import listen
from .options import NONE_GIVEN, App, Audio, Data, Json, Models, Plot, RunFolder
from .outputs import Outputs

LAWS = (
    "safe", "null", "level", "heard", "monotone", "adaptive", "convergent", "settling", "form", "human", "score",
    "not_one_answer", "signable",
)  # fmt: skip
TITLES = {
    "people": "People's edits taken back (median LSD in dB against the clean mix)",
    "published": "Published edits taken back, adaptation 1",
}
evaluate = App("Examine the models on recordings.")

Learn = Annotated[
    list[Path], typer.Option("--learn", metavar="DIR", help="More recordings to learn from; may be repeated.")
]
EveryMix = Annotated[int, typer.Option("--every", min=1, help="Use only every n-th mix, which is quicker.")]
EveryRecording = Annotated[int, typer.Option("--every", min=1, help="Use only every n-th recording, which is quicker.")]
Rows = dict[str, dict[str, dict[str, Any]]]  # {row: {method: {figure: value}}}


def _check(audio: Sequence[Path], models: Path | None, data: Path | None = None, *needed: str) -> None:
    """What is known to be wrong before torch is loaded."""
    check_recordings(audio)
    check_data(data, *needed)
    check_models(models)


def _show(report: dict[str, Any], as_json: bool, tables: dict[str, Rows]) -> None:
    """What an examination found: its `report` as JSON, or `tables` by their titles."""
    if as_json:
        print_json(report)
        return
    for title, rows in tables.items():
        print_figures(title, rows)


@evaluate.command("laws")
def evaluate_laws(
    audio: Audio,
    every: EveryRecording = 1,
    method: Annotated[str, typer.Option(help=f"One of {', '.join(METHODS)}.")] = DEFAULT_METHOD,
    only: Annotated[
        list[str], typer.Option(help="Only this law, such as 'signable' or 'heard'; may be repeated.")
    ] = NONE_GIVEN,
    unseen: Annotated[
        bool, typer.Option("--unseen", help="Hear each recording by models that have not learned from its source.")
    ] = False,
    models: Models = None,
    as_json: Json = False,
) -> int:
    """Test on recordings what must always hold; exit code 1 where a law is broken."""
    # with `unseen` those recordings that some fold has not learned from, each by that fold
    check_known("method", method, METHODS)
    chosen = [name.replace("-", "_").replace(" ", "_") for name in only]
    unknown = [name for name, law in zip(only, chosen, strict=True) if law not in LAWS]
    if unknown:
        raise AeqError(f"unknown law {unknown[0]!r}: use one of {', '.join(law.replace('_', '-') for law in LAWS)}")
    _check(audio, models)
    from ...evaluation.law import read_sounds
    from ...evaluation.laws import run_laws
    from .sound import load_engine

    with progress() as (tell, _):
        sounds = [sound for folder in audio for sound in read_sounds(folder, every)]
        engine = load_engine(models)
        if unseen:
            from ...engine import AdaptiveEQ
            from ...evaluation.folds import UnseenEncoder

            encoder, sounds = UnseenEncoder.load(models, sounds)
            engine = AdaptiveEQ(engine.eq_model, encoder, engine.words, models)
        laws = run_laws(engine, sounds, tell, method=method, only=chosen)
    kept = all(law.passed for law in laws)
    if as_json:
        print_json({"passed": kept, "laws": [asdict(law) for law in laws]})
    else:
        rows = [[law.name, law.figure, law.must, "yes" if law.passed else "NO"] for law in laws]
        table(["law", "measured", "must hold", "holds"], rows)
        say("\nall laws hold" if kept else f"\nbroken: {', '.join(law.name for law in laws if not law.passed)}")
    return 0 if kept else 1


@evaluate.command("repair")
def evaluate_repair(audio: Audio, data: Data, models: Models = None, as_json: Json = False) -> None:
    """Spoil recordings with known EQs, ask for the word, and compare with the clean ones."""
    _check(audio, models, data, *FOLD_DATA)
    from ...evaluation.repair import run_repair

    with progress() as (tell, _):
        report = run_repair(audio, data, models, tell=tell)
    _show(report, as_json, {TITLES[kind]: words for kind, words in report.items()})


@evaluate.command("usual")
def evaluate_usual(
    audio: Audio, data: Data, learn: Learn = NONE_GIVEN, models: Models = None, as_json: Json = False
) -> None:
    """How well the usual balance of unseen sounds is known, by kind, and how well it is known how well."""
    _check([*audio, *learn], models, data)
    from ...evaluation.usual import run_usual

    with progress() as (tell, _):
        report = run_usual(audio, data, models, tell, learn=learn)
    _show(report, as_json, {title.capitalize(): rows for title, rows in report.items()})


@evaluate.command("match")
def evaluate_match(
    audio: Audio,
    data: Data,
    learn: Learn = NONE_GIVEN,
    settings: Annotated[int, typer.Option(min=1, help="People's settings tried on each mix.")] = 4,
    every: EveryMix = 1,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Put people's EQs on mixes and see how well a match recovers them."""
    _check([*audio, *learn], models, data)
    from ...evaluation.match import run_match

    with progress() as (tell, _):
        report = run_match(audio, data, models, learn=learn, settings_per_mix=settings, every=every, tell=tell)
    _show(report, as_json, {"How far the EQ that was found is from the one on the reference, RMS": report})


@evaluate.command("encoder")
def evaluate_encoder(audio: Audio, models: Models = None, as_json: Json = False) -> None:
    """How well the audio encoder tells styles of music apart."""
    _check(audio, models)
    from ...evaluation.encoder import run_encoder

    with progress() as (tell, _):
        report = run_encoder(audio, models, tell)
    _show(report, as_json, {"Styles told apart": report})


evaluate.command("listen")(listen)


@evaluate.command("compare")
def evaluate_compare(
    audio: Audio,
    data: Data,
    every: EveryMix = 1,
    only: Annotated[
        list[str],
        typer.Option(metavar="NAME", help="A method by its name in the tables; may be repeated. By default all."),
    ] = NONE_GIVEN,
    matchering: Annotated[
        bool, typer.Option("--matchering", help="Compare Matchering too, which must be installed; slow.")
    ] = False,
    plot: Plot = None,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Every method, the rules to beat and a matching tool on the same questions, in one set of tables."""
    from ...evaluation.compared import chosen_names

    chosen_names(only, matchering)
    _check(audio, models, data, *FOLD_DATA)
    check_outputs(Outputs(plot=plot).paths)
    from ...evaluation.compare import plot_comparison, run_compare

    if plot:
        refuse_replacing([plot], [*audio, data])
    with progress() as (tell, _):
        report = run_compare(audio, data, models, every=every, only=only, with_matchering=matchering, tell=tell)
        if plot:
            plot_comparison(report, plot)
    _show(report, as_json, report)
    if plot and not as_json:
        say(f"wrote {printable(plot)}")


@evaluate.command("variations")
def evaluate_variations(
    audio: Audio, data: Data, every: EveryMix = 1, models: Models = None, as_json: Json = False
) -> None:
    """Are variations as different, and as plausible, as what unseen people do?"""
    _check(audio, models, data, SETTINGS, CONTRIBUTIONS)
    from ...evaluation.variations import run_variations

    with progress() as (tell, _):
        report = run_variations(audio, data, models, every=every, tell=tell)
    title = "Answers beside the settings of unseen people (mmd: 0 is alike; distances in dB RMS)"
    _show(report, as_json, {title: report})


@evaluate.command("text")
def evaluate_text(data: Data, models: Models = None, as_json: Json = False) -> None:
    """Is text that is no word taken for what people mean by it? Needs a sentence model."""
    _check([], models, data, WORDS, CONTRIBUTIONS)
    sentences()  # raises `NoTextModelError` where there is none
    from ...evaluation.text import run_text

    with progress() as (tell, _):
        report = run_text(data, models, tell=tell)
    _show(report, as_json, {title.capitalize(): {title: rows} for title, rows in report.items()})


@evaluate.command("personal")
def evaluate_personal(data: Data, as_json: Json = False) -> None:
    """How much nearer a word comes to what a person does once a few of their settings are learned."""
    check_data(data, SETTINGS)
    from ...evaluation.personal import run_personal

    with progress():
        report = run_personal(data)
    _show(report, as_json, {"Settings of unseen people (distance in dB RMS; se: of paired differences)": report})


@evaluate.command("sections")
def evaluate_sections(
    audio: Audio,
    data: Data,
    every: EveryRecording = 1,
    choose: Annotated[
        bool,
        typer.Option("--choose", help="Choose the constants for each fold on all others; takes three times as long."),
    ] = False,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Join recordings, take another person's EQ out of each, and see whether following them gives it back."""
    _check(audio, models, data, *FOLD_DATA)
    from ...evaluation.sections import run_sections

    with progress() as (tell, _):
        report = run_sections(audio, data, models, every=every, choose=choose, tell=tell)
    _show(report, as_json, report)


@evaluate.command("terms")
def evaluate_terms(data: Data, models: Models = None, as_json: Json = False) -> int:
    """Do engineers' words lie where published EQ charts put them? Exit code 1 where not."""
    _check([], models, data, CHARTS, CHARTS_BY_INSTRUMENT, PRESETS)
    from ...evaluation.terms import law_charted, run_terms

    terms, presets = run_terms(data, models)
    kept, figures = law_charted(terms)
    if as_json:
        report = {"passed": kept, "measured": figures, "terms": [asdict(t) for t in terms]}
        print_json(report | {"presets": [asdict(p) for p in presets]})
        return 0 if kept else 1
    rows = []
    for one in terms:
        peak = "" if one.peak_hz is None else f"{one.peak_hz:.0f} Hz {one.peak_db:+.1f} dB"
        kinds = ", ".join(kind if verdict == "pass" else f"{kind} {verdict}" for kind, verdict in one.kinds.items())
        charted = "" if one.charted is None else f"{one.charted:+.2f}"
        sign = "+" if one.direction > 0 else "-"
        rows.append(
            [one.term, f"{sign} {one.low_hz:.0f} to {one.high_hz:.0f} Hz", peak, str(one.settings), str(one.charts),
             charted, one.verdict, kinds]
        )  # fmt: skip
    headings = ["term", "charts say", ">our curve's peak", ">settings", ">charts", ">alike", "verdict"]
    table([*headings, "by kind of sound"], rows)
    say("\nalike: correlation of people's mean curve with the charts'. people: 20 or more settings say otherwise.\n")
    table(
        ["named presets", ">presets", ">correlation with ours", ">above 0"],
        [[one.term, str(one.presets), f"{one.correlation:+.2f}", f"{100 * one.alike:.0f} %"] for one in presets],
    )
    say(f"\ncharted: {figures}: {'holds' if kept else 'BROKEN'}")
    return 0 if kept else 1


@evaluate.command("training")
def evaluate_training(
    audio: Audio,
    data: Data,
    learn: Learn = NONE_GIVEN,
    steps: Annotated[int, typer.Option(min=1, help="Training steps of each network.")] = 400,
    run: RunFolder = Path("runs/training"),
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Train the audio encoder on each kind of sounds and without each idea behind it; compare on unseen mixes."""
    _check([*audio, *learn], models, data, *FOLD_DATA)
    check_new_folder(run)
    from ...evaluation.training import run_training
    from ...training.loop import Run

    with progress() as (tell, step_done):
        report = run_training(audio, learn, data, models, Run(run, 1, tell, step_done), steps=steps)
    _show(report, as_json, {"Encoders by what they were trained on, on unseen mixes": report})


def print_figures(title: str, report: Rows) -> None:
    """{row: {method: {figure: value}}} as a table of one line a method; a figure that a method lacks is left empty."""
    lines = [(row, method, figures) for row, methods in report.items() for method, figures in methods.items()]
    names = list(dict.fromkeys(name for _, _, figures in lines for name in figures))
    cells = [[row, method, *(_figure(figures.get(name)) for name in names)] for row, method, figures in lines]
    table(["", "method", *(f">{name.replace('_', ' ')}" for name in names)], cells, title=title)
    say("")


def _figure(value: object) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
