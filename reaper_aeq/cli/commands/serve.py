"""`reaper-aeq serve`: the local backend, in this terminal or on its own in the background."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from ...errors import AeqError
from ...server.letters import START_LOG
from ...server.letters import prepare as prepare_mailbox
from ...server.log import open_private
from ...server.state import CODE_S, State, default_state_file, read_state, refuse_other_file, running
from ...util.files import make_folder
from ...util.locks import lock
from .checks import check_models
from .console import print_json, say
from .options import FreePort, Json, Models

STARTING_S = 20.0  # a first start reads torch from a cold disk


def serve(
    state_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where clients find it; REAPER's actions know the default.")
    ] = None,
    port: FreePort = None,
    idle_minutes: Annotated[
        float, typer.Option(min=0, help="Stop after this many minutes without a request; 0: never.")
    ] = 120,
    mailbox: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder in which REAPER's actions put their requests.")
    ] = None,
    background: Annotated[bool, typer.Option("--background", help="Leave it running, without a window.")] = False,
    models: Models = None,
    as_json: Json = False,
) -> int:
    """Run the backend that REAPER's actions ask, with a dashboard. Only this machine can reach it."""
    # where one runs already, that one is told of, and serves `mailbox` too
    path = Path(state_file or default_state_file()).absolute()
    if mailbox:
        mailbox = mailbox.absolute()
        prepare_mailbox(mailbox)
    with_streams(mailbox)
    check_models(models)
    make_folder(path.parent, 0o700)  # closed to others where it is new
    refuse_other_file(path)
    if state := running(path):
        return tell_of_other(state, path, as_json, mailbox)
    if background:
        options = {"--state-file": path, "--idle-minutes": f"{idle_minutes:g}", "--port": port, "--mailbox": mailbox}
        options["--models"] = models and models.absolute()
        arguments: list[str] = []
        for name, value in options.items():
            arguments += [] if value is None else [name, str(value)]
        return tell(start_in_background(path, arguments), path, as_json)
    held = lock(path)
    if held is None:
        return tell_of_other(wait_for_other(path), path, as_json, mailbox)
    with held:
        # before torch is loaded: see engine._choose_threads; several sounds are analyzed side by side instead
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        from ...server.run import run

        return run(path, port, idle_minutes, models, lambda state, url: tell(state, path, as_json, url), mailbox)


def with_streams(mailbox: Path | None) -> None:
    """Windows' pythonw has neither stdout nor stderr: what is said goes where the actions look for it."""
    if sys.stdout is None or sys.stderr is None:
        place = mailbox / START_LOG if mailbox else os.devnull
        stream = open(place, "w", encoding="utf-8", errors="replace", buffering=1)  # noqa: SIM115 - until we end
        sys.stdout, sys.stderr = sys.stdout or stream, sys.stderr or stream


def tell_of_other(state: State, path: Path, as_json: bool, mailbox: Path | None) -> int:
    """The backend that runs already; it serves our mailbox from now on."""
    if mailbox:
        state.open_mailbox(mailbox)
    return tell(state, path, as_json, already=True)


def tell(state: State, path: Path, as_json: bool, url: str = "", already: bool = False) -> int:
    """Where the backend is, and how a browser gets in: with `url`, or one that it is asked for."""
    if as_json:
        row = {"url": f"http://127.0.0.1:{state.port}/", "port": state.port, "pid": state.pid}
        print_json({**row, "state_file": str(path), "already_running": already})
    else:
        how = "is running already" if already else "is running"
        url = url or state.dashboard_address()
        say(
            f"The backend {how} (process {state.pid}, port {state.port}).\n"
            f"Dashboard, for the next {CODE_S:g} seconds and one visit: {url}\n"
            "'reaper-aeq serve' in another terminal prints a new address."
        )
    sys.stdout.flush()
    return 0


def wait_for_other(path: Path) -> State:
    """The backend that another process is just starting. Raises `AeqError` if it never answers."""
    end = time.monotonic() + STARTING_S
    while time.monotonic() < end:
        if state := running(path):
            return state
        time.sleep(0.2)
    state = read_state(path)
    who = f" (process {state.pid})" if state else ""
    raise AeqError(f"another backend{who} holds {path} but does not answer: end that process, then start again")


def start_in_background(path: Path, arguments: list[str]) -> State:
    """Starts a backend that outlives this process and has no window; returns once its models are loaded, or once it
    answers where they take longer than `STARTING_S`. Raises `AeqError`."""
    errors = path.with_suffix(".err")
    with open_private(errors, "w") as err:
        process = subprocess.Popen(
            [windowless_python(), "-m", "reaper_aeq", "serve", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err, cwd=path.parent, close_fds=True,
            **detached(),
        )  # fmt: skip
    end = time.monotonic() + STARTING_S
    while time.monotonic() < end:
        state = read_state(path)
        answer = state.health() if state else None
        if state and answer and answer.get("ready"):
            return state
        if process.poll() not in (None, 0):
            told = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise AeqError(told[-1].removeprefix("error: ") if told else f"the backend ended at once; see {errors}")
        time.sleep(0.1)
    if state and answer:
        return state
    raise AeqError(f"the backend did not answer within {STARTING_S:g} s: see {errors} and {path.with_suffix('.log')}")


def windowless_python(executable: str = sys.executable) -> str:
    """On Windows pythonw, which has no console; python itself elsewhere or where there is none.

    >>> windowless_python("/usr/bin/python3")
    '/usr/bin/python3'
    """
    found = Path(executable)
    without = found.with_name("pythonw.exe")
    return str(without) if found.name.lower() == "python.exe" and without.is_file() else executable


def detached(windows: bool = os.name == "nt") -> dict[str, Any]:
    """What makes a child outlive us, our terminal and its Ctrl-C."""
    if windows:
        # CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP, spelled out because other systems' subprocess lacks the names
        return {"creationflags": 0x08000000 | 0x00000200}
    return {"start_new_session": True}
