"""The sound of one take at the project's sample rate: offset, play rate, pitch, channels, volume, pan and fades.

A play rate without preserved pitch is a tape that runs faster: the sound is resampled, its spectrum moves. Where time
and pitch are changed apart, REAPER's stretching decides what every moment sounds like; what can be known of it is that
all of the source's part is heard, each moment as long as any other, its spectrum moved by the pitch. So such a take is
read as a tape of that pitch (`as_tape`), which is longer or shorter than its item; `stretched` brings what was analyzed
of it back to the item's time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
import soxr

from ..reaper.rpp.items import Fade, Item, Take
from .media import Library, SourceReader

BLOCK_S = 5.0  # of sound made at a time, here and in the mixer
FILTER_FRAMES = 256  # read beyond the end, so that the resampler's filter does not see one
# CHANMODE (ReaScript's I_CHANMODE): from here on one channel of the file, and from there on two neighbors.
SWAPPED, DOWNMIX, LEFT, FIRST_PAIR = 1, 2, 3, 67

# How a fade rises over x = 0..1, by REAPER's number. 0 is linear; for the others the curves that users draw for them,
# not measured, and `curvature` is not followed: fades are short and change level, not balance.
FADES: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    0: lambda x: x,
    1: lambda x: x * (2 - x),
    2: lambda x: x * x,
    3: lambda x: 1 - (1 - x) ** 4,
    4: lambda x: x**4,
    5: lambda x: x * x * (3 - 2 * x),
    6: lambda x: np.where(x < 0.5, 8 * x**4, 1 - 8 * (1 - x) ** 4),
}


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


def cut(item: Item, take: Take, start_s: float, stop_s: float) -> tuple[Item, Take]:
    """The part of an item from `start_s` to `stop_s` on the timeline, without the fades at the ends that it loses."""
    early, late = max(0.0, start_s - item.position_s), max(0.0, item.position_s + item.length_s - stop_s)
    item = replace(
        item,
        position_s=item.position_s + early,
        length_s=item.length_s - early - late,
        fade_in=Fade() if early else item.fade_in,
        fade_out=Fade() if late else item.fade_out,
    )
    return item, replace(take, offset_s=take.offset_s + early * take.rate)


def take_sound(
    take: Take, loop: bool, samples: int, sample_rate: float, library: Library, skipped: int = 0
) -> Iterator[np.ndarray]:
    """Blocks (n, 2) float32, `samples` in all, without the take's volume and pan. Of a stretched take: as a tape.

    Args:
        loop: whether the source begins again at its end, else silence follows.
        sample_rate: the project's, Hz.
        skipped: samples at the beginning that are not read.

    Raises `AudioError` for a source that `library` calls missing.
    """
    assert take.source is not None, "only of takes that play"
    with closing(SourceReader(take.source, library, loop)) as source:
        first = (take.offset_s + skipped / sample_rate * take.pitch_factor) * source.sample_rate
        left = samples
        for block in _resampled(source, first, take.pitch_factor, samples, sample_rate):
            block = stereo(block[:left], take.channel_mode)
            left -= len(block)
            yield block
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


def stereo_gains(volume: float, pan: float, inverted: bool) -> np.ndarray:
    """(2,) factors of a fader with REAPER's balance `pan`, -1 to 1."""
    return np.array([min(1.0, 1 - pan), min(1.0, 1 + pan)], np.float32) * (-volume if inverted else volume)


class ItemSound:
    """One take of an item as it reaches its track, with volume, pan and fades: `length` samples, one after another,
    of which the first `skipped` are left out."""

    def __init__(self, item: Item, take: Take, length: int, sample_rate: int, library: Library, skipped: int = 0):
        self._blocks = take_sound(take, item.loop, length - skipped, sample_rate, library, skipped)
        self._gains = stereo_gains(item.volume * take.volume, take.pan, take.phase_flipped)
        fades = [(item.fade_in, False), (item.fade_out, True)]
        self._fades = [(min(round(f.length_s * sample_rate), length), f.shape, end) for f, end in fades]
        self._length = length
        self._kept = np.zeros((0, 2), np.float32)
        self._at = skipped

    def read(self, count: int) -> np.ndarray:
        """The next `count` samples, (count, 2) float32."""
        parts = [self._kept]
        while sum(map(len, parts)) < count:
            parts.append(next(self._blocks))
        whole = np.concatenate(parts) if len(parts) > 1 else self._kept  # which is long where `count` is short
        sound, self._kept = whole[:count], whole[count:]
        if (self._gains != 1).any():
            sound = sound * self._gains
        for length, shape, at_end in self._fades:
            self._fade(sound, length, shape, at_end)
        self._at += count
        return sound

    def _fade(self, sound: np.ndarray, length: int, shape: int, at_end: bool) -> None:
        first = max(self._at, self._length - length) if at_end else self._at
        last = min(self._at + len(sound), self._length if at_end else length)
        if length and first < last:
            place = np.arange(first, last)
            x = (self._length - 1 - place if at_end else place) / length
            gain = FADES.get(shape, FADES[0])(np.clip(x, 0, 1))
            sound[first - self._at : last - self._at] *= gain[:, None].astype(np.float32)
