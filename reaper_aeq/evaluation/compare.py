"""`evaluate compare`: every method, every rule and another tool, on the same questions, in one set of tables."""

from __future__ import annotations

import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..dsp.virtual_eq import equalized
from ..engine import AdaptiveEQ
from ..errors import OutputError
from ..model.curves import GRID, projection, rms_db
from ..request import METHODS
from ..training.charts import correlation
from ..util.files import atomic_write
from .baselines import BASELINES, ComparedMethod, Fold, RepairTrial, each, matched, matchering, ours
from .compared import BY_ENCODER, MATCHERING, NEIGHBOR, OURS, chosen_names
from .folds import Paths, Table, Tell
from .law import read_sounds
from .laws import run_laws
from .repair import repaired
from .unseen import PEOPLE_WORDS, load_folds

LAWS = ("null", "monotone", "adaptive", "settling", "level", "form", "safe", "human")
LAW_SOUNDS_EVERY, LEAST_LAW_SOUNDS_EVERY = 4, 32  # every so many-th recording; with `every` fewer, but no fewer
# Of a word's mean curve, the EQ (bands,) dB that makes an input odd.
INPUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "already has it": lambda mean: 2.0 * mean,
    "lacks it": lambda mean: -2.0 * mean,
    "silent below 200 Hz": lambda _: torch.where(GRID < 200.0, -90.0, 0.0).double(),
    "extreme": lambda _: 20.0 * torch.sin(GRID.log2() * 1.1),
}
SPEED_REPEATS = 5


def compared_methods(with_matchering: bool) -> dict[str, ComparedMethod]:
    """By the names in the tables. Ours go through ReaEQ bands; the rules and other tools are spared that."""
    found = {**BASELINES, NEIGHBOR: each(matched)}
    if with_matchering:
        found[MATCHERING] = each(matchering)
    found |= {method: ours(method) for method in OURS}
    return found | {name: ours("adaptive", encoder) for name, encoder in BY_ENCODER.items()}


def run_compare(
    audio: Paths, data: Path | str, models: Path | str | None = None, *, every: int = 1, only: Sequence[str] = (),
    rows_per_clip: int = 10, gains_per_clip: int = 5, with_matchering: bool = False, tell: Tell = lambda _: None,
) -> dict[str, Table]:  # fmt: skip
    """{table: {row: {method: figures}}}. Raises `AeqError` for missing data or a matchering that is not installed."""
    known = compared_methods(with_matchering)
    who = {name: known[name] for name in chosen_names(only, with_matchering)}
    own = [method for method in METHODS if method in who or (method == "fixed" and not only)]
    folds = load_folds(audio, data, models, tell, who)
    scores = repaired(folds, who, tell, rows_per_clip=rows_per_clip, gains_per_clip=gains_per_clip, every=every)
    people, published = (_without_fine_print(scores[kind]) for kind in ("people", "published"))
    engine = AdaptiveEQ.load(models)
    return {
        "people's edits taken back": people,
        "published edits taken back, adaptation 1": published,
        "all seven published words": {"mean": _means({word: published[word] for word in published if "," not in word})},
        "agreement with unseen people on untouched mixes": _agreement(folds, who, every, tell),
        "odd inputs, 'warm'": _odd_inputs(folds, who, tell),
        "laws": _laws(engine, own, audio[0], min(LAW_SOUNDS_EVERY * every, LEAST_LAW_SOUNDS_EVERY), tell),
        "speed, one sound of 30 s already analyzed": {"": _speed(folds[0], own, tell)},
    }


