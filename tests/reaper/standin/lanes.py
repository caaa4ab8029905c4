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
