"""What starts from nothing costs, beside what importing torch and torchaudio takes.

    python tests/bench/bench_cold.py [--seconds 30] [--repeats 5]

Each round runs all of them in turn, each in processes of its own as a shell does; medians over the rounds are compared,
so what else the machine does burdens all alike. "first EQ" is a backend that starts and answers one track. Python's
bytecode is kept, as on a user's machine, whatever the environment says.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench_serve import ask, start
from floor import write_song

# seconds that may come on top of so many times the import
ALLOWED = {"first EQ": (1.15, 0.0), "adapt": (1.15, 0.4), "analyze": (1.15, 0.4), "match": (1.15, 0.4)}
IMPORT = "import"


def run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def first_eq(sound: Path) -> float:
    """Seconds; its end is not counted."""
    with tempfile.TemporaryDirectory() as name:
        process, state, _, adapted = start(Path(name), sound)
        ask(state, "/v1/shutdown", {})
        process.wait(timeout=20)
    return adapted


def measured(work: Callable[[], float | None]) -> tuple[float, float]:
    """Seconds by the clock, unless the work says its own, and of processor time."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    own = work()
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return own or wall, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as name:
        song = write_song(Path(name) / "song.wav", options.seconds, seed=0)
        other = write_song(Path(name) / "other.wav", options.seconds, seed=1)
        ours = ("-m", "reaper_aeq")
        works: dict[str, Callable[[], float | None]] = {
            IMPORT: lambda: run("-c", "import torch, torchaudio"),
            "first EQ": lambda: first_eq(song),
            "adapt": lambda: run(*ours, "adapt", str(song), "warm"),
            "analyze": lambda: run(*ours, "analyze", str(song)),
            "match": lambda: run(*ours, "match", str(song), str(other)),
        }
        rounds: dict[str, list[tuple[float, float]]] = {what: [] for what in works}
        for number in range(options.repeats + 1):
            for what, work in works.items():
                taken = measured(work)
                if number:  # the first round fills the caches
                    rounds[what].append(taken)
    imported = statistics.median(wall for wall, _ in rounds[IMPORT])
    print(f"{'':<10}{'seconds':>8}{'CPU':>7}{'times the import':>18}{'allowed':>9}")
    for what, taken in rounds.items():
        wall, cpu = (statistics.median(column) for column in zip(*taken, strict=True))
        times, more = ALLOWED.get(what, (1.0, 0.0))
        allowed = f"{times * imported + more:.2f} s" if what in ALLOWED else "-"
        print(f"{what:<10}{wall:>8.2f}{cpu:>7.2f}{wall / imported:>18.2f}{allowed:>9}")


if __name__ == "__main__":
    main()
