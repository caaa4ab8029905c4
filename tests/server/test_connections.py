"""Connections that say nothing, that say it slowly, and too many of them: on real sockets of a real backend."""

import contextlib
import os
import resource
import socket
import subprocess
import sys
import time

import httpx
import pytest
from backends import Process, wait_until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX limits")

# the limits are shortened, so that the tests need not wait as long as they are
SHORT = """
import sys
from reaper_aeq.server import connections, guard
connections.HEADER_S, connections.REQUEST_S, guard.BODY_S = 1.5, 4.0, 1.5
from reaper_aeq.__main__ import main
sys.exit(main())
"""


class ShortProcess(Process):
    def __init__(self, state_file, *, files: int | None = None):
        self.state_file = state_file

        def limited():
            if files:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

        self.popen = subprocess.Popen(
            [sys.executable, "-c", SHORT, "serve", "--state-file", str(state_file)], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=limited,
        )  # fmt: skip

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.state.port), timeout=20)

    def head(self, method="GET", path="/v1/health") -> str:
        return (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.state.port}\r\n"
            f"Authorization: Bearer {self.state.token}\r\n"
        )

    @property
    def log(self) -> str:
        return self.state_file.with_suffix(".log").read_text()

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.popen.pid}/fd"))


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    """One for all tests whose connections are gone when they end."""
    process = ShortProcess(tmp_path_factory.mktemp("lasting") / "state" / "backend.json").answering().ready()
    yield process
    process.end()


@pytest.fixture
def backend(tmp_path):
    made = []

    def start(**limits) -> ShortProcess:
        made.append(ShortProcess(tmp_path / "state" / "backend.json", **limits))
        return made[-1].answering().ready()

    yield start
    for one in made:
        one.end()


def ended(sock: socket.socket, within_s: float) -> bytes:
    """What still comes until the other side closes; fails if it does not."""
    sock.settimeout(within_s)
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := sock.recv(65536):
            data += piece
    return data


def test_whoever_says_nothing_or_says_it_slowly_is_let_go(lasting):
    one = lasting
    silent, half, slow = one.connect(), one.connect(), one.connect()
    half.sendall(b"GET / HTTP/1.1\r\nHost:")
    body = one.connect()
    body.sendall((one.head("POST", "/v1/jobs") + "Content-Length: 100\r\n\r\n{").encode())
    kept = one.connect()
    kept.sendall((one.head() + "\r\n").encode())
    assert b"200 OK" in kept.recv(65536)
    began = time.monotonic()
    while time.monotonic() - began < 2.5:  # a byte now and then is no request either
        with contextlib.suppress(OSError):
            slow.sendall(b"G")
        time.sleep(0.2)
    for sock in (silent, half, slow, kept):
        ended(sock, 10)
    assert b" 408 " in ended(body, 10)
    assert time.monotonic() - began < 40
    assert one.http.get("/v1/health").status_code == 200
    assert one.log.count("a connection was closed: no request came") == 1


def test_an_answer_that_nobody_reads_is_given_up(lasting):
    one = lasting
    greedy = one.connect()
    greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    # many requests at once for something large; none of the answers is read
    greedy.settimeout(3)
    with contextlib.suppress(OSError):
        greedy.sendall((one.head(path="/v1/words") + "\r\n").encode() * 3000)
    wait_until(lambda: "a request took too long" in one.log or "no request came" in one.log, seconds=20)
    assert one.http.get("/v1/health").status_code == 200


def test_a_thousand_connections_are_never_open_and_do_not_keep_others_out(backend):
    one = backend()
    before = one.open_files()
    socks = []
    for _ in range(1000):
        with contextlib.suppress(OSError):
            sock = socket.create_connection(("127.0.0.1", one.state.port), timeout=5)
            sock.sendall(b"GET / HT")
            socks.append(sock)
    assert one.open_files() < before + 64 + 40
    assert one.http.get("/v1/health").status_code == 200
    for sock in socks:
        sock.close()
    lines = [line for line in one.log.splitlines() if "WARNING" in line or "ERROR" in line]
    assert len(lines) <= 4 and "Traceback" not in one.log


def test_requests_under_way_are_not_ended_for_newcomers(lasting, sounds):
    one = lasting
    with one.connect() as waiting:
        waiting.sendall((one.head(path="/v1/jobs/none?wait=1") + "\r\n").encode())
        assert b" 404 " in waiting.recv(65536)
    crowd = [one.connect() for _ in range(100)]
    assert one.http.get("/v1/jobs").status_code == 200
    for sock in crowd:
        sock.close()


def test_with_few_file_handles_it_lives_and_keeps_its_log(backend, sounds):
    from backends import task

    one = backend(files=96)
    socks = []
    began = time.monotonic()
    while time.monotonic() - began < 6:
        with contextlib.suppress(OSError):
            socks.append(socket.create_connection(("127.0.0.1", one.state.port), timeout=0.2))
        if len(socks) > 300:
            socks.pop(0).close()
    with httpx.Client(base_url=one.http.base_url, headers=one.http.headers, timeout=60) as fresh:
        done = fresh.post("/v1/jobs?wait=20", json={"label": "x", "tasks": [task(sounds[0])]}).json()
    assert done["results"][0]["ok"], done
    for sock in socks:
        sock.close()
    log = one.log
    assert "models loaded" in log and len(log) < 5000 and "Traceback" not in log
    assert not one.state_file.with_suffix(".log.1").exists()
    assert httpx.post(f"{one.http.base_url}/v1/shutdown", headers=one.http.headers).status_code == 200
    code, _, err = one.finished()
    assert code == 0 and err == ""
