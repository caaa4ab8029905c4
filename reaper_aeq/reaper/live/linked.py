"""Tracks that belong together, such as a stereo pair: they share one EQ, computed from their sum.

Which ones they are is kept beside each track, as the action *Link tracks* keeps it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from . import check, records
from .api import Api, LiveError
from .render_state import all_tracks
from .target import Target, is_null, items_of, of_track, plays_midi


def join(reaper: Api, targets: Sequence[Target]) -> list[Target]:
    """Links these tracks with each other. Raises `LiveError` for fewer than two."""
    tracks = [one for one in targets if not one.is_master]
    if len(tracks) < 2 or len(tracks) < len(targets):
        raise LiveError("--linked is for two or more tracks that belong together, and not for the master")
    for one in tracks:
        if around := [other for other in tracks if other.track in check.above(reaper, one.track)]:
            raise LiveError(f"--linked would hear {one.name!r} twice: it lies in the folder {around[0].name!r}")
    groups = {records.read(reaper, one.track).group for one in tracks}
    group = groups.pop() if len(groups) == 1 else None
    _link(tracks, group or f"{{{str(uuid.uuid4()).upper()}}}")
    return list(targets)


def complete(reaper: Api, project: str, targets: Sequence[Target]) -> list[Target]:
    """The targets with those that they are linked to, in the order of the tracks."""
    found = {one.track: one for one in targets}
    links: dict[str, list[Target]] = {}
    kept = {one.track: records.read(reaper, one.track).group for one in targets}
    if any(kept.values()):
        others = [track for track in all_tracks(reaper, project)[1:] if track not in kept]
        kept |= {track: records.read(reaper, track).group for track in others}
    for one in targets:
        group = kept[one.track]
        if group is None or group in links:
            continue
        links[group] = []
        for track in (track for track, of in kept.items() if of == group):
            if track not in found and (member := _member(reaper, track, one)):
                found[track] = member
            if track in found:
                links[group].append(found[track])
        if len(links[group]) > 1:
            _link(links[group], group)
    return sorted(found.values(), key=lambda one: one.number)


def leads(one: Target) -> bool:
    """Whether it is asked for by itself, or for all that are linked with it."""
    return not one.link or one.link[0] is one


def _link(members: list[Target], group: str) -> None:
    members.sort(key=lambda one: one.number)
    for one in members:
        one.link, one.group = members, group


def _member(reaper: Api, track: str, chosen: Target) -> Target | None:
    """A track that was not chosen: its items at the time of those that were, else the whole track."""
    if not chosen.items:
        return of_track(reaper, track, chosen.family)
    spans = [_span(reaper, item) for item in chosen.items]
    items = [
        item
        for item in items_of(reaper, track)
        if not is_null(reaper("GetActiveTake", item)) and _overlaps(_span(reaper, item), spans)
    ]
    if not items:
        return None
    midi = any(plays_midi(reaper, item) for item in items)
    member = of_track(reaper, track, chosen.family, items, bare=not midi)
    member.has_midi = midi
    return member


def _span(reaper: Api, item: str) -> tuple[float, float]:
    start = reaper("GetMediaItemInfo_Value", item, "D_POSITION")
    return start, start + reaper("GetMediaItemInfo_Value", item, "D_LENGTH")


def _overlaps(one: tuple[float, float], others: Sequence[tuple[float, float]]) -> bool:
    return any(one[0] < end and one[1] > start for start, end in others)
