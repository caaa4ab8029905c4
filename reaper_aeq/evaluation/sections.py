"""Does an EQ that follows a song come nearer to what its sections need, and does it leave steady songs alone?

Two recordings of unseen repositories are joined. Out of each is taken what one person set for the word, out of each
what another did, or out of both the same; the word is asked for, and what comes out in each section is compared with
what was taken. Joined recordings are of different balance where, once the edits are taken out, their balances lie at
least as far apart as those of half of all untouched pairs do; who answers has no part in that. With `choose` the
constants are chosen anew for each fold, on the recordings of all others: nothing is examined on what chose for it.
"""

from __future__ import annotations

import itertools
import random
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soxr
import torch
from torch import Tensor

from ..dsp.audio import read_audio
from ..dsp.moving_filter import MovingEqFilter
from ..dsp.sections import CUT_PRICE, analysis_of, find_parts, given_parts
from ..dsp.spectrum import Analysis, analyze_blocks
from ..dsp.virtual_eq import on_mels
from ..engine import AdaptiveEQ
from ..eq import MovingEq
from ..errors import AeqError
from ..methods.validation import SECTIONS_PULL, AnalyzedRequest
from ..model.audio_encoder import visibility
from ..model.curves import audible_rms_db, rms_db
from ..request import EqRequest
from ..result.realization import eq_curve
from ..result.result import Result
from ..training.datasets.readers import Clip
from .baselines import Fold
from .folds import N_FOLDS, Paths, Table, Tell
from .unseen import PEOPLE_WORDS, load_folds

RATE, SECTION_S, LEVEL = 44_100, 20.0, 0.05
OTHERS, SAME = "another edit in each section", "the same edit in both"
ONE, SECTIONS, KNOWN, CHOSEN = "one EQ", "sections", "sections, cut known", "sections, chosen on other folds"
TONES_HZ = (60.0, 200.0, 700.0, 2500.0, 9000.0)
# Recordings that each is joined with: more for mixes, for they are what songs are.
MIXES, SINGLE = "mixes", "single sources"
PARTNERS = {MIXES: 3, SINGLE: 1}
MOVING_LOOKED_AT = 12  # of the answers that move
SETTLED_S = 0.1  # after its beginning no filter shows a gain
CUT_PRICES, PULLS = (13.0, CUT_PRICE, 21.0), (0.25, 0.5, 0.75)
STEADY = 0.95  # of the answers to recordings by themselves, at least, are to have no envelope


class Constants(NamedTuple):
    """What is chosen: the price of a cut (`find_parts`), and how far sections are pulled to one score."""

    cut_price: float = CUT_PRICE
    pull: float = SECTIONS_PULL


@dataclass(frozen=True)
class JoinedClips:
    """Two recordings of a fold, one after the other: where the second begins, and the analysis of both.

    Attributes:
        number: of the first recording. partner: which one it is joined with, from 1.
    """

    fold: Fold
    cut_s: float
    analysis: Analysis
    recordings: tuple[str, str] = ("", "")
    number: int = 0
    partner: int = 1

    def without(self, edits: tuple[Tensor, Tensor]) -> Analysis:
        """With an EQ (bands,) dB taken out of each."""
        cut = round(self.cut_s * self.analysis.frame_rate)
        rows = len(self.analysis.band_power)
        band, mel = (
            torch.stack([10 ** (-curve / 10) for curve in curves]).float()
            for curves in (edits, [on_mels(edit) for edit in edits])
        )
        which = (torch.arange(rows) >= cut).long()
        return replace(
            self.analysis, band_power=self.analysis.band_power * band[which],
            mel_power=self.analysis.mel_power * mel[which], loudest=None, node_power=None,
        )  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """One word asked of a joined pair: how far the balances of its halves lie apart, dB RMS, and the errors in each
    half by whom they are made, dB RMS.

    Attributes:
        by_constants_db: such errors with other constants. fold: of the recordings.
    """

    recordings: tuple[str, str]
    apart_db: float
    errors_db: Mapping[str, Sequence[float]]
    by_constants_db: Mapping[Constants, Sequence[float]] = field(default_factory=dict)
    fold: int = 0


