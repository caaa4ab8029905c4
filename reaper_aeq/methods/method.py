"""What every method is given and what it gives back, and how a method is found by its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from torch import Tensor

from ..errors import check_known
from ..model.audio_encoder import Observation
from ..model.eq_autoencoder import EqAutoencoder
from ..model.registry import ModelRegistry
from ..model.words import Word
from ..request import METHODS
from ..result.realization import FitTarget, fit_target
from ..result.safety import Loudness


@dataclass(frozen=True)
class MethodInput:
    """A sound and what is wanted of it.

    Attributes:
        mean_db, cov_db: the word's settings as curves, (bands,) and (bands, bands), level-free.
        observation: the sound.
        residual_cov: (bands, bands), what music leaves open once its texture is known.
        adaptation: 0..1, how much the sound's own balance counts.
        word: what is asked for, as codes and with its name; `mean_db` and `cov_db` are its decoded form. None for a
            curve without a word.
        models: for methods that were trained.
        sample_rate: Hz, at which the bands will run.
        refine: gradient steps on the bands that are found, 0 is none.
        sound: (channels, samples) float32, where those steps are to go through the waveform.
        loudness: of the sound through any EQ, for methods whose bands are found here.
        pull: how much of the pull to one score it gets (`adaptive.follow`); 1 for a sound by itself.
    """

    mean_db: Tensor
    cov_db: Tensor
    observation: Observation
    residual_cov: Tensor
    adaptation: float
    word: Word | None = None
    models: ModelRegistry | None = None
    loudness: Loudness | None = None
    sample_rate: int = 48_000
    refine: int = 0
    sound: Tensor | None = None
    pull: float = 1.0

    def fit_target(self, eq_model: EqAutoencoder, code: Tensor) -> FitTarget:
        """What bands are searched for, for a code (32,) of this sound's answer."""
        assert self.loudness is not None, "bands are found for a sound whose loudness is known"
        return fit_target(eq_model, code, self.observation, self.loudness, self.mean_db)


Curves = Callable[[Sequence[MethodInput]], Tensor]  # requests -> (n, bands) dB, at intensity 1


def method(name: str) -> Curves:
    """The function `curves` of the module `methods.<name>`, which the engine fits ReaEQ bands to and keeps safe for the
    sound. Raises `AeqError` for a name that is none of `METHODS`."""
    check_known("method", name, METHODS)
    found: Curves = import_module(f".{name}", __package__).curves
    return found
