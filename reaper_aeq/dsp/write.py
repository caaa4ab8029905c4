"""Writing audio in blocks, whole or not at all, whatever libsndfile makes of a full disk."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ..errors import OutputError
from ..util.files import atomic_write, output_error
from ..util.interrupts import interrupts_wait
from .arrays import check_sample_rate
from .audio import AudioFile


@dataclass(frozen=True)
class Container:
    """How a suffix is written: libsndfile's names, bytes a sample where the size is limited, whether 1.0 is the top."""

    name: str
    subtype: str
    limited_bytes: int = 0
    clips: bool = True


CONTAINERS = {
    ".wav": Container("WAV", "FLOAT", limited_bytes=4, clips=False),
    ".flac": Container("FLAC", "PCM_24"),
    ".ogg": Container("OGG", "VORBIS"),
    ".mp3": Container("MP3", "MPEG_LAYER_III"),
    ".aiff": Container("AIFF", "PCM_24", limited_bytes=3),
    ".aif": Container("AIFF", "PCM_24", limited_bytes=3),
}
# WAV and AIFF count their bytes in 32 bits; the rest is room for header and tags.
FLOATS = 3  # WAVE_FORMAT_IEEE_FLOAT
MAX_LIMITED_BYTES = 2**32 - 2**20


class AudioWriter:
    """Writes (channels, n) blocks to `path`, in the format its suffix names, when the `with` block ends well.

    WAV is 32-bit float, FLAC and AIFF are 24-bit integers, OGG and MP3 have libsndfile's usual quality. The file
    appears only when it is complete (see `atomic_write`), so `path` may be the very file that is being read.

    Args:
        path: where to; .wav, .flac, .ogg, .mp3, .aiff or .aif.
        sample_rate: Hz, 8000 to 192000; MP3 knows only some, up to 48000.
        channels: 1 to 64; FLAC holds 8, MP3 two.
        like: the file this one is made from: its tags are copied, and if its length says that the WAV will pass 4 GB,
            an RF64 is written (same suffix; REAPER reads it).
        temporary: a file that somebody else will rename to `path`, see `files.write_all`; else that is done here.

    Attributes:
        peak: largest magnitude written so far, 1.0 is full scale.
        over_full_scale: how many samples so far lay beyond full scale.
        clips: whether such samples are cut off: in the file (FLAC, AIFF) or by players of it (OGG, MP3); not in WAV.
        frames: samples a channel written so far.

    Raises `OutputError`, and leaves nothing behind, if the suffix is unknown, if the format cannot hold this rate or
    number of channels, or if the operating system refuses (full disk, no permission and so on).
    """

    def __init__(
        self, path: str | os.PathLike[str], sample_rate: int, channels: int, like: AudioFile | None = None,
        temporary: Path | None = None,
    ):  # fmt: skip
        self._temporary = temporary
        self.path = os.fsdecode(path)
        suffix = Path(self.path).suffix.lower()
        if suffix not in CONTAINERS:
            raise OutputError(f"cannot write {self.path}: choose a name that ends in one of {', '.join(CONTAINERS)}")
        self._container = CONTAINERS[suffix]
        self.sample_rate = check_sample_rate(sample_rate, self.path)
        self.channels = channels
        self.clips = self._container.clips
        self.peak, self.over_full_scale, self.frames = 0.0, 0, 0
        self._tags = like.tags if like else {}
        expected = (like.frames or 0) * sample_rate // like.sample_rate if like else 0
        self._is_rf64 = self._container.name == "WAV" and self._bytes(expected) > MAX_LIMITED_BYTES

    def __enter__(self) -> AudioWriter:
        with ExitStack() as stack:
            self._disk = _Disk(self._temporary or stack.enter_context(atomic_write(self.path)))
            stack.callback(self._disk.close)
            name = "RF64" if self._is_rf64 else self._container.name
            refusal = f"{name} cannot hold {self.channels} channels at {self.sample_rate} Hz: choose a .wav"
            with self._calling_libsndfile(refusal):
                self._sound = soundfile.SoundFile(
                    self._disk, "w", self.sample_rate, self.channels, self._container.subtype, format=name
                )
            stack.push(self._close)
            for tag, value in self._tags.items():
                with suppress(soundfile.SoundFileError):  # a format without this tag
                    setattr(self._sound, tag, value)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *details: Any) -> bool | None:
        return self._stack.__exit__(*details)

    def write(self, block: np.ndarray) -> None:
        """Appends `block`, floats of shape (channels, n), full scale 1.0."""
        if block.ndim != 2 or block.shape[0] != self.channels:
            raise ValueError(f"a block must be ({self.channels}, n), not {tuple(block.shape)}")
        magnitude = np.abs(block)
        peak = float(magnitude.max(initial=0.0))
        if not np.isfinite(peak):
            raise OutputError(f"cannot write {self.path}: the result holds NaN or infinity")
        self.peak = max(self.peak, peak)
        self.over_full_scale += int(np.count_nonzero(magnitude > 1.0))
        self.frames += block.shape[1]
        if self._bytes(self.frames) > MAX_LIMITED_BYTES and not self._is_rf64:
            raise OutputError(f"cannot write {self.path}: it would pass 4 GB, more than its format holds: choose .flac")
        with self._calling_libsndfile():
            self._sound.write(np.ascontiguousarray(block.T, dtype=np.float32))

    def _bytes(self, frames: int) -> int:
        return frames * self.channels * self._container.limited_bytes

    def _close(self, error_type: type[BaseException] | None, *_: object) -> None:
        """Finishes the file; after an error of the block only closes it, and that error goes on."""
        try:
            with self._calling_libsndfile():
                self._sound.close()
                if self._container.name == "WAV" and error_type is None:
                    self._disk.complete_format()
                self._disk.close()
        except OutputError:
            if error_type is None:
                raise

    @contextmanager
    def _calling_libsndfile(self, refusal: str = "the audio library took only a part of it") -> Iterator[None]:
        """Turns a refusal of the disk into an `OutputError`, whether or not libsndfile noticed it."""
        try:
            with interrupts_wait():
                yield
        except (soundfile.SoundFileError, AssertionError) as error:  # soundfile asserts that all was taken
            if self._disk.error is None:
                raise OutputError(f"cannot write {self.path}: {refusal}") from error
        if self._disk.error is not None:
            raise output_error(self.path, self._disk.error) from self._disk.error


