"""Who says what balance is usual for a sound, by the names in `model.ENCODERS`."""

from __future__ import annotations

from pathlib import Path

from . import ENCODERS
from .audio_encoder import AudioEncoder, BalanceEncoder
from .usual import UsualBalance


def load_encoder(folder: Path | str | None, encoder: str, suffix: str = "") -> BalanceEncoder:
    """The encoder called `encoder`; `suffix` of its file's name chooses one of several. Raises `ModelError`."""
    cls = UsualBalance if encoder == "kinds" else AudioEncoder
    return cls.load(folder, ENCODERS[encoder] + suffix)
