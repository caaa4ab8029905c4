"""The sentence that says what was done and why, and the one that says what to try."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from reaper_aeq import AdaptiveEQ, Band, Eq
from reaper_aeq.model.kinds import KINDS
from reaper_aeq.model.words import Evidence, Vocabulary, Word
from reaper_aeq.result.explanation import (
    ABOUT_USUAL,
    HAS_IT,
    LACKS_IT,
    explain,
    explain_heard,
    explain_understood,
    moves,
    suggest,
)
from reaper_aeq.result.result import HeardAs, Result, explain_output
from reaper_aeq.result.safety import SILENCE
from reaper_aeq.util.scores import shown_score

RATE = 48_000


def noise(tilt_db_per_oct: float = -4.0, high_hz: float = 24_000.0, seed: int = 0) -> np.ndarray:
    """Three seconds of stereo noise with a steady fall and nothing above `high_hz`; float32."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((2, 3 * RATE)))
    freqs = np.fft.rfftfreq(3 * RATE, 1 / RATE)
    spectrum *= (np.maximum(freqs, 25.0) / 1000) ** (tilt_db_per_oct / 6.02) * (freqs < high_hz)
    sound = np.fft.irfft(spectrum, 3 * RATE) * np.minimum(1.0, 10 * np.hanning(3 * RATE))
    return (0.05 * sound / sound.std()).astype(np.float32)


@pytest.fixture(scope="module")
def engine() -> AdaptiveEQ:
    return AdaptiveEQ.load(device="cpu")


def times(result: Result) -> float:
    """Of what people usually do, as the explanation says it."""
    said = re.search(r"It got (.+?) what people usually do for '", result.explanation)[1]
    words = {"none of": 0.0, "a quarter of": 0.25, "half of": 0.5, "about": 1.0}
    if said in words:
        return words[said]
    amount = re.fullmatch(r"(\d+) % of|([\d.]+) times", said)
    return float(amount[1]) / 100 if amount[1] else float(amount[2])


def sentence(text: str) -> bool:
    return "\n" not in text and text.endswith(".") and "nan" not in text and "  " not in text


def sentences(text: str) -> int:
    return len(re.findall(r"\.(?: |$)", text))


def test_a_sound_that_lacks_the_word(engine):
    result = engine.adapt(noise(1.5), RATE, "warm")
    assert result.score_before < LACKS_IT and sentence(result.explanation)
    assert (
        f"This sound scores {shown_score(result.score_before)} for 'warm', far less than usual. " in result.explanation
    )
    assert f"and now scores {result.score_after:.2f}." in result.explanation and times(result) > 0.6
    assert sentences(result.explanation.partition(" Heard as: ")[0]) == 2


def test_how_much_a_sound_has_is_said_as_its_score_says(engine):
    seen = set()
    for tilt in (-1.0, -2.0, -3.0, -3.5, -4.0, -4.5, -5.0, -6.0):
        result = engine.adapt(noise(tilt), RATE, "warm")
        said = re.search(r"for 'warm', (?:far )?(more|less|about as much) (than|as) usual\.", result.explanation)
        if said:
            usual = ABOUT_USUAL[0] <= result.score_before <= ABOUT_USUAL[1]
            assert said[1] == ("about as much" if usual else "more" if result.score_before > 0.5 else "less")
            seen.add(said[1])
    assert seen == {"more", "about as much", "less"}


def test_what_free_text_was_taken_for(engine):
    word = engine.words.blend("less warm")
    one, two = (replace(word, parts=parts, free=True) for parts in ({"boxy": -1.0}, {"warm": 0.5, "boxy": -0.5}))
    assert explain_understood(one).endswith("was taken for 'less boxy'. ")
    assert explain_understood(two).endswith("was taken for warm 0.5 + less boxy 0.5. ")
    assert explain_understood(word) == ""


def test_a_sound_that_has_it_already(engine):
    result = engine.adapt(noise(-9.0), RATE, "warm")
    assert result.score_before > HAS_IT and sentence(result.explanation)
    assert "far more than usual" in result.explanation and 0.2 < times(result) < 0.4


def test_the_opposite_is_told_of_the_opposite(engine):
    result = engine.adapt(noise(-9.0), RATE, "warm", intensity=-1.0)
    assert "for 'warm', far more than usual" in result.explanation
    assert "usually do for 'less warm'" in result.explanation and times(result) > 0.25
    same = engine.adapt(noise(-9.0), RATE, "less warm")
    assert same.explanation == result.explanation  # the other way of asking for it


