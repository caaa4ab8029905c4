"""A backend as a process of its own, and how tests speak with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import httpx
from pydantic import Field

from reaper_aeq.server.state import State, read_state
from reaper_aeq.util.message import Message

TOKEN, PORT = "0123456789abcdef" * 4, 8765
PATIENCE_S = 40.0  # a machine that is busy with other tests


class StateInfo(Message):
    """The file `backend.json`, by which clients find the backend."""

    port: Annotated[int, Field(ge=1, le=65535)]
    token: Annotated[str, Field(min_length=32)]
    pid: int
    version: str
    started: str


def task(path: Path | str, request: object = "warm", **more: Any) -> dict[str, Any]:
    return {"id": f"{{{Path(path).stem}}}", "name": Path(path).stem, "path": str(path), "request": request, **more}


def wait_until(happened, seconds: float = PATIENCE_S, what: str = "it"):
    """Whatever true thing `happened` gives; fails after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := happened():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {seconds:g} s")


class Process:
    """`reaper-aeq serve --state-file ... *arguments`"""

    def __init__(self, state_file: Path, *arguments: str):
        self.state_file = state_file
        command = [sys.executable, "-m", "reaper_aeq", "serve", "--state-file", str(state_file), *arguments]
        # a session of its own: Ctrl-C for it must not be one for the tests
        self.popen = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def answering(self) -> Process:
        def answers() -> State | None:
            assert self.popen.poll() is None, self.popen.communicate()
            state = read_state(self.state_file)
            return state if state and state.pid == self.popen.pid and state.health() else None

        self.state = wait_until(answers, what="the first answer")
        headers = {"Authorization": f"Bearer {self.state.token}"}
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.state.port}", headers=headers, timeout=PATIENCE_S)
        return self

    def ready(self) -> Process:
        wait_until(lambda: self.http.get("/v1/health").json()["ready"], what="loading the model")
        return self

    def signal(self, number: int) -> Process:
        os.kill(self.popen.pid, number)
        return self

    def finished(self) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        out, err = self.popen.communicate(timeout=PATIENCE_S)
        return self.popen.returncode, out, err

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.popen.pid, signal.SIGKILL)
        self.popen.communicate()
