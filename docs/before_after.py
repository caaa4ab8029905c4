"""The picture in the README: one setting as ReaEQ shows it, by five bands wherever they come nearest and as it is now.

    python docs/before_after.py [--track drums] [--word "less muddy"] [-o docs/before_after.png]

The sound is a track of the song that `reaper-aeq demo` makes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import matplotlib
import numpy as np

from reaper_aeq import AdaptiveEQ, Eq
from reaper_aeq.demo.song import make_song
from reaper_aeq.methods.method import method
from reaper_aeq.methods.validation import AnalyzedRequest, validated
from reaper_aeq.request import EqRequest
from reaper_aeq.result.explanation import moves
from reaper_aeq.result.realization import bands_for

matplotlib.use("agg")
import matplotlib.pyplot as plt

SAMPLE_RATE = 44_100
FREQS_HZ = np.geomspace(20, 20_000, 600)
TICKS_HZ = {50: "50", 100: "100", 200: "200", 500: "500", 1000: "1k", 2000: "2k", 5000: "5k", 10_000: "10k"}
COLORS = ("#c04f4f", "#c8913a", "#5a9e5a", "#4a7fb5", "#8a63ad")


def settings(track: str, word: str) -> tuple[Eq, Eq]:
    """The same target by five unrestricted bands, and by as few as a person would use."""
    engine = AdaptiveEQ.load(device="cpu")
    audio = next(one.audio for one in make_song(sample_rate=SAMPLE_RATE) if one.name == track)
    asked = AnalyzedRequest(engine.analyze(audio, SAMPLE_RATE), EqRequest(word, name=track))
    checked = validated(asked, engine.words)
    (request,) = engine.requests([checked])
    target = request.fit_target(engine.eq_model, engine.eq_model.encode(method(checked.method)([request])[0].float()))
    (five,), (few,) = (bands_for([target], unrestricted=unrestricted) for unrestricted in (True, False))
    return five, few


def draw(eqs: Sequence[Eq], titles: Sequence[str], path: str) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.1), sharey=True, constrained_layout=True)
    for axis, eq, title in zip(axes, eqs, titles, strict=True):
        for number, (band, color) in enumerate(zip(eq.bands, COLORS, strict=False), 1):
            alone = Eq((band,)).response_db(FREQS_HZ, SAMPLE_RATE)
            axis.fill_between(FREQS_HZ, alone, alpha=0.25, color=color, lw=0)
            axis.plot(FREQS_HZ, alone, color=color, lw=0.8)
            at = float(Eq((band,)).response_db(np.array([band.freq_hz]), SAMPLE_RATE)[0])
            axis.annotate(
                str(number), (band.freq_hz, at), ha="center", va="center", fontsize=7, color="white",
                bbox={"boxstyle": "circle,pad=0.25", "fc": color, "ec": "none"},
            )  # fmt: skip
        axis.plot(FREQS_HZ, eq.response_db(FREQS_HZ, SAMPLE_RATE), color="#222222", lw=1.8)
        axis.set(xscale="log", xlim=(20, 20_000), title=title)
        axis.set_xticks(list(TICKS_HZ), list(TICKS_HZ.values()))
        axis.minorticks_off()
        axis.axhline(0, color="#888888", lw=0.8)
        axis.grid(alpha=0.25)
    axes[0].set_ylabel("dB")
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--track", default="drums")
    parser.add_argument("--word", default="less muddy")
    parser.add_argument("-o", "--output", default="docs/before_after.png")
    args = parser.parse_args()
    eqs = settings(args.track, args.word)
    for title, eq in zip(("before", "now"), eqs, strict=True):
        print(f"{title}: {moves(eq)}")
    draw(eqs, ("Before: five bands that fight", f"Now: {len(eqs[1].bands)} that work together"), args.output)


if __name__ == "__main__":
    main()
