"""Strangers, web pages, large bodies and paths: refused before anything is done for them."""

import json
import select
import socket
import tracemalloc

import pytest
from backends import PORT, TOKEN, task
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.server import guard
from reaper_aeq.server.guard import MOST_CODES, READABLE_SUFFIXES, Codes, PathError, check_path, same
from reaper_aeq.server.state import CODE_S
from reaper_aeq.server.wire import MAX_BODY_BYTES

ADDRESSES = [
    ("GET", "/"), ("GET", "/page/app.js"), ("GET", "/v1/health"), ("GET", "/v1/words"), ("GET", "/v1/jobs"),
    ("GET", "/v1/jobs/x"), ("POST", "/v1/jobs"), ("POST", "/v1/analyze"), ("DELETE", "/v1/jobs/x"), ("GET", "/v1/log"),
    ("GET", "/v1/jobs/x/tasks/0/plot.svg"), ("POST", "/v1/shutdown"), ("GET", "/openapi.json"), ("GET", "/nowhere"),
]  # fmt: skip


def refused(answer, status: int, word: str) -> None:
    assert answer.status_code == status
    assert list(answer.json()) == ["error"] and word in answer.json()["error"]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}0", "Bearer é",
     f"Bearer x {TOKEN}"],
    ids=range(8),
)  # fmt: skip
def test_nothing_without_the_token(client, header):
    del client.headers["Authorization"]
    for method, address in ADDRESSES:
        refused(client.request(method, address, headers=[(b"Authorization", header.encode())]), 401, "token")
        refused(client.request(method, address), 401, "token")
    assert not client.app.state.backend.stopping


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "evil.example"), ("Host", f"evil.example:{PORT}"), ("Host", "127.0.0.1"),
        ("Host", f"127.0.0.1:{PORT + 1}"),
        ("Host", f"127.0.0.1.evil.example:{PORT}"), ("Host", ""), ("Host", f"[::1]:{PORT}"),
        ("Origin", "https://evil.example"), ("Origin", "null"), ("Origin", f"https://127.0.0.1:{PORT}"),
        ("Origin", f"http://127.0.0.1:{PORT + 1}"), ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"),
    ],
)  # fmt: skip
def test_nothing_for_other_names_and_pages(client, name, value):
    for method, address in ADDRESSES:
        refused(client.request(method, address, headers={name: value}), 403, "backend")
    assert not client.app.state.backend.stopping


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_our_own_names_and_page_are_served(client, name):
    host = f"{name}:{PORT}"
    assert client.get("/v1/health", headers={"Host": host, "Origin": f"http://{host}"}).status_code == 200


def code_of(client) -> str:
    answer = client.post("/v1/dashboard").json()
    return answer["url"].split("/?code=")[1]


