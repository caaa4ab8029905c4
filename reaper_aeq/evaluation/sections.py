"""Does an EQ that follows a song come nearer to what its sections need, and does it leave steady songs alone?

Two recordings of unseen repositories are joined. Out of each is taken what one person set for the word, out of each
what another did, or out of both the same; the word is asked for, and what comes out in each section is compared with
what was taken. Prices and shares were chosen on the pairs and songs of even numbers: those of odd ones are the figures.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch
from torch import Tensor

from ..dsp.audio import read_audio
from ..dsp.moving_filter import MovingEqFilter
from ..dsp.spectrum import Analysis, analyze_blocks
from ..dsp.virtual_eq import on_mels
from ..eq import MovingEq
from ..errors import AeqError
from ..methods.validation import AnalyzedRequest
from ..model.curves import rms_db
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
SETTLED_S = 0.1  # after its beginning no filter shows a gain
HALVES = ("chosen on", "reported")


@dataclass(frozen=True)
class JoinedClips:
    """Two recordings of a fold, one after the other: where the second begins, and the analysis of both."""

    fold: Fold
    group: str
    cut_s: float
    analysis: Analysis

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


def joined_clips(fold: Fold, clips: Sequence[Clip], group: str, seed: int) -> Iterator[JoinedClips]:
    """Each recording with another of its group."""
    sounds = [sound for clip in clips if (sound := _excerpt(clip)) is not None]
    random.Random(seed).shuffle(sounds)
    for first, second in zip(sounds, sounds[1:] + sounds[:1], strict=True) if len(sounds) > 1 else ():
        both = np.concatenate((first, second), 1)
        yield JoinedClips(fold, group, first.shape[1] / RATE, analyze_blocks([both], RATE, sections=True))


def _joined(folds: Sequence[Fold], every: int, moved: list[Result], tell: Tell) -> Table:
    errors: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    count = 0
    for k, fold in enumerate(folds):
        for group, clips in (("mixes", fold.clips), ("single sources", fold.single)):
            for pair in joined_clips(fold, clips[::every], group, k):
                tell(f"fold {k + 1} of {N_FOLDS}: pair {count + 1}")
                half = HALVES[count % 2]
                for name, (label, found) in _trial(pair, count, moved):
                    errors[f"{group}, {label}, {half}"][name] += found
                count += 1
    if not errors:
        raise AeqError("nothing could be joined: name folders with several recordings of unseen sources")
    return {row: _beside_one(by_name) for row, by_name in errors.items()}


def _trial(pair: JoinedClips, number: int, moved: list[Result]) -> Iterator[tuple[str, tuple[str, list[float]]]]:
    engine = pair.fold.engine
    for word in PEOPLE_WORDS:
        people = pair.fold.people[word]
        picked = torch.randperm(len(people), generator=torch.Generator().manual_seed(number))[:2]
        if len(picked) < 2:
            continue
        first, second = people[picked[0]], people[picked[1]]
        for label, edits in ((OTHERS, (first, second)), (SAME, (first, first))):
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
            for name, result in answers.items():
                curves = [_curve_at(result, at_s) for at_s in middles]
                found = [float(rms_db(curve - edit)) for curve, edit in zip(curves, edits, strict=True)]
                yield name, (label, found)


def _beside_one(errors: dict[str, list[float]]) -> dict[str, dict[str, Any]]:
    one = float(np.mean(errors["one EQ"]))
    found: dict[str, dict[str, Any]] = {}
    for name, own in errors.items():
        apart = np.subtract(errors["one EQ"], own)
        found[name] = {"sections": len(own), "error_db": float(np.mean(own))}
        if name != "one EQ":
            found[name] |= {
                "less_percent": 100 * float(apart.mean()) / one,
                "se_percent": 100 * float(apart.std() / len(own) ** 0.5) / one,
            }
    return found


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
