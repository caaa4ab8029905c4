"""What `reaper-aeq project` takes, whole processes as a user starts them, beside `import torch, torchaudio`.

    python tests/bench/bench_project.py [--audio DIR] [--tracks 24] [--seconds 30] [--repeats 5] [--only NAME ...]

Compared in turn in one run, medians over the rounds: `plain`, a recording a track; `pitched` and `fitted`, the same
with pitch and time apart; `loop`, a source of 3 s for six minutes, for an hour and for ten; `arrangement`, 1,000 items
of 4 s on 200 tracks over ten hours that share 20 files, and a quarter of it. CPU time hangs less on what the machine
does besides.
Recordings are the team's (`AEQ_SHARED`) or those of `--audio`; the others are made here.
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
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "reaper"))

from floor import write_song
from standin.example import ItemSpec, TrackSpec, write

SHARED = Path(os.environ.get("AEQ_SHARED") or Path(__file__).parents[3] / "shared")
LIMIT_S, LIMIT_GB = 4.5, 1.5
SLOWER = 1.5  # pitched and fitted parts against plain ones, what comes on top of the import
SUFFIXES = (".flac", ".ogg", ".mp3", ".wav")
IMPORT = "import"
HOURS_S = 36_000.0


def song(path: Path, audio: Path, tracks: int, seconds: float, **more) -> Path:
    """A recording a track, looped to its length, in folders of four."""
    files = sorted(path for path in audio.iterdir() if path.suffix in SUFFIXES)
    specs = []
    for n in range(tracks):
        file = files[n * len(files) // tracks]
        folded = {0: 1, 3: -1}.get(n % 4, 0) if n // 4 * 4 + 3 < tracks else 0
        item = ItemSpec(file, 0.0, seconds, loop=True, **more)
        specs.append(TrackSpec(file.stem, [item], volume=0.3, folder=folded))
    return write(path, specs)


def arrangement(path: Path, media: list[Path], tracks: int, items: int) -> Path:
    """Items of 4 s that share their media, spread evenly over ten hours."""
    specs = [TrackSpec(f"track {n}") for n in range(tracks)]
    for n in range(items):
        spec = specs[n % tracks]
        item = ItemSpec(media[n % len(media)], n * HOURS_S / items, 4.0, offset=n % 16, fade_out=0.5)
        spec.items = [*spec.items, item]
    return write(path, specs)


def projects(folder: Path, options: argparse.Namespace) -> dict[str, Path]:
    """Those to measure, by name."""
    found = {}
    if options.audio.is_dir():
        for name, more in {
            "plain": {},
            "pitched": {"preserve_pitch": True, "pitch": -3.0},
            "fitted": {"preserve_pitch": True, "rate": 1.1},
        }.items():
            found[name] = song(folder / f"{name}.rpp", options.audio, options.tracks, options.seconds, **more)
    beat = write_song(folder / "beat.wav", 3.0)
    for name, seconds in {"loop, 6 min": 360.0, "loop, 1 h": 3600.0, "loop, 10 h": HOURS_S}.items():
        item = ItemSpec(beat, 0.0, seconds, loop=True)
        found[name] = write(folder / f"{name}.rpp", [TrackSpec("beat", [item])])
    media = [write_song(folder / f"{n}.wav", 20.0, seed=n) for n in range(20)]
    found["arrangement / 4"] = arrangement(folder / "quarter.rpp", media, 50, 250)
    found["arrangement"] = arrangement(folder / "all.rpp", media, 200, 1000)
    return found


def measured(*command: str | Path) -> tuple[float, float, float]:
    """Seconds by the clock and of CPU time, and the most memory of any such process so far, GB."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL, env=environment)
    wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall_s, cpu_s, after.ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, default=SHARED / "audio")
    parser.add_argument("--tracks", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="what a name begins with")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as name:
        paths = projects(Path(name), options)
        if options.only:
            paths = {name: path for name, path in paths.items() if name.startswith(tuple(options.only))}
        rounds: dict[str, list[tuple[float, float, float]]] = {what: [] for what in (IMPORT, *paths)}
        for _ in range(options.repeats):
            rounds[IMPORT].append(measured("-c", "import torch, torchaudio"))
            for what, path in paths.items():
                rounds[what].append(measured("-m", "reaper_aeq", "project", path, "--json"))
    print(f"{options.tracks} tracks of {options.seconds:g} s; {os.cpu_count()} cores, {os.getloadavg()[0]:.1f} busy")
    print(f"{'':<18}{'seconds':>8}{'CPU':>7}{'CPU over the import':>21}{'GB so far':>11}")
    middle = {}
    for what, taken in rounds.items():
        wall, cpu, memory = (statistics.median(column) for column in zip(*taken, strict=True))
        middle[what] = (wall, cpu)
        print(f"{what:<18}{wall:>8.2f}{cpu:>7.2f}{cpu - middle[IMPORT][1]:>21.2f}{memory:>11.2f}")
    over = {what: cpu - middle[IMPORT][1] for what, (_, cpu) in middle.items()}
    if "plain" in paths:
        memory = statistics.median(memory for _, _, memory in rounds["plain"])
        fits = middle["plain"][0] <= LIMIT_S and memory <= LIMIT_GB
        print(f"plain: at most {LIMIT_S} s and {LIMIT_GB} GB: {'ok' if fits else 'TOO MUCH'}")
    for what in ("pitched", "fitted"):
        if what in paths and "plain" in paths:
            times = over[what] / over["plain"]
            print(f"{what}: {times:.2f} times plain, at most {SLOWER}: {'ok' if times <= SLOWER else 'TOO SLOW'}")
    for what, less in (("loop, 10 h", "loop, 6 min"), ("arrangement", "arrangement / 4")):
        if what in paths and less in paths:
            print(f"{what}: {over[what] / over[less]:.2f} times {less}")


if __name__ == "__main__":
    main()