def test_a_browser_comes_in_with_a_code_that_works_once(client):
    code = code_of(client)
    del client.headers["Authorization"]
    assert client.get("/").status_code == 401
    assert client.get("/?code=wrong").status_code == 401
    answer = client.get(f"/?code={code}", follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and cookie.startswith(f"aeq_{PORT}=")
    # who read it from the list of processes comes too late
    client.cookies.clear()
    assert client.get(f"/?code={code}", follow_redirects=False).status_code == 401
    client.cookies.set(f"aeq_{PORT}", TOKEN)
    assert client.get("/").status_code == 200
    client.cookies.clear()
    # neither opens anything else, and the token opens nothing from an address
    assert client.get(f"/v1/health?token={TOKEN}").status_code == 401
    assert client.get(f"/?token={TOKEN}", follow_redirects=False).status_code == 401
    client.headers["Authorization"] = f"Bearer {TOKEN}"
    fresh = code_of(client)
    del client.headers["Authorization"]
    assert client.get(f"/v1/health?code={fresh}").status_code == 401


def test_a_code_works_only_for_seconds(client, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(guard.time, "monotonic", lambda: now[0])
    first, second = code_of(client), code_of(client)
    del client.headers["Authorization"]
    now[0] += CODE_S - 1
    assert client.get(f"/?code={first}", follow_redirects=False).status_code == 303
    now[0] += 2
    client.cookies.clear()
    assert client.get(f"/?code={second}", follow_redirects=False).status_code == 401
    assert CODE_S <= 60


def test_only_a_few_codes_are_good_at_a_time():
    codes = Codes()
    given = [codes.new() for _ in range(MOST_CODES + 1)]
    assert len(set(given)) == len(given) and [codes.use(code) for code in given] == [False] + [True] * MOST_CODES
    assert not codes.use("") and not codes.use("\udcff")


def test_a_browser_without_the_token_is_told_in_words(client):
    del client.headers["Authorization"]
    answer = client.get("/", headers={"Accept": "text/html,*/*"})
    assert answer.status_code == 401 and "AEQ: Open dashboard" in answer.text
    assert answer.headers["Content-Type"].startswith("text/html")


def test_a_broken_cookie_is_no_cookie(client):
    del client.headers["Authorization"]
    assert client.get("/v1/health", headers={"Cookie": 'a="\x01; =;;'}).status_code == 401


@pytest.mark.parametrize("address", ["/", "/v1/health", "/nowhere"])
def test_every_answer_forbids_what_a_page_of_ours_never_needs(client, address):
    headers = client.get(address).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"


def test_a_body_up_to_the_limit_is_read_and_one_above_is_not(client):
    body = json.dumps({"tasks": []}).encode()
    assert client.post("/v1/jobs", content=body.ljust(MAX_BODY_BYTES)).status_code == 422
    refused(client.post("/v1/jobs", content=body.ljust(MAX_BODY_BYTES + 1)), 413, "large")


def test_what_was_not_read_closes_the_connection_on_a_browsers_page_too(client):
    large = client.request("GET", "/", headers={"Accept": "text/html", "Content-Length": str(MAX_BODY_BYTES + 1)})
    refused(large, 413, "large")
    assert large.headers["Connection"] == "close"


def test_a_body_that_does_not_say_its_length_is_counted(client):
    given = []

    def pieces():
        for _ in range(100):
            given.append(1)
            yield b" " * 100_000

    refused(client.post("/v1/jobs", content=pieces()), 413, "large")


def test_a_hundred_megabytes_are_refused_unread(process):
    """For real: the process answers while nearly all of it is still unsent, and does not grow."""
    backend = process().ready()
    before = resident_mb(backend.popen.pid)
    port, token = backend.state.port, backend.state.token
    head = f"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
    for kind in ("Content-Length: 100000000", "Transfer-Encoding: chunked"):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
            sock.sendall(f"{head}Content-Type: application/json\r\n{kind}\r\n\r\n".encode())
            answer, sent = send_until_answered(sock, chunked="chunked" in kind)
        assert answer.startswith(b"HTTP/1.1 413 ") and b'"error"' in answer
        assert sent < 20_000_000
    assert backend.http.get("/v1/health").status_code == 200
    assert resident_mb(backend.popen.pid) < before + 50


def send_until_answered(sock: socket.socket, chunked: bool) -> tuple[bytes, int]:
    piece, sent = b" " * 65536, 0
    sock.setblocking(False)
    while sent < 100_000_000:
        readable, writable, _ = select.select([sock], [sock], [], 20)
        if readable:
            sock.settimeout(20)
            answer = b""
            while piece := sock.recv(65536):
                answer += piece
            return answer, sent
        if writable:
            frame = b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece
            sock.settimeout(20)
            sock.sendall(frame)
            sock.setblocking(False)
            sent += len(piece)
    raise AssertionError("all of it was taken without an answer")


def resident_mb(pid: int) -> float:
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096 / 1e6


@pytest.mark.parametrize(
    "path",
    ["song.wav", "./a/song.wav", "../song.wav", "/etc/passwd", "/etc/shadow", "/proc/self/environ", "/a/song.wav\0.txt",
     "/a/song.txt", "/a/.wav", "/", "~/song.wav", "file:///a.wav", "http://evil.example/a.wav", "/dev/zero"],
)  # fmt: skip
def test_paths_that_are_not_even_looked_at(client, path):
    for address, body in (
        ("/v1/jobs", {"tasks": [task(path)]}),
        ("/v1/jobs", {"tasks": [task("/a/song.wav", None, references=[path])]}),
        ("/v1/analyze", {"tasks": [{"id": "1", "path": path}]}),
    ):
        refused(
            client.post(address, json=body), 403, "audio" if path.startswith("/") and "\0" not in path else "absolute"
        )


@given(st.text(max_size=40))
@settings(max_examples=200)
def test_only_absolute_paths_with_a_suffix_of_audio_pass(text):
    for path in (text, "/" + text, f"/{text}.wav"):
        try:
            check_path(path)
        except PathError:
            continue
        assert path.startswith("/") and "\0" not in path and path.lower().endswith(READABLE_SUFFIXES)


def test_comparing_takes_text_of_any_kind():
    assert same("abc", "abc") and not same("", "abc") and not same("\udcff", "abc") and not same("é", "abc")


def test_a_body_is_never_held_beyond_the_limit(client):
    tracemalloc.start()
    client.post("/v1/jobs", headers={"Content-Length": "100000000"}, content=b"")
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
