"""Stretches of a project's timeline, in samples."""

from __future__ import annotations

from collections.abc import Iterable
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
