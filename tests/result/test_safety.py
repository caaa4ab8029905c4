"""What comes out of bands and output gain together never goes beyond what a sound allows, whatever was asked."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq import AdaptiveEQ, Band, Eq
from reaper_aeq.dsp.loudness import integrated_loudness
from reaper_aeq.dsp.peaks import true_peak_db
from reaper_aeq.dsp.spectrum import GRID_HZ, analyze_blocks
from reaper_aeq.errors import AudioError
from reaper_aeq.evaluation.law import OUTPUT_DB, lifted_db, slack_db
from reaper_aeq.request import METHODS
from reaper_aeq.result.result import held_for_peaks, with_measured_loudness
from reaper_aeq.result.safety import CUT, OUTPUT, SILENCE, Held, Limits, Loudness

RATE = 48_000


def noise(slope_db_per_oct: float = -4.0, low_hz: float = 0.0, high_hz: float = 24e3, seed: int = 0) -> np.ndarray:
    """Three seconds, (1, samples) float32; beyond the two frequencies it falls by 40 dB an octave."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((1, 3 * RATE)))
    freqs = np.maximum(np.fft.rfftfreq(3 * RATE, 1 / RATE), 20.0)
    fall = slope_db_per_oct * np.log2(freqs / 1000)
    fall -= 40 * np.maximum(np.log2(np.maximum(low_hz, 1) / freqs), 0) + 40 * np.maximum(np.log2(freqs / high_hz), 0)
    sound = np.fft.irfft(spectrum * 10 ** (fall / 20)) * np.minimum(1.0, 10 * np.hanning(3 * RATE))
    return (0.05 * sound / sound.std()).astype(np.float32)


SOUNDS = {
    "mix": noise(),
    "bass": noise(-6.0, high_hz=250.0),
    "voice": noise(-5.0, low_hz=150.0, high_hz=6000.0),
    "cymbal": noise(0.0, low_hz=3000.0),
}
ANALYSES = {name: analyze_blocks([sound], RATE) for name, sound in SOUNDS.items()}
LIMITS = {name: Limits(analysis.ltas_db(), Loudness(analysis)) for name, analysis in ANALYSES.items()}

BANDS = st.builds(
    Band,
    kind=st.sampled_from(["band", "band", "low_shelf", "high_shelf"]),
    freq_hz=st.floats(30, 12_000),
    gain_db=st.floats(-12, 12),
    bandwidth_oct=st.just(1.0),
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(list(SOUNDS)), st.lists(BANDS, min_size=1, max_size=5), st.floats(0, 2))
def test_no_limit_is_broken_by_any_eq(name, bands, times):
    held = LIMITS[name].held(Eq(tuple(bands)), times)
    assert slack_db(held.eq, ANALYSES[name]) >= -0.01
    lost = Loudness(ANALYSES[name]).lost_db(LIMITS[name].response_db(held.eq))
    assert held.eq.output_gain_db == pytest.approx(lost) and held.most_gain_db >= held.eq.output_gain_db - 1e-9


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(SOUNDS)), st.lists(BANDS, min_size=1, max_size=4))
def test_more_is_never_less(name, bands):
    """Each band only ever grows on the way, by as much as was asked as long as nothing is in its way."""
    eq = Eq(tuple(bands))
    gains = [[abs(b.gain_db) for b in LIMITS[name].held(eq, t).eq.bands] for t in (0.0, 0.25, 0.5, 1.0, 2.0)]
    for less, more in itertools.pairwise(gains):
        assert all(b >= a - 0.1 for a, b in zip(less, more, strict=True)), gains


def test_what_breaks_no_limit_stays_as_it_was():
    eq = Eq((Band("band", 500, 3.0), Band("high_shelf", 4000, -2.0)))
    held = LIMITS["mix"].held(eq)
    assert held.eq.bands == eq.bands and held.by is None


@pytest.mark.parametrize(
    ("name", "bands", "by"),
    [
        ("bass", (Band("high_shelf", 2000, 9.0),), SILENCE),
        ("bass", (Band("low_shelf", 200, -11.0),), SILENCE),  # turned up again, which lifts all the rest
        ("mix", (Band("band", 300, -12.0), Band("band", 300, -9.0)), CUT),
        ("cymbal", (Band("low_shelf", 18_000, -9.0),), OUTPUT),
    ],
)
def test_which_limit_held_it_back(name, bands, by):
    assert LIMITS[name].held(Eq(bands)).by == by


def test_the_band_in_the_way_stays_and_the_others_go_on():
    eq = Eq((Band("high_shelf", 4000, 9.0), Band("band", 120, 3.0)))
    held = LIMITS["bass"].held(eq).eq
    assert held.bands[0].gain_db < 6.0 and held.bands[1].gain_db == pytest.approx(3.0, abs=0.1)
    # unless that is worth nothing
    top = int(np.argmin(abs(GRID_HZ - 8000)))
    worth = LIMITS["bass"].held(eq, worth=lambda response: float(response[top] - 2 * response[16:20].mean())).eq
    assert worth.bands[1].gain_db < 2.0


