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
from ..methods.adaptive.posterior import LEVEL_VAR, RATIO_LIMIT
from ..methods.validation import AnalyzedRequest
from ..model import DEFAULT_ENCODER
from ..model.audio_encoder import BLIND_VAR, center_robust, visibility
from ..model.curves import COMPARED, GRID, center
from ..model.texture import statistics, texture
from ..model.usual import features
from ..request import EqRequest, MatchRequest
from ..training.datasets.readers import Clip
from .compared import USUAL_RULE
from .law import answered, response
from .rules import UsualRule

ADAPTATION = 0.5
MATCHERING_RATE = 44_100
NO_GENRE = {"with", "vocals", "soundtrack", "single"}

Gaussian = tuple[Tensor, Tensor]  # what spectra are like: mean (bands,) dB and covariance (bands, bands) dB²


@dataclass(frozen=True)
class Fold:
    """One fold's clips and everything fitted without them."""

    clips: list[Clip]
    engine: AdaptiveEQ
    music: Gaussian
    curves: dict[str, dict[str, Tensor]]  # word -> 'SAFE' / 'SocialEQ' mean curve, where there is one
    people: dict[str, Tensor]  # word -> unseen settings (n, bands)
    people_cov: dict[str, Tensor]
    others: Mapping[str, AdaptiveEQ] = field(default_factory=dict)  # by the network that listens; for mixes only
    # name of a clip -> a recording of its genre from another repository
    neighbors: dict[str, Clip] = field(default_factory=dict)
    little_known: Sequence[tuple[str, Tensor]] = ()  # unseen settings of words that few have set, with the word
    single: Sequence[Clip] = ()  # recordings of single sources
    usual_rule: UsualRule | None = None  # fitted to all other recordings, where these hold every kind


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
        """(bands,) dB, of the damaged recording."""
        return self.damaged.ltas_db()

    @property
    def published(self) -> Tensor:
        """(bands,) dB, the word's published curve."""
        known = self.fold.curves[self.word]
        return known["SocialEQ"] if "SocialEQ" in known else known["SAFE"]

    @property
    def ratio(self) -> float:
        """How far the rules let the sound count: a factor of the variance of people's settings."""
        adaptation = ADAPTATION if self.adaptation is None else self.adaptation
        return min(adaptation / max(1 - adaptation, 1e-9), RATIO_LIMIT)


# Trials of one fold, all on mixes or all on one single source -> of each (bands,) dB, or None where there are no data
# for the word
ComparedMethod = Callable[[Sequence[RepairTrial]], list[Tensor | None]]


def each(answer: Callable[[RepairTrial], Tensor | None]) -> ComparedMethod:
    """Who answers one trial after the other."""
    return lambda trials: [answer(trial) for trial in trials]


def fixed(source: str) -> ComparedMethod:
    """The mean curve of one data set, whatever the sound."""
    return each(lambda trial: trial.fold.curves[trial.word].get(source))


def _deviation(ltas_db: Tensor, mean_db: Tensor, cov: Tensor) -> tuple[Tensor, Tensor]:
    """From what is usual, (bands,) dB, and how far that may be off, (bands, bands) dB²."""
    visible = visibility(ltas_db)
    counted = visible * COMPARED
    noise = cov + LEVEL_VAR + torch.diag(BLIND_VAR * (1 - counted) / counted.clamp_min(1e-4))
    return center_robust(ltas_db - mean_db, visible), noise


def scalar(trial: RepairTrial) -> Tensor:
    """The word's published curve times one number: the posterior mean of N(1, r v) given the LTAS, where v is the
    variance of people's settings along the curve, in units of it."""
    curve, cov = center(trial.published), trial.fold.people_cov[trial.word]
    along_var = float(curve @ cov @ curve) / max(float(curve @ curve), 1e-12) ** 2
    deviation, noise = _deviation(trial.ltas_db, *trial.fold.music)
    toward = torch.linalg.solve(noise, curve)
    prior = 1 / max(trial.ratio * along_var, 1e-9)
    return (prior - float(toward @ deviation)) / (prior + float(toward @ curve)) * curve


def posterior(trial: RepairTrial, music: Gaussian | None = None) -> Tensor:
    """The whole curve: posterior mean of people's settings N(mean, r cov) given the LTAS, about what all music is like
    or about `music`. The mean is that of SAFE's settings for the word, where there are none the published curve."""
    mean, cov = trial.fold.curves[trial.word].get("SAFE", trial.published), trial.fold.people_cov[trial.word]
    deviation, noise = _deviation(trial.ltas_db, *(music or trial.fold.music))
    spread = trial.ratio * cov
    return center(mean + spread @ torch.linalg.solve(spread + noise, -deviation - mean))


def usual(trial: RepairTrial) -> Tensor | None:
    """The posterior rule about what is usual for this sound by a page of linear algebra (`UsualRule`)."""
    rule = trial.fold.usual_rule
    if rule is None:
        return None
    # an EQ changes no feature, so the clean recording's are those of the trial
    known = rule.usual(features(trial.clip.analysis))
    return posterior(trial, (known.mean_db, known.cov))


def ours(method: str, encoder: str = DEFAULT_ENCODER) -> ComparedMethod:
    """One of our methods, through real ReaEQ bands; None for single sources where `encoder` knows mixes only."""

    def answer(trials: Sequence[RepairTrial]) -> list[Tensor | None]:
        if not trials or (encoder != DEFAULT_ENCODER and trials[0].clip.kind != "mix"):
            return [None] * len(trials)
        engine = trials[0].fold.engine if encoder == DEFAULT_ENCODER else trials[0].fold.others[encoder]
        asked = [
            AnalyzedRequest(trial.damaged, EqRequest(trial.word, adaptation=trial.adaptation, method=method))
            for trial in trials
        ]
        return [response(answer) for answer in answered(engine.adapt_many(asked))]

    return answer


def matched(trial: RepairTrial) -> Tensor | None:
    """Our match to the genre neighbor, which needs no word; None for single sources, which have none."""
    neighbor = trial.fold.neighbors.get(trial.clip.name)
    if neighbor is None:
        return None
    return response(trial.fold.engine.match_analysis(trial.damaged, [neighbor.analysis], ["neighbor"], MatchRequest()))


_heard: dict[str, np.ndarray] = {}  # what matchering hears in a reference, the same for all trials


def matchering(trial: RepairTrial) -> Tensor | None:
    """The matching EQ of matchering 2.0 (its own code, `pip install matchering`) with the genre neighbor as reference;
    None for single sources, which have none.

    Of the sum of both channels, as our grid is; its loudness and limiter stages change no balance and are left out.
    """
    neighbor = trial.fold.neighbors.get(trial.clip.name)
    if neighbor is None:
        return None
    import matchering as package
    from matchering.stage_helpers import analyze_levels, get_fir, normalize_reference

    config, path = package.Config(), neighbor.path
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


BASELINES: dict[str, ComparedMethod] = {
    "nothing": each(lambda trial: torch.zeros(len(GRID), dtype=torch.float64)),
    "fixed SAFE": fixed("SAFE"),
    "fixed SocialEQ": fixed("SocialEQ"),
    "scalar rule": each(scalar),
    "posterior rule": each(posterior),
    USUAL_RULE: each(usual),
}
REPAIR: dict[str, ComparedMethod] = {**BASELINES, "adaptive": ours("adaptive")}


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
