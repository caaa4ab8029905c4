"""From a file to what the engine needs of it, with all that makes a file useless said in one sentence.

Command line and server listen through here, so that both give the same answer for the same file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

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
ASK_S = 10.0  # of sound between two questions whether to go on

Found = TypeVar("Found")


@dataclass(frozen=True)
class AnalyzedAudio:
    """A file that holds something to equalize.

    Its samples are not kept, for many sounds wait for each other: `again` reads them once more, which is seldom needed.

    Attributes:
        analysis: of the whole file.
        warning: one sentence on what could not be read, or None.
    """

    path: str
    analysis: Analysis
    warning: str | None

    @property
    def is_measured(self) -> bool:
        """Whether loudness and peaks of an EQ are measured on the samples."""
        return self.analysis.duration_s <= MEASURED_UP_TO_S

    def again(self, use: Callable[[Iterable[np.ndarray]], Found]) -> Found:
        """What `use` makes of the samples, in blocks (channels, n) float32. Raises `AudioError`."""
        with AudioFile(self.path) as file:
            return use(file.blocks())

    def samples(self) -> np.ndarray:
        """(channels, n) float32. Raises `AudioError` beyond a minute."""
        if self.analysis.duration_s > MEASURED_UP_TO_S:
            raise AudioError(
                f"{self.path} is {self.analysis.duration_s:.0f} s long: --exact takes at most {MEASURED_UP_TO_S:g} s,"
                " so leave it out"
            )
        return self.again(lambda blocks: np.concatenate(list(blocks), axis=1))


def analyze_opened(
    file: AudioFile, between_blocks: Callable[[], None] | None = None, *, sections: bool = False,
    powers_only: bool = False,
) -> AnalyzedAudio:  # fmt: skip
    """Streams `file` through the analysis.

    Args:
        between_blocks: called before each block (up to ten seconds of sound) is analyzed; what it raises ends the work.
        sections, powers_only: as of `analyze_blocks`.

    Raises `AudioError` if the file cannot be read, is longer than `MAX_HOURS` (or, over all its channels, than
    `MAX_SAMPLES`), or holds nothing that could be equalized: silence, a constant offset, a click. The engine itself
    would answer these with a flat EQ; asking for one is a mistake all the same.
    """
    refuse_endless(file, file.frames or 0)
    watched = WatchedSound(file.sample_rate, between_blocks)
    analysis = watched.analyze(_bounded(file), sections=sections, powers_only=powers_only)
    if analysis.duration_s < MIN_SECONDS:
        raise AudioError(f"{file.path} is only {1000 * analysis.duration_s:.2g} ms long: there is nothing to adapt to")
    if analysis.silent or not watched.moves:
        kind = "silent" if watched.only_zeros else "a constant offset without sound"
        raise AudioError(f"{file.path} is {kind}: there is nothing to adapt to")
    return AnalyzedAudio(file.path, analysis, file.warning)


def analyze_file(
    path: str, between_blocks: Callable[[], None] | None = None, *, sections: bool = False
) -> AnalyzedAudio:
    """`analyze_opened` for a path. Raises `AudioError`."""
    with AudioFile(path) as file:
        return analyze_opened(file, between_blocks, sections=sections)


def refuse_endless(file: AudioFile, frames: int) -> None:
    """Raises `AudioError` if `frames` of `file` are more than is listened to."""
    if frames > MAX_HOURS * 3600 * file.sample_rate or frames * file.channels > MAX_SAMPLES:
        most_h = min(MAX_HOURS, MAX_SAMPLES / file.channels / file.sample_rate / 3600)
        raise AudioError(
            f"{file.path} holds more than {most_h:.3g} hours of sound, too long to listen to: cut it first"
        )


def _bounded(file: AudioFile) -> Iterator[np.ndarray]:
    frames = 0
    for block in file.blocks():
        frames += block.shape[1]
        refuse_endless(file, frames)
        yield block


class WatchedSound:
    """What is noted of a sound on its way to an analysis: how far it moves.

    Attributes:
        frames, passes: samples a channel that passed, in how many analyses.
    """

    def __init__(self, sample_rate: int, between_blocks: Callable[[], None] | None = None) -> None:
        """`between_blocks`: called before each ten seconds of sound are analyzed; what it raises ends the work."""
        self.sample_rate, self.between_blocks = sample_rate, between_blocks or (lambda: None)
        self.frames = self.passes = 0
        self._low, self._high = np.array(np.inf), np.array(-np.inf)  # then (channels,)

    def analyze(
        self, blocks: Iterable[np.ndarray], /, *, sections: bool = False, powers_only: bool = False
    ) -> Analysis:
        """`analyze_blocks` of what is watched."""
        self.passes += 1
        return analyze_blocks(self._watched(blocks), self.sample_rate, sections=sections, powers_only=powers_only)

    def _watched(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        seen, asked = 0, 0.0
        for block in map(np.ascontiguousarray, blocks):
            if seen >= asked:
                self.between_blocks()
                asked += ASK_S * self.sample_rate
            if not self.moves:
                self._low = np.minimum(self._low, block.min(axis=1))
                self._high = np.maximum(self._high, block.max(axis=1))
            seen, self.frames = seen + block.shape[1], self.frames + block.shape[1]
            yield block

    @property
    def moves(self) -> bool:
        """Whether any channel does. The edges of a constant look like a click, so its spectrum does not betray it."""
        return bool((self._high > self._low).any())

    @property
    def only_zeros(self) -> bool:
        """Of a sound that does not move: whether it is digital silence."""
        return not self.frames or not np.any(self._low)

    def is_whole(self, analysis: Analysis) -> bool:
        """Whether what passed is all of the sound: what was stretched, or mixed in passes, is not."""
        return self.passes == 1 and self.frames == round(analysis.duration_s * self.sample_rate)
