"""The pictures of one track as a few kilobytes of SVG, drawn by hand: spectrum before and after, and ReaEQ's response;
and where an EQ follows the song, its gains over time.

`plot.py` draws the first at ten times the size and a fifth of a second a picture, and knows neither the page's colors
nor its width; a report holds dozens. Colors are classes, so that the page decides between light and dark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from ..dsp.spectrum import GRID_HZ
from ..eq import MovingEq, hz_text
from ..result.explanation import clock
from ..result.result import Result

LOW_HZ, HIGH_HZ = 20.0, 20_000.0
TICKS = {50: "50", 100: "100", 200: "200", 500: "500", 1000: "1k", 2000: "2k", 5000: "5k", 10_000: "10k"}
DEEPEST_DB = 60.0  # what lies further below the loudest would flatten everything else
POINTS = 120  # of the response
# Of the gains over time.
STEPS_S = (5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600)
MOST_TICKS, ROW, COLUMN = 8, 16, 196


@dataclass(frozen=True)
class Frame:
    """Sizes in pixels; text is 11 px high in all."""

    width: int
    upper: int
    lower: int
    left: int = 34
    every: int = 1  # how many of the ticks are labeled

    def x(self, freq_hz: float | np.ndarray) -> np.ndarray:
        """Where a frequency lies, pixels from the left."""
        share = np.log(np.asarray(freq_hz) / LOW_HZ) / np.log(HIGH_HZ / LOW_HZ)
        return self.left + share * (self.width - self.left - 4)


WIDE, NARROW = Frame(620, 190, 110), Frame(330, 170, 100, 30, 2)


def picture(result: Result, title: str) -> str:
    """Two SVG elements of classes `wide` and `narrow`; the page shows one of them."""
    label, drawn = f"{title}: spectrum before and after the EQ, and ReaEQ's response", ""
    for name, frame in (("wide", WIDE), ("narrow", NARROW)):
        parts = [_frequencies(frame), _spectra(result, frame), _response(result, frame)]
        drawn += _svg(name, frame.width, frame.upper + frame.lower + 34, label, parts)
    return drawn


def movement(result: Result, title: str) -> str:
    """One SVG element, a line for each band that moves and for the output; '' for an EQ that stands still."""
    moving, frame = result.moving, WIDE
    if moving is None:
        return ""
    start_s, stop_s = result.sections[0].start_s, max(result.sections[-1].stop_s, result.sections[0].start_s + 1e-3)
    lines = [(_name_of(moving, which), moving.points(which)) for which in moving.moving]
    reach = max(1.5, *(1.15 * abs(gain_db) for _, points in lines for _, gain_db in points))

    def x(at_s: float) -> float:
        return frame.left + (at_s - start_s) / (stop_s - start_s) * (frame.width - frame.left - 4)

    def y(gain_db: float) -> float:
        return 4 + (reach - gain_db) / (2 * reach) * frame.lower

    parts = []
    step = next((step for step in STEPS_S if (stop_s - start_s) / step <= MOST_TICKS), STEPS_S[-1])
    at_s = step * -(-start_s // step)
    while at_s <= stop_s:
        parts.append(f'<path class="grid" d="M{x(at_s):.1f},4V{frame.lower + 4}"/>')
        anchor = "end" if x(at_s) > frame.width - 16 else "middle"  # the last one would be cut off
        parts.append(f'<text x="{x(at_s):.1f}" y="{frame.lower + 18}" text-anchor="{anchor}">{clock(at_s)}</text>')
        at_s += step
    level = 1 if reach < 4 else 3 if reach < 9 else 6
    most = int(reach // level) * level
    parts.append(_level_lines(frame, y, range(-most, most + 1, level), "+", zero="zero"))
    for n, (name, points) in enumerate(lines):
        held = [*points, (stop_s, points[-1][1])]
        parts.append(f'<path class="gain g{n}" d="{_path((x(at_s), y(gain_db)) for at_s, gain_db in held)}"/>')
        left, top = frame.left + n % 3 * COLUMN, frame.lower + 34 + n // 3 * ROW
        parts.append(f'<path class="gain g{n}" d="M{left},{top - 4}h18"/>')
        parts.append(f'<text x="{left + 24}" y="{top}">{escape(name)}</text>')
    height = frame.lower + 40 + (len(lines) - 1) // 3 * ROW
    return _svg("moves", frame.width, height, f"{title}: gains over time, dB", parts)


def _name_of(moving: MovingEq, which: int) -> str:
    """'low shelf 180 Hz', or 'output'."""
    if which == len(moving.bands):
        return "output"
    band = moving.bands[which]
    return f"{band.kind.replace('_', ' ')} {hz_text(band.freq_hz)}"


def _svg(name: str, width: int, height: int, label: str, parts: Sequence[str]) -> str:
    head = f'<svg class="{name}" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">'
    return head + "".join(parts) + "</svg>"


def _frequencies(frame: Frame) -> str:
    bottom, parts = frame.upper + 14 + frame.lower, []
    for n, (freq_hz, text) in enumerate(TICKS.items()):
        x = f"{float(frame.x(freq_hz)):.1f}"
        parts.append(f'<path class="grid" d="M{x},4V{frame.upper}M{x},{frame.upper + 14}V{bottom}"/>')
        if n % frame.every == frame.every - 1:
            parts.append(f'<text x="{x}" y="{bottom + 14}" text-anchor="middle">{text}</text>')
    return "".join(parts)


def _spectra(result: Result, frame: Frame) -> str:
    rows = [result.source_db, result.result_db, result.target_low_db, result.target_high_db]
    drawn = np.concatenate([row[np.isfinite(row)] for row in rows])
    if not drawn.size:
        return ""
    top = float(drawn.max()) + 2
    bottom = max(float(drawn.min()) - 2, top - DEEPEST_DB)

    def y(level_db: np.ndarray | float) -> np.ndarray:
        return 4 + (top - np.maximum(level_db, bottom)) / (top - bottom) * (frame.upper - 4)

    x = frame.x(GRID_HZ)
    parts = [_level_lines(frame, y, np.arange(np.ceil(bottom / 12) * 12, top, 12.0), "")]
    ok = np.isfinite(result.target_low_db) & np.isfinite(result.target_high_db)
    for run in _runs(ok):
        edge = [*zip(x[run], y(result.target_high_db[run]), strict=True)]
        edge += [*zip(x[run], y(result.target_low_db[run]), strict=True)][::-1]
        parts.append(f'<path class="target" d="{_path(edge)}Z"/>')
    for name, row in (("before", result.source_db), ("after", result.result_db)):
        lines = "".join(_path(zip(x[run], y(row[run]), strict=True)) for run in _runs(np.isfinite(row)))
        parts.append(f'<path class="{name}" d="{lines}"/>')
    return "".join(parts)


def _response(result: Result, frame: Frame) -> str:
    freqs_hz = np.geomspace(LOW_HZ, min(HIGH_HZ, result.sample_rate / 2), POINTS)
    response = result.eq.response_db(freqs_hz, result.sample_rate)
    bands = [band for band in result.eq.bands if band.enabled]
    reach = min(max(6.0, 1.15 * float(np.abs(response).max()), *(1.15 * abs(b.gain_db) for b in bands)), 24.0)
    start, step = frame.upper + 14, 3 if reach <= 9 else 6

    def y(gain_db: np.ndarray | float) -> np.ndarray:
        return start + (reach - np.clip(gain_db, -reach, reach)) / (2 * reach) * frame.lower

    levels = np.arange(-24.0, 25.0, step)
    parts = [_level_lines(frame, y, levels[np.abs(levels) <= reach], "+")]
    points = list(zip(frame.x(freqs_hz), y(response), strict=True))
    zero, last = f"{float(y(0.0)):.1f}", f"{points[-1][0]:.1f}"
    parts.append(f'<path class="zero" d="M{frame.left},{zero}H{frame.width - 4}"/>')
    parts.append(f'<path class="fill" d="{_path(points)}L{last},{zero}L{frame.left},{zero}Z"/>')
    parts.append(f'<path class="eq" d="{_path(points)}"/>')
    for band in bands:
        x, at = float(frame.x(band.freq_hz)), float(y(band.gain_db))
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{at:.1f}" r="4"/>')
    return "".join(parts)


def _level_lines(
    frame: Frame, y: Callable[[float], float | np.ndarray], levels_db: Iterable[float], sign: str, zero: str = "grid"
) -> str:
    """A line and its number for each; `zero` is the class of that at 0 dB."""
    parts = []
    for level in levels_db:
        at, text = float(y(level)), f"{level:{sign}.0f}" if level else "0"
        parts.append(f'<path class="{"grid" if level else zero}" d="M{frame.left},{at:.1f}H{frame.width - 4}"/>')
        parts.append(f'<text x="{frame.left - 5}" y="{at + 3.5:.1f}" text-anchor="end">{text.replace("-", "−")}</text>')
    return "".join(parts)


def _runs(ok: np.ndarray) -> list[slice]:
    """Stretches of at least two points that are all there.

    >>> _runs(np.array([True, True, False, True]))
    [slice(0, 2, None)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], ok.astype(int), [0]])))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1]


def _path(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
