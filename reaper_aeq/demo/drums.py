"""Kick, snare, hats and a crash, each one stroke; `drum_kit` plays them."""

from __future__ import annotations

import numpy as np

from .sounds import decay, high_passed, in_room, low_passed, peak, place, times


def kick(sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """A skin whose pitch falls from 210 to 54 Hz, and the beater's click."""
    t = times(0.45, sample_rate)
    freq_hz = 54 + 156 * np.exp(-t / 0.022)
    skin = np.sin(2 * np.pi * np.cumsum(freq_hz) / sample_rate) * decay(t, 0.42)
    click = high_passed(rng.standard_normal(len(t)), 900, sample_rate, 1) * decay(t, 0.025, 0.0003)
    return np.tanh(1.6 * skin) + 0.30 * low_passed(click, 6500, sample_rate, 1)


def snare(sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Two modes of the head and the wires' noise, which rings longer than the head."""
    t = times(0.45, sample_rate)
    head = np.sin(2 * np.pi * (192 * t + 1.1 * (1 - np.exp(-t / 0.012)))) * decay(t, 0.22)
    head += 0.5 * np.sin(2 * np.pi * 338 * t) * decay(t, 0.14)
    wires = low_passed(high_passed(rng.standard_normal(len(t)), 400, sample_rate, 1), 4000, sample_rate, 1)
    wires = peak(wires, 1800, 3, 0.6, sample_rate) * (decay(t, 0.34) + 1.5 * decay(t, 0.05))
    return np.tanh(1.2 * head) + 0.7 * wires


def hat(sample_rate: int, rng: np.random.Generator, t60_s: float) -> np.ndarray:
    """Cymbal: six clashing square waves and noise, all above 6 kHz. Long `t60_s` is an open hat or a crash."""
    t = times(min(1.6 * t60_s, 2.0), sample_rate)
    ratios = np.array([2.0, 3.0, 4.16, 5.43, 6.79, 8.21]) * 205.3
    metal = sum(np.sign(np.sin(2 * np.pi * freq_hz * t + rng.uniform(0, 6))) for freq_hz in ratios) / 3
    metal = high_passed(metal + rng.standard_normal(len(t)), 6200, sample_rate, 3)
    return low_passed(metal, 15_000, sample_rate, 1) * decay(t, t60_s, 0.0008)


def drum_kit(length_s: float, beat_s: float, bars: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Four to the bar: kick on 1, 2+ and 3, snare on 2 and 4, eighths on the hat, a crash at both ends."""
    track = np.zeros((2, round(length_s * sample_rate)))

    def hit(sound: np.ndarray, beat: float, gain: float, pan: float) -> None:
        human_s = rng.normal(0, 0.002) if beat else 0.0
        place(track, sound, beat * beat_s + human_s, sample_rate, gain * rng.uniform(0.88, 1.0), pan)

    for bar in range(bars):
        for beat in (0, 1.5, 2) + ((3.75,) if bar % 2 else ()):
            hit(kick(sample_rate, rng), 4 * bar + beat, 0.9 if beat in (0, 2) else 0.7, 0.0)
        for beat in (1, 3):
            hit(snare(sample_rate, rng), 4 * bar + beat, 0.75, 0.05)
        for eighth in range(8):
            is_open = eighth == 7
            gain = 0.12 if is_open else (0.15, 0.09)[eighth % 2]
            hit(hat(sample_rate, rng, 0.5 if is_open else 0.11), 4 * bar + eighth / 2, gain, 0.3)
    for beat in (0, 4 * bars):
        hit(hat(sample_rate, rng, 1.4), beat, 0.15, -0.35)
    hit(kick(sample_rate, rng), 4 * bars, 0.9, 0.0)
    return in_room(track, 0.16, 0.45, sample_rate, rng)
