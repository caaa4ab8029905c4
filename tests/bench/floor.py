"""The least that analyzing a file can cost: decoding it and one pass of STFT magnitudes. Benchmarks divide by this."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import soundfile
import torch

N_FFT = 2048
HOP = 1024


def floor_seconds(path: str | os.PathLike[str], repeats: int = 1) -> float:
    """Wall time in seconds, the best of `repeats`, to read `path` and take |STFT| of its mono sum.

    Runs with as many torch threads as the caller has set.
    """
    window = torch.hann_window(N_FFT)
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        audio, _rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = torch.from_numpy(audio).sum(dim=1)
        torch.stft(mono, N_FFT, HOP, window=window, return_complex=True).abs()
        best = min(best, time.perf_counter() - start)
    return best


def write_song(path: str | os.PathLike[str], seconds: float = 210.0, seed: int = 0) -> Path:
    """Writes a stand-in for a song: stereo, 44.1 kHz, 16-bit WAV of noise that falls by 3 dB an octave and pulses."""
    rate, rng = 44_100, np.random.default_rng(seed)
    with soundfile.SoundFile(path, "w", rate, 2, "PCM_16", format="WAV") as file:
        left = round(seconds * rate)
        while left > 0:
            frames = min(left, 10 * rate)
            spectrum = np.fft.rfft(rng.standard_normal((frames, 2)), axis=0)
            spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1.0))[:, None]
            noise = np.fft.irfft(spectrum, n=frames, axis=0)
            pulse = 0.55 + 0.45 * np.cos(2 * np.pi * 2.0 * np.arange(frames) / rate)
            file.write(0.5 * noise / np.abs(noise).max() * pulse[:, None])
            left -= frames
    return Path(path)
