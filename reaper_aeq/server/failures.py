"""How an app answers when something cannot be done: a status and one sentence, whatever went wrong."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ..errors import AeqError
from .faults import first_fault

BROKEN = "Something went wrong inside reaper-aeq; the log says what."
log = logging.getLogger("reaper_aeq.server")


def add_failures(app: FastAPI) -> None:
    """`AeqError` with its own sentence and status, messages that cannot be read, addresses that are none, defects."""
    app.add_exception_handler(AeqError, _told)
    app.add_exception_handler(RequestValidationError, _misread)
    app.add_exception_handler(HTTPException, _no_such_page)
    app.add_exception_handler(Exception, _broken)


def _told(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, getattr(error, "http_status", 400))


def _misread(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    sentence = first_fault(error.errors()).encode("utf-8", "replace").decode()
    return JSONResponse({"error": sentence}, 422)


def _no_such_page(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    told = {404: "There is nothing at this address.", 405: f"{request.method} cannot be done at this address."}
    return JSONResponse({"error": told.get(error.status_code, str(error.detail))}, error.status_code, error.headers)


def _broken(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return JSONResponse({"error": BROKEN}, 500)
