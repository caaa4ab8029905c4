"""For tests against the stand-in REAPER: short ways to run a few lines of Lua in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from standin import Reaper
from standin.example import TrackSpec, project

RATE = 48_000


@pytest.fixture
def run_lua(tmp_path):
    """run_lua(source, project bytes or path, **options of Reaper) -> the Reaper after the script ended."""
    opened = []

    def run(source: str, data: bytes | Path | None = None, **options) -> Reaper:
        script = tmp_path / f"script{len(opened)}.lua"
        script.write_text("reaper.defer(function() end)\n" + source)
        reaper = Reaper(project([TrackSpec("one")]) if data is None else data, tmp_path / "resource", **options)
        opened.append(reaper)
        reaper.run_script(script)
        reaper.run_until()
        return reaper

    (tmp_path / "resource").mkdir()
    yield run
    for reaper in opened:
        reaper.close()


@pytest.fixture
def noise(tmp_path) -> tuple[Path, np.ndarray]:
    """Two seconds of stereo noise at 48 kHz: its file, and its samples (n, 2)."""
    audio = np.random.default_rng(7).uniform(-0.5, 0.5, (2 * RATE, 2)).astype(np.float32)
    path = tmp_path / "noise.wav"
    soundfile.write(path, audio, RATE, subtype="FLOAT")
    return path, audio.astype(np.float64)
