import numpy as np
import pytest

from reaper_aeq import AdaptiveEQ
from reaper_aeq.model.personal import Profiles, followed
from reaper_aeq.model.profile_store import Edit, ProfileStore

RATE = 48_000


@pytest.fixture
def engine(tmp_path):
    aeq = AdaptiveEQ.load(device="cpu")
    aeq.profiles = Profiles(aeq.words, aeq.eq_model, ProfileStore(tmp_path / "profiles.sqlite"))
    return aeq


def sound():
    noise = np.random.default_rng(5).standard_normal(4 * RATE)
    return np.cumsum(noise - noise.mean()) * 1e-4 + noise * 0.05


def taught(aeq, count, intensity=1.0, difference=None):
    mean = aeq.curve_of("warm")
    difference = 0.8 * mean if difference is None else difference
    made = tuple((mean + intensity * difference).tolist())
    one = Edit("ann", "warm", "", (), tuple(mean.tolist()), made, tuple(mean.tolist()), intensity)
    aeq.profiles.store.add([one] * count)


def test_without_a_store_answers_are_the_same_to_the_last_digit(engine):
    usual = engine.adapt(sound(), RATE, "warm")
    own = engine.adapt(sound(), RATE, "warm", profile="ann")
    assert own.to_dict() == usual.to_dict()


@pytest.mark.parametrize("intensity", [1.0, 0.5, -1.0])
def test_what_somebody_adds_moves_their_word_and_nobody_elses(engine, intensity):
    usual = engine.curve_of("warm")
    taught(engine, 3, intensity)
    own = engine.profiles.words_of("ann")["warm"].mean @ engine._decoder.T
    moved = float((own * usual).sum() / (usual * usual).sum())
    assert moved == pytest.approx(1 + 0.8 * followed(3), abs=0.05)
    assert engine.profiles.words_of("bob")["warm"] is engine.words["warm"]
    assert engine.profiles.words_of(None)["warm"] is engine.words["warm"]


def test_the_answer_follows_and_comes_back_when_erased(engine):
    before = engine.adapt(sound(), RATE, "warm", profile="ann").eq
    taught(engine, 8)
    after = engine.adapt(sound(), RATE, "warm", profile="ann").eq
    assert after != before
    assert engine.adapt(sound(), RATE, "warm").eq == before
    engine.profiles.store.erase("ann")
    assert engine.adapt(sound(), RATE, "warm", profile="ann").eq == before


def test_a_damaged_store_changes_no_answer(engine):
    before = engine.adapt(sound(), RATE, "warm").eq
    engine.profiles.store.path.write_bytes(b"nonsense" * 1000)
    assert engine.adapt(sound(), RATE, "warm", profile="ann").eq == before


@pytest.mark.parametrize("word, sign", [("warm", 1), ("less warm", -1)])
def test_an_edit_is_learned_for_the_word_itself(engine, word, sign):
    usual = engine.curve_of("warm")
    engine.profiles.learn("ann", word, 1.0, sign * usual, sign * 1.5 * usual)
    own = engine.profiles.words_of("ann")["warm"].mean @ engine._decoder.T
    moved = float((own * usual).sum() / (usual * usual).sum())
    assert moved == pytest.approx(1 + 0.5 * followed(1), abs=0.05)
