"""Intervals and tests against figures computed by hand and by scipy."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reaper_aeq.evaluation.listening.figures import holm, proportion, sign_test, spread, wilcoxon
from reaper_aeq.evaluation.listening.results import (
    Choice,
    Rated,
    choices_of,
    rating_pairs,
    ratings_of,
    read_answers,
    screened,
    summary,
)
from reaper_aeq.evaluation.listening.store import Store

METHODS = ("original", "adaptive")


@given(n=st.integers(1, 60), data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_share_has_wilsons_interval_and_the_exact_test(n, data):
    wins = data.draw(st.integers(0, n))
    z, p = 1.959963984540054, wins / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    chances = [math.comb(n, k) / 2**n for k in range(n + 1)]
    exact = sum(chance for chance in chances if chance <= chances[wins] * (1 + 1e-9))
    found = proportion(wins, n)
    assert found["share"] == p and found["p"] == pytest.approx(exact)
    assert (found["low"], found["high"]) == pytest.approx((max(middle - half, 0), min(middle + half, 1)), abs=1e-9)


def test_without_choices_there_is_no_share():
    assert proportion(0, 0) == {"share": None, "low": None, "high": None, "p": 1.0}
    assert sign_test([]) == {"for_first": 0, "for_second": 0, "even": 0, "p": 1.0}


def choices(listener, word, *chosen, pair=METHODS):
    return [Choice(listener, word, pair, name) for name in chosen]


def test_choices_are_counted_whichever_side_they_were_on():
    given_answers = [
        *choices(0, "warm", "adaptive", "adaptive", "neither", "original"),
        *choices(1, "warm", "adaptive", "adaptive", "adaptive", "adaptive", pair=METHODS[::-1]),
        *choices(2, "warm", "original", "neither", "original"),
    ]
    (row,) = choices_of(given_answers, METHODS)
    assert (row["first"], row["second"], row["word"], row["answers"]) == ("original", "adaptive", None, 11)
    assert (row["for_first"], row["for_second"], row["ties"]) == (3, 6, 2)
    assert row["share"] == pytest.approx(1 / 3)
    assert row["p"] == row["p_holm"] == pytest.approx(2 * (1 + 9 + 36 + 84) / 512)
    assert row["listeners"] == {"for_first": 1, "for_second": 2, "even": 0, "p": 1.0}


def test_several_words_have_rows_of_their_own_corrected_by_themselves():
    pairs = (("original", "fixed"), ("original", "adaptive"), ("fixed", "adaptive"))
    answers = []
    for word, times in (("warm", 8), ("bright", 6)):
        answers += [choice for pair in pairs for choice in choices(0, word, *[pair[1]] * times, pair=pair)]
    rows = choices_of(answers, ("original", "fixed", "adaptive"))
    assert [row["word"] for row in rows] == [None] * 3 + ["warm"] * 3 + ["bright"] * 3
    assert [row["p_holm"] for row in rows] == pytest.approx([3 * 2 / 2**n for n in (14, 14, 14, 8, 8, 8, 6, 6, 6)])


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.5]) == [1.0, 1.0] and holm([]) == []


def page(listener, word="warm", **ratings):
    return Rated(listener, word, {"original": 100, "adaptive": 80, "anchor": 20} | ratings)


def test_who_misses_the_hidden_reference_too_often_is_left_out():
    def pages(listener, below, n=20):
        return [page(listener, original=89 if k < below else 90) for k in range(n)]

    kept, out = screened(pages(0, 3) + pages(1, 4) + pages(2, 0))
    assert out == [{"listener": 1, "below_90": 4, "pages": 20}]  # 15 % may be, more may not
    assert {one.listener for one in kept} == {0, 2}


def test_wilcoxon_is_scipys_and_five_of_five_are_one_in_sixteen():
    assert wilcoxon(np.array([3.0, 5.0, 1.0, 8.0, 2.0])) == pytest.approx(2 / 2**5)
    assert wilcoxon(np.array([3.0, 5.0, 0.0, 1.0, 8.0, 2.0, 0.0])) == pytest.approx(2 / 2**5)
    assert wilcoxon(np.zeros(4)) == 1.0
    values = np.random.default_rng(1).normal(2, 10, 30)
    assert wilcoxon(values) == stats.wilcoxon(values).pvalue


def test_ratings_are_paired_by_page_and_corrected():
    pages = [page(k % 3, adaptive=70 + k, fixed=60 - k) for k in range(6)]
    rows = rating_pairs(pages, ("original", "fixed", "adaptive", "anchor"))
    assert [(row["first"], row["second"]) for row in rows] == [
        ("original", "fixed"), ("original", "adaptive"), ("fixed", "adaptive"),
    ]  # fmt: skip
    assert all(row["p"] == pytest.approx(2 / 2**6) and row["p_holm"] == pytest.approx(6 / 2**6) for row in rows)
    assert rows[1]["median_difference"] == rows[1]["mean_difference"] == 27.5
    assert rows[2]["listeners"] == {"for_first": 0, "for_second": 3, "even": 0, "p": 0.25}


def test_intervals_of_one_listener_are_scipys_bootstrap():
    values = np.random.default_rng(2).normal(60, 20, 120)
    found = spread([values])
    assert found == spread([values]), "the draws are always the same"
    assert (found["mean"], found["median"]) == (values.mean(), np.median(values))
    for name, statistic, room in (("mean", np.mean, 0.6), ("median", np.median, 1.2)):
        other = stats.bootstrap(
            (values,), statistic, n_resamples=4000, method="percentile", random_state=0, vectorized=True
        ).confidence_interval
        assert (found[f"{name}_low"], found[f"{name}_high"]) == pytest.approx(tuple(other), abs=room)


def test_intervals_cover_that_listeners_differ():
    rng = np.random.default_rng(3)
    groups = [40 + 10 * k + rng.normal(0, 1, 12) for k in range(5)]
    apart, pooled = spread(groups), spread([np.concatenate(groups)])
    width, naive = (found["mean_high"] - found["mean_low"] for found in (apart, pooled))
    # of five means 10 apart: 2 * 1.96 * sqrt(200) / sqrt(5) = 24.8; of 60 values as if all were one's own: 7.2
    assert width == pytest.approx(24.8, rel=0.1) and naive == pytest.approx(7.2, rel=0.1)


def test_listeners_with_unlike_numbers_of_pages_count_by_their_pages():
    found = spread([[10.0] * 8, [90.0] * 2])
    assert found["mean"] == 26 and (found["median"], found["median_low"], found["median_high"]) == (10, 10, 90)
    # a draw of the first one alone, of both, of the second one alone
    assert (found["mean_low"], found["mean_high"]) == (10, 90)


def test_each_condition_has_a_row_for_each_word_of_several():
    rows = ratings_of([page(0), page(1), page(1, "bright", adaptive=40)], ("original", "adaptive", "anchor"))
    assert [(row["word"], row["ratings"]) for row in rows] == [(None, 3)] * 3 + [("warm", 2)] * 3 + [("bright", 1)] * 3
    assert rows[1]["mean"] == pytest.approx(200 / 3) and rows[1]["median"] == 80 and rows[7]["mean"] == 40
    assert [row["listeners"] for row in rows] == [2] * 3 + [2] * 3 + [1] * 3


def answer_all(store, name, choose, rate):
    """A listener who goes to the end; `choose` and `rate` see the conditions, as no real one does."""
    token = store.join(name)
    while current := store.session(token).trial:
        conditions = {sound: store.sound(token, sound)[1] for sound in current.sounds}
        if current.kind == "pair":
            chosen = max(current.sounds, key=lambda sound: choose(conditions[sound]))
            for question in ("more", "prefer"):
                store.answer(token, current.position, question, chosen)
        else:
            for sound, condition in conditions.items():
                store.answer(token, current.position, sound, rate(condition))
        store.finish(token, current.position)
    return token


def test_what_listeners_answered_is_what_is_reported(study):
    empty = read_answers(study)
    assert (empty.listeners, empty.count) == (0, 0) and not (study.folder / "answers.sqlite").exists()
    store = Store(study)
    liking = {"original": 1, "fixed": 2, "adaptive": 3}
    ratings = {"original": 100, "adaptive": 85, "fixed": 70, "anchor": 20}
    for name in ("ann", "ben", "cem"):
        answer_all(store, name, liking.get, ratings.get)
    answer_all(store, "dot", lambda condition: -liking[condition], lambda condition: 100 - ratings[condition])
    store.join("eve")
    answers = read_answers(study)
    # 2 items, 3 pairs, 2 questions; 2 items, 4 sounds
    assert (answers.listeners, answers.finished, answers.count) == (5, 4, 4 * (12 + 8))
    report = summary(answers, study)
    row = next(row for row in report["prefer"] if row["word"] is None and row["first"] == "fixed")
    assert (row["second"], row["for_first"], row["for_second"], row["ties"]) == ("adaptive", 2, 6, 0)
    assert row["listeners"] == {"for_first": 1, "for_second": 3, "even": 0, "p": 0.625}
    assert report["left_out"] == [{"listener": 3, "below_90": 2, "pages": 2}]
    means = {row["condition"]: row["mean"] for row in report["ratings"] if row["word"] is None}
    assert means == ratings
    (pair,) = [row for row in report["rating_pairs"] if (row["first"], row["second"]) == ("fixed", "adaptive")]
    assert pair["pairs"] == 6 and pair["median_difference"] == -15 and pair["p"] < 0.05


def test_answers_of_a_page_that_is_not_finished(study):
    store = Store(study)
    token = store.join("ann")
    sound = store.session(token).trial.sounds[0]
    store.answer(token, 0, "more", sound)
    answers = read_answers(study)
    assert [choice.chosen for choice in answers.choices["more"]] == [store.sound(token, sound)[1]]
    while (current := store.session(token).trial).kind == "pair":
        for question in ("more", "prefer"):
            store.answer(token, current.position, question, "neither")
        store.finish(token, current.position)
    for sound in current.sounds[:-1]:
        store.answer(token, current.position, sound, 50)
    answers = read_answers(study)
    assert answers.pages == [] and {choice.chosen for choice in answers.choices["prefer"]} == {"neither"}
