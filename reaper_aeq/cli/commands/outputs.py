"""The files one adaptation leaves: the sound, a chain for REAPER, a picture. All of them appear, or none does."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import OutputError
from ...util.files import Writing, refuse_replacing, write_all
from .console import warn
from .options import Plot

if TYPE_CHECKING:
    import numpy as np

    from ...dsp.audio import AudioFile
    from ...dsp.write import AudioWriter
    from ...result.result import Result

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif")
PLOT_SUFFIXES = (".png", ".svg", ".pdf")
CHAIN_SUFFIXES = (".RfxChain",)  # the only ones that REAPER lists


@dataclass(frozen=True)
class Outputs:
    """Where to, as options of a command; None is not written.

    Raises `OutputError` for a suffix that the file cannot have.
    """

    audio: Annotated[Path | None, typer.Option("-o", "--out", metavar="FILE", help="Write the sound with the EQ.")] = (
        None
    )
    fxchain: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a .RfxChain for REAPER.")] = None
    plot: Plot = None
    force: Annotated[bool, typer.Option("--force", help="Replace the output even if it is also an input.")] = False

    def __post_init__(self) -> None:
        """Checks the names."""
        table = {self.audio: AUDIO_SUFFIXES, self.fxchain: CHAIN_SUFFIXES, self.plot: PLOT_SUFFIXES}
        for path, suffixes in table.items():
            if path is not None and path.suffix.lower() not in [suffix.lower() for suffix in suffixes]:
                raise OutputError(f"cannot write {path}: choose a name that ends in {' or '.join(suffixes)}")

    @property
    def paths(self) -> list[Path]:
        """Those that are written."""
        return [path for path in (self.audio, self.fxchain, self.plot) if path is not None]

    def numbered(self, number: int) -> Outputs:
        """The same files with '-1' and so on at the end of their names."""

        def named(path: Path | None) -> Path | None:
            return path and path.with_stem(f"{path.stem}-{number}")

        return Outputs(named(self.audio), named(self.fxchain), named(self.plot), self.force)

    def refuse_replacing(self, inputs: Iterable[Path]) -> None:
        """Raises `OutputError` if one of the files that are read would be replaced, unless `force` says so."""
        if not self.force:
            refuse_replacing(self.paths, inputs, "choose another name, or say --force to have it replaced")


@dataclass(frozen=True)
class OpenOutputs:
    """The temporary files of `Outputs` while they are written."""

    outputs: Outputs
    _writing: Writing
    _sound: AudioWriter | None

    def write(self, result: Result, blocks: Iterable[np.ndarray], name: str, title: str) -> None:
        """Writes all of them.

        Args:
            blocks: the source once more, (channels, n) each; read only if the sound is wanted.
            name: of the instance in the chain. title: above the picture.

        Raises `OutputError`, and `AudioError` from `blocks`. Tells on stderr if samples were cut off.
        """
        if self.outputs.fxchain:
            from ...reaper.reaeq.instance import rfxchain_text

            with self._writing.to(self.outputs.fxchain) as temporary:
                temporary.write_bytes(rfxchain_text(result.eq, name).encode())
        if self.outputs.plot:
            with self._writing.to(self.outputs.plot) as temporary:
                from ...result.plot import plot_adaptation

                # where its cache of fonts cannot be kept, matplotlib would say so each time
                logging.getLogger("matplotlib").setLevel(logging.ERROR)
                plot_adaptation(temporary, result, title=title, subtitle=result.explanation)
        if self._sound:
            from ...dsp.moving_filter import filter_of

            equalizer = filter_of(result.eq, result.moving, self._sound.sample_rate, self._sound.channels)
            for block in blocks:
                self._sound.write(equalizer.process(block))
            _tell_of_clipping(self._sound)


@contextmanager
def all_opened(
    several: Sequence[Outputs], sample_rate: int, channels: int, like: AudioFile | None = None
) -> Iterator[list[OpenOutputs]]:
    """Opens every file, so that a place that cannot be written to is known before anything is computed.

    They are temporary until the block ends, then the files of all of `several` appear. An error, an interrupt included,
    leaves all as it was (see `files.write_all`).
    """
    # the sound comes last: it is the largest, so nothing need be kept of one that it replaces
    paths = [path for one in several for path in (one.fxchain, one.plot) if path]
    paths += [one.audio for one in several if one.audio]
    with write_all(paths) as writing, ExitStack() as stack:

        def sound(one: Outputs) -> AudioWriter | None:
            if one.audio is None:
                return None
            from ...dsp.write import AudioWriter

            temporary = stack.enter_context(writing.to(one.audio))
            return stack.enter_context(AudioWriter(one.audio, sample_rate, channels, like, temporary))

        yield [OpenOutputs(one, writing, sound(one)) for one in several]


def _tell_of_clipping(sound: AudioWriter) -> None:
    if sound.clips and sound.over_full_scale:
        import math

        share = 100 * sound.over_full_scale / max(1, sound.frames * sound.channels)
        warn(
            f"{sound.path} clips: {sound.over_full_scale} samples ({share:.2g} %) lie up to"
            f" {20 * math.log10(sound.peak):.1f} dB beyond full scale: choose a .wav to keep them"
        )
