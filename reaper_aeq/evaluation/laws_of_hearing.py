"""A press must be heard: every sound gets a part of the word that nobody misses, unless that would not be safe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from torch import Tensor

from ..dsp.spectrum import Analysis
from ..dsp.virtual_eq import equalized
from ..engine import AdaptiveEQ
from ..methods.validation import AnalyzedRequest, validated
from ..model.audio_encoder import visibility
from ..model.curves import audible_projection
from ..request import EqRequest
from ..result.realization import net_change_db
from ..result.result import Result
from ..result.safety import scaled
from .law import AGREED, WORDS, Law, TestSound, answered, by_material, response, slack_as_loud_db

PRESSED = (*AGREED, "clear", "punchy", "less boomy")
SCORED_TO = 0.95  # what has more of a word than that needs no more
LEAST = {1.0: 0.25, 2.0: 0.5}  # intensity: how much of people's mean curve
AUDIBLE_DB, FEW = 0.5, 0.03
TIGHT_DB = 1.0  # from a limit: closer than that an answer yields to it
# What may be lifted where a source lies 40 or 60 dB down falls from so many dB before that on (docs/algorithm.md, 8),
# or answers would flip on a hair: there they yield already.
COMES_ON_DB = 2.5
WORTH_MORE = 1.1  # times: an answer that could not be so much stronger is held back
ADAPTATIONS = np.linspace(0.0, 1.0, 21).tolist()
AMOUNTS = np.linspace(-1.5, 1.5, 13).tolist()  # of the word's curve put on a sound
STEP_MOST = {"adaptation": 0.25, "score": 0.4}  # of the word's curve from one of these to the next


def heard(engine: AdaptiveEQ, sounds: Sequence[TestSound]) -> Iterator[Law]:
    """Every press does as much of the word as nobody misses, or what is safe."""
    for material, own in by_material(sounds).items():
        analyses = [engine.analyze(sound.audio, sound.sample_rate) for sound in own]
        quiet, presses = 0, 0
        shares: dict[float, list[float]] = {intensity: [] for intensity in LEAST}
        yielding = dict.fromkeys(LEAST, 0)
        for word in PRESSED:
            curves = curves_on(engine, word, analyses)
            for intensity, least in LEAST.items():
                asked = [AnalyzedRequest(analysis, EqRequest(word, intensity)) for analysis in analyses]
                results = answered(engine.adapt_many(asked))
                for analysis, result, m in zip(analyses, results, curves, strict=True):
                    presses += intensity == 1
                    quiet += intensity == 1 and net_db(result, analysis) < AUDIBLE_DB
                    if result.score_before > SCORED_TO:
                        continue
                    got = share(result, analysis, m)
                    if got < least and yields(result, analysis, least / max(got, 1e-3), COMES_ON_DB):
                        yielding[intensity] += 1
                    else:
                        shares[intensity].append(got)
        for intensity, least in LEAST.items():
            worst = min(shares[intensity], default=least)
            count = len(shares[intensity]) + yielding[intensity]
            figure = f"least {worst:.3f} of the word's curve; {yielding[intensity]} of {count} yield to safe"
            name = f"heard: intensity {intensity:g} ({material})"
            yield Law(name, figure, f"at least {least:g}, or no more is safe", worst >= least)
        part = quiet / max(presses, 1)
        figure = f"{100 * part:.1f} % of {presses} presses under {AUDIBLE_DB:g} dB"
        yield Law(f"heard: presses ({material})", figure, f"at most {100 * FEW:g} %", part <= FEW)
    yield from even(engine, sounds[::8])


def even(engine: AdaptiveEQ, sounds: Sequence[TestSound]) -> Iterator[Law]:
    """No cliff: from one adaptation, or one amount of the word in the sound, to the next."""
    steps, rises, free_pairs, pairs = dict.fromkeys(STEP_MOST, 0.0), 0.0, 0, 0
    for sound in sounds:
        analysis = engine.analyze(sound.audio, sound.sample_rate)
        for word in WORDS:
            m = engine.curve_of(word)
            requests = [EqRequest(word, 1.0, adaptation) for adaptation in ADAPTATIONS]
            results = answered(engine.adapt_many([AnalyzedRequest(analysis, request) for request in requests]))
            got = [share(result, analysis, m) for result in results]
            steps["adaptation"] = max(steps["adaptation"], *(abs(a - b) for a, b in pairwise(got)))
            versions = [equalized(analysis, amount * m) for amount in AMOUNTS]
            results = answered(engine.adapt_many([AnalyzedRequest(version, EqRequest(word)) for version in versions]))
            free = [slack_as_loud_db(r.eq, v, COMES_ON_DB) > TIGHT_DB for r, v in zip(results, versions, strict=True)]
            got = [share(result, version, m) for result, version in zip(results, versions, strict=True)]
            for (a, b), both in zip(pairwise(got), (x and y for x, y in pairwise(free)), strict=True):
                pairs, free_pairs = pairs + 1, free_pairs + both
                if both:
                    steps["score"], rises = max(steps["score"], a - b), max(rises, b - a)
    for name, most in STEP_MOST.items():
        figure = f"at most {steps[name]:.2f} of the word's curve from step to step"
        figure += f", rises {rises:.3f} ({free_pairs} of {pairs} steps beside no limit)" if name == "score" else ""
        good = steps[name] <= most and (name != "score" or rises <= 0.05)
        yield Law(f"heard: evenly over {name}", figure, f"at most {most:g}", good)


def curves_on(engine: AdaptiveEQ, word: str, analyses: Sequence[Analysis]) -> list[Tensor]:
    """What people do for a word (bands,), for each sound: some words mean something else for drums than for a voice."""
    asked = [AnalyzedRequest(analysis, EqRequest(word)) for analysis in analyses]
    requests = engine.requests([validated(one, engine.words) for one in asked])
    return [request.mean_db for request in requests]


def share(result: Result, analysis: Analysis, m: Tensor) -> float:
    """How many times the word's curve (bands,) an EQ holds where the source has sound."""
    return float(audible_projection(response(result), m, visible(analysis)))


def net_db(result: Result, analysis: Analysis) -> float:
    """The largest change that comes out where the source has sound, dB."""
    return net_change_db(response(result), result.eq.output_gain_db, visible(analysis))


def visible(analysis: Analysis) -> Tensor:
    """(bands,) 0..1, where a source has sound."""
    return visibility(analysis.ltas_db()) * analysis.in_reach


def yields(result: Result, analysis: Analysis, times: float, sooner_db: float = 0.0) -> bool:
    """Whether the same bands, so many times as strong, would not be safe, or these hardly are. `sooner_db`: as of
    `lifted_db`."""
    tight = slack_as_loud_db(result.eq, analysis, sooner_db) < TIGHT_DB
    tight = tight or any(abs(band.gain_db) > 12 - TIGHT_DB for band in result.eq.bands)
    return tight or slack_as_loud_db(scaled(result.eq, times), analysis, sooner_db) < 0
