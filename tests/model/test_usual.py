"""The usual balance of a sound: kinds and covariance from made-up recordings, and the shipped model's promises."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from reaper_aeq.dsp.fine_structure import N_BINS, N_FINE
from reaper_aeq.evaluation import usual as examination
from reaper_aeq.evaluation.rules import UsualRule
from reaper_aeq.model.curves import COMPARED, GRID, N_GRID, center
from reaper_aeq.model.eq_autoencoder import EqAutoencoder
from reaper_aeq.model.kinds import KINDS, known_kind
from reaper_aeq.model.usual import LEAST_BY_SOUND, UsualBalance, combined, tonality
from reaper_aeq.training import usual as training
from reaper_aeq.training.loop import Run
from reaper_aeq.util.settings import UsualTraining

OCTAVES = GRID.log2() - GRID.log2().mean()


def made(per_kind=24, sources=6, seed=0) -> training.Sounds:
    """Sounds whose features tell the kind and a tilt; kinds differ in balance, and in how far it varies."""
    draw = torch.Generator().manual_seed(seed)
    count = per_kind * len(KINDS)
    kinds = torch.arange(count) % len(KINDS)
    tilt = torch.randn(count, generator=draw, dtype=torch.float64)
    features = 0.3 * torch.randn(count, 30 + N_FINE, generator=draw, dtype=torch.float64)
    for first in (0, 30, 30 + N_FINE - N_BINS):  # of all three sorts
        own = slice(first, first + len(KINDS))
        features[:, own] += 2.0 * torch.nn.functional.one_hot(kinds, len(KINDS))
        features[:, first + len(KINDS)] += tilt
    spread = 1.0 + kinds[:, None].double()
    targets = kinds[:, None] * 0.5 * OCTAVES + tilt[:, None] * OCTAVES
    targets = targets + spread * torch.randn(count, 1, generator=draw, dtype=torch.float64) * torch.sin(OCTAVES)
    targets = center(targets + torch.randn(count, N_GRID, generator=draw, dtype=torch.float64))
    repositories = tuple(f"owner{(n // len(KINDS)) % sources}/x" for n in range(count))
    return training.Sounds(repositories, features, targets, COMPARED.expand(count, -1), kinds)


@pytest.fixture(scope="module")
def fitted():
    sounds = made()
    return sounds, *training.fit_usual(UsualTraining(), sounds)


def test_a_fit_knows_kinds_balance_and_how_far_each_kind_varies(fitted):
    _, model, metrics = fitted
    fresh = made(seed=1)
    usual = [model.usual(one) for one in fresh.features]
    right = [int(one.kinds.argmax()) == int(kind) for one, kind in zip(usual, fresh.kinds, strict=True)]
    assert np.mean(right) > 0.9 and metrics["kind_right_unseen"] > 0.9
    left = fresh.targets - torch.stack([one.mean_db for one in usual])
    assert left.square().mean() < 0.75 * (fresh.targets - fresh.targets.mean(0)).square().mean()
    axis = torch.sin(OCTAVES) / torch.sin(OCTAVES).norm()
    along = torch.stack([(axis @ one.cov @ axis).sqrt() for one in usual])
    few, many = along[fresh.kinds == 1].mean(), along[fresh.kinds == 9].mean()
    assert many > 1.1 * few  # so few sounds of a kind are held close to all others
    figures = examination.balance_figures(fresh, usual, range(len(usual)))
    assert 0.7 < figures["calibration"] < 1.4 and figures["explained"] > 0.4


def test_what_is_shipped_is_what_was_fitted(fitted, tmp_path):
    sounds, model, metrics = fitted
    training.save_usual(model, sounds, UsualTraining(), metrics, tmp_path, "usual")
    again = UsualBalance.load(tmp_path)
    for a, b in ((model.usual(one), again.usual(one)) for one in sounds.features[:5]):
        torch.testing.assert_close(a.mean_db, b.mean_db, rtol=0, atol=0.02)
        torch.testing.assert_close(a.cov, b.cov, rtol=1e-3, atol=0.02)
        torch.testing.assert_close(a.kinds, b.kinds, rtol=0, atol=1e-3)


def at_other_speeds(sounds: training.Sounds) -> training.Sounds:
    """Played faster, a feature of theirs and their balance move together; slower, both the other way."""
    others = []
    for way in (1.0, -1.0):
        features = sounds.features.clone()
        features[:, len(KINDS) + 1] += 4 * way
        others.append(replace(sounds, features=features, targets=center(sounds.targets + 2 * way * torch.cos(OCTAVES))))
    return replace(sounds, other_speeds=tuple(others))


def test_the_mean_alone_learns_from_other_speeds(fitted, tmp_path):
    sounds, plain, metrics = fitted
    several = at_other_speeds(sounds)
    model, _ = training.fit_usual(UsualTraining(), several)
    for same in ("classifier", "kind_probability", "features", "kind_mean_db", "basis"):
        torch.testing.assert_close(getattr(model, same), getattr(plain, same))
    assert len(model.alpha) == 3 * len(sounds.kinds) and len(model.residual) == len(sounds.kinds)

    fresh = at_other_speeds(made(seed=1))
    axis = center(torch.cos(OCTAVES))[COMPARED]
    means = []
    for one in (plain, model):
        faster, slower = (
            torch.stack([usual.mean_db for usual in map(one.usual, at.features[:60])]).mean(0)[COMPARED]
            for at in fresh.other_speeds
        )
        means.append(float(axis @ (faster - slower) / (axis @ axis)))
    assert abs(means[0]) < 0.5 and means[1] > 1.5  # 4 are true

    training.save_usual(model, several, UsualTraining(), metrics, tmp_path, "usual")
    again = UsualBalance.load(tmp_path)
    for one in sounds.features[:5]:
        torch.testing.assert_close(model.usual(one).mean_db, again.usual(one).mean_db, rtol=0, atol=0.02)


def test_what_is_said_of_the_kind_changes_kind_and_balance(fitted):
    sounds, model, _ = fitted
    prior = torch.tensor(known_kind("drums"), dtype=torch.float64)
    plain, told = (model.usual(sounds.features[0], said) for said in (None, prior))
    assert float(told.kinds[list(KINDS).index("drums")]) == 1.0 and told.by_name and not plain.by_name
    assert (told.cov - plain.cov).abs().max() > 0.1


def test_unknown_features_are_average(fitted):
    sounds, model, _ = fitted
    raw = sounds.features[:1].clone()
    raw[:, -N_FINE:] = torch.nan
    usual = model.usual(raw[0])
    assert usual.mean_db.isfinite().all() and usual.cov.isfinite().all()
    assert torch.linalg.eigvalsh(usual.cov).min() > 0 and tonality(raw).eq(0).all()


def test_a_telling_name_wins_over_a_classifier_that_is_sure_of_another_kind():
    by_sound = torch.zeros(len(KINDS), dtype=torch.float64)
    by_sound[0] = 1.0
    prior = torch.full((len(KINDS),), 0.03 / (len(KINDS) - 1), dtype=torch.float64)
    prior[4] = 0.97
    both = combined(by_sound, prior)
    assert int(both.argmax()) == 4 and float(both.sum()) == pytest.approx(1) and LEAST_BY_SOUND > 0
    assert torch.equal(combined(by_sound, None), by_sound)


def test_the_rule_of_one_page_predicts_and_has_a_covariance_of_each_sound():
    sounds = made(per_kind=12)
    usual = list(map(UsualRule.fit(sounds).usual, sounds.features[:3]))
    assert all(torch.linalg.eigvalsh(one.cov).min() > -1e-9 for one in usual)
    assert not torch.allclose(usual[0].cov, usual[1].cov)


def test_sources_are_whole_and_kinds_even_in_folds():
    sounds = made(sources=10)
    fold_of = training.balanced_folds(sounds.sources, sounds.kinds.tolist())
    assert set(fold_of) == set(sounds.sources) and set(fold_of.values()) == set(range(5))
    found = examination.unseen(sounds, lambda seen: SimpleNamespace(usual=lambda raw: set(seen.sources)), sounds)
    assert all(source not in seen for source, seen in zip(sounds.sources, found, strict=True))


def test_what_is_only_learned_from_is_in_every_fold_but_nothing_of_an_examined_source():
    sounds, more = made(sources=10), made(per_kind=4, sources=12, seed=1)  # two owners more
    own = tuple(name.replace("owner1/", "further/").replace("/x", "/again") for name in more.repositories)
    joined = replace(
        sounds, repositories=sounds.repositories + own,
        features=torch.cat((sounds.features, more.features)), targets=torch.cat((sounds.targets, more.targets)),
        heard=torch.cat((sounds.heard, more.heard)), kinds=torch.cat((sounds.kinds, more.kinds)),
    )  # fmt: skip
    assert "further" in joined.sources and "owner3" in joined.sources[-len(own) :]

    def fit(seen):
        return SimpleNamespace(usual=lambda raw: seen)

    found, alone = (examination.unseen(sounds, fit, to_learn) for to_learn in (joined, sounds))
    assert len(found) == len(sounds.kinds)
    for source, seen, without_more in zip(sounds.sources, found, alone, strict=True):
        assert source not in seen.sources and "further" in seen.sources
        assert any(name.endswith("again") for name in seen.repositories)
        # the folds are those of the examined alone
        assert set(without_more.sources) == set(seen.sources) & set(sounds.sources)


def test_owners_of_one_hand_are_left_out_together():
    assert training.source_of("vocobox/a") == training.source_of("vocobox/b") == "vocobox"
    assert training.source_of("sfzinstruments/a") != training.source_of("sfzinstruments/b")
    assert training.source_of("debian:x") == "debian:x"


def clip(name, kind, source):
    rng = np.random.default_rng(len(name))
    ltas = torch.from_numpy(rng.normal(0, 5, N_GRID))
    analysis = SimpleNamespace(
        ltas_db=lambda: ltas, in_reach=torch.ones(N_GRID, dtype=torch.bool), fine=torch.zeros(N_FINE)
    )
    return SimpleNamespace(
        name=name,
        kind=kind,
        source=source,
        known=torch.ones(N_GRID, dtype=torch.bool),
        analysis=analysis,
        other_speeds=(),
    )


def test_recordings_become_sounds_and_what_is_not_what_it_says_is_left_out(monkeypatch):
    monkeypatch.setattr(training, "features", lambda analysis: torch.zeros(10 + N_FINE, dtype=torch.float64))
    clips = [clip(f"{kind}.wav", kind, f"a{n % 3}/{kind}") for n, kind in enumerate(KINDS)]
    clips += [
        clip("x.wav", "choir", "b/c"),
        clip("other.wav", "other", "b/c"),
        clip("megaglest_chicken.ogg", "speech", "b/d"),
    ]
    sounds = training.sounds_of(clips)
    assert len(sounds.kinds) == len(KINDS) + 1 and sounds.kinds[-1] == list(KINDS).index("vocals")
    assert sounds.repositories == tuple(one.source for one in clips[: len(KINDS) + 1])
    assert float((sounds.targets.amax(1) - sounds.targets.amin(1)).max()) <= 60.0 + 1e-6
    with pytest.raises(training.AeqError, match="no recordings of mix, drums"):
        training.sounds_of(clips[2:])


def test_training_writes_a_model_that_loads(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "sounds_of", lambda clips: made(per_kind=12))
    metrics = training.train_usual(UsualTraining(), [], tmp_path, Run(tmp_path / "run", 0))
    assert UsualBalance.load(tmp_path).features.shape[0] == 12 * len(KINDS) and metrics["kind_right_unseen"] > 0.5
    with pytest.raises(training.AeqError, match="cannot be split 5 ways"):
        training.fit_usual(UsualTraining(), made(sources=3))


def test_standard_errors_know_that_recordings_of_a_source_are_alike():
    values = torch.tensor([1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0])
    alone = examination.clustered(values, [str(n) for n in range(8)])[1]
    together = examination.clustered(values, ["a"] * 4 + ["b"] * 4)[1]
    assert together > 2 * alone


def test_edits_are_undone_better_by_who_knows_the_balance():
    """A sound of exactly the usual balance less a setting: the posterior finds more of it than the mean does."""
    draw = torch.Generator().manual_seed(0)
    shape = center(OCTAVES)
    rows = torch.randn(40, 1, generator=draw, dtype=torch.float64) * shape
    word = examination.WordEdits(0 * shape, torch.outer(shape, shape) + 0.01 * torch.eye(N_GRID), rows)
    usual = examination.Usual(0 * shape, 0.1 * torch.eye(N_GRID).double(), 0 * shape)
    heard = COMPARED.clone()
    answers = examination.posterior_means(-rows, usual, word, heard, heavy_tails=False)
    assert (answers - center(rows)).square().mean() < 0.1 * rows.square().mean()


def test_the_shipped_model_hears_no_eq_and_tells_noise_bursts_from_a_voice():
    model = UsualBalance.load()
    assert len(model.features) > 900 and model.shape.embedded == 40
    usual = model.usual(model.feature_mean)
    assert usual.cov.isfinite().all() and torch.linalg.eigvalsh(usual.cov).min() > 0
    assert EqAutoencoder.load().encode(usual.mean_db.float()[None]).isfinite().all()


def test_how_far_a_sound_is_from_all_that_is_known(fitted):
    sounds, model, _ = fitted
    place = model.components(sounds.features[:7])
    near, known = model.embed(place), model.embed(model.features)
    apart = (near[:, None] - known).square().mean(2).sort(1).values
    torch.testing.assert_close(model.away(place), apart[:, :5].mean(1).sqrt())
    rest = torch.ones(len(known)).double()
    rest[:7] = 0
    assert bool((model.away(place, rest) > model.away(place)).all())  # what is left out is no company
    few = torch.zeros(len(known)).double()
    few[10:13] = 1
    assert bool(model.away(place, few).isfinite().all())
    odd = model.components(sounds.features.mean(0, keepdim=True) + 8 * model.feature_scale)
    assert float(model.away(odd)) > 1.5 * float(model.away(place).max())
