"""A wordless singer: glottal pulses through the formants of sung vowels, with vibrato, breath and a few consonants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import oaconvolve

from .sounds import decay, high_passed, low_passed, midi_hz, times

# Formants of a tenor: Hz, dB, bandwidth in Hz (the usual table of sung vowels, as in Csound's manual).
VOWELS = {
    "a": ((650, 1080, 2650, 2900, 3250), (0, -6, -7, -8, -22), (80, 90, 120, 130, 140)),
    "e": ((400, 1700, 2600, 3200, 3580), (0, -14, -12, -14, -20), (70, 80, 100, 120, 120)),
    "i": ((290, 1870, 2800, 3250, 3540), (0, -15, -18, -20, -30), (40, 90, 100, 120, 120)),
    "o": ((400, 800, 2600, 2800, 3000), (0, -10, -12, -12, -26), (70, 80, 100, 130, 135)),
    "u": ((350, 600, 2700, 2900, 3300), (0, -20, -17, -14, -26), (40, 60, 100, 120, 120)),
}
_STEP = 64  # samples between the points at which pitch and vowels are worked out


@dataclass(frozen=True)
class Sung:
    """One sung note, times in seconds; `consonant` ('s', 't' or none) comes just before it."""

    start_s: float
    length_s: float
    note: int
    vowel: str
    consonant: str = ""


def sing(notes: list[Sung], length_s: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """The melody as one mono voice, shape (samples,)."""
    t = times(length_s, sample_rate)
    slow = t[::_STEP]
    pitch, loud, shares = (_spread(t, slow, x) for x in _controls(notes, slow, sample_rate / _STEP, rng))
    f0_hz = midi_hz(pitch)
    phase = 2 * np.pi * np.cumsum(f0_hz) / sample_rate
    # The sum of r^k sin(k phase) in closed form; r is such that partials fall by 40 dB up to 20 kHz at any pitch.
    r = 10 ** (-2 * f0_hz / 20_000)
    source = r * np.sin(phase) / (1 - 2 * r * np.cos(phase) + r**2) * np.sqrt(f0_hz / 150)
    breath = high_passed(rng.standard_normal(len(t)), 1500, sample_rate, 1)
    source = (source + 0.12 * breath * (0.6 + 0.4 * np.cos(phase))) * loud
    sung = sum(
        share * oaconvolve(source, _tract(v, sample_rate))[: len(t)] for v, share in zip(VOWELS, shares, strict=True)
    )
    return sung + _consonants(notes, len(t), sample_rate, rng)


def _spread(t: np.ndarray, slow: np.ndarray, control: np.ndarray) -> np.ndarray:
    """Control points (..., points) to samples (..., samples)."""
    return np.apply_along_axis(lambda row: np.interp(t, slow, row), -1, control)


def _controls(
    notes: Sequence[Sung], slow: np.ndarray, rate: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pitch (MIDI), loudness and each vowel's share (5, points) over time, gliding as a singer's do."""
    which = np.clip(np.searchsorted([n.start_s for n in notes], slow, "right") - 1, 0, len(notes) - 1)
    since = slow - np.array([n.start_s for n in notes])[which]
    pitch = gaussian_filter1d(np.array([n.note for n in notes], float)[which], 0.022 * rate)
    wobble = gaussian_filter1d(rng.standard_normal(len(slow)), 0.08 * rate) * 0.35
    vibrato = 0.32 * np.clip((since - 0.25) / 0.4, 0, 1) * np.sin(2 * np.pi * 5.4 * slow + 3 * wobble)
    length = np.array([n.length_s for n in notes])[which]
    loud = np.where((since >= 0) & (since < length), 0.75 + 0.25 * np.sin(np.pi * since / length), 0.0)
    vowel = np.array([n.vowel for n in notes])[which]
    shares = np.array([gaussian_filter1d((vowel == v).astype(float), 0.03 * rate) for v in VOWELS])
    return pitch + vibrato + 0.3 * wobble, gaussian_filter1d(loud, 0.014 * rate), shares


def _tract(vowel: str, sample_rate: int, taps: int = 4096) -> np.ndarray:
    """Minimum-phase impulse response of throat and mouth.

    Five resonances side by side on the little that gets through between them, over the 6 dB an octave that the
    vocal folds and the lips together take from the partials above 150 Hz.
    """
    freqs_hz = np.fft.rfftfreq(taps, 1 / sample_rate)[:, None]
    centers, levels_db, widths = np.array(VOWELS[vowel], float)
    resonances = 10 ** (levels_db / 20) / np.sqrt(1 + ((freqs_hz - centers) / (0.75 * widths)) ** 2)
    magnitude = resonances.sum(axis=1) + 0.10 / (1 + (freqs_hz[:, 0] / 5000) ** 2)
    magnitude /= np.sqrt(1 + (freqs_hz[:, 0] / 150) ** 2)
    cepstrum = np.fft.irfft(np.log(magnitude))
    cepstrum[1 : taps // 2] *= 2
    cepstrum[taps // 2 + 1 :] = 0
    return np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))


def _consonants(notes: list[Sung], samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    sound = np.zeros(samples)
    for n in notes:
        if n.consonant:
            long = n.consonant == "s"
            t = times(0.13 if long else 0.04, sample_rate)
            shape = np.sin(np.pi * t / t[-1]) if long else decay(t, 0.05, 0.0005)
            noise = high_passed(rng.standard_normal(len(t)), 5200 if long else 2800, sample_rate, 3)
            noise = low_passed(noise, 10_000, sample_rate)
            start = max(0, round(n.start_s * sample_rate) - len(t))
            sound[start : start + len(t)] += (0.10 if long else 0.16) * noise * shape
    return sound
