"""`reaper-aeq evaluate listen`: a blind listening study, made, served and evaluated."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ...evaluation.listening.study import FILE, Study, StudyError, check_methods, load_study
from ...request import METHODS, EqRequest
from ...util.printable import printable
from .checks import check_audio, check_new_folder, check_recordings, check_request
from .console import answer, print_json, progress, say, table
from .options import NONE_GIVEN, FreePort, Json, Models

ENOUGH_LISTENERS = 20  # ITU-R BS.1534-3, 4: what experience has shown to be often sufficient
BY_LISTENER = (">listeners first:second:even", ">p by listener")
QUESTIONS = {"more": "Which is more of the word", "prefer": "Which is preferred"}


def listen(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the study is kept: sounds and answers.")],
    audio: Annotated[
        list[Path], typer.Option(metavar="FILE|DIR", help="A recording, or a folder of them; may be repeated.")
    ] = NONE_GIVEN,
    word: Annotated[list[str], typer.Option(help="A word to be judged; may be repeated.")] = NONE_GIVEN,
    methods: Annotated[
        str, typer.Option(metavar="M,M,...", help=f"What is compared: original, {', '.join(METHODS)}.")
    ] = "original,fixed,adaptive",
    excerpt: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=1, max=30, help="Length of an excerpt; the most active part is taken."),
    ] = 10.0,
    intensity: Annotated[float, typer.Option(help="How far every method goes.")] = 1.0,
    port: FreePort = None,
    result: Annotated[bool, typer.Option("--result", help="Print what the answers say so far.")] = False,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Let people compare the methods blindly in a browser. Without --audio the study in DIR goes on."""
    anew = bool(audio or word)
    if result:
        return show_result(folder, asked_anew=anew, as_json=as_json)
    study = _make(folder, audio, word, methods, excerpt, intensity, models) if anew else load_study(folder)
    from ...evaluation.listening.app import serve

    serve(study, port, lambda url: tell(study, url, as_json))
    if not as_json:
        from ...evaluation.listening.results import read_answers

        answers = read_answers(study)
        say(f"\n{answers.count} answers of {_listeners(answers.listeners)} are stored in {printable(folder)}.")


def _make(
    folder: Path, audio: Sequence[Path], words: Sequence[str], methods: str, excerpt_s: float, intensity: float,
    models: Path | None,
) -> Study:  # fmt: skip
    """Checks all that can be checked before a sound is made."""
    if not (audio and words):
        raise StudyError("a new study needs both --audio and --word; without both, DIR's study goes on")
    if (folder / FILE).exists():
        raise StudyError(
            f"{folder} holds a study already: without --audio and --word it goes on; or choose another DIR"
        )
    check_audio(path for path in audio if not path.is_dir())
    check_recordings(path for path in audio if path.is_dir())
    for word in words:
        check_request(EqRequest(word, intensity), models)
    check_new_folder(folder)
    names = check_methods([name.strip() for name in methods.split(",")])

    from ...evaluation.listening.stimuli import StudyRequest, make_study, recordings_in
    from .sound import load_engine

    wanted = StudyRequest(tuple(words), names, excerpt_s, intensity)
    with progress() as (_, step_done):
        return make_study(folder, recordings_in(audio), wanted, load_engine(models), step_done)


def tell(study: Study, url: str, as_json: bool) -> None:
    """Where the page is and what awaits a listener."""
    items = len(study.items)
    about = {"url": url, "words": study.words, "methods": list(study.methods)}
    told = (
        f"For each listener: {study.pairs} pairs and {items} pages of ratings ({items} excerpts).\n"
        f"Open {url}\nCtrl-C ends; the same command without --audio and --word goes on."
    )
    answer(as_json, about | {"excerpts": items, "pairs": study.pairs, "ratings": items}, told)
    sys.stdout.flush()


def show_result(folder: Path, *, asked_anew: bool, as_json: bool) -> None:
    """Prints what the answers in `folder` say so far."""
    if asked_anew:
        raise StudyError("--result reads a study that is there: leave out --audio and --word")
    study = load_study(folder)
    from ...evaluation.listening.results import read_answers, summary

    answers = read_answers(study)
    report = summary(answers, study)
    if as_json:
        counts = {"listeners": answers.listeners, "finished": answers.finished, "answers": answers.count}
        print_json(counts | report)
        return
    say(f"{_listeners(answers.listeners)}, {answers.finished} of them to the end; {answers.count} answers.")
    if not answers.count:
        return
    if answers.listeners < ENOUGH_LISTENERS:
        say(f"Few: about {ENOUGH_LISTENERS} listeners are often enough (ITU-R BS.1534).")
    for question, title in QUESTIONS.items():
        _print_choices(title, report[question])
    _print_ratings(report)


def _print_choices(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    headings = ["pair", "word", ">first", ">second", ">no difference", ">share of first (95 %)", ">p", ">p Holm"]
    cells = [
        [f"{row['first']} / {row['second']}", row["word"] or "all", str(row["for_first"]), str(row["for_second"]),
         str(row["ties"]), _share(row), _p(row["p"]), _p(row["p_holm"]), *_signs(row["listeners"])]
        for row in rows
    ]  # fmt: skip
    say("")
    table([*headings, *BY_LISTENER], cells, title=title)


def _print_ratings(report: Mapping[str, Any]) -> None:
    say("")
    for row in report["left_out"]:
        say(
            f"Listener {row['listener'] + 1} is left out of the ratings: the hidden reference was rated below 90 on"
            f" {row['below_90']} of {row['pages']} pages (ITU-R BS.1534-3 allows 15 %)."
        )
    if not report["ratings"]:
        return say("No page of ratings is finished by a listener who counts.")
    cells = [
        [row["condition"], row["word"] or "all", str(row["ratings"]),
         *(f"{row[name]:.1f} ({row[f'{name}_low']:.1f} to {row[f'{name}_high']:.1f})" for name in ("mean", "median"))]
        for row in report["ratings"]
    ]  # fmt: skip
    headings = ["sound", "word", ">ratings", ">mean (95 %)", ">median (95 %)"]
    table(headings, cells, title="Rated against the reference, 0 to 100")
    cells = [
        [f"{row['first']} / {row['second']}", str(row["pairs"]), f"{row['mean_difference']:+.1f}", _p(row["p"]),
         _p(row["p_holm"]), *_signs(row["listeners"])]
        for row in report["rating_pairs"]
    ]  # fmt: skip
    say("")
    headings = ["pair", ">pages", ">mean difference", ">p", ">p Holm", *BY_LISTENER]
    table(headings, cells, title="Ratings compared (Wilcoxon, paired by page)")


def _share(row: Mapping[str, Any]) -> str:
    if row["share"] is None:
        return "-"
    return f"{100 * row['share']:.0f} % ({100 * row['low']:.0f} to {100 * row['high']:.0f})"


def _signs(signs: Mapping[str, Any]) -> tuple[str, str]:
    """Listeners for the first, for the second, even; and p of the sign test over them."""
    return f"{signs['for_first']}:{signs['for_second']}:{signs['even']}", _p(signs["p"])


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}"


def _listeners(count: int) -> str:
    return f"{count} listener{'' if count == 1 else 's'}"
