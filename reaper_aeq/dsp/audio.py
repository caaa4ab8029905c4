"""Reading audio files in blocks. All that may be wrong with a file is said here.

Shapes are (channels, samples) throughout, float32, full scale 1.0.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress

import numpy as np
import soundfile

from ..errors import AudioError
from ..util.interrupts import interrupts_wait
from .arrays import MAX_CHANNELS, check_finite, check_sample_rate
from .container import look
from .container.layout import FilePart, Splice, clock
from .quiet import decoders_silent
from .readable import check_readable

Stream = tuple[FilePart | None, int | None]  # of a file, None for all of it; samples a channel, None if unknown
TAGS = ("title", "artist", "album", "tracknumber", "date", "genre", "comment", "copyright", "license")
_MAX_BLOCK_SAMPLES = 2**23  # over all channels, 32 MiB: 64 channels at 192 kHz stay small too
_UNKNOWN_FRAMES = 2**38  # longer than any recording; libsndfile's own "unknown" is 2^63 - 1
BLOCK_S = 2.0  # of sound read at a time: under a megabyte of usual stereo, which stays in the heap (util/heap.py)
_COMPARED_FRAMES = 2**16
_READ_FRAMES = 2**16  # a call costs as much as decoding some thousand
# What libsndfile says of a file that is no audio; it would only puzzle the reader.
_UNINFORMATIVE = ("Format not recognised", "File does not exist", "System error", "Internal error")


class AudioFile:
    """An audio file (WAV, FLAC, OGG, MP3, AIFF, whatever libsndfile reads), read in blocks to its true end.

    Attributes:
        path: as given, a string.
        sample_rate: Hz, 8000 to 192000.
        channels: 1 to 64.
        frames: samples a channel, None if that is only known once they are read; a damaged file's may be too many.
        tags: title, artist and so on, those that the file has.
        warning: None, or one sentence on what is missing, was not finished or could not be read; of some damage it is
            known only after `blocks`.

    Raises `AudioError` for a file that cannot be read or whose format is out of range.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = os.fsdecode(path)
        self._stack = ExitStack()
        check_readable(self.path)
        try:
            self._layout = look(self.path, self._sounds_like)
        except OSError as error:
            raise AudioError(f"{self.path!r} cannot be read: {error.strerror or error}") from None
        self.warning = f"{self.path} {self._layout.remark}" if self._layout.remark else None
        self._read_headers()
        if self.channels > MAX_CHANNELS:
            raise AudioError(f"{self.path} has {self.channels} channels: at most {MAX_CHANNELS} can be used")
        if self.frames == 0:
            raise AudioError(f"{self.path} holds no samples: record or export it again")

    def __enter__(self) -> AudioFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def blocks(self, seconds: float = BLOCK_S) -> Iterator[np.ndarray]:
        """The whole file from its start, numpy float32 (channels, n), contiguous, n at most `seconds` long.

        Each call reads anew. A file that is cut off or damaged gives what can be decoded and sets `warning`. Raises
        `AudioError` for NaN or infinity (naming where) and for a file of which nothing can be read.
        """
        return self._stack.enter_context(closing(self._blocks(seconds)))

    def _blocks(self, seconds: float) -> Generator[np.ndarray]:
        size = max(1, min(int(seconds * self.sample_rate), _MAX_BLOCK_SAMPLES // self.channels))
        done = 0
        with self.opened() as sound:
            while True:
                block = np.empty((size, self.channels), dtype=np.float32)
                block = np.ascontiguousarray(sound.read(block).T)
                check_finite(block, self.sample_rate, self.path, done)
                done += block.shape[1]
                if block.shape[1]:
                    yield block
                if block.shape[1] < size:
                    break
            broken = sound.broken
        if done == 0:
            raise AudioError(f"{self.path}: no sample of it can be decoded, the file is damaged: export it again")
        if broken or (done < 0.99 * (self.frames or 0) and not self._layout.remark):
            self.warning = (
                f"{self.path} is damaged or cut off: only its first {done / self.sample_rate:.2f} s were read"
            )
            if len(self._streams) > 1:
                self.warning = f"{self.path} is damaged: only {clock(done / self.sample_rate)} of it could be read"

    def opened(self) -> closing[OpenAudio]:
        """The file open for reading, for whoever reads not from start to end. Raises `AudioError`."""
        return closing(OpenAudio(self.path, self._streams, self.channels))

    def _read_headers(self) -> None:
        """Opens every stream of the file once; those that differ from the first are left out, with a remark."""
        self._streams: list[Stream] = []
        left_s, refusal = 0.0, None
        # should a header that was mended for it not please the decoder, it gets the file as it is
        for part in (*self._layout.parts, None):
            if part is None and self._streams:
                break
            try:
                with opened_by_libsndfile(self.path, part) as sound:
                    frames = sound.frames if 0 <= sound.frames < _UNKNOWN_FRAMES else None
                    if not self._streams:
                        self.sample_rate = check_sample_rate(sound.samplerate, self.path)
                        self.channels, self.tags = sound.channels, _tags(sound)
                    elif (sound.samplerate, sound.channels) != (self.sample_rate, self.channels):
                        left_s += (frames or 0) / sound.samplerate
                        continue
            except _REFUSALS as error:
                refusal = error
                continue
            self._streams.append((part, frames))
        if not self._streams:
            detail = str(getattr(refusal, "error_string", "")).rstrip(".")
            shown = f" ({detail})" if detail and not detail.startswith(_UNINFORMATIVE) else ""
            reason = f"is not audio that can be read here{shown}: convert it to WAV or FLAC first"
            raise AudioError(f"{self.path} {reason}") from refusal
        if refusal is not None:
            self.warning = self.warning or f"{self.path} is damaged: a part of it could not be read"
        if left_s:
            more = f"goes on for {clock(left_s)} with another sample rate or number of channels"
            self.warning = f"{self.path} {more}: that was not read"
        if self._layout.parts and not self.tags:  # they may lie around the sound
            with suppress(*_REFUSALS), opened_by_libsndfile(self.path, None) as sound:
                self.tags = _tags(sound)
        known = [frames for _, frames in self._streams if frames is not None]
        self.frames = sum(known) if len(known) == len(self._streams) else None

    def _sounds_like(self, counted: FilePart, uncounted: FilePart) -> bool:
        """Whether bytes that nobody counted are sound: neither full scale noise nor text, at a level that fits."""
        try:
            before, after = (_beginning(self.path, part) for part in (counted, uncounted))
        except _REFUSALS:
            return False
        if not len(after) or not np.isfinite(after).all():
            return False
        if np.abs(after).max() > 100:  # floats that are none
            return False
        level, offset, before_level = after.std(), abs(after.mean()), before.std() if len(before) else 0.0
        return bool(0 < level < 0.45 and offset < 0.5 * level and (not before_level or level < 30 * before_level))


class OpenAudio:
    """The streams of a file as one, at any place.

    Attributes:
        broken: whether something of it could not be decoded; what follows in the same stream is then left out.
    """

    def __init__(self, path: str, streams: Sequence[Stream], channels: int):
        self.broken = False
        self.channels = channels
        self._path, self._streams = path, streams
        self._stack = ExitStack()
        self._sound: soundfile.SoundFile | None = None
        self._n, self._read = -1, 0  # which stream, and how much of it was read
        self._next()

    def close(self) -> None:
        """Lets go of the file."""
        self._sound = None
        self._stack.close()

    def seek(self, frame: int) -> None:
        """Raises what libsndfile raises for a place that cannot be reached."""
        n = 0
        while n + 1 < len(self._streams) and (length := self._streams[n][1]) is not None and frame >= length:
            frame -= length
            n += 1
        if n != self._n or self._sound is None:
            self._n = n - 1
            self._next()
        if self._sound is not None:
            with decoders_silent(), interrupts_wait():
                self._sound.seek(frame)
            self._read = frame

    def read(self, out: np.ndarray) -> np.ndarray:
        """Fills `out` (n, channels), float32, contiguous; gives the part of it that could be filled."""
        filled = 0
        while filled < len(out) and self._sound is not None:
            part = out[filled : filled + _READ_FRAMES]
            part[:, 0] = np.nan
            try:
                with decoders_silent(), interrupts_wait():
                    got = len(self._sound.read(out=part))
            except (soundfile.SoundFileError, RuntimeError):
                # what came before the damage was written to `part` all the same
                got = int(np.argmax(np.isnan(part[:, 0])))
                known = self._streams[self._n][1]
                self.broken = self.broken or known is None or self._read + got < known
                filled, got = filled + got, 0
            filled += got
            self._read += got
            if got == 0:
                self._next()
        return out[:filled]

    def _next(self) -> None:
        """Opens the next stream; there is none behind the last."""
        self._stack.close()
        self._sound, self._n, self._read = None, self._n + 1, 0
        while self._sound is None and self._n < len(self._streams):
            try:
                self._sound = self._stack.enter_context(opened_by_libsndfile(self._path, self._streams[self._n][0]))
            except _REFUSALS:
                self.broken, self._n = True, self._n + 1


@contextmanager
def opened_by_libsndfile(path: str, part: FilePart | None) -> Iterator[soundfile.SoundFile]:
    """A stream of the file, the whole file for None. Raises one of `_REFUSALS`."""
    with closing(Splice(path, part)) if part else nullcontext(path) as source:
        with decoders_silent(), interrupts_wait():
            sound = soundfile.SoundFile(source)
        try:
            yield sound
        finally:
            with decoders_silent(), interrupts_wait():
                sound.close()


def _tags(sound: soundfile.SoundFile) -> dict[str, str]:
    return {name: value for name in TAGS if (value := getattr(sound, name))}


def _beginning(path: str, part: FilePart) -> np.ndarray:
    with opened_by_libsndfile(path, part) as sound:
        return sound.read(_COMPARED_FRAMES, dtype="float32", always_2d=True)


_REFUSALS = (soundfile.SoundFileError, RuntimeError, TypeError, ValueError, OSError)


def read_audio(path: str | os.PathLike[str]) -> tuple[np.ndarray, int]:
    """All of a file at once, for short material: float32 (channels, samples) and Hz; raises `AudioError`."""
    with AudioFile(path) as audio:
        return np.concatenate(list(audio.blocks()), axis=1), audio.sample_rate
