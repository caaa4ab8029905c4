"""Recordings cut out of a package's files: music at a place drawn from a seed, stems and samples at a given place, and
loops repeated, chords joined."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import numpy as np
from packages import Cache, seconds_of
from recording import Recording, Samples, numbered, read, slug, trimmed

MIX_S, EXCERPT_S, LOOP_S = 12.0, 11.0, 10.0
QUIET = 0.02  # of a chord's peak: what is cut off at either end
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


def loop(cache: Cache, name: str, package: str, pattern: str, kind: str, style: str = "loop") -> Iterator[Recording]:
    """A loop or phrase, repeated until ten seconds are full."""
    file = cache.files(package, pattern, -1.0)[0]
    path = cache.path_in(package, file)
    samples, rate = read(file)
    length = int(LOOP_S * rate)
    repeated = np.tile(samples, (-(-length // len(samples)), 1))[:length]
    yield Recording(name, kind, style, package, repeated, rate, "loop", path=path)


def sequence(
    cache: Cache, name: str, package: str, pattern: str, kind: str, style: str, count: int = 1
) -> Iterator[Recording]:
    """Chords or phrases of a second or two one after the other until ten seconds are full, in an order drawn by the
    name; `count` recordings, each of others."""
    files = cache.files(package, pattern)
    random.Random(name).shuffle(files)
    for k in range(count):
        parts: list[Samples] = []
        seconds, rate = 0.0, read(files[0])[1]
        for file in files[k::count]:
            samples, own = read(file)
            samples = trimmed(samples.mean(1, keepdims=True), QUIET)
            if own == rate and seconds < LOOP_S:
                parts, seconds = [*parts, samples], seconds + len(samples) / rate
        played = np.concatenate(parts)[: int(LOOP_S * rate)]
        yield Recording(numbered(name, k, range(count)), kind, style, package, played, rate, "joined")
