"""The picture of a training run, from its log."""

from __future__ import annotations

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..util.files import atomic_write
from .loop import Run


def plot_history(run: Run, path: Path, title: str) -> None:
    """One panel a figure of the log, one line a network, against steps. Raises `OutputError`."""
    history = run.history()
    keys = list(dict.fromkeys(key for figures in history.values() for key in figures))
    figure = Figure(figsize=(9, 2.4 * len(keys)), layout="constrained")
    FigureCanvasAgg(figure)
    for axis, key in zip(figure.subplots(len(keys), 1, sharex=True, squeeze=False)[:, 0], keys, strict=True):
        for name, figures in history.items():
            if key in figures:
                axis.plot(*zip(*figures[key], strict=True), label=name, marker="." if len(figures[key]) == 1 else "")
        axis.set_ylabel(key)
        axis.grid(alpha=0.3)
    axis.set_xlabel("step")
    figure.axes[0].set_title(title)
    figure.axes[0].legend(fontsize="small", ncols=4)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=100)
