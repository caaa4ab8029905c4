"""One picture of what was done to a sound and why: its spectrum, where the word's usual range lies, and the EQ.

Drawn through matplotlib's object API: pyplot keeps global state and may look for a screen.
"""

from __future__ import annotations

import io
import os
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from ..dsp.spectrum import GRID_HZ
from ..errors import OutputError
from ..util.files import atomic_write
from .result import Result

_DPI = 120
_SIZE_INCHES = (1000 / _DPI, 800 / _DPI)
_TICKS = {20: "20", 50: "50", 100: "100", 200: "200", 500: "500", 1000: "1k", 2000: "2k", 5000: "5k", 10_000: "10k"}
_TICKS[20_000] = "20k"
_DEEPEST_DB = 70.0  # what lies further below the loudest is not drawn: it would flatten everything else
_LEFT, _RIGHT = 0.085, 0.97  # of the figure's width


@dataclass(frozen=True)
class _Look:
    """Colors, sizes and margins of one kind of picture."""

    paper: str
    ink: str
    soft: str
    grid: str
    # Okabe and Ito's colors, told apart with any color vision; the lines differ in width and style as well.
    source: str
    result: str
    target: str
    eq: str
    edge: str = "white"  # around the dots
    axis: str = "black"
    size_inches: tuple[float, float] = _SIZE_INCHES
    text_pt: float = 10.0
    legend_columns: int = 3
    margins: Mapping[str, float] = field(default_factory=lambda: {"left": _LEFT, "top": 0.815, "bottom": 0.08})


_LIGHT = _Look("white", "black", "#555555", "#E4E4E4", "#4D4D4D", "#D55E00", "#009E73", "#0072B2")
# the same hues, lighter: on a dark page they must stand out as much; paper is the page's own
_DARK = _Look("none", "#E8E6E1", "#A8A59E", "#3A3936", "#B9B6AF", "#FF9A4D", "#009E73", "#6CB8F0", "#21201D", "#6A6760")
_WIDE = {"size_inches": (7.4, 5.2), "margins": {"left": 0.085, "top": 0.93, "bottom": 0.095}}
_NARROW = {
    "size_inches": (3.5, 4.6),
    "text_pt": 8.5,
    "legend_columns": 1,
    "margins": {"left": 0.15, "top": 0.86, "bottom": 0.105},
}


def plot_adaptation(path: str | os.PathLike[str], result: Result, *, title: str, subtitle: str = "") -> None:
    """Writes a picture of 1000 x 800 pixels: spectra above, the response of ReaEQ below.

    A dot for each band that is on stands at its frequency and gain, the output gain higher; what is not heard is a gap.
    The suffix of `path` (.png, .svg, .pdf) decides the format, none is PNG. Raises `OutputError` where the file cannot
    be written, or has a suffix that is no picture; nothing is left behind.
    """
    kind = Path(path).suffix.lower().lstrip(".") or "png"
    if kind not in FigureCanvasAgg.get_supported_filetypes():
        raise OutputError(f"cannot write {os.fspath(path)}: a plot is a .png, .svg or .pdf file")
    figure = _draw(_LIGHT, result)
    _write(figure, 0.98, title, 1, size=15, weight="bold")
    _write(figure, 0.94, subtitle, 3, size=9, color="#555555", linespacing=1.25)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=_DPI, format=kind)


def svg_adaptation(result: Result, theme: str = "light", narrow: bool = False) -> bytes:
    """The same picture for a web page, as SVG without title or background.

    Args:
        theme: "light" or "dark", the page it stands on.
        narrow: for a page as narrow as a telephone.
    """
    light = replace(_LIGHT, paper="none", ink="#1D1C1A", axis="#8A867E")
    look = replace({"light": light, "dark": _DARK}[theme], **(_NARROW if narrow else _WIDE))
    file = io.BytesIO()
    with rc_context({"svg.hashsalt": "reaper-aeq"}):  # the same picture has the same bytes
        _draw(look, result).savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def _draw(look: _Look, result: Result) -> Figure:
    figure = Figure(figsize=look.size_inches, dpi=_DPI, facecolor=look.paper)
    FigureCanvasAgg(figure)
    spectra, response = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    figure.subplots_adjust(right=_RIGHT, hspace=0.13 if look.legend_columns > 1 else 0.2, **look.margins)
    _draw_spectra(spectra, look, result)
    _draw_response(response, look, result)
    for axes in (spectra, response):
        _dress(axes, look)
    spectra.tick_params(labelbottom=False)
    response.set_xlabel("Frequency (Hz)", size=look.text_pt, color=look.ink)
    return figure


