"""The sound of one take at the project's sample rate: offset, play rate, pitch, channels.

A play rate without preserved pitch is a tape that runs faster: the sound is resampled, its spectrum moves. Where time
and pitch are changed apart, REAPER's stretching decides what every moment sounds like; what can be known of it is that
all of the source's part is heard, each moment as long as any other, its spectrum moved by the pitch. So such a take is
read as a tape of that pitch (`as_tape`), which is longer or shorter than its item; `stretched` brings what was analyzed
of it back to the item's time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
import soxr

from ..reaper.rpp.items import Item, Take
from .media import Library, SourceReader

BLOCK_S = 5.0  # of sound made at a time, here and in the mixer
FILTER_FRAMES = 256  # read beyond the end, so that the resampler's filter does not see one
# CHANMODE (ReaScript's I_CHANMODE): from here on one channel of the file, and from there on two neighbors.
SWAPPED, DOWNMIX, LEFT, FIRST_PAIR = 1, 2, 3, 67


def is_stretched(take: Take) -> bool:
    """Whether time and pitch run apart, so that the take is no tape at some speed."""
    return abs(take.pitch_factor / take.rate - 1) > 1e-6


def as_tape(item: Item, take: Take) -> tuple[Item, Take]:
    """The same part of the source once through, as a tape of the take's pitch, from time 0 on.

    The item is as long as that takes; its fades reach as far into the sound as they did.
    """
    factor = take.rate / take.pitch_factor
    fades = [replace(fade, length_s=fade.length_s * factor) for fade in (item.fade_in, item.fade_out)]
    tape = replace(take, rate=take.pitch_factor, preserve_pitch=False, pitch_semitones=0.0)
    item = replace(item, position_s=0.0, length_s=item.length_s * factor, fade_in=fades[0], fade_out=fades[1])
    return item, tape


def take_sound(take: Take, loop: bool, samples: int, sample_rate: float, library: Library) -> Iterator[np.ndarray]:
    """Blocks (n, 2) float32, `samples` in all, without the take's volume and pan. Of a stretched take: as a tape.

    Args:
        loop: whether the source begins again at its end, else silence follows.
        sample_rate: the project's, Hz.

    Raises `AudioError` for a source that `library` calls missing.
    """
    assert take.source is not None, "only of takes that play"
    with closing(SourceReader(take.source, library, loop)) as source:
        first = take.offset_s * source.sample_rate
        left = samples
        for block in _resampled(source, first, take.pitch_factor, samples, sample_rate):
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
    if mode == 0 and channels == 2:
        return block
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
