"""`AdaptiveEQ`: a sound and a word in, ReaEQ bands out. The one story that command line, server and batch tell."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .bands import LIMITS, Eq
from .dsp.arrays import as_channels
from .dsp.spectrum import GRID_HZ, Analysis, analyze_blocks
from .errors import RangeError
from .explain import explain, suggest
from .methods import DEFAULT_ADAPTATION, DEFAULT_METHOD
from .methods.request import Request
from .methods.request import method as find_method
from .model.audio_encoder import AudioEncoder, Observation, levelled
from .model.curves import GRID, along, level_free
from .model.eq_autoencoder import EqAutoencoder
from .model.score import scores, standard_scores
from .model.words import Vocabulary, Word
from .realise import compensated, held_back, measured_compensation_db, realise, scaled

PRECISE = torch.float64
# Up to this length loudness is measured on the filtered sound; beyond, the band powers of many blocks are as good.
MEASURED_UP_TO_S = 60.0


@dataclass(frozen=True)
class Result:
    """What `adapt` found. Curves are numpy (59,) on `dsp.spectrum.GRID_HZ`, dB, NaN where nothing is heard."""

    word: str
    intensity: float
    method: str
    eq: Eq
    score_before: float
    score_after: float
    confidence: float
    explanation: str
    sample_rate: int
    source_db: np.ndarray
    result_db: np.ndarray
    target_low_db: np.ndarray
    target_high_db: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, as in the design's section 4."""
        return {
            "word": self.word,
            "intensity": self.intensity,
            "method": self.method,
            "score": {"before": round(self.score_before, 4), "after": round(self.score_after, 4)},
            "confidence": round(self.confidence, 3),
            "explanation": self.explanation,
            **self.eq.to_dict(),
        }


