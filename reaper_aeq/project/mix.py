"""Mixing a project as REAPER would render it without FX, in blocks: hours stay small in memory.

Items through volume, pan and fades into tracks; folder children and sends into their receivers; all into the master.
Positions are whole samples at the project's rate. Known to be left out: FX other than our own EQs, automation, pan laws
(0 dB in the centre is taken), widths, channels beyond 1/2, how items that overlap may replace each other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..bands import Eq
from ..dsp.response import EqFilter
from ..reaper.items import Item, Take
from ..reaper.rpp import Project
from ..reaper.tracks import Track
from .media import Library
from .routing import Receive, receives, silenced
from .takes import take_sound

BLOCK_S = 5.0
GAP_S = 0.5  # of silence is kept around what sounds; the rest is skipped, for it says nothing and may last hours

# How a fade rises over x = 0..1, by REAPER's number. 0 is linear; for the others the curves that users draw for them,
# not measured, and `curvature` is not followed: fades are short and change level, not balance.
FADES: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    0: lambda x: x,
    1: lambda x: x * (2 - x),
    2: lambda x: x * x,
    3: lambda x: 1 - (1 - x) ** 4,
    4: lambda x: x**4,
    5: lambda x: x * x * (3 - 2 * x),
    6: lambda x: np.where(x < 0.5, 8 * x**4, 1 - 8 * (1 - x) ** 4),
}


def pan_gains(pan: float) -> tuple[float, float]:
    """Left and right of REAPER's balance, -1 to 1."""
    return min(1.0, 1 - pan), min(1.0, 1 + pan)


def playing(track: Track, library: Library) -> tuple[list[tuple[Item, Take]], list[str]]:
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


@dataclass(frozen=True)
class Span:
    """From one sample to another, on the project's timeline."""

    start: int
    stop: int


def merged(spans: Iterable[Span], gap: int) -> list[Span]:
    """The spans widened by `gap` samples on each side, those that then touch made one.

    >>> merged([Span(50, 60), Span(0, 10), Span(61, 70)], 5)
    [Span(start=-5, stop=15), Span(start=45, stop=75)]
    """
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        start, stop = span.start - gap, span.stop + gap
        if found and start <= found[-1].stop:
            found[-1] = Span(found[-1].start, max(found[-1].stop, stop))
        else:
            found.append(Span(start, stop))
    return found


class Mixer:
    """The project's sound. Nodes are made anew for each pass, so that passes may run beside each other."""

    def __init__(self, project: Project, library: Library | None = None):
        self.tracks, self.sample_rate = project.tracks, project.sample_rate
        self.library = library or Library()
        self.silenced = silenced(self.tracks)
        self.playing = {t.index: playing(t, self.library) for t in self.tracks}
        self._receives = {t.index: receives(t) for t in self.tracks}

    def inputs(self, track: Track) -> list[tuple[Track, Receive | None]]:
        """What comes into a track beside its items: children (None) and sends from tracks that sound."""
        found: list[tuple[Track, Receive | None]] = [(c, None) for c in track.children if c.sends_to_parent]
        found += [(self.tracks[r.source], r) for r in self._receives[track.index] if r.source < len(self.tracks)]
        return [(source, receive) for source, receive in found if source.index not in self.silenced]

    def top(self) -> list[Track]:
        """The tracks whose sound goes to the master."""
        return [t for t in self.tracks if t.parent is None and t.sends_to_parent and t.index not in self.silenced]

    def heard_by(self, track: Track) -> set[int]:
        """The numbers of the tracks whose items sound in this one, its own included."""
        seen, waiting = set(), [track]
        while waiting:
            here = waiting.pop()
            if here.index not in seen:
                seen.add(here.index)
                waiting += [source for source, _ in self.inputs(here)]
        return seen

    def spans(self, numbers: Iterable[int]) -> list[Span]:
        """Where something lies on these tracks."""
        items = [self.span(item) for n in numbers for item, _ in self.playing[n][0]]
        return merged(items, round(GAP_S * self.sample_rate))

    def before_eq(self, track: Track, eqs: Mapping[int, Eq]) -> Iterator[np.ndarray]:
        """Blocks (2, n) float32 of what reaches a track's chain, where tracks that feed it have `eqs`."""
        node = _Pass(self, eqs).node(track)
        for start, count in self._steps(self.spans(self.heard_by(track))):
            yield node.before_eq(start, count).T

    def master(
        self, eqs: Mapping[int, Eq], each: Callable[[Callable, Iterable], Iterable] = map
    ) -> Iterator[np.ndarray]:
        """Blocks (2, n) of what reaches the master's chain. `each`: the `map` of a pool makes tracks side by side."""
        making = _Pass(self, eqs)
        nodes = [making.node(track) for track in self.top()]
        numbers = set().union(*(self.heard_by(track) for track in self.top()))
        for start, count in self._steps(self.spans(numbers)):
            total = np.zeros((count, 2), np.float32)
            for sound in each(lambda node, a=start, n=count: node.after_fader(a, n), nodes):
                total += sound
            yield total.T

    def _steps(self, spans: Sequence[Span]) -> Iterator[tuple[int, int]]:
        size = round(BLOCK_S * self.sample_rate)
        for span in spans:
            for start in range(span.start, span.stop, size):
                yield start, min(size, span.stop - start)

    def span(self, item: Item) -> Span:
        """Where an item lies."""
        start = round(item.position_s * self.sample_rate)
        return Span(start, start + round(item.length_s * self.sample_rate))


