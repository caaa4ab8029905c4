"""`reaper-aeq serve` as a process: starting, finding each other, ending, and what a kill leaves behind."""

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from backends import PATIENCE_S, Process, task, wait_until

from reaper_aeq.cli.commands import serve as command
from reaper_aeq.server.state import DEFAULT_PORT, read_state, running
from reaper_aeq.util.paths import shipped

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")


def end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@posix
def test_it_tells_where_it_is_and_ends_cleanly_on_ctrl_c(process):
    backend = process()
    assert stat.S_IMODE(backend.state_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(backend.state_file.parent.stat().st_mode) == 0o700
    backend.ready()
    code, out, err = backend.signal(signal.SIGINT).finished()
    assert code == 0 and err == ""
    assert f"port {backend.state.port}" in out and f"http://127.0.0.1:{backend.state.port}/?code=" in out
    assert backend.state.token not in out
    log = backend.state_file.with_suffix(".log").read_text()
    assert "models loaded" in log and "stopped" in log and backend.state.token not in log
    assert not backend.state_file.exists()


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_ends_cleanly_while_the_model_loads_and_somebody_waits(process, sounds, number):
    backend = process()
    with socket.create_connection(("127.0.0.1", backend.state.port)) as sock:
        body = json.dumps({"tasks": [task(sounds[0])]}).encode()
        head = f"POST /v1/jobs?wait=30 HTTP/1.1\r\nHost: 127.0.0.1:{backend.state.port}\r\n"
        head += f"Authorization: Bearer {backend.state.token}\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        time.sleep(0.3)
        began = time.monotonic()
        code, _, err = backend.signal(number).finished()
    assert code == 0 and err == "" and time.monotonic() - began < 25  # the job was waited for 30 s
    assert not backend.state_file.exists()


def test_a_second_start_finds_the_first_and_says_so(process):
    first = process()
    second = process(wait=False)
    code, out, err = second.finished()
    assert (code, err) == (0, "") and f"is running already (process {first.popen.pid}, port {first.state.port})" in out
    code, out, _ = process("--json", wait=False).finished()
    assert code == 0 and json.loads(out) == {
        "url": f"http://127.0.0.1:{first.state.port}/", "port": first.state.port, "pid": first.popen.pid,
        "state_file": str(first.state_file), "already_running": True,
    }  # fmt: skip
    assert first.state.health() and read_state(first.state_file) == first.state


def test_of_many_starts_at_once_one_serves_and_the_others_find_it(process):
    starts = [process(wait=False) for _ in range(3)]
    wait_until(lambda: sum(start.popen.poll() is not None for start in starts) == 2, what="two of three ending")
    (serving,) = [start for start in starts if start.popen.poll() is None]
    for start in starts:
        if start is not serving:
            code, out, _ = start.finished()
            assert code == 0 and f"process {serving.popen.pid}" in out
    assert running(serving.state_file).pid == serving.popen.pid


@posix
def test_what_a_killed_backend_left_behind_is_replaced(process):
    first = process()
    first.signal(signal.SIGKILL).finished()
    assert read_state(first.state_file) == first.state
    second = process()
    assert second.state.token != first.state.token and second.state.health()
    assert first.state.health() is None


@posix
def test_one_that_hangs_is_named_and_not_started_over(process, monkeypatch):
    monkeypatch.setattr(command, "STARTING_S", 1.0)
    first = process()
    first.signal(signal.SIGSTOP)
    with pytest.raises(command.AeqError, match=f"process {first.popen.pid}.*does not answer"):
        command.wait_for_other(first.state_file)
    first.signal(signal.SIGCONT)


@posix
def test_what_the_backend_writes_is_its_owner_s_only(process):
    process("--background", wait=False).finished()
    (one,) = [start for start in [process(wait=False)]]
    one.finished()
    state = read_state(one.state_file)
    try:
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in one.state_file.parent.iterdir()}
        assert {"backend.json", "backend.log", "backend.err", "backend.json.lock"} <= set(modes)
        assert set(modes.values()) == {0o600}
    finally:
        end(state.pid)


@pytest.mark.parametrize("content", ["my notes\n", "{}", '{"port": 99999999, "token": "a"}', "[" * 100_000])
def test_a_file_that_is_none_of_ours_is_not_replaced(tmp_path, content):
    path = tmp_path / "notes.json"
    path.write_text(content)
    code, out, err = Process(path).finished()
    assert (code, out) == (2, "") and "is not the state file of a backend: remove it" in err and err.count("\n") == 1
    assert path.read_text() == content


def held_until(bind: Callable[[], object], seconds: float = 60) -> None:
    """Another test's backend may have it, and give it back at any moment."""
    end = time.monotonic() + seconds
    while True:
        try:
            return bind()
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.1)


