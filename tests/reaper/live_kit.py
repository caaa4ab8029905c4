"""What the tests of `live` share: the stand-in with reapy's real server in it, in a process of its own."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import soundfile
from standin import StandInError
from standin.example import TrackSpec, project

from reaper_aeq import AdaptiveEQ
from reaper_aeq.cli.main import main
from reaper_aeq.eq import Eq
from reaper_aeq.reaper.rpp.project import Project

HERE = Path(__file__).parent
RATE = 48_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Host:
    """`do(function, *arguments)` runs `function(session, *arguments)` in the stand-in's process, between two cycles.

    `web_port` None: REAPER without reapy's set-up. The function may be a lambda; what it answers must pickle.
    """

    def __init__(self, resource: Path, web_port: int | None, server_port: int = 0):
        self.web_port = web_port
        key = secrets.token_bytes(16)
        with Listener(("127.0.0.1", 0), authkey=key) as listener:
            env = {
                **os.environ,
                # tests give it functions of their own, whose modules import what lies beside the rooms
                "PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")]),
                "HOST_ADDRESS": str(listener.address[1]),
                "HOST_KEY": key.hex(),
                "OMP_NUM_THREADS": "1",
            }
            self.process = subprocess.Popen([sys.executable, "-m", "standin.host"], cwd=HERE, env=env)
            self.connection = listener.accept()
        self.connection.send((str(resource), web_port, server_port))
        self.connection.send_bytes(project([TrackSpec("first")]))
        self.connection.recv()

    def do(self, function: Callable[..., Any], *arguments: Any, timeout_s: float = 60.0) -> Any:
        self.connection.send_bytes(cloudpickle.dumps((function, arguments)))
        if not self.connection.poll(timeout_s):
            raise TimeoutError("the stand-in does not answer: a script holds its cycle")
        fine, answer = cloudpickle.loads(self.connection.recv_bytes())
        if not fine:
            name, text, trace = answer
            raise (
                StandInError("host", text)
                if name == "StandInError"
                else RuntimeError(f"{name} in the stand-in\n{trace}")
            )
        return answer

    def open(self, data: bytes | Path) -> None:
        """Opens a project in place of the one that is open."""

        def swap(session, data):
            session.reaper.open_tab(data)
            session.reaper.close_tab(0)

        self.do(swap, data)

    def bytes(self) -> bytes:
        return self.do(lambda session: session.reaper.project.bytes())

    def labels(self) -> list[str]:
        """Of the undo points, the latest last."""
        return self.do(lambda session: [point.label for point in session.reaper.project.undo_points])

    def undo(self) -> str:
        return self.do(lambda session: session.reaper.undo())

    def verify(self) -> None:
        self.do(lambda session: session.verify())

    @contextmanager
    def function(self, name: str, replacement: Callable[..., Any]) -> Iterator[None]:
        """REAPER's function `name` is `replacement(real, reaper, *arguments)` in the block."""

        def replace(session, name, replacement):
            from functools import partial

            from standin.registry import FUNCTIONS

            real = FUNCTIONS[name]
            session.__dict__.setdefault("replaced", []).append(real)
            FUNCTIONS[name] = partial(replacement, real)

        def put_back(session, name):
            from standin.registry import FUNCTIONS

            FUNCTIONS[name] = session.replaced.pop()

        self.do(replace, name, replacement)
        try:
            yield
        finally:
            self.do(put_back, name)

    def close(self) -> None:
        self.connection.close()
        deadline = time.monotonic() + 5
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        self.process.kill()
        self.process.wait()


def ours(data: bytes) -> dict[str, list[tuple[str, Eq]]]:
    """{track: [(name, EQ)]} of our instances in a project; the master is "Master"."""
    opened = Project.from_bytes(data)
    holders = [(track.name, track) for track in opened.tracks] + [("Master", opened.master)] * bool(opened.master)
    named = {name: [(eq.name, eq.eq) for eq in holder.eqs() if eq.name.startswith("AEQ")] for name, holder in holders}
    return {name: instances for name, instances in named.items() if instances}


def chain(data: bytes, track: str) -> list[str]:
    """The names of the ReaEQs of a track in their order, "" for one without a name."""
    found = next(one for one in Project.from_bytes(data).tracks if one.name == track)
    return [eq.name for eq in found.eqs()]


class Studio:
    """REAPER set up by `live setup`, and the command line beside it; one engine for all runs."""

    def __init__(self, folder: Path, engine: AdaptiveEQ):
        self.folder, self.engine = folder, engine
        self.resource = folder / "REAPER"
        self.resource.mkdir()
        (self.resource / "reaper.ini").write_text("[reaper]\nlastcwd=somewhere\n")
        self.port = free_port()
        assert main(["live", "setup", "--resource-path", str(self.resource), "--port", str(self.port)]) == 0
        self.start()

    def start(self) -> None:
        self.host = Host(self.resource, self.port, free_port())

    def verify(self) -> None:
        """Raises the first rule that was broken; the scripts of that REAPER have ended then, so it is started anew."""
        try:
            self.host.verify()
        except BaseException:
            self.host.close()
            self.start()
            raise

    def open(self, tracks: Sequence[TrackSpec], **more: Any) -> bytes:
        self.host.open(project(tracks, **more))
        return self.host.bytes()

    def noise(self, name: str, slope_db: float = -3.0, seconds: float = 1.0, seed: int = 1) -> Path:
        """Stereo noise whose spectrum falls by `slope_db` an octave."""
        path = self.folder / f"{name}.wav"
        if path.exists():
            return path
        count = int(seconds * RATE)
        spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((count, 2)), axis=0)
        freqs = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20.0)
        audio = np.fft.irfft(spectrum * 10 ** (slope_db * np.log2(freqs / 1000) / 20)[:, None], count, axis=0)
        soundfile.write(path, 0.25 * audio / np.abs(audio).max(), RATE, subtype="FLOAT")
        return path
