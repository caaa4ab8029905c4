"""The listeners' page and what it asks: an app built from a study. No answer of it says which sound is which."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import uvicorn
from fastapi import FastAPI, Response
from fastapi import Path as PathPart
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt

from ... import __version__
from ...server import pages
from ...server.connections import limited
from ...server.failures import add_failures
from ...server.guard import Guard
from ...server.state import listening_socket
from .store import Session, Store
from .study import Study

FOLDER = Path(__file__).parent / "page"
MAX_BODY_BYTES = 4096
MAX_NAME = 60
NO_TOKEN = "Open this page at the address that 'reaper-aeq evaluate listen' printed."
Token = Annotated[str, PathPart(max_length=64)]


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("letters, digits and signs only")
    return name


class Joining(BaseModel):
    """Who wants to take part. `consent` must be true."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_printable)]
    consent: Literal[True]


class Answer(BaseModel):
    """An answer to a question of a page: the id of a sound or 'neither', or a rating."""

    model_config = ConfigDict(extra="forbid")
    question: Annotated[str, Field(max_length=64)]
    value: Annotated[str, Field(max_length=64)] | StrictInt


class Overview(BaseModel):
    """What awaits a listener."""

    pairs: int
    ratings: int
    words: list[str]


def create_app(study: Study, port: int) -> FastAPI:
    """The app of `study`, answering at `port` of this machine only. Raises `NotStored` where answers could not be."""
    store = Store(study)
    app = FastAPI(title="reaper-aeq listening study", version=__version__, openapi_url=None)
    app.add_middleware(Guard, token=study.token, port=port, max_body_bytes=MAX_BODY_BYTES, no_token=NO_TOKEN)
    add_failures(app)
    # the page's own files, and style and icon of the dashboard, which it shares
    for path in (*FOLDER.iterdir(), pages.FOLDER / "style.css", pages.FOLDER / "icon.svg"):
        pages.add_file(app, path)
    _add_listeners(app, study, store)
    return app


def serve(study: Study, port: int | None, ready: Callable[[str], object]) -> None:
    """Serves until Ctrl-C; `ready(url)` is called once the page can be opened. Raises `AeqError` for a taken port."""
    with listening_socket(port) as sock:
        port = sock.getsockname()[1]
        config = limited(create_app(study, port))
        ready(f"http://127.0.0.1:{port}/?token={study.token}")
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[sock])


def _add_listeners(app: FastAPI, study: Study, store: Store) -> None:
    @app.get("/v1/study")
    def overview() -> Overview:
        return Overview(pairs=study.pairs, ratings=len(study.items), words=study.words)

    @app.post("/v1/listeners", status_code=201)
    def join(asked: Joining) -> dict[str, str]:
        return {"listener": store.join(asked.name)}

    @app.get("/v1/listeners/{token}")
    def where(token: Token) -> Session:
        return store.session(token)

    @app.put("/v1/listeners/{token}/trials/{position}")
    def answer(token: Token, position: int, given: Answer) -> dict[str, bool]:
        # only when this returns is the answer on the disk, and only then the page counts it
        store.answer(token, position, given.question, given.value)
        return {"stored": True}

    @app.post("/v1/listeners/{token}/trials/{position}/finished")
    def finish(token: Token, position: int) -> Session:
        return store.finish(token, position)

    @app.get("/v1/listeners/{token}/sounds/{sound_id}", response_class=Response)
    def sound(token: Token, sound_id: Token) -> Response:
        # no name, date or tag of the file: the reference shown and the hidden one must look like two
        content = study.sound(*store.sound(token, sound_id)).read_bytes()
        return Response(content, media_type="audio/wav")
