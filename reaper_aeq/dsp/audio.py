"""Reading audio: files in blocks, arrays from callers, and resampling. All that may be wrong with audio is said here.

Shapes are (channels, samples) throughout, float32, full scale 1.0.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from typing import Any

import numpy as np
import soundfile
import torch
import torchaudio

from ..bands import Range
from ..errors import AudioError

SAMPLE_RATES_HZ = Range(8_000, 192_000)
MAX_CHANNELS = 64
TAGS = ("title", "artist", "album", "tracknumber", "date", "genre", "comment", "copyright", "license")
_MAX_BLOCK_SAMPLES = 2**23  # over all channels, 32 MiB: 64 channels at 192 kHz stay small too
_READ_FRAMES = 8192  # where decoding breaks off, no more than this much before it is lost
_UNKNOWN_FRAMES = 2**40  # libsndfile's "unknown" is 2^63 - 1
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
        _check_readable(self.path)
        with self._sound() as sound:
            self.sample_rate = check_sample_rate(sound.samplerate, self.path)
            self.channels = sound.channels
            self.frames = sound.frames if 0 <= sound.frames < _UNKNOWN_FRAMES else None
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
        with self._sound() as sound:
            while True:
                block, broken = _read(sound, size)
                _check_finite(block, self.sample_rate, self.path, done)
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
    def _sound(self) -> Iterator[soundfile.SoundFile]:
        with ExitStack() as stack:
            try:
                source = stack.enter_context(_Mp3WithoutLength(self.path)) if _lacks_length(self.path) else self.path
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


def as_channels(audio: Any, sample_rate: int) -> torch.Tensor:
    """Audio from a caller as a contiguous float32 tensor (channels, samples) on the device it came from.

    Args:
        audio: numpy or torch, (samples,) or (channels, samples), any memory layout. Floats have full scale 1.0;
            integers are PCM and are divided by their type's full scale (int8, int16, int32; uint8 is centred on 128).
        sample_rate: Hz, 8000 to 192000.

    The result may share memory with `audio`. Raises `AudioError` for any other type or shape, for no samples, more
    than 64 channels, NaN or infinity, and a sample rate out of range.
    """
    sample_rate = check_sample_rate(sample_rate)
    tensor = _tensor(audio)
    if tensor.ndim == 1:
        tensor = tensor[None]
    if tensor.ndim != 2:
        raise AudioError(f"audio must be (samples,) or (channels, samples), not {tensor.ndim}-dimensional")
    channels, samples = tensor.shape
    if channels == 0 or samples == 0:
        raise AudioError(f"audio of shape {(channels, samples)} holds no samples")
    if channels > MAX_CHANNELS:
        hint = ": it looks like (samples, channels), pass audio.T" if samples <= MAX_CHANNELS else ""
        raise AudioError(f"audio of shape {(channels, samples)} has more than {MAX_CHANNELS} channels{hint}")
    tensor = tensor.to(torch.float32).contiguous()
    if not torch.isfinite(tensor).all():
        _check_finite(tensor.cpu().numpy(), sample_rate, "audio")
    return tensor


def resample(audio: torch.Tensor, from_rate: int, to_rate: int) -> torch.Tensor:
    """Band-limited resampling along the last axis: (..., samples) to (..., ceil(samples * to_rate / from_rate)).

    A Kaiser window with the parameters torchaudio's documentation gives for librosa's "kaiser_best": flat within
    0.03 dB to 0.45 of the lower rate, aliases below -140 dB. The filter bank of two rates without a common divisor
    would take gigabytes, so the ratio is rounded to terms of at most 1000, which shifts pitch and length by no more
    than one part in a million; all usual rates are exact.
    """
    if from_rate == to_rate:
        return audio
    ratio = Fraction(to_rate, from_rate).limit_denominator(1000)
    return torchaudio.functional.resample(
        audio,
        ratio.denominator,
        ratio.numerator,
        lowpass_filter_width=64,
        rolloff=0.9475937167399596,
        resampling_method="sinc_interp_kaiser",
        beta=14.769656459379492,
    )


def check_sample_rate(sample_rate: Any, what: str = "audio") -> int:
    """`sample_rate` as an int; raises `AudioError` if it is no whole number from 8000 to 192000 Hz."""
    with suppress(TypeError, ValueError, OverflowError):
        if int(sample_rate) == float(sample_rate) and int(sample_rate) in SAMPLE_RATES_HZ:
            return int(sample_rate)
    low, high = SAMPLE_RATES_HZ.low, SAMPLE_RATES_HZ.high
    raise AudioError(f"{what} has a sample rate of {sample_rate} Hz: it must lie between {low} and {high}")


def _tensor(audio: Any) -> torch.Tensor:
    if isinstance(audio, torch.Tensor):
        tensor = audio.detach()
    else:
        array = np.asarray(audio)
        if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
            raise AudioError(f"audio must be an array of floats or PCM integers, not of type {array.dtype}")
        # torch takes neither a foreign byte order nor negative strides, and warns of read-only memory.
        array = array.astype(array.dtype.newbyteorder("="), order="C", copy=False)
        try:
            # An axis of one sample counts as contiguous whatever its stride.
            odd = any(stride < 0 or stride % array.itemsize for stride in array.strides)
            tensor = torch.from_numpy(array.copy() if odd or not array.flags.writeable else array)
        except TypeError:
            raise AudioError(f"audio of type {array.dtype} is no PCM: pass floats, int16 or int32") from None
    if tensor.is_floating_point():
        return tensor
    if tensor.dtype == torch.uint8:
        return (tensor.to(torch.float32) - 128) / 128
    if tensor.dtype not in (torch.int8, torch.int16, torch.int32):
        raise AudioError(f"audio of type {str(tensor.dtype)[6:]} is no PCM: pass floats, int16 or int32")
    return (tensor.to(torch.float64) / -torch.iinfo(tensor.dtype).min).to(torch.float32)


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


def _check_finite(block: np.ndarray, sample_rate: int, what: str, offset: int = 0) -> None:
    finite = np.isfinite(block)
    if not finite.all():
        frame = int(np.argmin(finite.all(axis=0)))
        seconds = (offset + frame) / sample_rate
        value = "NaN" if np.isnan(block[:, frame]).any() else "infinity"
        raise AudioError(f"{what} holds {value} at {seconds:.6g} s: repair or export it again")


def _check_readable(path: str) -> None:
    try:
        status = os.stat(path)
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise AudioError(f"{path} is a device or a pipe: audio is read from files")
        with open(path, "rb"):
            pass
    except FileNotFoundError:
        raise AudioError(f"{path} does not exist: check the path") from None
    except IsADirectoryError:
        raise AudioError(f"{path} is a folder: give an audio file") from None
    except PermissionError:
        raise AudioError(f"{path} cannot be opened: you have no permission to read it") from None
    except (OSError, ValueError) as error:
        raise AudioError(f"{path!r} cannot be opened: {getattr(error, 'strerror', None) or error}") from None
    if status.st_size == 0:
        raise AudioError(f"{path} is an empty file: record or export it again")


def _lacks_length(path: str) -> bool:
    """Whether this is an MP3 that does not state its length.

    libsndfile then reckons it from the first frame's bit rate and stops reading there: of a variable-rate MP3 half
    may be missing.
    """
    with open(path, "rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":
            file.seek(10 + sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True)))
            head = b""
        head += file.read(1024)
    # 11 bits set start a frame; its layer bits are 01 for layer III. The length is told in the first frame.
    is_mp3 = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2
    return is_mp3 and not any(mark in head for mark in (b"Xing", b"Info", b"VBRI"))


class _Mp3WithoutLength(io.FileIO):
    """A file that claims to be huge, so that libsndfile reads on until it truly ends."""

    _at_end = False

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at_end = whence == os.SEEK_END
        return super().seek(offset, whence)

    def tell(self) -> int:
        return super().tell() + (_UNKNOWN_FRAMES if self._at_end else 0)
