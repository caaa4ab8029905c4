"""From what charts say of a word to a distribution over EQ curves like any other.

A range becomes the setting that an engineer would dial in for it: a bell, or a shelf where the range is open. The mean
is the setting of the median range and gain over sources, the covariance how far the settings of single sources lie from
it. Faults are asked away, and cuts are narrower than boosts. Where a fair part of the sources calls too much of one
range, and others too little of another, by the same word, it has both sides.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..dsp.response import response_db
from ..eq import SHELF_BANDWIDTH_OCT, BandKind
from ..model.curves import COMPARED, GRID, REFERENCE_RATE, center, weights
from ..model.kinds import KINDS
from ..model.word_table import DISPUTED_BELOW
from .datasets.eq_terms import Statement, by_source, shares, weighted_median

LEAST_SOURCES = 5  # that define a word
# A kind has a curve of its own where so many sources speak of it, and put it so many octaves from where all do.
KIND_SOURCES, KIND_APART_OCT = 3, 1 / 3
ALIKE = 0.15  # correlation of two sources: however many there are, they are worth at most 1 / ALIKE independent ones
OTHER_SIDE = 0.3  # share of the sources from which the less common direction counts as a side of its own
# Octaves. Of 500 bells in presets that people named, the boosts have a Q of 1.0 in the median, the cuts 1.2; a chart's
# single frequency stands for about an octave.
BOOST_OCT, CUT_OCT = (1.3, 3.0), (0.8, 1.5)
OPEN_BELOW_HZ, OPEN_ABOVE_HZ = 30.0, 15_000.0  # a range that reaches these is a shelf
LACKS_BASS_BELOW_HZ, LACKS_TREBLE_ABOVE_HZ = 250.0, 6000.0
GAIN_SOURCES = 3  # that state a gain; else all words of that sort speak for this one
AMOUNT = 0.5  # standard deviation of how much of it people do, of the mean curve
SCALES = (1.0, 1.5)  # charts speak of touches on a mix that works; beyond this a person would not sign


@dataclass(frozen=True)
class ChartCurve:
    """`mean` (bands,) dB level-free, `cov` (bands, bands) dB²; `agreement`: mean correlation of a source's setting with
    the mean; `worth`: of how many independent settings; `sides`: (low_hz, high_hz, sign) of each."""

    mean: Tensor
    cov: Tensor
    agreement: float
    worth: float
    sides: tuple[tuple[float, float, int], ...]

    def scaled(self, factor: float) -> ChartCurve:
        """`factor` times as much of it."""
        return ChartCurve(factor * self.mean, factor**2 * self.cov, self.agreement, self.worth, self.sides)


@dataclass(frozen=True)
class Charted:
    """What `sources` say of a word: in general, and for kinds of sounds for which they say something else."""

    sources: int
    curve: ChartCurve
    by_kind: Mapping[str, ChartCurve] = field(default_factory=dict)

    def scaled(self, factor: float) -> Charted:
        """`factor` times as much of it."""
        kinds = {kind: curve.scaled(factor) for kind, curve in self.by_kind.items()}
        return Charted(self.sources, self.curve.scaled(factor), kinds)


def charted_words(statements: Sequence[Statement]) -> dict[str, Charted]:
    """Words that enough sources define, most sources first."""
    usual_gains = {fault: _gain([s for s in statements if s.fault == fault], 2.0) for fault in (True, False)}
    words = {}
    for term in dict.fromkeys(one.term for one in statements):
        own = [one for one in statements if one.term == term]
        sources = len(by_source(own))
        if sources < LEAST_SOURCES:
            continue
        curve = _curve(own, usual_gains)
        words[term] = Charted(sources, curve, dict(_kinds(own, curve, usual_gains)))
    return dict(sorted(words.items(), key=lambda item: -item[1].sources))


def scale_to_people(charts: Mapping[str, Charted], people: Mapping[str, Tensor]) -> float:
    """How many times what charts state people do, by the peaks of words that both mean alike ((bands,) mean curves)."""
    both = [(charts[name].curve.mean, people[name]) for name in charts.keys() & people.keys()]
    alike = [(said, done) for said, done in both if float(correlation(done, said)) >= DISPUTED_BELOW]
    ratios = [float(done[COMPARED].abs().max() / said[COMPARED].abs().max()) for said, done in alike]
    return min(max(statistics.median(ratios), SCALES[0]), SCALES[1]) if ratios else SCALES[0]


def _kinds(own: Sequence[Statement], base: ChartCurve, gains: Mapping[bool, float]) -> Iterator[tuple[str, ChartCurve]]:
    """(kind, curve) for kinds of which charts say something else than of all."""
    for kind in KINDS:
        here = [one for one in own if one.kind == kind]
        if kind == "mix" or len(by_source(here)) < KIND_SOURCES or len(base.sides) > 1:
            continue
        curve = _curve(here, gains)
        if len(curve.sides) > 1 or curve.sides[0][2] != base.sides[0][2]:
            continue
        (low, high, _), (low_all, high_all, _) = curve.sides[0], base.sides[0]
        if abs(math.log2(low * high / (low_all * high_all))) / 2 > KIND_APART_OCT:
            yield kind, curve


def _curve(own: Sequence[Statement], gains: Mapping[bool, float]) -> ChartCurve:
    part = {sign: float(shares([s for s in own if s.sign == sign]).sum()) for sign in (1, -1)}
    total = part[1] + part[-1]
    signs = [sign for sign in (1, -1) if part[sign] >= OTHER_SIDE * total] or [max(part, key=part.__getitem__)]
    two = len(signs) > 1
    mean, cov = torch.zeros(len(GRID), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    agreement, sides = 0.0, []
    for sign in signs:
        side = [one for one in own if one.sign == sign]
        # a lack that stands for the whole word is a quality's absence, as broad as a boost
        fault = two or 2 * sum(one.counts for one in side if one.fault) > sum(one.counts for one in side)
        low, high, gain = _setting(side, fault, gains)
        open_to = _open_end(low, high) if sign < 0 and not two else None
        middle = _dialled(low, high, sign * gain, fault, open_to)
        groups = by_source(side).values()
        ranges = [_setting(group, fault, gains)[:2] for group in groups]
        single = torch.stack([_dialled(*one, sign * gain, fault, open_to) for one in ranges])
        share = torch.tensor([group[0].counts for group in groups], dtype=torch.float64)
        share = share / share.sum()
        off = single - middle
        of_word = part[sign] / sum(part[s] for s in signs)
        mean, cov = mean + middle, cov + of_word * (off.T * share) @ off
        agreement += of_word * float(share @ correlation(single, middle))
        sides.append((low, high, sign))
    n = float(sum(group[0].counts for group in by_source(own).values()))
    cov = cov + AMOUNT**2 * torch.outer(mean, mean)
    # sources that contradict the direction do not agree, whatever they say
    return ChartCurve(
        center(mean), cov, agreement * sum(part[s] for s in signs) / total, n / (1 + max(n - 1, 0.0) * ALIKE),
        tuple(sides),
    )  # fmt: skip


def _setting(side: Sequence[Statement], fault: bool, gains: Mapping[bool, float]) -> tuple[float, float, float]:
    """Median range in Hz and gain in dB, over sources."""
    share = shares(side)
    low, high = (
        2 ** weighted_median(torch.tensor([getattr(s, edge) for s in side], dtype=torch.float64).log2(), share)
        for edge in ("low_hz", "high_hz")
    )
    return low, high, _gain(side, gains[fault])


def _gain(side: Sequence[Statement], otherwise: float) -> float:
    stated = [one for one in side if one.gain_db]
    if len(by_source(stated)) < GAIN_SOURCES:
        return otherwise
    return weighted_median(torch.tensor([abs(s.gain_db or 0.0) for s in stated], dtype=torch.float64), shares(stated))


def _open_end(low_hz: float, high_hz: float) -> BandKind | None:
    """What lacks the bass or the treble lacks all of it, whichever part of it a chart names."""
    if high_hz <= LACKS_BASS_BELOW_HZ:
        return BandKind.LOW_SHELF
    return BandKind.HIGH_SHELF if low_hz >= LACKS_TREBLE_ABOVE_HZ else None


def _dialled(low_hz: float, high_hz: float, gain_db: float, narrow: bool, open_to: BandKind | None = None) -> Tensor:
    """(bands,) dB, level-free: what an engineer dials in for a range."""
    if low_hz <= OPEN_BELOW_HZ or open_to == BandKind.LOW_SHELF:
        kind, freq, width = BandKind.LOW_SHELF, high_hz, SHELF_BANDWIDTH_OCT
    elif high_hz >= OPEN_ABOVE_HZ or open_to == BandKind.HIGH_SHELF:
        kind, freq, width = BandKind.HIGH_SHELF, low_hz, SHELF_BANDWIDTH_OCT
    else:
        least, most = CUT_OCT if narrow else BOOST_OCT
        kind, freq = BandKind.BAND, math.sqrt(low_hz * high_hz)
        width = min(max(math.log2(high_hz / low_hz), least), most)
    params = torch.tensor([[[freq, gain_db, width]]], dtype=torch.float64)
    return center(response_db(params, (kind,), GRID, REFERENCE_RATE)[0])


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """(..., bands) both -> (...,), -1..1: of curves whatever their level."""
    a, b, w = center(a), center(b), weights()
    return (a * b * w).sum(-1) / ((a * a * w).sum(-1) * (b * b * w).sum(-1)).clamp_min(1e-12).sqrt()
