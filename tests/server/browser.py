"""The dashboard of a backend in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from backends import Process
from browsing import page_at


@contextmanager
def opened(browser: Any, backend: Process, **context: Any) -> Iterator[Any]:
    """In a page of its own; errors and requests elsewhere fail the test at its end."""
    with page_at(browser, backend.state.dashboard_address(), **context) as page:
        assert page.url == f"http://127.0.0.1:{backend.state.port}/", "the code stays in the address"
        page.wait_for_selector("#word-rows tr")
        yield page
