"""What commands share of engine and listening: warnings go to stderr."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..dsp.audio import AudioFile
from ..listen import Heard, listen
from ..methods import DEFAULT_ENCODER
from .console import warn

if TYPE_CHECKING:
    from ..engine import AdaptiveEQ


def load_engine(models: Path | None, encoder: str = DEFAULT_ENCODER) -> AdaptiveEQ:
    """The models in `models`, or the shipped ones. Raises `ModelError`."""
    from ..engine import AdaptiveEQ

    return AdaptiveEQ.load(models, encoder=encoder)


def hear(file: AudioFile) -> Heard:
    """`listen`; a damaged end is told of on stderr. Raises `AudioError`."""
    heard = listen(file)
    if heard.warning:
        warn(heard.warning)
    return heard
