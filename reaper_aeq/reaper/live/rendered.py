"""The sound files that REAPER writes: until they are there, whether they are what was asked for, several made one."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
import soundfile

from ...errors import OutputError
from ...util.files import output_error
from .api import TEXT_BYTES, Api, LiveError
from .check import sounds
from .target import Target
from .tracks import Span, above, all_tracks, audible, is_null

RENDERING = 0x40000000  # EnumProjects: the project that is being rendered
TICK_S = 0.1
STILL_TICKS = 3  # a file of the same size so often in a row grows no more
LONGEST_WAIT_S = 600.0
SHORT_S = 0.01  # REAPER rounds bounds to samples; anything shorter than that was stopped
_BLOCK = 2**16
_numbers = count(1)


@dataclass
class RenderedPart:
    """A file that REAPER wrote, from `start_s` of the project on; `spans` of it are the target's, None: all."""

    path: Path
    start_s: float
    end_s: float
    spans: list[Span] | None

    @property
    def stretches_s(self) -> list[Span]:
        """Where in the project lies what is the target's."""
        return self.spans or [(self.start_s, self.end_s)]


@dataclass
class Rendered:
    """What REAPER wrote for a target."""

    target: Target
    folder: Path
    parts: list[RenderedPart] = field(default_factory=list)

    def stretches_s(self) -> list[Span]:
        """Where in the project lies what `whole` gives, one after another."""
        return [span for part in self.parts for span in part.stretches_s]

    def whole(self) -> Path:
        """One sound file, the parts one after another. Raises `LiveError` for what was not rendered to its end."""
        name, folder, first = self.target.name, self.folder.parent, self.parts[0]
        for part in self.parts:
            if not part.path.is_file():
                raise LiveError(f"REAPER rendered nothing for {name!r}: is there room in {folder}?")
            if _length_s(part.path) < part.end_s - part.start_s - SHORT_S:
                raise LiveError(
                    f"REAPER did not render {name!r} to its end: if you did not stop it, free space in {folder}"
                )
        if len(self.parts) == 1 and first.spans is None:
            return first.path
        return _written(self.folder, "joined", first.path, self._blocks())

    def _blocks(self) -> Generator[np.ndarray, None, None]:
        """All parts are of one format."""
        for part in self.parts:
            rate = soundfile.info(str(part.path)).samplerate
            for stretch in part.stretches_s:
                first, last = (round((at_s - part.start_s) * rate) for at_s in stretch)
                yield from _blocks(part.path, start=first, frames=last - first)


def summed(sounds: Sequence[Rendered]) -> Path:
    """One file of several that were rendered from and to the same times: their sum. Raises as `Rendered.whole`."""
    first, *others = [one.whole() for one in sounds]

    def blocks() -> Generator[np.ndarray, None, None]:
        with ExitStack() as files:
            longest, *shorter = [files.enter_context(closing(_blocks(path))) for path in (first, *others)]
            for block in longest:
                for other in shorter:
                    more = next(other, block[:0])[: len(block)]
                    block[: len(more)] += more
                yield block

    return _written(sounds[0].folder, "sum", first, blocks())


def wait_for(reaper: Api, files: Sequence[Path], may_wait: bool) -> None:
    """Until all files are written, or grow no more: REAPER may render in the background. Returns at once where it
    rendered in the foreground, or wrote nothing and is not about to. Raises `LiveError`."""
    if not _is_rendering(reaper) and (all(map(_is_whole, files)) or not any(path.exists() for path in files)):
        return
    if not may_wait:
        raise LiveError(
            "REAPER renders in the background, and a bus or the master can only be heard with the new EQs if it does"
            " not: switch 'Render in background' off in File > Render, then try again"
        )
    waited_s, still, sizes = 0.0, 0, _sizes(files)
    while waited_s < LONGEST_WAIT_S:
        reaper("PreventUIRefresh", -1)  # it must not stay on while REAPER goes on
        try:
            reaper.let_go(TICK_S)
        finally:
            reaper("PreventUIRefresh", 1)
        waited_s += TICK_S
        rendering = _is_rendering(reaper)
        if not rendering and all(map(_is_whole, files)):
            return
        now = _sizes(files)
        still, sizes = still + 1 if now == sizes else 0, now
        if not rendering and still >= STILL_TICKS:
            return  # what is missing is said by whoever reads the files
    raise LiveError("REAPER has been rendering in the background for ten minutes: let it end, then try again")


