"""How an app answers when something cannot be done: a status and one sentence, whatever went wrong.

What is wrong with a message is said in a sentence of our own instead of the library's that reads it.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ..errors import AeqError
from ..util.message import fault_told

BROKEN = "Something went wrong inside reaper-aeq; the log says what."
log = logging.getLogger("reaper_aeq.server")

# What pydantic puts into the place of a fault where a field has several forms.
_FORM = re.compile(r"constrained-\w+|dict\[.*\]|ReferenceInfo")
_KEY = "[key]"  # the same, where it is the name in an object that is at fault


def add_failures(app: FastAPI) -> None:
    """`AeqError` with its own sentence and status, messages that cannot be read, addresses that are none, defects."""

    @app.exception_handler(AeqError)
    def told(_: Request, error: AeqError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, error.http_status)

    @app.exception_handler(RequestValidationError)
    def misread(_: Request, error: RequestValidationError) -> JSONResponse:
        sentence = first_fault(error.errors()).encode("utf-8", "replace").decode()
        return JSONResponse({"error": sentence}, 422)

    @app.exception_handler(HTTPException)
    def no_such_page(request: Request, error: HTTPException) -> JSONResponse:
        sentences = {404: "There is nothing at this address.", 405: f"{request.method} cannot be done at this address."}
        return JSONResponse(
            {"error": sentences.get(error.status_code, str(error.detail))}, error.status_code, error.headers
        )

    @app.exception_handler(Exception)
    def broken(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return JSONResponse({"error": BROKEN}, 500)


def first_fault(errors: list[dict[str, Any]] | Any) -> str:
    """One sentence from pydantic's list of what is wrong with a message.

    >>> first_fault([{"loc": ("body", "tasks", 3, "path"), "msg": "Field required", "type": "missing"}])
    'tasks.3.path is missing'
    """
    fault = max(_of_one_field(errors), key=lambda one: len(one["loc"]))  # of several forms, the one that was meant
    parts = [str(part) for part in fault["loc"][1:]]  # [0]: body or query
    place = ".".join(part for part in parts if not _FORM.fullmatch(part) and part != _KEY)[:200]
    if _KEY in parts:
        place = f"a name in {place.rpartition('.')[0]}"
    told = fault_told(fault)
    if told is None:  # a sentence of our own models, about what they are given as a whole
        own = str(fault["msg"]).removeprefix("Value error, ")
        return f"{place}: {own[:1].lower()}{own[1:]}" if place else own
    if fault["type"].startswith("json"):
        return told
    return f"{place or 'the body'} {told}"


def _of_one_field(errors: Any) -> list[Any]:
    """The first fault, and those of the other forms that the same field may have."""
    place = errors[0]["loc"]
    if not (place and _FORM.fullmatch(str(place[-1]))):
        return [errors[0]]
    return [one for one in errors if one["loc"][: len(place) - 1] == place[:-1]]
