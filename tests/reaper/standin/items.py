"""Items: counting, selection, values, chunks."""

from __future__ import annotations

from . import lanes
from .errors import StandInError
from .handles import Item
from .registry import api

_ITEM_VALUES = {
    "D_POSITION": ("POSITION", 0, 0.0),
    "D_LENGTH": ("LENGTH", 0, 0.0),
    "D_SNAPOFFSET": ("SNAPOFFS", 0, 0.0),
    "B_LOOPSRC": ("LOOP", 0, 0.0),
    "B_ALLTAKESPLAY": ("ALLTAKES", 0, 0.0),
    "B_MUTE": ("MUTE", 0, 0.0),
    "B_MUTE_ACTUAL": ("MUTE", 0, 0.0),
    "B_UISEL": ("SEL", 0, 0.0),
    "D_VOL": ("VOLPAN", 0, 1.0),
    "C_LOCK": ("LOCK", 0, 0.0),
    "C_FADEINSHAPE": ("FADEIN", 0, 0.0),
    "D_FADEINLEN": ("FADEIN", 1, 0.0),
    "D_FADEINLEN_AUTO": ("FADEIN", 2, 0.0),
    "C_FADEOUTSHAPE": ("FADEOUT", 0, 0.0),
    "D_FADEOUTLEN": ("FADEOUT", 1, 0.0),
    "D_FADEOUTLEN_AUTO": ("FADEOUT", 2, 0.0),
}


def item_value(item: Item, name: str) -> float:
    line, field, default = _ITEM_VALUES[name]
    return item.node.number(line, field, default)


@api
def CountMediaItems(reaper, project):
    return len(project.items)


@api
def GetMediaItem(reaper, project, index):
    items = project.items
    return items[index] if 0 <= index < len(items) else None


@api
def CountTrackMediaItems(reaper, track):
    return len(track.items)


@api
def GetTrackNumMediaItems(reaper, track):
    return len(track.items)


@api
def GetTrackMediaItem(reaper, track, index):
    return track.items[index] if 0 <= index < len(track.items) else None


@api
def CountSelectedMediaItems(reaper, project):
    return sum(item.selected for item in project.items)


@api
def GetSelectedMediaItem(reaper, project, index):
    found = [item for item in project.items if item.selected]
    return found[index] if 0 <= index < len(found) else None


@api
def IsMediaItemSelected(reaper, item):
    return item.selected


@api
def SetMediaItemSelected(reaper, item, selected):
    item.select(selected)


@api
def SelectAllMediaItems(reaper, project, selected):
    for item in project.items:
        item.select(selected)


@api
def GetMediaItem_Track(reaper, item):
    return item.track


@api
def GetMediaItemTrack(reaper, item):
    return item.track


@api
def GetItemProjectContext(reaper, item):
    return item.project


@api
def GetMediaItemInfo_Value(reaper, item, name):
    if name == "IP_ITEMNUMBER":
        return item.track.items.index(item)
    if name == "I_CURTAKE":
        take = item.active_take
        return item.takes.index(take) if take else 0
    if name in ("I_FIXEDLANE", "C_LANEPLAYS"):
        return lanes.item_value(item, name)
    if name not in _ITEM_VALUES:
        raise StandInError("not modeled", f"item value {name!r}")
    return item_value(item, name)


@api
def SetMediaItemInfo_Value(reaper, item, name, new):
    if name not in _ITEM_VALUES:
        raise StandInError("not modeled", f"item value {name!r}")
    if item_value(item, name) != new:
        line, field, default = _ITEM_VALUES[name]
        item.node.set_field(line, field, new, [default] * (field + 1))
        item.project.touch()
        item.project.reindex()
    return True


@api
def GetSetMediaItemInfo_String(reaper, item, name, text, is_set):
    if name == "GUID" and not is_set:
        return True, item.guid
    raise StandInError("not modeled", f"item string {name!r}")


@api
def GetItemStateChunk(reaper, item, text, is_undo):
    return True, item.node.flat()
