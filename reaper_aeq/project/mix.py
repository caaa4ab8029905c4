"""Mixing a project as REAPER would render it without FX, in blocks: hours stay small in memory.

Items through volume, pan and fades into tracks; folder children and sends into their receivers; all into the master.
Positions are whole samples at the project's rate. Known to be left out: FX other than our own EQs, automation, pan laws
(0 dB in the center is taken), widths, channels beyond 1/2, how items that overlap may replace each other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from ..dsp.response import EqFilter
from ..dsp.spectrum import Analysis
from ..eq import Eq
from ..reaper.rpp.items import Item, Take
from ..reaper.rpp.tracks import Receive
from .circles import closing, groups
from .loops import Reading, Sounding, joined, reading, stretches
from .media import Library, seconds_of
from .routing import silenced
from .spans import Span, Timeline, between, merged, skipping
from .stretched import add_at, silence
from .takes import BLOCK_S, ItemSound, as_tape, cut, is_stretched, stereo_gains
from .tapes import Tape, Tapes

if TYPE_CHECKING:
    from ..reaper.rpp.project import Project
    from ..reaper.rpp.tracks import Track
    from .described import DescribedProject, DescribedTrack

    MixTrack: TypeAlias = Track | DescribedTrack  # read from a project, or described by a client

GAP_S = 0.5  # of silence is kept before and after a pause; the rest is skipped: it says nothing and may last hours
STAGE = 50  # tracks that feed each other are made so many at a time
MOST_CUT = 8  # tracks of a circle that are made anew for each that listens: each keeps a block
SOFT_S = 0.3  # within what `loops` lets settle
FEW = 16  # tracks are mixed anew for each that hears them where memory is short; the sum of more is kept

Part = tuple[int, int]  # an item: the number of its track, and its own among what plays there
ANY: Part = (-1, -1)  # everything that the timeline holds
Blocks = Callable[["Pass", Sequence[Span]], Iterable[np.ndarray]]
Each = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]  # `map`, or that of a pool


class Analyze(Protocol):
    """`dsp.spectrum.analyze_blocks` of blocks (2, n); `sections`: with `spectra`, whatever was asked for."""

    def __call__(
        self, blocks: Iterable[np.ndarray], /, *, sections: bool = False, powers_only: bool = False
    ) -> Analysis: ...


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


class Mixer:
    """The project's sound. Nodes are made anew for each pass, so that passes may run beside each other."""

    def __init__(self, project: Project | DescribedProject, library: Library | None = None):
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
        self.tapes = Tapes()
        self.sections = False  # whether what is analyzed is to follow the song: each moment has a frame then

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

    def spans(self, numbers: Iterable[int]) -> list[Span]:
        """Where something lies on these tracks: from where the first begins to where the last ends."""
        items = [self.span(item) for n in numbers for item, _ in self.playing[n][0]]
        found = merged(items, round(GAP_S * self.sample_rate))
        if found:
            found[0] = Span(min(item.start for item in items), found[0].stop)
            found[-1] = Span(found[-1].start, max(item.stop for item in items))
        return found

    def timeline(self, track: MixTrack | None) -> Timeline:
        """Of what is analyzed of a track, or of the master (None)."""
        numbers = self.heard_by(track) if track else set().union(*map(self.heard_by, self.top()))
        return Timeline(tuple(self.spans(numbers)), self.sample_rate)

    def seconds(self, numbers: Iterable[int]) -> float:
        """Of sound to be analyzed where these tracks are heard."""
        numbers = set(numbers)
        spans = self.spans(numbers)
        plan = self._reading(numbers, spans)
        windows = [between(spans, one.start, one.stop) for one in plan.windows] if plan else [spans]
        return self._seconds_in(numbers, windows)

    def sounding_seconds(self, numbers: Iterable[int]) -> float:
        """The same with all repetitions of loops, however few of them are analyzed."""
        numbers = set(numbers)
        return self._seconds_in(numbers, [self.spans(numbers)])

    def _seconds_in(self, numbers: set[int], windows: Sequence[Sequence[Span]]) -> float:
        has_tape = self._has_tape(numbers)
        lengths = [span.stop - span.start for window in windows for span in window] if has_tape else []
        for window in windows:
            stretched = self._stretched(numbers, window)
            lengths += [self.span(as_tape(item, take)[0]).stop for _, item, take, _ in stretched]
        return sum(lengths) / self.sample_rate

    def _reading(self, numbers: set[int], spans: Sequence[Span]) -> Reading | None:
        """What to read of these tracks where loops repeat; None where that is all."""
        items = [entry for n in numbers for entry in self.playing[n][0]]
        if not any(item.loop for item, _ in items):
            return None
        found = stretches([self._sounding(item, take) for item, take in items], spans, self.sample_rate)
        return reading(found, sum(span.stop - span.start for span in spans), self.sample_rate) if found else None

    def _sounding(self, item: Item, take: Take) -> Sounding:
        assert take.source is not None, "only of takes that play"
        span, rate = self.span(item), self.sample_rate
        rise, fall = (
            min(round(fade.length_s * rate), span.stop - span.start) for fade in (item.fade_in, item.fade_out)
        )
        period = seconds_of(take.source, self.library) * rate / take.rate if item.loop else None
        steady = Span(min(span.start + rise, span.stop), max(span.stop - fall, span.start))
        return Sounding(span, steady, period or None, take.pitch_factor / take.rate)

    def analyze_track(
        self, track: MixTrack, eqs: Mapping[int, Eq], analyze: Analyze, after_eq: bool = False, final: bool = False
    ) -> Analysis:
        """What reaches a track's chain, where tracks that feed it have `eqs`; `after_eq`: through its own as well.

        `final`: these EQs stay, so that what reaches it may be kept for those that hear the track later.
        """
        numbers = self.heard_by(track)
        keep = final and not after_eq and track.index not in self._circles
        spans = self.spans(numbers)
        keep = keep and self._reading(numbers, spans) is None

        def blocks(making: Pass, spans: Sequence[Span]) -> Iterator[np.ndarray]:
            node = making.node(track)
            samples = sum(span.stop - span.start for span in spans)
            tape = self.tapes.new(samples, len(numbers) > FEW) if keep and making.part else None
            for start, count in self._steps(spans):
                making.make(start, count, node)
                sound = (node.after_eq if after_eq else node.before_eq)(start, count)
                if tape:
                    tape.add(start, sound)
                yield sound.T
            if tape:
                self.tapes.keep(track.index, tape, making.part)

        return self._analyze(numbers, eqs, analyze, blocks)

    def analyze_master(self, eqs: Mapping[int, Eq], analyze: Analyze, each: Each = map) -> Analysis:
        """What reaches the master's chain. `each`: the `map` of a pool makes tracks side by side."""
        top = self.top()

        def blocks(making: Pass, spans: Sequence[Span]) -> Iterator[np.ndarray]:
            nodes = [node for node in map(making.node, top) if not node.silent]
            for start, count in self._steps(spans):
                making.make(start, count)
                total = np.zeros((count, 2), np.float32)
                # in a long song most tracks rest most of the time
                awake = [node for node in nodes if not node.rests(start, count)]
                for sound in each(methodcaller("after_fader", start, count), awake):
                    total += sound
                yield total.T

        return self._analyze(set().union(*map(self.heard_by, top)), eqs, analyze, blocks)

    def _analyze(self, numbers: set[int], eqs: Mapping[int, Eq], analyze: Analyze, blocks: Blocks) -> Analysis:
        """All of it, or of what loops repeat for long some repetitions."""
        spans = self.spans(numbers)
        plan = self._reading(numbers, spans)
        if plan is None:
            return self._analyze_spans(numbers, eqs, analyze, blocks, spans)
        with_spectra = partial(analyze, sections=True)
        parts = (
            self._analyze_spans(
                numbers, eqs, with_spectra, blocks, between(spans, window.start, window.stop),
                (window.start > 0, window.stop < plan.samples),
            )
            for window in plan.windows
        )  # fmt: skip
        return joined(plan, parts, self.sections)

    def _analyze_spans(
        self, numbers: set[int], eqs: Mapping[int, Eq], analyze: Analyze,
        blocks: Blocks, spans: Sequence[Span], cut_ends: tuple[bool, bool] = (False, False),
    ) -> Analysis:  # fmt: skip
        """The tapes mixed on the timeline; what is stretched, by itself at its own pace, through the same faders.

        `cut_ends`: whether the sound goes on before and after `spans`.
        """
        samples = sum(span.stop - span.start for span in spans)
        if samples and self._has_tape(numbers):
            unstretched = {n: [entry for entry in self.playing[n][0] if not is_stretched(entry[1])] for n in numbers}
            mixed = blocks(Pass(self, eqs, unstretched), spans)
            whole = analyze(self._soft_ends(mixed, samples, cut_ends) if any(cut_ends) else mixed)
        else:
            whole = silence(samples, self.sample_rate)
        for number, item, take, part in self._stretched(numbers, spans):
            tape = as_tape(item, take)
            alone = analyze(blocks(Pass(self, eqs, {number: [tape]}, part), [self.span(tape[0])]), powers_only=True)
            at = self.span(item)
            start_s = skipping(spans, at.start) / self.sample_rate
            whole = add_at(whole, alone, start_s, (at.stop - at.start) / self.sample_rate)
        return whole

    def _soft_ends(
        self, blocks: Iterable[np.ndarray], samples: int, cut_ends: tuple[bool, bool]
    ) -> Iterator[np.ndarray]:
        """Blocks that rise from silence, fall to it, or both: a cut through a sound is a step that it does not have."""
        length, at = round(SOFT_S * self.sample_rate), 0
        for block in blocks:
            place = np.arange(at, at + block.shape[1])
            at += block.shape[1]
            for distance, soft in zip((place, samples - 1 - place), cut_ends, strict=True):
                if soft and len(distance) and distance.min() < length:
                    block = block * np.clip((distance + 0.5) / length, 0.0, 1.0).astype(np.float32)
            yield block

    def _has_tape(self, numbers: Iterable[int]) -> bool:
        return any(not is_stretched(take) for n in numbers for _, take in self.playing[n][0])

    def _stretched(self, numbers: Iterable[int], spans: Sequence[Span]) -> list[tuple[int, Item, Take, Part | None]]:
        """Those of them, or what of them lies in `spans`, that are long enough to hold a sample; which they are, None
        where they were cut."""
        if not spans:
            return []
        rate = self.sample_rate
        found: list[tuple[int, Item, Take, Part | None]] = []
        for number in sorted(numbers):
            for n, (item, take) in enumerate(self.playing[number][0]):
                if not is_stretched(take):
                    continue
                at = self.span(item)
                part: Part | None = (number, n)
                if at.start < spans[0].start or at.stop > spans[-1].stop:
                    item, take = cut(item, take, spans[0].start / rate, spans[-1].stop / rate)
                    at, part = self.span(item), None
                if at.stop > at.start and self.span(as_tape(item, take)[0]).stop > 0:
                    found.append((number, item, take, part))
        return found

    def _steps(self, spans: Sequence[Span]) -> Iterator[tuple[int, int]]:
        size = round(BLOCK_S * self.sample_rate)
        for span in spans:
            for start in range(span.start, span.stop, size):
                yield start, min(size, span.stop - start)

    def span(self, item: Item) -> Span:
        """Where an item lies."""
        start = round(item.position_s * self.sample_rate)
        return Span(start, start + round(item.length_s * self.sample_rate))


