"""What sources hold, read anywhere: files, sections of them, reversed or looped.

Frames are counted at the file's own sample rate. Whatever cannot be read of a file that did open is silence with a
warning, for one damaged take must not end the work on a whole project.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from contextlib import ExitStack
from math import ceil
from pathlib import Path

import numpy as np
import soundfile

from ..dsp.audio import AudioFile
from ..errors import AudioError
from ..reaper.rpp.items import Source

NOT_AUDIO = ("MIDI", "MIDIPOOL", "VIDEO", "VIDEOEFFECT", "LTC", "CLICK", "RPP_PROJECT", "SUBPROJECT", "EMPTY")

SHORT_FRAMES = 2**20  # of a loop: 20 s, which are kept
# A drum hit may be played by hundreds of items: what is used again is decoded once and kept, as long as there is room.
KEPT_FILE_BYTES, KEPT_BYTES = 2**24, 2**28


class Library:
    """The files of a project: looked into once, and what is wrong with them. Safe for threads."""

    def __init__(self) -> None:
        self.warnings: dict[Path, str] = {}
        self._files: dict[Path, AudioFile | AudioError] = {}
        self._frames: dict[Path, int] = {}
        self._used: Counter[Path] = Counter()
        self._decoded: dict[Path, np.ndarray] = {}
        self._kept_bytes = 0
        self._lock = threading.Lock()

    def file(self, path: Path) -> AudioFile:
        """Raises `AudioError` for a file that is not there or cannot be read."""
        with self._lock:
            if path not in self._files:
                try:
                    file = self._files[path] = AudioFile(path)
                    if file.warning:
                        self.warnings.setdefault(path, file.warning)
                except AudioError as error:
                    self._files[path] = error
            found = self._files[path]
        if isinstance(found, AudioError):
            raise found
        return found

    def frames(self, path: Path) -> int:
        """How long a file is; one that does not say is read to its end, once."""
        file = self.file(path)
        if path not in self._frames:
            self._frames[path] = sum(block.shape[1] for block in file.blocks()) if file.frames is None else file.frames
        return self._frames[path]

    def decoded(self, path: Path) -> np.ndarray | None:
        """All of a short file, (frames, channels) float32, when it is asked for again; else None."""
        file, frames = self.file(path), self.frames(path)
        size = 4 * frames * file.channels
        with self._lock:
            self._used[path] += 1
            if path in self._decoded or self._used[path] == 1:
                return self._decoded.get(path)
            if size > KEPT_FILE_BYTES or self._kept_bytes + size > KEPT_BYTES:
                return None
        whole = np.zeros((frames, file.channels), np.float32)
        try:
            with file.opened() as sound:
                filled = len(sound.read(out=whole))
        except (soundfile.SoundFileError, RuntimeError):
            return None
        if filled != frames or not np.isfinite(whole).all():
            return None  # whoever reads it piece by piece says what is wrong with it
        whole.setflags(write=False)
        with self._lock:
            if path not in self._decoded:
                self._kept_bytes += size
            return self._decoded.setdefault(path, whole)

    def missing(self, source: Source) -> str | None:
        """Why a source cannot be heard, as the end of a sentence; None if it can."""
        if source.kind in ("MIDI", "MIDIPOOL"):
            return "MIDI is played by an instrument, which cannot be heard here"
        if source.kind in NOT_AUDIO or source.path is None:
            return f"a source of kind {source.kind or 'unknown'} cannot be heard here"
        if source.offline:
            return f"{source.file} is set offline in the project"
        try:
            self.file(source.path)
        except AudioError as error:
            return str(error) if source.path.exists() else _not_there(source)
        return None

    def warn(self, path: Path, sentence: str) -> None:
        """Keeps the first sentence about a file."""
        self.warnings.setdefault(path, sentence)


def _not_there(source: Source) -> str:
    """Names what lies nearby: projects are moved between machines, where folders and upper case differ."""
    told = f"{source.file} does not exist"
    places = [source.path, source.folder / source.name if source.folder else None]
    beside = next((found for place in places if place and (found := found_as(place))), None)
    return f"{told}, but {beside} does: choose it in REAPER" if beside else f"{told}: bring it back or choose another"


def found_as(path: Path) -> Path | None:
    """A file of that name in that folder, be it in other upper or lower case."""
    if path.is_file():
        return path
    try:
        names = os.listdir(path.parent)
    except OSError:
        return None
    alike = sorted(name for name in names if name.casefold() == path.name.casefold())
    return path.parent / alike[0] if alike else None


def seconds_of(source: Source, library: Library) -> float:
    """How long a source is, after its sections. Raises `AudioError`."""
    assert source.path is not None
    rate, frames = library.file(source.path).sample_rate, library.frames(source.path)
    sections = _sections(source, frames, rate)
    return (sections[-1][1] if sections else frames) / rate


def _sections(source: Source, frames: int, sample_rate: int) -> list[tuple[int, int, bool]]:
    """First frame in the layer below, length, and direction of each section, the innermost first."""
    found: list[tuple[int, int, bool]] = []
    length = frames
    for section in source.sections:
        start = round(section.start_s * sample_rate)
        rest = max(0, length - start)
        length = rest if section.length_s is None else round(section.length_s * sample_rate)
        found.append((start, length, section.reverse))
    return found


class SourceReader:
    """A source opened for reading; `close` when done.

    Attributes:
        sample_rate: Hz. channels: of the file. length: frames, after the sections.
    """

    def __init__(self, source: Source, library: Library, loop: bool = False):
        assert source.path is not None
        self._path, self._library, self._loop = source.path, library, loop
        file = library.file(source.path)
        self.sample_rate, self.channels = file.sample_rate, file.channels
        self._exit = ExitStack()
        self._whole = library.decoded(source.path)
        if self._whole is None:
            self._open()
        self._once: np.ndarray | None = None  # a short loop, decoded
        self._frames = library.frames(source.path)
        self._sections = _sections(source, self._frames, self.sample_rate)
        self.length = self._sections[-1][1] if self._sections else self._frames

    def close(self) -> None:
        """Lets go of the file."""
        self._exit.close()

    def read(self, first: int, count: int) -> np.ndarray:
        """(count, channels) float32 from frame `first`; silence outside, or the source again where it loops."""
        if not self._loop or not self.length:
            return self._layer(len(self._sections), first, count)
        start = first % self.length
        if self.length > SHORT_FRAMES:
            part = self._layer(len(self._sections), start, min(count, self.length - start))
            rest = count - len(part)
            return np.concatenate([part, self.read(first + len(part), rest)]) if rest else part
        if self._once is None:
            self._once = self._layer(len(self._sections), 0, self.length)
        return np.tile(self._once, (ceil((start + count) / self.length), 1))[start : start + count]

    def _layer(self, layer: int, first: int, count: int) -> np.ndarray:
        """Frames of the file (0) or of one of its sections, silence beyond a section's ends."""
        if layer == 0:
            return self._decode(first, count)
        start, length, reverse = self._sections[layer - 1]
        low, high = max(0, first), min(first + count, length)
        out = np.zeros((count, self.channels), np.float32)
        if high > low:
            below = start + (length - high if reverse else low)
            sound = self._layer(layer - 1, below, high - low)
            out[low - first : high - first] = sound[::-1] if reverse else sound
        return out

    def _decode(self, first: int, count: int) -> np.ndarray:
        """Frames of the file itself; a section may reach beyond its ends."""
        out = np.zeros((count, self.channels), np.float32)
        low, high = max(0, first), min(first + count, self._frames)
        if high <= low:
            return out
        part = out[low - first : high - first]
        if self._whole is not None:
            part[:] = self._whole[low:high]
            return out
        got = self._fill(part, low)
        if got < len(part):
            # libsndfile cannot go back in every OGG file that it has read to the end: open it anew and try once more
            self._open()
            got = self._fill(part, low)
        self._at = low + got if got == len(part) else -1
        # an MP3's own word on its length may be a little off
        if low + got < min(high, 0.99 * self._frames):
            self._library.warn(self._path, f"{self._path} is damaged or cut off: what is missing was taken as silence")
        if not np.isfinite(out).all():
            self._library.warn(self._path, f"{self._path} holds values that are not numbers: taken as silence")
            np.nan_to_num(out, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        return out

    def _fill(self, part: np.ndarray, first: int) -> int:
        """Decodes into `part` (n, channels); how many frames came."""
        try:
            if self._at != first:  # seeking in compressed files is costly even where it goes nowhere
                self._sound.seek(first)
            return len(self._sound.read(part))
        except (soundfile.SoundFileError, RuntimeError):
            part[:] = 0
            return 0

    def _open(self) -> None:
        self._exit.close()
        self._sound = self._exit.enter_context(self._library.file(self._path).opened())
        self._at = 0