def test_a_port_that_is_taken(process):
    with socket.socket() as other:
        # else an earlier backend's closed connections would keep us from it, but not the next backend
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held_until(lambda: other.bind(("127.0.0.1", DEFAULT_PORT)))
        other.listen()
        backend = process()
        assert backend.state.port != DEFAULT_PORT and backend.state.health()
        other_file = Process(backend.state_file.with_name("other.json"), "--port", str(backend.state.port))
        code, _, err = other_file.finished()
        assert code == 2 and err.startswith("error: port") and "leave out --port" in err and err.count("\n") == 1


def test_it_stops_by_itself_when_nobody_asks(process, sounds):
    backend = process("--idle-minutes", "0.03")
    # looking at the dashboard does not keep it alive
    end = time.monotonic() + PATIENCE_S
    while backend.popen.poll() is None and time.monotonic() < end:
        with contextlib.suppress(Exception):
            backend.http.get("/v1/jobs")
        time.sleep(0.2)
    code, _, err = backend.finished()
    assert (code, err) == (0, "") and not backend.state_file.exists()
    assert "nothing was asked for 0.03 minutes" in backend.state_file.with_suffix(".log").read_text()


def test_a_job_under_way_keeps_it_alive(process, tmp_path):
    backend = process("--idle-minutes", "0.05")
    # asked while the model is loading, which takes longer than it would wait
    job = backend.http.post("/v1/jobs?wait=30", json={"tasks": [task("/nowhere/a.wav")]}).json()
    assert job["state"] == "done"
    assert backend.finished()[0] == 0


def test_it_ends_on_request_and_leaves_another_s_state_file_alone(process):
    backend = process()
    foreign = backend.state_file.read_text().replace(backend.state.token, "f" * 64)
    backend.state_file.write_text(foreign)
    assert backend.http.post("/v1/shutdown").json() == {"stopping": True}
    assert backend.finished()[0] == 0 and backend.state_file.read_text() == foreign


def test_in_the_background_it_outlives_its_starter_and_holds_none_of_its_pipes(process):
    starter = process("--background", wait=False)
    code, out, err = starter.finished()  # returns only when nobody holds the pipes
    assert (code, err) == (0, "") and "is running" in out
    state = running(starter.state_file)
    assert state.pid != starter.popen.pid
    try:
        if os.name != "nt":
            assert os.getsid(state.pid) == state.pid  # a session of its own: no terminal, no Ctrl-C of ours
        again = process("--background", wait=False)
        assert "is running already" in again.finished()[1]
        starter.state = state
    finally:
        end(state.pid)


def test_a_background_start_that_fails_says_why(process, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        code, out, err = process("--background", "--port", str(other.getsockname()[1]), wait=False).finished()
    assert (code, out) == (2, "") and "is taken or forbidden" in err and err.count("\n") == 1


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    code, out, err = Process(tmp_path / "file" / "backend.json").finished()
    assert (code, out) == (2, "") and err.startswith("error: cannot write") and err.count("\n") == 1


def test_missing_models_are_told_of_before_anything_starts(tmp_path):
    (tmp_path / "some").mkdir()
    for name in ("words.json", "words.safetensors"):
        shutil.copy(shipped("models") / name, tmp_path / "some")
    code, out, err = Process(tmp_path / "backend.json", "--models", str(tmp_path / "some")).finished()
    assert (code, out) == (2, "") and f"eq.json is missing from {tmp_path / 'some'}" in err and err.count("\n") == 1


def test_no_window_on_windows_and_a_session_elsewhere(tmp_path):
    assert command.detached(windows=True)["creationflags"] & 0x08000000  # CREATE_NO_WINDOW
    assert command.detached(windows=False) == {"start_new_session": True}
    python = tmp_path / "python.exe"
    assert command.windowless_python(str(python)) == str(python)
    (tmp_path / "pythonw.exe").write_text("")
    assert command.windowless_python(str(python)) == str(tmp_path / "pythonw.exe")


@posix
def test_without_stdout_and_stderr_what_is_said_goes_to_the_mailbox(process, tmp_path):
    """As Windows' pythonw starts it: there is nobody to print to."""
    mailbox, state_file = tmp_path / "mailbox", tmp_path / "state" / "backend.json"
    command = [sys.executable, "-m", "reaper_aeq", "serve", "--state-file", str(state_file), "--mailbox", str(mailbox)]
    without = 'exec "$@" >&- 2>&- <&-'
    subprocess.run(["/bin/sh", "-c", without, "sh", *command, "--background", "--json"], check=True, timeout=PATIENCE_S)
    state = running(state_file)
    try:
        assert json.loads((mailbox / "start.log").read_text())["pid"] == state.pid
        assert state.token not in (mailbox / "start.log").read_text()
        assert (mailbox / "backend.json").exists()
    finally:
        end(state.pid)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = subprocess.run(["/bin/sh", "-c", without, "sh", *command, "--background", "--port", port])
    assert done.returncode == 2
    assert (mailbox / "start.log").read_text().startswith("error: port ") and not running(state_file)


def test_python_dash_m_is_the_same_program():
    run = subprocess.run([sys.executable, "-m", "reaper_aeq", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("reaper-aeq ")
