"""Items a second of the batch paths on the CPU and, where there is one, on CUDA: encoder, refining, fit, proxy search.

    python tests/bench/bench_devices.py [--models DIR] [--items 64] [--repeats 5]

Medians; the first call of each is left out. The two devices' answers are compared as well. `--threads` sets torch's.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from reaper_aeq.dsp.fit import DEFAULT_KINDS, fit_bands
from reaper_aeq.dsp.response import response_db
from reaper_aeq.dsp.spectrum import analyze_blocks
from reaper_aeq.engine import AdaptiveEQ
from reaper_aeq.methods import adaptive, proxy
from reaper_aeq.methods.refine import refined
from reaper_aeq.methods.validation import AnalyzedRequest, validated
from reaper_aeq.model.curves import GRID, REFERENCE_RATE
from reaper_aeq.request import EqRequest
from reaper_aeq.result.realization import bands_for
from reaper_aeq.training.datasets.sources import random_curves, shaped_noise

SECONDS = 10.0
SAME_DB = 0.05


def sounds(items: int) -> list[AnalyzedRequest]:
    """Noise with the balance of random EQs, asked to become warm."""
    generator = torch.Generator().manual_seed(0)
    curves = random_curves(items, generator)
    made = [shaped_noise(curve, SECONDS, 44_100, generator, 3.0, 0.5) for curve in curves]
    return [AnalyzedRequest(analyze_blocks([sound], 44_100), EqRequest("warm", refine=50)) for sound in made]


def paths(engine: AdaptiveEQ, asked: list[AnalyzedRequest]) -> dict[str, Callable[[], Tensor]]:
    """Name -> a function whose answer, (items, grid or codes), both devices must agree on."""
    requests = engine.requests([validated(one, engine.words) for one in asked])
    wanted = adaptive.curves(requests)
    codes = engine.eq_model.encode(wanted.float())
    start = bands_for([r.fit_target(engine.eq_model, code) for r, code in zip(requests, codes, strict=True)])
    requests = [replace(r, models=engine.models) for r in requests]
    grid = GRID.numpy()

    def encode() -> Tensor:
        return torch.stack([engine.encoder.observe(one.analysis, engine.eq_model).usual_db for one in asked])

    def refine() -> Tensor:
        return torch.stack([torch.from_numpy(e.response_db(grid, REFERENCE_RATE)) for e in refined(requests, start)])

    def fit() -> Tensor:
        return response_db(fit_bands(wanted, level_free=True), DEFAULT_KINDS, GRID, REFERENCE_RATE)

    return {"encoder": encode, "refine, 50 steps": refine, "fit": fit, "proxy search": lambda: proxy.curves(requests)}


def seconds(path: Callable[[], Tensor], repeats: int) -> tuple[float, Tensor]:
    """Median seconds and the answer; on CUDA the answer's way back counts."""
    times = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        answer = path().cpu()
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:]), answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--items", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    asked = sounds(options.items)
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    measured = {}
    for device in devices:
        engine = AdaptiveEQ.load(options.models, device=device)
        torch.set_num_threads(options.threads)
        measured[device] = {name: seconds(path, options.repeats) for name, path in paths(engine, asked).items()}
    print(f"{options.items} sounds of {SECONDS:g} s at once, items a second (median of {options.repeats} repeats)")
    print(f"cpu: {options.threads} torch thread{'s' * (options.threads > 1)}")
    print(
        f"cuda: {torch.cuda.get_device_name() if len(devices) > 1 else 'there is none here, so nothing was measured'}"
    )
    for name, (cpu_s, cpu_answer) in measured["cpu"].items():
        line = f"{name:<18} cpu {options.items / cpu_s:>8.1f}"
        if len(devices) > 1:
            cuda_s, answer = measured["cuda"][name]
            apart = float((answer.double() - cpu_answer.double()).abs().max())
            same = "same" if apart <= SAME_DB else "DIFFERENT"
            line += (
                f"   cuda {options.items / cuda_s:>8.1f}   {cpu_s / cuda_s:>6.1f} times   {apart:.4f} dB apart ({same})"
            )
        print(line)


if __name__ == "__main__":
    main()
