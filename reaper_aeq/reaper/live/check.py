"""Before anything is rendered: can it be heard, and may its track be changed? What cannot is said in one sentence."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from .api import BUFFER_BYTES, TEXT_BYTES, Api, LiveError
from .fx import chain, config, every
from .target import Target, is_null, items_of, plays_midi, source_of

MIN_VERSION = (6, 37)  # TrackFX_SetNamedConfigParm knows renamed_name
RECORDS = 4
FIXED_LANES = 2  # of I_FREEMODE


def check_reaper(reaper: Api, project: str) -> None:
    """Raises `LiveError` if this REAPER is too old, or records."""
    version = reaper("GetAppVersion")
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if not numbers or (int(numbers[1]), int(numbers[2])) < MIN_VERSION:
        raise LiveError(f"this REAPER ({version}) is too old: update it to {'.'.join(map(str, MIN_VERSION))} or newer")
    if reaper("GetPlayStateEx", project) & RECORDS:
        raise LiveError("REAPER is recording: stop it, then try again")


def check_targets(reaper: Api, project: str, targets: Sequence[Target]) -> None:
    """Raises `LiveError` for the first thing that is wrong and can be known before rendering."""
    any_solo = bool(reaper("AnyTrackSolo", project))
    for target in targets:
        may_change(reaper, target)
        items = target.items
        if target.how == "stem":
            items = items or [item for item in items_of(reaper, target.track) if plays(reaper, item)]
            target.has_midi = target.has_midi or any(plays_midi(reaper, item) for item in items)
        for item in items:
            if why := item_reason(reaper, item):
                raise LiveError(f"{target.name!r}: {why}")
        if target.how == "stem":
            _check_stem(reaper, project, target, any_solo)
        if target.has_midi and not has_instrument(reaper, target.track):
            raise LiveError(f"{target.name!r} has MIDI but no instrument that could be heard: add one, then try again")


def chunk_of(reaper: Api, track: str) -> str:
    """A track's state as REAPER would write it into the project: [ok, track, text, size, is_undo]."""
    answer = reaper("GetTrackStateChunk", track, "", BUFFER_BYTES, False)
    if not answer[0] or len(answer[2].encode()) >= BUFFER_BYTES - 1:
        # cut off: to set such a state would destroy the track
        raise LiveError("the state of a track is longer than REAPER's Python can hand over: use the actions instead")
    return answer[2]


def light_chunk_of(reaper: Api, track: str) -> str:
    """The state of a track, "" where REAPER would need long to write it: a sampler's may have megabytes.

    A frozen track has given its FX away, so it is light.
    """
    for one in every(chain(reaper, track)):
        kind = config(reaper, track, one.index, "fx_type")
        if not one.inside and kind != "JS" and not reaper("TrackFX_GetEQParam", track, one.index, 0, 0, 0, 0, 0)[0]:
            return ""
    return chunk_of(reaper, track)


def may_change(reaper: Api, target: Target, heavy: bool = False) -> None:
    """Raises `LiveError` if the user has locked or frozen the track.

    `heavy`: looks however long REAPER needs, for a track whose FX did not take a write.
    """
    if target.is_master:
        return
    chunk = chunk_of(reaper, target.track) if heavy else light_chunk_of(reaper, target.track)
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
    take = reaper("GetActiveTake", item)
    source = source_of(reaper, take) if not is_null(take) else take
    if is_null(source):
        return "an item on it is empty: choose one with audio in it"
    if reaper("TakeIsMIDI", take):
        return ""
    file = reaper("GetMediaSourceFileName", source, "", TEXT_BYTES)[1]
    if file and not os.path.isfile(file):
        return f"the file of an item on it is missing: {file}"
    # offline has no length; the sample rate tells nothing, for what was offline once may name none ever after
    if reaper("GetMediaSourceLength", source, 0)[0] <= 0:
        if file and reaper("GetMediaSourceSampleRate", source) <= 0:
            return f"the media of an item on it is offline: {file}"
        return "an item on it is empty: choose one with audio in it"
    if reaper("GetMediaItemInfo_Value", item, "D_LENGTH") <= 0:
        return "an item on it is empty: choose one with audio in it"
    return ""


def _check_stem(reaper: Api, project: str, target: Target, any_solo: bool) -> None:
    if not has_input(reaper, target.track):
        raise LiveError(f"{target.name!r} has no items and nothing is sent to it: choose a track with audio")
    if not audible(reaper, project, target.track, any_solo):
        raise LiveError(f"{target.name!r} cannot be heard: it is muted, or another track is soloed")


def audible(reaper: Api, project: str, track: str, any_solo: bool) -> bool:
    """A stem of a track that is muted, or silenced by a solo elsewhere, is silence."""
    way = [track, *above(reaper, track)]
    if any(_value(reaper, one, "B_MUTE") for one in way):
        return False
    if not any_solo or _value(reaper, track, "B_SOLO_DEFEAT"):
        return True
    if any(_value(reaper, one, "I_SOLO") for one in way):
        return True
    everyone = (reaper("GetTrack", project, n) for n in range(reaper("CountTracks", project)))
    # a soloed child is heard through its folder
    return any(track in above(reaper, child) for child in everyone if _value(reaper, child, "I_SOLO"))


def has_input(reaper: Api, track: str) -> bool:
    """Whether anything reaches this track: items of its own, children, receives."""
    return (
        reaper("GetTrackNumMediaItems", track) > 0
        or reaper("GetTrackNumSends", track, -1) > 0
        or _value(reaper, track, "I_FOLDERDEPTH") > 0
    )


def has_instrument(reaper: Api, track: str) -> bool:
    """In a container too. A JSFX may be an instrument; others say by their type that they are (VSTi, AUi, CLAPi)."""
    for fx in (one.index for one in every(chain(reaper, track))):
        kind = config(reaper, track, fx, "fx_type")
        if kind is None:  # older REAPER: the shown name begins with the type
            kind = reaper("TrackFX_GetFXName", track, fx, "", TEXT_BYTES)[3].partition(":")[0]
        works = reaper("TrackFX_GetEnabled", track, fx) and not reaper("TrackFX_GetOffline", track, fx)
        if (kind == "JS" or kind.endswith("i")) and works:
            return True
    return False


def sounds(reaper: Api, track: str) -> bool:
    """Whether the track itself makes a sound: an unmuted take, and for MIDI an instrument."""
    items = [item for item in items_of(reaper, track) if plays(reaper, item)]
    return any(not plays_midi(reaper, item) for item in items) or (bool(items) and has_instrument(reaper, track))


def plays(reaper: Api, item: str) -> bool:
    """Not empty, not muted, and in a lane that plays where its track has fixed lanes."""
    if is_null(reaper("GetActiveTake", item)) or reaper("GetMediaItemInfo_Value", item, "B_MUTE"):
        return False
    if _value(reaper, reaper("GetMediaItemTrack", item), "I_FREEMODE") != FIXED_LANES:
        return True
    return reaper("GetMediaItemInfo_Value", item, "C_LANEPLAYS") > 0


def above(reaper: Api, track: str) -> list[str]:
    """The folders around a track, the nearest first."""
    found = []
    while not is_null(track := reaper("GetParentTrack", track)):
        found.append(track)
    return found


def _value(reaper: Api, track: str, key: str) -> float:
    return reaper("GetMediaTrackInfo_Value", track, key)
