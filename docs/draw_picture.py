"""Draws docs/one_word.png, the README's picture: one word asked of two voices. `make picture`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from reaper_aeq import AdaptiveEQ, Band, BandKind, Eq
from reaper_aeq.demo.song import make_song
from reaper_aeq.dsp.spectrum import GRID_HZ

PICTURE = Path(__file__).with_name("one_word.png")
RATE = 44_100
THIN, FULL = "#d9534f", "#2f6f9f"
TICKS = {50: "50", 100: "100", 200: "200", 500: "500", 1000: "1k", 2000: "2k", 5000: "5k", 10000: "10k"}


def main(path: Path = PICTURE) -> None:
    voice = next(track.audio for track in make_song(sample_rate=RATE) if track.name == "voice")
    # what the demo took away from the voice, a little more, and less treble: as a close dynamic microphone has it
    close = (Band(BandKind.LOW_SHELF, 300.0, 14.0, 1.0), Band(BandKind.HIGH_SHELF, 3000.0, -8.0, 1.0))
    fuller = Eq(bands=close, output_gain_db=0.0).apply(voice, RATE)
    engine = AdaptiveEQ.load(device="cpu")
    answers = {"a thin voice": (voice, THIN), "the same voice, warm": (fuller, FULL)}
    figure = Figure(figsize=(9, 3.4), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for name, (audio, color) in answers.items():
        result = engine.adapt(audio, RATE, "warm", name="Lead Vox")
        source_db = result.source_db
        left.plot(GRID_HZ, source_db - source_db[(GRID_HZ > 400) & (GRID_HZ < 4000)].mean(), color=color, lw=1.8)
        grid_hz = np.geomspace(40, 16_000, 400)
        comes_out_db = result.eq.response_db(grid_hz, RATE) + result.eq.output_gain_db
        right.plot(grid_hz, comes_out_db, color=color, lw=2.2, label=name)
        said = ", ".join(f"{band.gain_db:+.1f} dB at {band.freq_hz:.0f} Hz" for band in result.eq.bands)
        print(f"{name}: {said}; score {result.score_before:.2f} -> {result.score_after:.2f}")
    left.set_title("what is heard", fontsize=10, loc="left")
    right.set_title('what "warm" becomes in ReaEQ', fontsize=10, loc="left")
    left.set_ylim(-30, 22)
    right.axhline(0, color="#999999", lw=0.8)
    right.legend(frameon=False, fontsize=9)
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xlim(40, 16_000)
        axes.xaxis.set_major_locator(FixedLocator(list(TICKS)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticklabels(TICKS.values())
        axes.set_ylabel("dB", fontsize=9)
        axes.set_xlabel("Hz", fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(color="#e4e4e4", lw=0.6)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})


if __name__ == "__main__":
    main()