class Pass:
    """One run through the project from its start; each track is made once, whoever listens.

    `items` are those that sound, by the number of their track. Of sends in a circle that which leads back to the track
    listened to is left out: REAPER's feedback has no spectrum of its own. The master listens to each track in turn.
    Of tracks with a tape nothing is made anew but their EQ. `part`: which one stretched item, at its own pace, is all
    that sounds; None for a part of such an item, of which there are no tapes.
    """

    def __init__(
        self,
        mixer: Mixer,
        eqs: Mapping[int, Eq],
        items: Mapping[int, Sequence[tuple[Item, Take]]],
        part: Part | None = ANY,
    ):
        self.mixer, self.eqs, self.items, self.part = mixer, eqs, items, part
        self.tapes = {} if part is None else mixer.tapes.kept(part)
        self._nodes: dict[int, _Node] = {}
        self._stages: list[_Node] = []

    def node(self, track: MixTrack) -> _Node:
        """What a track sounds like. All are asked for before the first sound is."""
        here, cut = dict(self._nodes), set()
        waiting: dict[int, list[tuple[MixTrack, Receive | None]]] = {}  # what each track under way still lacks
        sources: dict[int, list[tuple[_Node, Receive | None]]] = {}
        if track.index not in here:
            waiting[track.index] = self._lacking(track)
        while waiting:
            number, left = next(reversed(waiting.items()))
            if left and left[-1][0].index not in here and left[-1][0].index not in waiting:
                waiting[left[-1][0].index] = self._lacking(left[-1][0])
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

    def _lacking(self, track: MixTrack) -> list[tuple[MixTrack, Receive | None]]:
        return [] if track.index in self.tapes else self.mixer.inputs(track)[::-1]

    def _made(self, number: int, sources: list[tuple[_Node, Receive | None]]) -> _Node:
        track = self.mixer.tracks[number]
        tape = self.tapes.get(number)
        items = () if tape else self.items.get(number, ())
        node = _Node(self.mixer, track, sources, items, self.eqs.get(number), tape)
        if node.depth % STAGE == 0:
            self._stages.append(node)
        return node

    def make(self, start: int, count: int, asked: _Node | None = None) -> None:
        """Before a stretch is asked of nodes: however deep they lie, none has to ask far down for it.

        `asked` is left out, for its items are read only once.
        """
        for node in self._stages:
            if node is not asked:
                node.after_eq(start, count)


