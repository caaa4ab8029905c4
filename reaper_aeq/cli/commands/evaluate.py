"""`reaper-aeq evaluate laws|repair|encoder`: the examinations, printed as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...errors import AeqError
from ...training.datasets.tables import CHARTS, CHARTS_BY_INSTRUMENT, CONTRIBUTIONS, PRESETS, SETTINGS, WORDS
from ...util.files import refuse_replacing
from ...util.printable import printable
from .checks import (
    FOLD_DATA,
    check_data,
    check_method,
    check_models,
    check_new_folder,
    check_package,
    check_plot,
    check_recordings,
    check_sentence_model,
)
from .console import print_json, progress, say, table

LAWS = (
    "safe", "null", "level", "heard", "monotone", "adaptive", "convergent", "settling", "form", "human", "score",
    "not_one_answer", "signable",
)  # fmt: skip
TITLES = {
    "people": "People's edits taken back (median LSD in dB against the clean mix)",
    "published": "Published edits taken back, adaptation 1",
}


def _check(audio: Sequence[Path], models: Path | None, data: Path | None = None, *needed: str) -> None:
    """What is known to be wrong before torch is loaded."""
    check_recordings(audio)
    check_data(data, *needed)
    check_models(models)


def evaluate_laws(
    audio: Sequence[Path], *, every: int, method: str, only: Sequence[str], models: Path | None, as_json: bool,
    unseen: bool = False,
) -> int:  # fmt: skip
    """The laws (docs/examinations.md), or `only` some, on every `every`-th recording, or on those of them that some
    fold has not learned from, each by that fold. Returns 1 if one is broken."""
    check_method(method)
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
            from ...evaluation.unseen_encoder import UnseenEncoder

            encoder, sounds = UnseenEncoder.load(models, sounds)
            engine = AdaptiveEQ(engine.eq_model, encoder, engine.words, models)
        laws = run_laws(engine, sounds, tell, method=method, only=chosen)
    kept = all(law.passed for law in laws)
    if as_json:
        print_json({"passed": kept, "laws": [asdict(law) for law in laws]})
    else:
        rows = [[law.name, law.figure, law.must, "yes" if law.passed else "NO"] for law in laws]
        table({"law": "left", "measured": "left", "must hold": "left", "holds": "left"}, rows)
        say("\nall laws hold" if kept else f"\nbroken: {', '.join(law.name for law in laws if not law.passed)}")
    return 0 if kept else 1


def evaluate_repair(audio: Sequence[Path], data: Path, *, models: Path | None, as_json: bool) -> int:
    """The repair tests of section 6: {'people' or 'published': {word: {method: figures}}}."""
    _check(audio, models, data, *FOLD_DATA)
    from ...evaluation.repair import run_repair

    with progress() as (tell, _):
        report = run_repair(audio, data, models, tell=tell)
    if as_json:
        print_json(report)
    else:
        for kind, words in report.items():
            print_figures(TITLES.get(kind, kind), words)
    return 0


def evaluate_usual(audio: Sequence[Path], data: Path, *, models: Path | None, as_json: bool) -> None:
    """The usual balance of unseen sounds by kind: {table: {kind: {who: figures}}}."""
    _check(audio, models, data)
    from ...evaluation.usual import run_usual

    with progress() as (tell, _):
        report = run_usual(audio, data, models, tell)
    if as_json:
        print_json(report)
        return
    for title, rows in report.items():
        print_figures(title.capitalize(), rows)


def evaluate_encoder(audio: Sequence[Path], *, models: Path | None, as_json: bool) -> int:
    """How well the audio encoder's codes tell styles apart, beside plain features: {task: {features: figures}}."""
    _check(audio, models)
    from ...evaluation.encoder import run_encoder

    with progress() as (tell, _):
        report = run_encoder(audio, models, tell)
    if as_json:
        print_json(report)
    else:
        print_figures("Styles told apart", report)
    return 0


def evaluate_match(
    audio: Sequence[Path], data: Path, learn: Sequence[Path], settings: int, *, every: int, models: Path | None,
    as_json: bool,
) -> int:  # fmt: skip
    """How well a match recovers the EQ on its reference: {which parts of the recording: {way: figures}}."""
    _check([*audio, *learn], models, data)
    from ...evaluation.match import run_match

    with progress() as (tell, _):
        report = run_match(audio, data, models, learn=learn, settings_per_mix=settings, every=every, tell=tell)
    if as_json:
        print_json(report)
    else:
        print_figures("How far the EQ that was found is from the one on the reference, RMS", report)
    return 0


