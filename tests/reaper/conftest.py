"""For tests against the stand-in REAPER: short ways to run a few lines of Lua in it, and `live` beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from actions_kit import noise as noise_in
from actions_kit import opener
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
def open_song(tmp_path, monkeypatch):
    """Opens songs in the stand-in, with the actions installed and a fake backend: `actions_kit.opener`."""
    yield from opener(tmp_path, monkeypatch)


@pytest.fixture
def sound(tmp_path) -> Path:
    """A short stereo file of noise."""
    return noise_in(tmp_path / "a.wav")


@pytest.fixture
def noise(tmp_path) -> tuple[Path, np.ndarray]:
    """Two seconds of stereo noise at 48 kHz: its file, and its samples (n, 2)."""
    audio = np.random.default_rng(7).uniform(-0.5, 0.5, (2 * RATE, 2)).astype(np.float32)
    path = tmp_path / "noise.wav"
    soundfile.write(path, audio, RATE, subtype="FLOAT")
    return path, audio.astype(np.float64)


@pytest.fixture(scope="module")
def reaper_with_reapy(tmp_path_factory):
    """The stand-in in a process of its own, with reapy's server in it, and the shipped models (`live_kit.Studio`).

    Of one module: its cycles take half a core for as long as it lives.
    """
    from live_kit import Studio

    from reaper_aeq import AdaptiveEQ

    studio = Studio(tmp_path_factory.mktemp("live"), AdaptiveEQ.load(device="cpu"))
    yield studio
    studio.host.close()


@pytest.fixture
def studio(reaper_with_reapy, monkeypatch) -> Iterator:
    """What a run of `live` leaves behind in REAPER is looked at after each test."""
    from reaper_aeq.cli.commands import sound

    monkeypatch.setattr(sound, "load_engine", lambda models: reaper_with_reapy.engine)
    yield reaper_with_reapy
    reaper_with_reapy.verify()


@pytest.fixture
def live(studio, capsys) -> Callable[..., dict]:
    """Runs `live ...`, which must do what is asked and say nothing else, and gives its JSON."""
    from reaper_aeq.cli.main import main

    def run(*arguments: object) -> dict:
        code = main(["live", *map(str, arguments), "--port", str(studio.port), "--json"])
        out, err = capsys.readouterr()
        assert (code, err) == (0, ""), err
        return json.loads(out)

    return run


@pytest.fixture
def refused(studio, capsys) -> Callable[..., str]:
    """Runs `live ...`, which must fail with one sentence and leave the project as it was: the sentence."""
    from reaper_aeq.cli.main import main

    def run(*arguments: object) -> str:
        before, points = studio.host.bytes(), studio.host.labels()
        code = main(["live", *map(str, arguments), "--port", str(studio.port)])
        out, err = capsys.readouterr()
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert (studio.host.bytes(), studio.host.labels()) == (before, points)
        return err.removeprefix("error: ")

    return run