def _without_fine_print(words: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Table:
    """The tables' figures; the number of trials is the same for all."""
    return {
        word: {method: {k: v for k, v in figures.items() if k != "trials"} for method, figures in methods.items()}
        for word, methods in words.items()
    }


def _means(published: Table) -> dict[str, dict[str, Any]]:
    """Method -> mean of the words' median LSD; a constant that lacks a word takes the other data set's.

    'best fixed' is the better of the two constants for each word, chosen after the fact.
    """
    methods = dict.fromkeys(name for rows in published.values() for name in rows)
    out = {}
    for method in methods:
        values = [rows[method]["lsd_db"] for rows in published.values() if method in rows]
        if len(values) == len(published):
            out[method] = {"lsd_db": round(statistics.fmean(values), 3)}
    fixed = [[rows[m]["lsd_db"] for m in rows if m.startswith("fixed ")] for rows in published.values()]
    if all(fixed):
        out["best fixed, word by word"] = {"lsd_db": round(statistics.fmean(map(min, fixed)), 3)}
    return out


def _agreement(folds: Sequence[Fold], who: Mapping[str, ComparedMethod], every: int, tell: Tell) -> Table:
    """How near each answer on an untouched mix is to what unseen people did: RMS dB and correlation, medians."""
    tell("agreement with unseen people")
    table: Table = {}
    flat = torch.zeros(len(GRID), dtype=torch.float64)
    for word in PEOPLE_WORDS:
        found: dict[str, list[tuple[float, float]]] = {}
        for fold in folds:
            trials = [RepairTrial(fold, clip, word, flat, clip.analysis) for clip in fold.clips[:: 2 * every]]
            for name, answer in who.items():
                for curve in (one for one in answer(trials) if one is not None):
                    rows = fold.people[word]
                    alike = correlation(curve.expand_as(rows), rows).tolist()
                    found.setdefault(name, []).extend(zip(rms_db(curve - rows).tolist(), alike, strict=True))
        table[word] = {}
        for name, pairs in found.items():
            off_db, alike = (round(statistics.median(values), 3) for values in zip(*pairs, strict=True))
            table[word][name] = {"off_db": off_db, "correlation": alike}
    return table


def _odd_inputs(folds: Sequence[Fold], who: Mapping[str, ComparedMethod], tell: Tell) -> Table:
    """'warm' on inputs that a fixed curve does not notice: the share of people's curve that is given, and boosts."""
    tell("odd inputs")
    table: Table = {}
    for kind, odd in INPUTS.items():
        given: defaultdict[str, list[float]] = defaultdict(list)
        boost: defaultdict[str, list[float]] = defaultdict(list)
        for fold in folds:
            clip, mean = fold.clips[0], fold.engine.curve_of("warm")
            damage = odd(mean)
            trial = RepairTrial(fold, clip, "warm", damage, equalized(clip.analysis, damage))
            for name, answer in who.items():
                if (curve := answer([trial])[0]) is not None:
                    given[name].append(float(projection(curve, mean)))
                    boost[name] += curve[damage < -60].tolist()
        table[kind] = {name: {"given": round(statistics.median(values), 2)} for name, values in given.items()}
        for name, values in boost.items():
            if values:
                table[kind][name]["boost_of_silence_db"] = round(max(values), 1)
    return table


def _laws(engine: AdaptiveEQ, methods: Sequence[str], folder: Path | str, every: int, tell: Tell) -> Table:
    """Laws that few sounds can judge, for each of our methods; `evaluate laws --method` examines one in full."""
    sounds = read_sounds(folder, every)
    table: Table = {}
    for method in methods:
        tell(f"laws: {method}")
        for law in run_laws(engine, sounds, method=method, only=LAWS):
            table.setdefault(law.name, {})[method] = {"measured": law.figure, "holds": "yes" if law.passed else "NO"}
    return table


def _speed(fold: Fold, methods: Sequence[str], tell: Tell) -> dict[str, dict[str, float]]:
    tell("speed")
    clip = fold.clips[0]
    times: dict[str, list[float]] = {method: [] for method in methods}
    for _ in range(SPEED_REPEATS + 1):
        for method in methods:
            began = time.perf_counter()
            fold.engine.adapt_analysis(clip.analysis, "warm", method=method)
            times[method].append(time.perf_counter() - began)
    # the first of each loads what it needs
    return {method: {"milliseconds": round(1000 * float(np.median(took[1:])), 1)} for method, took in times.items()}


SUFFIXES = (".png", ".svg", ".pdf")
TABLES = {"people's edits taken back": "people", "published edits taken back, adaptation 1": "gross"}


def plot_comparison(report: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]], path: Path) -> None:
    """The comparison as one picture: a row a method, a column a question, darker is further from the clean mix.

    Median log-spectral distances of the repair tables, in dB, best of each column in bold. Raises `OutputError`.
    """
    from matplotlib.figure import Figure

    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"cannot draw {path}: choose a name that ends in {', '.join(SUFFIXES)}")
    columns = {
        f"{fill(word, 12)}\n{kind}": {method: figures["lsd_db"] for method, figures in methods.items()}
        for title, kind in TABLES.items()
        for word, methods in report[title].items()
    }
    methods = list(dict.fromkeys(method for values in columns.values() for method in values))
    grid = np.array([[values.get(method, np.nan) for values in columns.values()] for method in methods])
    figure = Figure(figsize=(2.2 + 0.85 * len(columns), 1.2 + 0.36 * len(methods)), layout="constrained")
    axis = figure.subplots()
    best = np.nanmin(grid, 0)
    # each column for itself: words differ in how much was taken out
    shade = (grid - best) / np.maximum(np.nanmax(grid, 0) - best, 1e-9)
    axis.imshow(shade, cmap="Blues", vmin=-0.1, vmax=1.6, aspect="auto")
    for row, column in np.ndindex(*grid.shape):
        value = grid[row, column]
        if np.isfinite(value):
            weight = "bold" if value <= best[column] + 0.005 else "normal"
            axis.text(column, row, f"{value:.2f}", ha="center", va="center", weight=weight, fontsize=9)
    axis.set_xticks(range(len(columns)), list(columns), fontsize=9)
    axis.set_yticks(range(len(methods)), methods, fontsize=9)
    axis.tick_params(length=0, labeltop=True, labelbottom=False)
    axis.spines[:].set_visible(False)
    axis.set_xlabel("median log-spectral distance to the clean mix, dB; bold is best", fontsize=9)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=120, format=os.path.splitext(path)[1][1:])
