"""The dashboard's files, its log page. They are read once; only these can be asked for."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from fastapi import FastAPI, Response
from fastapi.responses import PlainTextResponse

FOLDER = Path(__file__).parent / "page"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
LOG_LINES, LOG_BYTES = 300, 200_000


def add_pages(app: FastAPI, log_file: Path | None) -> None:
    """Adds `/`, `/page/...` and `/v1/log`."""
    for name in ("index.html", "style.css", "app.js", "icon.svg"):
        add_file(app, FOLDER / name)

    @app.get("/v1/log", response_class=PlainTextResponse)
    def log() -> PlainTextResponse:
        return PlainTextResponse(last_lines(log_file) if log_file else "", headers={"Cache-Control": "no-store"})


def add_file(app: FastAPI, path: Path) -> None:
    """Answers `/page/NAME`, and for an index `/`, with what the file holds now."""
    answer = Response(path.read_bytes(), media_type=TYPES[path.suffix])
    app.get("/" if path.name == "index.html" else f"/page/{path.name}", include_in_schema=False)(lambda: answer)


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