# ---- the engine


@pytest.fixture(scope="module")
def engine() -> AdaptiveEQ:
    return AdaptiveEQ.load(device="cpu")


@pytest.mark.parametrize("word", ["bright", "airy", "punchy", "warm"])
@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize("intensity", [1.0, 2.0])
def test_basses_are_not_gutted_and_turned_up(engine, name, word, intensity):
    """Of 60 dB down nothing rises by more than 3 dB, of 40 dB down by 6, gain included; it was 13 to 15."""
    sound = SOUNDS[name]
    eq = engine.adapt(sound, RATE, word, intensity=intensity).eq
    assert slack_db(eq, ANALYSES[name]) >= 0 and abs(eq.output_gain_db) <= OUTPUT_DB
    after = eq.apply(sound, RATE)
    assert integrated_loudness(after, RATE) == pytest.approx(integrated_loudness(sound, RATE), abs=0.5)
    before, later = engine.analyze(sound, RATE).ltas_db(), engine.analyze(after, RATE).ltas_db()
    heard = before > before.max() - 100  # below that, 16 bits and windows leak
    deep = (before < before.max() - 60) & heard
    if bool(deep.any()):
        assert float((later - before)[deep].max()) <= 3.5


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_held(engine, method):
    eq = engine.adapt(SOUNDS["bass"], RATE, "bright", method=method, variations=2 if method == "cvae" else 0)
    for result in (eq, *eq.variations):
        assert slack_db(result.eq, ANALYSES["bass"]) >= 0


def test_a_match_is_held(engine):
    result = engine.match(SOUNDS["bass"], RATE, SOUNDS["cymbal"] + 0.3 * SOUNDS["mix"], RATE, intensity=2.0)
    assert slack_db(result.eq, ANALYSES["bass"]) >= 0
    assert max(lifted_db(result.eq, ANALYSES["bass"]).values()) > 1.0


