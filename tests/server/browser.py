"""A real Chromium, driven by Playwright, and what every page of ours must keep to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from backends import Process

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str:
    """Its path. Skips where there is none, and fails where CI promised one."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and os.environ.get("AEQ_CI"):
        pytest.fail("CI promised a Chromium but there is none on the PATH: .ci/run installs Debian's 'chromium'")
    if found is None:
        pytest.skip("no Chromium on the PATH: install one ('apt-get install chromium') to test the dashboard")
    return found


@contextmanager
def opened(browser: Any, backend: Process, **context: Any) -> Iterator[Any]:
    """The dashboard of `backend` in a page of its own; errors and requests elsewhere fail the test at its end."""
    faults: list[str] = []
    address = f"http://127.0.0.1:{backend.state.port}"
    with browser.new_context(**context) as own:
        page = own.new_page()
        page.on(
            "console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.append(request.url) if not ours(request.url, address) else None)
        page.goto(backend.state.url)
        assert page.url == f"{address}/", "the token stays in the address"
        page.wait_for_selector("#word-rows tr")
        page.faults = faults
        yield page
        assert faults == []


def ours(url: str, address: str) -> bool:
    return url == address or url.startswith(f"{address}/")


def contrast(first: str, second: str) -> float:
    """WCAG's contrast of two CSS colours like 'rgb(1, 2, 3)'."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)