def moved(explanation: str) -> dict[float, float]:
    """{Hz: dB} of the moves that an explanation names."""
    band = r"(?:of [a-z-]+|in a (?:broad |narrow )?bell) (?:below|around|above)"
    found = re.findall(rf"([+-][\d.]+) dB {band} ([\d.]+) (k?)Hz", explanation)
    return {float(hz) * (1000 if kilo else 1): float(db) for db, hz, kilo in found}


@pytest.mark.parametrize("word", ["warm", "bright", "less muddy", "punchy"])
@pytest.mark.parametrize("method", ["adaptive", "fixed"])
def test_the_moves_named_are_the_bands(engine, word, method):
    result = engine.adapt(noise(-3.0), RATE, word, method=method)
    said = moved(result.explanation)
    assert len(said) == len(result.eq.bands) >= 1
    for band in result.eq.bands:
        hz = min(said, key=lambda hz: abs(np.log2(hz / band.freq_hz)))
        assert hz == pytest.approx(band.freq_hz, rel=0.006) and said[hz] == pytest.approx(band.gain_db, abs=0.051)
    sizes = [abs(gain) for gain in said.values()]
    assert sizes == sorted(sizes, reverse=True)


def test_the_output_gain_is_named_apart_and_is_what_was_written(engine):
    sound = noise(-3.0)
    results = [engine.adapt(sound, RATE, "bright"), engine.adapt_analysis(engine.analyze(sound, RATE), "bright")]
    results.append(engine.match(sound, RATE, noise(-5.0), RATE))
    for result in results:
        said = re.findall(r"Output gain ([+-][\d.]+) dB", result.explanation)
        assert len(said) == 1 and float(said[0]) == pytest.approx(result.eq.output_gain_db, abs=0.051)
        assert abs(result.eq.output_gain_db) >= 0.1 and sentence(result.explanation)
    assert explain_output(0.04) == "" and "keeps" not in explain_output(1.0, 0.5)


def test_how_bands_are_told():
    bands = (
        Band("low_shelf", 52, 1.0), Band("low_shelf", 140, -1.1), Band("band", 421, -3.2, 2.1),
        Band("band", 2000, 2.0, 1.2), Band("band", 3150, 0.04, 0.8), Band("high_shelf", 9000, 1.5),
    )  # fmt: skip
    assert moves(Eq(bands[2:])) == (
        "-3.2 dB in a broad bell around 421 Hz, +2.0 dB in a bell around 2 kHz and +1.5 dB of air above 9 kHz"
    )
    assert moves(Eq(bands[:2])) == "-1.1 dB of bass below 140 Hz and +1.0 dB of sub-bass below 52 Hz"
    assert moves(Eq((Band("band", 800, -1.0, 0.8),))) == "-1.0 dB in a narrow bell around 800 Hz"
    assert moves(Eq((Band("high_pass", 40),))) == "a high-pass at 40 Hz"
    both = Eq((Band("band", 420, -3.2, 2.0), Band("high_pass", 62, 0, 1.9), Band("high_shelf", 9000, 1.5)))
    assert moves(both) == "a high-pass at 62 Hz, -3.2 dB in a broad bell around 420 Hz and +1.5 dB of air above 9 kHz"
    assert moves(Eq()) == "no band"


def test_intensity_0_says_that_nothing_changed(engine):
    told = engine.adapt(noise(), RATE, "warm", intensity=0).explanation
    assert "Intensity 0 changes nothing. Heard as: " in told and sentence(told)


def test_what_a_sound_was_taken_for_is_said():
    kinds = dict.fromkeys(KINDS, 0.0)
    assert explain_heard(None) == ""
    assert (
        explain_heard(HeardAs("vocals", 0.86, "name and sound", kinds)) == " Heard as: vocals, 0.86, by name and sound."
    )
    assert explain_heard(HeardAs("unsure", 0.3, "sound", kinds)) == " Heard as: no kind for sure."


def test_the_amount_is_what_was_given(engine):
    half, once = (times(engine.adapt(noise(), RATE, "warm", intensity=i)) for i in (0.5, 1.0))
    assert once == pytest.approx(2 * half, abs=0.15)


def test_the_fixed_method_says_that_it_did_not_listen(engine):
    told = engine.adapt(noise(), RATE, "warm", method="fixed").explanation
    assert "It got people's average curve for 'warm', whatever its own balance: " in told and sentence(told)


def test_weak_words_and_narrow_sounds_are_named(engine):
    weak = next(name for name, word in engine.words.items() if word.weak)
    told = engine.adapt(noise(), RATE, weak).explanation
    assert f"'{weak}' is a weak word: its {engine.words[weak].evidence.settings} settings" in told and sentence(told)
    assert "weak word" not in engine.adapt(noise(), RATE, "warm").explanation
    narrow = engine.adapt(noise(-4.0, high_hz=600), RATE, "warm")
    assert "Where the source has no sound it was left alone." in narrow.explanation
    assert narrow.confidence < engine.adapt(noise(), RATE, "warm").confidence


