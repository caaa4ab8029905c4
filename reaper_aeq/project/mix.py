"""Mixing a project as REAPER would render it without FX, in blocks: hours stay small in memory.

Items through volume, pan and fades into tracks; folder children and sends into their receivers; all into the master.
Positions are whole samples at the project's rate. Known to be left out: FX other than our own EQs, automation, pan laws
(0 dB in the center is taken), widths, channels beyond 1/2, how items that overlap may replace each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import methodcaller
from typing import Any, Protocol

import numpy as np

from ..dsp.spectrum import Analysis
from ..eq import Eq
from ..reaper.rpp.items import Item, Take
from .loops import Reading, Sounding, joined, reading, stretches
from .media import Library, seconds_of
from .mix_pass import Part, Pass
from .spans import Span, Timeline, between, merged, skipping
from .stretched import add_at, silence
from .takes import BLOCK_S, as_tape, cut, is_stretched
from .tapes import Tapes
from .wiring import MixProject, MixTrack, Wiring

GAP_S = 0.5  # of silence is kept before and after a pause; the rest is skipped: it says nothing and may last hours
SOFT_S = 0.3  # within what `loops` lets settle
FEW = 16  # tracks are mixed anew for each that hears them where memory is short; the sum of more is kept

Blocks = Callable[[Pass, Sequence[Span]], Iterable[np.ndarray]]
Each = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]  # `map`, or that of a pool


class Analyze(Protocol):
    """`dsp.spectrum.analyze_blocks` of blocks (2, n); `sections`: with `spectra`, whatever was asked for."""

    def __call__(
        self, blocks: Iterable[np.ndarray], /, *, sections: bool = False, powers_only: bool = False
    ) -> Analysis: ...


class Mixer(Wiring):
    """The project's sound. Nodes are made anew for each pass, so that passes may run beside each other."""

    def __init__(self, project: MixProject, library: Library | None = None):
        super().__init__(project, library)
        self.tapes = Tapes()
        self.sections = False  # whether what is analyzed is to follow the song: each moment has a frame then

    def spans(self, numbers: Iterable[int]) -> list[Span]:
        """Where something lies on these tracks: from where the first begins to where the last ends."""
        items = [self.span(item) for n in numbers for item, _ in self.playing[n][0]]
        first, last = min((item.start for item in items), default=0), max((item.stop for item in items), default=0)
        found = merged(items, round(GAP_S * self.sample_rate))
        return [Span(max(span.start, first), min(span.stop, last)) for span in found]

    def timeline(self, track: MixTrack | None) -> Timeline:
        """Of what is analyzed of a track, or of the master (None)."""
        return Timeline(tuple(self.spans(self.heard_by(track))), self.sample_rate)

    def seconds(self, numbers: Iterable[int], repeated: bool = False) -> float:
        """Of sound to be analyzed where these tracks are heard. `repeated`: with all repetitions of loops, however few
        of them are analyzed."""
        numbers = set(numbers)
        spans = self.spans(numbers)
        plan = None if repeated else self._reading(numbers, spans)
        windows = [between(spans, one.start, one.stop) for one in plan.windows] if plan else [spans]
        lengths = [span.stop - span.start for window in windows for span in window] if self._has_tape(numbers) else []
        stretched = [entry for window in windows for entry in self._stretched(numbers, window)]
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
        keep = keep and self._reading(numbers, self.spans(numbers)) is None

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

        return self._analyze(self.heard_by(None), eqs, analyze, blocks)

    def _analyze(self, numbers: set[int], eqs: Mapping[int, Eq], analyze: Analyze, blocks: Blocks) -> Analysis:
        """All of it, or of what loops repeat for long some repetitions."""
        spans = self.spans(numbers)
        plan = self._reading(numbers, spans)
        if self.sections or plan:
            analyze = partial(analyze, sections=True)
        if plan is None:
            return self._analyze_spans(numbers, eqs, analyze, blocks, spans)
        parts = (
            self._analyze_spans(
                numbers, eqs, analyze, blocks, between(spans, window.start, window.stop),
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
            mixed = blocks(Pass(self, self.tapes, eqs, unstretched), spans)
            whole = analyze(self._soft_ends(mixed, samples, cut_ends) if any(cut_ends) else mixed)
        else:
            whole = silence(samples, self.sample_rate)
        for number, item, take, part in self._stretched(numbers, spans):
            tape = as_tape(item, take)
            alone = analyze(
                blocks(Pass(self, self.tapes, eqs, {number: [tape]}, part), [self.span(tape[0])]), powers_only=True
            )
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
