"""From when to when targets are heard, and which of them one render can serve: at most a minute each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from . import check
from .api import TEXT_BYTES, Api
from .render_state import all_tracks
from .target import Target, is_null, items_of, plays_midi
from .window import LONGEST_S, Piece, windows

NOTES_PER_ITEM = 500  # looked at, evenly over all of them


@dataclass
class Group:
    """Targets that one render can serve: all items; stems; the master. Seconds of the project.

    `items` has, by the `id` of a target, which of its items are rendered: as many as fit into a minute.
    """

    how: str
    targets: list[Target]
    start_s: float = 0.0
    end_s: float = 0.0
    items: dict[int, list[str]] = field(default_factory=dict)
    lengths_s: dict[int, float] = field(default_factory=dict)


def groups(reaper: Api, project: str, targets: Sequence[Target]) -> list[Group]:
    """Each target in exactly one group. Raises `LiveError` for a target without length."""
    found = []
    items = Group("items", [])
    whole: list[Target] = []
    for target in targets:
        chosen = _within_a_minute(reaper, target) if target.how == "items" else None
        if chosen:
            items.targets.append(target)
            items.items[id(target)], items.lengths_s[id(target)] = chosen
        elif target.items:
            # chosen items: their neighbours on other tracks are not to be heard, so a render of their own
            ((start_s, end_s), _), *_ = windows([_pieces(reaper, target.items)])
            found.append(Group("stem", [target], start_s, end_s))
        else:
            whole.append(target)
    tracks = all_tracks(reaper, project)[1:] if whole else []
    for how in ("stem", "master"):
        alike = [target for target in whole if target.how == how]
        for (start_s, end_s), numbers in windows([_pieces_of(reaper, project, one, tracks) for one in alike]):
            found.append(Group(how, [alike[n] for n in numbers], start_s, end_s))
        heard = {id(target) for group in found for target in group.targets}
        # nothing on the time line: a track that sounds by itself, heard as long as the project
        rest = [target for target in alike if id(target) not in heard]
        if rest:
            found.append(Group(how, rest, 0.0, min(LONGEST_S, max(1.0, reaper("GetProjectLength", project)))))
    return ([items] if items.targets else []) + found


def expected_s(group: Group, target: Target) -> float:
    """How long what is rendered for a target must be, all its files together."""
    return group.lengths_s.get(id(target), group.end_s - group.start_s)


def _within_a_minute(reaper: Api, target: Target) -> tuple[list[str], float] | None:
    """As many of a target's items as fit into a minute, in their order, and their length; None if not even one does."""
    chosen, total_s = [], 0.0
    for item in target.items:
        start_s, end_s = _item_s(reaper, item)
        if total_s + end_s - start_s <= LONGEST_S:
            chosen.append(item)
            total_s += end_s - start_s
    return (chosen, total_s) if chosen else None


def _pieces_of(reaper: Api, project: str, target: Target, tracks: Sequence[str]) -> list[Piece]:
    """What is heard through a target: its own items, for a bus those of what feeds it."""
    if target.is_master or reaper("GetTrackNumSends", target.track, -1) > 0:
        sources = list(tracks)
    elif reaper("GetMediaTrackInfo_Value", target.track, "I_FOLDERDEPTH") > 0:
        sources = [one for one in tracks if one == target.track or target.track in check.above(reaper, one)]
    else:
        sources = [target.track]
    items = [item for track in sources for item in items_of(reaper, track) if check.plays(reaper, item)]
    return _pieces(reaper, items)


def _pieces(reaper: Api, items: Sequence[str]) -> list[Piece]:
    """What the items play is only looked up where a minute has to be chosen."""
    spans = [_item_s(reaper, item) for item in items]
    long = bool(spans) and max(end for _, end in spans) - min(start for start, _ in spans) > LONGEST_S
    pieces = zip(items, spans, strict=True)
    return [_detailed(reaper, item, *span) if long else Piece(*span) for item, span in pieces]


def _item_s(reaper: Api, item: str) -> tuple[float, float]:
    start = reaper("GetMediaItemInfo_Value", item, "D_POSITION")
    return start, start + reaper("GetMediaItemInfo_Value", item, "D_LENGTH")


def _detailed(reaper: Api, item: str, start_s: float, end_s: float) -> Piece:
    take = reaper("GetActiveTake", item)
    if is_null(take):
        return Piece(start_s, end_s)
    if plays_midi(reaper, item):
        return Piece(start_s, end_s, notes=_notes(reaper, take))
    source = reaper("GetMediaItemTake_Source", take)
    while not is_null(source) and not is_null(inner := reaper("GetMediaSourceParent", source)):
        source = inner
    path = reaper("GetMediaSourceFileName", source, "", TEXT_BYTES)[1] if not is_null(source) else ""
    offset_s, rate = (reaper("GetMediaItemTakeInfo_Value", take, key) for key in ("D_STARTOFFS", "D_PLAYRATE"))
    return Piece(start_s, end_s, path or None, offset_s, rate)


def _notes(reaper: Api, take: str) -> tuple[float, ...]:
    """Where notes begin, seconds of the project."""
    # [events, take, notes, ...], then for each note [ok, take, n, selected, muted, start, ...]
    count = reaper("MIDI_CountEvts", take, 0, 0, 0)[2]
    chosen = range(0, count, max(1, count // NOTES_PER_ITEM))
    starts = [reaper("MIDI_GetNote", take, n, 0, 0, 0.0, 0.0, 0, 0, 0)[5] for n in chosen]
    return tuple(reaper("MIDI_GetProjTimeFromPPQPos", take, start) for start in starts)
