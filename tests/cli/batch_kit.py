"""Catalogs for the tests of `batch`, and what a batch left, counted from its files."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from sounds import RATE, noise, store

sys.path.insert(0, str(Path(__file__).parents[1] / "reaper"))

from standin.example import ItemSpec, TrackSpec, write


def catalog(folder: Path, songs: int, lost: bool = False, takes: int = 0, seconds: float = 1.0) -> Path:
    """Folders a and b with `songs` projects each of the same names, which share a recording; `takes` in 'loose'."""
    for place in "ab":
        here = folder / place
        here.mkdir(parents=True)
        settle(store(here / "vox.wav", noise(2, seconds, seed=ord(place))))
        for n in range(songs):
            tracks = [
                TrackSpec("Lead vox", [ItemSpec("vox.wav", 0.0, seconds)], volume=1 - 0.001 * n),
                TrackSpec("bass", [ItemSpec("vox.wav", 0.1 * (n % 5), 0.8 * seconds)]),
            ]
            settle(write(here / f"song {n}.rpp", tracks, sample_rate=RATE))
    if lost:
        settle(write(folder / "b" / "lost.rpp", [TrackSpec("x", [ItemSpec("no.wav", 0.0, 1.0)])], sample_rate=RATE))
    for n in range(takes):
        (folder / "loose").mkdir(exist_ok=True)
        settle(store(folder / "loose" / f"take {n}.wav", noise(1, seconds, seed=n)))
    return folder


def settle(path: Path, age_s: float = 60) -> Path:
    """As if it had not been touched for a while."""
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


def rows(out: Path) -> list[dict]:
    """What the tasks' folders say of them."""
    return [json.loads(path.read_text()) for path in sorted(out.glob("*/task.json"))]


def records(out: Path) -> list[dict]:
    """Of those that are done."""
    return [row for row in rows(out) if row["result"]]


def results(out: Path) -> dict[str, str]:
    """The number that was drawn when a task was really done, by its id."""
    return {record["id"]: record["result"] for record in records(out)}
