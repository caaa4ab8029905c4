"""What tells answers from people: nothing where they are alike, much where all answers are one."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.errors import ModelError
from reaper_aeq.evaluation.folds import load_cvae_fold, read_people
from reaper_aeq.evaluation.variations import SOUNDLESS, VARIED, mmd, run_variations
from reaper_aeq.methods.cvae.network import Cvae
from reaper_aeq.model.checkpoint import Checkpoint
from reaper_aeq.model.curves import N_GRID
from reaper_aeq.util.paths import shipped


def people(count: int, seed: int, shift: float = 0.0, spread: float = 4.0) -> torch.Tensor:
    """Broad curves of one direction each, (count, bands) dB."""
    generator = torch.Generator().manual_seed(seed)
    slope = torch.linspace(-1, 1, N_GRID, dtype=torch.float64)
    amount = shift + spread * torch.randn(count, 2, generator=generator, dtype=torch.float64)
    return amount[:, :1] * slope + amount[:, 1:] * torch.cos(3 * slope)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_mmd_is_nothing_for_the_same_people_and_grows_with_the_difference(seed):
    first, same = people(120, seed), people(120, seed + 5000)
    values = [mmd(first, people(120, seed + 9000, shift), 4.0) for shift in (0.0, 4.0, 8.0)]
    assert abs(mmd(first, same, 4.0)) < 0.05 and abs(values[0]) < 0.05
    assert values[0] < values[1] < values[2]


def test_one_answer_for_all_is_told_from_people():
    everyone = people(150, 1)
    one = everyone.mean(0).expand(20, -1)
    assert mmd(one, everyone, 4.0) > 5 * abs(mmd(people(20, 7), everyone, 4.0))
    assert mmd(people(100, 8, spread=1.0), everyone, 4.0) > 0.02  # all too alike


@pytest.mark.shared
def test_a_fold_that_may_have_seen_the_people_is_refused(shared_dir, tmp_path):
    everyone = read_people(shared_dir / "data")
    model = load_cvae_fold(None, 0, everyone)
    assert isinstance(model, Cvae)
    info = Checkpoint.load("cvae0", shipped("models") / "folds").info
    other = {**info, "held": "of another split"}
    Checkpoint({k: v for k, v in model.state_dict().items()}, other).save(tmp_path / "folds", "cvae0")
    with pytest.raises(ModelError, match="may have seen the settings"):
        load_cvae_fold(tmp_path, 0, everyone)


@pytest.mark.shared
def test_a_fold_s_words_know_nothing_of_its_people(shared_dir):
    from reaper_aeq.model.eq_autoencoder import EqAutoencoder

    everyone, eq_model = read_people(shared_dir / "data"), EqAutoencoder.load()
    rest = everyone.rest(2)
    safe, social, (keys, curves) = rest.safe, rest.social, rest.contributions
    assert len(safe.words) == int((everyone.safe_fold != 2).sum()) and len(keys) == len(curves) < len(everyone.keys)
    assert {(word.name, word.language) for word in social} == set(keys)
    words = everyone.vocabulary(2, eq_model)
    assert words["bright"].evidence.settings < 0.9 * sum(name == "bright" for name in everyone.safe.words) + 60
    assert len(words) > 80


@pytest.mark.shared
@pytest.mark.slow
def test_variations_are_nearer_to_people_than_one_answer_for_all(shared_dir):
    words = ("warm (SAFE)", "bright (SAFE)")
    folders = [shared_dir / "audio"], shared_dir / "data"
    report = run_variations(*folders, every=3, settings_per_mix=1, only=words)
    assert tuple(report) == words
    for word, rows in report.items():
        # what is safe and what must be heard draws answers together: it was half
        assert rows[VARIED]["mmd"] < 0.6 * rows["fixed"]["mmd"], word
        assert rows[SOUNDLESS]["mmd"] < 0.5 * rows["fixed"]["mmd"], word
        assert 0.6 < rows[VARIED]["spread_db"] / rows["other people"]["spread_db"] < 1.6
        assert rows[VARIED]["same_sound_db"] > 0.5 * rows["other people"]["spread_db"]
