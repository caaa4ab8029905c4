"""The laws (design, section 5), measured on real audio through real filters: every figure here was heard, not computed.

Each law is a function of the engine and the recordings; `run_laws` runs them all and keeps what they found. `report`
words are those both data sets agree on; the costly laws use warm and bright.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from ..bands import LIMITS, Eq
from ..dsp.arrays import resample
from ..dsp.audio import AudioFile
from ..dsp.fit import fit_bands
from ..dsp.loudness import integrated_loudness
from ..dsp.spectrum import GRID_HZ
from ..dsp.thought import equalised
from ..engine import AdaptiveEQ
from ..errors import AeqError, AudioError
from ..methods import DEFAULT_METHOD
from ..model.curves import GRID, along, rms_db
from ..realise import scaled
from ..result import Result
from ..train.data import AUDIO_SUFFIXES, read_table

WORDS = ("warm", "bright")
AGREED = ("warm", "bright", "muddy", "deep", "airy", "tinny")
EXCERPT_S, WHOLE_S = 10.0, 30.0  # most laws hold on any excerpt; the spread of scores is that of whole recordings
AMOUNTS_DB = (-12.0, -8.0, -4.0, 0.0, 4.0, 8.0, 12.0)
INTENSITIES = (0.25, 0.5, 0.75, 1.0)
HEARING = 0.002  # of a score: what the ends of an excerpt and the edges of a filter may change


@dataclass(frozen=True)
class Law:
    """One law's outcome: `figure` is what was measured, `must` what has to hold."""

    name: str
    figure: str
    must: str
    passed: bool


@dataclass(frozen=True)
class Sound:
    """A recording: name, kind ('mix', 'vocals', ...), an excerpt and more of it (channels, samples) float32, Hz."""

    name: str
    kind: str
    audio: np.ndarray
    whole: np.ndarray
    sample_rate: int


def read_sounds(folder: Path | str, every: int = 1) -> list[Sound]:
    """The first `EXCERPT_S` seconds of each (or every n-th) recording in a folder. Raises `AeqError` if none."""
    folder = Path(folder)
    files = sorted(p for p in folder.glob("*") if p.suffix.lower() in AUDIO_SUFFIXES)
    manifest = folder / "MANIFEST.tsv"
    kinds = {r["file"]: r["kind"] for r in read_table(manifest, "\t")} if manifest.is_file() else {}
    sounds = []
    for path in files[::every]:
        try:
            with AudioFile(path) as file:
                whole = next(iter(file.blocks(WHOLE_S)))
                audio = np.ascontiguousarray(whole[:, : round(EXCERPT_S * file.sample_rate)])
                sounds.append(Sound(path.name, kinds.get(path.name, "mix"), audio, whole, file.sample_rate))
        except AudioError:
            continue
    if not sounds:
        raise AeqError(f"{folder} holds no recordings")
    return sounds


class By:
    """An engine that answers by one method where none is named."""

    def __init__(self, engine: AdaptiveEQ, method: str) -> None:
        self._engine, self._method = engine, method

    def adapt(self, *args: Any, **options: Any) -> Result:
        return self._engine.adapt(*args, **{"method": self._method, **options})

    def adapt_analysis(self, *args: Any, **options: Any) -> Result:
        return self._engine.adapt_analysis(*args, **{"method": self._method, **options})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def run_laws(
    engine: AdaptiveEQ,
    sounds: Sequence[Sound],
    tell: Callable[[str], None] = lambda _: None,
    *,
    method: str = DEFAULT_METHOD,
    only: Sequence[str] = (),
) -> list[Law]:
    """All laws (or `only` those, by the names of their functions) over `sounds`, in the order of the design."""
    laws: list[Law] = []
    engine = By(engine, method)
    checks = (null, monotone, adaptive, convergent, settling, level, form, safe, human, score, not_one_answer)
    for check in [check for check in checks if not only or check.__name__ in only]:
        tell(check.__name__.replace("_", " "))
        laws += check(engine, sounds)
    return laws


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
        m = word_curve(engine, word)
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
        out.append(
            Law(f"adaptive ({word})", figure, "median at least 0.4, none negative", middle >= 0.4 and least > -0.005)
        )
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


def level(engine: AdaptiveEQ, sounds: Sequence[Sound]) -> list[Law]:
    band, moved = 0.0, 0.0
    for sound in sounds[::3]:
        base = engine.adapt(sound.audio, sound.sample_rate, "warm")
        for gain_db in (-30.0, 10.0):
            other = engine.adapt(sound.audio * np.float32(10 ** (gain_db / 20)), sound.sample_rate, "warm")
            for a, b in zip(base.eq.bands, other.eq.bands, strict=True):
                band = max(band, abs(a.gain_db - b.gain_db))
            moved = max(moved, abs(base.score_before - other.score_before))
    figure = f"bands move {band:.4f} dB, scores {moved:.5f}"
    return [Law("level", figure, "at most 0.1 dB and 0.005", band <= 0.1 and moved <= 0.005)]


