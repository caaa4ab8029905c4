"""How long a fit takes and how near it comes, as a table.

Run by hand: `python tests/bench/bench_fit.py --data ../shared/data`; without `--data`, random settings only.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch

from reaper_aeq.dsp.fit import DEFAULT_FREQS_HZ, DEFAULT_KINDS, fit_bands
from reaper_aeq.dsp.response import response_db
from reaper_aeq.train.data import read_safe

SHARES = (50, 90, 95, 99, 100)


def random_settings(count: int, seed: int = 0) -> torch.Tensor:
    """(count, 5, 3): settings of SAFE's shape, harder than people's: every band at work, gains even in +-12 dB."""
    unit = torch.rand(count, 5, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    low = torch.tensor([22.0, 82.0, 180.0, 220.0, 580.0], dtype=torch.float64)
    high = torch.tensor([1000.0, 3900.0, 4700.0, 10_000.0, 20_000.0], dtype=torch.float64)
    bandwidth_oct = 0.3 * 10 ** unit[..., 2]
    bandwidth_oct[:, [0, 4]] = 1.0
    return torch.stack((low * (high / low) ** unit[..., 0], 24 * unit[..., 1] - 12, bandwidth_oct), -1)


def measure(name: str, targets: torch.Tensor, singles: int = 60) -> str:
    """One line of the table. targets (n, freqs): `singles` of them one by one, then all at once."""
    single = []
    for target in targets[:: max(1, len(targets) // singles)]:
        start = time.perf_counter()
        fit_bands(target)
        single.append(1e3 * (time.perf_counter() - start))
    start = time.perf_counter()
    fit = fit_bands(targets)
    batch_ms = 1e3 * (time.perf_counter() - start)
    times = (statistics.median(single), max(single), batch_ms, batch_ms / len(targets))
    rms = np.percentile(fit.rms_db.numpy(), SHARES)
    return f"{name:<8}{len(targets):>7}" + "".join(f"{t:>10.1f}" for t in times) + "".join(f"{r:>8.4f}" for r in rms)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", help="a folder with safe_eq.csv: people's settings too")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    materials = {"random": response_db(random_settings(256), DEFAULT_KINDS, DEFAULT_FREQS_HZ, 48_000)}
    if args.data:
        materials["SAFE"] = read_safe(args.data).curves_db
    fit_bands(next(iter(materials.values()))[:1])  # the dictionary is made once
    print(f"{'':<15}{'one, ms':>20}{'batch, ms':>20}{'RMS, dB':>40}")
    heads = ("median", "worst", "all", "a curve")
    print(f"{'':<8}{'curves':>7}" + "".join(f"{h:>10}" for h in heads) + "".join(f"{f'{s} %':>8}" for s in SHARES))
    for name, targets in materials.items():
        print(measure(name, targets))


if __name__ == "__main__":
    main()
