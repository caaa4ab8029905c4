"""One run through a project: each track's sound, from its items and from what feeds it, block by block."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from ..dsp.response import EqFilter
from ..eq import Eq
from ..reaper.rpp.tracks import Receive
from .spans import Span
from .takes import ItemSound, stereo_gains
from .tapes import Tape, Tapes
from .wiring import MOST_CUT, Input, MixTrack, Playing, Wiring

STAGE = 50  # tracks that feed each other are made so many at a time

Part = tuple[int, int]  # an item: the number of its track, and its own among what plays there
ANY: Part = (-1, -1)  # everything that the timeline holds
Source: TypeAlias = "tuple[TrackSound, Receive | None]"  # what feeds a track, as `wiring.Input` says of tracks


class Pass:
    """One run through the project from its start; each track is made once, whoever listens.

    `items` are those that sound, by the number of their track. Of sends in a circle that which leads back to the track
    listened to is left out: REAPER's feedback has no spectrum of its own. The master listens to each track in turn.
    Of tracks with a tape nothing is made anew but their EQ. `part`: which one stretched item, at its own pace, is all
    that sounds; None for a part of such an item, of which there are no tapes.
    """

    def __init__(
        self, wiring: Wiring, tapes: Tapes, eqs: Mapping[int, Eq], items: Mapping[int, Playing], part: Part | None = ANY
    ):
        self.wiring, self.eqs, self.items, self.part = wiring, eqs, items, part
        self.tapes = {} if part is None else tapes.kept(part)
        self._nodes: dict[int, TrackSound] = {}
        self._stages: list[TrackSound] = []

    def node(self, track: MixTrack) -> TrackSound:
        """What a track sounds like. All are asked for before the first sound is."""
        here, cut = dict(self._nodes), set()
        waiting: dict[int, list[Input]] = {}  # what each track under way still lacks
        sources: dict[int, list[Source]] = {}
        if track.index not in here:
            waiting[track.index] = self._inputs(track)
        while waiting:
            number, left = next(reversed(waiting.items()))
            if left and left[-1][0].index not in here and left[-1][0].index not in waiting:
                waiting[left[-1][0].index] = self._inputs(left[-1][0])
            elif left:
                source, receive = left.pop()
                if source.index in here:
                    sources.setdefault(number, []).append((here[source.index], receive))
                if source.index in waiting or source.index in cut:
                    cut.add(number)
            else:
                del waiting[number]
                here[number] = self._made(number, sources.pop(number, []))
        anew = cut if len(cut) <= MOST_CUT else set()
        self._nodes |= {number: node for number, node in here.items() if number not in anew}
        return here[track.index]

    def _inputs(self, track: MixTrack) -> list[Input]:
        return [] if track.index in self.tapes else self.wiring.inputs(track)[::-1]

    def _made(self, number: int, sources: list[Source]) -> TrackSound:
        track = self.wiring.tracks[number]
        tape = self.tapes.get(number)
        items = [] if tape else self.items.get(number, [])
        node = TrackSound(self.wiring, track, sources, items, self.eqs.get(number), tape)
        if node.depth % STAGE == 0:
            self._stages.append(node)
        return node

    def make(self, start: int, count: int, asked: TrackSound | None = None) -> None:
        """Before a stretch is asked of nodes: however deep they lie, none has to ask far down for it.

        `asked` is left out, for its items are read only once.
        """
        for node in self._stages:
            if node is not asked:
                node.after_eq(start, count)


class TrackSound:
    """The sound of a track, asked for in order of time; several may ask for the same stretch."""

    def __init__(
        self, wiring: Wiring, track: MixTrack, sources: list[Source], items: Playing, eq: Eq | None, tape: Tape | None
    ):
        self.track, self._tape = track, tape
        self.silent: bool = not items and not tape and all(source.silent for source, _ in sources)
        self.sources = [(source, receive) for source, receive in sources if not source.silent]
        self.depth: int = 1 + max((source.depth for source, _ in self.sources), default=0)
        self._rate, self._library = wiring.sample_rate, wiring.library
        waiting = [(at, item, take) for item, take in items if (at := wiring.span(item)).stop > at.start]
        self._waiting = sorted(waiting, key=lambda entry: entry[0].start, reverse=True)
        self._sounding: list[tuple[Span, ItemSound]] = []
        self._filter = EqFilter(eq, self._rate, 2) if eq else None
        self._last: tuple[int, int] | None = None
        self._resting = (-1, False)  # from which sample on, and whether
        self._kept = np.zeros((0, 2), np.float32)
        self._rings = False  # whether its EQ still did at the end of what is kept
        self._lock = threading.Lock()

    def before_eq(self, start: int, count: int) -> np.ndarray:
        """(count, 2): items, children and receives."""
        if self._tape:
            return self._tape.read(start, count)
        total = self._items(start, count)
        for source, receive in self.sources:
            if receive is None:
                total += source.after_fader(start, count)
                continue
            sound = source.after_eq(start, count) if receive.pre_fader else source.after_fader(start, count)
            total += sound * stereo_gains(receive.volume, receive.pan, receive.inverted)
        return total

    def rests(self, start: int, count: int) -> bool:
        """Whether nothing comes out of it: nothing sounds, its EQ has rung out. What lies deep is not asked."""
        if self._resting[0] != start:
            self._resting = start, self._rests(start, count)
        return self._resting[1]

    def _rests(self, start: int, count: int) -> bool:
        if self.depth > STAGE or self._last == (start, count) or self._rings:
            return False  # what was made already is asked for at no cost
        if self._tape:
            return not self._tape.holds(start, count)
        if self._sounding or (self._waiting and self._waiting[-1][0].start < start + count):
            return False
        return all(source.rests(start, count) for source, _ in self.sources)

    def after_eq(self, start: int, count: int) -> np.ndarray:
        """(count, 2): through its own EQ."""
        with self._lock:
            if self._last != (start, count):
                sound = self.before_eq(start, count)
                self._kept = self._filter.process(sound.T).T if self._filter else sound
                self._rings = self._filter is not None and bool(self._kept.any())
                self._last = (start, count)
            return self._kept

    def after_fader(self, start: int, count: int) -> np.ndarray:
        """(count, 2): what leaves it, with volume and pan."""
        track = self.track
        return self.after_eq(start, count) * stereo_gains(track.volume, track.pan, track.phase_inverted)

    def _items(self, start: int, count: int) -> np.ndarray:
        stop = start + count
        while self._waiting and self._waiting[-1][0].start < stop:
            span, item, take = self._waiting.pop()
            if span.stop > start:
                skipped = max(0, start - span.start)
                sound = ItemSound(item, take, span.stop - span.start, self._rate, self._library, skipped)
                self._sounding.append((span, sound))
        sounding, self._sounding = self._sounding, [entry for entry in self._sounding if entry[0].stop > stop]
        if len(sounding) == 1 and sounding[0][0].start <= start and stop <= sounding[0][0].stop:
            return sounding[0][1].read(count)  # nothing to be added: most tracks have one item at a time
        total = np.zeros((count, 2), np.float32)
        for span, sound in sounding:
            first, last = max(span.start, start), min(span.stop, stop)
            total[first - start : last - start] += sound.read(last - first)
        return total
