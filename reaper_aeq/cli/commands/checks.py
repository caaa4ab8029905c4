"""What can be wrong with a command line and is known before anything heavy is loaded.

Standard library only: whoever mistypes a word or a path is told at once, not after the seconds that torch takes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ...dsp.readable import check_readable
from ...errors import AeqError, check_known
from ...model import DEFAULT_ENCODER, ENCODERS
from ...model.description import read_model
from ...model.kinds import KINDS
from ...model.word_table import WordTable
from ...request import EqRequest
from ...training.datasets.tables import CONTRIBUTIONS, SETTINGS, SPECTRA, WORDS, read_table
from ...util.files import check_target, output_error
from .outputs import AUDIO_SUFFIXES

if TYPE_CHECKING:
    from ...project.plan import Plan

FOLD_DATA = (SETTINGS, WORDS, CONTRIBUTIONS, SPECTRA)  # for examinations on unseen recordings and people


def check_sounds(paths: Iterable[Path | str]) -> None:
    """Raises `AudioError` for the first file that is not there or cannot be read."""
    for path in paths:
        check_readable(os.fsdecode(path))


def check_outputs(paths: Iterable[Path | None]) -> None:
    """Raises `OutputError` for the first file that cannot be written where it shall go."""
    for path in paths:
        if path is not None:
            check_target(path)


def check_new_folder(path: Path) -> None:
    """Raises `OutputError` for a folder that could not be made."""
    there = next((part for part in (path, *path.absolute().parents) if os.path.lexists(part)), None)
    if there is not None and not there.is_dir():
        raise output_error(path, NotADirectoryError(20, "not a folder"))
    if there is not None and not os.access(there, os.W_OK):
        raise output_error(path, PermissionError(13, "not ours"))


def check_folder(path: Path, what: str) -> None:
    """Raises `AeqError` for what is no folder."""
    if not path.is_dir():
        fault = "is not a folder" if path.exists() else "does not exist"
        raise AeqError(f"the {what} {str(path)!r} {fault}: check the path")


def check_recordings(folders: Iterable[Path]) -> None:
    """Raises `AeqError` for a folder that holds no recording."""
    for folder in folders:
        check_folder(folder, "folder of recordings")
        if not any(path.suffix.lower() in AUDIO_SUFFIXES for path in folder.rglob("*")):
            raise AeqError(f"{folder} holds no recordings ({', '.join(AUDIO_SUFFIXES)})")


def check_data(folder: Path | None, *needed: str) -> None:
    """Raises `AeqError` for a folder of data sets without those that are `needed` (people's settings); None passes."""
    if folder is not None:
        check_folder(folder, "folder of data sets")
        for name in needed or (SETTINGS,):
            read_table(folder / name)


def check_models(folder: Path | None, *needed: str) -> WordTable:
    """The words of the models in `folder`, or of the shipped ones. Raises `ModelError`, also where one is missing or
    damaged of those that an engine loads, and of the `needed`."""
    if folder is not None:
        for name in ("eq", *(needed or (ENCODERS[DEFAULT_ENCODER],))):
            read_model(name, folder)
    return WordTable.load(folder)


def check_audio(paths: Iterable[Path | str]) -> None:
    """Raises `AudioError` for the first file that is no audio, which takes the libraries that read it, but no torch;
    for one that is not there not even those."""
    paths = list(paths)
    check_sounds(paths)
    from ...dsp.audio import AudioFile

    for path in paths:
        AudioFile(path)


def check_request(request: EqRequest, models: Path | None, *needed: str) -> None:
    """Raises what `EqRequest.check` does, `ModelError`, and `UnknownWordError` for a word that will not be
    understood."""
    from ...model.free_text.free_text import check_words

    request.check()
    check_words(request.word, check_models(models, *needed))


def check_plan(plan: Plan, models: Path | None) -> None:
    """Raises `ModelError`, and `PlanError` with the line of a word that is not known or a reference that is missing."""
    from ...model.free_text.free_text import check_words

    words = check_models(models)
    plan.check(lambda word: check_words(word, words))


def check_kind(name: str | None) -> None:
    """Raises `AeqError` for a kind of sound that there is not; None passes."""
    if name is not None:
        check_known("kind", name, KINDS)