class _Pass:
    """One run through the project from its start; each track is made once, whoever listens."""

    def __init__(self, mixer: Mixer, eqs: Mapping[int, Eq]):
        self.mixer, self.eqs = mixer, eqs
        self._nodes: dict[int, _Node] = {}
        self._making: set[int] = set()

    def node(self, track: Track) -> _Node:
        if track.index not in self._nodes:
            self._making.add(track.index)
            # a send that leads back to where it came from is left out: REAPER's feedback has no spectrum of its own
            inputs = [(s, r) for s, r in self.mixer.inputs(track) if s.index not in self._making]
            sources = [(self.node(source), receive) for source, receive in inputs]
            self._nodes[track.index] = _Node(self.mixer, track, sources, self.eqs.get(track.index))
            self._making.remove(track.index)
        return self._nodes[track.index]


class _Node:
    """The sound of a track, asked for in order of time; several may ask for the same stretch."""

    def __init__(self, mixer: Mixer, track: Track, sources: list[tuple[_Node, Receive | None]], eq: Eq | None):
        self.track, self.sources = track, sources
        self._rate, self._library = mixer.sample_rate, mixer.library
        waiting = [(mixer.span(item), item, take) for item, take in mixer.playing[track.index][0]]
        waiting = [entry for entry in waiting if entry[0].stop > entry[0].start]
        self._waiting = sorted(waiting, key=lambda entry: entry[0].start, reverse=True)
        self._sounding: list[_ItemSound] = []
        self._filter = EqFilter(eq, self._rate, 2) if eq else None
        self._last: tuple[int, int] | None = None
        self._kept = np.zeros((0, 2), np.float32)
        self._lock = threading.Lock()

    def before_eq(self, start: int, count: int) -> np.ndarray:
        """(count, 2): items, children and receives."""
        total = np.zeros((count, 2), np.float32)
        self._add_items(total, start)
        for source, receive in self.sources:
            if receive is None:
                total += source.after_fader(start, count)
                continue
            sound = source.after_eq(start, count) if receive.pre_fader else source.after_fader(start, count)
            total += sound * _gains(receive.volume, receive.pan, receive.inverted)
        return total

    def after_eq(self, start: int, count: int) -> np.ndarray:
        with self._lock:
            if self._last != (start, count):
                sound = self.before_eq(start, count)
                self._kept = self._filter.process(sound.T).T if self._filter else sound
                self._last = (start, count)
            return self._kept

    def after_fader(self, start: int, count: int) -> np.ndarray:
        track = self.track
        return self.after_eq(start, count) * _gains(track.volume, track.pan, track.phase_inverted)

    def _add_items(self, total: np.ndarray, start: int) -> None:
        stop = start + len(total)
        while self._waiting and self._waiting[-1][0].start < stop:
            self._sounding.append(_ItemSound(*self._waiting.pop(), self._rate, self._library))
        for sound in self._sounding:
            first, last = max(sound.span.start, start), min(sound.span.stop, stop)
            total[first - start : last - start] += sound.read(last - first)
        self._sounding = [sound for sound in self._sounding if sound.span.stop > stop]


class _ItemSound:
    """One take of an item, read from its start to its end."""

    def __init__(self, span: Span, item: Item, take: Take, sample_rate: int, library: Library):
        self.span = span
        self._length = span.stop - span.start
        self._blocks = take_sound(take, item.loop, self._length, sample_rate, library)
        self._gains = _gains(item.volume * take.volume, take.pan, take.phase_flipped)
        fades = [(item.fade_in, False), (item.fade_out, True)]
        self._fades = [(min(round(f.length_s * sample_rate), self._length), f.shape, end) for f, end in fades]
        self._kept = np.zeros((0, 2), np.float32)
        self._at = 0

    def read(self, count: int) -> np.ndarray:
        parts, have = [self._kept], len(self._kept)
        while have < count:
            parts.append(next(self._blocks))
            have += len(parts[-1])
        sound = np.concatenate(parts)
        sound, self._kept = sound[:count] * self._gains, sound[count:]
        place = np.arange(self._at, self._at + count)
        for length, shape, at_end in self._fades:
            x = (self._length - 1 - place if at_end else place) / max(length, 1)
            if length and x.min() < 1:
                sound *= FADES.get(shape, FADES[0])(np.clip(x, 0, 1))[:, None].astype(np.float32)
        self._at += count
        return sound


def _gains(volume: float, pan: float, inverted: bool) -> np.ndarray:
    left, right = pan_gains(pan)
    return np.array([left, right], np.float32) * (-volume if inverted else volume)
