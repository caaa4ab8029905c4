"""What every law is made of: its outcome, the recordings it is examined on, and a few tools; and the limits of the law
"safe" as docs/examinations.md has them, apart from the code that has to keep them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from ..dsp.audio import AudioFile
from ..dsp.fit import DEFAULT_KINDS, fit_bands
from ..dsp.response import eq_from_params
from ..dsp.spectrum import GRID_HZ, Analysis
from ..eq import Eq
from ..errors import AeqError, AudioError
from ..result.realization import eq_curve
from ..result.result import Result, raised
from ..result.safety import Loudness
from ..training.datasets.readers import AUDIO_SUFFIXES
from ..training.datasets.tables import read_manifest

WORDS = ("warm", "bright")  # of the costly laws
AGREED = ("warm", "bright", "muddy", "deep", "airy", "tinny")  # both data sets agree on these
EXCERPT_S, WHOLE_S = 10.0, 30.0  # most laws hold on any excerpt; the spread of scores is that of whole recordings


LIFTS_DB = {60.0: 3.0, 40.0: 6.0}  # below the loudest band: how far EQ and output gain together may lift it
NET_DB, OUTPUT_DB = 12.0, 6.0


def answered(answers: Sequence[Result | AeqError]) -> list[Result]:
    """The answers of a batch. Raises the first error among them."""
    return [raised(answer) for answer in answers]


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

    __test__ = False  # pytest takes the name for a class of tests

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
    told = read_manifest(folder)
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
    return eq_from_params(fit_bands(curve, level_free=True)[0], DEFAULT_KINDS)


def response(result: Result) -> Tensor:
    """(bands,) dB: what the bands of an answer do."""
    return eq_curve(result.eq, result.sample_rate)


def mixes_of(sounds: Sequence[TestSound]) -> list[TestSound]:
    """The mixes, or all where there is none."""
    return [sound for sound in sounds if sound.kind == "mix"] or list(sounds)


def lifted_db(eq: Eq, analysis: Analysis, sooner_db: float = 0.0) -> dict[float, float]:
    """{depth: the most that comes out of an EQ above the source where that lies so far below its loudest band}, dB.
    `sooner_db`: counted from so much less on."""
    out = eq.response_db(GRID_HZ, analysis.sample_rate) + eq.output_gain_db
    ltas = analysis.ltas_db()
    depth = (ltas.max() - ltas).numpy() + sooner_db
    return {least: float(out[depth >= least].max(initial=-NET_DB)) for least in LIFTS_DB}


def net_db(eq: Eq, analysis: Analysis) -> tuple[float, float]:
    """The largest boost of all bands, alone or with the output gain, and their largest cut where there is sound, dB.

    An output gain that gives way to peaks is no cut.
    """
    response = eq.response_db(GRID_HZ, analysis.sample_rate)
    ltas = analysis.ltas_db()
    sound = (ltas > ltas.max() - 60.0).numpy()
    return float(response.max() + max(eq.output_gain_db, 0.0)), float(-response[sound].min(initial=0.0))


def slack_db(eq: Eq, analysis: Analysis, sooner_db: float = 0.0) -> float:
    """How far an EQ is from the nearest limit, dB; negative beyond it. `sooner_db`: as of `lifted_db`."""
    lifts = [LIFTS_DB[depth] - db for depth, db in lifted_db(eq, analysis, sooner_db).items()]
    return min(*lifts, NET_DB - max(net_db(eq, analysis)), OUTPUT_DB - abs(eq.output_gain_db))


def slack_as_loud_db(eq: Eq, analysis: Analysis, sooner_db: float = 0.0) -> float:
    """`slack_db` at the output gain that keeps the loudness, whatever peaks took off of it: limits hold the bands of
    loud and soft recordings alike, so what is said of them must not hang on the level."""
    gain_db = Loudness(analysis).lost_db(eq_curve(eq, analysis.sample_rate))
    return slack_db(eq.with_output_gain(gain_db), analysis, sooner_db)
