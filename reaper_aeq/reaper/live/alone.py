"""What is rendered is heard by itself: whatever is soloed, chosen items without what other tracks send to theirs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from . import check, render_state
from .api import TEXT_BYTES, Api, Later, LiveError
from .target import track_name

Route = tuple[Any, ...]
ROUTE = ("I_SRCCHAN", "I_DSTCHAN", "I_MIDIFLAGS")  # beside whose they are, what tells receives apart


def _change(reaper: Api, project: str, track: str, key: str, value: float, later: Later) -> None:
    """Sets a value of a track for now."""
    was = reaper("GetMediaTrackInfo_Value", track, key)

    def put_back() -> None:
        if render_state.still_there(reaper, project, track, "MediaTrack*"):
            reaper("SetMediaTrackInfo_Value", track, key, was)

    later(put_back)
    reaper("SetMediaTrackInfo_Value", track, key, value)


def lift_solos(reaper: Api, project: str, targets: Collection[str], later: Later) -> None:
    """Switches every solo off: in one REAPER the stems of soloed tracks were measured to be silent.

    What a solo silences inside of the tracks to be rendered is muted in its place.
    """
    if not reaper("AnyTrackSolo", project):
        return
    tracks = render_state.all_tracks(reaper, project)
    silent = [
        track
        for track in tracks[1:]
        if track not in targets
        and any(folder in targets for folder in check.above(reaper, track))
        and not check.audible(reaper, project, track, True)
    ]
    for track in silent:
        _change(reaper, project, track, "B_MUTE", 1, later)
    for track in tracks:
        if reaper("GetMediaTrackInfo_Value", track, "I_SOLO"):
            _change(reaper, project, track, "I_SOLO", 0, later)


def cut_off(reaper: Api, project: str, track: str, later: Later) -> None:
    """Keeps what comes from other tracks, a folder's children and receives, out of a track.

    Chosen items are heard by themselves; the others are still heard where they are rendered.
    """
    for child in render_state.all_tracks(reaper, project)[1:]:
        if reaper("GetParentTrack", child) == track and reaper("GetMediaTrackInfo_Value", child, "B_MAINSEND"):
            _change(reaper, project, child, "B_MAINSEND", 0, later)
    before = _receives(reaper, track)

    def put_back() -> None:
        if render_state.still_there(reaper, project, track, "MediaTrack*"):
            _unmute(reaper, track, before)

    later(put_back)
    for place, muted in (one for own in before.values() for one in own):
        if not muted:
            reaper("SetTrackSendInfo_Value", track, -1, place, "B_MUTE", 1)


def _receives(reaper: Api, track: str) -> dict[Route, list[tuple[int, bool]]]:
    """The places of a track's receives by what they are, and which of them are muted."""
    routes: dict[Route, list[tuple[int, bool]]] = {}
    for n in range(reaper("GetTrackNumSends", track, -1)):
        source = reaper("GetTrackReceiveName", track, n, "", TEXT_BYTES)[3]
        route = (source, *(reaper("GetTrackSendInfo_Value", track, -1, n, key) for key in ROUTE))
        routes.setdefault(route, []).append((n, bool(reaper("GetTrackSendInfo_Value", track, -1, n, "B_MUTE"))))
    return routes


def _unmute(reaper: Api, track: str, before: Mapping[Route, Sequence[tuple[int, bool]]]) -> None:
    """The user may add, delete or move receives and tracks while REAPER goes on: they are found again by their route
    and not by their place. Raises `LiveError` for one that may stay muted."""
    now, lost = _receives(reaper, track), False
    for route, were in before.items():
        are = now.pop(route, [])
        if len(are) == len(were):
            for (place, muted), (_, muted_before) in zip(are, were, strict=True):
                if muted and not muted_before:
                    reaper("SetTrackSendInfo_Value", track, -1, place, "B_MUTE", 0)
        elif not all(muted for _, muted in were):
            lost = True
            now[route] = are
    if lost and any(muted for own in now.values() for _, muted in own):
        name = track_name(reaper, track)
        raise LiveError(
            f"the receives of '{name}' were changed while it was rendered without them, so that one may still be muted:"
            " look at them, then try again"
        )
