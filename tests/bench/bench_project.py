"""How long `reaper-aeq project` takes on 24 tracks of 30 s made of real recordings, and how much memory.

    python tests/bench/bench_project.py [--audio DIR] [--tracks 24] [--seconds 30]

Runs the command as a user does, in a process of its own; wall time tells what the machine did besides, CPU time not.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "reaper"))

from standin.example import ItemSpec, TrackSpec, write

SHARED = Path(os.environ.get("AEQ_SHARED") or Path(__file__).parents[3] / "shared")
LIMIT_S, LIMIT_GB = 20.0, 1.5
SUFFIXES = (".flac", ".ogg", ".mp3", ".wav")


def song(folder: Path, audio: Path, tracks: int, seconds: float) -> Path:
    """A recording a track, looped to its length, in folders of four."""
    files = sorted(path for path in audio.iterdir() if path.suffix in SUFFIXES)
    specs = []
    for n in range(tracks):
        file = files[n * len(files) // tracks]
        folded = {0: 1, 3: -1}.get(n % 4, 0) if n // 4 * 4 + 3 < tracks else 0
        specs.append(TrackSpec(file.stem, [ItemSpec(file, 0.0, seconds, loop=True)], volume=0.3, folder=folded))
    return write(folder / "song.rpp", specs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, default=SHARED / "audio")
    parser.add_argument("--tracks", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = song(Path(folder), options.audio, options.tracks, options.seconds)
        started = time.perf_counter()
        command = [sys.executable, "-m", "reaper_aeq", "project", path, "--json"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
        wall_s = time.perf_counter() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        page_kb = path.with_name("song.aeq.html").stat().st_size >> 10
    cpu_s, memory_gb = used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20
    verdict = "ok" if wall_s <= LIMIT_S and memory_gb <= LIMIT_GB else "TOO MUCH"
    print(
        f"{options.tracks} tracks of {options.seconds:g} s on {os.cpu_count()} cores ({os.getloadavg()[0]:.1f} busy):"
    )
    print(f"{wall_s:.1f} s ({cpu_s:.1f} s of CPU), {memory_gb:.2f} GB, report {page_kb} kB: {verdict}")


if __name__ == "__main__":
    main()
