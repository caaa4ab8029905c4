"""Each recording is heard by the fold that has not learned from it, whatever was done to it."""

import numpy as np
import pytest
import torch

from reaper_aeq.dsp.spectrum import analyze_blocks
from reaper_aeq.dsp.virtual_eq import equalized
from reaper_aeq.errors import AeqError, ModelError
from reaper_aeq.evaluation.folds import FOLDER, UnseenEncoder, unseen_folds
from reaper_aeq.evaluation.law import TestSound
from reaper_aeq.model.checkpoint import Checkpoint
from reaper_aeq.model.curves import GRID, N_GRID
from reaper_aeq.model.eq_autoencoder import EqAutoencoder
from reaper_aeq.util.paths import shipped

RATE = 48_000


def bursts(seed, rate_hz):
    """Noise that comes and goes so many times a second."""
    t = np.arange(12 * RATE) / RATE
    noise = np.random.default_rng(seed).standard_normal(len(t))
    return (0.1 * noise * (0.3 + np.sin(2 * np.pi * rate_hz * t) ** 2))[None].astype(np.float32)


@pytest.fixture(scope="module")
def sounds():
    """One recording of a source of each of two folds, one that all folds have learned from."""
    learned = [set(Checkpoint.load(f"usual{k}", shipped("models") / FOLDER).info["data"]["sources"]) for k in range(5)]
    fold_of = unseen_folds(None, set().union(*learned))
    sources = [next(source for source, fold in sorted(fold_of.items()) if fold == k) for k in (1, 3)]
    known = sorted(set.intersection(*learned))
    own = [*sources, *known[:1]]
    made = [bursts(n, rate_hz) for n, rate_hz in enumerate((0.7, 5.0, 2.0))]
    return [
        TestSound(f"{n}.wav", "mix", audio[:, : 10 * RATE], audio, RATE, source)
        for n, (audio, source) in enumerate(zip(made, own, strict=False))
    ]


@pytest.fixture(scope="module")
def encoder(sounds):
    found, unseen = UnseenEncoder.load(None, sounds)
    assert [sound.name for sound in unseen] == ["0.wav", "1.wav"]  # the third is of a source that all have learned from
    return found


def test_each_recording_is_heard_by_its_fold_through_any_eq_level_and_excerpt(sounds, encoder):
    eq_model = EqAutoencoder.load()
    tilt = torch.linspace(-9, 9, N_GRID, dtype=torch.float64)
    for sound, fold in zip(sounds[:2], (1, 3), strict=True):
        for audio in (sound.audio, 0.05 * sound.whole, sound.whole[:, RATE:]):
            for curve in (0 * tilt, tilt, 6 * torch.sin(GRID.log2())):
                analysis = equalized(analyze_blocks([audio], RATE), curve)
                usual = encoder.usual_of(analysis, None, eq_model)
                own = encoder.models[fold].usual_of(analysis, None, eq_model)
                assert torch.equal(usual.mean_db, own.mean_db) and torch.equal(usual.cov, own.cov)
                other = encoder.models[4 - fold].usual_of(analysis, None, eq_model)
                assert not torch.equal(usual.mean_db, other.mean_db)


def test_recordings_that_every_fold_has_learned_from_are_refused(sounds):
    with pytest.raises(AeqError, match="every fold has learned from these recordings"):
        UnseenEncoder.load(None, sounds[2:])


def test_folds_that_are_not_there_are_said(sounds, tmp_path):
    folder = tmp_path / "models"
    (folder / FOLDER).mkdir(parents=True)
    with pytest.raises(ModelError):
        UnseenEncoder.load(folder, sounds)
