"""Words: found under every name people use, added and turned round like EQs, and honest about what stands behind."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reaper_aeq.errors import AeqError, ModelError, RangeError, UnknownWordError
from reaper_aeq.model.words import WEAK_BELOW, Evidence, Vocabulary, Word

AGREED = ("warm", "bright", "muddy", "deep", "airy", "tinny")
ASKED_FOR = (
    "dark",
    "thin",
    "boomy",
    "harsh",
    "smooth",
    "soft",
    "cold",
    "crisp",
    "mellow",
    "heavy",
    "clear",
    "full",
    "tight",
)
SPANISH = ("claro", "suave", "dulce", "pesado", "profundo", "brillante", "frío")
KNOWN = Evidence(100, 50, 0.6, 0.9, ("SAFE", "SocialEQ"))


def word(name: str, seed: int, evidence: Evidence = KNOWN) -> Word:
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(32, 32, generator=generator, dtype=torch.float64)
    return Word(name, "en", torch.randn(32, generator=generator, dtype=torch.float64), root @ root.T, evidence)


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    known = {name: word(name, i) for i, name in enumerate(("warm", "bright", "muddy", "airy"))}
    known["weak"] = word("weak", 9, Evidence(2, 0, 0.1, None, ("SAFE",)))
    return Vocabulary(known, {"warmth": "warm", "brighter": "bright", "unmuddy": "less muddy"})


@pytest.fixture(scope="module")
def shipped() -> Vocabulary:
    return Vocabulary.load()


@pytest.mark.parametrize("name", ["warm", "Warm", "  WARM ", "warmth", "Warmth"])
def test_a_word_is_found_by_its_forms(words, name):
    assert words.find(name) is words["warm"]


@pytest.mark.parametrize(
    "name", ["less muddy", "Less  Muddy", "not so muddy", "not too muddy", "menos muddy", "unmuddy"]
)
def test_less_turns_a_word_round(words, name):
    less = words.find(name)
    assert torch.equal(less.mean, -words["muddy"].mean) and torch.equal(less.cov, words["muddy"].cov)
    assert less.name == "less muddy" and less.evidence == words["muddy"].evidence


@pytest.mark.parametrize("name", ["less less muddy", "less unmuddy", "not so less muddy"])
def test_less_less_is_the_word_again(words, name):
    again = words.find(name)
    assert torch.equal(again.mean, words["muddy"].mean) and again.name == "muddy"


@pytest.mark.parametrize(
    ("name", "nearest"), [("wram", "warm"), ("brigt", "bright"), ("warmt", "warmth"), ("less ary", "airy")]
)
def test_an_unknown_word_names_the_nearest(words, name, nearest):
    with pytest.raises(UnknownWordError) as caught:
        words.find(name)
    assert nearest in caught.value.nearest and repr(nearest) in str(caught.value)


@pytest.mark.parametrize("name", ["", " ", "qqqq", "less", "less ", "warm bright"])
def test_what_is_no_word_is_unknown(words, name):
    with pytest.raises(UnknownWordError):
        words.find(name)


def test_a_blend_adds_means_and_mixes_spreads(words):
    blend = words.blend({"warm": 0.7, "airy": 0.3})
    warm, airy = words["warm"], words["airy"]
    torch.testing.assert_close(blend.mean, 0.7 * warm.mean + 0.3 * airy.mean)
    torch.testing.assert_close(blend.cov, 0.7 * warm.cov + 0.3 * airy.cov)
    assert blend.name == "warm 0.7 + airy 0.3"
    # twice as much of both is twice the EQ, of the same spread
    double = words.blend({"warm": 1.4, "airy": 0.6})
    torch.testing.assert_close(double.mean, 2 * blend.mean)
    torch.testing.assert_close(double.cov, blend.cov)


def test_one_word_and_its_blends(words):
    assert words.blend("warm") is words.blend({"warm": 1.0}) is words.blend({"warmth": 1}) is words["warm"]
    torch.testing.assert_close(words.blend({"warm": 0.5}).mean, 0.5 * words["warm"].mean)
    less = words.blend({"warm": -1.0})
    torch.testing.assert_close(less.mean, words.find("less warm").mean)
    torch.testing.assert_close(words.blend({"unmuddy": 1.0}).mean, -words["muddy"].mean)
    assert words.blend("less warm").name == "less warm"


def test_opposites_in_a_blend_cancel(words):
    nothing = words.blend({"warm": 1.0, "less warm": 1.0})
    assert nothing.mean.abs().max() == 0
    assert torch.isfinite(words.blend({"warm": 0.0}).cov).all()


def test_a_blend_is_as_sure_as_its_least_known_word(words):
    assert words.blend({"warm": 0.9, "weak": 0.1}).evidence == words["weak"].evidence
    assert words.blend({"warm": 0.9, "weak": 0.1}).weak and not words["warm"].weak


@pytest.mark.parametrize("weight", [2.1, -3, float("nan"), float("inf")])
def test_a_weight_out_of_range_is_refused(words, weight):
    with pytest.raises(RangeError, match="the weight of 'airy' must lie between -2 and 2"):
        words.blend({"warm": 0.5, "airy": weight})


def test_weights_of_any_library_will_do(words):
    torch.testing.assert_close(words.blend({"warm": np.float32(0.5)}).mean, 0.5 * words["warm"].mean)
    assert words.blend({"warm": np.float32(0.5)}).name == "warm 0.5"


def test_an_empty_blend_and_unknown_words_are_refused(words):
    with pytest.raises(AeqError, match="empty blend"):
        words.blend({})
    with pytest.raises(UnknownWordError):
        words.blend({"warm": 0.5, "wram": 0.5})


COUNTS, AGREEMENTS, CROSS = st.integers(0, 2000), st.floats(-1, 1), st.none() | st.floats(-1, 1)


@given(COUNTS, COUNTS, AGREEMENTS, AGREEMENTS, CROSS)
def test_confidence_rises_with_settings_and_agreement(n, more, agreement, better, cross):
    least = Evidence(n, n, agreement, cross, ("SAFE",)).confidence
    assert 0 <= least <= 1
    assert Evidence(n + more, n, agreement, cross, ("SAFE",)).confidence >= least
    assert Evidence(n, n, max(agreement, better), cross, ("SAFE",)).confidence >= least
    if cross is not None:
        assert Evidence(n, n, agreement, min(1.0, cross + 0.3), ("SAFE",)).confidence >= least
        assert Evidence(n, n, agreement, None, ("SAFE",)).confidence >= least


def test_nobody_and_no_agreement_give_no_confidence():
    assert Evidence(0, 0, 0.6, None, ()).confidence == 0 == Evidence(500, 0, -0.2, 0.9, ("SAFE",)).confidence
    assert Evidence(1000, 0, 0.6, 1.0, ("SAFE",)).confidence > 0.99


def test_words_come_back_from_their_file(words, tmp_path):
    words.save(tmp_path, {"data": "made up"})
    loaded = Vocabulary.load(tmp_path)
    assert list(loaded) == list(words) and loaded.aliases == words.aliases and len(loaded) == 5
    for name, original in words.items():
        torch.testing.assert_close(loaded[name].mean, original.mean, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(loaded[name].cov, original.cov, rtol=2e-3, atol=2e-2)  # travels in half precision
        assert loaded[name].evidence == original.evidence and loaded[name].mean.dtype == torch.float64
    (tmp_path / "words.safetensors").unlink()
    with pytest.raises(ModelError):
        Vocabulary.load(tmp_path)


@pytest.mark.parametrize("name", [*AGREED, *ASKED_FOR])
def test_the_shipped_words_hold_what_is_asked_for(shipped, name):
    assert shipped[name].language == "en" and shipped[name].mean.norm() > 1.0
    less = shipped.find(f"less {name}")
    assert torch.equal(less.mean, -shipped[name].mean)


@pytest.mark.parametrize("name", SPANISH)
def test_the_shipped_words_hold_spanish_ones(shipped, name):
    assert shipped.find(name).language == "es"
    assert shipped.find(f"menos {name}").name == f"less {name}"


def test_the_six_words_both_data_sets_agree_on_are_not_weak(shipped):
    for name in AGREED:
        evidence = shipped[name].evidence
        assert evidence.sources == ("SAFE", "SocialEQ") and evidence.cross > 0.5 and not shipped[name].weak, name
    assert shipped["warm"].evidence.settings > 400 and shipped["bright"].evidence.settings > 400


def test_every_shipped_word_has_evidence(shipped):
    assert len(shipped) >= 60
    for name, known in shipped.items():
        evidence = known.evidence
        assert evidence.settings >= 3 and evidence.settings >= evidence.people and evidence.sources, name
        assert -1 <= evidence.agreement <= 1 and 0 <= evidence.confidence <= 1, name
        assert known.mean.shape == (32,) and bool(torch.isfinite(known.mean).all()), name
        spread = torch.linalg.eigvalsh(known.cov)
        assert spread[0] > -1e-3 * spread[-1] and spread[-1] > 1.0, name  # half precision rounds the least ones
        assert known.weak == (evidence.confidence < WEAK_BELOW), name


def test_shipped_opposites_are_opposite(shipped):
    def cosine(a: str, b: str) -> float:
        return float(torch.cosine_similarity(shipped[a].mean, shipped[b].mean, dim=0))

    assert cosine("warm", "bright") < -0.5 and cosine("deep", "tinny") < -0.5
    assert cosine("bright", "tinny") > 0.2 and cosine("warm", "deep") > 0.2


def test_shipped_aliases_point_at_words(shipped):
    for form, meant in shipped.aliases.items():
        assert form not in shipped
        assert meant.removeprefix("less ") in shipped and shipped.find(form).name == meant
