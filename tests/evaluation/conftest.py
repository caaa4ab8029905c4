"""What is made once: the analysis of the team's recordings; a study of one recording and two words, six pairs and two
pages of ratings for each listener."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import pytest

from reaper_aeq.evaluation import encoder, match, training, unseen, variations
from reaper_aeq.evaluation.listening.study import Study, load_study
from reaper_aeq.training.datasets.readers import read_clips


@pytest.fixture(scope="session", autouse=True)
def clips_are_analyzed_once():
    """Half a minute for each examination else; nobody changes a `Clip`."""

    @functools.cache
    def once(folders):
        return tuple(read_clips(folders))

    with pytest.MonkeyPatch.context() as patch:
        for module in (encoder, match, training, unseen, variations):
            patch.setattr(module, "read_clips", lambda folders, tell=None: list(once(tuple(folders))))
        yield


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """Do not write there."""
    from listening_kit import make, noise, store

    folder = tmp_path_factory.mktemp("made")
    make(folder / "study", [store(folder / "secret_drum.wav", noise(2.5))])
    return folder / "study"


@pytest.fixture
def study(made, tmp_path) -> Study:
    """A copy without answers."""
    return load_study(shutil.copytree(made, tmp_path / "study"))
