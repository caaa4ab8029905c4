"""One recording on its way into the folder: read, trimmed, turned down, written whole or not at all."""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from packages import program
from scipy.signal import butter, lfilter

Samples = NDArray[np.float64]  # (samples, channels)
RATE = 44_100  # of all that is rendered
RENDERED_S = 10.5
PEAK = 0.7
SILENT_BELOW = 1e-3
SAME_BELOW = 1e-4  # two channels that differ by less are one
QUIET_RMS = 3e-3  # of what a synthesizer plays: a preset that is broken, or that these keys do not reach
SOUNDING, SOUNDING_TIME = 0.02, 0.2  # of the loudest; at least so much of the time
LOWEST_HZ = 10.0

CLIFF_DB, CLIFF_HZ, LOWEST_CUTOFF_HZ = 18.0, 700.0, 3000.0


@dataclass(frozen=True)
class Recording:
    name: str
    kind: str
    style: str
    package: str
    samples: Samples
    rate: int
    note: str
    source: str = ""  # where it is another than the package's
    path: str = ""  # in the package

    def finished(self) -> Samples | None:
        """As it is written, peaks at -3 dBFS at most; None for silence."""
        samples = np.asarray(self.samples, np.float64)
        peak = np.abs(samples).max(initial=0.0)
        if not np.isfinite(peak) or peak < SILENT_BELOW:
            return None
        samples = samples * (PEAK / peak) if peak > PEAK else samples
        alike = samples.shape[1] == 2 and np.abs(samples[:, 0] - samples[:, 1]).max() < SAME_BELOW
        return samples[:, :1] if alike else samples


def read(path: Path, start_s: float = 0.0, seconds: float | None = None) -> tuple[Samples, int]:
    """Samples and rate. Raises `soundfile.LibsndfileError`, `Missing`."""
    if path.suffix == ".g722":  # which libsndfile does not read
        command = [program("ffmpeg"), "-v", "error", "-f", "g722", "-i", str(path), "-f", "wav", "-"]
        return soundfile.read(
            io.BytesIO(subprocess.run(command, capture_output=True, check=False).stdout), always_2d=True
        )
    with soundfile.SoundFile(path) as file:
        file.seek(int(start_s * file.samplerate))
        return file.read(-1 if seconds is None else int(seconds * file.samplerate), always_2d=True), file.samplerate


def read_at(rate: int, path: Path, *, mono: bool = False) -> Samples:
    """The whole file, at another rate where it has another."""
    samples, own = read(path)
    samples = samples.mean(1, keepdims=True) if mono else samples
    return samples if own == rate else soxr.resample(samples, own, rate)


def trimmed(samples: Samples, below: float, end: bool = True) -> Samples:
    """Without what is quieter at start (and end) than `below` times the loudest; nothing of silence."""
    level = np.abs(samples).max(1)
    loud = np.flatnonzero(level > below * level.max(initial=0.0))
    if not len(loud):
        return samples[:0]
    return samples[loud[0] : loud[-1] + 1] if end else samples[loud[0] :]


def played(samples: Samples, rate: int) -> Samples | None:
    """What a synthesizer gave, which may be at any level and beside zero; None for near silence or a click or two."""
    if not np.isfinite(samples).all():
        return None
    samples = lfilter(*butter(1, LOWEST_HZ, "high", fs=rate), samples, axis=0)
    if np.sqrt((samples**2).mean()) < QUIET_RMS:
        return None
    size = rate // 20
    loudest = np.abs(samples).max(1)[: len(samples) // size * size].reshape(-1, size).max(1)
    sounds = (loudest > SOUNDING * loudest.max()).mean() >= SOUNDING_TIME
    return samples * (PEAK / np.abs(samples).max()) if sounds else None


def codec_cutoff_hz(samples: Samples, rate: int, size: int = 4096) -> float:
    """Where a codec or an earlier sample rate cut the top off: the highest frequency from which the spectrum falls by
    18 dB within 700 Hz; half the rate where it does so nowhere above 3 kHz."""
    if len(samples) < size:
        return rate / 2
    frames = np.lib.stride_tricks.sliding_window_view(samples.mean(1), size)[:: size // 2]
    power = (np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2).mean(0)
    smooth = 12  # bins
    level_db = np.convolve(10 * np.log10(power + 1e-20), np.ones(smooth) / smooth, "same")
    ahead = int(CLIFF_HZ * size / rate)
    freq_hz = np.arange(len(power)) * rate / size
    bins = np.arange(1, len(power) - max(ahead + smooth, 3 * smooth - 1))
    bins = bins[freq_hz[bins] >= LOWEST_CUTOFF_HZ]
    cliffs = bins[level_db[bins] - level_db[bins + ahead] > CLIFF_DB]
    return float(freq_hz[cliffs[-1]]) if len(cliffs) else rate / 2


def write(path: Path, samples: Samples, rate: int) -> None:
    """FLAC, 16 bit, under a temporary name until it is whole."""
    part = path.with_name(path.name + ".part")
    soundfile.write(part, samples, rate, format="FLAC")
    part.replace(path)


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def numbered(name: str, place: int, of: Sequence[object]) -> str:
    """The name, with a number where there are several."""
    return f"{name}{place}" if len(of) > 1 else name
