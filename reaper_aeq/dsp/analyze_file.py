"""From a file to what the engine needs of it, with all that makes a file useless said in one sentence.

Command line and server listen through here, so that both give the same answer for the same file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import AudioError
from .audio import AudioFile
from .spectrum import Analysis, analyze_blocks

MIN_SECONDS = 0.01  # half a period of 50 Hz: anything shorter is a click, which has no balance
# A small file may hold a very long sound (2 MB of FLAC can be a day of silence): these bound the work it can ask for.
MAX_HOURS = 12.0
MAX_SAMPLES = 2**34  # over all channels: twelve hours of stereo at 192 kHz
# Up to this length loudness is measured on the filtered sound; beyond, the band powers of many blocks are as good.
MEASURED_UP_TO_S = 60.0
KEPT_BYTES = 2**24  # 47 s of stereo; what is longer or has more channels is read a second time instead of being kept


@dataclass(frozen=True)
class AnalyzedAudio:
    """A file that holds something to equalize.

    Attributes:
        analysis: of the whole file.
        blocks: its samples, (channels, n) float32 each, where they are few, else None.
        warning: one sentence on what could not be read, or None.
    """

    path: str
    analysis: Analysis
    blocks: Sequence[np.ndarray] | None
    warning: str | None

    @property
    def is_measured(self) -> bool:
        """Whether loudness and peaks of an EQ are measured on the samples."""
        return self.analysis.duration_s <= MEASURED_UP_TO_S

    def samples(self) -> np.ndarray:
        """(channels, n) float32, read once more where they were not kept. Raises `AudioError` beyond a minute."""
        if self.analysis.duration_s > MEASURED_UP_TO_S:
            raise AudioError(
                f"{self.path} is {self.analysis.duration_s:.0f} s long: --exact takes at most {MEASURED_UP_TO_S:g} s,"
                " so leave it out"
            )
        if self.blocks is not None:
            return np.concatenate(self.blocks, axis=1)
        with AudioFile(self.path) as file:
            return np.concatenate(list(file.blocks()), axis=1)


def analyze_opened(file: AudioFile, between_blocks: Callable[[], None] | None = None) -> AnalyzedAudio:
    """Streams `file` through the analysis.

    Args:
        between_blocks: called before each block (up to ten seconds of sound) is analyzed; what it raises ends the work.

    Raises `AudioError` if the file cannot be read, is longer than `MAX_HOURS` (or, over all its channels, than
    `MAX_SAMPLES`), or holds nothing that could be equalized: silence, a constant offset, a click. The engine itself
    would answer these with a flat EQ; asking for one is a mistake all the same.
    """
    refuse_endless(file, file.frames or 0)
    swing, kept = Swing(), KeptSound(file.sample_rate)
    blocks = _bounded(file, between_blocks or (lambda: None))
    analysis = analyze_blocks(kept.watch(swing.watch(blocks)), file.sample_rate)
    if analysis.duration_s < MIN_SECONDS:
        raise AudioError(f"{file.path} is only {1000 * analysis.duration_s:.2g} ms long: there is nothing to adapt to")
    if analysis.silent or swing.largest == 0:
        kind = "silent" if swing.low is None or not np.any(swing.low) else "a constant offset without sound"
        raise AudioError(f"{file.path} is {kind}: there is nothing to adapt to")
    return AnalyzedAudio(file.path, analysis, kept.blocks, file.warning)


def analyze_file(path: str, between_blocks: Callable[[], None] | None = None) -> AnalyzedAudio:
    """`analyze_opened` for a path. Raises `AudioError`."""
    with AudioFile(path) as file:
        return analyze_opened(file, between_blocks)


def refuse_endless(file: AudioFile, frames: int) -> None:
    """Raises `AudioError` if `frames` of `file` are more than is listened to."""
    if frames > MAX_HOURS * 3600 * file.sample_rate or frames * file.channels > MAX_SAMPLES:
        most_h = min(MAX_HOURS, MAX_SAMPLES / file.channels / file.sample_rate / 3600)
        raise AudioError(
            f"{file.path} holds more than {most_h:.3g} hours of sound, too long to listen to: cut it first"
        )


def _bounded(file: AudioFile, between_blocks: Callable[[], None]) -> Iterator[np.ndarray]:
    frames = 0
    for block in file.blocks():
        frames += block.shape[1]
        refuse_endless(file, frames)
        between_blocks()
        yield block


class KeptSound:
    """The blocks that pass, as long as they are few."""

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.blocks: list[np.ndarray] | None = []
        self.frames = 0  # that passed

    def watch(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The blocks as they are, (channels, n) each."""
        size = 0
        for block in blocks:
            size, self.frames = size + block.nbytes, self.frames + block.shape[1]
            if size > KEPT_BYTES or self.frames > MEASURED_UP_TO_S * self.sample_rate:
                self.blocks = None
            if self.blocks is not None:
                self.blocks.append(block)
            yield block


class Swing:
    """How far each channel moves. The edges of a constant look like a click, so its spectrum does not betray it."""

    def __init__(self) -> None:
        self.low: np.ndarray | None = None
        self.high: np.ndarray | None = None

    def watch(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The blocks as they are, (channels, n) each."""
        for block in blocks:
            low, high = block.min(axis=1), block.max(axis=1)  # (channels,)
            self.low = low if self.low is None else np.minimum(self.low, low)
            self.high = high if self.high is None else np.maximum(self.high, high)
            yield block

    @property
    def largest(self) -> float:
        """Of all channels, 1.0 is full scale; 0 before any block."""
        return 0.0 if self.low is None or self.high is None else float(np.max(self.high - self.low))
