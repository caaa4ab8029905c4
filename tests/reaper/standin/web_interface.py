"""REAPER's web interface, as much of it as reapy asks for: ExtState, and running an action by its number or id.

It listens on a thread of its own and answers in REAPER's main cycle: while a script holds that, nobody gets an answer.
"""

from __future__ import annotations

import configparser
import queue
import threading
import urllib.parse
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def ports(resource_path: Path) -> list[int]:
    """Those that reaper.ini has a web interface for: `csurf_N=HTTP 0 PORT 'user' 'page' 0 ''`."""
    config = configparser.ConfigParser(strict=False, interpolation=None, delimiters="=")
    config.read(resource_path / "reaper.ini", encoding="utf-8")
    if not config.has_section("reaper"):
        return []
    count = config.getint("reaper", "csurf_cnt", fallback=0)
    lines = [config.get("reaper", f"csurf_{n}", fallback="").split(" ") for n in range(count)]
    return [int(words[2]) for words in lines if words[0] == "HTTP"]


class WebInterface:
    """`answer(reaper)` in each cycle; `close` at the end."""

    def __init__(self, port: int):
        self.asked: queue.Queue[tuple[str, Future]] = queue.Queue()
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                wanted: Future = Future()
                asked.put((self.path, wanted))
                body = wanted.result().encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, reaper) -> None:
        while not self.asked.empty():
            path, wanted = self.asked.get()
            answer = ""
            try:
                answer = self._respond(reaper, urllib.parse.unquote(path))
            finally:
                wanted.set_result(answer)

    def _respond(self, reaper, path: str) -> str:
        if not path.startswith("/_/"):
            return ""
        words = path.removeprefix("/_/").split("/")
        if words[:2] == ["GET", "EXTSTATE"]:
            section, key = words[2:4]
            value = reaper.ext_state.values.get((section.lower(), key.lower()), "")
            return f"EXTSTATE\t{section}\t{key}\t{value}\n"
        if words[:2] == ["SET", "EXTSTATE"]:
            reaper.ext_state.set(*words[2:5], persist=False)
            return ""
        command = words[0].removeprefix("_")
        if any(command == known for known, _, _ in reaper.actions.entries):
            reaper.run_action(command)
        return ""

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
