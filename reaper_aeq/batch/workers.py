"""The workers of a batch: processes on this machine, or those of a Dask scheduler anywhere."""

from __future__ import annotations

import logging
import os
import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import AeqError
from .recipe import Recipe
from .work import fit

if TYPE_CHECKING:
    from distributed import Client, SpecCluster

CONNECT_S = 5.0
COUNT_EVERY_S = 5.0  # workers of a cluster come and go
GB_A_WORKER = 2.0  # a long project takes up to 1.5
# What any Python can be asked: a function of ours could not even be named where the package is missing.
_VERSION = "__import__('reaper_aeq').__version__"
_OURS = {
    # each worker that dies is told to us, who count it as a try of its task
    "distributed.scheduler.allowed-failures": 0,
    # a worker holds one task, so that no other is blamed for its death
    "distributed.scheduler.worker-saturation": 1.0,
    # nothing is to be looked at over HTTP
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # nobody looks at these; as they are by default, idle processes take 5 % of a core each, so set 1 %
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
}


class Workers:
    """A connection to workers."""

    def __init__(self, client: Client):
        self.client = client
        self._threads, self._counted = 0, float("-inf")

    def threads(self) -> int:
        """How many tasks can run at once, as it was a moment ago; 0 while no worker has come."""
        if time.monotonic() > self._counted + COUNT_EVERY_S:
            self._threads, self._counted = sum(self.client.nthreads().values()), time.monotonic()
        return self._threads

    @property
    def lost(self) -> bool:
        """Whether the scheduler is gone."""
        return self.client.status != "running"

    def check(self, recipe: Recipe, out: str) -> None:
        """Raises `AeqError` if scheduler or workers cannot serve; a worker that comes later says so itself."""
        try:
            version = self.client.run_on_scheduler(eval, _VERSION)
        except ImportError as error:
            version = error
        self._same_version("the scheduler", version)
        for address, version in self.client.run(eval, _VERSION, on_error="return").items():
            self._same_version(f"the worker at {address}", version)
        for address, reason in self.client.run(fit, recipe, out, on_error="return").items():
            if isinstance(reason, BaseException):
                raise AeqError(f"the worker at {address} cannot run reaper-aeq: {type(reason).__name__}: {reason}")
            if reason:
                raise AeqError(reason)

    def _same_version(self, who: str, version: Any) -> None:
        if isinstance(version, BaseException):
            raise AeqError(f"{who} does not have reaper-aeq {__version__} ({version}): install it there too")
        if version != __version__:
            raise AeqError(f"{who} has reaper-aeq {version}, this command {__version__}: install the same on both")


def workers_of_this_machine() -> int:
    """One for each core, as far as memory reaches."""
    import psutil

    memory_gb = psutil.virtual_memory().total / 2**30
    return max(1, min(os.cpu_count() or 1, int(memory_gb / GB_A_WORKER)))


@contextmanager
def own_workers(workers: int) -> Iterator[Workers]:
    """Worker processes of one thread each, which end with this process however it ends.

    They can be reached from this machine only, and by nobody who lacks the key made for this run.
    """
    import dask
    from distributed import Client

    with dask.config.set(_OURS), _quiet():
        with _deaf_to_interrupts():
            cluster = _cluster(workers)
        try:
            with Client(cluster) as client:
                yield Workers(client)
        finally:
            cluster.close()


@contextmanager
def workers_at(address: str) -> Iterator[Workers]:
    """The workers of a scheduler. Raises `AeqError` if it cannot be reached within seconds."""
    from distributed import Client

    with _quiet():
        try:
            client = Client(address, timeout=CONNECT_S)
        except (OSError, ValueError, TypeError) as error:
            reason = str(error).splitlines()[0] if isinstance(error, ValueError | TypeError) else "it does not answer"
            raise AeqError(
                f"no scheduler at {address}: {reason}; start 'dask scheduler' there, write it like tcp://host:8786"
            ) from None
        try:
            yield Workers(client)
        finally:
            client.close()


def _cluster(workers: int) -> SpecCluster:
    from distributed import Nanny, Security, SpecCluster

    from .nodes import PlainScheduler, PlainWorker

    # on a machine that others use too, an open port that runs what it is sent would be theirs
    security = Security.temporary()
    place = {"host": "127.0.0.1", "protocol": "tls://", "security": security, "dashboard": False}
    # 0: no limit, for a worker that nears one would be stopped for good instead of slowing down
    options = {**place, "nthreads": 1, "memory_limit": 0, "silence_logs": logging.CRITICAL, "worker_class": PlainWorker}
    return SpecCluster(
        workers={n: {"cls": Nanny, "options": options} for n in range(workers)},
        scheduler={"cls": PlainScheduler, "options": {**place, "port": 0}},
        security=security,
        silence_logs=logging.CRITICAL,
    )


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes and threads started inside never hear Ctrl-C, which a terminal sends to all: stopping is the command's.

    Windows has no such mask.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # it is started with the first process and then takes the mask away from the thread that starts it
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextmanager
def _quiet() -> Iterator[None]:
    """Dask tells of each lost connection at length; what matters is told by us."""
    loud = logging.getLogger("distributed")
    level = loud.level
    loud.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        loud.setLevel(level)