def form(engine: AdaptiveEQ, sounds: Sequence[Sound]) -> list[Law]:
    worst, inside = 0.0, GRID_HZ <= 16_000
    for sound in sounds[::6]:
        x = torch.from_numpy(sound.audio)
        mono = x.mean(0, keepdim=True)
        if float(mono.square().mean()) < 1e-9:
            continue
        forms = [(resample(mono, sound.sample_rate, rate), rate) for rate in (44_100, 48_000, 96_000)]
        forms += [(mono.repeat(2, 1), sound.sample_rate), (mono.repeat(8, 1), sound.sample_rate)]
        answers = [engine.adapt(audio, rate, "warm").eq.response_db(GRID_HZ, rate)[inside] for audio, rate in forms]
        worst = max(worst, *(float(np.abs(a - answers[0]).max()) for a in answers[1:]))
    return [Law("form", f"largest difference {worst:.3f} dB", "at most 0.5 dB", worst <= 0.5)]


def safe(engine: AdaptiveEQ, sounds: Sequence[Sound]) -> list[Law]:
    limit, gain, boost, loud = LIMITS["gain_db"].high, 0.0, -np.inf, 0.0
    for sound in sounds:
        analysis = engine.analyze(sound.audio, sound.sample_rate)
        ltas = analysis.ltas_db()
        quiet = GRID_HZ[(ltas < ltas.max() - 60).numpy()]
        before_lufs = integrated_loudness(sound.audio, sound.sample_rate)
        for word in (*AGREED, "thin"):
            result = engine.adapt(sound.audio, sound.sample_rate, word)
            gain = max(gain, *(abs(b.gain_db) for b in result.eq.bands))
            if len(quiet):
                boost = max(boost, float(result.eq.response_db(quiet, sound.sample_rate).max()))
            if word in ("warm", "thin") and np.isfinite(before_lufs):
                after = result.eq.apply(sound.audio, sound.sample_rate)
                loud = max(loud, abs(integrated_loudness(after, sound.sample_rate) - before_lufs))
    odd = {
        "silence": np.zeros((2, 48_000)), "DC": np.full((1, 48_000), 0.5), "one sample": np.ones((1, 1)),
        "a click": np.eye(1, 48_000), "clicks": np.tile(np.eye(1, 4800), 10),
    }  # fmt: skip
    finite = all(_finite(engine.adapt(x.astype(np.float32), 48_000, "warm")) for x in odd.values())
    try:
        engine.adapt(np.array([0.0, np.nan], dtype=np.float32), 48_000, "warm")
        refused = False
    except AudioError:
        refused = True
    return [
        Law("safe: gains", f"largest {gain:.2f} dB", f"at most {limit:g} dB", gain <= limit),
        Law("safe: silent bands", f"largest boost {boost:.2f} dB", "at most 3 dB", boost <= 3.0),
        Law("safe: loudness", f"largest change {loud:.2f} LU", "at most 0.5 LU", loud <= 0.5),
        Law("safe: odd input", "finite" if finite else "not finite", "finite, NaN refused", finite and refused),
    ]


def human(engine: AdaptiveEQ, sounds: Sequence[Sound]) -> list[Law]:
    """A source of average balance: a recording equalised to just what the encoder calls usual for it."""
    worst, at = 0.0, ""
    for sound in [s for s in sounds if s.kind == "mix"][::4] or sounds[::4]:
        analysis = engine.analyze(sound.audio, sound.sample_rate)
        seen = engine.encoder.observe(analysis, engine.eq_model)
        if seen.visible_share < 0.95:
            continue
        usual = equalised(analysis, seen.usual_db - seen.ltas_db)
        for word in AGREED:
            error = float(rms_db(response(engine.adapt_analysis(usual, word)) - word_curve(engine, word)))
            worst, at = max((worst, at), (error, word))
    return [Law("human", f"at most {worst:.2f} dB RMS from people's mean ({at})", "at most 1.5 dB", 0 < worst <= 1.5)]


def score(engine: AdaptiveEQ, sounds: Sequence[Sound]) -> list[Law]:
    least, at, raw = 1.0, "", []
    for word in WORDS:
        m = word_curve(engine, word)
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


def not_one_answer(engine: AdaptiveEQ, sounds: Sequence[Sound]) -> list[Law]:
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


def word_curve(engine: AdaptiveEQ, word: str) -> Tensor:
    """(bands,) level-free mean curve of people's settings."""
    return engine.curve_of(word)


def eq_of(curve: Tensor) -> Eq:
    """The bands nearest to a curve; its level is free."""
    return fit_bands(curve[None], GRID, level_free=True).eq()


def response(result: Result) -> Tensor:
    return torch.from_numpy(result.eq.response_db(GRID_HZ, result.sample_rate))


def centroid_hz(audio: np.ndarray, sample_rate: int) -> float:
    """Power-weighted mean frequency of the channels' summed spectrum, (channels, samples)."""
    power = np.abs(np.fft.rfft(audio, axis=1)).astype(np.float64) ** 2
    freqs = np.fft.rfftfreq(audio.shape[1], 1 / sample_rate)
    return float((power.sum(0) * freqs).sum() / max(power.sum(), 1e-30))


def _finite(result: Result) -> bool:
    numbers = [result.score_before, result.score_after, result.confidence, result.eq.output_gain_db]
    numbers += [v for b in result.eq.bands for v in (b.freq_hz, b.gain_db, b.bandwidth_oct)]
    return all(np.isfinite(numbers))
