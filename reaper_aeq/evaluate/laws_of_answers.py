"""How an answer has to follow intensity and sound."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence

import torch

from ..dsp.spectrum import GRID_HZ
from ..engine import AdaptiveEQ
from ..model.curves import along, rms_db
from ..safety import scaled
from .law import WORDS, Law, Sound, eq_of, response

INTENSITIES = (0.25, 0.5, 0.75, 1.0)
HEARING = 0.002  # of a score: what the ends of an excerpt and the edges of a filter may change
# Of the word's curve: where both versions get the most or the least there is, their answers are meant to be equal, and
# what differs is by how much five bands miss a curve.
BANDS_MISS = 0.005


def null(engine: AdaptiveEQ, sounds: Sequence[Sound]) -> list[Law]:
    most = 0.0
    for sound in sounds[::4]:
        result = engine.adapt(sound.audio, sound.sample_rate, "warm", intensity=0.0)
        most = max(most, *(abs(band.gain_db) for band in result.eq.bands), abs(result.eq.output_gain_db))
    return [Law("null", f"largest gain {most:.3f} dB", "under 0.05 dB", most < 0.05)]


def monotone(engine: AdaptiveEQ, sounds: Sequence[Sound]) -> list[Law]:
    falls, flat, worst = 0, 0, 0.0
    for sound in sounds:
        for word in WORDS:
            scores = [engine.score(sound.audio, sound.sample_rate, word)]
            for intensity in INTENSITIES:
                eq = engine.adapt(sound.audio, sound.sample_rate, word, intensity=intensity).eq
                scores.append(engine.score(eq.apply(sound.audio, sound.sample_rate), sound.sample_rate, word))
            drop = max(a - b for a, b in itertools.pairwise(scores))
            worst, falls = max(worst, drop), falls + (drop > HEARING)
            flat += scores[-1] <= scores[0] and scores[0] <= 0.95
    figure = f"{falls} of {len(sounds) * len(WORDS)} fall (most {worst:.4f}), {flat} do not rise"
    return [Law("monotone", figure, f"none falls by more than {HEARING}, all rise", falls == flat == 0)]


def adaptive(engine: AdaptiveEQ, sounds: Sequence[Sound]) -> list[Law]:
    out = []
    for word in WORDS:
        m = engine.curve_of(word)
        heavier = eq_of(m)
        applied = torch.from_numpy(heavier.response_db(GRID_HZ, 48_000))
        thinner = scaled(heavier, -1.0)
        shares = []
        for sound in sounds:
            answers = [
                response(engine.adapt(eq.apply(sound.audio, sound.sample_rate), sound.sample_rate, word))
                for eq in (thinner, heavier)
            ]
            shares.append(float(along(answers[0] - answers[1], m)) / (2 * float(along(applied, m))))
        middle, least = statistics.median(shares), min(shares)
        figure = f"median {middle:.2f}, least {least:+.3f}"
        must = f"median at least 0.4, none under -{BANDS_MISS}"
        out.append(Law(f"adaptive ({word})", figure, must, middle >= 0.4 and least >= -BANDS_MISS))
    return out


def convergent(engine: AdaptiveEQ, sounds: Sequence[Sound]) -> list[Law]:
    mixes = [s for s in sounds if s.kind == "mix"] or list(sounds)
    out = []
    for word in WORDS:
        spreads = {}
        for name, method in {"asked": {}, "fixed": {"method": "fixed"}}.items():
            before, after = [], []
            for sound in mixes:
                result = engine.adapt(sound.whole, sound.sample_rate, word, **method)
                before.append(result.score_before)
                after.append(engine.score(result.eq.apply(sound.whole, sound.sample_rate), sound.sample_rate, word))
            spreads[name] = statistics.pstdev(after) / max(statistics.pstdev(before), 1e-9)
        figure = f"{spreads['asked']:.2f} of the spread before (fixed curve {spreads['fixed']:.2f})"
        out.append(Law(f"convergent ({word})", figure, "at most 0.6", spreads["asked"] <= 0.6))
    return out


def settling(engine: AdaptiveEQ, sounds: Sequence[Sound]) -> list[Law]:
    out = []
    for word in WORDS:
        shares = []
        for sound in sounds:
            first = engine.adapt(sound.whole, sound.sample_rate, word)
            second = engine.adapt(first.eq.apply(sound.whole, sound.sample_rate), sound.sample_rate, word)
            shares.append(float(rms_db(response(second)) / rms_db(response(first)).clamp_min(1e-6)))
        middle = statistics.median(shares)
        out.append(Law(f"settling ({word})", f"second pass {middle:.2f} of the first", "at most 0.6", middle <= 0.6))
    return out
