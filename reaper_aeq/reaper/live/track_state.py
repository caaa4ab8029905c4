"""A track as REAPER would save it, without the state of its plug-ins where that may be long."""

from __future__ import annotations

from collections.abc import Sequence

from .api import BUFFER_BYTES, Api, LiveError
from .fx import chain, config, every, is_reaeq
from .tracks import items_of, plays, track_value

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


def whole(reaper: Api, track: str) -> str:
    """A track's state as REAPER would write it into the project. Raises `LiveError`."""
    return _text(reaper, "GetTrackStateChunk", track, [BUFFER_BYTES])


def light(reaper: Api, track: str) -> str:
    """The state of a track, "" where REAPER would need long to write it: a sampler's may have megabytes.

    A frozen track has given its FX away, so it is light.
    """
    for one in every(chain(reaper, track)):
        kind = config(reaper, track, one.index, "fx_type")
        if not one.inside and kind != "JS" and not is_reaeq(reaper, track, one.index):
            return ""
    return whole(reaper, track)


def whole_where_fed(reaper: Api, track: str) -> str:
    """As `light`, but of a track that others are sent to in any case: where sends come from stands nowhere else."""
    return whole(reaper, track) if reaper("GetTrackNumSends", track, -1) > 0 else light(reaper, track)


def audible_part(reaper: Api, track: str) -> str:
    """The whole state where that is short, else the lines and items that are heard.

    A sampler's state may have megabytes, for which REAPER's window stands still. Raises `LiveError`.
    """
    return whole_where_fed(reaper, track) or _composed(reaper, track)


def _composed(reaper: Api, track: str) -> str:
    lines = ["<TRACK"]
    for name, fields in LINES.items():
        values = (track_value(reaper, track, field) if isinstance(field, str) else field for field in fields)
        lines.append(f"{name} " + " ".join(f"{value:.14g}" for value in values))
    depth = round(track_value(reaper, track, "I_FOLDERDEPTH"))
    lines.append(f"ISBUS {0 if depth == 0 else 1 if depth > 0 else 2} {depth}")
    for item in items_of(reaper, track):
        state = _text(reaper, "GetItemStateChunk", item, [ITEM_BYTES, BUFFER_BYTES]).strip()
        if not plays(reaper, item):  # in a lane that is silent, too: lanes are not told here
            state = state.replace("<ITEM", "<ITEM\nMUTE 1 0", 1)
        lines.append(state)
    return "\n".join([*lines, ">"])


def _text(reaper: Api, function: str, pointer: str, sizes: Sequence[int]) -> str:
    """What a function writes into a buffer of one of these sizes. Raises `LiveError` for a state that is cut off: set
    again, it would destroy the track."""
    for size in sizes:
        # [ok, pointer, text, size, is_undo]
        answer = reaper(function, pointer, "", size, False)
        if answer[0] and len(answer[2].encode("utf-8", "surrogateescape")) < size - 1:
            return answer[2]
    what = "a track" if "Track" in function else "an item"
    raise LiveError(f"the state of {what} is longer than REAPER's Python can hand over: use the actions instead")
