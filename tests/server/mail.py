"""The other end of a mailbox, as the actions are: letters written by rename, answers read and removed."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from backends import wait_until

from reaper_aeq.server import wire


class Mail:
    """`send` puts a request there and gives its ID; `answer` waits for what comes back."""

    def __init__(self, folder: Path):
        self.folder = folder

    def heartbeat(self) -> wire.Heartbeat | None:
        try:
            return wire.Heartbeat.model_validate_json((self.folder / "backend.json").read_bytes())
        except OSError:
            return None

    def alive(self) -> wire.Heartbeat:
        return wait_until(self.heartbeat, what="a heartbeat")

    def put(self, name: str, data: bytes | str) -> Path:
        part = self.folder / f"{secrets.token_hex(16)}.part"
        part.write_bytes(data if isinstance(data, bytes) else data.encode())
        part.rename(self.folder / name)
        return self.folder / name

    def send(self, method: str, path: str, body: object = None, **changed: Any) -> str:
        letter = {"to": self.alive().nonce, "method": method, "path": path, "body": body, **changed}
        letter_id = secrets.token_hex(16)
        self.put(f"{letter_id}.request", json.dumps(letter))
        return letter_id

    def answer(self, letter_id: str, seconds: float = 40.0) -> tuple[int, dict]:
        file = self.folder / f"{letter_id}.answer"
        wait_until(file.exists, seconds, "an answer")
        told = wire.LetterAnswer.model_validate_json(file.read_bytes())
        file.unlink()
        assert told.id == letter_id
        return told.status, told.body

    def ask(self, method: str, path: str, body: object = None, **changed: Any) -> tuple[int, dict]:
        return self.answer(self.send(method, path, body, **changed))

    def left(self) -> list[str]:
        """What lies there beside what always does."""
        kept = ("backend.json", "mailbox.lock", "start.log")
        return sorted(path.name for path in self.folder.iterdir() if path.name not in kept)
