"""A small study made quickly: an engine that answers by hand, sounds of noise."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import soundfile

from reaper_aeq.eq import Band, Eq
from reaper_aeq.evaluation.listening.stimuli import StudyRequest, make_study
from reaper_aeq.evaluation.listening.study import Study
from reaper_aeq.model.words import UnknownWordError

METHODS = ("original", "fixed", "adaptive")
GAINS_DB = {"fixed": 8.0, "adaptive": 4.0}
SIGNS = {"warm": 1, "bright": -1}


class Engine:
    """Stands for `AdaptiveEQ`: low shelf up and high shelf down for 'warm', the opposite for 'bright'."""

    def __init__(self) -> None:
        self.words = SimpleNamespace(blend=self._find)

    def adapt_analysis(self, _: object, word: str, *, method: str, intensity: float) -> Any:
        gain_db = GAINS_DB[method] * SIGNS[word] * intensity
        shelves = Band("low_shelf", 300, gain_db), Band("high_shelf", 4000, -gain_db)
        # rings for some tenths of a second: what comes before an excerpt is heard in it
        return SimpleNamespace(eq=Eq((*shelves, Band("band", 60, gain_db, 0.2)), 5.0))

    @staticmethod
    def _find(word: str) -> Any:
        name = {"brighter": "bright"}.get(word, word)
        if name not in SIGNS:
            raise UnknownWordError(word, SIGNS)
        return SimpleNamespace(name=name)


def noise(seconds: float, rate: int = 44_100, channels: int = 2, seed: int = 0) -> np.ndarray:
    """Falls by 3 dB an octave; (channels, samples), RMS 0.1."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal((channels, round(seconds * rate))))
    spectrum /= np.sqrt(np.maximum(np.arange(spectrum.shape[1]), 20.0))
    sound = np.fft.irfft(spectrum, n=round(seconds * rate))
    return 0.1 * sound / sound.std()


def store(path: Path, audio: np.ndarray, rate: int = 44_100) -> Path:
    soundfile.write(path, audio.T, rate, "FLOAT")
    return path


def make(
    folder: Path,
    recordings: list[Path],
    words: tuple[str, ...] = ("warm", "bright"),
    methods: tuple[str, ...] = METHODS,
    seconds: float = 1.5,
) -> Study:
    return make_study(folder, recordings, StudyRequest(words, methods, seconds), Engine(), lambda *_: None)
