"""A backend that answers without a model: what the actions do with answers is tested here, not the answers.

It answers the letters of a mailbox, written anew from the table in server/letters.py: both ends are held against a
third. Runs in a thread of the test, or as a process of its own (`python fake_backend.py [mode] serve --state-file FILE
--mailbox DIR ...`), as the actions start it.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

TOKEN = "0f" * 16
WORDS = {"warm": 3.0, "airy": 2.0, "bright": 2.5, "muddy": -1.5, "clear": 1.0, "punchy": 1.2, "deep": 1.1, "match": 2.0}


def answer(task: dict) -> dict:
    """Five bands whose gains follow the request: the sum over words of weight times the word's dB."""
    request, intensity = task["request"], task.get("intensity", 1.0)
    blend = {"match": 1.0} if request is None else {request: 1.0} if isinstance(request, str) else request
    total = intensity * sum(
        weight * (-1 if word.startswith("less ") else 1) * WORDS[word.removeprefix("less ")]
        for word, weight in blend.items()
    )
    shapes = [
        ("low_shelf", 182.4, 1.0, 1.0),
        ("band", 433.0, 1.31, 0.5),
        ("band", 1217.0, 0.77, -0.4),
        ("band", 3456.0, 2.2, 0.3),
        ("high_shelf", 7012.0, 1.0, -0.8),
    ]
    bands = [
        {"kind": kind, "freq_hz": hz, "gain_db": share * total, "bandwidth_oct": width, "enabled": True}
        for kind, hz, width, share in shapes
    ]
    return {
        "word": " + ".join(blend),
        "intensity": intensity,
        "method": "adaptive",
        "score": {"before": 0.4, "after": 0.6},
        "confidence": 0.9,
        "explanation": "made up",
        "heard": {"sample_rate": 48000, "kind": "vocals", "ltas": " ".join(str(-10 * n) for n in range(59))},
        "output_gain_db": -0.31 * total,
        "bands": bands,
    }


class UnreadableFileError(Exception):
    """A file that the backend cannot read."""


def files_of(task: dict) -> list[str]:
    """The files of a question: the one it names, or those of its items."""
    if "path" in task:
        return [task["path"]]
    return [item["file"] for track in task["sound"]["tracks"] for item in track.get("items", [])]


