"""What a mixer asks of a project: read from a file (`reaper.rpp`), or described by a client."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from ..eq import Eq
from ..reaper.rpp.items import Item
from ..reaper.rpp.project import Project
from ..reaper.rpp.tracks import Receive, Track


@dataclass(eq=False)
class DescribedTrack:
    """What a mixer asks of a track, as `reaper.rpp.tracks.Track` has it."""

    index: int
    items: tuple[Item, ...]
    volume: float
    pan: float
    phase_inverted: bool
    parent: DescribedTrack | None
    children: list[DescribedTrack] = field(default_factory=list)
    name: str = ""
    receives: tuple[Receive, ...] = ()
    sends_to_parent: bool = True
    mute: bool = False
    solo: bool = False
    solo_defeat: bool = False

    def plays(self, item: Item) -> bool:
        """Whether an item sounds here."""
        return not item.mute


@dataclass(frozen=True)
class DescribedProject:
    """What a mixer asks of a project; `eqs` by the numbers of their tracks."""

    tracks: list[DescribedTrack]
    sample_rate: int
    eqs: dict[int, Eq]


MixTrack: TypeAlias = Track | DescribedTrack
MixProject: TypeAlias = Project | DescribedProject
