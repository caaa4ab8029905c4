"""Fifty refining steps through ReaEQ's responses against the same steps through dasp-pytorch's filters on the waveform.

    python tests/bench/bench_refine.py [--models DIR] [--seconds 30] [--repeats 5]

Medians of interleaved repeats: what else the machine does then burdens both alike. A step through the waveform takes
so long that one is timed in each repeat, and fifty are computed from it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from floor import write_song

from reaper_aeq.dsp.analyze_file import analyze_opened
from reaper_aeq.dsp.audio import AudioFile
from reaper_aeq.dsp.fit import DEFAULT_KINDS
from reaper_aeq.dsp.response import params_from_eq
from reaper_aeq.engine import AdaptiveEQ
from reaper_aeq.methods.refine import heard_response

STEPS = 50
LIMIT_S = 0.5  # for refining 30 s of audio


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def measure(engine: AdaptiveEQ, path: Path, repeats: int) -> dict[str, float]:
    """Median seconds of `adapt_analysis` without and with steps, and of one step through the waveform."""
    with AudioFile(path) as file:
        heard = analyze_opened(file)
    bands = params_from_eq(engine.adapt_analysis(heard.analysis, "warm").eq)[0][None].requires_grad_(True)
    filtered = heard_response(torch.as_tensor(heard.samples()), DEFAULT_KINDS, heard.analysis.sample_rate)
    actions: dict[str, Callable[[], object]] = {
        "without": lambda: engine.adapt_analysis(heard.analysis, "warm"),
        "spectrum": lambda: engine.adapt_analysis(heard.analysis, "warm", refine=STEPS),
        "waveform step": lambda: torch.autograd.grad(filtered(bands).square().mean(), bands),
    }
    times: dict[str, list[float]] = {name: [] for name in actions}
    for round_ in range(repeats + 1):
        for name, action in actions.items():
            taken = seconds(action)
            if round_:  # the first warms up
                times[name].append(taken)
    middle = {name: statistics.median(values) for name, values in times.items()}
    middle["spectrum"] -= middle["without"]
    return middle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    engine = AdaptiveEQ.load(options.models, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        path = write_song(Path(folder, "song.wav"), options.seconds)
        middle = measure(engine, path, options.repeats)
    waveform = STEPS * middle["waveform step"]
    verdict = "ok" if middle["spectrum"] <= LIMIT_S else "TOO SLOW"
    threads = torch.get_num_threads()
    print(
        f"{options.seconds:g} s of stereo, medians of {options.repeats} interleaved repeats,"
        f" {threads} torch thread{'s' * (threads > 1)}"
    )
    print(f"adapt without refining: {middle['without']:.3f} s, the analysis apart")
    print(f"{STEPS} steps through the responses: {middle['spectrum']:.3f} s ({verdict}, limit {LIMIT_S:g} s)")
    print(
        f"{STEPS} steps through the waveform (dasp-pytorch): {waveform:.1f} s, from {middle['waveform step']:.2f} s"
        f" a step; {waveform / middle['spectrum']:.0f} times as long"
    )


if __name__ == "__main__":
    main()