class FakeBackend:
    """Lives from the start on: its heart beats, and `jobs` collects what was asked.

    Attributes:
        answer: task -> the object of `adapt --json`, or an Exception to report it as the task's error.
        finishes: jobs become done; False keeps them running.
        respond: None, or (path -> bytes | None): what the file of an answer holds, `%id` and `%me` filled in.
        unreadable: True cannot read any file of a described sound.
        drop: True makes it do nothing any more, its heart not beating, as a process that was killed.
        beats, takes: False stops only this.
        says: what its heartbeat says otherwise, of its version or protocol.
        learned: what was to be learned from; `share` of it the next answer is told to have.
        hold_s: how long a job takes at least.
    """

    def __init__(self, state_file: Path, mailbox: Path):
        self.state_file, self.mailbox, self.answer = Path(state_file), Path(mailbox), answer
        self.finishes, self.respond, self.drop, self.hold_s = True, None, False, 0.0
        self.beats = self.takes = True
        self.says: dict = {}
        self.jobs: list[dict] = []
        self.learned: list[dict] = []
        self.share = 0.45
        self.unreadable = False
        self.requests: list[tuple[str, str]] = []
        self.deleted: list[str] = []
        self.following: dict[str, tuple[int, float]] = {}  # letter: number of its job, when it came
        self.stopping = threading.Event()
        self.nonce, self.beat, self.port = secrets.token_hex(8), 0, 8765
        self.mailbox.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = {"port": self.port, "token": TOKEN, "pid": os.getpid(), "version": "0.1.0", "started": "2026-01-01Z"}
        self.state_file.parent.mkdir(parents=True, exist_ok=True)
        part = self.state_file.with_suffix(".part")
        part.write_text(json.dumps(state))
        part.rename(self.state_file)
        self._beat()
        self._over, self._idle = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._live, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self._over.set()
        self.thread.join()

    def die(self) -> None:
        """As `drop`; what it was at when it died is over when this returns."""
        self.drop = True
        assert self._idle.wait(20)

    def _live(self) -> None:
        next_beat = 0.0
        while not self._over.wait(0.005):
            with suppress(OSError):  # a mailbox that was removed, a disk that is full
                if self.drop:
                    self._idle.set()
                    continue
                if self.beats and time.monotonic() > next_beat:
                    next_beat = time.monotonic() + 0.1
                    self._beat()
                for path in self.mailbox.glob("*.cancel"):
                    self._cancel(path.stem)
                for path in self.mailbox.glob("*.request") if self.takes else ():
                    self._take(path)
                for letter, (number, came) in list(self.following.items()):
                    self._go_on(letter, number, came)

    def _put(self, name: str, data: dict | bytes) -> None:
        part = self.mailbox / f"{secrets.token_hex(16)}.part"
        try:
            part.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
            part.replace(self.mailbox / name)
        except OSError:
            part.unlink(missing_ok=True)
            raise

    def _beat(self) -> None:
        self.beat += 1
        beat = {"name": "reaper-aeq", "protocol": 1, "version": "0.1.0", "pid": os.getpid(), "nonce": self.nonce}
        beat |= {"beat": self.beat, "time": int(time.time()), "every_s": 0.1, "ready": True, "device": "cpu"}
        self._put("backend.json", beat | self.says)

    def _take(self, path: Path) -> None:
        taken = path.with_suffix(".taken")
        path.rename(taken)
        letter, told = path.stem, json.loads(taken.read_text())
        taken.unlink()
        if told["to"] != self.nonce:
            return self._reply(letter, 410, {"error": "to another"})
        self.requests.append((told["method"], told["path"]))
        raw = self.respond(told["path"]) if self.respond else None
        if raw is not None:
            return self._put(
                f"{letter}.answer", raw.replace(b"%id", letter.encode()).replace(b"%me", self.nonce.encode())
            )
        if told["path"] == "/v1/words":
            return self._reply(letter, 200, {"words": [], "aliases": {"warmer": "warm", "air": "airy", "mud": "muddy"}})
        if told["path"] == "/v1/dashboard":
            return self._reply(letter, 200, {"url": f"http://127.0.0.1:{self.port}/?code={'c0' * 16}", "seconds": 30})
        if told["path"] == "/v1/profile/learn":
            self.learned.append(told["body"])
            count = sum(len(one["edits"]) for one in self.learned)
            rows = [{"word": one["word"], "settings": count, "share": self.share} for one in told["body"]["edits"]]
            return self._reply(letter, 200, {"learned": rows, "store": "/home/ann/profiles.sqlite"})
        if told["path"] == "/v1/shutdown":
            self._reply(letter, 200, {"stopping": True})
            (self.mailbox / "backend.json").unlink()
            self.drop = True
            return self.stopping.set()
        self._progress(letter, told["body"])
        self.following[letter] = (len(self.jobs), time.monotonic())
        self.jobs.append(told["body"])  # last: a test that sees the job finds all of the rest

    def _progress(self, letter: str, body: dict) -> None:
        total = len(body["tasks"])
        self._put(f"{letter}.progress", {"sender": self.nonce, "progress": 0.25, "done": 0, "total": total})

    def _go_on(self, letter: str, number: int, came: float) -> None:
        if self.finishes and time.monotonic() - came >= self.hold_s:
            self._reply(letter, 200, self._job(number))
            del self.following[letter]
            (self.mailbox / f"{letter}.progress").unlink(missing_ok=True)

    def _reply(self, letter: str, status: int, body: dict) -> None:
        self._put(f"{letter}.answer", {"sender": self.nonce, "id": letter, "status": status, "body": body})

    def _cancel(self, letter: str) -> None:
        if letter in self.following:
            self.deleted.append(f"/v1/jobs/{self.following.pop(letter)[0]}")
        for kind in ("cancel", "request", "progress", "answer"):
            (self.mailbox / f"{letter}.{kind}").unlink(missing_ok=True)

    def _job(self, number: int) -> dict:
        body = self.jobs[number]
        results = []
        for task in body["tasks"]:
            if "path" in task:
                task["path"] = task["path"].replace("\\", "/")  # the stand-in's Windows: this system's paths
            missing = [path for path in files_of(task) if not Path(path).is_file()]
            if missing or ("sound" in task and self.unreadable):
                value = UnreadableFileError(f"{(missing or ['it'])[0]} is not there")
            elif "request" in task:
                value = self.answer(task)
            else:
                value = {"scores": {"warm": 0.7}, "top": [["warm", 0.7]], "suggestion": "Try brighter."}
            given = {"id": task["id"], "name": task["name"]}
            if isinstance(value, Exception):
                unreadable = isinstance(value, UnreadableFileError)
                results.append({**given, "ok": False, "error": str(value), "unreadable": unreadable})
            else:
                results.append({**given, "ok": True, "answer": value, "seconds": 0.01})
        job = {"id": str(number), "label": body.get("label", "analyze"), "state": "done", "progress": 1.0}
        return {**job, "created": "2026-01-01T00:00:00Z", "total": len(results), "results": results}


def main(arguments: list[str]) -> None:
    """As a process: 'refuse' ends at once, as a backend that cannot start; 'silent' starts but its heart never beats;
    'hold' never finishes a job."""
    if "refuse" in arguments:
        told = "error: the models are missing from /nowhere"
        log = Path(arguments[arguments.index("--mailbox") + 1]) / "start.log"
        if not log.exists():  # as pythonw, whose words no shell writes down (commands/serve.py)
            log.write_text(told + "\n")
        sys.exit(told)
    if "silent" in arguments:
        return time.sleep(20)
    options = dict(itertools.pairwise(arguments))
    backend = FakeBackend(Path(options["--state-file"]), Path(options["--mailbox"]))
    backend.finishes = "hold" not in arguments
    backend.stopping.wait(20)
    time.sleep(0.05)  # the answer to the shutdown is still to be read
    backend.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
