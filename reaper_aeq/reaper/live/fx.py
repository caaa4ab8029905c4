"""The FX of a track in the order in which they sound, those inside containers too; who they are; switching them off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from .api import TEXT_BYTES, Api, Later, LiveError
from .envelopes import bypass_parameter, switches
from .render_state import still_there

IN_CONTAINER = 0x2000000  # indices of FX in containers begin here


@dataclass(frozen=True)
class LiveFx:
    """One FX. `index` is what REAPER's functions take; it holds until an FX of the track is added, moved or removed."""

    index: int
    inside: tuple[LiveFx, ...] = field(default=())  # of a container


def config(reaper: Api, track: str, fx: int, name: str) -> str | None:
    """A named config parameter: [ok, track, fx, name, text, size]."""
    answer = reaper("TrackFX_GetNamedConfigParm", track, fx, name, "", TEXT_BYTES)
    return answer[4] if answer[0] else None


def chain(reaper: Api, track: str) -> list[LiveFx]:
    """The FX of the track's own chain; a container holds its own."""
    return [_with_content(reaper, track, fx) for fx in range(reaper("TrackFX_GetCount", track))]


def every(fx_list: list[LiveFx] | tuple[LiveFx, ...]) -> Iterator[LiveFx]:
    """All of them, what is in a container behind the container itself."""
    for fx in fx_list:
        yield fx
        yield from every(fx.inside)


def from_here_on(fx_list: list[LiveFx] | tuple[LiveFx, ...], index: int) -> list[LiveFx]:
    """The FX of this index and what follows it: in its container, and behind that."""
    for n, fx in enumerate(fx_list):
        if fx.index == index:
            return list(fx_list[n:])
        if within := from_here_on(fx.inside, index):
            return [*within, *fx_list[n + 1 :]]
    return []


def guid(reaper: Api, track: str, fx: int) -> str:
    """An FX keeps it through moves, saves and undo. [guid pointer, text]"""
    return reaper("guidToString", reaper("TrackFX_GetFXGUID", track, fx), "")[1]


def is_bypassed(reaper: Api, track: str, fx: int) -> bool:
    """Whether an FX is switched off."""
    return not reaper("TrackFX_GetEnabled", track, fx)


def bypass(reaper: Api, track: str, fx: int, off: bool) -> None:
    """Through the parameter: TrackFX_SetEnabled would add a step to the history. Raises `LiveError`."""
    place = bypass_parameter(reaper, track, fx)
    if place is None:
        reaper("TrackFX_SetEnabled", track, fx, not off)
    else:
        reaper("TrackFX_SetParam", track, fx, place, float(off))
    if is_bypassed(reaper, track, fx) != off:
        raise LiveError(f"REAPER did not switch an FX {'off' if off else 'on'}: is its bypass automated?")


def bypass_for_now(reaper: Api, project: str, track: str, wanted: list[LiveFx], later: Later) -> None:
    """Switches FX off until `later`; those that are off already, and offline ones, stay as they are.

    Raises `LiveError` where an envelope would switch one on again.
    """
    for fx in wanted:
        if switches(reaper, track, fx.index) and not reaper("TrackFX_GetOffline", track, fx.index):
            name = reaper("TrackFX_GetFXName", track, fx.index, "", TEXT_BYTES)[3]
            track_name = reaper("GetTrackName", track, "", TEXT_BYTES)[2]
            raise LiveError(
                f"an envelope switches {name!r} on {track_name!r} on and off, so the sound before it cannot be rendered"
                " alone: bypass that envelope, then try again"
            )
        if not is_bypassed(reaper, track, fx.index) and not reaper("TrackFX_GetOffline", track, fx.index):
            later(partial(_back_on, reaper, project, track, fx.index, guid(reaper, track, fx.index)))
            bypass(reaper, track, fx.index, True)


def find(reaper: Api, track: str, wanted: str) -> int | None:
    """Where the FX of this GUID is now."""
    return next((fx.index for fx in every(chain(reaper, track)) if guid(reaper, track, fx.index) == wanted), None)


def _back_on(reaper: Api, project: str, track: str, index: int, wanted: str) -> None:
    if reaper.went_on:
        if not still_there(reaper, project, track, "MediaTrack*"):
            return
        found = find(reaper, track, wanted)
        if found is None:
            return
        index = found
    bypass(reaper, track, index, False)


def _with_content(reaper: Api, track: str, fx: int) -> LiveFx:
    # named rather than computed: the formula for these indices changes with every edit of the chain
    count = config(reaper, track, fx, "container_count")
    items = (config(reaper, track, fx, f"container_item.{n}") for n in range(int(count or 0)))
    return LiveFx(fx, tuple(_with_content(reaper, track, int(item)) for item in items if item is not None))
