"""Stretches of a project's timeline, in samples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


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


def skipping(spans: Iterable[Span], at: int) -> int:
    """Where a place of the timeline lies when only `spans` are played."""
    return sum(min(span.stop, at) - span.start for span in spans if span.start < at)


def between(spans: Iterable[Span], start: int, stop: int) -> list[Span]:
    """What is played of `spans` from `start` to `stop`, counted in what is played.

    >>> between([Span(10, 20), Span(30, 40)], 5, 15)
    [Span(start=15, stop=20), Span(start=30, stop=35)]
    """
    found, at = [], 0
    for span in spans:
        low, high = max(start - at, 0), min(stop - at, span.stop - span.start)
        if low < high:
            found.append(Span(span.start + low, span.start + high))
        at += span.stop - span.start
    return found


@dataclass(frozen=True)
class Timeline:
    """Where the moments of an analyzed sound lie in the project: its pauses were left out.

    >>> timeline = Timeline((Span(100, 200), Span(500, 600)), 10)
    >>> timeline.in_project(5.0), timeline.in_project(10.0), timeline.in_sound(30.0), timeline.in_sound(55.0)
    (15.0, 50.0, 10.0, 15.0)
    """

    spans: Sequence[Span]
    sample_rate: int

    def in_project(self, sound_s: float) -> float:
        """Seconds; of what lies between two stretches the beginning of the second."""
        at, start, found_s = sound_s * self.sample_rate, 0, sound_s
        for span in self.spans:
            if start and start > at + 1e-6:
                break
            found_s = (span.start + at - start) / self.sample_rate
            start += span.stop - span.start
        return found_s

    def in_sound(self, project_s: float) -> float:
        """Seconds; of a moment in a pause, where the pause was."""
        if not self.spans:
            return project_s
        at = project_s * self.sample_rate
        return sum(max(0.0, min(span.stop, at) - span.start) for span in self.spans) / self.sample_rate
