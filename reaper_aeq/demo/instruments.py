"""One note of each pitched instrument: bass guitar, plucked strings, electric piano; the pad's whole chords; and the
drums: kick, snare, hats and a crash, each one stroke."""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

from .sounds import decay, high_passed, low_passed, midi_hz, peak, released, times


def bass_note(note: float, length_s: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """A string's partials, the higher ones dying sooner, and the finger."""
    t = times(length_s + 0.12, sample_rate)
    freq_hz = midi_hz(note)
    sound = np.zeros(len(t))
    for k in range(1, min(40, int(6000 / freq_hz)) + 1):
        plucked_at = abs(np.sin(np.pi * k * 0.21)) + 0.05
        t60_s = 2.8 / (1 + 0.16 * k)
        heard = t[: round(1.3 * t60_s * sample_rate)]
        partial = np.sin(2 * np.pi * k * freq_hz * np.sqrt(1 + 5e-5 * k * k) * heard + rng.uniform(0, 0.5))
        sound[: len(heard)] += plucked_at / k**1.15 * decay(heard, t60_s, 0.004) * partial
    finger = low_passed(rng.standard_normal(len(t)), 2500, sample_rate) * decay(t, 0.05, 0.002)
    return (sound + 0.25 * finger) * released(t, length_s, 0.10)


def string_note(note: float, length_s: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """A plucked string by Karplus and Strong (1983), worked out as a spectrum so that it is in tune.

    The loop (a delay of one period and a two-point average) is divided out in the frequency domain; the FFT is longer
    than the note rings, so its circle does not close audibly.
    """
    size = next_fast_len(round(2.4 * sample_rate), real=True)
    period = sample_rate / midi_hz(note)
    burst = rng.uniform(-1, 1, int(period))
    soft = 1 / (1 + 1j * rfftfreq(size, 1 / sample_rate) / 250)  # a thumb, not a needle
    w = 2 * np.pi * rfftfreq(size)
    damping, mix = 10 ** (-3 * period / (1.9 * sample_rate)), 0.35
    loop = damping * (1 - mix + mix * np.exp(-1j * w)) * np.exp(-1j * w * (period - mix))
    picked = 1 - 0.9 * np.exp(-1j * w * period * 0.13)
    sound = irfft(rfft(burst, size) * soft * picked / (1 - loop), size)
    t = times(length_s + 0.25, sample_rate)
    sound = high_passed(sound[: len(t)], 60, sample_rate)
    for freq_hz, gain_db in ((105, 5), (210, 5), (420, 2)):  # the air and the top plate of a guitar's body
        sound = peak(sound, freq_hz, gain_db, 2.5, sample_rate)
    return sound / np.abs(sound).max() * released(t, length_s, 0.25)


def piano_note(note: float, length_s: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """An electric piano by frequency modulation: a body at 1:1, a tine at 1:14 that dies at once, and the hammer."""
    t = times(length_s + 0.35, sample_rate)
    phase = 2 * np.pi * midi_hz(note) * t
    body = np.sin(phase + 1.9 * decay(t, 1.6) * np.sin(phase)) * decay(t, 3.2, 0.003)
    bright = 0.35 * np.sin(2 * phase + 1.4 * decay(t, 0.8) * np.sin(3 * phase)) * decay(t, 1.8, 0.002)
    tine_ratio = 14 if midi_hz(note) * 14 < 0.35 * sample_rate else 7
    tine = 0.10 * np.sin(phase + 1.2 * decay(t, 0.35) * np.sin(tine_ratio * phase)) * decay(t, 0.9)
    hammer = low_passed(rng.standard_normal(len(t)), 4500, sample_rate, 1) * decay(t, 0.035)
    return (body + bright + tine + 0.10 * hammer) * released(t, length_s, 0.30)


def pad_chord(notes: tuple[int, ...], length_s: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Many slightly detuned strings at once (P. O. Nasca's padsynth): each partial is a narrow hump of random phase.

    Returns stereo, shape (2, samples), with slow rise and fall.
    """
    t = times(length_s, sample_rate)
    size = next_fast_len(len(t))
    freqs_hz = rfftfreq(size, 1 / sample_rate)
    magnitude = np.zeros(len(freqs_hz))
    for note in notes:
        for k in range(1, int(18_000 / midi_hz(note)) + 1):
            center, width = k * midi_hz(note), 0.005 * k * midi_hz(note)
            low, high = np.searchsorted(freqs_hz, (center - 3 * width, center + 3 * width))
            hump = np.exp(-0.5 * ((freqs_hz[low:high] - center) / width) ** 2)
            magnitude[low:high] += hump / np.sqrt(width) / k ** (1.3 if k % 2 else 1.5)
    phases = np.exp(1j * rng.uniform(0, 2 * np.pi, (2, len(freqs_hz))))
    sound = irfft(magnitude * phases, size, axis=1)[:, : len(t)]
    swell = np.sin(np.pi / 2 * np.clip(np.minimum(t / 0.45, (length_s - t) / 0.5), 0, 1)) ** 2
    return sound / sound.std() * swell


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
