"""Everything a render touches, saved so that it can be put back exactly (docs/reaper.md, section 7).

Each function returns what puts back what it saved, or hands it to `later` (`Api.guard`) before it changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial

from .api import Api, Later, LiveError

READ, NO_OVERRIDE = 1, -1  # automation modes
RECORDING = (2, 3, 4, 5)  # touch, write, latch, latch preview: what is written to an FX may be recorded

# RENDER_NORMALIZE is one bit field: 0 switches off normalizing, limiting, fades, trimming and padding at once.
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


def set_keys(reaper: Api, project: str, texts: Mapping[str, str], numbers: Mapping[str, float]) -> None:
    """Raises `LiveError` for a number that REAPER does not keep: it would render something else than asked."""
    for key, text in texts.items():
        reaper("GetSetProjectInfo_String", project, key, text, True)
    for key, value in numbers.items():
        reaper("GetSetProjectInfo", project, key, value, True)
    for key, value in numbers.items():
        if reaper("GetSetProjectInfo", project, key, 0, False) != value:
            raise LiveError(f"REAPER did not take {key} {value:g}, so it would render something else: update it")


def set_bounds(reaper: Api, project: str, start_s: float, end_s: float) -> bool:
    """The custom bounds; whether REAPER keeps them."""
    wanted = {"RENDER_STARTPOS": start_s, "RENDER_ENDPOS": end_s}
    for key, value in wanted.items():
        reaper("GetSetProjectInfo", project, key, value, True)
    now = {key: reaper("GetSetProjectInfo", project, key, 0, False) for key in wanted}
    return all(abs(now[key] - value) < 1e-6 for key, value in wanted.items())


def all_tracks(reaper: Api, project: str) -> list[str]:
    """The master first."""
    count = reaper("CountTracks", project)
    return [reaper("GetMasterTrack", project), *(reaper("GetTrack", project, n) for n in range(count))]


def select_tracks(reaper: Api, project: str, wanted: set[str], later: Later) -> None:
    """Selects exactly these."""

    def put_back(track: str, now: bool) -> None:
        if still_there(reaper, project, track, "MediaTrack*"):
            reaper("SetTrackSelected", track, now)

    for track in all_tracks(reaper, project):
        now = bool(reaper("IsTrackSelected", track))
        if now != (track in wanted):
            # noted first: an interrupt may follow the call at once
            later(partial(put_back, track, now))
            reaper("SetTrackSelected", track, not now)
            if bool(reaper("IsTrackSelected", track)) == now:
                raise LiveError("REAPER did not select what is to be rendered: close its dialogs, then try again")


def disarm(reaper: Api, project: str, later: Later) -> None:
    """Armed tracks that are monitored would play what comes in at their inputs into a render."""

    def put_back(track: str, armed: float) -> None:
        if still_there(reaper, project, track, "MediaTrack*"):
            reaper("SetMediaTrackInfo_Value", track, "I_RECARM", armed)

    for track in all_tracks(reaper, project):
        armed = reaper("GetMediaTrackInfo_Value", track, "I_RECARM")
        if armed and reaper("GetMediaTrackInfo_Value", track, "I_RECMON"):
            later(partial(put_back, track, armed))
            reaper("SetMediaTrackInfo_Value", track, "I_RECARM", 0)


def mute_others(
    reaper: Api, project: str, track: str, chosen: Collection[str], span: tuple[float, float], later: Later
) -> None:
    """Mutes what else of a track's items lies in this span."""

    def put_back(item: str) -> None:
        if still_there(reaper, project, item, "MediaItem*"):
            reaper("SetMediaItemInfo_Value", item, "B_MUTE", 0)

    for n in range(reaper("GetTrackNumMediaItems", track)):
        item = reaper("GetTrackMediaItem", track, n)
        start_s = reaper("GetMediaItemInfo_Value", item, "D_POSITION")
        end_s = start_s + reaper("GetMediaItemInfo_Value", item, "D_LENGTH")
        if item in chosen or start_s >= span[1] or end_s <= span[0]:
            continue
        if not reaper("GetMediaItemInfo_Value", item, "B_MUTE"):
            later(partial(put_back, item))
            reaper("SetMediaItemInfo_Value", item, "B_MUTE", 1)


def still_there(reaper: Api, project: str, pointer: str, kind: str) -> bool:
    """Whether a pointer may be used. Nothing can have gone while REAPER was held all the time."""
    # reapy's own form of this function wants the bare address, and fails for a pointer's text
    return not reaper.went_on or bool(reaper("ValidatePtr2", project, int(pointer.split(")")[1], 16), kind))


def no_automation(reaper: Api, project: str, tracks: Iterable[str], later: Later) -> None:
    """Tracks that would record what is written to their FX (touch, latch, write) only play automation for now."""
    override = reaper("GetGlobalAutomationOverride")
    if override in RECORDING:
        later(partial(reaper, "SetGlobalAutomationOverride", override))
        reaper("SetGlobalAutomationOverride", NO_OVERRIDE)

    def put_back(track: str, mode: float) -> None:
        if still_there(reaper, project, track, "MediaTrack*"):
            reaper("SetMediaTrackInfo_Value", track, "I_AUTOMODE", mode)

    for track in tracks:
        mode = reaper("GetMediaTrackInfo_Value", track, "I_AUTOMODE")
        if mode in RECORDING:
            later(partial(put_back, track, mode))
            reaper("SetMediaTrackInfo_Value", track, "I_AUTOMODE", READ)


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
