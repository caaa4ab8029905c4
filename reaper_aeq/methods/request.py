"""What every method is given, and the registry that finds a method by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from ..errors import AeqError
from ..model.audio_encoder import Observation
from . import METHODS


@dataclass(frozen=True)
class Request:
    """A sound and what is wanted of it.

    Attributes:
        mean_db, cov_db: the word's settings as curves, (bands,) and (bands, bands), level-free.
        observation: the sound.
        residual_cov: (bands, bands), what music leaves open once its texture is known.
        adaptation: 0..1, how much the sound's own balance counts.
    """

    mean_db: Tensor
    cov_db: Tensor
    observation: Observation
    residual_cov: Tensor
    adaptation: float


def method(name: str) -> Callable[[Request], Tensor]:
    """The function of a method: `Request` -> curve (bands,) dB at intensity 1. Raises `AeqError`."""
    if name not in METHODS:
        raise AeqError(f"unknown method {name!r}: use one of {', '.join(METHODS)}")
    from . import adaptive, fixed

    return {"adaptive": adaptive, "fixed": fixed}[name].curve
