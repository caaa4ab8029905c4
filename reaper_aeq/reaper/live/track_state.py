"""A track as REAPER would save it, without the state of its plug-ins where that may be long."""

from __future__ import annotations

from .api import BUFFER_BYTES, Api, LiveError
from .check import chunk_of, light_chunk_of, plays
from .target import items_of

ITEM_BYTES = 256 * 1024  # of most items; REAPER's Python makes room for as much at each call
# line of the state: its fields in order, ReaScript's values or numbers
LINES = {
    "VOLPAN": ("D_VOL", "D_PAN", "D_PANLAW", -1, "D_WIDTH"),
    "MUTESOLO": ("B_MUTE", "I_SOLO", "B_SOLO_DEFEAT"),
    "IPHASE": ("B_PHASE",),
    "NCHAN": ("I_NCHAN",),
    "FX": ("I_FXEN",),
    "MAINSEND": ("B_MAINSEND", "C_MAINSEND_OFFS"),
}


def read(reaper: Api, track: str) -> str:
    """The whole state where that is short, else the lines and items that are heard.

    A sampler's state may have megabytes, for which REAPER's window stands still. Raises `LiveError`.
    """
    if reaper("GetTrackNumSends", track, -1) > 0:
        return chunk_of(reaper, track)  # where sends come from stands nowhere else
    return light_chunk_of(reaper, track) or _composed(reaper, track)


def _composed(reaper: Api, track: str) -> str:
    lines = ["<TRACK"]
    for name, fields in LINES.items():
        values = (_value(reaper, track, field) if isinstance(field, str) else field for field in fields)
        lines.append(f"{name} " + " ".join(f"{value:.14g}" for value in values))
    depth = round(_value(reaper, track, "I_FOLDERDEPTH"))
    lines.append(f"ISBUS {0 if depth == 0 else 1 if depth > 0 else 2} {depth}")
    for item in items_of(reaper, track):
        state = _item(reaper, item).strip()
        if not plays(reaper, item):  # in a lane that is silent, too: lanes are not told here
            state = state.replace("<ITEM", "<ITEM\nMUTE 1 0", 1)
        lines.append(state)
    return "\n".join([*lines, ">"])


def _value(reaper: Api, track: str, key: str) -> float:
    return reaper("GetMediaTrackInfo_Value", track, key)


def _item(reaper: Api, item: str) -> str:
    for size in (ITEM_BYTES, BUFFER_BYTES):
        # [ok, item, text, size, is_undo]
        answer = reaper("GetItemStateChunk", item, "", size, False)
        if answer[0] and len(answer[2].encode("utf-8", "surrogateescape")) < size - 1:
            return answer[2]
    raise LiveError("the state of an item is longer than REAPER's Python can hand over: use the actions instead")
