"""What an item of a batch costs as the batch grows, and how much faster two workers are than one.

    python tests/bench/bench_batch.py [--sizes 20 200 2000] [--speedup 200] [--seconds 30] [--tracks 0]

Items are sound files of noise, or with `--tracks` projects of so many tracks, whose media they share. Workers are warm
before the clock starts. Wall time tells what the machine did besides, CPU time an item does not: on a busy machine look
at that. `shared` is the command's own part of it, which is all that an idle worker could wait for. `unchanged` is a
second run over the same items.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from contextlib import closing, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
sys.path.insert(0, str(Path(__file__).parents[1] / "reaper"))

import psutil
from sounds import RATE, noise, store
from standin.example import ItemSpec, TrackSpec, write

from reaper_aeq.batch.inputs import Task, find_tasks
from reaper_aeq.batch.run import Batch, Counts
from reaper_aeq.batch.task import Recipe
from reaper_aeq.batch.workers import LocalWorkers, Workers
from reaper_aeq.request import EqRequest
from reaper_aeq.util.paths import shipped

FLAT = 1.25  # at most so much more for an item of the largest batch than for one of the smallest
ITEM_MS = 90.0  # of CPU, a sound file of 30 s
FASTER = 1.85  # at least so many times the throughput with a second worker


@dataclass(frozen=True)
class Cost:
    """Of one run. Seconds; `cpu_s` of all workers, `own_cpu_s` of the command."""

    counts: Counts
    wall_s: float
    cpu_s: float
    own_cpu_s: float

    @property
    def items(self) -> int:
        return self.counts.done + self.counts.unchanged


def catalog(folder: Path, songs: int, tracks: int, seconds: float) -> list[Task]:
    """Projects in folders of a hundred, each unlike the others."""
    media = [store(folder / f"sound {n}.wav", noise(2, seconds, seed=n)) for n in range(8)]
    for n in range(songs):
        here = folder / f"{n // 100:03}"
        here.mkdir(exist_ok=True)
        specs = [
            TrackSpec(f"track {t}", [ItemSpec(media[(n + t) % len(media)], 0.01 * (n % 50), 0.9 * seconds)], volume=0.5)
            for t in range(tracks)
        ]
        write(here / f"song {n:05}.rpp", specs, sample_rate=RATE)
    return find_tasks([str(folder)], None, folder / "out", sounds=False)[0]


def recordings(folder: Path, songs: int, seconds: float) -> list[Task]:
    """Sound files in folders of a hundred; there are only a few, under many names."""
    (folder / "made").mkdir()
    media = [store(folder / "made" / f"{n}.wav", noise(2, seconds, seed=n)) for n in range(8)]
    for n in range(songs):
        here = folder / "songs" / f"{n // 100:03}"
        here.mkdir(exist_ok=True, parents=True)
        os.link(media[n % len(media)], here / f"{n:05}.wav")
    return find_tasks([str(folder / "songs")], None, folder / "out", sounds=True)[0]


def workers_s() -> float:
    """CPU time of all workers, seconds."""
    times = [child.cpu_times() for child in psutil.Process().children()]
    return sum(time.user + time.system for time in times)


def cost(workers: Workers, tasks: list[Task], recipe: Recipe, out: Path) -> Cost:
    """Of one batch, to a folder of its own or to one where it was done before."""
    out.mkdir(exist_ok=True)
    say = partial(print, file=sys.stderr)
    before_s, own_s, started = workers_s(), time.process_time(), time.perf_counter()
    counts = Batch(tasks, recipe, out, lambda counts: None, say, lambda: nullcontext(workers)).run()
    wall_s, own_s = time.perf_counter() - started, time.process_time() - own_s
    return Cost(counts, wall_s, workers_s() - before_s, own_s)


def row(name: str, found: Cost) -> str:
    n = found.items
    return (
        f"{name:>12} {n:6} {found.wall_s:9.1f} {n / found.wall_s:9.2f} {1000 * found.wall_s / n:10.1f}"
        f" {1000 * found.cpu_s / n:10.1f} {1000 * found.own_cpu_s / n:10.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 200, 2000])
    parser.add_argument("--speedup", type=int, default=200, metavar="N", help="items for one worker against two")
    parser.add_argument("--tracks", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        # a copy, for a training may put others in their place meanwhile
        models = shutil.copytree(shipped("models"), folder / "models", ignore=shutil.ignore_patterns("folds"))
        recipe = Recipe.of(None, None if options.tracks else EqRequest("warm"), render=False, models=models)
        most = max(*options.sizes, options.speedup)
        if options.tracks:
            tasks, what = catalog(folder, most, options.tracks, options.seconds), f"projects of {options.tracks} tracks"
        else:
            tasks, what = recordings(folder, most, options.seconds), "sound files"
        busy = os.getloadavg()[0]
        print(f"{what} of {options.seconds:g} s, {os.cpu_count()} cores ({busy:.1f} busy)")
        print(f"{'':>12} {'items':>6} {'wall s':>9} {'items/s':>9} {'ms/item':>10} {'CPU ms':>10} {'shared ms':>10}")
        costs = {}
        with closing(LocalWorkers(2)) as workers:
            cost(workers, tasks[:8], recipe, folder / "warm 2")
            for size in options.sizes:
                costs[size] = cost(workers, tasks[:size], recipe, folder / f"out {size}")
                print(row("2 workers", costs[size]), flush=True)
            largest = options.sizes[-1]
            print(row("unchanged", cost(workers, tasks[:largest], recipe, folder / f"out {largest}")), flush=True)
            two = cost(workers, tasks[: options.speedup], recipe, folder / "out two")
        with closing(LocalWorkers(1)) as workers:
            cost(workers, tasks[:4], recipe, folder / "warm 1")
            one = cost(workers, tasks[: options.speedup], recipe, folder / "out one")
        print(row("2 workers", two), row("1 worker", one), sep="\n")
    first, last = (costs[size].cpu_s / size for size in (options.sizes[0], options.sizes[-1]))
    print(f"CPU an item, {options.sizes[-1]} against {options.sizes[0]}: {last / first:.2f}, at most {FLAT}:", end=" ")
    print("ok" if last / first <= FLAT else "NOT FLAT")
    if not options.tracks and options.seconds == 30:
        each_ms = 1000 * one.cpu_s / one.items
        print(f"one worker: {each_ms:.0f} ms of CPU an item, at most {ITEM_MS:.0f}:", end=" ")
        print("ok" if each_ms <= ITEM_MS else "TOO MUCH")
    faster, possible = one.wall_s / two.wall_s, 2 * one.cpu_s / two.cpu_s
    print(f"two workers: {faster:.2f} times one's throughput (by CPU time {possible:.2f}), at least {FASTER}:", end=" ")
    print("ok" if faster >= FASTER else "TOO LITTLE")


if __name__ == "__main__":
    main()
