"""The laws that every method keeps (docs/examinations.md), on sounds made here."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from method_sounds import RATE, SOUNDS

from reaper_aeq import AdaptiveEQ
from reaper_aeq.dsp.loudness import integrated_loudness
from reaper_aeq.eq import LIMITS, MAX_BANDS
from reaper_aeq.evaluation.law import slack_db


def null(engine: AdaptiveEQ, **options) -> None:
    result = engine.adapt(SOUNDS["thin"], RATE, "warm", intensity=0.0, **options)
    assert all(abs(band.gain_db) < 0.05 for band in result.eq.bands) and result.eq.output_gain_db == 0


def level(engine: AdaptiveEQ, **options) -> None:
    sound = SOUNDS["thin"]
    plain = engine.adapt(sound, RATE, "warm", **options)
    for gain_db in (-30.0, 10.0):
        other = engine.adapt(sound * np.float32(10 ** (gain_db / 20)), RATE, "warm", **options)
        for a, b in zip(plain.eq.bands, other.eq.bands, strict=True):
            assert abs(a.gain_db - b.gain_db) <= 0.1
        assert abs(plain.score_before - other.score_before) <= 0.005


def monotone(engine: AdaptiveEQ, name: str, word: str, **options) -> None:
    sound = SOUNDS[name]
    scores = [engine.raw_score(sound, RATE, word)]
    for intensity in (0.25, 0.5, 0.75, 1.0):
        eq = engine.adapt(sound, RATE, word, intensity=intensity, **options).eq
        scores.append(engine.raw_score(eq.apply(sound, RATE), RATE, word))
    assert all(b > a - 0.005 for a, b in pairwise(scores)) and scores[-1] > scores[0], scores


def safe(engine: AdaptiveEQ, name: str, word: str, **options) -> None:
    sound = SOUNDS[name]
    result = engine.adapt(sound, RATE, word, **options)
    assert len(result.eq.bands) <= MAX_BANDS
    for band in result.eq.bands:
        assert all(getattr(band, limit) in LIMITS[limit] for limit in ("freq_hz", "gain_db", "bandwidth_oct"))
    assert slack_db(result.eq, engine.analyze(sound, RATE)) >= 0
    loudness = [integrated_loudness(x, RATE) for x in (sound, result.eq.apply(sound, RATE))]
    assert abs(loudness[1] - loudness[0]) <= 0.5
