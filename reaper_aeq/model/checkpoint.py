"""Weights on disk: `<name>.safetensors` beside `<name>.json`, which says what they are, from what, and their hash.

No pickle anywhere. A file whose hash differs from the one its JSON names is refused: half a download or another
version's weights would give EQs that look fine and are not.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from ..errors import ModelError
from ..files import write_bytes_atomic, write_text_atomic
from ..paths import shipped

FORMAT = 1  # raised when older code could not use newer files


@dataclass(frozen=True)
class Checkpoint:
    """`tensors`: name -> tensor on the CPU. `info`: architecture, data, settings, metrics, as JSON."""

    tensors: dict[str, torch.Tensor]
    info: dict[str, Any]

    def save(self, folder: Path | str, name: str) -> None:
        """Writes both files, weights first, each whole or not at all. Raises `OutputError`."""
        data = save({key: value.detach().cpu().contiguous() for key, value in self.tensors.items()})
        info = {"format": FORMAT, "sha256": hashlib.sha256(data).hexdigest(), **self.info}
        Path(folder).mkdir(parents=True, exist_ok=True)
        write_bytes_atomic(Path(folder) / f"{name}.safetensors", data)
        write_text_atomic(Path(folder) / f"{name}.json", json.dumps(info, indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, name: str, folder: Path | str | None = None) -> Checkpoint:
        """Reads `name` from `folder` (the shipped models by default). Raises `ModelError`, one sentence."""
        folder = shipped("models") if folder is None else Path(folder)
        try:
            info = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
            data = (folder / f"{name}.safetensors").read_bytes()
        except FileNotFoundError as error:
            raise ModelError(
                f"the model file {Path(error.filename).name} is missing from {folder}: reinstall"
            ) from None
        except (OSError, ValueError) as error:
            raise ModelError(f"the model {name!r} in {folder} cannot be read ({error}): reinstall") from None
        if not isinstance(info, dict) or info.pop("format", None) != FORMAT:
            raise ModelError(f"the model {name!r} in {folder} is of another version of reaper-aeq: reinstall")
        if info.pop("sha256", None) != hashlib.sha256(data).hexdigest():
            raise ModelError(f"the model {name!r} in {folder} is damaged (its hash does not match): reinstall")
        try:
            return cls(load(data), info)
        except SafetensorError as error:
            raise ModelError(f"the model {name!r} in {folder} is not a safetensors file ({error}): reinstall") from None
