"""The mailbox on disk: a folder that only its owner may read, and letters that appear in it whole. No HTTP, no jobs.

What lies there, `ID` being 32 hexadecimal digits that the script chose:

| file | written by | what |
|---|---|---|
| `backend.json` | backend | `wire.Heartbeat`, rewritten while it lives |
| `ID.request` | script | `wire.Letter` |
| `ID.taken` | backend | the request while it is read: whoever renamed it is the only one to answer |
| `ID.progress`, `ID.answer` | backend | `wire.LetterProgress`, `wire.LetterAnswer` |
| `ID.cancel` | script | nobody waits any more |
| `run-ID/` | script | sounds of one press, rendered for it; `run-ID.done/` once it is over |
| `start.log` | whoever starts it | what the last start said |
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from ..errors import OutputError
from ..util.files import output_error

FOLDER = "reaper-aeq-mailbox"  # below REAPER's resource folder; the actions know it too (reascripts/aeq/mailbox.lua)
HEARTBEAT, START_LOG, LOCK = "backend.json", "start.log", "mailbox.lock"
ALIVE_S = 10.0  # a heartbeat comes every two seconds
ABANDONED_S = 600.0  # a letter that nobody fetched
RUN_ABANDONED_S = 3600.0  # sounds of a press that crashed
TRIES, TRY_AGAIN_S = 5, 0.002  # Windows: a file that was just renamed, or is being read, refuses for a moment
_LETTER = re.compile(r"([0-9a-f]{32})\.(request|taken|progress|answer|cancel|part)")
_RUN = re.compile(r"run-[0-9a-f]{16,32}(\.done)?")


T = TypeVar("T")
log = logging.getLogger("reaper_aeq.server")


class MailboxError(OutputError):
    """The folder cannot be a mailbox."""


def prepare(folder: Path) -> None:
    """Makes the folder, or closes the one that is there to everybody else. Raises `MailboxError`, `OutputError`."""
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.mkdir(folder, 0o700)  # newer Pythons close it on Windows too
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode):
            raise MailboxError(f"{folder} is no folder of its own: remove it, then start again")
        if os.name != "nt":
            if status.st_uid != os.geteuid():
                raise MailboxError(f"{folder} belongs to another user: remove it, then start again")
            if stat.S_IMODE(status.st_mode) & 0o077:
                os.chmod(folder, 0o700)
            if stat.S_IMODE(folder.lstat().st_mode) & 0o077:  # a disk that knows no permissions
                log.warning("%s cannot be closed to other users of this machine: its disk knows no permissions", folder)
    except OSError as error:
        raise output_error(folder, error) from None


def post(folder: Path, name: str, data: bytes) -> None:
    """Puts a file there by rename, readable by its owner only; an older one of that name is replaced.

    Not flushed to the disk: nothing here outlives a crash of the machine. Raises `OSError`.
    """
    part = folder / f"{secrets.token_hex(16)}.part"
    try:
        handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
        with open(handle, "wb") as file:
            file.write(data)
        _again(lambda: os.replace(part, folder / name))
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def take(folder: Path, letter_id: str, most_bytes: int) -> bytes | None:
    """The content of a request, which is gone then; None if another backend took it or it is no plain file of ours.

    Raises `OutputError` for one that is too large.
    """
    taken = folder / f"{letter_id}.taken"
    with suppress(OSError):
        _again(lambda: os.rename(folder / f"{letter_id}.request", taken))
        try:
            return _again(lambda: _read(taken, most_bytes))
        finally:
            with suppress(OSError):
                taken.unlink()
    return None


def _read(path: Path, most_bytes: int) -> bytes | None:
    if not stat.S_ISREG(path.lstat().st_mode):
        return None  # a link could lead to a file that the sender may not read
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or (os.name != "nt" and status.st_uid != os.geteuid()):
            return None
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise OutputError(f"the request is too large (at most {most_bytes / 1e6:g} MB): send fewer tasks at once")
    return data


def letters(folder: Path) -> Iterator[tuple[str, str]]:
    """(ID, kind) of every letter there. Raises `OSError` where there is no folder."""
    with os.scandir(folder) as entries:
        for entry in entries:
            found = _LETTER.fullmatch(entry.name)
            if found and entry.is_file(follow_symlinks=False):
                yield found[1], found[2]


def remove(folder: Path, letter_id: str, *kinds: str) -> None:
    """Takes these files of a letter away; what is not there, or cannot be removed, is left."""
    for kind in kinds:
        with suppress(OSError):
            (folder / f"{letter_id}.{kind}").unlink()


def sweep(folder: Path, *, everything: bool = False) -> None:
    """Removes letters that nobody fetches any more, or all of them; and the sounds of presses that crashed."""
    now = time.time()
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                age_s = now - status.st_mtime
                if stat.S_ISDIR(status.st_mode):
                    if _RUN.fullmatch(entry.name):
                        _sweep_run(Path(entry.path), now)
                elif _LETTER.fullmatch(entry.name) and (everything or age_s > ABANDONED_S):
                    os.unlink(entry.path)


def heartbeat(folder: Path) -> dict[str, Any] | None:
    """What the backend of this mailbox last said of itself; None where none does or did within a few seconds."""
    try:
        beat = json.loads((folder / HEARTBEAT).read_bytes())
        return beat if abs(time.time() - beat["time"]) < ALIVE_S and beat["nonce"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def stop(folder: Path, patience_s: float = 4.0) -> bool:
    """Asks the backend of this mailbox to end and waits for it. Whether none is there any more."""
    beat, letter_id = heartbeat(folder), secrets.token_hex(16)
    if beat is None:
        return True
    with suppress(OSError):
        asked = {"to": beat["nonce"], "method": "POST", "path": "/v1/shutdown"}
        post(folder, f"{letter_id}.request", json.dumps(asked).encode())
    end = time.monotonic() + patience_s
    while heartbeat(folder) and time.monotonic() < end:
        time.sleep(0.05)
    remove(folder, letter_id, "request", "answer")
    return heartbeat(folder) is None


def clear(folder: Path) -> bool:
    """Takes the mailbox away with all that is ours in it; what is not stays. Whether there was one."""
    stop(folder)
    away = folder.with_name(f".aeq-{secrets.token_hex(6)}")
    try:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            return False
        os.rename(folder, away)  # a backend that serves it lets go of it
    except OSError:
        return False
    sweep(away, everything=True)
    for path in [*(away / name for name in (HEARTBEAT, START_LOG, LOCK)), *away.glob("run-*/*")]:
        with suppress(OSError):
            path.unlink()
    for path in [*away.glob("run-*"), away]:
        with suppress(OSError):
            path.rmdir()
    if away.exists():
        with suppress(OSError):
            os.rename(away, folder)
    return True


def _sweep_run(run: Path, now: float) -> None:
    """On Windows a script cannot remove its folder, only rename it; one that crashed cannot do either."""
    with os.scandir(run) as entries:
        files = [entry for entry in entries if not entry.is_dir(follow_symlinks=False)]
    changed = [run.stat().st_mtime, *(entry.stat(follow_symlinks=False).st_mtime for entry in files)]
    if run.suffix == ".done" or now - max(changed) > RUN_ABANDONED_S:
        for entry in files:
            os.unlink(entry.path)
        run.rmdir()


def _again(work: Callable[[], T]) -> T:
    """Windows refuses what another process has open this very moment."""
    for _ in range(TRIES - 1):
        try:
            return work()
        except PermissionError:
            time.sleep(TRY_AGAIN_S)
    return work()