def evaluate_variations(audio: Sequence[Path], data: Path, *, every: int, models: Path | None, as_json: bool) -> None:
    """Variations beside unseen people: {word and data set: {method: figures}}."""
    _check(audio, models, data, SETTINGS, CONTRIBUTIONS)
    from ...evaluation.variations import run_variations

    with progress() as (tell, _):
        report = run_variations(audio, data, models, every=every, tell=tell)
    if as_json:
        print_json(report)
    else:
        print_figures("Answers beside the settings of unseen people (mmd: 0 is alike; distances in dB RMS)", report)


def evaluate_text(data: Path, *, models: Path | None, as_json: bool) -> None:
    """What free text is taken for: {examination: {what: figures}}."""
    _check([], models, data, WORDS, CONTRIBUTIONS)
    check_sentence_model()
    from ...evaluation.text import run_text

    with progress() as (tell, _):
        report = run_text(data, models, tell=tell)
    if as_json:
        print_json(report)
    else:
        for title, rows in report.items():
            print_figures(title.capitalize(), {title: rows})


def evaluate_terms(data: Path, *, models: Path | None, as_json: bool) -> int:
    """Engineers' words beside charts and named presets. Returns 1 if the law "charted" is broken."""
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
    columns = {"term": "left", "charts say": "left", "our curve's peak": "right", "settings": "right"}
    columns |= {"charts": "right", "alike": "right", "verdict": "left", "by kind of sound": "left"}
    table(columns, rows)
    say("\nalike: correlation of people's mean curve with the charts'. people: 20 or more settings say otherwise.\n")
    table(
        {"named presets": "left", "presets": "right", "correlation with ours": "right", "above 0": "right"},
        [[one.term, str(one.presets), f"{one.correlation:+.2f}", f"{100 * one.alike:.0f} %"] for one in presets],
    )
    say(f"\ncharted: {figures}: {'holds' if kept else 'BROKEN'}")
    return 0 if kept else 1


def evaluate_training(
    audio: Sequence[Path], data: Path, learn: Sequence[Path], folder: Path, *, steps: int, models: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """What each kind of training data is worth: {kind of encoder: {what it was trained on: figures}}."""
    _check([*audio, *learn], models, data, *FOLD_DATA)
    check_new_folder(folder)
    from ...evaluation.training import run_training
    from ...training.loop import Run

    with progress() as (tell, step_done):
        report = run_training(audio, learn, data, models, Run(folder, 1, tell, step_done), steps=steps)
    if as_json:
        print_json(report)
    else:
        print_figures("Encoders by what they were trained on, on unseen mixes", report)


def evaluate_compare(
    audio: Sequence[Path], data: Path, *, every: int, only: Sequence[str], matchering: bool, plot: Path | None,
    models: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """All methods side by side: {table: {row: {method: figures}}}."""
    from ...evaluation.compared import chosen_names

    chosen_names(only, matchering)
    if matchering:
        check_package("matchering", "or leave --matchering out")
    _check(audio, models, data, *FOLD_DATA)
    check_plot(plot)
    from ...evaluation.compare import run_compare

    if plot:
        refuse_replacing([plot], [*audio, data])
    with progress() as (tell, _):
        report = run_compare(audio, data, models, every=every, only=only, with_matchering=matchering, tell=tell)
    if plot:
        from ...evaluation.compare import plot_comparison

        plot_comparison(report, plot)
    if as_json:
        print_json(report)
        return
    for title, rows in report.items():
        print_figures(title, rows)
    if plot:
        say(f"wrote {printable(plot)}")


def print_figures(title: str, report: dict[str, dict[str, dict[str, Any]]]) -> None:
    """{row: {method: {figure: value}}} as a table of one line a method; a figure that a method lacks is left empty."""
    lines = [(row, method, figures) for row, methods in report.items() for method, figures in methods.items()]
    names = list(dict.fromkeys(name for _, _, figures in lines for name in figures))
    columns = {"": "left", "method": "left"} | {name.replace("_", " "): "right" for name in names}
    cells = [[row, method, *(_figure(figures.get(name)) for name in names)] for row, method, figures in lines]
    table(columns, cells, title=title)
    say("")


def _figure(value: object) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
