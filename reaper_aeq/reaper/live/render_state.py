"""Everything a render touches, saved so that it can be put back exactly (docs/reaper.md, section 7).

Each function returns what puts back what it saved, or hands it to `later` (`Api.guard`) before it changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from .api import Api, Later, LiveError
from .tracks import Span, above, all_tracks, audible, items_of, span_of, still_there, track_value

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
Route = tuple[Any, ...]
ROUTE = ("I_SRCCHAN", "I_DSTCHAN", "I_MIDIFLAGS")  # beside whose they are, what tells receives apart


def _number(reaper: Api, key: str) -> float:
    """A number of the project."""
    return reaper("GetSetProjectInfo", reaper.project, key, 0, False)


def text_of(reaper: Api, key: str) -> str:
    """A text of the project: [ok, project, key, text, is_set]."""
    return reaper("GetSetProjectInfo_String", reaper.project, key, "", False)[3]


def keys(reaper: Api) -> Callable[[], None]:
    """The render settings."""
    numbers = {key: _number(reaper, key) for key in NUMBERS}
    strings = {key: text_of(reaper, key) for key in STRINGS}

    def restore() -> None:
        # texts first: a new format may change numbers that belong to it
        for key, text in strings.items():
            reaper("GetSetProjectInfo_String", reaper.project, key, text, True)
        for key, value in numbers.items():
            if _number(reaper, key) != value:
                reaper("GetSetProjectInfo", reaper.project, key, value, True)

    return restore


def set_keys(reaper: Api, texts: Mapping[str, str], numbers: Mapping[str, float]) -> None:
    """Raises `LiveError` for a number that REAPER does not keep: it would render something else than asked."""
    for key, text in texts.items():
        reaper("GetSetProjectInfo_String", reaper.project, key, text, True)
    for key, value in numbers.items():
        reaper("GetSetProjectInfo", reaper.project, key, value, True)
    for key, value in numbers.items():
        if _number(reaper, key) != value:
            raise LiveError(f"REAPER did not take {key} {value:g}, so it would render something else: update it")


def set_bounds(reaper: Api, start_s: float, end_s: float) -> bool:
    """The custom bounds; whether REAPER keeps them."""
    wanted = {"RENDER_STARTPOS": start_s, "RENDER_ENDPOS": end_s}
    for key, value in wanted.items():
        reaper("GetSetProjectInfo", reaper.project, key, value, True)
    return all(abs(_number(reaper, key) - value) < 1e-6 for key, value in wanted.items())


def select_tracks(reaper: Api, wanted: Collection[str], later: Later) -> None:
    """Selects exactly these."""
    for track in all_tracks(reaper):
        now = bool(reaper("IsTrackSelected", track))
        if now != (track in wanted):
            # noted first: an interrupt may follow the call at once
            later(partial(_put_back, reaper, "SetTrackSelected", track, now))
            reaper("SetTrackSelected", track, not now)
            if bool(reaper("IsTrackSelected", track)) == now:
                raise LiveError("REAPER did not select what is to be rendered: close its dialogs, then try again")


def disarm(reaper: Api, later: Later) -> None:
    """Armed tracks that are monitored would play what comes in at their inputs into a render."""
    for track in all_tracks(reaper):
        if track_value(reaper, track, "I_RECARM") and track_value(reaper, track, "I_RECMON"):
            _set(reaper, track, "I_RECARM", 0, later)


def mute_others(reaper: Api, track: str, chosen: Collection[str], span: Span, later: Later) -> None:
    """Mutes what else of a track's items lies in this span."""
    for item in items_of(reaper, track):
        start_s, end_s = span_of(reaper, item)
        if item in chosen or start_s >= span[1] or end_s <= span[0]:
            continue
        if not reaper("GetMediaItemInfo_Value", item, "B_MUTE"):
            later(partial(_put_back, reaper, "SetMediaItemInfo_Value", item, "B_MUTE", 0))
            reaper("SetMediaItemInfo_Value", item, "B_MUTE", 1)


def no_automation(reaper: Api, tracks: Iterable[str], later: Later) -> None:
    """Tracks that would record what is written to their FX (touch, latch, write) only play automation for now."""
    override = reaper("GetGlobalAutomationOverride")
    if override in RECORDING:
        later(partial(reaper, "SetGlobalAutomationOverride", override))
        reaper("SetGlobalAutomationOverride", NO_OVERRIDE)
    for track in tracks:
        if track_value(reaper, track, "I_AUTOMODE") in RECORDING:
            _set(reaper, track, "I_AUTOMODE", READ, later)


