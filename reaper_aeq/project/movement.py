"""The gains of an EQ that follows the song, over time, as SVG: a line for each band that moves, and for the output."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from ..eq import MovingEq, hz_text
from ..result.along import clock
from ..result.result import Result

WIDTH, HEIGHT, LEFT, ROW, COLUMN = 620, 110, 34, 16, 196
STEPS_S = (5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600)
MOST_TICKS = 8

Place = Callable[[float], float]  # seconds or dB to pixels


def movement(result: Result, title: str) -> str:
    """One SVG element; '' for an EQ that stands still."""
    moving = result.moving
    if moving is None:
        return ""
    start_s, stop_s = result.sections[0].start_s, max(result.sections[-1].stop_s, result.sections[0].start_s + 1e-3)
    lines = [(name_of(moving, which), moving.points(which)) for which in moving.moving]
    reach = max(1.5, *(1.15 * abs(gain_db) for _, points in lines for _, gain_db in points))

    def x(at_s: float) -> float:
        return LEFT + (at_s - start_s) / (stop_s - start_s) * (WIDTH - LEFT - 4)

    def y(gain_db: float) -> float:
        return 4 + (reach - gain_db) / (2 * reach) * HEIGHT

    parts = [_grid(start_s, stop_s, reach, x, y)]
    for n, (name, points) in enumerate(lines):
        held = [*points, (stop_s, points[-1][1])]
        path = "L".join(f"{x(at_s):.1f},{y(gain_db):.1f}" for at_s, gain_db in held)
        parts.append(f'<path class="gain g{n}" d="M{path}"/>')
        left, top = LEFT + n % 3 * COLUMN, HEIGHT + 34 + n // 3 * ROW
        parts.append(f'<path class="gain g{n}" d="M{left},{top - 4}h18"/>')
        parts.append(f'<text x="{left + 24}" y="{top}">{escape(name)}</text>')
    height = HEIGHT + 40 + (len(lines) - 1) // 3 * ROW
    label = escape(f"{title}: gains over time, dB", quote=True)
    return f'<svg class="moves" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def name_of(moving: MovingEq, which: int) -> str:
    """'low shelf 180 Hz', or 'output'."""
    if which == len(moving.bands):
        return "output"
    band = moving.bands[which]
    return f"{band.kind.replace('_', ' ')} {hz_text(band.freq_hz)}"


def _grid(start_s: float, stop_s: float, reach: float, x: Place, y: Place) -> str:
    parts = []
    step = next((step for step in STEPS_S if (stop_s - start_s) / step <= MOST_TICKS), STEPS_S[-1])
    at_s = step * -(-start_s // step)
    while at_s <= stop_s:
        parts.append(f'<path class="grid" d="M{x(at_s):.1f},4V{HEIGHT + 4}"/>')
        anchor = "end" if x(at_s) > WIDTH - 16 else "middle"  # the last one would be cut off
        parts.append(f'<text x="{x(at_s):.1f}" y="{HEIGHT + 18}" text-anchor="{anchor}">{clock(at_s)}</text>')
        at_s += step
    level = 1 if reach < 4 else 3 if reach < 9 else 6
    for n in range(-int(reach // level), int(reach // level) + 1):
        kind = "grid" if n else "zero"
        parts.append(f'<path class="{kind}" d="M{LEFT},{y(n * level):.1f}H{WIDTH - 4}"/>')
        text = f"{n * level:+d}".replace("-", "\u2212") if n else "0"
        parts.append(f'<text x="{LEFT - 5}" y="{y(n * level) + 3.5:.1f}" text-anchor="end">{text}</text>')
    return "".join(parts)
