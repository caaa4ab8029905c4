"""The comparison: every contestant answers the same trials, and the figures are what they are said to be."""

from __future__ import annotations

import dataclasses

import matplotlib.image
import numpy as np
import pytest
import soundfile
import torch

from reaper_aeq.dsp.spectrum import analyze_blocks
from reaper_aeq.dsp.virtual_eq import equalized
from reaper_aeq.engine import AdaptiveEQ
from reaper_aeq.errors import AeqError, OutputError
from reaper_aeq.evaluation.baselines import Fold, RepairTrial, genre_neighbors, matchering
from reaper_aeq.evaluation.compare import _means, compared_methods, plot_comparison, run_compare
from reaper_aeq.evaluation.compared import USUAL_RULE, chosen_names
from reaper_aeq.evaluation.laws import By
from reaper_aeq.evaluation.repair import Score, note
from reaper_aeq.model import NETWORKS
from reaper_aeq.model.audio_encoder import Usual
from reaper_aeq.model.curves import N_GRID, center, rms_db
from reaper_aeq.model.usual import features
from reaper_aeq.request import METHODS
from reaper_aeq.training.charts import correlation
from reaper_aeq.training.datasets.readers import Clip

RATE = 44_100
TILT = center(torch.linspace(3, -3, N_GRID, dtype=torch.float64))


def clip(name: str, source: str, genre: str, seed: int, path: str = "") -> Clip:
    rng = np.random.default_rng(seed)
    gusts = 0.1 + np.abs(np.sin((1 + seed) * np.arange(6 * RATE) / RATE))
    sound = (0.1 * gusts * rng.standard_normal((2, 6 * RATE))).astype(np.float32)
    if path:
        soundfile.write(path, sound.T, RATE)
    return Clip(name, source, "mix", 1e9, analyze_blocks([sound], RATE), genre, path)


@pytest.fixture(scope="module")
def trial(tmp_path_factory) -> RepairTrial:
    folder = tmp_path_factory.mktemp("compare")
    clips = [clip(f"{n}", f"s{n}", "rock", n, str(folder / f"{n}.wav")) for n in range(2)]
    engine = AdaptiveEQ.load(device="cpu")
    others = {network: AdaptiveEQ.load(device="cpu", encoder=network) for network in NETWORKS}
    cov = torch.eye(N_GRID, dtype=torch.float64) * 9 + 4
    fold = Fold(
        clips, engine, (clips[0].analysis.ltas_db(), cov), {"warm": {"SAFE": TILT}}, {"warm": TILT[None]},
        {"warm": cov}, others, genre_neighbors(clips),
    )  # fmt: skip
    return RepairTrial(fold, clips[0], "warm", -2 * TILT, equalized(clips[0].analysis, -2 * TILT))


def test_every_method_and_encoder_takes_part_and_answers(trial):
    who = compared_methods(with_matchering=False)
    assert set(METHODS) - {"fixed"} <= set(who) and {f"adaptive, {name}" for name in NETWORKS} <= set(who)
    curves = {name: answer([trial])[0] for name, answer in who.items()}
    assert curves.pop("fixed SocialEQ") is None  # which has no such word here
    assert curves.pop(USUAL_RULE) is None  # fitted where there are recordings of every kind
    for name, curve in curves.items():
        assert curve.shape == (N_GRID,) and bool(torch.isfinite(curve).all()), name
    assert not curves["nothing"].any() and torch.equal(curves["fixed SAFE"], TILT)
    # the neighbor is noise of the same balance as the recording was, so whoever matches it undoes the damage
    assert rms_db(trial.damage + curves["match to neighbor"]) < 0.3 * rms_db(trial.damage)


def test_who_is_matched_to_a_neighbor_answers_for_no_single_source(trial):
    """A neighbor is one of genre, which mixes have."""
    single = dataclasses.replace(trial, clip=dataclasses.replace(clip("voice", "s2", "", 5), kind="vocals"))
    answers = {
        name: answer([single])[0]
        for name, answer in compared_methods(with_matchering=True).items()
        if "neighbor" in name
    }
    assert answers == {"match to neighbor": None, "matchering, neighbor": None}


def test_the_rule_of_usual_balance_undoes_what_is_unusual(trial):
    class Knows:
        def usual(self, raw):
            assert raw.shape == (len(features(trial.clip.analysis)),)
            clean = trial.clip.analysis.ltas_db()
            return Usual(clean, 0.01 * torch.eye(N_GRID, dtype=torch.float64), clean)

    knows = dataclasses.replace(trial, fold=dataclasses.replace(trial.fold, usual_rule=Knows()))
    answer = compared_methods(with_matchering=False)[USUAL_RULE]([knows])[0]
    assert rms_db(trial.damage + answer) < 0.2 * rms_db(trial.damage)


def test_many_trials_are_answered_as_one(trial):
    trials = [
        dataclasses.replace(trial, damage=n * TILT, damaged=equalized(trial.clip.analysis, n * TILT)) for n in (-2, 1)
    ]
    for name in ("adaptive", "scalar rule", "fixed SAFE", "adaptive, transformer"):
        answer = compared_methods(with_matchering=False)[name]
        together = answer(trials)
        assert all(rms_db(a - answer([t])[0]) < 0.02 for a, t in zip(together, trials, strict=True)), name


def test_matchering_undoes_a_damage_too(trial):
    assert rms_db(trial.damage + matchering(trial)) < 0.3 * rms_db(trial.damage)


def test_a_tool_that_is_not_there_is_said_before_the_work(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "matchering", None)
    with pytest.raises(
        AeqError, match="matchering is not installed: 'python -m pip install matchering', or leave --matchering out"
    ):
        run_compare([tmp_path], tmp_path, with_matchering=True)


