"""Catalogs for the tests of `batch`, and what a batch left, counted from its journal and its files."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from contextlib import closing
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
    with closing(_journal(out)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute("SELECT * FROM tasks")]


def finished(out: Path) -> list[tuple]:
    """(id, key, result): a line for each time that a task was finished."""
    with closing(_journal(out)) as db:
        return db.execute("SELECT id, key, result FROM finished ORDER BY 1, 2, 3").fetchall()


def records(out: Path) -> list[dict]:
    """What the finished tasks left in their folders."""
    return [json.loads(path.read_text()) for path in sorted(out.glob("*/done.json"))]


def _journal(out: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{out / 'batch.sqlite'}?mode=ro", uri=True)
