"""The one story: a sound and a word in, bands out, with the shipped models."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from json_eq import eq_from_json

from reaper_aeq import AdaptiveEQ, Band, Eq
from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.eq import LIMITS, MAX_BANDS
from reaper_aeq.errors import AeqError, AudioError, ModelError, RangeError, UnknownWordError
from reaper_aeq.methods.validation import AnalyzedRequest
from reaper_aeq.model.curves import projection, rms_db
from reaper_aeq.reaper.reaeq.instance import vst_block
from reaper_aeq.request import EqRequest
from reaper_aeq.result.result import Result

RATE = 48_000
FREQS_HZ = np.geomspace(30, 18_000, 60)


def noise(seconds: float = 2.0, channels: int = 2, tilt_db_per_oct: float = -3.0, seed: int = 0) -> np.ndarray:
    """Float32 (channels, samples), falling as music about does."""
    samples = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((channels, samples)))
    freqs = np.maximum(np.fft.rfftfreq(samples, 1 / RATE), 25.0)
    sound = np.fft.irfft(spectrum * (freqs / 1000) ** (tilt_db_per_oct / 6.02), samples)
    return (0.05 * sound / sound.std()).astype(np.float32)


@pytest.fixture(scope="module")
def engine() -> AdaptiveEQ:
    return AdaptiveEQ.load(device="cpu")


def finite(result: Result) -> bool:
    numbers = [result.score_before, result.score_after, result.confidence, result.eq.output_gain_db]
    numbers += [v for b in result.eq.bands for v in (b.freq_hz, b.gain_db, b.bandwidth_oct)]
    return all(map(math.isfinite, numbers))


@pytest.mark.parametrize("encoder", ["kinds", "cnn"])
def test_a_device_is_known_by_its_kind_whichever_of_several_it_is(encoder):
    """What runs on one asks for 'cuda'."""
    assert AdaptiveEQ.load(device="cpu:0", encoder=encoder).device == "cpu"


def test_importing_the_package_loads_no_torch():
    program = "import sys, reaper_aeq; reaper_aeq.Band; print('torch' in sys.modules, 'numpy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "False False\n"


def test_the_answer_as_json(engine):
    data = json.loads(json.dumps(engine.adapt(noise(), RATE, "warm").to_dict()))
    assert list(data) == [
        "word", "intensity", "method", "score", "confidence", "explanation", "heard_as", "output_gain_db", "bands",
    ]  # fmt: skip
    assert list(data["score"]) == ["before", "after"]
    assert (data["word"], data["intensity"], data["method"]) == ("warm", 1.0, "adaptive")
    assert 0 <= data["score"]["before"] < data["score"]["after"] <= 1 and 0 < data["confidence"] <= 1
    assert [list(band) for band in data["bands"]] == [
        ["kind", "freq_hz", "gain_db", "bandwidth_oct", "enabled"]
    ] * len(data["bands"])  # fmt: skip
    assert 1 <= len(data["bands"]) <= 3 and all(band["gain_db"] for band in data["bands"])
    assert eq_from_json(data) == engine.adapt(noise(), RATE, "warm").eq


@pytest.mark.parametrize("word", ["warm", "bright", "less muddy", "claro"])
@pytest.mark.parametrize("intensity", [-2, -1, 0.5, 1, 2])
def test_bands_are_within_reaeqs_limits(engine, word, intensity):
    result = engine.adapt(noise(), RATE, word, intensity=intensity)
    assert len(result.eq.bands) <= MAX_BANDS and finite(result)
    for band in result.eq.bands:
        assert all(getattr(band, name) in LIMITS[name] for name in ("freq_hz", "gain_db", "bandwidth_oct"))
        assert band.enabled and (band.bandwidth_oct == 1.0 or not band.kind.endswith("shelf"))


@pytest.mark.parametrize("method", ["adaptive", "fixed"])
@pytest.mark.parametrize("word", ["warm", {"warm": 0.7, "airy": 0.3}])
def test_intensity_0_changes_nothing(engine, word, method):
    result = engine.adapt(noise(), RATE, word, intensity=0, method=method)
    assert all(band.gain_db == 0 for band in result.eq.bands) and result.eq.output_gain_db == 0
    assert result.score_after == result.score_before


@pytest.mark.parametrize("intensity", [0.5, 1.0])
def test_a_negative_intensity_asks_for_less(engine, intensity):
    negative = engine.adapt(noise(), RATE, "warm", intensity=-intensity)
    less = engine.adapt(noise(), RATE, "less warm", intensity=intensity)
    assert negative.eq == less.eq and (negative.word, less.word) == ("warm", "less warm")
    assert negative.score_after < negative.score_before and less.score_after > less.score_before
    assert negative.score_before + less.score_before == pytest.approx(1.0)
    again = engine.adapt(noise(), RATE, "less warm", intensity=-intensity)
    assert again.eq == engine.adapt(noise(), RATE, "warm", intensity=intensity).eq


def test_more_intensity_is_more_of_the_same(engine):
    half, full, double = (engine.adapt(noise(), RATE, "warm", intensity=i) for i in (0.5, 1.0, 2.0))
    for a, b, c in zip(half.eq.bands, full.eq.bands, double.eq.bands, strict=True):
        # each is rounded to tenths of a dB
        assert a.freq_hz == b.freq_hz == c.freq_hz and b.gain_db == pytest.approx(2 * a.gain_db, abs=0.3)
        assert c.gain_db == pytest.approx(LIMITS["gain_db"].clamp(2 * b.gain_db), abs=0.3)
    assert half.score_before == full.score_before and half.score_after < full.score_after < double.score_after


def test_a_thin_sound_gets_more_than_a_warm_one(engine):
    # as mixes: of noise nobody knows what is usual, and it is listened to less
    thin, warm = (engine.adapt(noise(tilt_db_per_oct=tilt), RATE, "warm", kind="mix") for tilt in (-2.0, -6.0))
    assert thin.score_before < warm.score_before
    m = engine.curve_of("warm")
    given = [float(projection(torch.from_numpy(r.eq.response_db(GRID_HZ, RATE)), m)) for r in (thin, warm)]
    assert given[0] > 1.8 * given[1] > 0.4
    same = [engine.adapt(noise(tilt_db_per_oct=t), RATE, "warm", adaptation=0.0) for t in (-2.0, -6.0)]
    fixed = engine.adapt(noise(), RATE, "warm", method="fixed")
    assert fixed.method == "fixed"
    for result in (*same, fixed):  # one curve, for which few bands are found by what is heard of it
        assert float(rms_db(torch.from_numpy(result.eq.response_db(GRID_HZ, RATE)) - m)) < 0.5
        assert float(projection(torch.from_numpy(result.eq.response_db(GRID_HZ, RATE)), m)) == pytest.approx(
            1.0, abs=0.03
        )


ODD = {
    "silence": np.zeros((2, RATE)),
    "almost silence": np.full((1, RATE), 1e-9),
    "offset": np.full((1, RATE), 0.5),
    "click": np.eye(1, RATE),
    "clicks": np.tile(np.eye(1, 4800), 10),
    "one sample": np.ones((1, 1)),
    "two samples": np.array([0.5, -0.5]),
    "far beyond full scale": 1e6 * np.random.default_rng(0).standard_normal((1, RATE)),
    "one tone": np.sin(np.arange(RATE) * 0.1)[None],
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("sample_rate", [8_000, 48_000, 192_000])
def test_odd_sounds_give_finite_answers(engine, name, sample_rate):
    sound = ODD[name].astype(np.float32)
    for word in ("warm", "airy"):
        result = engine.adapt(sound, sample_rate, word)
        assert finite(result) and isinstance(result.explanation, str)
        assert np.isfinite(result.eq.apply(sound, sample_rate)).all()
    profile = engine.profile(sound, sample_rate)
    assert all(0 <= score <= 1 for score in profile.values())


def test_silence_gets_nothing_and_is_told_so(engine):
    result = engine.adapt(np.zeros(RATE), RATE, "warm")
    assert result.eq == Eq() and (result.score_before, result.score_after, result.confidence) == (0.5, 0.5, 0.0)
    assert "no sound" in result.explanation
    assert engine.score(np.zeros(RATE), RATE, "warm") == 0.5 and engine.raw_score(np.zeros(RATE), RATE, "warm") == 0.0
    assert set(engine.profile(np.zeros(RATE), RATE).values()) == {0.5}
    with pytest.raises(UnknownWordError):
        engine.score(np.zeros(RATE), RATE, "wram")


def holding(value: float) -> np.ndarray:
    sound = noise(0.1)
    sound[1, 100] = value
    return sound


REFUSED = {
    "NaN": (holding(np.nan), RATE, "audio holds NaN at 0.00208333 s"),
    "infinity": (holding(np.inf), RATE, "audio holds infinity"),
    "empty": (np.zeros((2, 0)), RATE, "holds no samples"),
    "no channels": (np.zeros((0, 100)), RATE, "holds no samples"),
    "three axes": (np.zeros((1, 2, 100)), RATE, "not 3-dimensional"),
    "a number": (np.float32(0.5), RATE, "not 0-dimensional"),
    "samples first": (np.zeros((RATE, 2)), RATE, "pass audio.T"),
    "65 channels": (np.zeros((65, RATE)), RATE, "more than 64 channels"),
    "complex": (np.zeros(100, complex), RATE, "floats or PCM"),
    "text": ("song.wav", RATE, "must be an array"),
    "low rate": (np.zeros(100), 4000, "sample rate of 4000 Hz"),
    "high rate": (np.zeros(100), 400_000, "sample rate of 400000 Hz"),
    "odd rate": (np.zeros(100), 44_100.5, "sample rate of 44100.5 Hz"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_audio_is_refused(engine, kind):
    sound, sample_rate, sentence = REFUSED[kind]
    for ask in (engine.adapt, engine.score):
        with pytest.raises(AudioError, match=sentence.replace("(", r"\(")):
            ask(sound, sample_rate, "warm")
    with pytest.raises(AudioError):
        engine.profile(sound, sample_rate)


@pytest.mark.parametrize("name", ["intensity", "adaptation"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -2.001, 2.001, -1e9])
def test_a_number_out_of_range_is_refused(engine, name, value):
    low, high = LIMITS[name].low, LIMITS[name].high
    with pytest.raises(RangeError, match=f"{name} must lie between {low:g} and {high:g}, not "):
        engine.adapt(noise(0.2), RATE, "warm", **{name: value})


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), np.array(0.5), torch.tensor(0.5)])
def test_numbers_of_any_library_will_do(engine, number):
    plain = engine.adapt(noise(0.5), RATE, "warm", intensity=0.5, adaptation=0.5)
    assert engine.adapt(noise(0.5), RATE, "warm", intensity=number, adaptation=number).to_dict() == plain.to_dict()


def test_words_and_methods_that_are_not_there(engine):
    with pytest.raises(UnknownWordError, match="did you mean 'warm'"):
        engine.adapt(noise(0.2), RATE, "wram")
    with pytest.raises(AeqError, match="unknown method 'magic'"):
        engine.adapt(noise(0.2), RATE, "warm", method="magic")
    with pytest.raises(AeqError, match="empty blend"):
        engine.adapt(noise(0.2), RATE, {})


def test_a_blend_of_words(engine):
    sound = noise()
    both = engine.adapt(sound, RATE, {"warm": 0.7, "deep": 0.5}, adaptation=0.0)
    assert both.word == "warm 0.7 + deep 0.5"
    parts = [
        engine.adapt(sound, RATE, word, adaptation=0.0).eq.response_db(FREQS_HZ, RATE) for word in ("warm", "deep")
    ]
    wanted = 0.7 * parts[0] + 0.5 * parts[1]
    error = both.eq.response_db(FREQS_HZ, RATE) - wanted
    assert np.std(error) < 0.6 < 0.4 * np.std(wanted)  # the level is free
    assert engine.adapt(sound, RATE, {"warm": 1.0}).eq == engine.adapt(sound, RATE, "warm").eq
    assert engine.adapt(sound, RATE, "warm 0.7, deep 50%", adaptation=0.0).eq == both.eq
    assert engine.score(sound, RATE, "warm 0.7, deep 0.5") == engine.score(sound, RATE, {"warm": 0.7, "deep": 0.5})
    assert torch.equal(engine.curve_of("warm 0.7 + deep 0.5"), engine.curve_of({"warm": 0.7, "deep": 0.5}))
    with pytest.raises(AeqError, match=r"cannot read the blend 'warm 0\.7, deep': 'deep' has no weight"):
        engine.adapt(sound, RATE, "warm 0.7, deep")
    with pytest.raises(AeqError, match="'warm 0' asks for nothing"):
        engine.adapt(sound, RATE, "warm 0")
    for nothing in ({"warm": 0.0}, {"warm": 1.0, "less warm": 1.0}):
        assert engine.adapt(sound, RATE, nothing).eq.bands == ()


def test_numpy_torch_and_pcm_are_the_same_sound(engine):
    sound = noise(1.0)
    asked = engine.adapt(sound, RATE, "bright").to_dict()
    assert engine.adapt(torch.from_numpy(sound), RATE, "bright").to_dict() == asked
    assert engine.adapt(sound.astype(np.float64), RATE, "bright").to_dict() == asked
    assert engine.adapt(np.asfortranarray(sound), RATE, "bright").to_dict() == asked
    mono = sound[0]
    assert engine.adapt(mono, RATE, "bright").to_dict() == engine.adapt(mono[None], RATE, "bright").to_dict()
    pcm = np.round(sound * 2**31).astype(np.int32)
    for a, b in zip(
        engine.adapt(pcm, RATE, "bright").eq.bands, engine.adapt(sound, RATE, "bright").eq.bands, strict=True
    ):
        assert a.gain_db == pytest.approx(b.gain_db, abs=0.01)


def test_the_same_sound_gets_the_same_bands(engine):
    first = engine.adapt(noise(), RATE, "warm")
    engine.adapt(noise(seed=5), 44_100, "airy")
    torch.rand(3)
    assert engine.adapt(noise(), RATE, "warm").to_dict() == first.to_dict()
    assert AdaptiveEQ.load(device="cpu").adapt(noise(), RATE, "warm").to_dict() == first.to_dict()


@pytest.mark.parametrize("word", ["warm", "bright"])
def test_a_sound_s_answer_does_not_depend_on_its_company(engine, word):
    """Whoever groups sounds otherwise writes the same bands: 17 in all groups of neighbors, to the last digit."""
    sounds = [noise(0.5 + 0.4 * n, tilt_db_per_oct=-0.5 * n, seed=n) for n in range(17)]
    asked = [AnalyzedRequest(engine.analyze(sound, 48_000), EqRequest(word)) for sound in sounds]
    alone = [engine.adapt_many([one])[0] for one in asked]
    for size in range(2, 18):
        together = [answer for n in range(0, 17, size) for answer in engine.adapt_many(asked[n : n + size])]
        assert [json.dumps(a.to_dict()) for a in together] == [json.dumps(a.to_dict()) for a in alone], size
        assert [vst_block(a.eq) for a in together] == [vst_block(a.eq) for a in alone], size


def test_audio_is_left_as_it_was(engine):
    sound = noise(0.5)
    before = sound.copy()
    engine.adapt(sound, RATE, "warm").eq.apply(sound, RATE)
    assert np.array_equal(sound, before)


@pytest.mark.parametrize("gain_db", [-30.0, 10.0])
def test_level_moves_nothing(engine, gain_db):
    plain, other = (
        engine.adapt(sound, RATE, "warm") for sound in (noise(), noise() * np.float32(10 ** (gain_db / 20)))
    )
    for a, b in zip(plain.eq.bands, other.eq.bands, strict=True):
        assert a.gain_db == pytest.approx(b.gain_db, abs=0.1)
    assert plain.score_before == pytest.approx(other.score_before, abs=0.005)


def test_scores_of_all_words_at_once(engine):
    sound = noise()
    profile = engine.profile(sound, RATE)
    assert list(profile) == list(engine.words)
    for word in ("warm", "bright", "claro"):
        assert profile[word] == pytest.approx(engine.score(sound, RATE, word), abs=1e-9)
    assert engine.score(sound, RATE, "warm") == pytest.approx(engine.adapt(sound, RATE, "warm").score_before)
    assert engine.score(sound, RATE, "less warm") == pytest.approx(1 - profile["warm"])
    raw = engine.raw_score(sound, RATE, "warm")
    assert profile["warm"] == pytest.approx(0.5 * (1 + math.erf(raw / math.sqrt(2))), abs=1e-9)


def test_the_predicted_score_is_the_one_that_is_heard(engine):
    result = engine.adapt(noise(), RATE, "warm")
    assert engine.score(result.eq.apply(noise(), RATE), RATE, "warm") == pytest.approx(result.score_after, abs=0.01)


def test_pictures_lie_on_the_grid(engine):
    result = engine.adapt(noise(), RATE, "warm")
    source, after, low, high = result.source_db, result.result_db, result.target_low_db, result.target_high_db
    assert {len(row) for row in (source, after, low, high)} == {59}
    heard = np.isfinite(source)
    assert heard.sum() > 50 and (low[heard] < high[heard]).all()
    silent = engine.adapt(np.zeros(RATE), RATE, "warm")
    assert len(silent.source_db) == 59 and np.isnan(silent.source_db).all()


def test_models_that_are_not_there(tmp_path):
    with pytest.raises(ModelError, match=r"usual\.json is missing from"):
        AdaptiveEQ.load(tmp_path)


def test_names_and_people_say_what_a_sound_is(engine):
    plain = engine.adapt(noise(), RATE, "warm")
    named, told = engine.adapt(noise(), RATE, "warm", name="Lead Vox"), engine.adapt(noise(), RATE, "warm", kind="bass")
    assert plain.heard_as.by == "sound" and named.heard_as.by == told.heard_as.by == "name and sound"
    assert named.kind == "vocals" and named.heard_as.probability > plain.heard_as.probabilities["vocals"]
    assert told.kind == "bass" and told.heard_as.probability == 1
    assert sum(plain.heard_as.probabilities.values()) == pytest.approx(1)
    # a thin bass is one that lacks less than a thin mix does: the kind changes what is usual
    assert not np.allclose(named.target_low_db, told.target_low_db, atol=1.0, equal_nan=True)
    assert engine.adapt(noise(), RATE, "warm", name="Track 3").to_dict() == plain.to_dict()
    assert engine.adapt(np.zeros(RATE), RATE, "warm", name="Lead Vox").kind is None
    with pytest.raises(AeqError, match="unknown kind 'kazoo'"):
        engine.adapt(noise(), RATE, "warm", kind="kazoo")


def test_no_eq_changes_what_a_sound_is_taken_for(engine):
    plain = engine.adapt(noise(), RATE, "warm")
    for band in (Band("low_shelf", 400.0, -6.0, 1.0), Band("high_shelf", 3000.0, 6.0, 1.0)):
        shaped = engine.adapt(Eq((band,)).apply(noise(), RATE), RATE, "warm")
        for kind, probability in plain.heard_as.probabilities.items():
            assert shaped.heard_as.probabilities[kind] == pytest.approx(probability, abs=0.03)


def test_a_result_fits_on_a_screen_and_says_what_matters(engine):
    result = engine.adapt(noise(), RATE, "warm", variations=2)
    text = repr(result)
    assert len(text) < 400 and "\n" not in text and text.startswith("<Result 'warm' x 1 by adaptive: ")
    assert f"score {result.score_before:.2f} -> {result.score_after:.2f}" in text and "output" in text
    match = engine.match(noise(), RATE, noise(tilt_db_per_oct=-1.0), RATE)
    assert len(repr(match)) < 400 and repr(match).startswith("<MatchResult a reference x 1 by reference: ")


def test_numbers_mean_what_they_say(engine):
    """Tenths of a hertz, hundredths of a dB and of an octave; the same in the EQ itself."""
    result = engine.adapt(noise(), RATE, "warm")
    data = result.to_dict()
    for band in data["bands"]:
        for key, places in (("freq_hz", 1), ("gain_db", 2), ("bandwidth_oct", 2)):
            assert band[key] == round(band[key], places), key
    assert data["output_gain_db"] == round(data["output_gain_db"], 2) == result.eq.output_gain_db
    assert data["score"]["before"] == round(data["score"]["before"], 3)
    assert data["confidence"] == round(data["confidence"], 2)


@pytest.mark.parametrize("what", ["bright", "match"])
def test_the_picture_s_halves_agree(engine, what):
    """What lies between its two spectra is the curve below, output gain included (`result.plot`)."""
    sound, rate = noise(tilt_db_per_oct=-6.0), RATE
    result = engine.match(sound, rate, noise(), rate) if what == "match" else engine.adapt(sound, rate, what)
    assert abs(result.eq.output_gain_db) > 0.2
    above = result.result_db - result.source_db
    below = result.eq.response_db(GRID_HZ, rate) + result.eq.output_gain_db
    heard = np.isfinite(above)
    assert heard.sum() > 40 and np.abs(above - below)[heard].max() < 0.05
    after = engine.analyze(result.eq.apply(sound, rate), rate).ltas_db().numpy()
    middle = heard & (GRID_HZ > 100) & (GRID_HZ < 15_000)
    assert np.abs(after - result.result_db)[middle].max() < 0.3


def test_the_kind_of_a_sound_chooses_what_a_word_means(engine):
    """Presence of a bass lies two octaves below that of a voice: charts say so."""
    sound = noise(3)

    def lifted_hz(**asked: str) -> float:
        return float(FREQS_HZ[engine.adapt(sound, RATE, "presence", **asked).eq.response_db(FREQS_HZ, RATE).argmax()])

    assert lifted_hz(kind="bass") < 2000 < lifted_hz(kind="guitar")
    assert lifted_hz(name="Bass DI") < 2000  # a name is as good
    curve = engine.curve_of("presence", "bass")
    assert float(curve.argmax()) < float(engine.curve_of("presence").argmax())
    torch.testing.assert_close(engine.curve_of("less presence", "bass"), -curve)
    assert torch.equal(engine.curve_of("warm", "bass"), engine.curve_of("warm"))
    with pytest.raises(AeqError, match="unknown kind 'kazoo'"):
        engine.curve_of("presence", "kazoo")


def test_scores_are_of_what_the_word_means_for_the_sound(engine):
    sound = noise(3)
    profile = engine.profile(sound, RATE)
    for word in ("presence", "body", "warm"):
        assert engine.score(sound, RATE, word) == pytest.approx(profile[word], abs=1e-9), word
        assert engine.adapt(sound, RATE, word).score_before == pytest.approx(profile[word], abs=1e-9), word
