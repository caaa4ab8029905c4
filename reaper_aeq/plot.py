"""One picture of what was done to a sound and why: its spectrum, where the word's usual range lies, and the EQ.

Drawn through matplotlib's object API: pyplot keeps global state and may look for a screen.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from .bands import Band
from .errors import OutputError
from .files import atomic_write

_DPI = 120
_SIZE_INCHES = (1000 / _DPI, 800 / _DPI)
_TICKS = {20: "20", 50: "50", 100: "100", 200: "200", 500: "500", 1000: "1k", 2000: "2k", 5000: "5k", 10_000: "10k"}
_TICKS[20_000] = "20k"
# Okabe and Ito's colours, told apart with any colour vision; the lines differ in width and style as well.
_SOURCE, _RESULT, _TARGET, _EQ = "#4D4D4D", "#D55E00", "#56B4E9", "#0072B2"
_DEEPEST_DB = 70.0  # what lies further below the loudest is not drawn: it would flatten everything else
_LEFT, _RIGHT = 0.085, 0.97  # of the figure's width


def plot_adaptation(
    path: str | os.PathLike[str],
    *,
    title: str,
    freqs_hz: Sequence[float],
    source_db: Sequence[float],
    target_low_db: Sequence[float],
    target_high_db: Sequence[float],
    eq_freqs_hz: Sequence[float],
    eq_db: Sequence[float],
    result_db: Sequence[float],
    bands: Sequence[Band],
    subtitle: str = "",
) -> None:
    """Writes a picture of 1000 x 800 pixels: spectra above, the response of ReaEQ below.

    Args:
        path: where; the suffix (.png, .svg, .pdf) decides the format, none is PNG.
        freqs_hz: Hz, shape (n,), rising; `source_db` (LTAS), `result_db` (after the EQ), `target_low_db` and
            `target_high_db` (the word's usual range) are dB at these, NaN where a value does not count.
        eq_freqs_hz, eq_db: the response ReaEQ will do, Hz and dB, shape (m,).
        bands: each enabled one gets a dot at its frequency and gain.

    Raises:
        OutputError: the file cannot be written, or has a suffix that is no picture; nothing is left behind.
    """
    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    kind = Path(path).suffix.lower().lstrip(".") or "png"
    if kind not in canvas.get_supported_filetypes():
        raise OutputError(f"cannot write {os.fspath(path)}: a plot is a .png, .svg or .pdf file")
    spectra, response = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    figure.subplots_adjust(left=_LEFT, right=_RIGHT, top=0.835, bottom=0.08, hspace=0.13)
    _write(figure, 0.98, title, 1, size=15, weight="bold")
    _write(figure, 0.938, subtitle, 2, size=10, color="#555555", linespacing=1.4)
    _draw_spectra(spectra, *map(_numbers, (freqs_hz, source_db, target_low_db, target_high_db, result_db)))
    _draw_response(response, _numbers(eq_freqs_hz), _numbers(eq_db), [band for band in bands if band.enabled])
    for axes in (spectra, response):
        _dress(axes)
    spectra.tick_params(labelbottom=False)
    response.set_xlabel("Frequency (Hz)")
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=_DPI, format=kind)


def _draw_spectra(axes: Axes, freqs_hz, source_db, low_db, high_db, result_db) -> None:
    axes.plot(freqs_hz, source_db, color=_SOURCE, linewidth=1.4, linestyle=(0, (4, 1.5)), label="source")
    axes.plot(freqs_hz, result_db, color=_RESULT, linewidth=2.0, label="after the EQ")
    axes.fill_between(
        freqs_hz, low_db, high_db, color=_TARGET, alpha=0.35, linewidth=0, label="usual range of the word"
    )
    # Above the axes, where no curve can run through it.
    place = {"loc": "lower left", "bbox_to_anchor": (-0.01, 1.0), "ncols": 3}
    axes.legend(**place, frameon=False, fontsize=10, handlelength=2.2, borderaxespad=0.2, columnspacing=1.8)
    axes.set_ylabel("Level (dB)")
    drawn = np.concatenate([source_db, low_db, high_db, result_db])
    drawn = drawn[np.isfinite(drawn)]
    if drawn.size:
        top = drawn.max()
        bottom = max(drawn.min(), top - _DEEPEST_DB)
        axes.set_ylim(bottom - 3, top + 3)


def _draw_response(axes: Axes, freqs_hz, eq_db, bands: Sequence[Band]) -> None:
    axes.axhline(0, color="#888888", linewidth=1)
    axes.fill_between(freqs_hz, 0, eq_db, color=_EQ, alpha=0.12, linewidth=0)
    axes.plot(freqs_hz, eq_db, color=_EQ, linewidth=2.0)
    dots_hz, gains_db = [band.freq_hz for band in bands], [band.gain_db for band in bands]
    axes.plot(dots_hz, gains_db, "o", color=_EQ, markersize=8, markeredgecolor="white", clip_on=False, zorder=5)
    axes.set_title("ReaEQ's response; a dot for each band", loc="left", fontsize=10, color="#555555", pad=4)
    axes.set_ylabel("Gain (dB)")
    # Silence in a stop band must not hide the rest; 6 dB at least, so that a small EQ looks small.
    drawn = np.abs(np.concatenate([eq_db, gains_db]))
    drawn = drawn[np.isfinite(drawn)]
    reach_db = min(max(6.0, *drawn * 1.15, 0.0), 24.0)
    axes.set_ylim(-reach_db, reach_db)
    axes.yaxis.set_major_locator(FixedLocator(np.arange(-24, 25, 3 if reach_db <= 9 else 6)))


def _dress(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_xlim(20, 20_000)
    axes.xaxis.set_major_locator(FixedLocator(list(_TICKS)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(list(_TICKS), labels=list(_TICKS.values()))
    axes.grid(color="#E4E4E4", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _write(figure: Figure, top: float, text: str, max_lines: int, **style) -> None:
    """Writes above the axes, in as many characters as fit: words and names of files may be long or wide."""
    drawn = figure.text(_LEFT, top, "", va="top", parse_math=False, **style)
    for characters in range(116, 11, -4):
        drawn.set_text(textwrap.fill(text, characters, max_lines=max_lines, placeholder=" …"))
        if drawn.get_window_extent().x1 <= _RIGHT * figure.bbox.width:
            return


def _numbers(values: Sequence[float]) -> np.ndarray:
    return np.asarray(values, dtype=np.float64)
