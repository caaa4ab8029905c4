"""Words of few settings are drawn towards flat; words of many are left as people made them."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reaper_aeq.model.curves import GRID, N_GRID, center, rms_db
from reaper_aeq.model.eq_autoencoder import N_LATENT, EqAutoencoder
from reaper_aeq.training.datasets.descriptor_settings import WordSettings
from reaper_aeq.training.datasets.readers import PeopleData, PeopleSettings
from reaper_aeq.training.empirical_bayes import LEAST_WORDS, MOST_FLAT, Pool, learn
from reaper_aeq.training.words import build_words
from reaper_aeq.util.settings import WordsTraining

OCTAVES = GRID.log2()
SMOOTH = torch.exp(-0.5 * (OCTAVES[:, None] - OCTAVES).square()) + 1e-3 * torch.eye(N_GRID, dtype=torch.float64)
SMOOTH = center(center(SMOOTH).T)  # as all curves here are
WITHIN, BETWEEN = 16 * SMOOTH, 8 * SMOOTH
FEW_KNOWN = ("dark", "thin", "boomy", "harsh", "smooth", "soft", "cold", "crisp", "mellow", "heavy")
NONE = torch.zeros(0, N_GRID, dtype=torch.float64)


def drawn(cov: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """(count, bands), level-free"""
    values, vectors = torch.linalg.eigh(cov)
    z = torch.randn(count, len(cov), generator=generator, dtype=torch.float64)
    return center(z * values.clamp_min(0).sqrt() @ vectors.T)


@lru_cache
def world(counts: tuple[int, ...], people: int = 0) -> tuple[torch.Tensor, list[WordSettings]]:
    """Words' true curves (words, bands), and what people showed of them in both data sets."""
    generator = torch.Generator().manual_seed(7)
    true = drawn(BETWEEN, len(counts), generator)
    shown = []
    for mean, count in zip(true, counts, strict=True):
        rows, singles = mean + drawn(WITHIN, count, generator), mean + drawn(WITHIN, people, generator)
        shown.append(WordSettings(rows, singles, singles.sum(0) / max(people, 1), people, 5.0, 2.5))
    return true, shown


def test_few_settings_are_nearer_to_what_others_would_do_and_many_are_left():
    true, shown = world((3,) * 60 + (400,))
    pool = Pool.of(shown, WITHIN)
    raw = torch.stack([word.mean for word in shown])
    pooled = torch.stack([pool.meaning(word)[0] for word in shown])
    off_raw, off = rms_db(raw - true), rms_db(pooled - true)
    assert float(off[:-1].mean()) < 0.85 * float(off_raw[:-1].mean())
    assert float(rms_db(pooled[-1] - raw[-1])) < 0.1
    # how much words differ is found from their means, although each of those is off
    assert pool.flat == pytest.approx(16 / 8, rel=0.2)


def test_both_data_sets_count_as_much_as_they_are_worth():
    _, shown = world((4,) * 40, people=10)
    word = shown[0]
    assert word.settings == 4 + 10 / 2.5 and word.safe_share == pytest.approx(4 / 6)
    torch.testing.assert_close(word.mean, (4 * word.rows.mean(0) + 2 * word.singles.mean(0)) / 6)
    off = rms_db(word.rows.mean(0) - word.social)
    assert float(word.disagreement.diagonal().mean()) == pytest.approx(4 / 6 * 2 / 6 * float(off) ** 2, rel=0.3)
    for one in (replace(word, people=0.0), replace(word, rows=NONE)):  # nobody disagrees with oneself
        assert not one.disagreement.any()


@given(n=st.integers(1, 500), alike=st.floats(0.0, 1.0))
def test_settings_that_hang_together_are_worth_fewer_independent_ones(n, alike):
    """n numbers of variance 1, each two correlated by `alike`: their mean is as sure as that of so many independent."""
    rows = torch.zeros(n, N_GRID, dtype=torch.float64)
    word = WordSettings(rows, NONE, rows[0], 0.0, 12.0, 3.0, alike)
    correlated = torch.full((n, n), alike, dtype=torch.float64).fill_diagonal_(1.0)
    assert word.settings == pytest.approx(1 / float(correlated.mean()))
    assert word.safe_share == 1.0 and WordSettings(NONE, NONE, rows[0], 0.0, 12.0, 3.0, alike).settings == 0


