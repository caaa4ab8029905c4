"""How long one adaptation takes, against the least that reading and one STFT of the same file can take.

    python tests/bench/bench_adapt.py [--models DIR] [--seconds 210] [--repeats 5]

Prints medians of interleaved repeats: what else the machine does then burdens both alike. Models are loaded before.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from floor import floor_seconds, write_song

from reaper_aeq.dsp.audio import AudioFile
from reaper_aeq.dsp.spectrum import Analysis, analyze_blocks
from reaper_aeq.engine import AdaptiveEQ

LIMIT = 2.5  # times the floor


def analyzed(path: Path) -> Analysis:
    with AudioFile(path) as file:
        return analyze_blocks(file.blocks(), file.sample_rate)


def read(path: Path) -> None:
    with AudioFile(path) as file:
        for _ in file.blocks():
            pass


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def measure(engine: AdaptiveEQ, path: Path, repeats: int) -> dict[str, float]:
    """Median seconds of each part. 'fit and rest' is what `adapt_analysis` does besides the encoder."""
    analysis = analyzed(path)
    actions: dict[str, Callable[[], object]] = {
        "adapt": lambda: engine.adapt_analysis(analyzed(path), "warm"),
        "read": lambda: read(path),
        "read + analysis": lambda: analyzed(path),
        "model": lambda: engine.encoder.observe(analysis, engine.eq_model),
        "adapt_analysis": lambda: engine.adapt_analysis(analysis, "warm"),
    }
    times: dict[str, list[float]] = {"floor": [], **{name: [] for name in actions}}
    for round_ in range(repeats + 1):
        floor = floor_seconds(path)
        taken = {name: seconds(action) for name, action in actions.items()}
        if round_:  # the first warms up
            for name, value in {"floor": floor, **taken}.items():
                times[name].append(value)
    middle = {name: statistics.median(values) for name, values in times.items()}
    middle["STFT analysis"] = middle.pop("read + analysis") - middle["read"]
    middle["fit and rest"] = middle.pop("adapt_analysis") - middle["model"]
    return middle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--seconds", type=float, default=210.0)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = write_song(Path(folder, "song.wav"), options.seconds)
        engine = AdaptiveEQ.load(options.models, device="cpu")
        print(f"{options.seconds:g} s of stereo, medians of {options.repeats} interleaved repeats, in milliseconds")
        chosen = torch.get_num_threads()
        for threads in sorted({1, 2, chosen}):
            torch.set_num_threads(threads)
            middle = measure(engine, path, options.repeats)
            ratio = middle["adapt"] / middle["floor"]
            verdict = "ok" if ratio <= LIMIT else "TOO SLOW"
            parts = ", ".join(f"{name} {1000 * value:.0f}" for name, value in middle.items())
            name = f"{threads} torch thread{'s' * (threads > 1)}" + (
                " (the engine's choice)" if threads == chosen else ""
            )
            print(f"{name}: {parts}; adapt is {ratio:.2f} floors ({verdict})")


if __name__ == "__main__":
    main()
