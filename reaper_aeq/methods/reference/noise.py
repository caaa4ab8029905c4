"""What two spectra of different sound say about an EQ between them: how people equalize, how content varies.

Two Gaussians over level-free curves. People's EQs are smooth and mostly broad; what differs between two parts of one
recording is mostly narrow (other notes). That is what lets a match tell one from the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ...model.checkpoint import Checkpoint
from ...model.curves import N_GRID
from ...model.registry import ModelRegistry

NAME = "match"


@dataclass(frozen=True)
class Matching:
    """`people_cov`, `content_cov`: (bands, bands) float64 dB², of curves around 0."""

    people_cov: Tensor
    content_cov: Tensor

    def save(self, folder: Path | str, info: dict[str, Any]) -> None:
        """Writes `match.safetensors` and `match.json` into `folder`. Raises `OutputError`."""
        tensors = {"people_cov": self.people_cov.float(), "content_cov": self.content_cov.float()}
        Checkpoint(tensors, {"architecture": {"bands": N_GRID}, **info}).save(folder, NAME)

    @classmethod
    def load_for(cls, models: ModelRegistry) -> Matching:
        return cls.load(models.folder)

    @classmethod
    def load(cls, folder: Path | str | None = None) -> Matching:
        """The shipped statistics, or those in `folder`. Raises `ModelError`."""
        tensors = Checkpoint.load(NAME, folder).tensors
        return cls(tensors["people_cov"].double(), tensors["content_cov"].double())
