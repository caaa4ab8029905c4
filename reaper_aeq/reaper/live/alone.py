"""What is rendered is heard by itself: whatever is soloed, chosen items without what other tracks send to theirs."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from . import check, render_state
from .api import Api, Later


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

    def put_back(n: int) -> None:
        if render_state.still_there(reaper, project, track, "MediaTrack*"):
            reaper("SetTrackSendInfo_Value", track, -1, n, "B_MUTE", 0)

    for n in range(reaper("GetTrackNumSends", track, -1)):
        if not reaper("GetTrackSendInfo_Value", track, -1, n, "B_MUTE"):
            later(partial(put_back, n))
            reaper("SetTrackSendInfo_Value", track, -1, n, "B_MUTE", 1)
