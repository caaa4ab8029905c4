"""Requests that come as files: taken from a mailbox, put to the app as if HTTP had brought them, answered as files.

One backend may serve several mailboxes (several REAPERs), but a mailbox has one backend: a lock says which.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pydantic import ValidationError

from .. import __version__
from ..errors import AeqError
from ..util.locks import lock
from ..util.message import Message
from . import letters, wire
from .failures import BROKEN, first_fault
from .jobs import OVER

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp
    from starlette.types import Message as AsgiMessage

    from .app import Backend
    from .state import State

BUSY_POLL_S, IDLE_POLL_S = 0.02, 0.05
BUSY_FOR_S = 60.0  # after a letter the next one is likely to come soon
BUSY_BEAT_S, IDLE_BEAT_S, SWEEP_S = 0.5, 2.0, 2.0
PROGRESS_S = 0.1
MAX_LETTER_BYTES = wire.MAX_BODY_BYTES + 1000
MAX_AT_ONCE = 64
RETRY_S, GIVE_UP_S = 0.5, 60.0  # an answer that finds no room
JOB_PATHS = ("/v1/jobs", "/v1/analyze")
log = logging.getLogger("reaper_aeq.server")


class TakenError(AeqError):
    """Another backend serves this mailbox."""

    http_status = 409


@dataclass(eq=False)
class Mailbox:
    """One folder that is served. `following` are the letters whose answer is not there yet, by ID."""

    folder: Path
    held: IO[bytes]
    identity: tuple[int, int]
    following: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    beat: int = 0
    beat_at: float = 0.0
    swept_at: float = 0.0
    trouble: str = ""

    @property
    def there(self) -> bool:
        """Whether the folder is still the one that was opened."""
        try:
            return _identity(self.folder) == self.identity
        except OSError:
            return False

    def put(self, name: str, message: Message) -> bool:
        """Whether there was room for it; the log says once what is wrong."""
        try:
            letters.post(self.folder, name, message.model_dump_json().encode())
            self.trouble = ""
            return True
        except OSError as error:
            busy = os.name == "nt" and isinstance(error, PermissionError)  # REAPER reads the older one just now
            if not busy and self.trouble != str(error.strerror):
                self.trouble = str(error.strerror)
                log.warning("cannot write to the mailbox %s: %s", self.folder, self.trouble)
            return False


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.lstat()
    return status.st_dev, status.st_ino


class Mailboxes:
    """All mailboxes of a backend. `add` and `run` belong to the thread of the app's event loop."""

    def __init__(self, app: FastAPI, backend: Backend):
        self.app, self.backend = app, backend
        self.nonce = secrets.token_hex(8)
        self.open: list[Mailbox] = []
        self._busy_until = 0.0

    def add(self, folder: Path) -> None:
        """Serves a folder from now on. Raises `TakenError`, `OutputError`."""
        letters.prepare(folder)
        identity = _identity(folder)
        if any(box.identity == identity and box.there for box in self.open):
            return
        held = lock(folder / "mailbox")
        if held is None:
            raise TakenError(f"another backend serves the mailbox {folder}: stop it first")
        letters.sweep(folder, everything=True)
        box = Mailbox(folder, held, identity)
        self.open.append(box)
        self._beat(box)
        log.info("serving the mailbox %s", folder)

    async def run(self) -> None:
        """Takes and answers letters until the backend stops."""
        while not self.backend.stopping:
            for box in list(self.open):
                try:
                    self._serve(box)
                except Exception:  # the other mailboxes, and this one's next letters, must not end with it
                    log.exception("the mailbox %s could not be looked at", box.folder)
                    await asyncio.sleep(RETRY_S)
            busy = time.monotonic() < self._busy_until or any(box.following for box in self.open)
            await asyncio.sleep(BUSY_POLL_S if busy else IDLE_POLL_S)
        await self._end()

    def _serve(self, box: Mailbox) -> None:
        try:
            found = list(letters.letters(box.folder)) if box.there else None
        except OSError:
            found = None
        if found is None:
            return self._drop(box)
        for letter_id, kind in found:
            if kind == "request" and letter_id not in box.following and len(box.following) < MAX_AT_ONCE:
                self._busy_until = time.monotonic() + BUSY_FOR_S
                box.following[letter_id] = asyncio.create_task(self._answer(box, letter_id))
            elif kind == "cancel":
                self._cancel(box, letter_id)
        now = time.monotonic()
        if now - box.beat_at >= (BUSY_BEAT_S if box.following else IDLE_BEAT_S):
            self._beat(box)
        if now - box.swept_at >= SWEEP_S:
            box.swept_at = now
            letters.sweep(box.folder)

    def _beat(self, box: Mailbox) -> None:
        box.beat, box.beat_at = box.beat + 1, time.monotonic()
        box.put(letters.HEARTBEAT, wire.Heartbeat(
            name="reaper-aeq", protocol=1, version=__version__, pid=os.getpid(), nonce=self.nonce, beat=box.beat,
            time=int(time.time()), every_s=IDLE_BEAT_S, ready=self.backend.ready, device=self.backend.device,
        ))  # fmt: skip

    async def _answer(self, box: Mailbox, letter_id: str) -> None:
        try:
            status, body = await self._reply(box, letter_id)
            if status and letter_id in box.following:
                await self._deliver(box, letter_id, status, body)
        except Exception:
            log.exception("a letter could not be answered")
            await self._deliver(box, letter_id, 500, {"error": BROKEN})
        finally:
            box.following.pop(letter_id, None)
            box.jobs.pop(letter_id, None)
            letters.remove(box.folder, letter_id, "progress", "cancel")

    async def _reply(self, box: Mailbox, letter_id: str) -> tuple[int, dict[str, Any]]:
        """Status and body; 0 where there is no letter, or none for us."""
        try:
            data = letters.take(box.folder, letter_id, MAX_LETTER_BYTES)
            if data is None:
                return 0, {}
            letter = wire.Letter.model_validate_json(data)
        except AeqError as error:
            return 413, {"error": str(error)}
        except ValidationError as error:
            return 422, {"error": f"the request cannot be read: {first_fault(error.errors())}"}
        if letter.to != self.nonce:
            return 410, {"error": "The backend that this was written to has ended."}
        box.put(f"{letter_id}.progress", wire.LetterProgress(sender=self.nonce, progress=0, done=0, total=0))
        sent = None if letter.body is None else json.dumps(letter.body).encode("utf-8", "surrogatepass")
        status, answer = await call_app(self.app, self.backend.state, letter.method, letter.path, sent)
        if letter.method == "POST" and letter.path in JOB_PATHS and status in (200, 202):
            box.jobs[letter_id] = answer["id"]
            return await self._follow(box, letter_id, answer["id"])
        return status, answer

    async def _follow(self, box: Mailbox, letter_id: str, job_id: str) -> tuple[int, dict[str, Any]]:
        """A job's last state, its progress written meanwhile."""
        jobs, told = self.backend.jobs, None
        while True:
            await self.backend.until(lambda: jobs.state(job_id) in OVER, PROGRESS_S)
            job = jobs.get(job_id)
            if job.state in OVER:
                return 200, job.model_dump(mode="json")
            if self.backend.stopping:
                return 503, {"error": "reaper-aeq is stopping."}
            if job.progress != told:
                told = job.progress
                box.put(f"{letter_id}.progress", wire.LetterProgress(
                    sender=self.nonce, progress=job.progress, done=len(job.results), total=job.total,
                ))  # fmt: skip

    async def _deliver(self, box: Mailbox, letter_id: str, status: int, body: dict[str, Any]) -> None:
        answer = wire.LetterAnswer(sender=self.nonce, id=letter_id, status=status, body=body)
        until = time.monotonic() + GIVE_UP_S
        while not box.put(f"{letter_id}.answer", answer) and box.there and time.monotonic() < until:
            await asyncio.sleep(RETRY_S)

    def _cancel(self, box: Mailbox, letter_id: str) -> None:
        """Nobody waits any more: nothing of this letter stays."""
        self._give_up(box, letter_id)
        letters.remove(box.folder, letter_id, "cancel", "request", "progress", "answer")

    def _drop(self, box: Mailbox) -> None:
        """Its folder was removed, or another lies in its place: the next press opens that one."""
        log.warning("the mailbox %s was removed", box.folder)
        self.open.remove(box)
        for letter_id in list(box.following):
            self._give_up(box, letter_id)
        box.held.close()

    def _give_up(self, box: Mailbox, letter_id: str) -> None:
        # a task that wakes up this very moment overlooks its cancellation (asyncio.wait_for before Python 3.12)
        if task := box.following.pop(letter_id, None):
            task.cancel()
        with suppress(AeqError):
            if job_id := box.jobs.get(letter_id):
                self.backend.jobs.cancel(job_id)

    async def _end(self) -> None:
        """Gives letters under way a moment to get their answer, then says that nobody is here."""
        waiting = [task for box in self.open for task in box.following.values()]
        if waiting:
            await asyncio.wait(waiting, timeout=1.0)
        for box in self.open:
            if box.there:
                with suppress(OSError):
                    (box.folder / letters.HEARTBEAT).unlink()
            box.held.close()
        self.open.clear()


async def call_app(
    app: ASGIApp, state: State, method: str, path: str, body: bytes | None
) -> tuple[int, dict[str, Any]]:
    """A request to the app without a socket, through the same checks, models and handlers as one by HTTP.

    Gives the status and the JSON object that was answered; 500 for anything else.
    """
    headers = {"host": f"127.0.0.1:{state.port}", "authorization": f"Bearer {state.token}"}
    if body is not None:
        headers |= {"content-type": "application/json", "content-length": str(len(body))}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 0), "server": ("127.0.0.1", state.port),
    }  # fmt: skip
    unread: list[AsgiMessage] = [{"type": "http.request", "body": body or b"", "more_body": False}]
    status, parts = 500, []

    async def receive() -> AsgiMessage:
        return unread.pop() if unread else {"type": "http.disconnect"}

    async def send(message: AsgiMessage) -> None:
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
