"""What a backend holds through many large presses: memory over that of the import, handles and threads.

    python tests/bench/bench_soak.py [--jobs 1000] [--sounds 32] [--seconds 30] [--rows 20]

"import" is a process that has imported torch, torchaudio and what the backend is built on, and nothing of ours. The
backend and its second process are counted apart. "most" is the largest of looks every 20 ms while jobs are under way.
The curve is printed as it comes; "growth" compares the last quarter of the jobs with the second, medians; "slope" is
that of the second half, with its standard error (answers of the first dozen jobs are kept, so they grow). Of an idle
moment first, then after each of `--rows` parts of the jobs. Linux: private and shared pages together (RSS).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
from bench_serve import ask, request_seconds, start
from floor import write_song

ABOVE_MB, GROWTH_MB = 120.0, 5.0
IMPORTS = "torch, torchaudio, numpy, soundfile, soxr, safetensors.torch, pydantic, fastapi, uvicorn"
FILES = 8


def imported_mb() -> float:
    """Of a process that imports the libraries and computes nothing."""
    code = f"import {IMPORTS}, psutil; print(psutil.Process().memory_info().rss)"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(told.stdout) / 2**20


def held(process: psutil.Process) -> tuple[float, int, int]:
    """MB, open handles, threads."""
    handles = process.num_handles() if sys.platform == "win32" else process.num_fds()
    return process.memory_info().rss / 2**20, handles, process.num_threads()


class Watch(threading.Thread):
    """Looks at what a process holds until it is stopped; `most_mb` is reset by whoever reads it."""

    def __init__(self, process: psutil.Process):
        super().__init__(daemon=True)
        self.process, self.most_mb, self.stop = process, 0.0, threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.02):
            self.most_mb = max(self.most_mb, self.process.memory_info().rss / 2**20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--sounds", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rows", type=int, default=20)
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    base = imported_mb()
    print(f"import: {base:.0f} MB. {options.jobs} jobs of {options.sounds} sounds of {options.seconds:g} s")
    print(
        f"{'jobs':>6} {'backend':>9} {'above':>7} {'handles':>8} {'threads':>8} {'most above':>11}"
        f" {'second process':>15} {'above':>7}"
    )
    rows: list[tuple[float, int, int]] = []
    most = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [write_song(folder / f"{n}.wav", options.seconds, seed=n) for n in range(FILES)]
        process, state, _, _ = start(folder, files[0])
        try:
            backend = psutil.Process(process.pid)
            watch = Watch(backend)
            watch.start()
            job = [files[n % FILES] for n in range(options.sounds)]
            every = max(1, options.jobs // options.rows)
            for done in range(options.jobs + 1):
                if done:
                    request_seconds(state, job)
                if done % every:
                    continue
                time.sleep(0.3)  # its last answer is out, its last memory not yet given back
                rows.append(held(backend))
                most, watch.most_mb = max(most, watch.most_mb), 0.0
                others = [child.memory_info().rss / 2**20 for child in backend.children(recursive=True)]
                mb, handles, threads = rows[-1]
                second = f"{max(others):>12.0f} MB {max(others) - base:>+7.0f}" if others else f"{'-':>15}"
                own = f"{mb:>6.0f} MB {mb - base:>+7.0f} {handles:>8} {threads:>8} {most - base:>+8.0f} MB"
                print(f"{done:>6} {own} {second}", flush=True)
        finally:
            watch.stop.set()
            ask(state, "/v1/shutdown", {})
            process.wait(timeout=20)
    for what, above in (("between jobs", max(mb for mb, _, _ in rows) - base), ("in a job", most - base)):
        verdict = "ok" if above <= ABOVE_MB else "TOO MUCH"
        print(f"{what}: {above:.0f} MB above the import, at most {ABOVE_MB:.0f}: {verdict}")
    half = np.array([mb for mb, _, _ in rows[len(rows) // 2 :]])
    if len(half) > 3:
        at = every * np.arange(len(half))
        (slope, _), spread = np.polyfit(at, half, 1, cov=True)
        print(f"slope: {slope:+.3f} +- {np.sqrt(spread[0, 0]):.3f} MB a job over the last {at[-1]} jobs")
    quarter = max(1, len(rows) // 4)
    second, last = rows[quarter : 2 * quarter] or rows, rows[-quarter:]
    for what, most_growth, column in (("MB", GROWTH_MB, 0), ("handles", 0.0, 1), ("threads", 0.0, 2)):
        growth = statistics.median(row[column] for row in last) - statistics.median(row[column] for row in second)
        print(f"growth: {growth:+.0f} {what}: {'ok' if growth <= most_growth else 'GROWS'}")


if __name__ == "__main__":
    main()