def refuse_the_mix(reaper: Api, stems: Sequence[tuple[Target, Path]], mix: Callable[[], Path | None]) -> None:
    """Raises `LiveError` if several stems hold the very samples of the mix, though other tracks sound as well: some
    REAPERs write the whole mix under each track's name, without a word.

    Equal stems alone prove nothing: a track that is copied, or a folder around one track. So only then `mix` is asked
    to render the master.
    """
    alike = defaultdict(list)
    for target, path in stems:
        if (samples := _samples(path)) is not None:
            alike[samples].append(target)
    for samples, targets in alike.items():
        if len(targets) > 1 and _others_sound(reaper, targets):
            rendered = mix()
            if rendered is not None and _samples(rendered) == samples:
                names = " and ".join(repr(target.name) for target in targets)
                raise LiveError(
                    f"REAPER rendered the whole mix for {names} instead of each track's own sound: choose tracks that"
                    " have items, or look what 'AEQ_Self-test' says about stems"
                )
            return


def _others_sound(reaper: Api, targets: Sequence[Target]) -> bool:
    """Whether a track that is outside one of these sounds: then the mix is something else than that one's sound."""
    rendered = {target.track for target in targets}
    return any(
        not rendered <= {track, *above(reaper, track)} and sounds(reaper, track) and audible(reaper, track)
        for track in all_tracks(reaper)[1:]
    )


def _samples(path: Path) -> str | None:
    """A digest of the samples; None for silence and for what is no sound."""
    try:
        audio, _ = soundfile.read(path, dtype="float32")
    except (soundfile.LibsndfileError, OSError):
        return None
    return hashlib.sha256(audio.tobytes()).hexdigest() if audio.any() else None


def _is_rendering(reaper: Api) -> bool:
    return not is_null(reaper("EnumProjects", RENDERING, "", TEXT_BYTES)[0])


def _sizes(files: Sequence[Path]) -> list[int]:
    return [path.stat().st_size if path.exists() else -1 for path in files]


def _is_whole(path: Path) -> bool:
    """Its header names a length: REAPER fills that in when it is done."""
    return _length_s(path) > 0


def _length_s(path: Path) -> float:
    try:
        return soundfile.info(str(path)).duration
    except (soundfile.LibsndfileError, OSError):
        return 0.0  # cut off before it was a sound


def _blocks(path: Path, start: int = 0, frames: int = -1) -> Generator[np.ndarray, None, None]:
    """(frames, channels) each; the file is closed with it."""
    return soundfile.blocks(str(path), _BLOCK, start=start, frames=frames, dtype="float32", always_2d=True)


def _written(folder: Path, name: str, alike: Path, blocks: Generator[np.ndarray, None, None]) -> Path:
    """A new file of the rate and channels of the file `alike`; what goes wrong is told as a failed output, and what was
    opened is closed, or nobody could remove it."""
    path = folder / f"{name}{next(_numbers)}.wav"
    try:
        form = soundfile.info(str(alike))
        with closing(blocks), soundfile.SoundFile(path, "w", form.samplerate, form.channels, subtype="FLOAT") as file:
            for block in blocks:
                file.write(block)
    except OSError as error:
        raise output_error(path, error) from error
    except soundfile.LibsndfileError as error:
        raise OutputError(f"cannot write {path}: {error}") from error
    return path
