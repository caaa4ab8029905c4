"""From a file to its analysis, with all that makes a file useless said in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..dsp.audio import AudioFile
from ..dsp.spectrum import Analysis, analyze_blocks
from ..errors import AudioError
from .console import warn

if TYPE_CHECKING:
    from ..engine import AdaptiveEQ

MIN_SECONDS = 0.01  # half a period of 50 Hz: anything shorter is a click, which has no balance


def load_engine(models: Path | None) -> AdaptiveEQ:
    """The models in `models`, or the shipped ones. Raises `ModelError`."""
    from ..engine import AdaptiveEQ

    return AdaptiveEQ.load(models)


def analyze_heard(file: AudioFile) -> Analysis:
    """Streams `file` through the analysis; a damaged end is told of on stderr.

    Raises `AudioError` if the file cannot be read, or holds nothing that could be equalised: silence, a constant
    offset, a click. The engine itself would answer these with a flat EQ; asking for one is a mistake all the same.
    """
    swing = _Swing()
    analysis = analyze_blocks(swing.watch(file.blocks()), file.sample_rate)
    if file.warning:
        warn(file.warning)
    if analysis.duration_s < MIN_SECONDS:
        raise AudioError(f"{file.path} is only {1000 * analysis.duration_s:.2g} ms long: there is nothing to adapt to")
    if analysis.silent or swing.largest == 0:
        kind = "silent" if swing.low is None or not np.any(swing.low) else "a constant offset without sound"
        raise AudioError(f"{file.path} is {kind}: there is nothing to adapt to")
    return analysis


class _Swing:
    """How far each channel moves. The edges of a constant look like a click, so its spectrum does not betray it."""

    def __init__(self) -> None:
        self.low: np.ndarray | None = None
        self.high: np.ndarray | None = None

    def watch(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for block in blocks:
            low, high = block.min(axis=1), block.max(axis=1)  # (channels,)
            self.low = low if self.low is None else np.minimum(self.low, low)
            self.high = high if self.high is None else np.maximum(self.high, high)
            yield block

    @property
    def largest(self) -> float:
        return 0.0 if self.low is None or self.high is None else float(np.max(self.high - self.low))
