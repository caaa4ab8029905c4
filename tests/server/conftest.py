"""The app with the shipped models in this process, and backends as processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
import soundfile
from backends import PORT, TOKEN, Process
from starlette.testclient import TestClient

from reaper_aeq.engine import AdaptiveEQ
from reaper_aeq.server.app import create_app
from reaper_aeq.server.mailbox import Mailboxes
from reaper_aeq.server.state import State

RATE = 44_100


def loaded(engine: object) -> Future:
    future: Future = Future()
    future.set_result(engine)
    return future


@pytest.fixture(scope="session")
def engine() -> AdaptiveEQ:
    return AdaptiveEQ.load()


@pytest.fixture
def clients() -> Iterator[Callable[..., TestClient]]:
    """Makes a client of an app around any engine, or of a future one; with the token unless told otherwise."""
    made = []

    def make(engine: object, log_file: Path | None = None, **headers: str) -> TestClient:
        future = engine if isinstance(engine, Future) else loaded(engine)
        app = create_app(future, State(PORT, TOKEN, 1, "0.1.0", "2026-01-01T00:00:00Z"), log_file)
        app.state.mailboxes = Mailboxes(app, app.state.backend)
        made.append(app)
        headers = {"Authorization": f"Bearer {TOKEN}"} | headers
        return TestClient(app, base_url=f"http://127.0.0.1:{PORT}", headers=headers, raise_server_exceptions=False)

    yield make
    for app in made:
        assert app.state.backend.worker.close(patience_s=20), "a worker did not end"


@pytest.fixture
def client(clients, engine, tmp_path) -> TestClient:
    return clients(engine, tmp_path / "backend.log")


def store(path: Path, seconds: float = 1.5, seed: int = 0, channels: int = 2, dull: float = 1.0) -> Path:
    """Noise whose power falls by 3 dB an octave times `dull`."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal((channels, round(seconds * RATE))))
    spectrum /= np.maximum(np.arange(spectrum.shape[1]), 20.0) ** (0.5 * dull)
    sound = np.fft.irfft(spectrum, n=round(seconds * RATE))
    soundfile.write(path, (0.05 * sound / sound.std()).T, RATE, "FLOAT")
    return path


@pytest.fixture(scope="session")
def sounds(tmp_path_factory) -> list[Path]:
    """Eight short sounds, from bright to dull."""
    folder = tmp_path_factory.mktemp("sounds")
    return [store(folder / f"klang ü{n}.wav", seed=n, dull=0.7 + 0.2 * n) for n in range(8)]


@pytest.fixture
def process(tmp_path) -> Iterator[Callable[..., Process]]:
    """Starts `reaper-aeq serve` with a state file in `tmp_path` and waits for its first answer; ends what is left."""
    made: list[Process] = []

    def start(*arguments: str, wait: bool = True) -> Process:
        made.append(Process(tmp_path / "state" / "backend.json", *arguments))
        return made[-1].answering() if wait else made[-1]

    yield start
    for one in made:
        one.end()
