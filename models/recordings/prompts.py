"""Spoken prompts, words and sentences of a second or two, joined until ten seconds are full."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
from packages import Cache
from recording import Recording, Samples, read, trimmed

ENOUGH_S, TOO_LITTLE_S, PROMPT_LEAST_S = 10.5, 5.0, 0.15
PEAK = 0.5  # of each prompt
QUIET = 0.02  # of its peak: what is cut off at either end


def prompts(
    cache: Cache, name: str, package: str, pattern: str, count: int = 0, least_s: float = 0.3, most_s: float = 30.0,
    seed: str = "", style: str = "spoken", first: int | None = None,
) -> Iterator[Recording]:  # fmt: skip
    """`count` recordings with numbers, each of a part of its own of the prompts (the `first` so many, shuffled), or a
    single one without."""
    rng = random.Random(seed or name)
    files = cache.files(package, pattern, least_s, most_s)
    rng.shuffle(files)
    files = files[:first]
    parts = max(count, 1)
    for k in range(parts):
        own = files[k * len(files) // parts : (k + 1) * len(files) // parts]
        samples, rate = joined(own, rng)
        if len(samples):
            label = f"speech_{name}_{k}" if count else f"speech_{name}"
            yield Recording(label, "speech", style, package, samples, rate, "joined prompts")


def joined(files: Sequence[Path], rng: random.Random) -> tuple[Samples, int]:
    """Prompts of the first one's sample rate with pauses between them; nothing where they do not last five seconds."""
    parts: list[Samples] = []
    seconds, rate = 0.0, 0
    for file in files:
        try:
            samples, own = read(file)
        except soundfile.LibsndfileError:
            continue
        samples, rate = trimmed(samples.mean(1, keepdims=True), QUIET), rate or own
        if own != rate or len(samples) < PROMPT_LEAST_S * rate:
            continue
        pause = np.zeros((int(rng.uniform(0.08, 0.3) * rate), 1))
        parts += [samples / max(np.abs(samples).max(), 1e-3) * PEAK, pause]
        seconds += len(samples) / rate
        if seconds > ENOUGH_S:
            break
    return (np.concatenate(parts), rate) if seconds > TOO_LITTLE_S else (np.zeros((0, 1)), rate)
