"""Everything a render touches, saved so that it can be put back exactly (facts sheet, section 4).

Each function returns what puts back what it saved, or hands it to `later` (`Api.guard`) before it changes anything.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .api import Api, Later

# RENDER_NORMALIZE is one bit field: 0 switches off normalising, limiting, fades, trimming and padding at once.
NUMBERS = (
    "RENDER_SETTINGS",
    "RENDER_BOUNDSFLAG",
    "RENDER_STARTPOS",
    "RENDER_ENDPOS",
    "RENDER_CHANNELS",
    "RENDER_SRATE",
    "RENDER_TAILFLAG",
    "RENDER_TAILMS",
    "RENDER_ADDTOPROJ",
    "RENDER_DITHER",
    "RENDER_NORMALIZE",
)
STRINGS = ("RENDER_FILE", "RENDER_PATTERN", "RENDER_FORMAT", "RENDER_FORMAT2")


def text_of(reaper: Api, project: str, key: str) -> str:
    """A text of the project: [ok, project, key, text, is_set]."""
    return reaper("GetSetProjectInfo_String", project, key, "", False)[3]


def keys(reaper: Api, project: str) -> Callable[[], None]:
    """The render settings."""
    numbers = {key: reaper("GetSetProjectInfo", project, key, 0, False) for key in NUMBERS}
    strings = {key: text_of(reaper, project, key) for key in STRINGS}

    def restore() -> None:
        # texts first: a new format may change numbers that belong to it
        for key, text in strings.items():
            reaper("GetSetProjectInfo_String", project, key, text, True)
        for key, value in numbers.items():
            if reaper("GetSetProjectInfo", project, key, 0, False) != value:
                reaper("GetSetProjectInfo", project, key, value, True)

    return restore


def all_tracks(reaper: Api, project: str) -> list[str]:
    """The master first."""
    count = reaper("CountTracks", project)
    return [reaper("GetMasterTrack", project), *(reaper("GetTrack", project, n) for n in range(count))]


def select_tracks(reaper: Api, project: str, wanted: set[str], later: Later) -> None:
    """Selects exactly these."""
    _select(reaper, all_tracks(reaper, project), wanted, ("IsTrackSelected", "SetTrackSelected"), later)


def select_items(reaper: Api, project: str, wanted: set[str], later: Later) -> None:
    """Selects exactly these."""
    items = [reaper("GetMediaItem", project, n) for n in range(reaper("CountMediaItems", project))]
    _select(reaper, items, wanted, ("IsMediaItemSelected", "SetMediaItemSelected"), later)


def _select(reaper: Api, things: list[str], wanted: set[str], names: tuple[str, str], later: Later) -> None:
    is_selected, select = names
    for thing in things:
        now = bool(reaper(is_selected, thing))
        if now != (thing in wanted):
            # noted first: an interrupt may follow the call at once
            later(partial(reaper, select, thing, now))
            reaper(select, thing, not now)


def bypass_from(reaper: Api, track: str, first: int, later: Later) -> None:
    """Switches the FX of a track off, from this place in its chain on."""
    for fx in range(first, reaper("TrackFX_GetCount", track)):
        if reaper("TrackFX_GetEnabled", track, fx):
            later(partial(reaper, "TrackFX_SetEnabled", track, fx, True))
            reaper("TrackFX_SetEnabled", track, fx, False)


def transport(reaper: Api, project: str) -> Callable[[], None]:
    """Cursor, time selection, loop and playback: a render stops playback and may move the cursor."""
    state, cursor = reaper("GetPlayStateEx", project), reaper("GetCursorPositionEx", project)
    position = reaper("GetPlayPositionEx", project)

    def span(is_loop: bool) -> list[float]:
        # [project, is_set, is_loop, from, to, autoseek]: this one answers nothing of its own
        return reaper("GetSet_LoopTimeRange2", project, False, is_loop, 0, 0, False)[3:5]

    spans = {is_loop: span(is_loop) for is_loop in (False, True)}

    def restore() -> None:
        for is_loop, was in spans.items():
            if span(is_loop) != was:
                reaper("GetSet_LoopTimeRange2", project, True, is_loop, *was, False)
        if state & 3 and not reaper("GetPlayStateEx", project) & 3:
            reaper("SetEditCurPos2", project, position, False, False)
            reaper("OnPlayButtonEx", project)
            if state & 2:
                reaper("OnPauseButtonEx", project)
        if reaper("GetCursorPositionEx", project) != cursor:
            reaper("SetEditCurPos2", project, cursor, False, False)

    return restore
