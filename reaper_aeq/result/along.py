"""What is said of an EQ that follows the song, and when in a project it moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..eq import hz_text
from .result import AnyResult, SectionResult


def told_along(sections: Sequence[SectionResult]) -> str:
    """One sentence on what moves, and where."""
    eqs = [one.result.eq for one in sections]
    moved = []
    for n, band in enumerate(eqs[0].bands):
        gains = [eq.bands[n].gain_db for eq in eqs]
        if max(gains) - min(gains) >= 0.1:
            what = f"{band.kind.replace('_', ' ')} at {hz_text(band.freq_hz)}"
            moved.append(f"{what} from {min(gains):+.1f} to {max(gains):+.1f} dB")
    cuts = [clock(one.start_s) for one in sections[1:]]
    at = " and ".join(filter(None, (", ".join(cuts[:-1]), cuts[-1])))
    return f"It follows the song in {len(sections)} sections, changing at {at}: {', '.join(moved) or 'output gain'}."


def clock(seconds: float) -> str:
    """As a transport shows it.

    >>> clock(83.4)
    '1:23'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def in_project_time(result: AnyResult, in_project: Callable[[float], float]) -> AnyResult:
    """The result with the times of its sections, and in its sentence, as a function of seconds of the sound gives
    them."""
    if not result.sections:
        return result
    sections = tuple(
        replace(one, start_s=in_project(one.start_s), stop_s=in_project(one.stop_s)) for one in result.sections
    )
    told = result.explanation.replace(told_along(result.sections), told_along(sections))
    return replace(result, sections=sections, explanation=told)
