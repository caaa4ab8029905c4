"""Who may talk to the backend, and how much they may say: checked before anything else sees a request.

The backend listens on this machine only, but so does every web page that the user opens: a page may send requests to
127.0.0.1, and by DNS rebinding even under a name of its own. Hence the token, and the checks of Host and Origin.
"""

from __future__ import annotations

import asyncio
import hmac
import ntpath
import os
import secrets
import threading
import time
from contextlib import suppress
from html import escape
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import AeqError
from .state import CODE_S
from .wire import MAX_BODY_BYTES

READABLE_SUFFIXES = (
    ".wav", ".wave", ".bwf", ".rf64", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc",
    ".caf", ".au", ".snd",
)  # fmt: skip
# Nothing on a page of ours comes from elsewhere or stands inline, so a name of a track can never become a script.
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
ANSWER_HEADERS = {
    "Content-Security-Policy": f"{_POLICY}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_PAGE = "<!doctype html><html lang=en><meta charset=utf-8><title>reaper-aeq</title><p>{}</p></html>"
LINGER_S = 1.0
MOST_CODES = 8  # that are good at a time; the oldest goes
BODY_S = 15.0  # for a body, which comes from this machine
NEED_TOKEN = (
    "This needs the backend's token, or an address that was not used yet: open the dashboard in REAPER with the action"
    " 'AEQ: Open dashboard', or with the address that 'reaper-aeq serve' prints."
)


class PathError(AeqError):
    """A path that the backend does not even look at."""

    http_status = 403


def check_path(path: str) -> None:
    """Raises `PathError` for what is not the absolute path of a file with the suffix of audio."""
    if "\0" in path or not os.path.isabs(path):
        raise PathError(f"{path[:200]!r} is not an absolute path: the backend reads only files that are named in full")
    if os.name == "nt" and ntpath.splitdrive(path)[0].startswith(("\\\\.\\", "\\\\?\\", "//./", "//?/")):
        raise PathError(f"{path[:200]!r} names a device: the backend reads only audio files")
    if os.path.splitext(path)[1].lower() not in READABLE_SUFFIXES:
        raise PathError(f"{path[:200]!r} is not audio by its name: convert it to WAV or FLAC first")


def same(given: str, secret: str) -> bool:
    """Compares in a time that says nothing of where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode())


class Codes:
    """With which a browser gets in: each works once and only for seconds. Thread-safe.

    Never with the token: whatever opens a browser puts the address on a command line, and every user of a machine may
    read those.
    """

    def __init__(self) -> None:
        self._good: dict[str, float] = {}  # oldest first, with the time at which it ends
        self._lock = threading.Lock()

    def new(self) -> str:
        """32 hexadecimal digits, good for `CODE_S`."""
        with self._lock:
            code = secrets.token_hex(16)
            self._good[code] = time.monotonic() + CODE_S
            while len(self._good) > MOST_CODES:
                del self._good[next(iter(self._good))]
            return code

    def use(self, given: str) -> bool:
        """Whether it is good; from now on it is not."""
        with self._lock:
            found = [code for code in self._good if same(given, code)]
            return bool(found) and self._good.pop(found[0]) > time.monotonic()


class Guard:
    """ASGI middleware: Host, Origin, token, size of the body. Every refusal is a status and one sentence."""

    def __init__(
        self, app: ASGIApp, *, token: str, port: int, max_body_bytes: int = MAX_BODY_BYTES, no_token: str = NEED_TOKEN,
        codes: Codes | None = None,
    ):  # fmt: skip
        """
        Args:
            no_token: the sentence for whoever comes without it.
            codes: with which a browser comes in; without, it may bring the token itself in its address.
        """
        self.app, self.token, self.max_body_bytes, self.no_token = app, token, max_body_bytes, no_token
        self.codes = codes
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.origins = {f"http://{host}" for host in self.hosts}
        self.cookie = f"aeq_{port}"  # cookies are shared by all ports of a machine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; only what may be asked, with its whole body, reaches the app."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        send = _with_headers(send)
        headers = Headers(scope=scope)
        try:
            self._refuse_strangers(headers)
            if login := self._login(scope):
                return await RedirectResponse("/", 303, {"Set-Cookie": login})(scope, receive, send)
            self._refuse_unknown(headers)
            body = await self._body(headers, receive)
        except HTTPException as refusal:
            # of a body that was not read something may still come, see `_refuse`
            at_door = refusal.status_code in (401, 403) and scope["path"] == "/"
            if at_door and "text/html" in headers.get("accept", ""):
                page = HTMLResponse(_PAGE.format(escape(refusal.detail)), refusal.status_code)
                return await page(scope, receive, send)
            return await _refuse(scope, receive, send, refusal)
        await self.app(scope, _replay(body, receive), send)

    def _refuse_strangers(self, headers: Headers) -> None:
        # Starlette's TrustedHostMiddleware forgives any port, and more than one Host
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            raise HTTPException(403, "The backend answers only to 127.0.0.1 and localhost at its own port.")
        foreign = [origin for origin in headers.getlist("origin") if origin.lower() not in self.origins]
        # a browser says so even where it sends no Origin: an image or script that some page wants from us
        if foreign or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise HTTPException(403, "The backend does not answer to other web pages.")

    def _login(self, scope: Scope) -> str | None:
        """The cookie for a browser that brings a code (or the token) in its address, which the address then loses."""
        if scope["path"] != "/" or scope["method"] != "GET":
            return None
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if self.codes is None:
            welcome = same(query.get("token", [""])[0], self.token)
        else:
            welcome = "code" in query and self.codes.use(query["code"][0])
        if not welcome:
            return None
        return f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"

    def _refuse_unknown(self, headers: Headers) -> None:
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        given = bearer.strip() if scheme.lower() == "bearer" else ""
        cookies = [cookie_parser(line).get(self.cookie, "") for line in headers.getlist("cookie")]
        if not any(same(value, self.token) for value in (given, *cookies)):
            raise HTTPException(401, self.no_token)

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        """The whole body. Of one that is too large no more than the limit is ever held."""
        limit = f"at most {self.max_body_bytes / 1e6:g} MB"
        too_large = HTTPException(413, f"The request is too large ({limit}): send fewer tasks at once.")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self.max_body_bytes:
            raise too_large
        body, more = bytearray(), True
        try:
            async with asyncio.timeout(BODY_S):
                while more:
                    message = await receive()
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > self.max_body_bytes:
                        raise too_large
        except TimeoutError:
            raise HTTPException(408, f"The request did not come within {BODY_S:g} seconds: try again.") from None
        return bytes(body)


def _with_headers(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(ANSWER_HEADERS)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return wrapped


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body that was read already, then whatever follows (a disconnect)."""
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return unread.pop() if unread else await receive()

    return replayed


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: HTTPException) -> None:
    """Answers, and reads for a moment what still comes: a connection that is closed over what was not read is reset,
    and the sender may never see the answer."""

    async def unfinished(message: Message) -> None:
        await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

    headers = {"Connection": "close"} | ({"WWW-Authenticate": "Bearer"} if refusal.status_code == 401 else {})
    await JSONResponse({"error": refusal.detail}, refusal.status_code, headers)(scope, receive, unfinished)
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while (await receive()).get("more_body", False):
                pass
    await send({"type": "http.response.body", "body": b""})
