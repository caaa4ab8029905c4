"""How a browser gets in: with a code that works once and only for seconds, never with the token.

Whatever opens a browser puts the address on a command line, and every user of a machine may read those.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time

CODE_S = 30.0  # a browser that has to be started first takes some
MOST = 8  # that are good at a time; the oldest goes


class Codes:
    """Those that were given and not used yet. Thread-safe."""

    def __init__(self) -> None:
        self._good: dict[str, float] = {}  # oldest first, with the time at which it ends
        self._lock = threading.Lock()

    def new(self) -> str:
        """32 hexadecimal digits, good for `CODE_S`."""
        with self._lock:
            code = secrets.token_hex(16)
            self._good[code] = time.monotonic() + CODE_S
            while len(self._good) > MOST:
                del self._good[next(iter(self._good))]
            return code

    def use(self, given: str) -> bool:
        """Whether it is good; from now on it is not."""
        with self._lock:
            told = given.encode("utf-8", "surrogateescape")
            found = [code for code in self._good if hmac.compare_digest(code.encode(), told)]  # the time says nothing
            return bool(found) and self._good.pop(found[0]) > time.monotonic()


def address(port: int, code: str) -> str:
    """Of the dashboard."""
    return f"http://127.0.0.1:{port}/?code={code}"
