"""What all instruments of the demo song share: pitches, envelopes, placing notes, tone controls, a room.

Filters are the Audio EQ Cookbook's (R. Bristow-Johnson), in scipy: the demo must not lean on the code it demonstrates.
Audio is float64 here, mono (samples,) or stereo (2, samples); times are seconds.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from scipy.signal import butter, lfilter, oaconvolve, sosfilt

_LN_60_DB = 3 * np.log(10)
Pitch = TypeVar("Pitch", float, np.ndarray)


def midi_hz(note: Pitch) -> Pitch:
    """Equal-tempered pitch, A4 = 69 = 440 Hz.

    >>> midi_hz(69)
    440.0
    """
    return 440.0 * 2.0 ** ((note - 69) / 12)


def times(length_s: float, sample_rate: int) -> np.ndarray:
    """Sample times in seconds, shape (samples,)."""
    return np.arange(round(length_s * sample_rate)) / sample_rate


def decay(t: np.ndarray, t60_s: float, attack_s: float = 0.001) -> np.ndarray:
    """Rises over `attack_s` and falls by 60 dB in `t60_s`, as things that are struck do."""
    fall = np.exp(-_LN_60_DB / t60_s * t)
    rising = np.searchsorted(t, 5 * attack_s)
    fall[:rising] *= 1 - np.exp(-3 * t[:rising] / attack_s)
    return fall


def released(t: np.ndarray, hold_s: float, release_s: float) -> np.ndarray:
    """1 until `hold_s`, then falls by 60 dB over `release_s`."""
    return np.exp(-_LN_60_DB / release_s * np.maximum(t - hold_s, 0))


def place(
    track: np.ndarray, sound: np.ndarray, at_s: float, sample_rate: int, gain: float = 1.0, pan: float = 0.0
) -> None:
    """Adds a mono sound to a stereo track in place; `pan` -1 (left) to 1 (right) at constant power."""
    start = max(0, round(at_s * sample_rate))
    sound = sound[: max(0, track.shape[1] - start)]
    angle = (pan + 1) * np.pi / 4
    track[:, start : start + len(sound)] += gain * np.outer([np.cos(angle), np.sin(angle)], sound)


def high_passed(x: np.ndarray, freq_hz: float, sample_rate: int, order: int = 2) -> np.ndarray:
    """Butterworth: 6 dB an octave below `freq_hz` for each `order`."""
    return sosfilt(butter(order, freq_hz, "highpass", fs=sample_rate, output="sos"), x)


def low_passed(x: np.ndarray, freq_hz: float, sample_rate: int, order: int = 2) -> np.ndarray:
    """Butterworth: 6 dB an octave above `freq_hz` for each `order`."""
    freq_hz = min(freq_hz, 0.49 * sample_rate)  # at low rates there is nothing above to take away
    return sosfilt(butter(order, freq_hz, "lowpass", fs=sample_rate, output="sos"), x)


def peak(x: np.ndarray, freq_hz: float, gain_db: float, q: float, sample_rate: int) -> np.ndarray:
    """A bell of `gain_db` at `freq_hz`."""
    a, w = 10 ** (gain_db / 40), 2 * np.pi * freq_hz / sample_rate
    alpha = np.sin(w) / (2 * q)
    middle = -2 * np.cos(w)
    return lfilter([1 + alpha * a, middle, 1 - alpha * a], [1 + alpha / a, middle, 1 - alpha / a], x)


def low_shelf(x: np.ndarray, freq_hz: float, gain_db: float, sample_rate: int) -> np.ndarray:
    """A shelf of slope 1: `gain_db` far below `freq_hz`, half of it there."""
    a, w = 10 ** (gain_db / 40), 2 * np.pi * freq_hz / sample_rate
    c, s = np.cos(w), np.sin(w) * np.sqrt(2 * a)
    b = [a * (a + 1 - (a - 1) * c + s), 2 * a * (a - 1 - (a + 1) * c), a * (a + 1 - (a - 1) * c - s)]
    return lfilter(b, [a + 1 + (a - 1) * c + s, -2 * (a - 1 + (a + 1) * c), a + 1 + (a - 1) * c - s], x)


def in_room(x: np.ndarray, wet: float, t60_s: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Stereo audio with a little room: decaying noise, different left and right, darker than the source."""
    t = times(t60_s, sample_rate)
    tail = rng.standard_normal((2, len(t))) * decay(t, t60_s, 0.01)
    tail = high_passed(low_passed(tail, 5000, sample_rate, 1), 200, sample_rate)
    tail /= np.sqrt((tail**2).sum(axis=1, keepdims=True))
    return x + wet * oaconvolve(x, tail, axes=1)[:, : x.shape[1]]
