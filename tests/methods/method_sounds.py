"""Sounds for the laws of methods: noise of any balance, made here."""

from __future__ import annotations

import numpy as np

RATE = 48_000


def noise(tilt_db_per_oct: float = -3.0, seed: int = 0, seconds: float = 1.0, low_hz: float = 25.0, high_hz=24e3):
    """Float32 (2, samples); outside of the two frequencies it is silent."""
    samples = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((2, samples)))
    freqs = np.maximum(np.fft.rfftfreq(samples, 1 / RATE), 25.0)
    gain = (freqs / 1000) ** (tilt_db_per_oct / 6.02) * ((freqs >= low_hz) & (freqs <= high_hz))
    sound = np.fft.irfft(spectrum * gain, samples)
    return (0.05 * sound / sound.std()).astype(np.float32)


SOUNDS = {
    "usual": noise(),
    "thin": noise(-1.5, 1),
    "heavy": noise(-5.5, 2),
    "a bass": noise(-3.0, 3, high_hz=1500.0),
    "a hiss": noise(0.0, 4, low_hz=2500.0),
}
