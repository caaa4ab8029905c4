"""Reading audio files in blocks. All that may be wrong with a file is said here.

Shapes are (channels, samples) throughout, float32, full scale 1.0.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import soundfile

from ..errors import AudioError
from .arrays import MAX_CHANNELS, check_finite, check_sample_rate
from .mp3 import UNKNOWN_FRAMES, Mp3WithoutLength, lacks_length
from .readable import check_readable

TAGS = ("title", "artist", "album", "tracknumber", "date", "genre", "comment", "copyright", "license")
_MAX_BLOCK_SAMPLES = 2**23  # over all channels, 32 MiB: 64 channels at 192 kHz stay small too
_READ_FRAMES = 8192  # where decoding breaks off, no more than this much before it is lost
# What libsndfile says of a file that is no audio; it would only puzzle the reader.
_UNINFORMATIVE = ("Format not recognised", "File does not exist", "System error", "Internal error")


class AudioFile:
    """An audio file (WAV, FLAC, OGG, MP3, AIFF, whatever libsndfile reads), read in blocks.

    Attributes:
        path: as given, a string.
        sample_rate: Hz, 8000 to 192000.
        channels: 1 to 64.
        frames: samples a channel by the header, None if unknown; an MP3's or a damaged file's may be wrong.
        tags: title, artist and so on, those that the file has.
        warning: None, or after `blocks` one sentence on what could not be read.

    Raises `AudioError` for a file that cannot be read or whose format is out of range.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = os.fsdecode(path)
        self.warning: str | None = None
        self._iterators: list[Any] = []
        check_readable(self.path)
        with self.opened() as sound:
            self.sample_rate = check_sample_rate(sound.samplerate, self.path)
            self.channels = sound.channels
            self.frames = sound.frames if 0 <= sound.frames < UNKNOWN_FRAMES else None
            self.tags = {name: value for name in TAGS if (value := getattr(sound, name))}
        if self.channels > MAX_CHANNELS:
            raise AudioError(f"{self.path} has {self.channels} channels: at most {MAX_CHANNELS} can be used")
        if self.frames == 0:
            raise AudioError(f"{self.path} holds no samples: record or export it again")

    def __enter__(self) -> AudioFile:
        return self

    def __exit__(self, *_: object) -> None:
        for iterator in self._iterators:
            iterator.close()

    def blocks(self, seconds: float = 10.0) -> Iterator[np.ndarray]:
        """The whole file from its start, numpy float32 (channels, n), contiguous, n at most `seconds` long.

        Each call reads anew. A file that is cut off or damaged gives what lies before the damage and sets `warning`.
        Raises `AudioError` for NaN or infinity (naming where) and for a file of which nothing can be read.
        """
        iterator = self._blocks(seconds)
        self._iterators.append(iterator)
        return iterator

    def _blocks(self, seconds: float) -> Iterator[np.ndarray]:
        size = max(1, min(int(seconds * self.sample_rate), _MAX_BLOCK_SAMPLES // self.channels))
        done = 0
        # A handle for each pass: libsndfile cannot rewind every OGG file that it has read to the end.
        with self.opened() as sound:
            while True:
                block, broken = _read(sound, size)
                check_finite(block, self.sample_rate, self.path, done)
                done += block.shape[1]
                if block.shape[1]:
                    yield block
                if broken or block.shape[1] < size:
                    break
        if done == 0:
            raise AudioError(f"{self.path}: no sample of it can be decoded, the file is damaged: export it again")
        if broken or done < 0.99 * (self.frames or 0):
            seconds = done / self.sample_rate
            self.warning = f"{self.path} is damaged or cut off: only its first {seconds:.2f} s were read"

    @contextmanager
    def opened(self) -> Iterator[soundfile.SoundFile]:
        """The open file, for whoever reads not from start to end. Raises `AudioError`."""
        with ExitStack() as stack:
            try:
                source = stack.enter_context(Mp3WithoutLength(self.path)) if lacks_length(self.path) else self.path
                sound = stack.enter_context(soundfile.SoundFile(source))
            except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError, OSError) as error:
                detail = str(getattr(error, "error_string", "")).rstrip(".")
                shown = f" ({detail})" if detail and not detail.startswith(_UNINFORMATIVE) else ""
                reason = f"is not audio that can be read here{shown}: convert it to WAV or FLAC first"
                raise AudioError(f"{self.path} {reason}") from error
            yield sound


def read_audio(path: str | os.PathLike[str]) -> tuple[np.ndarray, int]:
    """All of a file at once, for short material: float32 (channels, samples) and Hz; raises `AudioError`."""
    with AudioFile(path) as audio:
        return np.concatenate(list(audio.blocks()), axis=1), audio.sample_rate


def _read(sound: soundfile.SoundFile, size: int) -> tuple[np.ndarray, bool]:
    """Up to `size` frames as (channels, n), and whether decoding broke off; n < `size` is the end."""
    block = np.empty((size, sound.channels), dtype=np.float32)
    filled, broken = 0, False
    while filled < size:
        try:
            got = len(sound.read(out=block[filled : filled + _READ_FRAMES]))
        except (soundfile.SoundFileError, RuntimeError):
            broken = True
            break
        filled += got
        if got == 0:
            break
    return np.ascontiguousarray(block[:filled].T), broken
