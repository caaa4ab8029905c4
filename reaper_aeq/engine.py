"""`AdaptiveEQ`: a sound and a word in, ReaEQ bands out. The one story that command line, server and batch tell."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from .dsp.arrays import as_channels
from .dsp.spectrum import GRID_HZ, Analysis, analyze_blocks
from .eq import Eq
from .errors import AeqError, check_known
from .methods.answers import draw_eqs, find_eqs, pictures
from .methods.method import MethodInput
from .methods.sections import follow_song
from .methods.validation import AnalyzedRequest, ValidatedRequest, prior_of, validated
from .model import DEFAULT_ENCODER, ENCODERS
from .model.audio_encoder import BalanceEncoder, Observation, balance_of
from .model.curves import audible_projection, center
from .model.eq_autoencoder import EqAutoencoder
from .model.personal import Profiles
from .model.registry import ModelRegistry
from .model.score import percentiles, scores, standard_scores
from .model.usual import load_encoder
from .model.words import Vocabulary
from .request import DEFAULT_MATCH, DEFAULT_METHOD, DRAWS, EqRequest, MatchRequest
from .result.explanation import explain, explain_heard, explain_own, explain_understood, suggest
from .result.realization import at_intensity, net_change_db
from .result.result import (
    HeardAs,
    Result,
    explain_output,
    held_for_peaks,
    nothing_heard,
    raised,
    with_known_peaks,
    with_measured_loudness,
)
from .result.safety import Loudness

if TYPE_CHECKING:
    from .methods.reference.match import MatchResult


class AdaptiveEQ:
    """The models and what they are asked for. Build with `AdaptiveEQ.load()`."""

    def __init__(
        self, eq_model: EqAutoencoder, encoder: BalanceEncoder, words: Vocabulary, folder: Path | str | None = None
    ):
        """`folder`: where that comes from which is loaded when it is first needed; None is the shipped models."""
        self.eq_model, self.encoder, self.words = eq_model, encoder, words
        self.profiles = Profiles(words, eq_model)
        self.models = ModelRegistry(eq_model, words, folder, self.device)
        # small and used at every call: kept where the linear algebra is cheapest
        self._decoder = eq_model.decoder.weight.detach().to("cpu", torch.float64)  # (bands, 32)
        self._word_curves = center(torch.stack([w.mean for w in words.values()]) @ self._decoder.T)
        self._differing = [(n, word) for n, word in enumerate(words.values()) if word.by_kind]

    @classmethod
    def load(cls, folder: Path | str | None = None, device: str = "auto", encoder: str = DEFAULT_ENCODER) -> AdaptiveEQ:
        """The shipped models, or those in `folder`; `encoder` is one of `model.ENCODERS`.

        Device 'auto' is cuda, mps or cpu. Raises `ModelError`, and `AeqError` for an encoder or device that is none.
        """
        check_known("encoder", encoder, ENCODERS)
        if device == "auto":
            mps = torch.backends.mps.is_available()
            device = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
        _check_device(device)
        _choose_threads()
        listener = load_encoder(folder, encoder)
        listener.place(device)
        return cls(EqAutoencoder.load(folder), listener, Vocabulary.load(folder), folder)

    @property
    def device(self) -> str:
        """Where the networks run: cpu, cuda or mps."""
        return self.encoder.device

    def adapt(
        self,
        audio: Any,
        sample_rate: int,
        word: str | Mapping[str, float],
        *,
        intensity: float = 1.0,
        adaptation: float | None = None,
        method: str = DEFAULT_METHOD,
        refine: int | None = None,
        exact: bool = False,
        variations: int = 0,
        kind: str | None = None,
        name: str | Sequence[str] | None = None,
        profile: str | None = None,
        sections: bool = False,
    ) -> Result:
        """The EQ that makes this sound more `word`.

        Args:
            audio: numpy or torch, (channels, samples) or (samples,).
            sample_rate: Hz, 8000 to 192000.
            word: a word, 'less <word>', words of your own, or a blend {'warm': 0.7, 'airy': 0.3}, which may be given as
                text ('warm 0.7, airy 0.3').
            intensity: -2..2; 0 nothing, 1 what the word means for this sound, negative the opposite.
            adaptation: 0..1, 0.5 by default; how much the sound's own balance counts.
            method: one of `methods.METHODS`.
            refine: 0..500, gradient steps on what the method found; by default none, and 50 for the method 'refine'.
            exact: refining filters the waveform at each step instead of its spectrum; up to a minute of sound.
            variations: 0..32 other answers that people might give, in `Result.variations`; drawn by the method 'cvae'
                whichever gives the answer itself, and the same for the same sound.
            kind: one of `model.kinds.KINDS`, where it is known; else it is judged from the sound.
            sections: whether the EQ may follow the song (`Result.sections`): the same bands, whose gains move where
                the balance changes for good.
            name: what the track is called, or several names (its folder's, its instrument's), the nearest first: they
                say something of the kind as well.
            profile: whose own meaning of the words counts; by default everybody's.

        Raises `AudioError` (NaN, empty, out of range), `UnknownWordError`, `RangeError`, `AeqError`.
        """
        sound = as_channels(audio, sample_rate).cpu()
        analysis = analyze_blocks([sound], sample_rate, sections=sections)
        result = self.adapt_analysis(
            analysis, word, intensity=intensity, adaptation=adaptation, method=method, refine=refine,
            variations=variations, kind=kind, name=name, profile=profile, sections=sections,
            sound=sound if exact else None,
        )  # fmt: skip
        return with_measured_loudness(result, analysis, lambda use: use([sound.numpy()]))

    def adapt_analysis(
        self,
        analysis: Analysis,
        word: str | Mapping[str, float],
        *,
        sound: np.ndarray | Tensor | None = None,
        **options: Any,
    ) -> Result:
        """`adapt` for a sound that was analyzed already (a file read in blocks).

        Args:
            sound: its samples where refining is to be exact. options: fields of `EqRequest`.
        """
        return self.adapt_request(AnalyzedRequest(analysis, EqRequest(word, **options), sound))

    def adapt_request(self, asked: AnalyzedRequest) -> Result:
        """One answer of `adapt_many`, its error raised."""
        return raised(self.adapt_many([asked])[0])

    def adapt_many(self, asked: Sequence[AnalyzedRequest]) -> list[Result | AeqError]:
        """`adapt_analysis` for many sounds in one pass of the networks and one search for bands a sample rate.

        What cannot be done is answered by the error that `adapt` would raise, in its place; the others go on.
        """
        answers: list[Result | AeqError | None] = [None] * len(asked)
        plans: dict[int, ValidatedRequest] = {}
        for n, one in enumerate(asked):
            try:
                checked = validated(one, self.profiles.words_of(one.request.profile))
                if one.analysis.silent:
                    answers[n] = nothing_heard(checked.asked.name, checked.intensity, one.request.method, one.analysis)
                else:
                    plans[n] = checked
            except AeqError as error:
                answers[n] = error
        if plans:
            requests = self.requests(list(plans.values()))
            eqs = find_eqs(self.eq_model, [checked.method for checked in plans.values()], requests)
            for (n, checked), request, eq in zip(plans.items(), requests, eqs, strict=True):
                checked = checked.on(request.observation)
                result = self._result(checked, request, eq)
                if checked.request.sections:
                    result = follow_song(self.eq_model, checked, request, result, self.requests, self._result)
                answers[n] = replace(result, variations=self._variations(checked, request))
        return [answer for answer in answers if answer is not None]

    def requests(self, plans: Sequence[ValidatedRequest]) -> list[MethodInput]:
        """What methods need to know of sounds that are not silent, one for each checked request; words are meant as
        what each sound is asks for."""
        observed: dict[tuple[Any, ...], Observation] = {}
        found = []
        for checked in plans:
            analysis, prior = checked.analysis, checked.prior
            # several words may be asked of one sound, which is then looked at once
            way = id(analysis), None if prior is None else tuple(prior.tolist())
            if way not in observed:
                observed[way] = self.encoder.observe(analysis, self.eq_model, prior)
            seen, word = observed[way], checked.on(observed[way]).wanted
            mean, cov = center(self._decoder @ word.mean), self._decoder @ word.cov @ self._decoder.T
            sound = None if checked.sound is None else torch.as_tensor(checked.sound)
            found.append(MethodInput(
                mean, cov, seen, seen.usual.cov, checked.adaptation, word, self.models, Loudness(analysis),
                analysis.sample_rate, checked.refine, sound,
            ))  # fmt: skip
        return found

    def _variations(self, checked: ValidatedRequest, request: MethodInput) -> tuple[Result, ...]:
        """As many other answers as were asked for, each kept as safe as the answer itself."""
        eqs = draw_eqs(self.eq_model, request, int(checked.request.variations))
        return tuple(self._result(replace(checked, method=DRAWS), request, eq) for eq in eqs)

    def _result(self, checked: ValidatedRequest, request: MethodInput, eq: Eq) -> Result:
        """From the bands at intensity 1 to all that is said of them."""
        analysis, seen = checked.analysis, request.observation
        asked, intensity = checked.asked, checked.intensity
        assert request.loudness is not None, "`requests` gives it"
        at = partial(at_intensity, eq, seen=seen, loudness=request.loudness, word_db=request.mean_db)
        held = held_for_peaks(at, abs(intensity), analysis)
        eq = held.eq
        response = torch.from_numpy(eq.response_db(GRID_HZ, analysis.sample_rate))
        after_db = balance_of(seen.ltas_db + response, seen.usual)
        curve = center(self._decoder @ asked.mean)[None]
        before, later = (float(scores(curve, balance, seen.usual.cov)[0]) for balance in (seen.balance_db, after_db))
        confidence = asked.evidence.confidence * min(1.0, seen.visible_share / 0.6)
        share = float(audible_projection(response, request.mean_db, seen.visible))
        net_db = net_change_db(response, eq.output_gain_db, seen.visible)
        heard = HeardAs.of(seen.usual)
        told = explain(
            asked, checked.wanted, seen, before, later, share, intensity, checked.method, eq, net_db, held.by
        )
        result = Result(
            asked.name, float(intensity), checked.method, eq, before, later, confidence,
            explain_understood(asked) + told + explain_own(asked) + explain_heard(heard)
            + explain_output(eq.output_gain_db),
            analysis.sample_rate, *pictures(seen, request, response + eq.output_gain_db), asked.understood,
            most_gain_db=held.most_gain_db, heard_as=heard,
        )  # fmt: skip
        return with_known_peaks(result, analysis)

    def match(
        self,
        audio: Any,
        sample_rate: int,
        reference: Any,
        reference_sr: int | Sequence[int],
        *,
        intensity: float = 1.0,
        weights: Sequence[float] | None = None,
        low_hz: float | None = None,
        high_hz: float | None = None,
        smoothing_oct: float | None = None,
        by: str = DEFAULT_MATCH,
    ) -> MatchResult:
        """The EQ that brings this sound to the balance of a reference; level never matters.

        Args:
            audio: numpy or torch, (channels, samples) or (samples,). sample_rate: Hz.
            reference: the same, or a list of several. reference_sr: Hz, of all or a list of one each.
            intensity: 0 nothing, 1 the reference's balance, up to 2 beyond it.
            weights: of each reference; all alike if left out.
            low_hz, high_hz: outside of them the EQ returns to flat.
            smoothing_oct: octaves over which the EQ is smoothed, 0 to 4; else as the method does best.
            by: one of `methods.MATCHES`.

        Raises `AudioError`, `RangeError`, `AeqError` (no reference, a silent one, weights that do not fit).
        """
        request = MatchRequest(intensity, weights, low_hz, high_hz, smoothing_oct, by)
        several = list(reference) if isinstance(reference, list | tuple) else [reference]
        rates: list[Any] = (
            list(reference_sr) if isinstance(reference_sr, list | tuple) else [reference_sr] * len(several)
        )
        if len(rates) != len(several):
            raise AeqError(f"each reference needs one sample rate, but there are {len(several)} and {len(rates)}")
        sound = as_channels(audio, sample_rate).cpu()
        analysis = analyze_blocks([sound], sample_rate)
        others = [self.analyze(other, rate) for other, rate in zip(several, rates, strict=True)]
        names = [f"reference {n + 1}" for n in range(len(others))]
        result = self.match_analysis(analysis, others, names, request)
        return with_measured_loudness(result, analysis, lambda use: use([sound.numpy()]))

    def match_analysis(
        self, analysis: Analysis, references: Sequence[Analysis], names: Sequence[str], request: MatchRequest
    ) -> MatchResult:
        """`match` for sounds that were analyzed already; `names` of the references are what people are told."""
        from .methods.reference import Matching
        from .methods.reference.match import match_analysis

        noise = self.models.get(Matching)
        return match_analysis(self.encoder, self.eq_model, noise, analysis, references, names, request)

    def heard_as(
        self, analysis: Analysis, *, kind: str | None = None, name: str | Sequence[str] | None = None
    ) -> HeardAs | None:
        """What a sound is taken for; None for silence, and by encoders that tell no kinds apart. Raises `AeqError`."""
        if analysis.silent:
            return None
        return HeardAs.of(self.encoder.usual_of(analysis, prior_of(kind, name), self.eq_model))

    def score(self, audio: Any, sample_rate: int, word: str | Mapping[str, float]) -> float:
        """0..1: the share of sounds of this kind that have less of the word. 0.5 for silence."""
        return float(percentiles(torch.tensor(self.raw_score(audio, sample_rate, word), dtype=torch.float64)))

    def raw_score(self, audio: Any, sample_rate: int, word: str | Mapping[str, float]) -> float:
        """The score before it is made a percentile, in standard deviations of music: 0 is usual. 0 for silence."""
        asked = self.words.blend(word)
        analysis = self.analyze(audio, sample_rate)
        if analysis.silent:
            return 0.0
        seen = self.encoder.observe(analysis, self.eq_model)
        curve = center(self._decoder @ asked.for_kinds(seen.usual.kinds).mean)
        return float(standard_scores(curve[None], seen.balance_db, seen.usual.cov)[0])

    def curve_of(self, word: str | Mapping[str, float], kind: str | None = None) -> Tensor:
        """(bands,) float64 dB on the grid, level-free: the mean of what the word stands for.

        `kind`: of sound, one of `model.kinds.KINDS`; some words mean something else for a bass than for a voice.
        Raises `UnknownWordError`, and `AeqError` for a kind that is none.
        """
        prior = prior_of(kind, None)
        return center(self._decoder @ self.words.blend(word).for_kinds(prior).mean)

    def profile(self, audio: Any, sample_rate: int) -> dict[str, float]:
        """{word: score} for every word of the vocabulary."""
        return self.profile_analysis(self.analyze(audio, sample_rate))

    def profile_analysis(self, analysis: Analysis) -> dict[str, float]:
        """`profile` for a sound that was analyzed already."""
        if analysis.silent:
            return dict.fromkeys(self.words, 0.5)
        seen = self.encoder.observe(analysis, self.eq_model)
        curves = self._word_curves.clone()
        for n, word in self._differing:
            curves[n] = center(self._decoder @ word.for_kinds(seen.usual.kinds).mean)
        values = scores(curves, seen.balance_db, seen.usual.cov)
        return dict(zip(self.words, values.tolist(), strict=True))

    def suggestion(self, profile: Mapping[str, float]) -> str:
        """One sentence on what to try, from `profile`."""
        return suggest(profile, self.words)

    def analyze(self, audio: Any, sample_rate: int) -> Analysis:
        """Checks and analyses audio in memory. Raises `AudioError`."""
        return analyze_blocks([as_channels(audio, sample_rate).cpu()], sample_rate)


def _check_device(device: Any) -> None:
    """Raises `AeqError` for one that is not here."""
    try:
        torch.empty(0, device=device if isinstance(device, str) else repr(device))
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).split("\n")[0].split(". ")[0]
        raise AeqError(f"cannot compute on {device!r}: use auto, cpu, cuda or mps ({reason})") from None


def _choose_threads() -> None:
    # Sounds are what is split among cores, as lanes and processes. Within one, operations of a millisecond end at
    # barriers, where threads wait for one another: a second one gains little on a machine at rest, costs many times its
    # work where the other core is taken, and changes last digits (tests/bench/bench_threads.py). Whoever knows their
    # machine sets OMP_NUM_THREADS.
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