class _Disk:
    """The file that libsndfile writes to. It remembers the first refusal by the operating system.

    libsndfile loses it: with a disk that is full it may report success for FLAC and OGG (seen in 1.2.2), and an
    exception raised here would be swallowed on its way through C.
    """

    def __init__(self, path: Path):
        self.error: OSError | None = None
        self._file = open(path, "w+b")  # noqa: SIM115 - closed by the writer's stack

    def write(self, data: bytes) -> int:
        return self._noting(self._file.write, data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._noting(self._file.seek, offset, whence)

    def tell(self) -> int:
        return self._noting(self._file.tell)

    def complete_format(self) -> None:
        """Gives a WAV of floats the format chunk that the standard asks for, with the size of its extension.

        libsndfile leaves the two bytes out, and other readers (SoX) warn of each such file. Room is made at the cost of
        the chunk of peaks, which nothing reads; the sound stays where it is.
        """
        self.seek(0)
        self._noting(lambda: self._rewrite(self._file.read(4096)))

    def _rewrite(self, head: bytes) -> int:
        position, new, formatted = 12, b"", False
        while head[position : position + 4] != b"data" and position + 8 <= len(head):
            name, size = struct.unpack_from("<4sI", head, position)
            data = head[position + 8 : position + 8 + size]
            position += 8 + size + size % 2
            if name == b"fmt " and size >= 16:
                formatted = True
                data = struct.pack("<H", FLOATS) + data[2:16] + bytes(2)
            if name != b"PEAK":
                new += struct.pack("<4sI", name, len(data)) + data + bytes(len(data) % 2)
        room = position - 12 - len(new)
        if not formatted or head[position : position + 4] != b"data" or room < 8:
            return 0
        self._file.seek(12)
        return self._file.write(new + struct.pack("<4sI", b"JUNK", room - 8) + bytes(room - 8))

    def close(self) -> None:
        self._noting(self._file.close)

    def _noting(self, action: Callable[..., int | None], *args: Any) -> int:
        try:
            return action(*args) or 0
        except OSError as error:
            self.error = self.error or error
        except ValueError:  # closed: after a refusal libsndfile may try to write its header once more, much later
            pass
        return 0
