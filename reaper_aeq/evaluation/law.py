"""What every law is made of: its outcome, the recordings it is examined on, and a few tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..dsp.audio import AudioFile
from ..dsp.fit import fit_bands
from ..dsp.spectrum import GRID_HZ
from ..eq import Eq
from ..errors import AeqError, AudioError
from ..model.curves import GRID
from ..result.result import Result
from ..training.datasets.readers import AUDIO_SUFFIXES
from ..training.datasets.tables import read_table

WORDS = ("warm", "bright")  # of the costly laws
AGREED = ("warm", "bright", "muddy", "deep", "airy", "tinny")  # both data sets agree on these
EXCERPT_S, WHOLE_S = 10.0, 30.0  # most laws hold on any excerpt; the spread of scores is that of whole recordings


def raised(answers: Sequence[Result | AeqError]) -> list[Result]:
    """The answers of a batch. Raises the first error among them."""
    found = []
    for answer in answers:
        if isinstance(answer, AeqError):
            raise answer
        found.append(answer)
    return found


@dataclass(frozen=True)
class Law:
    """One law's outcome: `figure` is what was measured, `must` what has to hold."""

    name: str
    figure: str
    must: str
    passed: bool


@dataclass(frozen=True)
class TestSound:
    """A recording: name, kind ('mix', 'vocals', ...), an excerpt and more of it (channels, samples) float32, Hz, and
    where it is from."""

    name: str
    kind: str
    audio: np.ndarray
    whole: np.ndarray
    sample_rate: int
    source: str = ""


def read_sounds(folder: Path | str, every: int = 1) -> list[TestSound]:
    """The first `EXCERPT_S` seconds of each (or every n-th) recording in a folder. Raises `AeqError` if none."""
    folder = Path(folder)
    files = sorted(p for p in folder.glob("[!.]*") if p.suffix.lower() in AUDIO_SUFFIXES)
    manifest = folder / "MANIFEST.tsv"
    told = {row["file"]: row for row in read_table(manifest)} if manifest.is_file() else {}
    sounds = []
    for path in files[::every]:
        try:
            with AudioFile(path) as file:
                whole = next(iter(file.blocks(WHOLE_S)))
                audio = np.ascontiguousarray(whole[:, : round(EXCERPT_S * file.sample_rate)])
                row = told.get(path.name, {})
                kind, source = row.get("kind", "mix"), row.get("source_repo") or folder.name
                sounds.append(TestSound(path.name, kind, audio, whole, file.sample_rate, source))
        except AudioError:
            continue
    if not sounds:
        raise AeqError(f"{folder} holds no recordings")
    return sounds


def by_material(sounds: Sequence[TestSound]) -> dict[str, list[TestSound]]:
    """Mixes and single sources apart, whichever there are."""
    groups = {"mixes": [s for s in sounds if s.kind == "mix"], "single sources": [s for s in sounds if s.kind != "mix"]}
    return {name: own for name, own in groups.items() if own}


def eq_of(curve: Tensor) -> Eq:
    """The bands nearest to a curve; its level is free."""
    return fit_bands(curve[None], GRID, level_free=True).eq()


def response(result: Result) -> Tensor:
    return torch.from_numpy(result.eq.response_db(GRID_HZ, result.sample_rate))
