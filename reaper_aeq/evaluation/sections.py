"""Does an EQ that follows a song come nearer to what its sections need, and does it leave steady songs alone?

Two recordings of unseen repositories are joined. Out of each is taken what one person set for the word, out of each
what another did, or out of both the same; the word is asked for, and what comes out in each section is compared with
what was taken. Joined recordings are of different balance where, once the edits are taken out, their balances lie at
least as far apart as those of half of all untouched pairs do; who answers has no part in that. Prices and shares were
chosen on the pairs and songs of even numbers: those of odd ones are the figures.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch
from torch import Tensor

from ..dsp.audio import read_audio
from ..dsp.moving_filter import MovingEqFilter
from ..dsp.sections import analysis_of, given_parts
from ..dsp.spectrum import Analysis, analyze_blocks
from ..dsp.virtual_eq import on_mels
from ..eq import MovingEq
from ..errors import AeqError
from ..methods.validation import AnalyzedRequest
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
TONES_HZ = (60.0, 200.0, 700.0, 2500.0, 9000.0)
# Recordings that each is joined with: more for mixes, for they are what songs are.
PARTNERS = {"mixes": 3, "single sources": 1}
SETTLED_S = 0.1  # after its beginning no filter shows a gain
HALVES = ("chosen on", "reported")


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
    half by whom they are made, dB RMS."""

    recordings: tuple[str, str]
    apart_db: float
    errors_db: Mapping[str, Sequence[float]]


def run_sections(
    audio: Paths, data: Path | str, models: Path | str | None = None, *, every: int = 1, tell: Tell = lambda _: None
) -> dict[str, Table]:
    """Tables by title; errors in dB RMS, means. Raises `AeqError` for missing data."""
    folds = load_folds(audio, data, models, tell)
    moved: list[Result] = []
    return {
        "Joined recordings: people's edits taken back, error per section (mean dB RMS)": _joined(
            folds, every, moved, tell
        ),
        "Steady recordings": {"no envelope": _steady(folds, every, tell)},
        "What moves": {"all answers": {"curve over time": _agreement(moved)}},
    }


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


def _joined(folds: Sequence[Fold], every: int, moved: list[Result], tell: Tell) -> Table:
    trials: dict[tuple[str, str, str], list[Trial]] = defaultdict(list)
    untouched: dict[str, list[float]] = defaultdict(list)
    count = done = 0
    for k, fold in enumerate(folds):
        for group, clips in (("mixes", fold.clips), ("single sources", fold.single)):
            last = count
            for pair in joined_clips(fold, clips[::every], group, k, count):
                done, last = done + 1, max(last, pair.number + 1)
                tell(f"fold {k + 1} of {N_FOLDS}: pair {done}")
                untouched[group].append(balances_apart_db(pair.analysis, pair.cut_s))
                for label, trial in _trials(pair, moved):
                    trials[group, label, HALVES[pair.number % 2]].append(trial)
            count = last
    if not trials:
        raise AeqError("nothing could be joined: name folders with several recordings of unseen sources")
    found: Table = {}
    for (group, label, half), own in trials.items():
        found[f"{group}, {label}, {half}"] = _beside_one(own)
        if label == OTHERS:
            least = statistics.median(untouched[group])
            different = [trial for trial in own if trial.apart_db >= least]
            if different:
                found[f"{group}, {label}, at least {least:.1f} dB apart, {half}"] = _beside_one(different)
    return found


def _trials(pair: JoinedClips, moved: list[Result]) -> Iterator[tuple[str, Trial]]:
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
            asked, follow = EqRequest(word), EqRequest(word, sections=True)
            answers = {
                "one EQ": engine.adapt_request(AnalyzedRequest(damaged, asked)),
                "sections": engine.adapt_request(AnalyzedRequest(damaged, follow)),
                "sections, cut known": engine.adapt_request(
                    AnalyzedRequest(damaged, follow, edges_s=[pair.cut_s])
                ),
            }  # fmt: skip
            moved += [answers["sections"]] if answers["sections"].sections else []
            middles = (0.5 * pair.cut_s, 0.5 * (pair.cut_s + damaged.duration_s))
            errors = {}
            for name, result in answers.items():
                curves = [_curve_at(result, at_s) for at_s in middles]
                errors[name] = [float(rms_db(curve - edit)) for curve, edit in zip(curves, edits, strict=True)]
            yield label, Trial(pair.recordings, balances_apart_db(damaged, pair.cut_s), errors)


