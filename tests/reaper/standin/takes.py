"""Takes and their sources."""

from __future__ import annotations

from .errors import StandInError
from .handles import Take
from .media import MediaMissing, media_info, source_length, source_section
from .registry import api

_TAKE_VALUES = {
    "D_STARTOFFS": ("SOFFS", 0, 0.0),
    "D_PLAYRATE": ("PLAYRATE", 0, 1.0),
    "B_PPITCH": ("PLAYRATE", 1, 1.0),
    "D_PITCH": ("PLAYRATE", 2, 0.0),
    "I_PITCHMODE": ("PLAYRATE", 3, -1.0),
    "I_CHANMODE": ("CHANMODE", 0, 0.0),
}


def take_value(take: Take, name: str) -> float:
    if name in ("D_PAN", "D_VOL", "D_PANLAW"):
        # the first take shares the item's VOLPAN line, the others have their own
        field = {"D_PAN": 0, "D_VOL": 1, "D_PANLAW": 2}[name]
        default = {"D_PAN": 0.0, "D_VOL": 1.0, "D_PANLAW": -1.0}[name]
        return take.value("VOLPAN", field + 1, default) if take.first else take.value("TAKEVOLPAN", field, default)
    line, field, default = _TAKE_VALUES[name]
    return take.value(line, field, default)


@api
def CountTakes(reaper, item):
    return len(item.takes)


@api
def GetMediaItemNumTakes(reaper, item):
    return len(item.takes)


@api
def GetActiveTake(reaper, item):
    return item.active_take


@api
def GetTake(reaper, item, index):
    return item.takes[index] if 0 <= index < len(item.takes) else None


@api
def GetMediaItemTake(reaper, item, index):
    return item.active_take if index == -1 else GetTake(reaper, item, index)


@api
def GetMediaItemTake_Item(reaper, take):
    return take.item


@api
def GetMediaItemTake_Track(reaper, take):
    return take.item.track


@api
def GetMediaItemTakeInfo_Value(reaper, take, name):
    if name == "IP_TAKENUMBER":
        return take.item.takes.index(take)
    if name not in _TAKE_VALUES and name not in ("D_PAN", "D_VOL", "D_PANLAW"):
        raise StandInError("not modeled", f"take value {name!r}")
    return take_value(take, name)


@api
def GetSetMediaItemTakeInfo_String(reaper, take, name, text, is_set):
    if is_set or name not in ("GUID", "P_NAME"):
        raise StandInError("not modeled", f"take string {name!r}")
    return True, take.guid if name == "GUID" else GetTakeName(reaper, take)


@api
def GetTakeName(reaper, take):
    values = take.node.get("NAME", take.start, take.stop)
    return values[0] if values else ""


@api
def TakeIsMIDI(reaper, take):
    return _innermost(take.source).kind in ("MIDI", "MIDIPOOL")


@api
def GetMediaItemTake_Source(reaper, take):
    return take.source


@api
def GetMediaSourceParent(reaper, source):
    return source.parent


@api
def GetMediaSourceFileName(reaper, source):
    """Absolute; "" for a section (ask its parent) and for in-project MIDI."""
    return source.project.media_path(source)


@api
def GetMediaSourceType(reaper, source):
    """SECTION, WAVE, MP3, MIDI ..., and OFFLINE for a source that is offline."""
    if source.kind.startswith("_OFFLINE"):
        return "OFFLINE"
    return source.kind


@api
def PCM_Source_GetSectionInfo(reaper, source):
    """False for a source that is neither section nor reversed."""
    if source.kind != "SECTION":
        return False, 0.0, 0.0, False
    start, length, is_reversed = source_section(source)
    return True, start, length, is_reversed


@api
def GetMediaSourceLength(reaper, source):
    try:
        return source_length(source), _innermost(source).kind == "MIDI"
    except MediaMissing:
        return 0.0, False


@api
def GetMediaSourceSampleRate(reaper, source):
    """0 for MIDI and for what cannot be read."""
    return _info(source)[0]


@api
def GetMediaSourceNumChannels(reaper, source):
    return _info(source)[1]


def _info(source):
    try:
        return media_info(_innermost(source))
    except MediaMissing:
        return 0, 0


def _innermost(source):
    return source if source.parent is None else _innermost(source.parent)
