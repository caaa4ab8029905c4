"""How `evaluate sections` measures: what is taken out of which section, and levels over time."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from reaper_aeq.dsp.spectrum import analyze_blocks
from reaper_aeq.eq import Band, Eq, EqSection, MovingEq
from reaper_aeq.evaluation import sections
from reaper_aeq.evaluation.sections import (
    CHOSEN,
    RATE,
    Constants,
    JoinedClips,
    Trial,
    _beside_one,
    _chosen_without,
    _followed,
    _with_chosen,
    balances_apart_db,
    off_curve_db,
)
from reaper_aeq.model.curves import GRID, N_GRID, rms_db


def eq(low_db, high_db, out_db=0.0):
    return Eq((Band("low_shelf", 200.0, low_db), Band("band", 3000.0, high_db, 1.5)), out_db)


def test_levels_of_tones_are_those_of_the_curve_at_their_time():
    moving = MovingEq((EqSection(0.0, 2.0, eq(4, -3, -1)), EqSection(2.0, 4.0, eq(-2, 5, 2))))
    assert off_curve_db(moving) < 0.1


def test_each_recording_loses_its_own_edit():
    sound = np.random.default_rng(1).normal(size=(2, 8 * RATE)).astype(np.float32)
    joined = JoinedClips(SimpleNamespace(), 5.0, analyze_blocks([sound], RATE, sections=True))
    first, second = torch.full((N_GRID,), 6.0).double(), -3.0 * (GRID > 1000).double()
    damaged = joined.without((first, second))
    change = 10 * (damaged.band_power / joined.analysis.band_power).log10()
    cut = round(5.0 * damaged.frame_rate)
    assert change[3:cut].numpy() == pytest.approx(-6.0, abs=1e-3)
    assert change[cut:].nan_to_num(0.0)[2].numpy() == pytest.approx(3.0 * (GRID > 1000).float().numpy(), abs=1e-3)
    assert damaged.spectra is joined.analysis.spectra and damaged.node_power is None


def test_errors_are_held_against_those_of_one_eq():
    figures = _beside_one([Trial(("a", "b"), 5.0, {"one EQ": [2.0, 4.0], "sections": [1.0, 3.5]})])
    assert figures["sections"]["less_percent"] == pytest.approx(25.0) and "less_percent" not in figures["one EQ"]


def test_what_shares_a_recording_is_not_more_evidence():
    """Four times the same two recordings say as much as once, four times others four times as much."""
    gains = (0.5, 1.5)

    def figures(names):
        trials = [
            Trial(pair, 5.0, {"one EQ": [4.0], "sections": [4.0 - gain]})
            for pair, gain in zip(names, gains * (len(names) // 2), strict=True)
        ]
        return _beside_one(trials)["sections"]["se_percent"]

    once = figures([("a", "b"), ("c", "d")])
    assert figures([("a", "b"), ("c", "d")] * 4) == pytest.approx(once)
    others = [(f"{n} {one}", f"{n} {other}") for n in range(4) for one, other in (("a", "b"), ("c", "d"))]
    assert figures(others) == pytest.approx(once / 2)


def test_balances_lie_apart_where_both_halves_have_sound():
    """Whatever their levels are, and whatever lies where one of them has nothing."""
    sound = np.random.default_rng(1).normal(size=(2, 12 * RATE)).astype(np.float32)
    sound[:, 6 * RATE :] *= 0.1
    joined = JoinedClips(SimpleNamespace(), 6.0, analyze_blocks([sound], RATE, sections=True))
    assert balances_apart_db(joined.analysis, 6.0) < 0.5
    nothing, tilted = torch.zeros(N_GRID).double(), 4.0 * (GRID.log2() - 10).sign()
    rms = float(rms_db(tilted))
    assert balances_apart_db(joined.without((nothing, tilted)), 6.0) == pytest.approx(rms, abs=0.3)
    gone = tilted + 90.0 * (GRID > 8000).double()
    assert balances_apart_db(joined.without((nothing, gone)), 6.0) == pytest.approx(rms, abs=0.3)


def test_every_mix_is_joined_with_three_others_and_keeps_its_number(monkeypatch):
    monkeypatch.setattr(
        sections, "_excerpt",
        lambda clip: np.random.default_rng(clip.seed).normal(size=(2, clip.seconds * RATE)).astype(np.float32),
    )  # fmt: skip
    clips = [SimpleNamespace(name=f"clip {n}", seed=n, seconds=2 + n % 2) for n in range(5)]
    pairs = list(sections.joined_clips(SimpleNamespace(), clips, "mixes", 0, 7))
    assert len({pair.recordings for pair in pairs}) == len(pairs) == 15
    assert all(first != second for first, second in (pair.recordings for pair in pairs))
    numbers = {}
    for pair in pairs:
        assert numbers.setdefault(pair.recordings[0], pair.number) == pair.number
        assert pair.cut_s == 2 + int(pair.recordings[0][-1]) % 2
    assert sorted(numbers.values()) == [7, 8, 9, 10, 11]
    assert len(list(sections.joined_clips(SimpleNamespace(), clips, "single sources", 0))) == 5
    assert len(list(sections.joined_clips(SimpleNamespace(), clips[:2], "mixes", 0))) == 2
    assert not list(sections.joined_clips(SimpleNamespace(), clips[:1], "mixes", 0))


USED, OTHER = Constants(), Constants(13.0, 0.75)


def trial(fold, used_db, other_db):
    return Trial(("a", "b"), 6.0, {"one EQ": [4.0]}, {USED: [used_db], OTHER: [other_db]}, fold)


def test_constants_are_chosen_without_the_fold_they_are_for():
    """Each of two folds comes nearer with other constants, and gets those of the other fold."""
    different = [trial(0, 3.0, 1.0), trial(1, 1.0, 3.0)]
    steady = {constants: {0: [True] * 20, 1: [True] * 20} for constants in (USED, OTHER)}
    chosen = {k: _chosen_without(k, different, steady) for k in (0, 1)}
    assert chosen == {0: USED, 1: OTHER}
    errors = [_with_chosen(one, chosen).errors_db for one in different]
    assert [own[CHOSEN] for own in errors] == [[3.0], [3.0]] and all(own["one EQ"] == [4.0] for own in errors)
    assert CHOSEN not in _with_chosen(different[0], {}).errors_db


def test_constants_that_move_steady_songs_are_not_chosen():
    different = [trial(1, 3.0, 1.0)]
    steady = {USED: {0: [True] * 20, 1: [True] * 20}, OTHER: {0: [False] * 20, 1: [True] * 18 + [False] * 2}}
    assert _chosen_without(0, different, steady) == USED
    steady[OTHER][1] = [True] * 19 + [False]
    assert _chosen_without(0, different, steady) == OTHER


def test_what_is_cut_and_pulled_alike_is_asked_once():
    """A song whose balance changes at 12 s, by more than any price; a steady one is not asked about again."""
    rng = np.random.default_rng(1)
    sound = rng.normal(size=(2, 24 * RATE)).astype(np.float32)
    steady = analyze_blocks([sound], RATE, sections=True)
    sound[:, 12 * RATE :] = np.diff(sound[:, 12 * RATE :], axis=1, prepend=0)
    changed = analyze_blocks([sound], RATE, sections=True)
    asked = []
    engine = SimpleNamespace(adapt_request=lambda one: asked.append(one) or len(asked))
    tried = [USED, Constants(13.0, USED.pull), OTHER]
    assert set(_followed(engine, steady, "warm", tried, "one").values()) == {"one"} and not asked
    assert _followed(engine, changed, "warm", tried, "one") == dict(zip(tried, (1, 1, 2), strict=True))
    assert [one.sections_pull for one in asked] == [USED.pull, OTHER.pull]
    assert all(one.edges_s == pytest.approx([12.0], abs=1.0) for one in asked)
