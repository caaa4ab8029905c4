"""Fixed item lanes: which items of a track play. The file keeps a bit mask of lanes and each item's height."""

from __future__ import annotations

from .handles import Item, Track


def lane_count(track: Track) -> int:
    return max(1, int(track.node.number("ITEMLANES", 0, 1.0)))


def has_lanes(track: Track) -> bool:
    return int(track.node.number("FREEMODE")) == 2


def lane_of(item: Item) -> int:
    """An item has no lane number, only where it begins and how high it is, as parts of the track's height."""
    return round(item.node.number("YPOS", 0, 0.0) * lane_count(item.track))


def playing_lanes(track: Track) -> int:
    """Bit n: lane n plays."""
    return int(track.node.number("LANESOLO", 0, 1.0))


def plays(item: Item) -> bool:
    """Without fixed lanes all of them play."""
    return not has_lanes(item.track) or bool(playing_lanes(item.track) >> lane_of(item) & 1)


def lane_plays(track: Track, lane: int) -> int:
    """As C_LANEPLAYS: 0 silent, 1 plays alone, 2 plays with others."""
    mask = playing_lanes(track)
    if not has_lanes(track) or not mask >> lane & 1:
        return 0
    return 1 if mask == 1 << lane else 2


def item_value(item: Item, name: str) -> int:
    """`I_FIXEDLANE` and `C_LANEPLAYS` of an item."""
    if name == "I_FIXEDLANE":
        return lane_of(item) if has_lanes(item.track) else 0
    return lane_plays(item.track, lane_of(item))
