"""The files one adaptation leaves: the sound, a chain for REAPER, a picture. All of them appear, or none does."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OutputError
from ..files import atomic_write, write_text_atomic
from .console import warn

if TYPE_CHECKING:
    import numpy as np

    from ..dsp.audio import AudioFile
    from ..dsp.write import AudioWriter
    from ..result import Result

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif")
PLOT_SUFFIXES = (".png", ".svg", ".pdf")
CHAIN_SUFFIXES = (".RfxChain",)  # the only ones that REAPER lists


@dataclass(frozen=True)
class Outputs:
    """Where to; None is not written. Raises `OutputError` for a suffix that the file cannot have."""

    audio: Path | None = None
    fxchain: Path | None = None
    plot: Path | None = None

    def __post_init__(self) -> None:
        table = {self.audio: AUDIO_SUFFIXES, self.fxchain: CHAIN_SUFFIXES, self.plot: PLOT_SUFFIXES}
        for path, suffixes in table.items():
            if path is not None and path.suffix.lower() not in [suffix.lower() for suffix in suffixes]:
                raise OutputError(f"cannot write {path}: choose a name that ends in {' or '.join(suffixes)}")

    @property
    def paths(self) -> list[Path]:
        return [path for path in (self.audio, self.fxchain, self.plot) if path is not None]

    def numbered(self, number: int) -> Outputs:
        """The same files with '-2' at the end of their names."""
        named = (path and path.with_stem(f"{path.stem}-{number}") for path in (self.audio, self.fxchain, self.plot))
        return Outputs(*named)

    @contextmanager
    def opened(self, sample_rate: int, channels: int, like: AudioFile | None = None) -> Iterator[OpenOutputs]:
        """Opens every file, so that a place that cannot be written to is known before anything is computed.

        They are temporary until the block ends: an error in it, an interrupt included, leaves all as it was. Should
        one fail to be finished after another is (a disk that fills up at the very end), the finished one is removed
        if this run created it; one that replaced an older file stays, for the older one is gone.
        """
        from ..dsp.write import AudioWriter

        created = [path for path in self.paths if not os.path.lexists(path)]
        try:
            with ExitStack() as stack:
                chain, plot = (stack.enter_context(atomic_write(p)) if p else None for p in (self.fxchain, self.plot))
                # the last to be opened is the first to be finished: the sound is the largest, so the likeliest to fail
                sound = AudioWriter(self.audio, sample_rate, channels, like) if self.audio else None
                yield OpenOutputs(self, sample_rate, channels, chain, plot, sound and stack.enter_context(sound))
        except BaseException:
            for path in created:
                with suppress(OSError):
                    path.unlink()
            raise


@dataclass(frozen=True)
class OpenOutputs:
    """The temporary files of `Outputs` while they are written."""

    outputs: Outputs
    sample_rate: int
    channels: int
    _chain: Path | None
    _plot: Path | None
    _sound: AudioWriter | None

    def write(self, result: Result, blocks: Iterable[np.ndarray], name: str, title: str) -> None:
        """Writes all of them.

        Args:
            blocks: the source once more, (channels, n) each; read only if the sound is wanted.
            name: of the instance in the chain. title: above the picture.

        Raises `OutputError`, and `AudioError` from `blocks`. Tells on stderr if samples were cut off.
        """
        if self._chain and self.outputs.fxchain:
            from ..reaper.reaeq import rfxchain_text

            with _calling_it(self.outputs.fxchain, self._chain):
                write_text_atomic(self._chain, rfxchain_text(result.eq, name))
        if self._plot and self.outputs.plot:
            with _calling_it(self.outputs.plot, self._plot):
                draw(self._plot, result, title)
        if self._sound:
            from ..dsp.response import EqFilter

            equalizer = EqFilter(result.eq, self.sample_rate, self.channels)
            for block in blocks:
                self._sound.write(equalizer.process(block))
            _tell_of_clipping(self._sound)


@contextmanager
def all_opened(
    several: Sequence[Outputs], sample_rate: int, channels: int, like: AudioFile | None = None
) -> Iterator[list[OpenOutputs]]:
    """`Outputs.opened` for several at once: the files of all of them appear, or none does."""
    created = [path for one in several for path in one.paths if not os.path.lexists(path)]
    try:
        with ExitStack() as stack:
            yield [stack.enter_context(one.opened(sample_rate, channels, like)) for one in several]
    except BaseException:
        for path in created:
            with suppress(OSError):
                path.unlink()
        raise


def draw(path: Path, result: Result, title: str) -> None:
    """The picture of one result. Raises `OutputError`."""
    import logging

    from ..plot import curves_of, plot_adaptation

    # where its cache of fonts cannot be kept, matplotlib would say so each time
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    plot_adaptation(path, title=title, subtitle=result.explanation, **curves_of(result))


def _tell_of_clipping(sound: AudioWriter) -> None:
    if sound.clips and sound.over_full_scale:
        import math

        share = 100 * sound.over_full_scale / max(1, sound.frames * sound.channels)
        warn(
            f"{sound.path} clips: {sound.over_full_scale} samples ({share:.2g} %) lie up to"
            f" {20 * math.log10(sound.peak):.1f} dB beyond full scale, choose a .wav to keep them"
        )


@contextmanager
def _calling_it(path: Path, temporary: Path) -> Iterator[None]:
    """An error names the file that the user asked for, not the temporary one."""
    try:
        yield
    except OutputError as error:
        raise OutputError(str(error).replace(str(temporary), str(path))) from error