def transport(reaper: Api) -> Callable[[], None]:
    """Cursor, time selection, loop and playback: a render stops playback and may move the cursor."""
    state, cursor = reaper("GetPlayStateEx", reaper.project), reaper("GetCursorPositionEx", reaper.project)
    position = reaper("GetPlayPositionEx", reaper.project)

    def span(is_loop: bool) -> list[float]:
        # [project, is_set, is_loop, from, to, autoseek]: this one answers nothing of its own
        return reaper("GetSet_LoopTimeRange2", reaper.project, False, is_loop, 0, 0, False)[3:5]

    spans = {is_loop: span(is_loop) for is_loop in (False, True)}

    def restore() -> None:
        for is_loop, was in spans.items():
            if span(is_loop) != was:
                reaper("GetSet_LoopTimeRange2", reaper.project, True, is_loop, *was, False)
        if state & 3 and not reaper("GetPlayStateEx", reaper.project) & 3:
            reaper("SetEditCurPos2", reaper.project, position, False, False)
            reaper("OnPlayButtonEx", reaper.project)
            if state & 2:
                reaper("OnPauseButtonEx", reaper.project)
        if reaper("GetCursorPositionEx", reaper.project) != cursor:
            reaper("SetEditCurPos2", reaper.project, cursor, False, False)

    return restore


def lift_solos(reaper: Api, targets: Collection[str], later: Later) -> None:
    """Switches every solo off: in one REAPER the stems of soloed tracks were measured to be silent.

    What a solo silences inside of the tracks to be rendered is muted in its place.
    """
    if not reaper("AnyTrackSolo", reaper.project):
        return
    tracks = all_tracks(reaper)
    silent = [
        track
        for track in tracks[1:]
        if track not in targets
        and any(folder in targets for folder in above(reaper, track))
        and not audible(reaper, track)
    ]
    for track in silent:
        _set(reaper, track, "B_MUTE", 1, later)
    for track in tracks:
        if track_value(reaper, track, "I_SOLO"):
            _set(reaper, track, "I_SOLO", 0, later)


def cut_off(reaper: Api, track: str, later: Later) -> None:
    """Keeps what comes from other tracks, a folder's children and receives, out of a track.

    Chosen items are heard by themselves; the others are still heard where they are rendered.
    """
    for child in all_tracks(reaper)[1:]:
        if reaper("GetParentTrack", child) == track and track_value(reaper, child, "B_MAINSEND"):
            _set(reaper, child, "B_MAINSEND", 0, later)
    before = _receives(reaper, track)
    later(partial(_unmute, reaper, track, before))
    for place, muted in (one for own in before.values() for one in own):
        if not muted:
            reaper("SetTrackSendInfo_Value", track, -1, place, "B_MUTE", 1)


def _receives(reaper: Api, track: str) -> dict[Route, list[tuple[int, bool]]]:
    """The places of a track's receives by what they are, and which of them are muted."""
    routes: dict[Route, list[tuple[int, bool]]] = {}
    for n in range(reaper("GetTrackNumSends", track, -1)):
        source = reaper.text("GetTrackReceiveName", track, n)
        route = (source, *(reaper("GetTrackSendInfo_Value", track, -1, n, key) for key in ROUTE))
        routes.setdefault(route, []).append((n, bool(reaper("GetTrackSendInfo_Value", track, -1, n, "B_MUTE"))))
    return routes


def _unmute(reaper: Api, track: str, before: Mapping[Route, Sequence[tuple[int, bool]]]) -> None:
    """The user may add, delete or move receives and tracks while REAPER goes on: they are found again by their route
    and not by their place. Raises `LiveError` for one that may stay muted."""
    if not still_there(reaper, track):
        return
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
        raise LiveError(
            f"the receives of '{reaper.text('GetTrackName', track)}' were changed while it was rendered without them,"
            " so that one may still be muted: look at them, then try again"
        )


def _set(reaper: Api, track: str, key: str, number: float, later: Later) -> None:
    """Sets a value of a track for now."""
    later(partial(_put_back, reaper, "SetMediaTrackInfo_Value", track, key, track_value(reaper, track, key)))
    reaper("SetMediaTrackInfo_Value", track, key, number)


def _put_back(reaper: Api, setter: str, pointer: str, *values: Any) -> None:
    """A track or an item that was removed meanwhile needs nothing any more."""
    if still_there(reaper, pointer):
        reaper(setter, pointer, *values)
