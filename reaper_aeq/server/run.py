"""One backend from start to end: socket, state file, log, model, idle stop, a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from .. import __version__
from ..util.heap import few_heaps
from ..util.libraries import explain
from .app import Backend, create_app
from .connections import limited, tell_briefly
from .log import LogFile
from .mailbox import Mailboxes
from .second_process import SecondProcess
from .state import State, listening_socket, remove_state, write_state

if TYPE_CHECKING:
    from ..engine import AdaptiveEQ

log = logging.getLogger("reaper_aeq.server")


def run(
    path: Path,
    port: int | None,
    idle_minutes: float,
    models: Path | None,
    ready: Callable[[State, str], object],
    mailbox: Path | None = None,
) -> int:
    """Serves until a signal, `/v1/shutdown` or idleness ends it. Returns the exit code.

    Args:
        path: of the state file; its folder exists and its lock is ours.
        ready: called once the backend answers, with an address for a browser.
        mailbox: folder of a REAPER whose requests come as files.

    Raises `AeqError` for a port or mailbox that is taken, `OutputError` for what cannot be written.
    """
    log_file = path.with_suffix(".log")
    few_heaps()
    with listening_socket(port) as sock, logging_to(log_file):
        port = sock.getsockname()[1]
        started = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        state = State(port, secrets.token_hex(32), os.getpid(), __version__, started)
        engine: Future[AdaptiveEQ] = Future()
        second = SecondProcess(models) if (os.cpu_count() or 1) > 1 else None
        app = create_app(engine, state, log_file, second)
        backend: Backend = app.state.backend
        mailboxes = app.state.mailboxes = Mailboxes(app, backend)
        log.info("reaper-aeq %s, process %d, port %d", __version__, state.pid, port)
        if mailbox:
            mailboxes.add(mailbox)
        threading.Thread(target=load, args=(engine, models), name="load", daemon=True).start()

        try:
            write_state(path, state)
            server = Server(
                limited(app), backend, idle_minutes, lambda: ready(state, state.address(backend.codes.new()))
            )
            asyncio.run(server.serve_all(sock, mailboxes))
        finally:
            remove_state(path, state.token)
            ended = backend.worker.close()
            log.info("stopped")
    if backend.unloadable:
        raise backend.unloadable
    _leave(ended and engine.done())
    return 0


class Server(uvicorn.Server):
    """Ends on the usual signals without passing them on, on `backend.stopping`, and when nobody asks any more."""

    def __init__(self, config: uvicorn.Config, backend: Backend, idle_minutes: float, ready: Callable[[], object]):
        """`ready`: called once it answers."""
        super().__init__(config)
        self.backend, self.idle_minutes, self.ready = backend, idle_minutes, ready

    async def serve_all(self, sock: socket.socket, mailboxes: Mailboxes) -> None:
        """Requests that come to the socket and those that come as files, until it ends."""
        asyncio.get_running_loop().set_exception_handler(tell_briefly)
        letters = asyncio.create_task(mailboxes.run())
        await self.serve(sockets=[sock])
        self.backend.stopping = True
        await letters

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """While the block runs, the signals that usually end a program end the server."""
        names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
        before = {s: signal.signal(s, self.handle_exit) for name in names if (s := getattr(signal, name, None))}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Lets what is under way end first."""
        self.backend.stopping = True
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Says that it answers from now on."""
        await super().startup(sockets)
        self.ready()

    async def on_tick(self, counter: int) -> bool:
        """Whether to end, asked ten times a second: because somebody asked for it, or nobody asked for anything in a
        long time. Has the second process started and ended when nobody waits."""
        backend = self.backend
        if self.idle_minutes > 0 and backend.idle_s() > 60 * self.idle_minutes:
            log.info("nothing was asked for %g minutes: stopping", self.idle_minutes)
            backend.stopping = True
        if backend.worker.second and backend.device == "cpu":  # a GPU is not made quicker by a second process
            backend.worker.second.tend(backend.idle_s())
        # without its libraries it could only refuse every press: whoever started it has to hear why
        backend.stopping = backend.stopping or backend.unloadable is not None
        return await super().on_tick(counter) or backend.stopping


def load(engine: Future[AdaptiveEQ], models: Path | None) -> None:
    """Loads the models; torch comes with them. What goes wrong is every later task's answer."""
    try:
        from ..engine import AdaptiveEQ

        loaded = AdaptiveEQ.load(models)
        log.info("models loaded, running on %s", loaded.device)
        engine.set_result(loaded)
    except BaseException as error:
        log.exception("the models could not be loaded")
        engine.set_exception(explain(error) or error)


@contextlib.contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Everything of ours from INFO, of others from WARNING on goes to a file that cannot grow without end."""
    handler = LogFile(path)
    root, ours = logging.getLogger(), logging.getLogger("reaper_aeq")
    root.addHandler(handler)
    ours.setLevel(logging.INFO)
    if sys.stderr:  # pythonw has none
        faulthandler.enable()
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


def _leave(all_threads_ended: bool) -> None:
    """Python waits for threads, and torch does not like to be taken down under one: then leave without ceremony."""
    if not all_threads_ended:
        for stream in (sys.stdout, sys.stderr):
            if stream:
                stream.flush()
        os._exit(0)
