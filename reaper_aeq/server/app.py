"""A backend and its HTTP interface: values built from an engine and a state. What they say is described in `wire`."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Header, Query, Response

from .. import __version__
from ..errors import LibraryError
from . import wire
from .failures import add_failures
from .guard import Codes, Guard, PathError, check_path
from .jobs import OVER, Given, Jobs
from .pages import JobId, add_pages, add_pictures
from .second_process import SecondProcess
from .state import CODE_S, State
from .vocabulary import add_words
from .worker import Worker

if TYPE_CHECKING:
    from ..engine import AdaptiveEQ

log = logging.getLogger("reaper_aeq.server")
Wait = Annotated[float, Query(ge=0, le=wire.MAX_WAIT_S, allow_inf_nan=False, description="Seconds to wait for it")]
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": wire.Failure, "description": text}
    for status, text in {
        400: "It cannot be done as asked", 401: "No token, or a wrong one", 403: "A stranger, or a forbidden path",
        404: "There is no such thing", 409: "Another backend does it", 413: "Too large",
        422: "Not a message as described", 429: "Too much to do",
    }.items()
}  # fmt: skip


@dataclass
class Backend:
    """What lives beside the app: `state` is what its file says, `stopping` is set by anyone who wants it to end,
    `touched` is the last request."""

    state: State
    engine: Future[AdaptiveEQ]
    jobs: Jobs
    worker: Worker
    started: float = field(default_factory=time.monotonic)
    touched: float = field(default_factory=time.monotonic)
    stopping: bool = False
    codes: Codes = field(default_factory=Codes)

    @property
    def unloadable(self) -> LibraryError | None:
        """Why nothing here can ever be answered: then the backend stops, with this as its last word."""
        failure = self.engine.exception() if self.engine.done() else None
        return failure if isinstance(failure, LibraryError) else None

    @property
    def ready(self) -> bool:
        """Whether a task is answered at once: with an EQ, or with the sentence that says which models are missing."""
        return self.engine.done() and self.unloadable is None

    @property
    def device(self) -> str:
        """Where the networks run; '' while they load, and where they could not."""
        return self.engine.result().device if self.engine.done() and not self.engine.exception() else ""

    def idle_s(self) -> float:
        """Seconds since anything was asked for. Looking at the dashboard is not asking."""
        if self.jobs.busy:
            self.touched = time.monotonic()
        return time.monotonic() - self.touched

    async def until(self, happened: Callable[[], bool], seconds: float) -> None:
        """Returns when `happened`, after `seconds`, or when the backend stops."""
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        end = loop.time() + seconds
        with self.jobs.listening(lambda: loop.call_soon_threadsafe(event.set)):
            while not happened() and not self.stopping and (left := end - loop.time()) > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), min(left, 0.25))  # stopping is silent
                event.clear()


def create_app(
    engine: Future[AdaptiveEQ], state: State, log_file: Path | None = None, second: SecondProcess | None = None
) -> FastAPI:
    """The app; `app.state.backend` is its `Backend`, and `app.state.mailboxes` is for whoever serves it to set.

    `engine` may still be loading; `second` takes a part of large presses.
    """
    jobs = Jobs()
    backend = Backend(state, engine, jobs, Worker(jobs, engine, second))
    app = FastAPI(
        title="reaper-aeq", version=__version__, docs_url=None, redoc_url=None, responses=ERRORS,
        description="The local backend that REAPER's actions and the dashboard ask.",
    )  # fmt: skip
    app.state.backend = backend
    app.add_middleware(Guard, token=state.token, port=state.port, codes=backend.codes)
    add_failures(app)
    _add_status(app, backend)
    _add_jobs(app, backend)
    add_pictures(app, jobs)
    add_words(app, engine)
    add_pages(app, log_file)
    return app


def _add_status(app: FastAPI, backend: Backend) -> None:
    @app.get("/v1/health")
    async def health() -> wire.Health:
        return wire.Health(
            name="reaper-aeq", version=__version__, device=backend.device, pid=os.getpid(),
            uptime_s=round(time.monotonic() - backend.started, 3), ready=backend.ready,
        )  # fmt: skip

    @app.post("/v1/mailboxes")
    async def mailboxes(asked: wire.MailboxInfo) -> wire.MailboxInfo:
        folder = Path(asked.folder)
        if "\0" in asked.folder or not folder.is_absolute():
            raise PathError(f"{asked.folder[:200]!r} is not the absolute path of a folder")
        app.state.mailboxes.add(folder)
        return asked

    @app.post("/v1/dashboard")
    async def dashboard() -> wire.DashboardAddress:
        return wire.DashboardAddress(url=backend.state.address(backend.codes.new()), seconds=CODE_S)

    @app.post("/v1/shutdown")
    async def shutdown() -> wire.Stopping:
        log.info("asked to stop")
        backend.stopping = True
        return wire.Stopping(stopping=True)


def _add_jobs(app: FastAPI, backend: Backend) -> None:
    jobs = backend.jobs

    async def submit(label: str, tasks: Sequence[Given], wait: float, response: Response) -> wire.JobInfo:
        backend.touched = time.monotonic()
        for task in tasks:
            # the files of a described sound are checked when it is heard: one of another kind is to be rendered
            for path in (task.path, *getattr(task, "references", ())):
                if isinstance(path, str):
                    check_path(path)
        job_id = jobs.submit(label, tasks)
        await backend.until(lambda: jobs.state(job_id) in OVER, wait)
        job = jobs.get(job_id)
        response.status_code = 200 if job.state in OVER else 202
        return job

    accepted: dict[int | str, dict[str, Any]] = {202: {"model": wire.JobInfo, "description": "Not finished yet"}}

    @app.post("/v1/jobs", responses=accepted)
    async def ask(asked: wire.JobRequest, response: Response, wait: Wait = 0.0) -> wire.JobInfo:
        return await submit(asked.label, asked.tasks, wait, response)

    @app.post("/v1/analyze", responses=accepted)
    async def analyze(asked: wire.AnalyzeRequest, response: Response, wait: Wait = 0.0) -> wire.JobInfo:
        return await submit("Analysis", asked.tasks, wait, response)

    @app.get("/v1/jobs", response_model=wire.JobList, responses={304: {"description": "Nothing changed"}})
    async def recent(
        limit: Annotated[int, Query(ge=1, le=wire.MAX_JOBS_SHOWN)] = wire.MAX_JOBS_SHOWN,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        tag = f'W/"{jobs.revision}.{limit}"'
        if if_none_match == tag:
            return Response(status_code=304, headers={"ETag": tag})
        found = wire.JobList.model_construct(jobs=jobs.recent(limit))
        return Response(found.model_dump_json(), media_type="application/json", headers={"ETag": tag})

    @app.get("/v1/jobs/{job_id}")
    async def job(job_id: JobId, wait: Wait = 0.0) -> wire.JobInfo:
        before = jobs.state(job_id)
        if before not in OVER:
            await backend.until(lambda: jobs.state(job_id) != before, wait)
        return jobs.get(job_id)

    @app.delete("/v1/jobs/{job_id}")
    async def cancel(job_id: JobId) -> wire.JobInfo:
        backend.touched = time.monotonic()
        return jobs.cancel(job_id)
