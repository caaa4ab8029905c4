"""Before anything is rendered: can it be heard, and may its track be changed? What cannot is said in one sentence."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from . import track_state
from .api import Api, LiveError
from .fx import chain, config, every
from .target import Target
from .tracks import audible, is_null, items_of, plays, plays_midi, source_of, track_value

MIN_VERSION = (6, 37)  # TrackFX_SetNamedConfigParm knows renamed_name
RECORDS = 4


def check_reaper(reaper: Api) -> None:
    """Raises `LiveError` if this REAPER is too old, or records."""
    version = reaper("GetAppVersion")
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if not numbers or (int(numbers[1]), int(numbers[2])) < MIN_VERSION:
        raise LiveError(f"this REAPER ({version}) is too old: update it to {'.'.join(map(str, MIN_VERSION))} or newer")
    if reaper("GetPlayStateEx", reaper.project) & RECORDS:
        raise LiveError("REAPER is recording: stop it, then try again")


def check_targets(reaper: Api, targets: Sequence[Target]) -> None:
    """Raises `LiveError` for the first thing that is wrong and can be known before rendering."""
    for target in targets:
        may_change(reaper, target)
        items = target.items
        if target.how == "stem":
            items = items or [item for item in items_of(reaper, target.track) if plays(reaper, item)]
            target.has_midi = target.has_midi or any(plays_midi(reaper, item) for item in items)
        for item in items:
            if why := item_reason(reaper, item):
                raise LiveError(f"{target.name!r}: {why}")
        if target.how == "stem" and not (
            reaper("GetTrackNumMediaItems", target.track) > 0
            or reaper("GetTrackNumSends", target.track, -1) > 0
            or track_value(reaper, target.track, "I_FOLDERDEPTH") > 0
        ):
            raise LiveError(f"{target.name!r} has no items and nothing is sent to it: choose a track with audio")
        if target.how == "stem" and not audible(reaper, target.track):
            raise LiveError(f"{target.name!r} cannot be heard: it is muted, or another track is soloed")
        if target.has_midi and not has_instrument(reaper, target.track):
            raise LiveError(f"{target.name!r} has MIDI but no instrument that could be heard: add one, then try again")


def may_change(reaper: Api, target: Target, heavy: bool = False) -> None:
    """Raises `LiveError` if the user has locked or frozen the track.

    `heavy`: looks however long REAPER needs, for a track whose FX did not take a write.
    """
    if target.is_master:
        return
    chunk = track_state.whole(reaper, target.track) if heavy else track_state.light(reaper, target.track)
    if why := closed_reason(chunk):
        way_out = "unfreeze" if "frozen" in why else "unlock"
        raise LiveError(f"{target.name!r}: {why}: right-click the track to {way_out} it")


def closed_reason(chunk: str) -> str:
    """Why the track may not be changed, or "". Neither state has a call of its own in every version of REAPER."""
    if re.search(r"\n\s*<FREEZE", chunk):
        return "it is frozen"
    own_lines = re.split(r"\n\s*[<>]", chunk, maxsplit=1)[0]
    return "it is locked" if re.search(r"\n\s*LOCK 1", own_lines) else ""


def item_reason(reaper: Api, item: str) -> str:
    """Why an item cannot be heard, or ""."""
    empty = "an item on it is empty: choose one with audio in it"
    take = reaper("GetActiveTake", item)
    source = source_of(reaper, take) if not is_null(take) else take
    if is_null(source):
        return empty
    if reaper("TakeIsMIDI", take):
        return ""
    file = reaper.text("GetMediaSourceFileName", source)
    if file and not os.path.isfile(file):
        return f"the file of an item on it is missing: {file}"
    # offline has no length; the sample rate tells nothing, for what was offline once may name none ever after
    has_length = reaper("GetMediaSourceLength", source, 0)[0] > 0
    if not has_length and file and reaper("GetMediaSourceSampleRate", source) <= 0:
        return f"the media of an item on it is offline: {file}"
    return "" if has_length and reaper("GetMediaItemInfo_Value", item, "D_LENGTH") > 0 else empty


def has_instrument(reaper: Api, track: str) -> bool:
    """In a container too. A JSFX may be an instrument; others say by their type that they are (VSTi, AUi, CLAPi)."""
    for fx in (one.index for one in every(chain(reaper, track))):
        # older REAPER: the shown name begins with the type
        kind = config(reaper, track, fx, "fx_type") or reaper.text("TrackFX_GetFXName", track, fx).partition(":")[0]
        works = reaper("TrackFX_GetEnabled", track, fx) and not reaper("TrackFX_GetOffline", track, fx)
        if (kind == "JS" or kind.endswith("i")) and works:
            return True
    return False


def sounds(reaper: Api, track: str) -> bool:
    """Whether the track itself makes a sound: an unmuted take, and for MIDI an instrument."""
    items = [item for item in items_of(reaper, track) if plays(reaper, item)]
    return any(not plays_midi(reaper, item) for item in items) or (bool(items) and has_instrument(reaper, track))
