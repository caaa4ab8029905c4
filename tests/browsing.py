"""A real Chromium, driven by Playwright, and what every page of ours must keep to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ROUND = "e.closest('.options label') ?? e"  # a choice is outlined with its label
_TEXTS = """() => {
  const own = (element) => [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if (!color.startsWith("rgba")) return color;
    }
  };
  return [...document.body.querySelectorAll("*")].filter((e) => e.offsetWidth && own(e))
    .map((e) => [getComputedStyle(e).color, behind(e), e.textContent.slice(0, 40)]);
}"""


def chromium() -> str:
    """Its path. Skips where there is none, and fails where CI promised one."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and os.environ.get("AEQ_CI"):
        pytest.fail("CI promised a Chromium but there is none on the PATH: .ci/run installs Debian's 'chromium'")
    if found is None:
        pytest.skip("no Chromium on the PATH: install one ('apt-get install chromium') to test the pages")
    return found


@contextmanager
def launched() -> Iterator[Any]:
    """The browser itself."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


def focused_by_tab(page: Any, what: str, most: int) -> list[list[Any]]:
    """What the Tab key comes by, one after the other, each of which has to show that it has the focus.

    `what`: JavaScript on the element `e`, several values separated by commas, the first of which names it.
    """
    focused = []
    for _ in range(most):
        page.keyboard.press("Tab")
        found = f"[document.activeElement].map(e => [e.tagName, getComputedStyle({ROUND}).outlineStyle, {what}])[0]"
        tag, outline, *seen = page.evaluate(found)
        if tag == "BODY":
            break
        assert outline != "none", f"{seen[0]} has the focus and does not show it"
        focused.append([tag, *seen])
    return focused


@contextmanager
def page_at(browser: Any, url: str, **context: Any) -> Iterator[Any]:
    """A page of its own at `url`; errors and requests elsewhere fail the test at its end (`page.faults`)."""
    faults: list[str] = []
    address = url.partition("/?")[0]
    with browser.new_context(**context) as own:
        page = own.new_page()
        page.on(
            "console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.append(request.url) if not ours(request.url, address) else None)
        page.goto(url)
        page.faults = faults
        yield page
        assert faults == []


def ours(url: str, address: str) -> bool:
    return url == address or url.startswith(f"{address}/")


def texts(page: Any) -> list[tuple[str, str, str]]:
    """All text that is to be seen: its color, the one behind it, its beginning."""
    return page.evaluate(_TEXTS)


def contrast(first: str, second: str) -> float:
    """WCAG's contrast of two CSS colors like 'rgb(1, 2, 3)'."""

    def luminance(color: str) -> float:
        parts = [int(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)