def test_what_is_said_of_a_trial(trial):
    scores = (Score(), Score())
    for amount in (1.0, 2.0, 3.0):
        for score, share in zip(scores, (0.5, 1.0), strict=True):
            note(score, dataclasses.replace(trial, damage=amount * TILT), None, -share * amount * TILT)
    half, whole = (score.summary() for score in scores)
    assert whole["lsd_db"] == 0 and half["lsd_db"] == pytest.approx(float(rms_db(TILT)), abs=1e-3)
    assert (half["restored"], whole["restored"]) == (0.5, 1.0) and half["follows_missing"] == 1.0
    assert correlation(TILT, 3 * TILT) == pytest.approx(1) and correlation(TILT, -TILT) == pytest.approx(-1)


def test_methods_are_told_apart_trial_by_trial():
    """Medians may agree, or differ the other way, where one method is better on every single trial."""
    default, better, few = Score([1.0, 4.0, 2.0]), Score([0.9, 3.7, 1.8]), Score([0.5, 0.5])
    for score in (default, better, few):
        score.missing_db = score.restored = [1.0] * len(score.lsd_db)
    said = better.summary(default)
    assert (said["beside_default_db"], said["standard_error_db"]) == pytest.approx((-0.2, 0.1 / 3**0.5), abs=1e-4)
    # neither of itself, nor of who did not answer all
    for other in (default, few):
        assert "beside_default_db" not in other.summary(default)


def test_means_leave_out_who_did_not_answer_every_word():
    rows = {"a": {"x": {"lsd_db": 1.0}, "fixed p": {"lsd_db": 3.0}}, "b": {"x": {"lsd_db": 2.0}}}
    rows["b"] |= {"fixed q": {"lsd_db": 5.0}, "fixed p": {"lsd_db": 6.0}}
    means = _means(rows)
    assert means["x"] == {"lsd_db": 1.5} and "fixed q" not in means and means["fixed p"] == {"lsd_db": 4.5}
    assert means["best fixed, word by word"] == {"lsd_db": 4.0}


def test_neighbors_share_genre_and_no_repository():
    clips = [clip("a", "s", "rock with vocals", 0), clip("b", "s", "rock", 1), clip("c", "t", "jazz with vocals", 2)]
    clips.append(clip("d", "u", "hard rock", 3))
    near = genre_neighbors(clips)
    assert near["a"].name == near["b"].name == "d" and near["d"].name in "ab" and near["c"].source != "t"


def test_an_engine_by_a_method_can_be_told_another(trial):
    by = By(trial.fold.engine, "fixed")
    sound = 0.1 * np.random.default_rng(0).standard_normal((1, RATE))
    assert by.adapt(sound, RATE, "warm").method == "fixed"
    assert by.adapt(sound, RATE, "warm", method="adaptive").method == "adaptive"
    assert by.words is trial.fold.engine.words


@pytest.mark.shared
@pytest.mark.slow
def test_the_whole_comparison(shared_dir):
    report = run_compare(
        [shared_dir / "audio"], shared_dir / "data", every=12, only=("nothing", "fixed SAFE", "adaptive"),
        rows_per_clip=1, gains_per_clip=2,
    )  # fmt: skip
    words = report["published edits taken back, adaptation 1"]
    mixes = {word: rows for word, rows in words.items() if "," not in word}
    assert len(mixes) == 7 and {f"{word}, single sources" for word in mixes} < set(words)
    assert all(rows["nothing"]["restored"] == 0 < rows["adaptive"]["restored"] for rows in mixes.values())
    mean = report["all seven published words"]["mean"]
    assert mean["adaptive"]["lsd_db"] < mean["nothing"]["lsd_db"]
    odd = report["odd inputs, 'warm'"]
    has, lacks = (odd[kind] for kind in ("already has it", "lacks it"))
    assert has["fixed SAFE"] == lacks["fixed SAFE"] and has["adaptive"]["given"] < 0.5 * lacks["adaptive"]["given"]
    # the bands alone; what comes out, output gain included, is the law "safe"'s
    silent = odd["silent below 200 Hz"]
    assert silent["nothing"]["boost_of_silence_db"] == 0 and silent["adaptive"]["boost_of_silence_db"] <= 6
    # of three sounds only these say something; `test_examinations` has the others
    laws = {name: row["adaptive"]["holds"] for name, row in report["laws"].items()}
    assert {"null", "level", "safe: gains", "safe: 60 dB down", "safe: loudness"} <= {
        n for n in laws if laws[n] == "yes"
    }
    agreement = report["agreement with unseen people on untouched mixes"]["warm"]
    assert agreement["nothing"]["correlation"] == 0 < agreement["adaptive"]["correlation"]
    assert report["speed, one sound of 30 s already analyzed"][""]["adaptive"]["milliseconds"] > 0


def test_the_picture(tmp_path):
    rows = {"warm": {"nothing": {"lsd_db": 3.0}, "adaptive": {"lsd_db": 2.0}, "fixed SAFE": {"lsd_db": 2.5}}}
    report = {
        "people's edits taken back": rows,
        "published edits taken back, adaptation 1": rows | {"dark": rows["warm"]},
    }
    plot_comparison(report, tmp_path / "all.png")
    assert matplotlib.image.imread(tmp_path / "all.png").std() > 0.05
    with pytest.raises(OutputError, match=r"choose a name that ends in \.png"):
        plot_comparison(report, tmp_path / "all.doc")


@pytest.mark.parametrize("with_matchering", [False, True])
def test_the_names_are_those_that_can_be_chosen_without_torch(with_matchering):
    assert list(compared_methods(with_matchering)) == chosen_names([], with_matchering)
    with pytest.raises(AeqError, match="only compared with --matchering"):
        chosen_names(["matchering, neighbor"], False)
