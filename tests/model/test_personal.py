import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.model.personal import KIND_FROM, PERSON_SHARE, OwnSetting, followed, personal, personal_vocabulary
from reaper_aeq.model.words import Vocabulary

WORDS = Vocabulary.load()


def own(word, count, offset=0.5, kind=""):
    return [OwnSetting(word.mean + offset, kind)] * count


def test_without_settings_a_word_is_the_very_same():
    words = personal_vocabulary(WORDS, {"warm": []})
    assert all(words[name] is word for name, word in WORDS.items())


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 40), share=st.floats(0.05, 0.95), seed=st.integers(0, 9999))
def test_it_is_the_posterior_of_the_hierarchy_by_plain_conditioning(count, share, seed):
    from reaper_aeq.model.personal import updated
    from reaper_aeq.model.words import DescriptorSettings

    torch.manual_seed(seed)
    root = torch.randn(4, 4, dtype=torch.float64)
    cov, mean, codes = root @ root.T + torch.eye(4), torch.randn(4).double(), torch.randn(count, 4).double()
    found = updated(DescriptorSettings(mean, cov), codes, share)
    between, within = share * cov, (1 - share) * cov / count
    gain = between @ torch.linalg.inv(between + within)
    expected = mean + gain @ (codes.mean(0) - mean)
    left = between - gain @ between + (1 - share) * cov
    assert torch.allclose(found.mean, expected, atol=1e-8)
    assert torch.allclose(found.cov, left, atol=1e-8)
    assert torch.linalg.eigvalsh(found.cov).min() > 0


def test_few_settings_move_it_a_little_and_twenty_a_lot():
    assert followed(1) == PERSON_SHARE
    assert followed(1) < followed(3) < followed(20) < 1.0
    assert followed(20) > 0.9


def test_kinds_have_their_own_meaning_once_there_is_enough():
    word = WORDS["warm"]
    few = personal(word, own(word, KIND_FROM - 1, kind="vocals"))
    many = personal(word, own(word, 8) + own(word, KIND_FROM, -0.5, "vocals"))
    assert "vocals" not in few.by_kind
    assert torch.allclose(many.for_kind("vocals").mean, word.mean - followed(KIND_FROM) * 0.5)
    assert (many.mean > word.mean).all()


def test_a_word_with_kinds_moves_for_each_of_them():
    word = next(one for one in WORDS.values() if one.by_kind)
    moved = personal(word, own(word, 4))
    for kind, was in word.by_kind.items():
        assert torch.allclose(moved.by_kind[kind].mean - was.mean, moved.mean - word.mean)
