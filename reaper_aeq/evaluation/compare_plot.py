"""The comparison as one picture: a row a method, a column a question, darker is further from the clean mix."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..errors import OutputError
from ..util.files import atomic_write

SUFFIXES = (".png", ".svg", ".pdf")
TABLES = {"people's edits taken back": "people", "published edits taken back, adaptation 1": "gross"}


def plot_comparison(report: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]], path: Path) -> None:
    """Log-spectral distances of the repair tables, in dB, best of each column in bold. Raises `OutputError`."""
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"cannot draw {path}: choose a name that ends in {', '.join(SUFFIXES)}")
    columns = {
        f"{fill(word, 12)}\n{kind}": {method: figures["lsd_db"] for method, figures in methods.items()}
        for title, kind in TABLES.items()
        for word, methods in report[title].items()
    }
    methods = list(dict.fromkeys(method for values in columns.values() for method in values))
    grid = np.array([[values.get(method, np.nan) for values in columns.values()] for method in methods])
    figure = Figure(figsize=(2.2 + 0.85 * len(columns), 1.2 + 0.36 * len(methods)), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    # each column for itself: words differ in how much was taken out
    spread = np.nanmax(grid, 0) - np.nanmin(grid, 0)
    axis.imshow(
        (grid - np.nanmin(grid, 0)) / np.maximum(spread, 1e-9), cmap="Blues", vmin=-0.1, vmax=1.6, aspect="auto"
    )
    best = np.nanmin(grid, 0)
    for row, column in np.ndindex(*grid.shape):
        value = grid[row, column]
        if np.isfinite(value):
            weight = "bold" if value <= best[column] + 0.005 else "normal"
            axis.text(column, row, f"{value:.2f}", ha="center", va="center", weight=weight, fontsize=9)
    axis.set_xticks(range(len(columns)), list(columns), fontsize=9)
    axis.set_yticks(range(len(methods)), methods, fontsize=9)
    axis.tick_params(length=0, labeltop=True, labelbottom=False)
    axis.spines[:].set_visible(False)
    axis.set_xlabel("median log-spectral distance to the clean mix, dB; bold is best", fontsize=9)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=120, format=os.path.splitext(path)[1][1:])
