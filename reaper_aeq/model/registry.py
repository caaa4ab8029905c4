"""The models that only some methods need: loaded when first asked for, then kept."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, Self, TypeVar

from .eq_autoencoder import EqAutoencoder
from .words import Vocabulary


class Loadable(Protocol):
    """A model that a registry can load."""

    @classmethod
    def load_for(cls, models: ModelRegistry) -> Self:
        """From the folder of `models`. Raises `ModelError`."""


Model = TypeVar("Model", bound=Loadable)


class ModelRegistry:
    """What is trained, in one place.

    Attributes:
        eq, words: loaded already; every method needs them.
        folder: where the others come from; None is the shipped models.
        device: where networks run: cpu, cuda or mps.
    """

    def __init__(self, eq: EqAutoencoder, words: Vocabulary, folder: Path | str | None = None, device: str = "cpu"):
        self.eq, self.words, self.folder, self.device = eq, words, folder, device
        self._loaded: dict[type, object] = {}

    def get(self, model: type[Model]) -> Model:
        """The one model of this class. Raises `ModelError`."""
        if model not in self._loaded:
            self._loaded[model] = model.load_for(self)
        found = self._loaded[model]
        assert isinstance(found, model)
        return found

    def put(self, model: Loadable) -> None:
        """In place of what would be loaded."""
        self._loaded[type(model)] = model