def test_words_of_every_kind_can_be_explained(engine):
    analysis = engine.analyze(noise(), RATE)
    for word in [*list(engine.words)[::8], "less muddy", "unmuddy", {"warm": 0.5, "airy": -0.5}]:
        assert sentence(engine.adapt_analysis(analysis, word).explanation), word


SURE, UNSURE = Evidence(100, 50, 0.6, None, ("SAFE",)), Evidence(3, 0, 0.05, None, ("SAFE",))


def vocabulary() -> Vocabulary:
    """warm and deep mean nearly the same, bright the opposite, odd nothing reliable."""
    eye, cov = torch.eye(32, dtype=torch.float64), torch.eye(32, dtype=torch.float64)
    means = {"warm": eye[0], "deep": eye[0] + 0.1 * eye[1], "bright": -eye[0], "airy": eye[2], "thin": eye[5]}
    words = {name: Word(name, "en", mean, cov, SURE) for name, mean in means.items()}
    words["sparkle"] = Word("sparkle", "en", eye[6], cov, SURE)
    words["odd"] = Word("odd", "en", eye[3], cov, UNSURE)
    words["claro"] = Word("claro", "es", eye[4], cov, SURE, core=False)
    return Vocabulary(words, {})


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ({"warm": 0.9, "deep": 0.8, "bright": 0.1, "airy": 0.2}, "already warm (0.90): try 'bright' or 'airy'."),
        ({"bright": 0.9, "warm": 0.1, "deep": 0.15, "airy": 0.2}, "already bright (0.90): try 'warm' or 'airy'."),
        ({"warm": 0.2, "deep": 0.4, "bright": 0.6, "airy": 0.5}, "lacks warmth: try 'warm'."),
        ({"warm": 0.5, "deep": 0.5, "bright": 0.6, "airy": 0.5}, "well balanced: try any word, for instance 'bright'"),
        ({"warm": 0.5, "odd": 0.01, "claro": 0.02}, "well balanced"),  # words hardly known, or foreign, are not named
        ({"sparkle": 0.9, "warm": 0.1}, "already has sparkle (0.90): try 'warm'"),
        ({"sparkle": 0.1, "warm": 0.5}, "lacks sparkle: try 'sparkle'"),
        ({"thin": 0.9, "warm": 0.1}, "already thin (0.90): try 'less thin' or 'warm'."),
        ({"thin": 0.1, "warm": 0.5}, "well balanced"),  # nobody wishes for thin
        ({"odd": 0.9}, "no word is known well enough"),
        ({}, "no word is known well enough"),
    ],
)
def test_what_to_try(profile, told):
    assert suggest(profile, vocabulary()).startswith(told)


def test_the_engine_suggests_from_its_own_profile(engine):
    told = engine.suggestion(engine.profile(noise(-9.0), RATE))
    assert sentence(told)
    for name in re.findall(r"'([^']+)'", told):
        word = engine.words[name.removeprefix("less ")]
        assert word.language == "en" and not word.weak


def test_scores_are_told_as_json_rounds_them(engine):
    word, small = engine.words["warm"], Eq((Band("band", 300.0, 3.0),))
    seen = engine.encoder.observe(engine.analyze(noise(), RATE), engine.eq_model)
    told = explain(word, word, seen, 0.45496, 0.51496, 1.0, 1.0, "adaptive", small, 3.0, None)
    assert "scores 0.46 for" in told and "now scores 0.52." in told
    assert suggest({"warm": 0.77496, "bright": 0.5}, vocabulary()).startswith("already warm (0.78)")


def test_what_would_force_what_cannot_be_heard(engine):
    seen = engine.encoder.observe(engine.analyze(noise(), RATE), engine.eq_model)
    word, small = engine.words["warm"], Eq((Band("band", 300.0, 0.1),))

    def told(
        method: str = "adaptive", held_by: str | None = None, share: float = 0.05, net_db: float = 0.1, eq: Eq = small
    ) -> str:
        return explain(word, word, seen, 0.9, 0.9, share, 1.0, method, eq, net_db, held_by).split(". ", 2)[2]

    assert told(eq=Eq()) == "This can hardly be heard: the method 'fixed' does more."

    assert told() == "This can hardly be heard: a higher intensity does more, and so does the method 'fixed'."
    assert told("fixed") == told(share=1.0) == "This can hardly be heard: a higher intensity does more."
    assert told(held_by=SILENCE, share=0.3, net_db=2.0) == "More would lift noise where it has next to no sound."
    assert told(held_by=SILENCE) == (
        "This can hardly be heard, but more would lift noise where it has next to no sound."
    )
