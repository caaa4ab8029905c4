"""What commands share of engine and listening: warnings go to stderr."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ...dsp.analyze_file import AnalyzedAudio, analyze_opened
from ...dsp.audio import AudioFile
from ...model import DEFAULT_ENCODER
from .console import StepDone, detail, warn

if TYPE_CHECKING:
    import numpy as np

    from ...engine import AdaptiveEQ

BLOCK_S = 10.0  # of sound between two steps, at most
WRITTEN_S = 2.5  # the same of what is written


def load_engine(models: Path | None, encoder: str = DEFAULT_ENCODER) -> AdaptiveEQ:
    """The models in `models`, or the shipped ones. Raises `ModelError`."""
    began = time.perf_counter()
    from ...engine import AdaptiveEQ

    engine = AdaptiveEQ.load(models, encoder=encoder)
    detail(f"models of {models or 'this installation'} loaded on {engine.device} in {_since(began)}")
    return engine


def hear(
    file: AudioFile, step_done: StepDone | None = None, *, sections: bool = False, powers_only: bool = False
) -> AnalyzedAudio:
    """`analyze_opened`; a damaged end is told of on stderr. Raises `AudioError`."""
    began, between_blocks = time.perf_counter(), _counter(file, "listening to", step_done)
    heard = analyze_opened(file, between_blocks, sections=sections, powers_only=powers_only)
    detail(f"{file.path}: {heard.analysis.duration_s:.1f} s at {file.sample_rate} Hz heard in {_since(began)}")
    if heard.warning:
        warn(heard.warning)
    return heard


def counted(file: AudioFile, step_done: StepDone) -> Iterator[np.ndarray]:
    """The blocks of a file that is written anew, each told of; short ones, for filters hold several copies of them."""
    between_blocks = _counter(file, "writing", step_done, WRITTEN_S)
    for block in file.blocks(WRITTEN_S):
        between_blocks()
        yield block


def _counter(file: AudioFile, what: str, step_done: StepDone | None, block_s: float = BLOCK_S) -> Callable[[], None]:
    steps, count = max(1, math.ceil((file.frames or 0) / file.sample_rate / block_s)), 0
    name = f"{what} {Path(file.path).name}"

    def between_blocks() -> None:
        nonlocal count
        count += 1
        if step_done:
            step_done(name, min(count, steps), steps)

    return between_blocks


def _since(began: float) -> str:
    return f"{time.perf_counter() - began:.2f} s"
