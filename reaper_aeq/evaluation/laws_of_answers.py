"""How an answer has to follow intensity and sound."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from ..engine import AdaptiveEQ
from ..model.curves import projection, rms_db
from ..result.realization import eq_curve
from ..result.safety import scaled
from .law import WORDS, Law, TestSound, by_material, eq_of, mixes_of, response, slack_as_loud_db
from .laws_of_hearing import LEAST, TIGHT_DB, WORTH_MORE, share, yields

INTENSITIES = (0.25, 0.5, 0.75, 1.0)
HEARING = 0.002  # of a score: what the ends of an excerpt and the edges of a filter may change
# Of the word's curve: where both versions get the most or the least there is, their answers are meant to be equal, and
# what differs is by how much few bands miss a curve. Gains are tenths of a dB, and the least of a word may be one band
# of 1.5 dB: rounding alone moves each answer by up to 0.009.
BANDS_MISS = 0.01
LEAST_ADAPTIVE = {"mixes": 0.3}  # single sources: no figure holds for all kinds
MOST_SECOND = {"mixes": 0.6}
MOST_SPREAD = 0.65
AT_LEAST = 1.1 * LEAST[1.0]  # of the word: what gets no more is at the least that is heard


def null(engine: AdaptiveEQ, sounds: Sequence[TestSound]) -> Iterator[Law]:
    """Intensity 0 changes nothing."""
    most = 0.0
    for sound in sounds[::4]:
        result = engine.adapt(sound.audio, sound.sample_rate, "warm", intensity=0.0)
        most = max(most, *(abs(band.gain_db) for band in result.eq.bands), abs(result.eq.output_gain_db))
    yield Law("null", f"largest gain {most:.3f} dB", "under 0.05 dB", most < 0.05)


def monotone(engine: AdaptiveEQ, sounds: Sequence[TestSound]) -> Iterator[Law]:
    """More intensity never means less of the word."""
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
    yield Law("monotone", figure, f"none falls by more than {HEARING}, all rise", falls == flat == 0)


def adaptive(engine: AdaptiveEQ, sounds: Sequence[TestSound]) -> Iterator[Law]:
    """What lacks the word gets more of it than what has it."""
    for material, own in by_material(sounds).items():
        least_middle = LEAST_ADAPTIVE.get(material)
        for word in WORDS:
            m = engine.curve_of(word)
            heavier = eq_of(m)
            applied = eq_curve(heavier, 48_000)
            shares, wrong, held = [], 0.0, 0
            for sound in own:
                versions = [eq.apply(sound.audio, sound.sample_rate) for eq in (scaled(heavier, -1.0), heavier)]
                answers = [engine.adapt(audio, sound.sample_rate, word) for audio in versions]
                thin, heavy = map(response, answers)
                shares.append(float(projection(thin - heavy, m)) / (2 * float(projection(applied, m))))
                if shares[-1] < -BANDS_MISS:
                    # what a thin version lacks may lie where it must not be lifted
                    if yields(answers[0], engine.analyze(versions[0], sound.sample_rate), WORTH_MORE):
                        held += 1
                    else:
                        wrong = min(wrong, shares[-1])
            middle = statistics.median(shares)
            figure = f"median {middle:.2f}; the wrong way by {abs(wrong):.3f}, "
            figure += f"{held} of {len(own)} as safe leaves no more"
            must = f"none by {BANDS_MISS}" + (f", median at least {least_middle}" if least_middle else "")
            good = wrong >= -BANDS_MISS and middle >= (least_middle or 0.0)
            yield Law(f"adaptive ({word}, {material})", figure, must, good)


def convergent(engine: AdaptiveEQ, sounds: Sequence[TestSound]) -> Iterator[Law]:
    """Over mixes scores lie closer together afterwards."""
    for word in WORDS:
        spreads = {}
        methods: dict[str, dict[str, Any]] = {"asked": {}, "fixed": {"method": "fixed"}}
        for name, method in methods.items():
            before, after = [], []
            for sound in mixes_of(sounds):
                result = engine.adapt(sound.whole, sound.sample_rate, word, **method)
                before.append(result.score_before)
                after.append(engine.score(result.eq.apply(sound.whole, sound.sample_rate), sound.sample_rate, word))
            spreads[name] = statistics.pstdev(after) / max(statistics.pstdev(before), 1e-9)
        figure = f"{spreads['asked']:.2f} of the spread before (fixed curve {spreads['fixed']:.2f})"
        yield Law(f"convergent ({word})", figure, f"at most {MOST_SPREAD}", spreads["asked"] <= MOST_SPREAD)


def settling(engine: AdaptiveEQ, sounds: Sequence[TestSound]) -> Iterator[Law]:
    """Of presses that neither "safe" held back nor "heard" made what they are: these go on by design."""
    for material, own in by_material(sounds).items():
        for word in WORDS:
            m, shares = engine.curve_of(word), []
            for sound in own:
                analysis = engine.analyze(sound.whole, sound.sample_rate)
                first = engine.adapt(sound.whole, sound.sample_rate, word)
                if slack_as_loud_db(first.eq, analysis) < TIGHT_DB or share(first, analysis, m) < AT_LEAST:
                    continue
                second = engine.adapt(first.eq.apply(sound.whole, sound.sample_rate), sound.sample_rate, word)
                shares.append(float(rms_db(response(second)) / rms_db(response(first)).clamp_min(1e-6)))
            middle = statistics.median(shares) if shares else 0.0
            figure = f"second pass {middle:.2f} of the first ({len(own) - len(shares)} of {len(own)} held, left out)"
            # what weighs a fifth of what it hears, as it should where little is known, cannot settle in one press
            most = MOST_SECOND.get(material)
            must = f"at most {most}" if most else "reported"
            yield Law(f"settling ({word}, {material})", figure, must, middle <= (most or 1.0))


AMOUNTS_DB = (-12.0, -8.0, -4.0, 0.0, 4.0, 8.0, 12.0)


def score(engine: AdaptiveEQ, sounds: Sequence[TestSound]) -> Iterator[Law]:
    """Scores follow an EQ, and opposite words oppose each other."""
    least, at, raw = 1.0, "", []
    for word in WORDS:
        m = engine.curve_of(word)
        unit = eq_of(m * 6 / float(m.abs().max()))
        for sound in sounds:
            scores = []
            for amount in AMOUNTS_DB:
                shaped = scaled(unit, amount / 6).apply(sound.audio, sound.sample_rate)
                scores.append(engine.raw_score(shaped, sound.sample_rate, word))
            rank = float(spearmanr(AMOUNTS_DB, scores).statistic)
            least, at = min((least, at), (rank, f"{sound.name}, {word}"))
    mixes = mixes_of(sounds)
    raw = [[engine.score(s.audio, s.sample_rate, word) for s in mixes] for word in WORDS]
    against = float(np.corrcoef(raw[0], raw[1])[0, 1]) if len(mixes) > 2 else -1.0
    figure = f"least Spearman {least:.3f} ({at})" if at else "least Spearman 1.000"
    yield Law("score follows EQ", figure, "at least 0.99", least >= 0.99)
    yield Law("warm against bright", f"correlation {against:.2f} over mixes", "negative", against < 0)


def not_one_answer(engine: AdaptiveEQ, sounds: Sequence[TestSound]) -> Iterator[Law]:
    """No word is the answer to every mix, and "bright" follows the spectrum."""
    mixes = mixes_of(sounds)
    profiles = [engine.profile(s.whole, s.sample_rate) for s in mixes]
    tops = [max(p, key=p.__getitem__) for p in profiles]
    common = max(set(tops), key=tops.count)
    share = tops.count(common) / len(tops)
    centroids = [centroid_hz(s.whole, s.sample_rate) for s in mixes]
    rank = float(spearmanr([p["bright"] for p in profiles], centroids).statistic)
    yield Law("not one answer", f"'{common}' is top on {100 * share:.0f} % of mixes", "at most 50 %", share <= 0.5)
    yield Law("bright and centroid", f"Spearman {rank:.2f}", "at least 0.8", rank >= 0.8)


def centroid_hz(audio: np.ndarray, sample_rate: int) -> float:
    """Power-weighted mean frequency of the channels' summed spectrum, (channels, samples)."""
    power = np.abs(np.fft.rfft(audio, axis=1)).astype(np.float64) ** 2
    freqs = np.fft.rfftfreq(audio.shape[1], 1 / sample_rate)
    return float((power.sum(0) * freqs).sum() / max(power.sum(), 1e-30))
