"""Who answers the repair trials: doing nothing, constants, rules, ours, and what other people's tools do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import soxr
import torch
from torch import Tensor

from ..dsp.audio import read_audio
from ..dsp.spectrum import GRID_HZ, Analysis
from ..engine import AdaptiveEQ
from ..errors import AeqError
from ..methods.validation import AnalyzedRequest
from ..model import DEFAULT_ENCODER
from ..model.curves import GRID, center
from ..model.texture import statistics, texture
from ..model.usual import features
from ..request import EqRequest, MatchRequest
from ..training.datasets.readers import Clip
from .compared import USUAL_RULE
from .rules import Music, UsualRule, posterior_rule, scalar_rule

ADAPTATION = 0.5
MATCHERING_RATE = 44_100
NO_GENRE = {"with", "vocals", "soundtrack", "single"}


@dataclass(frozen=True)
class Fold:
    """One fold's clips and everything fitted without them."""

    clips: list[Clip]
    engine: AdaptiveEQ
    music: Music
    curves: dict[str, dict[str, Tensor]]  # word -> 'SAFE' / 'SocialEQ' mean curve, where there is one
    people: dict[str, Tensor]  # word -> unseen settings (n, bands)
    people_cov: dict[str, Tensor]
    others: Mapping[str, AdaptiveEQ] = field(default_factory=dict)  # by the network that listens; for mixes only
    # name of a clip -> a recording of its genre from another repository
    neighbors: dict[str, Clip] = field(default_factory=dict)
    little_known: Sequence[tuple[str, Tensor]] = ()  # unseen settings of words that few have set, with the word
    single: Sequence[Clip] = ()  # recordings of single sources
    usual_rule: UsualRule | None = None  # fitted to all other recordings, where these hold every kind

    def spread_along(self, word: str, curve: Tensor) -> float:
        """Variance of people's settings along a curve, in units of the curve."""
        return float(curve @ self.people_cov[word] @ curve) / max(float(curve @ curve), 1e-12) ** 2


@dataclass(frozen=True)
class RepairTrial:
    """A recording with a quality taken out of it by the EQ `damage` (bands,) dB, and the word that is asked for."""

    fold: Fold
    clip: Clip
    word: str
    damage: Tensor
    damaged: Analysis
    adaptation: float | None = None

    @property
    def ltas_db(self) -> Tensor:
        return self.damaged.ltas_db()

    @property
    def published(self) -> Tensor:
        known = self.fold.curves[self.word]
        return known["SocialEQ"] if "SocialEQ" in known else known["SAFE"]


# Trials -> of each (bands,) dB, or None where there are no data for the word
Contestant = Callable[[Sequence[RepairTrial]], list[Tensor | None]]


def each(answer: Callable[[RepairTrial], Tensor | None]) -> Contestant:
    """Who answers one trial after the other."""
    return lambda trials: [answer(trial) for trial in trials]


def nothing(trial: RepairTrial) -> Tensor:
    return torch.zeros(len(GRID), dtype=torch.float64)


def fixed(source: str) -> Contestant:
    """The mean curve of one data set, whatever the sound."""
    return each(lambda trial: trial.fold.curves[trial.word].get(source))


def scalar(trial: RepairTrial) -> Tensor:
    axis = center(trial.published)
    strength = ADAPTATION if trial.adaptation is None else trial.adaptation
    return scalar_rule(trial.ltas_db, axis, trial.fold.spread_along(trial.word, axis), trial.fold.music, strength)


def posterior(trial: RepairTrial) -> Tensor:
    mean = trial.fold.curves[trial.word].get("SAFE", trial.published)
    strength = ADAPTATION if trial.adaptation is None else trial.adaptation
    return posterior_rule(trial.ltas_db, mean, trial.fold.people_cov[trial.word], trial.fold.music, strength)


def usual(trial: RepairTrial) -> Tensor | None:
    """The posterior rule about what is usual for this sound by a page of linear algebra (`UsualRule`)."""
    rule = trial.fold.usual_rule
    if rule is None:
        return None
    # an EQ changes no feature, so the clean recording's are those of the trial
    known = rule.usual(features(trial.clip.analysis)[None], [None])[0]
    mean = trial.fold.curves[trial.word].get("SAFE", trial.published)
    strength = ADAPTATION if trial.adaptation is None else trial.adaptation
    music = Music(known.mean_db, known.cov)
    return posterior_rule(trial.ltas_db, mean, trial.fold.people_cov[trial.word], music, strength)


