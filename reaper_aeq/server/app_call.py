"""A request to the app without a socket: through the same checks, models and handlers as one by HTTP."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .failures import BROKEN

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message

    from .backend import ServerSettings


async def call(
    app: ASGIApp, settings: ServerSettings, method: str, path: str, body: bytes | None
) -> tuple[int, dict[str, Any]]:
    """Status and the JSON object that was answered; 500 for anything else."""
    headers = {"host": f"127.0.0.1:{settings.port}", "authorization": f"Bearer {settings.token}"}
    if body is not None:
        headers |= {"content-type": "application/json", "content-length": str(len(body))}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 0), "server": ("127.0.0.1", settings.port),
    }  # fmt: skip
    unread: list[Message] = [{"type": "http.request", "body": body or b"", "more_body": False}]
    status, parts = 500, []

    async def receive() -> Message:
        return unread.pop() if unread else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            parts.append(message.get("body", b""))

    with suppress(Exception):  # the app answers first, with a sentence, and logs what it then raises again
        await app(scope, receive, send)
    with suppress(ValueError):
        answer = json.loads(b"".join(parts))
        if isinstance(answer, dict):
            return status, answer
    return 500, {"error": BROKEN}
