"""How scores have to follow what is heard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import spearmanr

from ..engine import AdaptiveEQ
from ..result.safety import scaled
from .law import WORDS, Law, TestSound, eq_of

AMOUNTS_DB = (-12.0, -8.0, -4.0, 0.0, 4.0, 8.0, 12.0)


def score(engine: AdaptiveEQ, sounds: Sequence[TestSound]) -> list[Law]:
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
    mixes = [s for s in sounds if s.kind == "mix"] or list(sounds)
    raw = [[engine.score(s.audio, s.sample_rate, word) for s in mixes] for word in WORDS]
    against = float(np.corrcoef(raw[0], raw[1])[0, 1]) if len(mixes) > 2 else -1.0
    return [
        Law(
            "score follows EQ",
            f"least Spearman {least:.3f} ({at})" if at else "least Spearman 1.000",
            "at least 0.99",
            least >= 0.99,
        ),
        Law("warm against bright", f"correlation {against:.2f} over mixes", "negative", against < 0),
    ]


def not_one_answer(engine: AdaptiveEQ, sounds: Sequence[TestSound]) -> list[Law]:
    mixes = [s for s in sounds if s.kind == "mix"] or list(sounds)
    profiles = [engine.profile(s.whole, s.sample_rate) for s in mixes]
    tops = [max(p, key=p.__getitem__) for p in profiles]
    common = max(set(tops), key=tops.count)
    share = tops.count(common) / len(tops)
    rank = float(
        spearmanr([p["bright"] for p in profiles], [centroid_hz(s.whole, s.sample_rate) for s in mixes]).statistic
    )
    return [
        Law("not one answer", f"'{common}' is top on {100 * share:.0f} % of mixes", "at most 50 %", share <= 0.5),
        Law("bright and centroid", f"Spearman {rank:.2f}", "at least 0.8", rank >= 0.8),
    ]


def centroid_hz(audio: np.ndarray, sample_rate: int) -> float:
    """Power-weighted mean frequency of the channels' summed spectrum, (channels, samples)."""
    power = np.abs(np.fft.rfft(audio, axis=1)).astype(np.float64) ** 2
    freqs = np.fft.rfftfreq(audio.shape[1], 1 / sample_rate)
    return float((power.sum(0) * freqs).sum() / max(power.sum(), 1e-30))
