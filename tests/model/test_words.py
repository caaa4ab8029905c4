"""Words: found under every name people use, added and turned round like EQs, and honest about what stands behind."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reaper_aeq.errors import AeqError, ModelError, RangeError, UnknownWordError
from reaper_aeq.model.curves import GRID, center
from reaper_aeq.model.eq_autoencoder import EqAutoencoder
from reaper_aeq.model.kinds import KINDS
from reaper_aeq.model.word_table import WEAK_BELOW, Evidence
from reaper_aeq.model.words import DescriptorSettings, Vocabulary, Word

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
        assert evidence.sources[:2] == ("SAFE", "SocialEQ") and evidence.cross > 0.5 and not shipped[name].weak, name
    assert shipped["warm"].evidence.settings > 400 and shipped["bright"].evidence.settings > 400


def test_every_shipped_word_has_evidence(shipped):
    assert len(shipped) >= 60
    for name, known in shipped.items():
        evidence = known.evidence
        assert evidence.settings >= 3 or evidence.charts >= 5, name
        assert evidence.settings >= evidence.people and evidence.sources, name
        assert -1 <= evidence.agreement <= 1 and 0 <= evidence.confidence <= 1, name
        assert known.mean.shape == (32,) and bool(torch.isfinite(known.mean).all()), name
        spread = torch.linalg.eigvalsh(known.cov)
        assert spread[0] > -1e-3 * spread[-1] and spread[-1] > 0.5, name  # half precision rounds the least ones
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


# Engineers' words, with the range in Hz that published charts give them (medians over sources) and the direction.
CHARTED = """
muddy 200 350 +; presence 2500 4000 +; boxy 300 500 +; airy 10000 15000 +; body 200 250 +; harsh 3000 5000 +
sibilant 5000 8000 +; clear 2500 4000 +; rumble 20 80 +; warm 100 250 +; boomy 100 200 +; nasal 800 1200 +
sparkle 8000 15000 +; attack 2500 4000 +; full 100 200 +; bright 6000 12000 +; honky 500 1000 +; defined 2000 3000 +
weighty 60 80 +; punchy 85 100 +; intelligible 2000 4000 +; crack 2500 3500 +; bite 2000 3500 +; click 2750 4000 +
snappy 4000 5000 +; shimmer 8500 13000 +; thin 80 200 -; thump 60 99 +; brilliant 6000 10000 +; plosive 20 80 +
fizzy 8000 20000 +; dull 7500 17500 -; edgy 4000 5000 +; hollow 400 700 +; powerful 31 60 +; crisp 5000 10000 +
breathy 10000 15000 +; telephone 400 2000 +; open 10000 20000 +; bottom 55 100 +; sizzle 7750 10000 +
piercing 3500 6000 +; detailed 5000 15000 +; muffled 165 235 +; forward 1500 2500 +; brittle 3500 6000 +
hissy 8000 12000 +; fat 150 200 +; thick 250 500 +; distant 5000 5000 -; chesty 100 250 +; growl 700 700 +
tinny 1000 2000 +; tight 20 80 -; rich 140 330 +; shrill 7000 16000 +; hard 1300 3075 +; crunchy 2000 3000 +
clang 200 200 +
"""
RANGES = {
    name: (float(low), float(high), 1 if sign == "+" else -1)
    for name, low, high, sign in (row.split() for row in CHARTED.replace(";", "\n").strip().splitlines())
}


@pytest.fixture(scope="module")
def curves(shipped) -> dict[str, torch.Tensor]:
    decoder = EqAutoencoder.load().decoder.weight.double()
    return {name: center(decoder @ word.mean) for name, word in shipped.items()}


def reaches(curve: torch.Tensor, low: float, high: float, sign: int) -> bool:
    """Whether the curve is within half a dB of its extremum within half an octave of the range."""
    near = GRID[sign * curve >= (sign * curve).max() - 0.5]
    return bool(((near >= low / 2**0.5) & (near <= high * 2**0.5)).any())


@pytest.mark.parametrize("name", RANGES)
def test_an_engineers_word_is_a_word_of_its_own(shipped, name):
    assert name in shipped and shipped.find(name).name == name
    assert torch.equal(shipped.find(f"less {name}").mean, -shipped[name].mean)
    assert shipped.find(f"more {name}") is shipped[name]
    assert shipped[name].evidence.charts >= 5 and "charts" in shipped[name].evidence.sources


def test_engineers_words_lie_where_charts_say(curves):
    assert len(RANGES) == 59
    off = [name for name, place in RANGES.items() if not reaches(curves[name], *place)]
    assert len(off) <= 5, off


@pytest.mark.parametrize(
    ("form", "name"),
    [("mud", "muddy"), ("muddiness", "muddy"), ("air", "airy"), ("boxiness", "boxy"), ("sibilance", "sibilant"),
     ("nasality", "nasal"), ("honk", "honky"), ("thud", "thump"), ("rumbling", "rumble"), ("definition", "defined"),
     ("weight", "weighty"), ("punch", "punchy"), ("tighter", "tight"), ("hiss", "hissy"), ("chest", "chesty"),
     ("plosives", "plosive"), ("detail", "detailed"), ("brilliance", "brilliant"), ("sparkly", "sparkle"),
     ("clarity", "clear"), ("fullness", "full"), ("power", "powerful"), ("crunch", "crunchy"), ("edge", "edgy")],
)  # fmt: skip
def test_nouns_and_adjectives_mean_the_same(shipped, form, name):
    assert shipped.find(form) is shipped[name]
    assert shipped.find(f"Less {form}").name == f"less {name}" and shipped.find(f"more {form}") is shipped[name]


def test_faults_are_asked_away_more_narrowly_than_qualities_are_asked_for(curves):
    def octaves(name: str) -> float:
        return float((curves[name] > 0.5 * curves[name].max()).sum()) / 6

    faults = [octaves(name) for name in ("boxy", "honky", "nasal", "sibilant", "piercing", "brittle")]
    qualities = [octaves(name) for name in ("body", "presence", "attack", "clear", "intelligible", "bite")]
    assert max(faults) < sorted(qualities)[3]


def test_two_sided_words_have_shapes(curves):
    below, above = (GRID > 80) & (GRID < 250), (GRID > 3000) & (GRID < 10_000)
    muffled, tinny = curves["muffled"], curves["tinny"]
    assert float(muffled[below].mean()) > 1 and float(muffled[above].mean()) < -1
    assert float(tinny[below].mean()) < -1 and float(tinny[(GRID > 1000) & (GRID < 4000)].mean()) > 1
    assert float(curves["hollow"].max()) > 1 and float(curves["hollow"].min()) < -0.7


def test_people_are_followed_where_there_are_many(shipped):
    for name in ("warm", "bright", "harsh", "clear", "tinny"):
        evidence = shipped[name].evidence
        assert evidence.from_people and evidence.charted is not None and not shipped[name].by_kind, name
    assert not shipped["nasal"].evidence.from_people


@pytest.mark.parametrize(
    ("name", "kind", "low", "high"),
    [("presence", "bass", 800, 1100), ("presence", "drums", 4000, 5000), ("body", "bass", 70, 170),
     ("body", "wind", 390, 630), ("punchy", "drums", 70, 100), ("defined", "bass", 800, 800)],
)  # fmt: skip
def test_some_words_mean_something_else_for_a_kind(shipped, name, kind, low, high):
    decoder = EqAutoencoder.load().decoder.weight.double()
    sure = torch.tensor([float(one == kind) for one in KINDS], dtype=torch.float64)
    assert reaches(center(decoder @ shipped[name].for_kinds(sure).mean), low, high, 1)
    assert kind in shipped[name].known.kinds and kind in shipped[name].to_dict()["kinds"]


def varied(name: str, seed: int) -> Word:
    base, other = word(name, seed), word(name, seed + 100)
    return Word(name, "en", base.mean, base.cov, KNOWN, by_kind={"bass": DescriptorSettings(other.mean, other.cov)})


def sure_of(kind: str) -> torch.Tensor:
    return torch.tensor([float(one == kind) for one in KINDS], dtype=torch.float64)


def test_the_kind_of_the_sound_chooses_among_a_words_curves():
    body = varied("body", 1)
    assert body.for_kinds(None) is body
    for kind, mean in (("bass", body.by_kind["bass"].mean), ("keys", body.mean)):
        chosen = body.for_kinds(sure_of(kind))
        torch.testing.assert_close(chosen.mean, mean)
        torch.testing.assert_close(chosen.cov, body.for_kind(kind).cov)
        assert chosen.name == "body" and chosen.evidence == body.evidence and not chosen.by_kind
    half = body.for_kinds(0.5 * sure_of("bass") + 0.5 * sure_of("keys"))
    torch.testing.assert_close(half.mean, 0.5 * (body.mean + body.by_kind["bass"].mean))
    apart = body.mean - body.by_kind["bass"].mean  # not knowing which is meant is spread
    torch.testing.assert_close(half.cov, 0.5 * (body.cov + body.by_kind["bass"].cov) + 0.25 * torch.outer(apart, apart))


def test_less_and_blends_keep_what_a_word_means_for_a_kind():
    body, warm = varied("body", 1), word("warm", 2)
    both = Vocabulary({"body": body, "warm": warm}, {})
    for asked, mean in (("less body", -1.0), ({"body": 0.5}, 0.5)):
        torch.testing.assert_close(both.blend(asked).for_kinds(sure_of("bass")).mean, mean * body.by_kind["bass"].mean)
    blend = both.blend({"body": 0.5, "warm": 1.0})
    torch.testing.assert_close(blend.for_kinds(sure_of("bass")).mean, 0.5 * body.by_kind["bass"].mean + warm.mean)
    torch.testing.assert_close(blend.for_kinds(sure_of("wind")).mean, 0.5 * body.mean + warm.mean)


def test_kinds_come_back_from_their_file(tmp_path):
    known = {"warm": word("warm", 2), "body": varied("body", 1), "punchy": varied("punchy", 5)}
    Vocabulary(known, {}).save(tmp_path, {"data": "made up"})
    loaded = Vocabulary.load(tmp_path)
    assert not loaded["warm"].by_kind and list(loaded["body"].by_kind) == ["bass"]
    for name in ("body", "punchy"):
        torch.testing.assert_close(
            loaded[name].by_kind["bass"].mean, known[name].by_kind["bass"].mean, rtol=1e-6, atol=1e-6
        )
