"""Audio accessors: a take's or track's sound before FX. Each must be destroyed by the script that made it."""

from __future__ import annotations

import numpy as np

from .handles import Take, Track
from .item_audio import take_audio
from .items import item_value
from .registry import api


class Accessor:
    lua_type = "AudioAccessor"

    def __init__(self, owner: Take | Track, script):
        self.owner, self.script, self.open = owner, script, True
        script.accessors.add(self)

    @property
    def alive(self) -> bool:
        return self.open and self.owner.alive

    def span(self) -> tuple[float, float]:
        """A take's times count from its item's start, a track's are project times."""
        if isinstance(self.owner, Take):
            return 0.0, item_value(self.owner.item, "D_LENGTH")
        ends = [item_value(i, "D_POSITION") + item_value(i, "D_LENGTH") for i in self.owner.items]
        return 0.0, max(ends, default=0.0)

    def samples(self, rate: int, start_s: float, count: int) -> np.ndarray:
        """(count, 2)"""
        whole = np.zeros((round(self.span()[1] * rate), 2))
        takes = [self.owner] if isinstance(self.owner, Take) else [i.active_take for i in self.owner.items]
        for take in filter(None, takes):
            at = 0 if isinstance(self.owner, Take) else round(item_value(take.item, "D_POSITION") * rate)
            audio = take_audio(take, min(round(item_value(take.item, "D_LENGTH") * rate), len(whole) - at), rate)
            whole[at : at + len(audio)] += audio
        first = round(start_s * rate)
        padded = np.vstack((np.zeros((max(0, -first), 2)), whole[max(0, first) :], np.zeros((count, 2))))
        return padded[:count]


@api
def CreateTakeAudioAccessor(reaper, take):
    return Accessor(take, reaper.running)


@api
def CreateTrackAudioAccessor(reaper, track):
    return Accessor(track, reaper.running)


@api
def DestroyAudioAccessor(reaper, accessor):
    accessor.open = False
    accessor.script.accessors.discard(accessor)


@api
def GetAudioAccessorStartTime(reaper, accessor):
    return accessor.span()[0]


@api
def GetAudioAccessorEndTime(reaper, accessor):
    return accessor.span()[1]


@api
def AudioAccessorValidateState(reaper, accessor):
    return False


@api
def GetAudioAccessorSamples(reaper, accessor, rate, channels, start_s, count, buffer):
    """1 with audio, 0 without, -1 for an error; the buffer is interleaved.

    Times are the item's: play rate, pitch and channel mode are in the samples, volumes and pan are not. Inside a
    coroutine REAPER answers nil and leaves the buffer as it was, and so does `prelude.lua`.
    """
    if count * channels > len(buffer) or not 1 <= channels <= 2:
        return -1
    audio = accessor.samples(rate, start_s, count)
    audio = audio.mean(axis=1, keepdims=True) if channels == 1 else audio
    buffer.values[: audio.size] = audio.reshape(-1).tolist()
    return int(bool(np.any(audio)))