def _beside_one(trials: Sequence[Trial]) -> dict[str, dict[str, Any]]:
    errors = {name: np.array([np.mean(trial.errors_db[name]) for trial in trials]) for name in trials[0].errors_db}
    one = errors["one EQ"]
    found: dict[str, dict[str, Any]] = {}
    for name, own in errors.items():
        found[name] = {"sections": 2 * len(own), "error_db": float(own.mean())}
        if name != "one EQ":
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


def _steady(folds: Sequence[Fold], every: int, tell: Tell) -> dict[str, dict[str, Any]]:
    still: dict[str, list[bool]] = {half: [] for half in HALVES}
    songs = [(fold, clip) for fold in folds for clip in [*fold.clips, *fold.single][::every]]
    for n, (fold, clip) in enumerate(songs):
        tell(f"steady recordings: {n + 1} of {len(songs)}")
        sound, sample_rate = read_audio(clip.path)
        analysis = analyze_blocks([sound], sample_rate, sections=True)
        for word in PEOPLE_WORDS:
            result = fold.engine.adapt_request(AnalyzedRequest(analysis, EqRequest(word, sections=True)))
            still[HALVES[n % 2]].append(not result.sections)
    return {
        half: {"answers": len(own), "without_percent": 100 * float(np.mean(own))} for half, own in still.items() if own
    }


def _agreement(results: Sequence[Result], most: int = 12) -> dict[str, Any]:
    """How far levels of tones through the moving filters are from the curves they stand for, at worst, dB."""
    moving = [eq for result in results[:most] if (eq := result.moving)]
    if not moving:
        return {"answers": 0}
    return {"answers": len(moving), "worst_db": max(off_curve_db(eq, RATE) for eq in moving)}


def off_curve_db(moving: MovingEq, sample_rate: int) -> float:
    """How far the level of steady tones through the filter is from the curve at its time, at worst, dB; in ramps and
    between them, but for the first moments of the sound."""
    stop_s = moving.sections[-1].start_s + 1.0
    time_s = np.arange(round(stop_s * sample_rate)) / sample_rate
    looks = np.arange(SETTLED_S, stop_s, 0.05)
    phases = 2 * np.pi * np.outer(TONES_HZ, time_s)
    out = MovingEqFilter(moving, sample_rate, 2 * len(phases)).process(np.concatenate((np.cos(phases), np.sin(phases))))
    at = np.round(looks * sample_rate).astype(int)
    real, imaginary = out[: len(phases), at].astype(np.float64), out[len(phases) :, at].astype(np.float64)
    levels_db = 20 * np.log10(np.hypot(real, imaginary))  # (tones, looks)
    eqs = [moving.at(at_s) for at_s in looks]
    wanted_db = np.stack([eq.response_db(np.array(TONES_HZ), sample_rate) + eq.output_gain_db for eq in eqs], 1)
    return float(np.abs(levels_db - wanted_db).max())


def _curve_at(result: Result, at_s: float) -> Tensor:
    moving = result.moving
    return eq_curve(moving.at(at_s) if moving else result.eq, result.sample_rate)


def _excerpt(clip: Clip) -> np.ndarray | None:
    """(2, samples) at `RATE` and `LEVEL`; None for what is too short."""
    sound, sample_rate = read_audio(clip.path)
    sound = sound[:2, : round((SECTION_S + 0.5) * sample_rate)]
    if sound.shape[1] < 0.5 * SECTION_S * sample_rate or not sound.any():
        return None
    sound = soxr.resample(sound.T, sample_rate, RATE).T[:, round(0.5 * RATE) :]
    sound = np.broadcast_to(sound, (2, sound.shape[1]))
    return (sound * (LEVEL / np.sqrt(np.square(sound, dtype=np.float64).mean()))).astype(np.float32)
