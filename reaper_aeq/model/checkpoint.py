"""Weights on disk: `<name>.safetensors` beside `<name>.json`, which says what they are, from what, and their hash.

No pickle anywhere. Files whose hashes differ from those that the JSON names are refused: half a download or another
version's weights would give EQs that look fine and are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from ..errors import ModelError
from ..util.files import make_folder, write_bytes_atomic
from ..util.paths import shipped
from .description import read_model, write_description


@dataclass(frozen=True)
class Checkpoint:
    """`tensors`: name -> tensor on the CPU. `info`: architecture, data, settings, metrics, as JSON."""

    tensors: dict[str, torch.Tensor]
    info: dict[str, Any]

    def save(self, folder: Path | str, name: str) -> None:
        """Writes both files, weights first, each whole or not at all. Raises `OutputError`."""
        data = save({key: value.detach().cpu().contiguous() for key, value in self.tensors.items()})
        make_folder(Path(folder))
        write_bytes_atomic(Path(folder) / f"{name}.safetensors", data)
        write_description(folder, name, self.info, data)

    @classmethod
    def load(cls, name: str, folder: Path | str | None = None) -> Checkpoint:
        """Reads `name` from `folder` (the shipped models by default). Raises `ModelError`, one sentence."""
        info, data = read_model(name, folder)
        try:
            return cls(load(data), info)
        except SafetensorError as error:
            folder = shipped("models") if folder is None else folder
            raise ModelError(f"the model {name!r} in {folder} is not a safetensors file ({error}): reinstall") from None