Steady = dict[Constants, dict[int, list[bool]]]  # whether each answer of a fold has no envelope


def run_sections(
    audio: Paths, data: Path | str, models: Path | str | None = None, *, every: int = 1, choose: bool = False,
    tell: Tell = lambda _: None,
) -> dict[str, Table]:  # fmt: skip
    """Tables by title; errors in dB RMS, means. Raises `AeqError` for missing data.

    `choose`: also with the constants that the recordings of all other folds would choose.
    """
    folds = load_folds(audio, data, models, tell)
    others = itertools.starmap(Constants, itertools.product(CUT_PRICES, PULLS)) if choose else ()
    tried = list(dict.fromkeys([Constants(), *others]))
    trials, different, moved = _joined(folds, every, tried, tell)
    steady = _steady(folds, every, tried, tell)
    chosen = {k: _chosen_without(k, different, steady) for k in range(N_FOLDS)} if choose else {}
    tables: dict[str, Table] = {
        "Joined recordings: people's edits taken back, error per section (mean dB RMS)": {
            row: _beside_one([_with_chosen(trial, chosen) for trial in own]) for row, own in trials.items()
        },
        "Steady recordings": {"no envelope": _without_envelope(steady, chosen)},
        "What moves": {"all answers": {"curve over time": _agreement(moved)}},
    }
    if choose:
        tables["Constants chosen on all other folds"] = {
            f"fold {k + 1}": {"chosen": own._asdict()} for k, own in chosen.items()
        }
    return tables


def joined_clips(fold: Fold, clips: Sequence[Clip], group: str, seed: int, count: int = 0) -> Iterator[JoinedClips]:
    """Each recording with the next ones of its group, in a random order that goes round.

    `count`: how many recordings there were before.
    """
    sounds = [(clip.name, sound) for clip in clips if (sound := _excerpt(clip)) is not None]
    random.Random(seed).shuffle(sounds)
    for partner in range(1, min(PARTNERS[group], len(sounds) - 1) + 1):
        for n, (name, first) in enumerate(sounds):
            other, second = sounds[(n + partner) % len(sounds)]
            analysis = analyze_blocks([np.concatenate((first, second), 1)], RATE, sections=True)
            yield JoinedClips(fold, first.shape[1] / RATE, analysis, (name, other), count + n, partner)


def balances_apart_db(analysis: Analysis, cut_s: float) -> float:
    """How far the spectra before and after the cut lie apart where both have sound, dB RMS without their levels."""
    powers = replace(analysis, spectra=None)
    first, second = (analysis_of(powers, part).ltas_db() for part in given_parts(analysis, [cut_s]))
    return audible_rms_db(first - second, visibility(first) * visibility(second))


def _joined(
    folds: Sequence[Fold], every: int, tried: Sequence[Constants], tell: Tell
) -> tuple[dict[str, list[Trial]], list[Trial], list[Result]]:
    """Trials by row of the table, those of mixes of different balance, and answers that move."""
    trials: dict[str, list[Trial]] = {}
    different: dict[str, list[Trial]] = {}
    moved: list[Result] = []
    untouched: dict[str, list[float]] = defaultdict(list)
    count = done = 0
    for k, fold in enumerate(folds):
        for group, clips in ((MIXES, fold.clips), (SINGLE, fold.single)):
            for pair in joined_clips(fold, clips[::every], group, k, count):
                done, count = done + 1, max(count, pair.number + 1)
                tell(f"fold {k + 1} of {N_FOLDS}: pair {done}")
                untouched[group].append(balances_apart_db(pair.analysis, pair.cut_s))
                for label, trial in _trials(pair, tried, moved):
                    trials.setdefault(f"{group}, {label}", []).append(replace(trial, fold=k))
    if not trials:
        raise AeqError("nothing could be joined: name folders with several recordings of unseen sources")
    for group, apart_db in untouched.items():
        least_db = statistics.median(apart_db)
        different[group] = [one for one in trials.get(f"{group}, {OTHERS}", ()) if one.apart_db >= least_db]
        if different[group]:
            trials[f"{group}, at least {least_db:.1f} dB apart"] = different[group]
    return trials, different.get(MIXES, []), moved


