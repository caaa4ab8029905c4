"""Finding REAPER: reapy's server in it, by way of REAPER's web interface (docs/reaper.md, section 13).

The web interface tells on which port reapy's server listens, and starts it. reapy's own client asks it the same, but
without a time-out in most places, and over and over if the server does not start; so everything is tried here first.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from ...util.locks import TargetLock
from . import WEB_PORT
from .api import Api, LiveError

ANSWER_S = 3.0
START_S = 10.0  # for Python and reapy to be loaded inside REAPER
HOST = "localhost"
BUSY = "REAPER does not answer: close the dialogs that are open in it, let a render end, then try again"
SET_UP = "quit REAPER, run 'reaper-aeq live setup', start REAPER again"


# A proxy is for other machines; urllib would ask it about this one as well.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def connected(port: int = WEB_PORT) -> Iterator[Api]:
    """REAPER's functions, over a connection that ends with the block. Raises `LiveError`, within seconds."""
    server_port = _server_port(port)
    _greeted(server_port)
    reapy = import_reapy()
    try:
        client = reapy.tools.network.Client(server_port, HOST)
        reapy.tools.network.machines.CLIENTS[HOST] = client
        reapy.connect(HOST)
    except (OSError, ValueError, reapy.errors.DistError) as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise LiveError(f"REAPER answers, but reapy cannot talk to it ({why}): restart REAPER") from None
    try:
        yield Api(reapy, client)
    finally:
        with suppress(OSError):
            client.close()


def _server_port(port: int) -> int:
    """Where reapy's server listens; starts it if need be."""
    found = _state(port, "server_port")
    if found is None:
        action = _state(port, "activate_reapy_server")
        if not isinstance(action, str):
            raise LiveError(f"REAPER runs, but reapy's distant API is not enabled in it: {SET_UP}")
        with _alone(port):
            # another terminal may have started it meanwhile: REAPER asks in a box when a script is run a second time
            if _state(port, "server_port") is None:
                with suppress(OSError):  # what comes of it is seen by what it leaves
                    _OPENER.open(f"{_url(port)}{action}", timeout=START_S).close()
        found = _awaited(port)
    if not isinstance(found, int) or not 0 < found < 2**16:
        raise LiveError(_stranger(port))
    return found


@contextmanager
def _alone(port: int) -> Iterator[None]:
    """Only one terminal of this user at a time starts the server."""
    place = Path(tempfile.gettempdir()) / f"reaper-aeq-reapy-{getattr(os, 'getuid', lambda: 0)()}-{port}.lock"
    with ExitStack() as stack:
        with suppress(OSError):  # without a place for a lock it goes without
            if held := TargetLock.take(place, START_S):
                stack.callback(held.release)
        yield


def _awaited(port: int) -> Any:
    until = time.monotonic() + START_S
    while (found := _state(port, "server_port")) is None:
        if time.monotonic() > until:
            raise LiveError(
                "REAPER was asked to start reapy's server and did not: see that Python is enabled and found in"
                f" Preferences > Plug-ins > ReaScript, or {SET_UP}"
            )
        time.sleep(0.1)
    return found


def _state(port: int, key: str) -> Any:
    """A value of REAPER's ExtState, section "reapy"; None where there is none."""
    try:
        with _OPENER.open(f"{_url(port)}GET/EXTSTATE/reapy/{key}", timeout=ANSWER_S) as answer:
            words = answer.read(10_000).decode("utf-8").removesuffix("\n").split("\t")
    except (OSError, ValueError) as error:
        if any(isinstance(one, TimeoutError) for one in (error, getattr(error, "reason", None))):
            raise LiveError(BUSY) from None
        raise LiveError(_stranger(port) if isinstance(error, urllib.error.HTTPError) else _nobody(port)) from None
    # "EXTSTATE", section, key, value
    if len(words) == 4 and words[:3] == ["EXTSTATE", "reapy", key]:
        with suppress(ValueError):
            return json.loads(words[3]) if words[3] else None
    raise LiveError(_stranger(port))


def _greeted(port: int) -> None:
    """Whether reapy's server lives: it sends the address of whoever connects. REAPER serves it between its own work."""
    try:
        with socket.create_connection((HOST, port), timeout=ANSWER_S) as probe:
            probe.settimeout(ANSWER_S)
            if probe.recv(8):
                return
    except TimeoutError:
        raise LiveError(BUSY) from None
    except OSError:
        pass
    raise LiveError(
        f"reapy's server in REAPER does not answer on port {port}: restart REAPER, and see that no firewall blocks it"
    )


def _nobody(port: int) -> str:
    from ..install.running import running_reaper

    first = "REAPER cannot be reached" if running_reaper() else "REAPER is not running, or cannot be reached"
    return (
        f"{first} on port {port} of this machine: start REAPER; if reapy's distant API was never enabled in it,"
        f" {SET_UP}; else see that its web interface is on in Preferences > Control/OSC/web, --port is its port, and no"
        " firewall blocks it"
    )


def _stranger(port: int) -> str:
    return f"what answers on port {port} is not REAPER's web interface: give the right one with --port, or {SET_UP}"


def import_reapy() -> Any:
    """The module. While it is imported it connects by itself, to its usual port, without an end to its patience, and
    warns if that fails: it is told that nobody is there. Afterwards it reaches REAPER as we do, without a proxy."""
    nobody = urllib.request.OpenerDirector()
    nobody.add_handler(_NobodyThere())
    urllib.request.install_opener(nobody)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import reapy
    finally:
        urllib.request.install_opener(_OPENER)
    return reapy


class _NobodyThere(urllib.request.BaseHandler):
    def default_open(self, _: urllib.request.Request) -> NoReturn:
        raise urllib.error.URLError("not yet")


def _url(port: int) -> str:
    return f"http://{HOST}:{port}/_/"
