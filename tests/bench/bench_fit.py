"""How much processor time a fit takes and how near it comes, as a table.

Run by hand: `python tests/bench/bench_fit.py --data ../shared/data`; without `--data`, random settings only.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from reaper_aeq.dsp.few_bands import Curve, few_bands
from reaper_aeq.dsp.fit import DEFAULT_KINDS, fit_bands
from reaper_aeq.dsp.response import response_db
from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.training.datasets.readers import read_safe

FREQS_HZ = torch.from_numpy(GRID_HZ)
SHARES = (50, 90, 95, 99, 100)


def random_settings(count: int, seed: int = 0) -> torch.Tensor:
    """(count, 5, 3): settings of SAFE's shape, harder than people's: every band at work, gains even in +-12 dB."""
    unit = torch.rand(count, 5, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    low = torch.tensor([22.0, 82.0, 180.0, 220.0, 580.0], dtype=torch.float64)
    high = torch.tensor([1000.0, 3900.0, 4700.0, 10_000.0, 20_000.0], dtype=torch.float64)
    bandwidth_oct = 0.3 * 10 ** unit[..., 2]
    bandwidth_oct[:, [0, 4]] = 1.0
    return torch.stack((low * (high / low) ** unit[..., 0], 24 * unit[..., 1] - 12, bandwidth_oct), -1)


def five(targets: torch.Tensor) -> torch.Tensor:
    found = response_db(fit_bands(targets), DEFAULT_KINDS, FREQS_HZ, 48_000)
    return (found - targets).square().mean(-1).sqrt()


def few(targets: torch.Tensor) -> torch.Tensor:
    """As answers are made: as few bands as come near; level-free."""
    alike = torch.ones(targets.shape[1], dtype=torch.float64)
    curves = [Curve(target.double(), alike, alike > 0, 60 * alike, 0 * alike) for target in targets]
    found = few_bands(curves, 48_000)
    responses = torch.stack([torch.from_numpy(eq.response_db(GRID_HZ, 48_000)) for eq in found])
    return (responses - targets).std(-1, correction=0)


SEARCHES = {"five": five, "few": few}


def measure(name: str, targets: torch.Tensor, search: Callable[[torch.Tensor], torch.Tensor], singles: int) -> str:
    """One line of the table. targets (n, freqs): `singles` of them one by one, then all at once."""
    single = []
    for target in targets[:: max(1, len(targets) // singles)]:
        start = time.process_time()
        search(target[None])
        single.append(1e3 * (time.process_time() - start))
    start = time.process_time()
    rms_db = search(targets)
    batch_ms = 1e3 * (time.process_time() - start)
    times = (statistics.median(single), max(single), batch_ms, batch_ms / len(targets))
    rms = np.percentile(rms_db.numpy(), SHARES)
    return f"{name:<14}{len(targets):>7}" + "".join(f"{t:>10.1f}" for t in times) + "".join(f"{r:>8.4f}" for r in rms)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--singles", type=int, default=60, help="curves that are fitted one by one")
    parser.add_argument("--data", help="a folder with safe_eq.csv: people's settings too")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    materials = {"random": response_db(random_settings(256), DEFAULT_KINDS, FREQS_HZ, 48_000)}
    if args.data:
        materials["SAFE"] = read_safe(args.data).curves_db
    materials["gentle"] = 0.25 * materials["random"]  # about what answers are
    for search in SEARCHES.values():
        search(next(iter(materials.values()))[:1])  # dictionaries are made once
    print(f"{'':<21}{'one, ms':>20}{'batch, ms':>20}{'RMS, dB':>40}")
    heads = ("median", "worst", "all", "a curve")
    print(f"{'':<14}{'curves':>7}" + "".join(f"{h:>10}" for h in heads) + "".join(f"{f'{s} %':>8}" for s in SHARES))
    for name, targets in materials.items():
        for searched, search in SEARCHES.items():
            print(measure(f"{name}, {searched}", targets, search, args.singles))


if __name__ == "__main__":
    main()