def _trials(pair: JoinedClips, tried: Sequence[Constants], moved: list[Result]) -> Iterator[tuple[str, Trial]]:
    engine = pair.fold.engine
    for word in PEOPLE_WORDS:
        people = pair.fold.people[word]
        drawn = torch.Generator().manual_seed(pair.number + 1000 * (pair.partner - 1))
        picked = torch.randperm(len(people), generator=drawn)[:2]
        if len(picked) < 2:
            continue
        first, second = people[picked[0]], people[picked[1]]
        for label, edits in ((OTHERS, (first, second)), (SAME, (first, first)))[: 2 if pair.partner == 1 else 1]:
            damaged = pair.without(edits)
            known = AnalyzedRequest(damaged, EqRequest(word, sections=True), edges_s=[pair.cut_s])
            answers = {ONE: engine.adapt_request(AnalyzedRequest(damaged, EqRequest(word)))}
            answers[KNOWN] = engine.adapt_request(known)
            followed = _followed(engine, damaged, word, tried, answers[ONE])
            answers[SECTIONS] = followed[Constants()]
            moved += [answers[SECTIONS]] if answers[SECTIONS].sections else []
            middles = (0.5 * pair.cut_s, 0.5 * (pair.cut_s + damaged.duration_s))
            trial = Trial(
                pair.recordings,
                balances_apart_db(damaged, pair.cut_s),
                {name: _errors_db(result, middles, edits) for name, result in answers.items()},
                {constants: _errors_db(result, middles, edits) for constants, result in followed.items()},
            )
            yield label, trial


def _errors_db(result: Result, looks_s: Sequence[float], edits: Sequence[Tensor]) -> list[float]:
    moving = result.moving
    eqs = [moving.at(at_s) if moving else result.eq for at_s in looks_s]
    return [float(rms_db(eq_curve(eq, result.sample_rate) - edit)) for eq, edit in zip(eqs, edits, strict=True)]


def _followed(
    engine: AdaptiveEQ, analysis: Analysis, word: str, tried: Sequence[Constants], one: Result
) -> dict[Constants, Result]:
    """The answers with each of these constants; where the balance stays the same, `one`."""
    known: dict[tuple[Any, ...], Result] = {}
    found = {}
    for constants in tried:
        edges = tuple(part.start_s for part in find_parts(analysis, constants.cut_price)[1:])
        way = (edges, constants.pull)  # other prices may cut alike
        if edges and way not in known:
            request = EqRequest(word, sections=True)
            known[way] = engine.adapt_request(
                AnalyzedRequest(analysis, request, edges_s=edges, sections_pull=constants.pull)
            )
        found[constants] = known.get(way, one)
    return found


def _chosen_without(fold: int, different: Sequence[Trial], steady: Steady) -> Constants:
    """With what mixes of `different` balance of the other folds come nearest, where steady ones are left alone."""
    own = [trial for trial in different if trial.fold != fold]
    if not own:
        return Constants()

    def error_db(constants: Constants) -> float:
        return float(np.mean([trial.by_constants_db[constants] for trial in own]))

    still = {
        constants: float(np.mean([one for k, some in by_fold.items() if k != fold for one in some]))
        for constants, by_fold in steady.items()
    }
    allowed = [constants for constants, share in still.items() if share >= STEADY]
    return min(allowed or [Constants()], key=error_db)


def _with_chosen(trial: Trial, chosen: Mapping[int, Constants]) -> Trial:
    """A trial with the errors that the constants chosen for its fold have."""
    if trial.fold not in chosen:
        return trial
    return replace(trial, errors_db={**trial.errors_db, CHOSEN: trial.by_constants_db[chosen[trial.fold]]})


def _beside_one(trials: Sequence[Trial]) -> dict[str, dict[str, Any]]:
    errors = {name: np.array([np.mean(trial.errors_db[name]) for trial in trials]) for name in trials[0].errors_db}
    one = errors[ONE]
    found: dict[str, dict[str, Any]] = {}
    for name, own in errors.items():
        found[name] = {"sections": 2 * len(own), "error_db": float(own.mean())}
        if name != ONE:
            less = 1 - own.mean() / one.mean()
            off = (one - own - less * one) / one.sum()
            found[name] |= {"less_percent": 100 * float(less), "se_percent": 100 * _standard_error(off, trials)}
    return found


