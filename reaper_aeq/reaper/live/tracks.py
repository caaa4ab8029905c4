"""What REAPER tells of the project, its tracks, their items and takes."""

from __future__ import annotations

from .api import TEXT_BYTES, Api

FIXED_LANES = 2  # of I_FREEMODE
Span = tuple[float, float]  # from, to, seconds of the project


def enter_front_project(reaper: Api) -> None:
    """All that follows is about the project whose tab is in front now."""
    reaper.project = front_project(reaper)


def front_project(reaper: Api) -> str:
    """The tab in front: [project, index, file, size]."""
    return reaper("EnumProjects", -1, "", TEXT_BYTES)[0]


def is_null(pointer: str) -> bool:
    """Python gets a null pointer where Lua gets nil."""
    return pointer.endswith("0x0000000000000000")


def exists(reaper: Api, pointer: str) -> bool:
    """Of a track or an item: the pointer of something deleted dangles, and to use it could take REAPER down."""
    kind, address = pointer.removeprefix("(").split(")")
    # reapy's own form of this function wants the bare address, and fails for a pointer's text
    return bool(reaper("ValidatePtr2", reaper.project, int(address, 16), kind))


def still_there(reaper: Api, pointer: str) -> bool:
    """Whether a pointer may be used. Nothing can have gone while REAPER was held all the time."""
    return not reaper.went_on or exists(reaper, pointer)


def all_tracks(reaper: Api) -> list[str]:
    """The master first."""
    count = reaper("CountTracks", reaper.project)
    return [reaper("GetMasterTrack", reaper.project), *(reaper("GetTrack", reaper.project, n) for n in range(count))]


def track_value(reaper: Api, track: str, key: str) -> float:
    """What ReaScript calls by this key."""
    return reaper("GetMediaTrackInfo_Value", track, key)


def number_of(reaper: Api, track: str) -> int:
    """REAPER's own: 1 for the first track, -1 for the master."""
    return round(track_value(reaper, track, "IP_TRACKNUMBER"))


def above(reaper: Api, track: str) -> list[str]:
    """The folders around a track, the nearest first."""
    found = []
    while not is_null(track := reaper("GetParentTrack", track)):
        found.append(track)
    return found


def audible(reaper: Api, track: str) -> bool:
    """A stem of a track that is muted, or silenced by a solo elsewhere, is silence."""
    way = [track, *above(reaper, track)]
    if any(track_value(reaper, one, "B_MUTE") for one in way):
        return False
    if not reaper("AnyTrackSolo", reaper.project) or track_value(reaper, track, "B_SOLO_DEFEAT"):
        return True
    if any(track_value(reaper, one, "I_SOLO") for one in way):
        return True
    # a soloed child is heard through its folder
    soloed = (child for child in all_tracks(reaper)[1:] if track_value(reaper, child, "I_SOLO"))
    return any(track in above(reaper, child) for child in soloed)


def items_of(reaper: Api, track: str) -> list[str]:
    """The items of a track, in their order."""
    return [reaper("GetTrackMediaItem", track, n) for n in range(reaper("GetTrackNumMediaItems", track))]


def span_of(reaper: Api, item: str) -> Span:
    """Where an item lies."""
    start_s = reaper("GetMediaItemInfo_Value", item, "D_POSITION")
    return start_s, start_s + reaper("GetMediaItemInfo_Value", item, "D_LENGTH")


def plays(reaper: Api, item: str) -> bool:
    """Not empty, not muted, and in a lane that plays where its track has fixed lanes."""
    if is_null(reaper("GetActiveTake", item)) or reaper("GetMediaItemInfo_Value", item, "B_MUTE"):
        return False
    if track_value(reaper, reaper("GetMediaItemTrack", item), "I_FREEMODE") != FIXED_LANES:
        return True
    return reaper("GetMediaItemInfo_Value", item, "C_LANEPLAYS") > 0


def plays_midi(reaper: Api, item: str) -> bool:
    """Whether an item's active take holds notes."""
    take = reaper("GetActiveTake", item)
    return not is_null(take) and bool(reaper("TakeIsMIDI", take))


def source_of(reaper: Api, take: str) -> str:
    """The file that a take plays, or null; sections and reversed takes wrap it."""
    source = reaper("GetMediaItemTake_Source", take)
    while not is_null(source) and not is_null(inner := reaper("GetMediaSourceParent", source)):
        source = inner
    return source
