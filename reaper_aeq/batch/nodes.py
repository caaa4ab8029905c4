"""Dask's scheduler and worker without their HTTP servers, which dask starts even where they have nothing to show.

They listen without encryption or key, so that any user of a machine could speak with them.
"""

from __future__ import annotations

from typing import Any

from distributed import Scheduler, Worker


class PlainScheduler(Scheduler):
    """A scheduler that answers encrypted messages of its own batch only."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """No port is opened."""


class PlainWorker(Worker):
    """A worker that answers encrypted messages of its own batch only."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """No port is opened."""
