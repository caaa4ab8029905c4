"""Recordings cut out of a package's files: music at a place drawn from a seed, stems and samples at a given place, and
loops repeated."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import numpy as np
from packages import Cache, seconds_of
from recording import Recording, read, slug

MIX_S, EXCERPT_S, LOOP_S = 12.0, 11.0, 10.0
MIX_LEAST_S, EXCERPT_LEAST_S = 24.0, 5.0
NO_MUSIC = r"rain|wind_|ambient/|forest\.ogg|city"  # among a game's music: sounds of places


def mixes(cache: Cache, package: str, pattern: str, count: int) -> Iterator[Recording]:
    """Up to `count` pieces of music; of files of one name the last is kept."""
    rng = random.Random(package)
    long = {file: f"{package}/{cache.path_in(package, file)}" for file in cache.files(package, pattern, MIX_LEAST_S)}
    files = [file for file, path in long.items() if not re.search(NO_MUSIC, path)]
    rng.shuffle(files)
    chosen = {}
    for file in files[:count]:
        start_s = rng.uniform(0.12, 0.75) * (seconds_of(file) - MIX_S - 1)
        chosen[f"mix_{slug(package)}_{slug(file.stem)}"] = (file, max(0.0, start_s))
    for name, (file, start_s) in chosen.items():
        path = cache.path_in(package, file)
        samples, rate = read(file, start_s, MIX_S)
        yield Recording(name, "mix", "music", package, samples, rate, f"start {start_s:.2f} s", path=path)


def excerpt(
    cache: Cache, name: str, package: str, pattern: str, kind: str, style: str, start_s: float = 0.0,
    fractions: tuple[float, ...] = (),
) -> Iterator[Recording]:  # fmt: skip
    """The first file that fits, from `start_s` on, or once from each of `fractions` of its length."""
    file = cache.files(package, pattern, EXCERPT_LEAST_S)[0]
    path = cache.path_in(package, file)
    starts = {f"{name}{k}": part * seconds_of(file) for k, part in enumerate(fractions)}
    for own, start in (starts or {name: start_s}).items():
        samples, rate = read(file, start, EXCERPT_S)
        yield Recording(own, kind, style, package, samples, rate, f"start {start:.2f} s", path=path)


def loop(cache: Cache, name: str, package: str, pattern: str, kind: str) -> Iterator[Recording]:
    """A loop, repeated until ten seconds are full."""
    file = cache.files(package, pattern)[0]
    path = cache.path_in(package, file)
    samples, rate = read(file)
    length = int(LOOP_S * rate)
    repeated = np.tile(samples, (-(-length // len(samples)), 1))[:length]
    yield Recording(name, kind, "loop", package, repeated, rate, "loop", path=path)
