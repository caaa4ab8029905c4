"""One take of an item as it reaches its track: volume, pan and fades, read from its start to its end."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..reaper.rpp.items import Item, Take
from .media import Library
from .takes import take_sound

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


def pan_gains(pan: float) -> tuple[float, float]:
    """Left and right of REAPER's balance, -1 to 1."""
    return min(1.0, 1 - pan), min(1.0, 1 + pan)


def stereo_gains(volume: float, pan: float, inverted: bool) -> np.ndarray:
    """(2,) factors of a fader."""
    left, right = pan_gains(pan)
    return np.array([left, right], np.float32) * (-volume if inverted else volume)


class ItemSound:
    """`read` gives what comes next, (n, 2) float32; `length` samples in all."""

    def __init__(self, item: Item, take: Take, length: int, sample_rate: int, library: Library):
        self._blocks = take_sound(take, item.loop, length, sample_rate, library)
        self._gains = stereo_gains(item.volume * take.volume, take.pan, take.phase_flipped)
        fades = [(item.fade_in, False), (item.fade_out, True)]
        self._fades = [(min(round(f.length_s * sample_rate), length), f.shape, end) for f, end in fades]
        self._length = length
        self._kept = np.zeros((0, 2), np.float32)
        self._at = 0

    def read(self, count: int) -> np.ndarray:
        """The next `count` samples, (count, 2) float32."""
        parts, have = ([self._kept] if len(self._kept) else []), len(self._kept)
        while have < count:
            parts.append(next(self._blocks))
            have += len(parts[-1])
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else self._kept
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
