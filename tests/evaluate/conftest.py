"""A study of one recording and two words, made once: six pairs and two pages of ratings for each listener."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reaper_aeq.evaluate.listening.study import Study, load_study


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
