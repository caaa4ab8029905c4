"""The law "charted": engineers' words lie where charts put them, and as presets that people named have them.

Charts taught the words (`train.charts`), so the first is a check of what was made of them; the presets taught nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..dsp.response import bandwidth_from_q, response_db
from ..eq import SHELF_BANDWIDTH_OCT, BandKind
from ..errors import UnknownWordError
from ..methods.validation import prior_of
from ..model.curves import GRID, REFERENCE_RATE, center, on_grid
from ..model.eq_autoencoder import EqAutoencoder
from ..model.kinds import KINDS
from ..model.words import Vocabulary, Word
from ..training.charts import LEAST_SOURCES, Charted, charted_words, correlation
from ..training.datasets.eq_terms import KIND_OF, read_charts
from ..training.datasets.tables import CHARTS, CHARTS_BY_INSTRUMENT, PRESETS, read_table

NEAR_OCT, PLATEAU_DB = 0.5, 0.5  # of the charted range; of the extremum
KIND_SOURCES = 3
AT_LEAST = 54 / 59  # of the words
SIDES_DB = 1.0  # a shape of two sides rises by so much where charts call it too much, and falls so far where too little
# What a preset's band is called there; notes such as the knobs of a passive EQ have no curve.
PRESET_KINDS = {
    "bell": BandKind.BAND, "lowshelf": BandKind.LOW_SHELF, "highshelf": BandKind.HIGH_SHELF,
    "highpass": BandKind.HIGH_PASS, "lowpass": BandKind.LOW_PASS,
}  # fmt: skip
POINTS = ("graphic", "point")
TWO_SIDED = ("muffled", "hollow", "tinny")
PEOPLE, PASS, FAIL, UNKNOWN = "people", "pass", "FAIL", "UNKNOWN"


@dataclass(frozen=True)
class TermReport:
    """`peak_hz`: the extremum of our curve in the charted direction. `kinds`: {kind of sound: pass or FAIL}."""

    term: str
    word: str
    low_hz: float
    high_hz: float
    direction: int
    peak_hz: float | None
    peak_db: float | None
    settings: float
    charts: int
    charted: float | None
    verdict: str
    kinds: Mapping[str, str]


@dataclass(frozen=True)
class PresetReport:
    """A word beside the presets that people gave its name."""

    term: str
    presets: int
    correlation: float
    alike: float  # share of the presets whose correlation is above 0


def run_terms(data: Path | str, models: Path | str | None = None) -> tuple[list[TermReport], list[PresetReport]]:
    """Raises `AeqError` where a table is missing."""
    words, decoder = Vocabulary.load(models), EqAutoencoder.load(models).decoder.weight.double()
    rows = [r for r in read_table(Path(data) / CHARTS) if int(r["n_sources"]) >= LEAST_SOURCES]
    by_kind = read_table(Path(data) / CHARTS_BY_INSTRUMENT)
    charted = charted_words(read_charts(data))
    terms = [_term(row, by_kind, words, decoder, charted) for row in rows]
    return terms, _presets(read_table(Path(data) / PRESETS), words, decoder)


def law_charted(terms: list[TermReport]) -> tuple[bool, str]:
    """Whether it holds, and its figures in a sentence."""
    known = [one for one in terms if one.verdict != UNKNOWN]
    passed = sum(one.verdict == PASS for one in terms)
    kinds = [verdict for one in terms for verdict in one.kinds.values()]
    said = f"{passed} of {len(terms)} within half an octave, {len(terms) - len(known)} unknown"
    said += f"; for kinds of sounds {kinds.count(PASS)} of {len(kinds)}"
    return len(known) == len(terms) and passed >= math.floor(AT_LEAST * len(terms)), said


def reaches(curve_db: Tensor, low_hz: float, high_hz: float, sign: int) -> bool:
    """Whether a curve (bands,) is near its extremum within half an octave of a range."""
    turned = sign * curve_db
    near = GRID[turned >= turned.max() - PLATEAU_DB]
    return bool(((near >= low_hz / 2**NEAR_OCT) & (near <= high_hz * 2**NEAR_OCT)).any())


def has_sides(curve_db: Tensor, sides: Sequence[tuple[float, float, int]]) -> bool:
    """Whether a curve (bands,) has both sides that charts state, (low_hz, high_hz, sign) each: it rises and falls by at
    least `SIDES_DB`, and is near its extremum of that direction within half an octave of the range."""
    return {sign for *_, sign in sides} == {1, -1} and all(
        float((sign * curve_db).max()) >= SIDES_DB and reaches(curve_db, low_hz, high_hz, sign)
        for low_hz, high_hz, sign in sides
    )


def _term(
    row: dict[str, str], by_kind: list[dict[str, str]], words: Vocabulary, decoder: Tensor,
    charted: Mapping[str, Charted],
) -> TermReport:  # fmt: skip
    term, sign = row["canonical"], -1 if row["direction"] == "less_energy" else 1
    low, high = float(row["median_low_hz"]), float(row["median_high_hz"])
    try:
        word = words.find(term)
    except UnknownWordError:
        return TermReport(term, "", low, high, sign, None, None, 0, 0, None, UNKNOWN, {})
    curve = center(decoder @ word.mean)
    peak = int((sign * curve).argmax())
    if term in TWO_SIDED:
        fits = term in charted and has_sides(curve, charted[term].curve.sides)
    else:
        fits = reaches(curve, low, high, sign)
    evidence = word.evidence
    verdict = PASS if fits else PEOPLE if evidence.from_people else FAIL
    kinds = {} if term in TWO_SIDED else dict(_kinds(term, sign, by_kind, word, decoder))
    return TermReport(
        term, word.name, low, high, sign, float(GRID[peak]), float(curve[peak]), evidence.settings, evidence.charts,
        evidence.charted, verdict, kinds,
    )  # fmt: skip


def _kinds(term: str, sign: int, rows: list[dict[str, str]], word: Word, decoder: Tensor) -> Iterator[tuple[str, str]]:
    """(kind, verdict) where several sources name an instrument of that kind; any of its ranges will do."""
    for kind in KINDS:
        places = [
            (float(r["median_low_hz"]), float(r["median_high_hz"]))
            for r in rows
            if r["canonical"] == term and KIND_OF.get(r["instrument"]) == kind and int(r["n_sources"]) >= KIND_SOURCES
            and (-1 if r["direction"] == "less_energy" else 1) == sign
        ]  # fmt: skip
        if places:
            curve = center(decoder @ word.for_kinds(prior_of(kind, None)).mean)
            yield kind, PASS if any(reaches(curve, low, high, sign) for low, high in places) else FAIL


def _presets(rows: list[dict[str, str]], words: Vocabulary, decoder: Tensor) -> list[PresetReport]:
    found: dict[str, list[float]] = {}
    for row in rows:
        curve = preset_curve(row["bands"])
        term = row["term"].removesuffix("(less)")
        try:
            word = words.find(f"less {term}" if row["term"].endswith("(less)") else term)
        except UnknownWordError:
            continue
        if curve is None or not row["term"]:
            continue
        ours = center(decoder @ word.for_kinds(prior_of(KIND_OF.get(row["instrument"], "mix"), None)).mean)
        found.setdefault(word.name, []).append(float(correlation(ours, curve)))
    reports = [
        PresetReport(name, len(r), sum(r) / len(r), sum(one > 0 for one in r) / len(r)) for name, r in found.items()
    ]
    return sorted(reports, key=lambda one: (-one.presets, one.term))


def preset_curve(bands: str) -> Tensor | None:
    """`kind:freq_hz:gain_db:q;...` as a curve (bands,) dB, level-free; None where nothing of it is a curve."""
    total, used = torch.zeros(len(GRID), dtype=torch.float64), False
    points: dict[float, float] = {}
    for band in bands.split(";"):
        kind, freq, gain, q = [*band.split(":"), "", "", ""][:4]
        try:
            freq_hz, gain_db = float(freq), float(gain or 0)
        except ValueError:
            continue
        if kind in POINTS:
            points[freq_hz] = gain_db
        elif kind in PRESET_KINDS and freq_hz > 0:
            width = bandwidth_from_q(float(q or 0.71), freq_hz, REFERENCE_RATE)
            width = SHELF_BANDWIDTH_OCT if "shelf" in kind else width
            params = torch.tensor([[[freq_hz, gain_db, width]]], dtype=torch.float64)
            total = total + response_db(params, (PRESET_KINDS[kind],), GRID, REFERENCE_RATE)[0].clamp_min(-24.0)
            used = True
    if len(points) > 1:
        freqs, used = sorted(points), True
        total = total + on_grid(np.array(freqs), np.array([points[freq_hz] for freq_hz in freqs]))
    return center(total) if used else None