class AdaptiveEQ:
    """The models and what they are asked for. Build with `AdaptiveEQ.load()`."""

    def __init__(self, eq_model: EqAutoencoder, encoder: AudioEncoder, words: Vocabulary):
        self.eq_model, self.encoder, self.words = eq_model, encoder, words
        # small and used at every call: kept where the linear algebra is cheapest
        self._decoder = eq_model.decoder.weight.detach().to("cpu", PRECISE)  # (bands, 32)
        self._residual_cov = encoder.residual_cov.to("cpu", PRECISE)
        self._word_curves = level_free(torch.stack([w.mean for w in words.values()]) @ self._decoder.T)

    @classmethod
    def load(cls, folder: Path | str | None = None, device: str = "auto") -> AdaptiveEQ:
        """The shipped models, or those in `folder`; device 'auto' is cuda, mps or cpu. Raises `ModelError`."""
        if device == "auto":
            mps = torch.backends.mps.is_available()
            device = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
        _choose_threads()
        # the encoder's statistics need float64, which mps has not: only its networks move there
        encoder = AudioEncoder.load(folder)
        encoder.to(device) if device != "mps" else encoder.members.to(device)
        return cls(EqAutoencoder.load(folder), encoder, Vocabulary.load(folder))

    def adapt(
        self,
        audio: Any,
        sample_rate: int,
        word: str | Mapping[str, float],
        *,
        intensity: float = 1.0,
        adaptation: float | None = None,
        method: str = DEFAULT_METHOD,
    ) -> Result:
        """The EQ that makes this sound more `word`.

        Args:
            audio: numpy or torch, (channels, samples) or (samples,).
            sample_rate: Hz, 8000 to 192000.
            word: a word, 'less <word>', or a blend {'warm': 0.7, 'airy': 0.3}.
            intensity: -2..2; 0 nothing, 1 what the word means for this sound, negative the opposite.
            adaptation: 0..1, 0.5 by default; how much the sound's own balance counts.
            method: one of `methods.METHODS`.

        Raises `AudioError` (NaN, empty, out of range), `UnknownWordError`, `RangeError`, `AeqError`.
        """
        sound = as_channels(audio, sample_rate).cpu()
        analysis = analyze_blocks([sound], sample_rate)
        result = self.adapt_analysis(analysis, word, intensity=intensity, adaptation=adaptation, method=method)
        return with_measured_loudness(result, sound.numpy()) if analysis.duration_s <= MEASURED_UP_TO_S else result

    def adapt_analysis(
        self,
        analysis: Analysis,
        word: str | Mapping[str, float],
        *,
        intensity: float = 1.0,
        adaptation: float | None = None,
        method: str = DEFAULT_METHOD,
    ) -> Result:
        """`adapt` for a sound that was analysed already (a file read in blocks)."""
        intensity = _checked("intensity", intensity)
        adaptation = _checked("adaptation", DEFAULT_ADAPTATION if adaptation is None else adaptation)
        curve_of = find_method(method)
        asked = self.words.blend(word)
        if analysis.silent:
            return _nothing_heard(asked.name, intensity, method, analysis)
        seen = self.encoder.observe(analysis, self.eq_model)
        # a negative intensity asks for the opposite, which this sound may lack as much or as little
        wanted = asked if intensity >= 0 else asked.opposite()
        request = self._request(wanted, seen, adaptation)
        code = self.eq_model.encode(curve_of(request).float())
        eq = realise(self.eq_model, code, seen, analysis.sample_rate)
        # beyond intensity 1 a boost that was let into silence would grow with the rest
        eq = held_back(scaled(eq, abs(intensity)), seen.visible < 0.5, analysis.sample_rate)
        eq = compensated(eq, analysis)
        response = torch.from_numpy(eq.response_db(GRID_HZ, analysis.sample_rate))
        heard = self.encoder.compare(seen.ltas_db + response, seen.usual_db, seen.in_reach, self.eq_model)
        before, later = self._score(asked, seen), self._score(asked, heard)
        confidence = asked.evidence.confidence * min(1.0, seen.visible_share / 0.6)
        share = float(along(response, request.mean_db)) / max(abs(intensity), 1e-9)
        told = explain(asked, wanted, seen, request, before, later, share, intensity, method, response)
        return Result(
            asked.name, float(intensity), method, eq, before, later, confidence, told, analysis.sample_rate,
            *self._pictures(seen, request, response),
        )  # fmt: skip

    def score(self, audio: Any, sample_rate: int, word: str | Mapping[str, float]) -> float:
        """0..1: the share of sounds of this kind that have less of the word. 0.5 for silence."""
        asked = self.words.blend(word)
        analysis = self.analyze(audio, sample_rate)
        if analysis.silent:
            return 0.5
        seen = self.encoder.observe(analysis, self.eq_model)
        return self._score(asked, seen)

    def raw_score(self, audio: Any, sample_rate: int, word: str | Mapping[str, float]) -> float:
        """The score before it is made a percentile, in standard deviations of music: 0 is usual. 0 for silence."""
        analysis = self.analyze(audio, sample_rate)
        if analysis.silent:
            return 0.0
        seen = self.encoder.observe(analysis, self.eq_model)
        return float(standard_scores(self.curve_of(word)[None], seen.balance_db, self._residual_cov)[0])

    def curve_of(self, word: str | Mapping[str, float]) -> Tensor:
        """(bands,) float64 dB on the grid, level-free: the mean of what people did for the word."""
        return level_free(self._decoder @ self.words.blend(word).mean)

    def profile(self, audio: Any, sample_rate: int) -> dict[str, float]:
        """{word: score} for every word of the vocabulary."""
        return self.profile_analysis(self.analyze(audio, sample_rate))

    def profile_analysis(self, analysis: Analysis) -> dict[str, float]:
        if analysis.silent:
            return dict.fromkeys(self.words, 0.5)
        seen = self.encoder.observe(analysis, self.eq_model)
        values = scores(self._word_curves, seen.balance_db, self._residual_cov)
        return dict(zip(self.words, values.tolist(), strict=True))

    def suggestion(self, profile: Mapping[str, float]) -> str:
        """One sentence on what to try, from `profile`."""
        return suggest(profile, self.words)

    def analyze(self, audio: Any, sample_rate: int) -> Analysis:
        """Checks and analyses audio in memory. Raises `AudioError`."""
        return analyze_blocks([as_channels(audio, sample_rate).cpu()], sample_rate)

    def _request(self, word: Word, seen: Observation, adaptation: float) -> Request:
        mean = level_free(self._decoder @ word.mean)
        cov = self._decoder @ word.cov @ self._decoder.T
        return Request(mean, cov, seen, self._residual_cov, float(adaptation))

    def _score(self, word: Word, seen: Observation) -> float:
        curve = level_free(self._decoder @ word.mean)[None]
        return float(scores(curve, seen.balance_db, self._residual_cov)[0])

    def _pictures(self, seen: Observation, request: Request, response_db: Tensor) -> tuple[np.ndarray, ...]:
        """source, result, target from, target to: what the plot shows, on the grid."""
        natural = seen.usual_db + _level_against(seen)
        spread = 0.5 * self._residual_cov.diagonal().sqrt()
        aim = natural + request.mean_db
        low, high = torch.minimum(natural, aim) - spread, torch.maximum(natural, aim) + spread
        heard = seen.visible > 0.5
        hidden = torch.full_like(seen.ltas_db, torch.nan)
        result = seen.ltas_db + level_free(response_db)
        return tuple(torch.where(heard, row, hidden).numpy() for row in (seen.ltas_db, result, low, high))


def with_measured_loudness(result: Result, audio: np.ndarray) -> Result:
    """The result with its output gain from the exact loudness of `audio` (channels, samples) before and after."""
    if not result.eq.bands:
        return result
    gain_db = measured_compensation_db(result.eq, audio, result.sample_rate)
    return replace(result, eq=result.eq.with_output_gain(gain_db))


def _level_against(seen: Observation) -> Tensor:
    """The level at which the usual spectrum lies nearest to this one, dB."""
    difference = seen.ltas_db - seen.usual_db
    return (difference - levelled(difference, seen.visible)).where(seen.visible > 0.5, torch.nan).nanmedian()


def _nothing_heard(word: str, intensity: float, method: str, analysis: Analysis) -> Result:
    empty = np.full(len(GRID), np.nan)
    told = f"There is no sound between 25 Hz and 20 kHz, so nothing was computed for '{word}'."
    return Result(
        word, float(intensity), method, Eq(), 0.5, 0.5, 0.0, told, analysis.sample_rate, empty, empty, empty, empty
    )


def _checked(name: str, value: float) -> float:
    limit, value = LIMITS[name], float(value)  # numbers of numpy and torch are no Python floats
    if value not in limit:
        raise RangeError(name, value, limit.low, limit.high)
    return value


def _choose_threads() -> None:
    # A second thread gains little on passes this short and costs a factor of ten where the other core is busy
    # (tests/bench/bench_adapt.py); whoever knows their machine sets OMP_NUM_THREADS.
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