def _draw_spectra(axes: Axes, look: _Look, result: Result) -> None:
    low_db, high_db = result.target_low_db, result.target_high_db
    label = "usual range of the word" if result.word else "the reference's balance"
    axes.plot(GRID_HZ, result.source_db, color=look.source, linewidth=1.4, linestyle=(0, (4, 1.5)), label="source")
    axes.plot(GRID_HZ, result.result_db, color=look.result, linewidth=2.0, label="after the EQ")
    axes.fill_between(GRID_HZ, low_db, high_db, color=look.target, alpha=0.35, linewidth=0, label=label)
    # Above the axes, where no curve can run through it.
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=look.legend_columns, fontsize=look.text_pt,
        labelcolor=look.ink, labelspacing=0.3, frameon=False, handlelength=2.2, borderaxespad=0.2, columnspacing=1.8,
    )  # fmt: skip
    axes.set_ylabel("Level (dB)", size=look.text_pt, color=look.ink)
    levels = np.concatenate([result.source_db, low_db, high_db, result.result_db])
    levels = levels[np.isfinite(levels)]
    if levels.size:
        axes.set_ylim(max(levels.min(), levels.max() - _DEEPEST_DB) - 3, levels.max() + 3)


def _draw_response(axes: Axes, look: _Look, result: Result) -> None:
    output_gain_db = result.eq.output_gain_db
    freqs_hz = np.geomspace(20.0, min(20_000.0, result.sample_rate / 2), 400)
    eq_db = result.eq.response_db(freqs_hz, result.sample_rate) + output_gain_db
    axes.axhline(0, color="#888888", linewidth=1)
    axes.fill_between(freqs_hz, 0, eq_db, color=look.eq, alpha=0.12, linewidth=0)
    axes.plot(freqs_hz, eq_db, color=look.eq, linewidth=2.0)
    enabled = [band for band in result.eq.bands if band.enabled]
    dots_hz, gains_db = [band.freq_hz for band in enabled], [band.gain_db + output_gain_db for band in enabled]
    axes.plot(dots_hz, gains_db, "o", color=look.eq, markersize=8, markeredgecolor=look.edge, clip_on=False, zorder=5)
    title = "ReaEQ's response with its output gain; a dot for each band"
    axes.set_title(title, loc="left", fontsize=look.text_pt, color=look.soft, pad=4)
    axes.set_ylabel("Gain (dB)", size=look.text_pt, color=look.ink)
    # Silence in a stop band must not hide the rest; 6 dB at least, so that a small EQ looks small.
    sizes = np.abs(np.concatenate([eq_db, gains_db]))
    reach_db = min(max(6.0, *sizes[np.isfinite(sizes)] * 1.15, 0.0), 24.0)
    axes.set_ylim(-reach_db, reach_db)
    axes.yaxis.set_major_locator(FixedLocator(range(-24, 25, 3 if reach_db <= 9 else 6)))


def _dress(axes: Axes, look: _Look) -> None:
    axes.set_facecolor(look.paper)
    axes.set_xscale("log")
    axes.set_xlim(20, 20_000)
    ticks = _TICKS if look.legend_columns > 1 else {hz: name for hz, name in _TICKS.items() if name[0] in "15"}
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(list(ticks), labels=list(ticks.values()))
    axes.tick_params(color=look.axis, labelcolor=look.ink, labelsize=look.text_pt)
    axes.grid(color=look.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(look.axis)


def _write(figure: Figure, top: float, text: str, max_lines: int, **style: Any) -> None:
    """Writes above the axes, in as many characters as fit: words and names of files may be long or wide."""
    drawn = figure.text(_LEFT, top, "", va="top", parse_math=False, **style)
    for characters in range(116, 11, -4):
        drawn.set_text(textwrap.fill(text, characters, max_lines=max_lines, placeholder=" …"))
        if drawn.get_window_extent().x1 <= _RIGHT * figure.bbox.width:
            return