def test_peaks_are_kept_low_however_they_rise():
    """Where limits hold some bands, half the intensity is not half the rise: after one look it was 5 dB too much."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)[None].astype(np.float32)
    asked = []

    def at(intensity: float) -> Held:
        asked.append(intensity)
        return Held(Eq((Band("band", 1000.0, min(12.0, 24.0 * intensity), 2.0),)))

    held = held_for_peaks(at, 2.0, analyze_blocks([tone], RATE))
    (band,) = held.eq.bands
    assert held.by == OUTPUT and max(asked) == 2.0
    rise_db = true_peak_db(held.eq.apply(tone, RATE)) - true_peak_db(tone)
    assert 6.3 < rise_db <= 7.0 and band.gain_db == pytest.approx(rise_db, abs=0.1)
    asked.clear()
    assert held_for_peaks(at, 0.25, analyze_blocks([tone], RATE)) == at(0.25) and asked == [0.25, 0.25]


def test_peaks_that_rise_by_phase_alone_are_seen():
    """No band lifts a square wave by more than 5 dB, and its peaks rise by 8."""
    wave = 0.9 * np.sign(np.sin(2 * np.pi * 120 * np.arange(RATE) / RATE))
    wave = (wave * np.minimum(1.0, np.minimum(np.arange(RATE), np.arange(RATE)[::-1]) / 9600))[None].astype(np.float32)
    eq = Eq((Band("low_shelf", 300.0, -12.0), Band("high_shelf", 1500.0, 4.9)))
    assert float(eq.response_db(GRID_HZ, RATE).max()) < 5.0
    assert true_peak_db(eq.apply(wave, RATE)) - true_peak_db(wave) > 8.0

    def at(intensity: float) -> Held:
        return Held(Eq(tuple(Band(b.kind, b.freq_hz, intensity * b.gain_db) for b in eq.bands)))

    held = held_for_peaks(at, 1.0, analyze_blocks([wave], RATE))
    assert held.by == OUTPUT
    assert 6.0 < true_peak_db(held.eq.apply(wave, RATE)) - true_peak_db(wave) <= 7.1


def test_a_match_keeps_peaks_low(engine):
    """A full-scale tone under faint noise whose reference has 20 dB more at the tone."""
    rng, t = np.random.default_rng(0), np.arange(4 * RATE) / RATE
    noise = rng.standard_normal(len(t))
    kicks = np.sin(2 * np.pi * 60 * t) * np.exp(-((t % 1.0) * 18))
    sound = ((kicks + 0.05 * noise) / np.abs(kicks + 0.05 * noise).max())[None].astype(np.float32)
    reference = (kicks + 0.002 * noise)[None].astype(np.float32)
    result = engine.match(sound, RATE, reference, RATE, intensity=2.0)
    assert max(abs(band.gain_db) for band in result.eq.bands) > 3.0
    assert true_peak_db(result.eq.apply(sound, RATE)) <= max(true_peak_db(sound) + 1.0, 0.0)


def test_peaks_take_output_gain_away_and_that_is_said(engine):
    """A sound at full scale whose peaks are all low: more of the lows at equal loudness would clip."""
    rng = np.random.default_rng(3)
    t = np.arange(4 * RATE) / RATE
    kicks = np.sin(2 * np.pi * 60 * t) * np.exp(-((t % 1.0) * 18))
    sound = (kicks + 0.05 * rng.standard_normal(len(t)))[None]
    sound = (sound / np.abs(sound).max()).astype(np.float32)
    found = [engine.adapt(level * sound, RATE, "boomy", intensity=2.0) for level in (1.0, 0.1)]
    loud, quiet = found
    assert [b.gain_db for b in loud.eq.bands] == pytest.approx([b.gain_db for b in quiet.eq.bands], abs=0.1)
    assert true_peak_db(loud.eq.apply(sound, RATE)) <= max(true_peak_db(sound) + 1.0, 0.0)
    assert loud.gave_way_db > 0.1 and quiet.gave_way_db == 0.0
    assert loud.explanation.endswith(f"It comes out {loud.gave_way_db:.1f} dB softer, so that its peaks do not clip.")
    assert "softer" not in quiet.explanation
    # a sound too long to be kept: from the pieces in which its peaks are
    analyzed = engine.adapt_analysis(engine.analyze(sound, RATE), "boomy", intensity=2.0)
    assert analyzed.eq.output_gain_db == pytest.approx(loud.eq.output_gain_db, abs=0.5)
    # a quiet sound's samples are not looked at once more, a loud one's are
    for level, result in ((0.01, engine.adapt(0.01 * sound, RATE, "boomy", intensity=2.0)), (1.0, loud)):
        asked = []
        again = with_measured_loudness(
            result,
            engine.analyze(level * sound, RATE),
            lambda use, n=level, to=asked: to.append(n) or use([n * sound]),
        )
        assert asked == ([1.0] if level == 1.0 else []) and again.eq == result.eq
    # a sound that is gone by now, or another one, gives way as much as its loudest pieces tell
    known = with_measured_loudness(loud, engine.analyze(sound, RATE), None)
    assert known.gave_way_db > 0.1
    for now in (0.5 * sound, 4 * sound, None):

        def gone(use, now=now):
            if now is None:
                raise AudioError("gone")
            return use([now])

        assert with_measured_loudness(loud, engine.analyze(sound, RATE), gone).eq == known.eq
    # the picture follows
    heard = np.isfinite(loud.source_db)
    out = loud.eq.response_db(GRID_HZ, RATE) + loud.eq.output_gain_db
    assert np.abs((loud.result_db - loud.source_db - out)[heard]).max() < 1e-6


def test_the_limits_follow_the_sound_not_its_level():
    for scale in (0.03, 3.0):
        other = analyze_blocks([SOUNDS["voice"] * np.float32(scale)], RATE)
        eq = Eq((Band("high_shelf", 3000, 11.0), Band("low_shelf", 200, -9.0)))
        a, b = LIMITS["voice"].held(eq), Limits(other.ltas_db(), Loudness(other)).held(eq)
        assert [x.gain_db for x in a.eq.bands] == pytest.approx([x.gain_db for x in b.eq.bands], abs=0.05)
    assert torch.equal(LIMITS["voice"].response_db(Eq()), torch.zeros(len(GRID_HZ), dtype=torch.float64))


def test_loudness_for_limits_knows_no_level():
    """Decays that end below the absolute gate of BS.1770 where a recording is soft: what an EQ costs stays the same."""
    rng, t = np.random.default_rng(5), np.arange(12 * RATE) / RATE
    decays = (np.exp(-((t % 4.0) * 2.2)) * rng.standard_normal(len(t)))[None].astype(np.float32)
    deep = np.sin(2 * np.pi * 90 * t)[None] * np.exp(-((t % 4.0) * 0.8))
    sound = (0.2 * decays + 0.2 * deep).astype(np.float32)
    response = torch.from_numpy(Eq((Band("low_shelf", 300.0, 9.0),)).response_db(GRID_HZ, RATE))
    lost = [Loudness(analyze_blocks([level * sound], RATE)).lost_db(response) for level in (1.0, 10**-1.5, 10**-2.5)]
    assert lost[1:] == pytest.approx([lost[0]] * 2, abs=1e-3)


def test_only_a_curve_that_would_lift_too_much_is_stopped():
    little = torch.full((len(GRID_HZ),), 0.5, dtype=torch.float64)
    assert not LIMITS["cymbal"].stop(little) and LIMITS["cymbal"].stop(20 * little)
