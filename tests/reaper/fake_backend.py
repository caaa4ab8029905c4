"""A backend that answers without a model: what the actions do with answers is tested here, not the answers.

Runs in a thread of the test, or as a process of its own (`python fake_backend.py [mode] serve --state-file FILE
--background`), as the actions start it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

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
        "output_gain_db": -0.31 * total,
        "bands": bands,
    }


class FakeBackend:
    """Starts serving at once. `jobs` collects what was asked.

    Attributes:
        answer: task -> the object of `adapt --json`, or an Exception to report it as the task's error.
        finishes: jobs become done; False keeps them running.
        respond: None, or (path -> bytes | None): raw bytes to send for a path instead of an answer.
        drop: True closes every connection without an answer, as a process that dies.
    """

    def __init__(self, state_file: Path, port: int = 0):
        self.state_file, self.answer = Path(state_file), answer
        self.finishes, self.respond, self.drop, self.hold_s = True, None, False, 0.0
        self.jobs: list[dict] = []
        self.requests: list[tuple[str, str]] = []
        self.deleted: list[str] = []
        self.stopping = threading.Event()
        backend = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                backend.handle(self)

            do_POST = do_DELETE = do_GET

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        self.port = self.server.server_address[1]
        state = {"port": self.port, "token": TOKEN, "pid": os.getpid(), "version": "0.1.0", "started": "2026-01-01Z"}
        self.state_file.parent.mkdir(parents=True, exist_ok=True)
        part = self.state_file.with_suffix(".part")
        part.write_text(json.dumps(state))
        part.rename(self.state_file)

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def handle(self, http: BaseHTTPRequestHandler) -> None:
        url = urlsplit(http.path)
        body = http.rfile.read(int(http.headers.get("Content-Length") or 0))
        self.requests.append((http.command, url.path))
        if self.drop:
            http.close_connection = True
            http.connection.close()
            return
        raw = self.respond(url.path) if self.respond else None
        if raw is not None:
            return self._send(http, 200, raw)
        if http.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._send(http, 401, {"error": "the token is missing or wrong"})
        wait_s = float(parse_qs(url.query).get("wait", ["0"])[0])
        status, reply = self._route(http.command, url.path, json.loads(body) if body else None, wait_s)
        return self._send(http, status, reply)

    @staticmethod
    def _send(http, status: int, reply: dict | bytes) -> None:
        data = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        http.send_response(status)
        http.send_header("Content-Type", "application/json")
        http.send_header("Content-Length", str(len(data)))
        http.end_headers()
        http.wfile.write(data)

    def _route(self, method: str, path: str, body: dict | None, wait_s: float) -> tuple[int, dict]:
        if path == "/v1/health":
            health = {"name": "reaper-aeq", "version": "0.1.0", "device": "cpu", "pid": os.getpid(), "uptime_s": 1.0}
            return 200, {**health, "ready": True}
        if path == "/v1/words":
            return 200, {"words": [], "aliases": {"warmer": "warm", "air": "airy", "mud": "muddy"}}
        if path == "/v1/shutdown":
            self.stopping.set()
            return 200, {"stopping": True}
        if path in ("/v1/jobs", "/v1/analyze") and method == "POST":
            self.jobs.append(body)
            time.sleep(self.hold_s)
            job = self._job(len(self.jobs) - 1)
            return (200 if job["state"] == "done" else 202), job
        number = int(path.rpartition("/")[2])
        if method == "DELETE":
            self.deleted.append(path)
            return 200, {**self._job(number), "state": "cancelled"}
        if not self.finishes:
            time.sleep(min(wait_s, 0.1))
        return 200, self._job(number)

    def _job(self, number: int) -> dict:
        body = self.jobs[number]
        results = []
        for task in body["tasks"] if self.finishes else []:
            if not Path(task["path"]).is_file():
                value = FileNotFoundError(f"{task['path']} is not there")
            elif "request" in task:
                value = self.answer(task)
            else:
                value = {"scores": {"warm": 0.7}, "top": [["warm", 0.7]], "suggestion": "Try brighter."}
            given = {"id": task["id"], "name": task["name"]}
            if isinstance(value, Exception):
                results.append({**given, "ok": False, "error": str(value)})
            else:
                results.append({**given, "ok": True, "answer": value, "seconds": 0.01})
        state = "done" if self.finishes else "running"
        progress = 1.0 if self.finishes else 0.25
        job = {"id": str(number), "label": body.get("label", "analyze"), "state": state, "progress": progress}
        return {**job, "created": "2026-01-01T00:00:00Z", "results": results}


def main(arguments: list[str]) -> None:
    """As a process: 'refuse' ends at once, as a backend that cannot start; 'hold' never finishes a job."""
    if "refuse" in arguments:
        return
    backend = FakeBackend(Path(arguments[arguments.index("--state-file") + 1]))
    backend.finishes = "hold" not in arguments
    backend.stopping.wait(20)
    time.sleep(0.05)  # the answer to the shutdown goes out first
    backend.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
