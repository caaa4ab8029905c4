"""What an answer must not hang on, and what it must never do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import soxr

from ..dsp.loudness import integrated_loudness
from ..dsp.peaks import true_peak_db
from ..dsp.spectrum import GRID_HZ
from ..dsp.virtual_eq import equalized
from ..engine import AdaptiveEQ
from ..eq import LIMITS
from ..errors import AudioError
from ..methods.validation import AnalyzedRequest
from ..model.curves import audible_rms_db
from ..request import EqRequest
from ..result.result import Result
from .law import AGREED, LIFTS_DB, NET_DB, OUTPUT_DB, Law, TestSound, answered, by_material, lifted_db, net_db, response
from .laws_of_hearing import WORTH_MORE, curves_on, visible, yields

HUMAN_DB = 1.5  # RMS, from people's mean


def level(engine: AdaptiveEQ, sounds: Sequence[TestSound]) -> Iterator[Law]:
    """How loud a recording is changes nothing."""
    band, moved = 0.0, 0.0
    for sound in sounds[::3]:
        base = engine.adapt(sound.audio, sound.sample_rate, "warm")
        for gain_db in (-30.0, 10.0):
            other = engine.adapt(sound.audio * np.float32(10 ** (gain_db / 20)), sound.sample_rate, "warm")
            for a, b in zip(base.eq.bands, other.eq.bands, strict=True):
                band = max(band, abs(a.gain_db - b.gain_db))
            moved = max(moved, abs(base.score_before - other.score_before))
    figure = f"bands move {band:.4f} dB, scores {moved:.5f}"
    yield Law("level", figure, "at most 0.1 dB and 0.005", round(band, 6) <= 0.1 and moved <= 0.005)


def form(engine: AdaptiveEQ, sounds: Sequence[TestSound]) -> Iterator[Law]:
    """Sample rate and number of channels change next to nothing."""
    worst, inside = 0.0, GRID_HZ <= 16_000
    for sound in sounds[::6]:
        mono = sound.audio.mean(0)
        if float(np.square(mono).mean()) < 1e-9:
            continue
        forms = [(soxr.resample(mono, sound.sample_rate, rate, "VHQ"), rate) for rate in (44_100, 48_000, 96_000)]
        forms += [(np.tile(mono, (channels, 1)), sound.sample_rate) for channels in (2, 8)]
        answers = [engine.adapt(audio, rate, "warm").eq.response_db(GRID_HZ, rate)[inside] for audio, rate in forms]
        worst = max(worst, *(float(np.abs(a - answers[0]).max()) for a in answers[1:]))
    yield Law("form", f"largest difference {worst:.3f} dB", "at most 0.5 dB", worst <= 0.5)


def safe(engine: AdaptiveEQ, sounds: Sequence[TestSound]) -> Iterator[Law]:
    """What comes out of bands and output gain together, at the usual intensity and at twice that."""
    limit, gain, output, loud, peak = LIMITS["gain_db"].high, 0.0, 0.0, 0.0, -np.inf
    lifts, net = dict.fromkeys(LIFTS_DB, -np.inf), (-np.inf, -np.inf)
    for sound in sounds:
        analysis = engine.analyze(sound.audio, sound.sample_rate)
        before_lufs = integrated_loudness(sound.audio, sound.sample_rate)
        before_db = true_peak_db(sound.audio)
        for word, intensity in [*((word, 1.0) for word in (*AGREED, "thin")), ("bright", 2.0), ("punchy", 2.0)]:
            result = engine.adapt(sound.audio, sound.sample_rate, word, intensity=intensity)
            gain = max(gain, *(abs(b.gain_db) for b in result.eq.bands))
            output = max(output, abs(result.eq.output_gain_db))
            lifts = {depth: max(lifts[depth], db) for depth, db in lifted_db(result.eq, analysis).items()}
            boost, cut = net_db(result.eq, analysis)
            net = (max(net[0], boost), max(net[1], cut))
            if word in ("warm", "thin", "bright") and np.isfinite(before_lufs):
                after = result.eq.apply(sound.audio, sound.sample_rate)
                over = true_peak_db(after) - max(before_db + 1.0, 0.0)
                peak = max(peak, over)
                moved = integrated_loudness(after, sound.sample_rate) - before_lufs
                # an output gain that gave way to peaks makes it softer
                loud = max(loud, moved if result.gave_way_db else abs(moved))
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
    bounded = [("gains", "largest {} dB", gain, limit)]
    bounded += [(f"{depth:g} dB down", "lifted by {} dB", lifts[depth], most) for depth, most in LIFTS_DB.items()]
    bounded += [("net boost", "largest {} dB", net[0], NET_DB)]
    bounded += [("net cut", "largest {} dB where there is sound", net[1], NET_DB)]
    bounded += [("output gain", "largest {} dB", output, OUTPUT_DB)]
    for name, told, db, most in bounded:
        yield Law(f"safe: {name}", told.format(f"{db:.2f}"), f"at most {most:g} dB", db <= most)
    yield Law("safe: true peak", f"{peak:+.2f} dB beyond the limit", "1 dB over before, or full scale", peak <= 0.0)
    yield Law("safe: loudness", f"largest change {loud:.2f} LU", "at most 0.5 LU", loud <= 0.5)
    yield Law("safe: odd input", "finite" if finite else "not finite", "finite, NaN refused", finite and refused)


def human(engine: AdaptiveEQ, sounds: Sequence[TestSound]) -> Iterator[Law]:
    """A source of average balance: a recording equalized to just what the encoder calls usual for it. Compared where
    it has sound, with the word as it is meant for what the sound is."""
    for material, own in by_material(sounds).items():
        usual = []
        for sound in own:
            analysis = engine.analyze(sound.audio, sound.sample_rate)
            seen = engine.encoder.observe(analysis, engine.eq_model)
            if seen.visible_share >= 0.95:
                usual.append(equalized(analysis, seen.usual_db - seen.ltas_db))
        worst, at, held = 0.0, "none was average", 0
        for word in AGREED:
            answers = answered(engine.adapt_many([AnalyzedRequest(analysis, EqRequest(word)) for analysis in usual]))
            for analysis, answer, m in zip(usual, answers, curves_on(engine, word, usual), strict=True):
                error = audible_rms_db(response(answer) - m, visible(analysis))
                if error > HUMAN_DB and yields(answer, analysis, WORTH_MORE):
                    held += 1
                else:
                    worst, at = max((worst, at), (error, word))
        count = len(usual) * len(AGREED)
        figure = f"at most {worst:.2f} dB RMS from people's mean ({at}); {held} of {count} yield to safe"
        must = f"at most {HUMAN_DB:g} dB, or no more is safe"
        yield Law(f"human ({material})", figure, must, 0 < worst <= HUMAN_DB)


def _finite(result: Result) -> bool:
    numbers = [result.score_before, result.score_after, result.confidence, result.eq.output_gain_db]
    numbers += [v for b in result.eq.bands for v in (b.freq_hz, b.gain_db, b.bandwidth_oct)]
    return all(np.isfinite(numbers))
