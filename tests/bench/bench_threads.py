"""What more torch threads gain or cost, beside a sound for each core: on a machine as it is, and with all cores taken.

    python tests/bench/bench_threads.py [--seconds 30] [--repeats 7]

Threads of OpenMP wait for one another after every operation. As they come they do so awake ("awake": libgomp's own
way), and with OMP_WAIT_POLICY=PASSIVE, which the command line sets, asleep. Seconds by the clock and of processor time
for `adapt` of one sound in memory, times those of one thread in the same process, in turn; then how many sounds a
second as many Python threads of one torch thread each make as there are cores, times those of one. "same digits":
whether the spectrum is what one thread makes of it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

POLICIES = {"awake": None, "asleep": "PASSIVE"}


def thread_counts() -> list[int]:
    cores = os.cpu_count() or 1
    return sorted({2**n for n in range(cores.bit_length()) if 2**n <= cores} | {cores})


def measure(seconds: float, repeats: int) -> dict[str, list[float]]:
    """In a process of its own, as a library reads its environment only once: {what: [clock, processor]} medians."""
    import numpy as np
    import torch

    from reaper_aeq.engine import AdaptiveEQ

    engine = AdaptiveEQ.load(device="cpu")
    rate, rng = 44_100, np.random.default_rng(0)
    sound = 0.1 * rng.standard_normal((2, round(seconds * rate))).astype(np.float32)

    def once() -> None:
        engine.adapt_analysis(engine.analyze(sound, rate), "warm")

    def timed(action: object) -> tuple[float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        action()  # type: ignore[operator]
        return time.perf_counter() - wall, time.process_time() - cpu

    cores = os.cpu_count() or 1
    found: dict[str, list[tuple[float, float]]] = {}
    with ThreadPoolExecutor(cores) as pool:
        for number in range(repeats + 1):
            for count in thread_counts():
                torch.set_num_threads(count)
                taken = timed(once)
                if number:  # the first round warms up
                    found.setdefault(f"{count}", []).append(taken)
            torch.set_num_threads(1)
            taken = timed(lambda: list(pool.map(lambda _: once(), range(2 * cores))))
            if number:
                found.setdefault("sounds", []).append((taken[0] / (2 * cores), taken[1] / (2 * cores)))
    spectra = []
    for count in thread_counts():
        torch.set_num_threads(count)
        spectra.append(engine.analyze(sound, rate).band_power)
    medians = {name: [statistics.median(column) for column in zip(*own, strict=True)] for name, own in found.items()}
    medians["same"] = [float(torch.equal(spectra[0], other)) for other in spectra]
    return medians


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(json.dumps(measure(options.seconds, options.repeats)))
        return
    cores = os.cpu_count() or 1
    print(
        f"adapt of {options.seconds:g} s on {cores} cores: ms by the clock, then clock and processor times one thread's"
    )
    for busy in (False, True):
        for name, policy in POLICIES.items():
            environment = {k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY")}
            environment |= {"OMP_WAIT_POLICY": policy} if policy else {}
            command = [sys.executable, __file__, "--here", "--seconds", str(options.seconds)]
            command += ["--repeats", str(options.repeats)]
            with ExitStack() as stack:
                for _ in range(cores if busy else 0):
                    burner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
                    stack.callback(burner.wait)
                    stack.callback(burner.kill)
                told = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
            found = json.loads(told.splitlines()[-1])
            wall, cpu = found["1"]
            parts = [f"1 thread {1e3 * wall:.0f} ms"]
            for count, same in zip(thread_counts(), found["same"], strict=True):
                if count > 1:
                    ratios = f"{found[str(count)][0] / wall:.2f} and {found[str(count)][1] / cpu:.2f}"
                    parts.append(f"{count} threads {ratios}, {'the same' if same else 'other'} digits")
            parts.append(f"{cores} sounds at once {wall / found['sounds'][0]:.2f} times as many a second")
            print(f"{'cores taken' if busy else 'as it is':<12}{name:<8}" + "; ".join(parts), flush=True)


if __name__ == "__main__":
    main()
