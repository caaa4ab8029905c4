"""Sounds and files for the tests of commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 44_100


def noise(channels: int = 2, seconds: float = 1.0, level: float = 0.05, seed: int = 0) -> np.ndarray:
    """Falls by 3 dB an octave, as music about does; float32 (channels, samples)."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal((channels, round(seconds * RATE))))
    spectrum /= np.sqrt(np.maximum(np.arange(spectrum.shape[1]), 20.0))
    sound = np.fft.irfft(spectrum, n=round(seconds * RATE))
    return (level * sound / sound.std()).astype(np.float32)


def store(path: Path, audio: np.ndarray, rate: int = RATE, subtype: str = "FLOAT") -> Path:
    """Writes (channels, samples)."""
    soundfile.write(path, audio.T, rate, subtype)
    return path
