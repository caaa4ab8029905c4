"""Searching bands through the network that stands for ReaEQ against searching them through ReaEQ's true responses.

    python tests/bench/bench_proxy.py [--models DIR] [--curves 60] [--seed 0]

Both get the same wanted curves (random EQs, and what the vocabulary's words ask for), the same starts, steps and prior.
Prints the true error of the bands that were found, RMS in dB, and the processor time; beside them what the fit of the
engine does, which is no gradient search and gets starts of its own.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from reaper_aeq.dsp.fit import DEFAULT_KINDS, fit_bands
from reaper_aeq.dsp.response import response_db
from reaper_aeq.engine import AdaptiveEQ
from reaper_aeq.methods.proxy import search, starts
from reaper_aeq.methods.proxy.network import EqProxy
from reaper_aeq.model.curves import GRID, REFERENCE_RATE, center, rms_db
from reaper_aeq.result.realization import NARROWEST_OCT
from reaper_aeq.training.datasets.sources import random_curves


def truly(params: Tensor) -> Tensor:
    return response_db(params, DEFAULT_KINDS, GRID, REFERENCE_RATE)


def fitted(wanted: Tensor, guess: Tensor) -> Tensor:
    return fit_bands(wanted, starts=guess, level_free=True, min_band_oct=NARROWEST_OCT)


def ways(engine: AdaptiveEQ, wanted: Tensor) -> dict[str, Callable[[], Tensor]]:
    """Name -> a function that finds bands (n, 5, 3) for `wanted` (n, grid)."""
    eq_model, proxy = engine.eq_model, engine.models.get(EqProxy)
    codes = eq_model.encode(wanted.float())
    decoder = eq_model.decoder.weight.to(proxy.usual)
    first = starts(eq_model, proxy, codes)
    return {
        "proxy": lambda: search(wanted, first, proxy, lambda params: proxy(params) @ decoder.T),
        "true response": lambda: search(wanted, first.double(), proxy, truly),
        "fit": lambda: fitted(wanted, first[:, :1].double()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--curves", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    engine = AdaptiveEQ.load(options.models, device="cpu")
    drawn = random_curves(options.curves, torch.Generator().manual_seed(options.seed))
    words = torch.stack([engine.curve_of(word) for word in list(engine.words)[: options.curves]])
    print(f"{'wanted':<12} {'way':<14} {'median dB':>10} {'95 % dB':>10} {'ms a curve':>11} {'alone ms':>9}")
    for name, curves in {"random EQs": center(drawn), "words": center(words)}.items():
        all_, alone = ways(engine, curves), ways(engine, curves[:1])
        for way, find in all_.items():
            alone[way]()  # the first warms up
            started = time.process_time()
            alone[way]()
            once = time.process_time()
            error = rms_db(truly(find().double()) - curves)
            each = (time.process_time() - once) / len(curves)
            print(
                f"{name:<12} {way:<14} {float(error.median()):>10.3f} {float(error.quantile(0.95)):>10.3f}"
                f" {1000 * each:>11.1f} {1000 * (once - started):>9.0f}"
            )


if __name__ == "__main__":
    main()