def ours(method: str, encoder: str = DEFAULT_ENCODER) -> Contestant:
    """One of our methods, through real ReaEQ bands; None for single sources where `encoder` knows mixes only."""

    def answer(trials: Sequence[RepairTrial]) -> list[Tensor | None]:
        answers: dict[int, Tensor] = {}
        for fold in {id(trial.fold): trial.fold for trial in trials}.values():
            here = [n for n, trial in enumerate(trials) if trial.fold is fold]
            here = [n for n in here if encoder == DEFAULT_ENCODER or trials[n].clip.kind == "mix"]
            asked = [
                AnalyzedRequest(t.damaged, EqRequest(t.word, adaptation=t.adaptation, method=method))
                for t in (trials[n] for n in here)
            ]
            engine = fold.engine if encoder == DEFAULT_ENCODER else fold.others[encoder]
            for n, result in zip(here, engine.adapt_many(asked), strict=True):
                if isinstance(result, AeqError):
                    raise result
                answers[n] = torch.from_numpy(result.eq.response_db(GRID_HZ, result.sample_rate))
        return [answers.get(n) for n in range(len(trials))]

    return answer


def matched(trial: RepairTrial) -> Tensor:
    """Our match to the genre neighbor, which needs no word."""
    other = trial.fold.neighbors[trial.clip.name].analysis
    result = trial.fold.engine.match_analysis(trial.damaged, [other], ["neighbor"], MatchRequest())
    return torch.from_numpy(result.eq.response_db(GRID_HZ, trial.damaged.sample_rate))


_heard: dict[str, np.ndarray] = {}  # what matchering hears in a reference, the same for all trials


def matchering(trial: RepairTrial) -> Tensor:
    """The matching EQ of matchering 2.0 (its own code, `pip install matchering`) with the genre neighbor as reference.

    Of the sum of both channels, as our grid is; its loudness and limiter stages change no balance and are left out.
    Raises `AeqError` where it is not installed.
    """
    try:
        import matchering as package
        from matchering.stage_helpers import analyze_levels, get_fir, normalize_reference
    except ImportError:
        raise AeqError("matchering is not installed: pip install matchering, or leave it out") from None
    config = package.Config()
    path = trial.fold.neighbors[trial.clip.name].path
    if path not in _heard:
        reference, _ = normalize_reference(_stereo(path).T.astype(np.float64), config)
        _heard[path] = analyze_levels(reference, "", config)[2]
    target = _through(_stereo(trial.clip.path), trial.damage)
    pieces = analyze_levels(target.T.astype(np.float64), "", config)[2], _heard[path]
    fir = get_fir(*pieces, "mid", config)
    power = np.abs(np.fft.rfft(fir, 2**16)) ** 2
    edges = GRID_HZ[:, None] * 2.0 ** np.array([-1 / 12, 1 / 12]) / MATCHERING_RATE * 2**16
    bins = [slice(int(low), max(int(high), int(low) + 1)) for low, high in edges]
    db = [10 * np.log10(power[b].mean()) if b.stop < len(power) else np.nan for b in bins]
    return torch.from_numpy(np.nan_to_num(np.array(db), nan=float(np.nanmedian(db))))


BASELINES: dict[str, Contestant] = {
    "nothing": each(nothing),
    "fixed SAFE": fixed("SAFE"),
    "fixed SocialEQ": fixed("SocialEQ"),
    "scalar rule": each(scalar),
    "posterior rule": each(posterior),
    USUAL_RULE: each(usual),
}
REPAIR: dict[str, Contestant] = {**BASELINES, "adaptive": ours("adaptive")}


def genre_neighbors(clips: Sequence[Clip]) -> dict[str, Clip]:
    """Name -> the recording of another repository that shares most words of its genre; of several the most alike in
    how it moves (texture statistics)."""
    stats = torch.stack([statistics(texture(clip.analysis)) for clip in clips])
    stats = (stats - stats.mean(0)) / (stats.std(0) + 1e-3)
    genres = [set(clip.genre.lower().replace("/", " ").split()) - NO_GENRE for clip in clips]
    out = {}
    for i, clip in enumerate(clips):
        others = [j for j, other in enumerate(clips) if other.source != clip.source]
        best = max(others, key=lambda j: (len(genres[i] & genres[j]), -float((stats[i] - stats[j]).norm())))
        out[clip.name] = clips[best]
    return out


@lru_cache(maxsize=64)
def _stereo(path: str) -> np.ndarray:
    """(2, samples) float32 at matchering's rate."""
    sound, sample_rate = read_audio(path)
    sound = soxr.resample(sound[:2].T, sample_rate, MATCHERING_RATE, "VHQ").T
    return np.broadcast_to(sound, (2, sound.shape[1]))


def _through(audio: np.ndarray, curve_db: Tensor) -> np.ndarray:
    """`audio` (channels, samples) with a curve (bands,) on it, in the frequency domain: ReaEQ stops at 12 dB."""
    spectrum = np.fft.rfft(audio)
    freqs = np.fft.rfftfreq(audio.shape[1], 1 / MATCHERING_RATE)
    gain_db = np.interp(np.log(np.maximum(freqs, 1.0)), np.log(GRID_HZ), curve_db.numpy())
    return np.fft.irfft(spectrum * 10 ** (gain_db / 20), audio.shape[1])
