"""The order in which listeners hear the sounds: always the same for one, balanced over all."""

from collections import Counter
from itertools import combinations

import pytest
from listening_kit import METHODS

from reaper_aeq.evaluation.listening.plan import PAIR, RATING, plan
from reaper_aeq.evaluation.listening.study import ANCHOR, Study, StudyItem


@pytest.fixture(params=[4, 5])
def study(request, tmp_path):
    items = [StudyItem(f"{n:x}", "a.wav", "warm", 0, 1, 44_100, -23, {}, {}) for n in range(request.param)]
    return Study(tmp_path, "seed", "token", "", METHODS, tuple(items))


def test_everything_is_asked_once_pairs_first(study):
    trials = plan(study, 3)
    pairs = [(trial.item, frozenset(trial.conditions)) for trial in trials if trial.kind == PAIR]
    asked = {(item.id, frozenset(pair)) for item in study.items for pair in combinations(METHODS, 2)}
    assert set(pairs) == asked and len(pairs) == len(asked)
    ratings = [trial for trial in trials if trial.kind == RATING]
    assert trials[-len(study.items) :] == ratings and {trial.item for trial in ratings} == {i.id for i in study.items}
    assert all(sorted(trial.conditions) == sorted((*METHODS, ANCHOR)) for trial in ratings)


def test_orders_differ_between_listeners_and_not_between_starts(study):
    plans = [plan(study, listener) for listener in range(12)]
    assert plans == [plan(study, listener) for listener in range(12)]
    assert len({tuple(trials) for trials in plans}) == 12


def test_two_listeners_mirror_each_other(study):
    n = len(study.items) * 3
    for listener in (0, 2, 4):
        first, second = plan(study, listener), plan(study, listener + 1)
        assert [(t.item, t.conditions[::-1]) for t in first[:n]] == [(t.item, t.conditions) for t in second[:n][::-1]]
        assert [t.item for t in first[n:]] == [t.item for t in second[n:]][::-1]


def test_each_method_is_a_on_half_of_the_items(study):
    for listener in range(4):
        shown = Counter(trial.conditions for trial in plan(study, listener) if trial.kind == PAIR)
        for first, second in combinations(METHODS, 2):
            assert abs(shown[first, second] - shown[second, first]) <= len(study.items) % 2


def test_each_sound_is_at_each_place_equally_often(study):
    places = Counter(
        (trial.item, place, condition)
        for listener in range(8)
        for trial in plan(study, listener)
        if trial.kind == RATING
        for place, condition in enumerate(trial.conditions)
    )
    assert set(places.values()) == {2} and len(places) == len(study.items) * 16