class _Node:
    """The sound of a track, asked for in order of time; several may ask for the same stretch."""

    def __init__(
        self,
        mixer: Mixer,
        track: MixTrack,
        sources: list[tuple[_Node, Receive | None]],
        items: Sequence[tuple[Item, Take]],
        eq: Eq | None,
        tape: Tape | None = None,
    ):
        self.track, self._tape = track, tape
        self.silent: bool = not items and not tape and all(source.silent for source, _ in sources)
        self.sources = [(source, receive) for source, receive in sources if not source.silent]
        self.depth: int = 1 + max((source.depth for source, _ in self.sources), default=0)
        self._rate, self._library = mixer.sample_rate, mixer.library
        waiting = [(mixer.span(item), item, take) for item, take in items]
        waiting = [entry for entry in waiting if entry[0].stop > entry[0].start]
        self._waiting = sorted(waiting, key=lambda entry: entry[0].start, reverse=True)
        self._sounding: list[tuple[Span, ItemSound]] = []
        self._filter = EqFilter(eq, self._rate, 2) if eq else None
        self._last: tuple[int, int] | None = None
        self._resting = (-1, False)  # from which sample on, and whether
        self._kept = np.zeros((0, 2), np.float32)
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
        if self.depth > STAGE or self._last == (start, count) or (self._filter and self._kept.any()):
            return False  # what was made already is asked for at no cost
        if self._tape:
            return not self._tape.holds(start, count)
        if self._sounding or (self._waiting and self._waiting[-1][0].start < start + count):
            return False
        return all(source.rests(start, count) for source, _ in self.sources)

    def after_eq(self, start: int, count: int) -> np.ndarray:
        with self._lock:
            if self.silent:
                return np.zeros((count, 2), np.float32)
            if self._last != (start, count):
                sound = self.before_eq(start, count)
                self._kept = self._filter.process(sound.T).T if self._filter else sound
                self._last = (start, count)
            return self._kept

    def after_fader(self, start: int, count: int) -> np.ndarray:
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
