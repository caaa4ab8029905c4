"""What the dashboard shows besides messages: its files, which are read once, the log, and plots of results."""

from __future__ import annotations

import threading
from collections import deque
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Response
from fastapi import Path as PathPart
from fastapi.responses import PlainTextResponse

from . import wire
from .jobs import Jobs, NoSuchJobError

FOLDER = Path(__file__).parent / "page"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
LOG_LINES, LOG_BYTES = 300, 200_000
JobId = Annotated[str, PathPart(max_length=64)]
KEPT_PLOTS = 200  # some 40 KB each
SVG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/svg+xml": {}}, "description": "Spectrum, target range, EQ, result"}
}


def add_pages(app: FastAPI, log_file: Path | None) -> None:
    """Adds `/`, `/page/...` and `/v1/log`."""
    for name in ("index.html", "style.css", "app.js", "icon.svg"):
        add_file(app, FOLDER / name)

    @app.get("/v1/log", response_class=PlainTextResponse)
    def log() -> PlainTextResponse:
        return PlainTextResponse(last_lines(log_file) if log_file else "", headers={"Cache-Control": "no-store"})


def add_file(app: FastAPI, path: Path) -> None:
    """Answers `/page/NAME`, and for an index `/`, with what the file holds now."""
    content, address = path.read_bytes(), "/" if path.name == "index.html" else f"/page/{path.name}"
    app.get(address, include_in_schema=False)(lambda: Response(content, media_type=TYPES[path.suffix]))


def add_pictures(app: FastAPI, jobs: Jobs) -> None:
    """Adds `/v1/jobs/{job_id}/tasks/{n}/plot.svg`, which is answered with 404 for a task without a result."""
    one_at_a_time = threading.Lock()  # matplotlib is not made for threads, and the jobs need the processor

    @lru_cache(KEPT_PLOTS)
    def drawn(job_id: str, n: int, theme: Literal["light", "dark"], narrow: bool) -> bytes:
        from ..result.plot import svg_adaptation

        result = jobs.ticket(job_id, n).result
        if result is None:
            raise NoSuchJobError(f"task {n} of job {job_id} has no picture: it has no EQ as its answer")
        return svg_adaptation(result, theme, narrow)

    @app.get("/v1/jobs/{job_id}/tasks/{n}/plot.svg", response_class=Response, responses=SVG)
    def plot(
        job_id: JobId,
        n: Annotated[int, PathPart(ge=0, lt=wire.MAX_TASKS)],
        theme: Literal["light", "dark"] = "light",
        narrow: bool = False,
    ) -> Response:
        # its own thread: drawing takes a third of a second
        with one_at_a_time:
            picture = drawn(job_id, n, theme, narrow)
        return Response(picture, media_type="image/svg+xml", headers={"Cache-Control": "private, max-age=86400"})


def last_lines(path: Path, lines: int = LOG_LINES, most_bytes: int = LOG_BYTES) -> str:
    """The end of a text file; a file that is absent or cannot be read is an empty one."""
    try:
        with open(path, "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - most_bytes))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "".join(deque(text.splitlines(keepends=True), lines))
