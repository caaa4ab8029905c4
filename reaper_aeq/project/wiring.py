"""What a mixer reads of a project: its tracks, which of them sound, what plays on them, and which feed which.

Folders, sends, mute and solo are REAPER's (docs/reaper.md, section 6).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..eq import Eq
from ..reaper.rpp.items import Item, Source, Take
from ..reaper.rpp.project import Project
from ..reaper.rpp.tracks import Receive, Track
from .circles import closing, groups
from .media import Library
from .spans import Span

MOST_CUT = 8  # tracks of a circle that are made anew for each that listens: each keeps a block


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


MixTrack = Track | DescribedTrack
MixProject = Project | DescribedProject
Playing = list[tuple[Item, Take]]  # items of a track, each with a take of it that plays
Input = tuple[MixTrack, Receive | None]  # of a track: another, by a send or (None) as its child


def takes_of(track: MixTrack) -> list[tuple[Item, Take, Source]]:
    """The items of a track that are to sound, each with every take of it that plays, and what that plays."""
    return [
        (item, take, take.source)
        for item in track.items
        if track.plays(item)
        for take in (item.takes if item.play_all_takes else [item.take])
        if take and take.source
    ]


def playing(track: MixTrack, library: Library) -> tuple[Playing, list[str]]:
    """What can be heard of a track's items, and a sentence about each kind of thing that cannot."""
    found, reasons = [], []
    for item, take, source in takes_of(track):
        reason = library.missing(source)
        if reason is None:
            found.append((item, take))
        elif reason not in reasons:
            reasons.append(reason)
    return found, reasons


class Wiring:
    """The tracks that sound and how they are joined. `cut`: receiver -> sources of what is left out of long circles."""

    def __init__(self, project: MixProject, library: Library | None = None):
        self.tracks, self.sample_rate = project.tracks, project.sample_rate
        self.library = library or Library()
        self.silenced = silenced(self.tracks)
        self.playing = {t.index: playing(t, self.library) for t in self.tracks}
        self._inputs = [self._all_inputs(track) for track in self.tracks]
        self.cut: dict[int, set[int]] = {}
        self._circles: set[int] = set()  # tracks that feed each other
        feeds = [[source.index for source, _ in inputs] for inputs in self._inputs]
        sounding = {number for number, (items, _) in self.playing.items() if items}
        for group in groups(feeds):
            if len(group) > MOST_CUT:  # not each of them can be heard with all others
                for source, receiver in closing(group, feeds, sounding):
                    self.cut.setdefault(receiver, set()).add(source)
            elif len(group) > 1:
                self._circles.update(group)
        for number, sources in self.cut.items():
            self._inputs[number] = [entry for entry in self._inputs[number] if entry[0].index not in sources]

    def inputs(self, track: MixTrack) -> list[Input]:
        """What comes into a track beside its items: children and sends from tracks that sound."""
        return self._inputs[track.index]

    def _all_inputs(self, track: MixTrack) -> list[Input]:
        found: list[Input] = [(c, None) for c in track.children if c.sends_to_parent]
        found += [(self.tracks[receive.source], receive) for receive in track.receives]
        return [(source, receive) for source, receive in found if source.index not in self.silenced]

    def top(self) -> list[MixTrack]:
        """The tracks whose sound goes to the master."""
        return [t for t in self.tracks if t.parent is None and t.sends_to_parent and t.index not in self.silenced]

    def heard_by(self, track: MixTrack | None) -> set[int]:
        """The numbers of the tracks whose items sound in this one, its own included, or in the master (None)."""
        seen, waiting = set(), [track] if track else self.top()
        while waiting:
            here = waiting.pop()
            if here.index not in seen:
                seen.add(here.index)
                waiting += [source for source, _ in self.inputs(here)]
        return seen

    def span(self, item: Item) -> Span:
        """Where an item lies."""
        start = round(item.position_s * self.sample_rate)
        return Span(start, start + round(item.length_s * self.sample_rate))


def silenced(tracks: Sequence[MixTrack]) -> dict[int, str]:
    """Track numbers that a rendering would not let sound, with the reason as the end of a sentence."""
    reasons: dict[int, str] = {}
    heard = _soloed(tracks)
    for track in tracks:
        muted = next((above for above in _upwards(track) if above.mute), None)
        if muted is track:
            reasons[track.index] = "it is muted"
        elif muted is not None:
            reasons[track.index] = f"its folder {_named(muted)} is muted"
        elif heard is not None and track.index not in heard:
            reasons[track.index] = "other tracks are soloed"
    return reasons


def _soloed(tracks: Sequence[MixTrack]) -> set[int] | None:
    """What sounds while some are soloed: these, what lies in and above them, and what they send to. None: no solo."""
    if not any(track.solo for track in tracks):
        return None
    heard = {track.index for track in tracks if track.solo_defeat or any(above.solo for above in _upwards(track))}
    heard |= {above.index for track in tracks if track.solo for above in _upwards(track)}
    while True:
        fed = {t.index for t in tracks if t.index not in heard and any(r.source in heard for r in t.receives)}
        if not fed:
            return heard
        heard |= fed | {above.index for n in fed for above in _upwards(tracks[n])}


def _upwards(track: MixTrack | None) -> Iterator[MixTrack]:
    while track:
        yield track
        track = track.parent


def _named(track: MixTrack) -> str:
    return repr(track.name) if track.name else f"(track {track.index + 1})"
