"""What plays on the tracks of a project, and which of them feed which."""

from __future__ import annotations

from ..reaper.rpp.items import Item, Take
from ..reaper.rpp.tracks import Receive
from .circles import closing, groups
from .media import Library
from .mixed import MixProject, MixTrack
from .routing import silenced
from .spans import Span

MOST_CUT = 8  # tracks of a circle that are made anew for each that listens: each keeps a block


def playing(track: MixTrack, library: Library) -> tuple[list[tuple[Item, Take]], list[str]]:
    """What can be heard of a track's items, and a sentence about each kind of thing that cannot."""
    found, reasons = [], []
    for item in track.items:
        if not track.plays(item):
            continue
        takes = item.takes if item.play_all_takes else [item.take]
        for take in takes:
            if take is None or take.source is None:
                continue
            reason = library.missing(take.source)
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
        # in a circle of more than `MOST_CUT` tracks not each of them can be heard with all others: receiver -> sources
        self.cut = self._cut()
        for number, sources in self.cut.items():
            self._inputs[number] = [entry for entry in self._inputs[number] if entry[0].index not in sources]
        self.groups = groups(self._feeds())  # tracks that feed each other in a circle together, what feeds others first
        self._circles = {number for group in self.groups if len(group) > 1 for number in group}

    def inputs(self, track: MixTrack) -> list[tuple[MixTrack, Receive | None]]:
        """What comes into a track beside its items: children (None) and sends from tracks that sound."""
        return self._inputs[track.index]

    def _all_inputs(self, track: MixTrack) -> list[tuple[MixTrack, Receive | None]]:
        found: list[tuple[MixTrack, Receive | None]] = [(c, None) for c in track.children if c.sends_to_parent]
        found += [(self.tracks[receive.source], receive) for receive in track.receives]
        return [(source, receive) for source, receive in found if source.index not in self.silenced]

    def _feeds(self) -> list[list[int]]:
        return [[source.index for source, _ in inputs] for inputs in self._inputs]

    def _cut(self) -> dict[int, set[int]]:
        feeds = self._feeds()
        cut: dict[int, set[int]] = {}
        sounding = {number for number, (items, _) in self.playing.items() if items}
        for group in groups(feeds):
            if len(group) > MOST_CUT:
                for source, receiver in closing(group, feeds, sounding):
                    cut.setdefault(receiver, set()).add(source)
        return cut

    def top(self) -> list[MixTrack]:
        """The tracks whose sound goes to the master."""
        return [t for t in self.tracks if t.parent is None and t.sends_to_parent and t.index not in self.silenced]

    def heard_by(self, track: MixTrack) -> set[int]:
        """The numbers of the tracks whose items sound in this one, its own included."""
        seen, waiting = set(), [track]
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
