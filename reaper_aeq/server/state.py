"""The state file: where clients find the backend, and how a second start finds the first.

Standard library only. The lock beside the file is the operating system's and ends with the process, however it ends:
whoever holds it is the backend, and a state file without one is left over from a crash.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import AeqError
from ..util.files import atomic_write
from ..util.paths import user_folder
from ..util.small_files import read_small

DEFAULT_PORT = 8765
HOST = "127.0.0.1"
MAX_STATE_BYTES = 10_000
CODE_S = 30.0  # how long a browser may take to come; one that has to be started first takes some


@dataclass(frozen=True)
class State:
    """What the file holds, and with it the way to the backend that it speaks of."""

    port: int
    token: str
    pid: int
    version: str
    started: str

    def health(self) -> dict[str, Any] | None:
        """What the backend says of itself; None if none of ours answers there."""
        try:
            status, data = self._request("GET", "/v1/health", None, 2.0)
            return data if status == 200 and data.get("name") == "reaper-aeq" else None
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            return None

    def open_mailbox(self, folder: Path) -> None:
        """Asks it to serve this folder too. Raises `AeqError`."""
        self._asked("/v1/mailboxes", {"folder": str(folder)})

    def dashboard_address(self) -> str:
        """One that a browser can open, once and soon. Raises `AeqError`."""
        return str(self._asked("/v1/dashboard").get("url"))

    def address(self, code: str) -> str:
        """Of the dashboard, for a browser that brings one of its codes."""
        return f"http://{HOST}:{self.port}/?code={code}"

    def _asked(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            status, told = self._request("POST", path, body, 5.0)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise AeqError(f"the backend (process {self.pid}) does not answer: {error}") from None
        if status != 200:
            raise AeqError(str(told.get("error", f"error {status}")))
        return told

    def _request(self, method: str, path: str, body: dict[str, Any] | None, timeout_s: float) -> tuple[int, Any]:
        """Status and answer. Raises `OSError`, `HTTPException`, `ValueError`."""
        with closing(http.client.HTTPConnection(HOST, self.port, timeout=timeout_s)) as connection:
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read(100_000))


def default_state_file(system: str = sys.platform, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the actions look for it.

    >>> default_state_file("linux", {"HOME": "/home/ann"}).as_posix()
    '/home/ann/.local/state/reaper-aeq/backend.json'
    """
    folder = user_folder(system, environ, ("LOCALAPPDATA", "Local"), ("XDG_STATE_HOME", ".local/state"))
    return folder / "backend.json"


def read_state(path: Path) -> State | None:
    """None for a file that is absent or is no state file."""
    try:
        data = json.loads(read_small(path, MAX_STATE_BYTES))
        state = State(**{name: data[name] for name in State.__dataclass_fields__})
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    whole = [type(value) for value in asdict(state).values()] == [int, str, int, str, str]
    return state if whole and 0 < state.port < 65536 and state.token.isalnum() and state.token.isascii() else None


def refuse_other_file(path: Path) -> None:
    """Raises `AeqError` where something lies that is no state file, and would be replaced by one."""
    if os.path.lexists(path) and read_state(path) is None and not (path.is_file() and path.stat().st_size == 0):
        raise AeqError(
            f"{path} is not the state file of a backend: remove it if nobody needs it, or name another --state-file"
        )


def write_state(path: Path, state: State) -> None:
    """Writes it whole, readable by its owner only from its first byte on. Raises `OutputError`."""
    with atomic_write(path, mode=0o600) as temporary:
        temporary.write_text(json.dumps(asdict(state)) + "\n", encoding="utf-8")


def remove_state(path: Path, token: str) -> None:
    """Removes the file if it is still the one with this token."""
    state = read_state(path)
    if state and state.token == token:
        path.unlink(missing_ok=True)


def running(path: Path) -> State | None:
    """The backend that answers to this state file, if one does."""
    state = read_state(path)
    return state if state and state.health() else None


def listening_socket(port: int | None) -> socket.socket:
    """A socket on this machine only: at `port`, or for None at our own or, if that is taken, at any free one.

    Raises `AeqError` if `port` was asked for and is taken.
    """
    for candidate in [port] if port is not None else [DEFAULT_PORT, 0]:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if sys.platform == "win32":
            # there "reuse" would let two programs listen at one port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((HOST, candidate))
            sock.listen(128)
            return sock
        except OSError:
            sock.close()
    raise AeqError(f"port {port} is taken or forbidden: leave out --port to use a free one")