def test_what_is_uncertain_shrinks_with_every_setting():
    _, shown = world((30,) * 20)
    pool = Pool.of(shown, WITHIN)
    traces = []
    for count in (0, 1, 4, 30):
        _, cov = pool.meaning(replace(shown[0], rows=shown[0].rows[:count]))
        assert float(torch.linalg.eigvalsh(cov)[0]) > -1e-6
        traces.append(float(cov.trace()))
    assert traces == sorted(traces, reverse=True) and traces[-1] < 0.5 * traces[0]
    assert not pool.meaning(replace(shown[0], rows=NONE))[0].any()  # nobody's word means nothing


def test_where_there_are_too_few_words_nothing_is_added():
    _, shown = world((3,) * (LEAST_WORDS - 1), people=5)
    pool = Pool.of(shown, WITHIN)
    assert pool.flat == 0
    torch.testing.assert_close(pool.meaning(shown[0])[0], shown[0].mean)


def test_words_that_are_all_chance_are_given_flat_settings_but_not_endlessly():
    generator = torch.Generator().manual_seed(2)
    nobody = torch.zeros(N_GRID, dtype=torch.float64)
    none = [WordSettings(drawn(WITHIN, 3, generator), NONE, nobody, 0.0, 3.0, 3.0) for _ in range(40)]
    assert Pool.of(none, WITHIN).flat == MOST_FLAT


@given(n=st.integers(0, 4), k=st.integers(0, 3), people=st.integers(4, 30))
def test_leaving_one_out_is_as_if_they_had_never_been_there(n, k, people):
    draw = torch.Generator().manual_seed(n)
    rows, singles = drawn(WITHIN, 5, draw), drawn(WITHIN, 4, draw)
    word = WordSettings(rows, singles, singles.mean(0), float(people), 3.0, 3.0)
    fewer = word.without_row(n)
    torch.testing.assert_close(fewer.rows.sum(0), rows.sum(0) - rows[n])
    assert fewer.people == people and torch.equal(fewer.social, word.social)
    fewer = word.without_person(k)
    torch.testing.assert_close(fewer.social, (singles.sum(0) - singles[k]) / 3)
    assert fewer.people == pytest.approx(people * 3 / 4) and torch.equal(fewer.rows, rows)
    last = replace(word, singles=singles[:1]).without_person(0)
    assert last.people == 0 and not last.social.any()
    # curves of a word whose people are not counted anywhere: leaving one out changes nothing
    uncounted = replace(word, social=0 * word.social, people=0.0)
    assert torch.equal(uncounted.without_person(k).mean, uncounted.mean)


@given(factor=st.sampled_from((-1.0, 0.5, 2.0)), count=st.integers(1, 6))
def test_the_opposite_settings_are_the_opposite_word(factor, count):
    _, shown = world((4,) * 12)
    pool = Pool.of(shown, WITHIN)
    word = replace(shown[1], rows=drawn(WITHIN, count, torch.Generator().manual_seed(count)))
    mean, cov = pool.meaning(word)
    turned, same = pool.meaning(replace(word, rows=factor * word.rows))
    torch.testing.assert_close(turned, factor * mean, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(same, cov)


def test_words_are_built_of_what_the_pool_says():
    """Ten words of three settings each, and one of two hundred."""
    names = ("warm",) * 200 + tuple(word for word in FEW_KNOWN for _ in range(3))
    draw, means = torch.Generator().manual_seed(5), {}
    for word in dict.fromkeys(names):
        means[word] = drawn(BETWEEN, 1, draw)[0]
    curves = torch.stack([means[word] for word in names]) + drawn(WITHIN, len(names), draw)
    people = PeopleData(PeopleSettings(names, curves), [], ([], curves[:0]))
    axes = torch.linalg.svd(curves, full_matrices=False).Vh[:N_LATENT].float()
    eq_model = EqAutoencoder().requires_grad_(False)
    eq_model.encoder.weight.copy_(axes)
    vocabulary = build_words(WordsTraining(), people, eq_model)
    everything, pool = learn(WordsTraining(), people)
    assert 0.5 < pool.flat < 6
    for word in ("warm", *FEW_KNOWN):
        shown = everything[word, "en"]
        expected = shown.settings / (shown.settings + pool.flat) * eq_model.encode(shown.mean.float()).double()
        torch.testing.assert_close(vocabulary[word].mean, expected, atol=1e-4, rtol=1e-4)
