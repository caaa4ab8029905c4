"""Which part of a recording listeners hear, and the sounds made from it that are not a method's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve, firwin, kaiserord, sosfilt

from ...dsp.audio import AudioFile
from ...dsp.loudness import ABSOLUTE_GATE_LUFS, integrated_loudness, k_weighting
from ...dsp.peaks import true_peak_db
from ...errors import AudioError

STEP_S = 0.1
MOMENTARY_STEPS = 4  # EBU Tech 3341: momentary loudness is that of 400 ms
FADE_S = 0.02
LEAD_S = 1.0  # of sound before the excerpt, so that no filter starts from rest in the middle of a note
TARGET_LUFS = -23.0
CEILING_DBTP = -1.0  # a browser resamples to the rate of the sound card: leave room for peaks between samples
ANCHOR_HZ, ANCHOR_STOP_HZ, ANCHOR_DB = 3500.0, 4000.0, 60.0


@dataclass(frozen=True)
class Cut:
    """An excerpt with what precedes it.

    Attributes:
        audio: float32 (channels, lead + length).
        lead: samples before the excerpt begins.
        start_s: where the excerpt begins in the recording, s.
    """

    audio: np.ndarray
    lead: int
    start_s: float
    sample_rate: int

    def trim(self, audio: np.ndarray) -> np.ndarray:
        """What was made of `audio` (channels, lead + length), without the lead: (channels, length)."""
        return audio[:, self.lead :]


def most_active(file: AudioFile, seconds: float) -> tuple[int, int]:
    """The excerpt to hear: first sample and length.

    Of all windows of `seconds`, every 100 ms, the one whose momentary loudness (400 ms) has the highest mean in LUFS,
    each value counted with at least -70; the earliest of equals. A mean of levels, not of powers: one loud blow in a
    long rest does not win. A shorter recording is heard whole. Raises `AudioError`.
    """
    sections = k_weighting(file.sample_rate)
    state = np.zeros((len(sections), file.channels, 2))
    power, samples, step = [], 0, int(STEP_S * file.sample_rate)
    for block in file.blocks(STEP_S):
        weighted, state = sosfilt(sections, block, axis=1, zi=state)
        power.append(float(np.mean(weighted**2, axis=1).sum()))
        samples += block.shape[1]
    length = min(round(seconds * file.sample_rate), samples)
    momentary = np.convolve(power, np.full(MOMENTARY_STEPS, 1 / MOMENTARY_STEPS), mode="valid")
    level = np.maximum(-0.691 + 10 * np.log10(np.maximum(momentary, 1e-12)), ABSOLUTE_GATE_LUFS)
    width = max(1, length // step - MOMENTARY_STEPS + 1)
    if len(level) <= width:
        return 0, length
    mean = np.convolve(level, np.full(width, 1 / width), mode="valid")
    # rounding must not decide between equals
    best = int(np.flatnonzero(mean > mean.max() - 1e-6)[0])
    return min(best * step, samples - length), length


def cut(file: AudioFile, start: int, length: int) -> Cut:
    """Reads an excerpt and up to a second before it. Raises `AudioError`."""
    first = max(0, start - round(LEAD_S * file.sample_rate))
    parts, at = [], 0
    for block in file.blocks():
        parts.append(block[:, max(0, first - at) : max(0, start + length - at)])
        at += block.shape[1]
        if at >= start + length:
            break
    return Cut(np.concatenate(parts, axis=1), start - first, start / file.sample_rate, file.sample_rate)


def anchor(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """`audio` (channels, n) without what lies above 3.5 kHz: the low anchor of ITU-R BS.1534-3.

    The Recommendation asks for +-0.1 dB up to 3.5 kHz, at least 25 dB less at 4 kHz and 50 dB at 4.5 kHz. A symmetric
    FIR filter, its delay taken out, so that the anchor is in step with the other sounds.
    """
    taps, beta = kaiserord(ANCHOR_DB, (ANCHOR_STOP_HZ - ANCHOR_HZ) / (sample_rate / 2))
    kernel = firwin(taps | 1, (ANCHOR_HZ + ANCHOR_STOP_HZ) / 2, window=("kaiser", beta), fs=sample_rate)
    return fftconvolve(audio, kernel[None], mode="same", axes=1).astype(np.float32)


def faded(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """`audio` (channels, n) with half-cosine fades of 20 ms, so that looping does not click."""
    n = min(round(FADE_S * sample_rate), audio.shape[1] // 2)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / n)
    shape = np.ones(audio.shape[1])
    shape[:n], shape[audio.shape[1] - n :] = ramp, ramp[::-1]
    return (audio * shape).astype(np.float32)


def alike_in_loudness(sounds: dict[str, np.ndarray], sample_rate: int) -> tuple[dict[str, np.ndarray], float]:
    """`sounds`, each (channels, n), brought to one integrated loudness (BS.1770-4), and that loudness in LUFS.

    -23 LUFS, or as much less as keeps the true peak of all of them under -1 dBTP: all are turned down alike. Raises
    `AudioError` where one is silent.
    """
    found = {name: integrated_loudness(audio, sample_rate) for name, audio in sounds.items()}
    if not np.all(np.isfinite(list(found.values()))):
        raise AudioError("a version of the excerpt is silent: choose a longer --excerpt or another recording")
    peaks_db = [true_peak_db(audio) + TARGET_LUFS - found[name] for name, audio in sounds.items()]
    target = TARGET_LUFS - max(0.0, max(peaks_db) - CEILING_DBTP)
    gains = {name: 10 ** ((target - lufs) / 20) for name, lufs in found.items()}
    return {name: (audio * gains[name]).astype(np.float32) for name, audio in sounds.items()}, target
