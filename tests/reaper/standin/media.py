"""What sources hold: files on disk, sections of them, reversed ones."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import soxr

if TYPE_CHECKING:
    from .handles import Item, Source

_MIDI_KINDS = ("MIDI", "MIDIPOOL")


class MediaMissing(Exception):
    """The file is not there, is offline or is no audio: REAPER shows the item as offline and plays silence."""


def forget_formats(item: Item) -> None:
    """A source that was offline once tells no sample rate and channels ever after; its length and sound come back."""
    item.project.reaper.was_offline |= {take.guid for take in item.takes if take is not None}


def media_info(source: Source) -> tuple[int, int]:
    """Sample rate and channels of the file; (0, 0) for MIDI."""
    if source.kind in _MIDI_KINDS:
        return 0, 0
    if source.take is not None and source.take.guid in source.project.reaper.was_offline:
        return 0, 0
    return _info(*_key(source))[:2]


def source_length(source: Source) -> float:
    """Seconds; quarter notes for MIDI."""
    if source.kind == "SECTION":
        return source_section(source)[1]
    if source.kind in _MIDI_KINDS:
        ticks = sum(int(line.split()[1]) for line in source.node.body if str(line).split()[:1] in (["e"], ["E"]))
        return ticks / float((source.node.get("HASDATA") or ["1", "960"])[1])
    return _info(*_key(source))[2]


def source_section(source: Source) -> tuple[float, float, bool]:
    """Start and length in the parent, and whether it runs backwards. MODE 3 reverses all of it (docs/reaper.md, 6).

    OVERLAP, which fades a looped section's end into its beginning over some ms, is not followed.
    """
    mode = int(source.node.number("MODE"))
    if mode == 3:
        return 0.0, source_length(source.parent), True
    start = source.node.number("STARTPOS")
    length = source.node.number("LENGTH") or source_length(source.parent) - start
    return start, length, bool(mode & 2)


def source_audio(source: Source, sample_rate: float) -> np.ndarray:
    """(samples, channels), float64, the whole source at `sample_rate`; raises `MediaMissing`."""
    if source.kind == "SECTION":
        whole = source_audio(source.parent, sample_rate)
        start, length, is_reversed = source_section(source)
        first = round(start * sample_rate)
        part = whole[first : first + round(length * sample_rate)]
        return part[::-1] if is_reversed else part
    return _audio(*_key(source), sample_rate)


def _key(source: Source) -> tuple[str, int, int]:
    if source.kind.startswith("_OFFLINE") or not source.file:
        raise MediaMissing(source.file)
    if source.project.reaper.media_is_offline:
        raise MediaMissing(source.file)  # its length is 0 then, as of anything offline
    path = source.project.media_path(source)
    try:
        status = os.stat(path)
    except OSError:
        raise MediaMissing(path) from None
    return path, status.st_mtime_ns, status.st_size


@lru_cache(maxsize=256)
def _info(path: str, changed: int, size: int) -> tuple[int, int, float]:
    try:
        info = soundfile.info(path)
    except soundfile.LibsndfileError:
        raise MediaMissing(path) from None
    return info.samplerate, info.channels, info.frames / info.samplerate


@lru_cache(maxsize=64)
def _audio(path: str, changed: int, size: int, sample_rate: float) -> np.ndarray:
    try:
        samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    except soundfile.LibsndfileError:
        raise MediaMissing(path) from None
    if rate != sample_rate:
        samples = soxr.resample(samples, rate, sample_rate)
    samples.setflags(write=False)
    return samples
