"""How many connections there may be, and how long one may take: uvicorn waits for ever, and accepts what comes.

Any program of this machine, and any web page that the user opens, may connect. One that says nothing must not keep
REAPER out, nor use up the file handles that sounds are read with.
"""

from __future__ import annotations

import asyncio
import logging
from functools import cache
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp

MOST = 64  # connections; a browser opens six, REAPER one
HEADER_S = 10.0  # until a request has said what it wants, counted from the connection or from the answer before
REQUEST_S = 120.0  # for a whole request: its body, the longest wait that may be asked for, reading the answer
SPARE_HANDLES = 48  # for libraries, models, sounds and the log
LOOK_EVERY_S = 1.0
BACKLOG = 32  # how many are accepted in one go, before any of them can be refused
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
log = logging.getLogger("reaper_aeq.server")


@cache
def most_connections() -> int:
    """`MOST`, or fewer where this process may open few files."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return MOST
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if allowed == resource.RLIM_INFINITY else max(4, min(MOST, (allowed - SPARE_HANDLES) // 2))


class Connection(H11Protocol):
    """One connection. Where there are too many, the one that has been silent longest goes."""

    waiting_since = request_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to watch it, and closes one where there are too many."""
        super().connection_made(transport)
        self.waiting_since = self.loop.time()
        self.loop.call_later(LOOK_EVERY_S, self._look)
        most = most_connections()
        if len(self.connections) > most:
            ours = [one for one in self.connections if isinstance(one, Connection)]
            idle = [one for one in ours if one is not self and not one.busy]
            if idle:
                min(idle, key=lambda one: one.waiting_since).close("too many connections are open")
            else:
                transport.write(_FULL)
                transport.close()
                log.warning("a connection was refused: all %d are at work", most)

    def data_received(self, data: bytes) -> None:
        """Notes when a request begins."""
        was_busy = self.busy
        super().data_received(data)
        if self.busy and not was_busy:
            self.request_since = self.loop.time()

    def on_response_complete(self) -> None:
        """Notes when the next one is waited for."""
        self.waiting_since = self.request_since = self.loop.time()
        super().on_response_complete()

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _look(self) -> None:
        """Ends it if it took too long, else looks again."""
        if self not in self.connections:
            return
        self.loop.call_later(LOOK_EVERY_S, self._look)
        now = self.loop.time()
        if self.busy and now - self.request_since > REQUEST_S:
            self.close("a request took too long")
        elif not self.busy and now - self.waiting_since > HEADER_S:
            self.close("no request came")

    def close(self, why: str) -> None:
        """At once, with a line in the log."""
        self.connections.discard(self)
        self.transport.abort()
        log.warning("a connection was closed: %s", why)


def limited(app: ASGIApp) -> uvicorn.Config:
    """How an app is served: with these limits, without uvicorn's own logs and without websockets."""
    return uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", ws="none", http=Connection, backlog=BACKLOG,
        timeout_graceful_shutdown=2,
    )  # fmt: skip


def tell_briefly(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A line of what asyncio would log at length each time: no file handle for a new connection, one that broke off, or
    a defect."""
    error = context.get("exception")
    if isinstance(error, OSError):
        log.warning("%s: %s", context["message"], error.strerror or error)
    else:
        log.error("%s", context["message"], exc_info=error)
