"""Files of every kind in memory, tags, and what comes out of a file."""

from __future__ import annotations

import io
import struct
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile

from reaper_aeq.dsp.audio import AudioFile


def tone(seconds: float, rate: int = 44_100, channels: int = 1, freq_hz: float = 440.0) -> np.ndarray:
    """(samples, channels), a tone with a little noise, which no coder can leave out."""
    count = round(seconds * rate)
    noise = 0.02 * np.random.default_rng(count).standard_normal((count, channels))
    return (0.2 * np.sin(2 * np.pi * freq_hz * np.arange(count) / rate)[:, None] + noise).astype(np.float32)


@lru_cache
def encoded(
    seconds: float, container: str, subtype: str | None = None, rate: int = 44_100, channels: int = 1,
    freq_hz: float = 440.0, vbr: bool = False,
) -> bytes:  # fmt: skip
    options = {"bitrate_mode": "VARIABLE", "compression_level": 0.3} if vbr else {}
    target = io.BytesIO()
    with soundfile.SoundFile(target, "w", rate, channels, subtype, format=container, **options) as file:
        for part in np.array_split(tone(seconds, rate, channels, freq_hz), max(1, round(seconds * 4))):
            file.write(part)
    return target.getvalue()


def heard(path: Path, data: bytes) -> tuple[np.ndarray, str | None]:
    """What is read of a file with these bytes (samples of channel 1), and its warning. Its own length is held against
    what comes."""
    path.write_bytes(data)
    with AudioFile(path) as file:
        audio = np.concatenate([block[0] for block in file.blocks(1.0)])
        if not file.warning or "damaged" not in file.warning:
            assert file.frames in (None, len(audio))
        if file.warning:
            assert file.warning.startswith(str(path) + " ") and file.warning.count(str(path)) == 1
            assert "\n" not in file.warning
        return audio, file.warning and file.warning.removeprefix(str(path) + " ")


def id3v2(size: int) -> bytes:
    """A tag of `size` bytes, as a picture makes it, with the usual padding at its end."""
    body = (b"APIC" + bytes(range(1, 250)) * (size // 249 + 1))[: size // 2]
    coded = bytes(size >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3\x04\x00\x00" + coded + body + bytes(size - len(body))


ID3V1 = b"TAG" + b"a title".ljust(125)


def ape(size: int, header: bool = True) -> bytes:
    ends = [struct.pack("<8sIIII8x", b"APETAGEX", 2000, size + 32, 1, flags) for flags in (0xA000_0000, 0x8000_0000)]
    if not header:
        ends[0], ends[1] = b"", ends[1][:20] + bytes(12)
    return ends[0] + b"q" * size + ends[1]


LYRICS = b"LYRICSBEGININD00002110LYR00005a song000032LYRICS200"


def rubbish(size: int, seed: int = 0) -> bytes:
    return np.random.default_rng(seed).bytes(size)
