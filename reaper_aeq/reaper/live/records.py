"""What is kept beside a track about the EQs that were put on it, in its P_EXT: saved, copied and undone with the track.

The actions (`reascripts/aeq/instances.lua`) read and write the same. An EQ is known by the GUID of its FX; in a copied
track, a template or a merged project that GUID is another one, and the EQ is known again by its name and what it holds.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ..instance_record import NAME, InstanceRecord, Kept, dumps, loads
from .api import Api

KEY = f"P_EXT:{NAME}"


def read(reaper: Api, track: str) -> Kept:
    """Whatever cannot be read counts as nothing: anybody may write there. The master goes by names alone."""
    if is_master(reaper, track):
        return Kept()
    return loads(_text(reaper, track), _track_guid(reaper, track))


def keep(reaper: Api, track: str, kept: Kept) -> None:
    """Replaces what is kept; of the master nothing is."""
    if is_master(reaper, track):
        return
    text = dumps(kept, _track_guid(reaper, track))
    if _text(reaper, track) != text:
        reaper("GetSetMediaTrackInfo_String", track, KEY, text, True)


def note(reaper: Api, track: str, record: InstanceRecord, alive: Collection[str], group: str | None = None) -> None:
    """Keeps what was just written; records of FX that are gone go.

    `group`: of tracks that share this EQ; without it the track stays in the group that it is in.
    """
    kept = read(reaper, track)
    others = [one for one in kept.records if one.fx != record.fx and one.fx in alive]
    keep(reaper, track, replace(kept, records=[*others, record], group=group or kept.group))


def is_master(reaper: Api, track: str) -> bool:
    """By its number."""
    return reaper("GetMediaTrackInfo_Value", track, "IP_TRACKNUMBER") < 0


def _track_guid(reaper: Api, track: str) -> str:
    return reaper("guidToString", reaper("GetTrackGUID", track), "")[1]


def _text(reaper: Api, track: str) -> str:
    """[ok, track, key, text, is_set]"""
    answer = reaper("GetSetMediaTrackInfo_String", track, KEY, "", False)
    return answer[3] if answer[0] else ""