def _standard_error(off: np.ndarray, trials: Sequence[Trial]) -> float:
    """Of a sum, from what each trial adds to it: those that share a recording are not independent (Aronow, Samii and
    Assenova, Cluster-robust variance estimation for dyadic data, Political Analysis 23, 2015)."""
    names = sorted({name for trial in trials for name in trial.recordings})
    has = np.array([[name in trial.recordings for name in names] for trial in trials], dtype=float)
    return float(max(off @ ((has @ has.T) > 0) @ off, 0.0) ** 0.5)


def _steady(folds: Sequence[Fold], every: int, tried: Sequence[Constants], tell: Tell) -> Steady:
    still: Steady = {constants: {k: [] for k in range(len(folds))} for constants in tried}
    songs = [(k, fold, clip) for k, fold in enumerate(folds) for clip in [*fold.clips, *fold.single][::every]]
    for n, (k, fold, clip) in enumerate(songs):
        tell(f"steady recordings: {n + 1} of {len(songs)}")
        sound, sample_rate = read_audio(clip.path)
        analysis = analyze_blocks([sound], sample_rate, sections=True)
        for word in PEOPLE_WORDS:
            one = fold.engine.adapt_request(AnalyzedRequest(analysis, EqRequest(word)))
            for constants, result in _followed(fold.engine, analysis, word, tried, one).items():
                still[constants][k].append(not result.sections)
    return still


def _without_envelope(steady: Steady, chosen: Mapping[int, Constants]) -> dict[str, dict[str, Any]]:
    answers = {SECTIONS: list(itertools.chain(*steady[Constants()].values()))}
    if chosen:
        answers[CHOSEN] = [one for k, constants in chosen.items() for one in steady[constants].get(k, ())]
    return {
        name: {"answers": len(own), "without_percent": 100 * float(np.mean(own))}
        for name, own in answers.items()
        if own
    }


def _agreement(results: Sequence[Result]) -> dict[str, Any]:
    """How far levels of tones through the moving filters are from the curves they stand for, at worst, dB."""
    moving = [eq for result in results[:MOVING_LOOKED_AT] if (eq := result.moving)]
    if not moving:
        return {"answers": 0}
    return {"answers": len(moving), "worst_db": max(off_curve_db(eq) for eq in moving)}


def off_curve_db(moving: MovingEq) -> float:
    """How far the level of steady tones through the filter is from the curve at its time, at worst, dB; in ramps and
    between them, but for the first moments of the sound."""
    stop_s = moving.sections[-1].start_s + 1.0
    time_s = np.arange(round(stop_s * RATE)) / RATE
    looks = np.arange(SETTLED_S, stop_s, 0.05)
    phases = 2 * np.pi * np.outer(TONES_HZ, time_s)
    out = MovingEqFilter(moving, RATE, 2 * len(phases)).process(np.concatenate((np.cos(phases), np.sin(phases))))
    at = np.round(looks * RATE).astype(int)
    real, imaginary = out[: len(phases), at].astype(np.float64), out[len(phases) :, at].astype(np.float64)
    levels_db = 20 * np.log10(np.hypot(real, imaginary))  # (tones, looks)
    eqs = [moving.at(at_s) for at_s in looks]
    wanted_db = np.stack([eq.response_db(np.array(TONES_HZ), RATE) + eq.output_gain_db for eq in eqs], 1)
    return float(np.abs(levels_db - wanted_db).max())


def _excerpt(clip: Clip) -> np.ndarray | None:
    """(2, samples) at `RATE` and `LEVEL`; None for what is too short."""
    sound, sample_rate = read_audio(clip.path)
    sound = sound[:2, : round((SECTION_S + 0.5) * sample_rate)]
    if sound.shape[1] < 0.5 * SECTION_S * sample_rate or not sound.any():
        return None
    sound = soxr.resample(sound.T, sample_rate, RATE).T[:, round(0.5 * RATE) :]
    sound = np.broadcast_to(sound, (2, sound.shape[1]))
    return (sound * (LEVEL / np.sqrt(np.square(sound, dtype=np.float64).mean()))).astype(np.float32)
