"""The sound of one take at the project's sample rate: offset, play rate, pitch, channels.

A play rate without preserved pitch is a tape that runs faster: the sound is resampled, its spectrum moves. With
preserved pitch the spectrum stays where it is and only time runs differently; what REAPER's stretching would add to it
is not heard. The sound is then laid out in grains: each is taken at its own pitch from the place that plays at that
time, so every stretch of the item holds what sounds there, and the long-term spectrum is that of the source's part.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import soxr

from ..reaper.items import Take
from .media import Library, SourceReader

BLOCK_S = 2.0
GRAIN_S, GRAIN_FADE_S = 0.25, 0.02  # a grain holds several periods of the lowest note and seldom two attacks
FILTER_FRAMES = 256  # read beyond the end, so that the resampler's filter does not see one
# CHANMODE (ReaScript's I_CHANMODE): from here on one channel of the file, and from there on two neighbours.
SWAPPED, DOWNMIX, LEFT, FIRST_PAIR = 1, 2, 3, 67


def take_sound(take: Take, loop: bool, samples: int, sample_rate: float, library: Library) -> Iterator[np.ndarray]:
    """Blocks (n, 2) float32, `samples` in all, without the take's volume and pan.

    Args:
        loop: whether the source begins again at its end, else silence follows.
        sample_rate: the project's, Hz.

    Raises `AudioError` for a source that `library` calls missing.
    """
    with closing(SourceReader(take.source, library, loop)) as source:
        pitch = 2 ** (take.pitch_semitones / 12) * (1.0 if take.preserve_pitch else take.rate)
        first = take.offset_s * source.sample_rate
        if abs(pitch / take.rate - 1) < 1e-6:
            blocks = _resampled(source, first, pitch, samples, sample_rate)
        else:
            blocks = _grains(source, first, take.rate, pitch, samples, sample_rate)
        left = samples
        for block in blocks:
            block = stereo(block[:left], take.channel_mode)
            left -= len(block)
            yield block
            if left <= 0:
                return
        if left > 0:
            yield np.zeros((left, 2), np.float32)


def stereo(block: np.ndarray, mode: int) -> np.ndarray:
    """(n, channels) -> (n, 2) as CHANMODE says; mono goes to both sides, of more channels the first two are heard."""
    channels = block.shape[1]
    if mode >= FIRST_PAIR:
        pair = (mode - FIRST_PAIR, mode - FIRST_PAIR + 1)
    elif mode >= LEFT:
        pair = (mode - LEFT, mode - LEFT)
    else:
        pair = (1, 0) if mode == SWAPPED else (0, 1)
    if channels == 1:
        pair = (0, 0)
    sides = [block[:, side] if side < channels else np.zeros(len(block), np.float32) for side in pair]
    if mode == DOWNMIX:
        sides = [(sides[0] + sides[1]) / 2] * 2
    return np.stack(sides, axis=1)


def _resampled(
    source: SourceReader, first: float, speed: float, samples: int, sample_rate: float
) -> Iterator[np.ndarray]:
    """The source from frame `first` on, `speed` times as fast, as one stream."""
    at, from_rate = round(first), source.sample_rate * speed
    size = max(1, round(BLOCK_S * source.sample_rate))
    if abs(from_rate / sample_rate - 1) < 1e-9:
        for start in range(0, samples, size):
            yield source.read(at + start, min(size, samples - start))
        return
    stream = soxr.ResampleStream(from_rate, sample_rate, source.channels, dtype="float32")
    needed = int(np.ceil(samples * from_rate / sample_rate)) + FILTER_FRAMES
    for start in range(0, needed, size):
        count = min(size, needed - start)
        yield stream.resample_chunk(source.read(at + start, count), last=start + count >= needed)


def _grains(
    source: SourceReader, first: float, rate: float, pitch: float, samples: int, sample_rate: float
) -> Iterator[np.ndarray]:
    """Time runs at `rate`, the spectrum is moved by `pitch`; neighbouring grains fade into each other."""
    grain, fade = round(GRAIN_S * sample_rate), round(GRAIN_FADE_S * sample_rate)
    rise = np.sin(np.linspace(0, np.pi / 2, fade, dtype=np.float32))[:, None]  # of equal power: neighbours differ
    count = int(np.ceil((grain + fade) * pitch * source.sample_rate / sample_rate)) + FILTER_FRAMES
    tail: np.ndarray | None = None
    for start in range(0, samples, grain):
        at = round(first + start / sample_rate * rate * source.sample_rate)
        sound = soxr.resample(source.read(at, count), source.sample_rate * pitch, sample_rate)[: grain + fade].copy()
        if tail is not None:
            sound[:fade] = rise * sound[:fade] + rise[::-1] * tail
        tail = sound[grain:]
        yield sound[:grain]
