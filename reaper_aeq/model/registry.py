"""The models that only some methods need: loaded when first asked for, then kept."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from ..methods.cvae.network import Cvae
from ..methods.proxy.network import EqProxy
from ..methods.reference.noise import Matching
from .eq_autoencoder import EqAutoencoder
from .words import Vocabulary


class Shelf:
    """What is trained, in one place.

    Attributes:
        eq, words: loaded already; every method needs them.
        folder: where the others come from; None is the shipped models.
        device: where networks run: cpu, cuda or mps.
    """

    def __init__(self, eq: EqAutoencoder, words: Vocabulary, folder: Path | str | None = None, device: str = "cpu"):
        self.eq, self.words, self.folder, self.device = eq, words, folder, device

    @cached_property
    def cvae(self) -> Cvae:
        """What people do for a word on a sound, and how they differ. Raises `ModelError`."""
        return Cvae.load(self.folder)

    @cached_property
    def matching(self) -> Matching:
        """What `match` knows of EQs and content. Raises `ModelError`."""
        return Matching.load(self.folder)

    @cached_property
    def proxy(self) -> EqProxy:
        """What bands do, without filters; on the CPU in place of mps. Raises `ModelError`."""
        # in single precision a search of 150 steps ends elsewhere on another device, once in a hundred by over 0.05 dB
        return EqProxy.load(self.eq, self.folder).double().to("cpu" if self.device == "mps" else self.device)
