"""The state file, its lock, and the port."""

import json
import os
import socket
import stat
import subprocess
import sys

import pytest
from backends import StateInfo

from reaper_aeq.errors import AeqError, OutputError
from reaper_aeq.server import state as module
from reaper_aeq.server.state import (  # fmt: skip
    DEFAULT_PORT,
    State,
    default_state_file,
    listening_socket,
    read_state,
    remove_state,
    running,
    write_state,
)
from reaper_aeq.util.files import make_folder
from reaper_aeq.util.locks import lock

STATE = State(41234, "0123456789abcdef" * 4, 4321, "0.1.0", "2026-01-31T12:00:00Z")


@pytest.mark.parametrize(
    ("system", "environ", "path"),
    [
        ("linux", {"HOME": "/home/ann"}, "/home/ann/.local/state/reaper-aeq/backend.json"),
        ("linux", {"HOME": "/home/ann", "XDG_STATE_HOME": "/s"}, "/s/reaper-aeq/backend.json"),
        ("linux", {"HOME": "/home/ann", "XDG_STATE_HOME": "s"}, "/home/ann/.local/state/reaper-aeq/backend.json"),
        ("darwin", {"HOME": "/Users/ann"}, "/Users/ann/Library/Application Support/reaper-aeq/backend.json"),
        ("win32", {"LOCALAPPDATA": "/c/L"}, "/c/L/reaper-aeq/backend.json"),
        ("win32", {"USERPROFILE": "/c/ann"}, "/c/ann/AppData/Local/reaper-aeq/backend.json"),
    ],
)
def test_where_the_actions_look(system, environ, path):
    assert default_state_file(system, environ).as_posix() == path


def test_only_the_owner_may_read_it_even_while_it_is_written(tmp_path, monkeypatch):
    path, seen = tmp_path / "backend.json", []
    path.write_text("an older one, open to all")
    path.chmod(0o666)
    real = os.replace

    def replace(source, target):
        seen.append(stat.S_IMODE(os.stat(source).st_mode))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    write_state(path, STATE)
    assert seen == [0o600] and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_state(path) == STATE and StateInfo.model_validate_json(path.read_text())
    assert [p.name for p in tmp_path.iterdir()] == ["backend.json"]


def test_it_is_open_to_nobody_else_before_a_byte_is_in_it(tmp_path, monkeypatch):
    modes = []
    real = os.open

    def watched(path, flags, mode=0o777):
        if not str(path).endswith(".lock"):  # nothing is ever in it
            modes.append(mode)
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", watched)
    write_state(tmp_path / "backend.json", STATE)
    assert modes[0] == 0o600


WRONG = [
    {"port": 99_999_999}, {"port": 0}, {"port": True}, {"port": "8765"}, {"port": 1.5}, {"token": "a b"}, {"token": ""},
    {"token": "\u00e9"}, {"token": "a\r\nHost: x"}, {"token": 7}, {"pid": "1"}, {"version": None},
]  # fmt: skip


@pytest.mark.parametrize("changes", WRONG, ids=str)
def test_a_state_file_with_wrong_values_is_none(tmp_path, changes):
    path = tmp_path / "backend.json"
    path.write_text(json.dumps({**vars(STATE), **changes}))
    assert read_state(path) is None and running(path) is None
    with pytest.raises(AeqError, match="is not the state file of a backend: remove it"):
        module.refuse_other_file(path)


def test_what_may_be_replaced(tmp_path):
    path = tmp_path / "backend.json"
    module.refuse_other_file(path)
    path.write_text("")  # made by a program that wanted to know whether it can
    module.refuse_other_file(path)
    write_state(path, STATE)
    module.refuse_other_file(path)


@pytest.mark.parametrize("text", ["[" * 9_000, "x" * 10_000_000], ids=["deep", "long"])
def test_a_state_file_without_bounds_is_none(tmp_path, text):
    (tmp_path / "backend.json").write_text(text)
    assert read_state(tmp_path / "backend.json") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"port": 1}', '{"port": "x", "token": 1}', "\xff"])
def test_what_is_no_state_file_is_none(tmp_path, text):
    path = tmp_path / "backend.json"
    path.write_bytes(text.encode("latin-1"))
    assert read_state(path) is None and running(path) is None
    assert read_state(tmp_path / "absent") is None


def test_only_our_own_file_is_removed(tmp_path):
    path = tmp_path / "backend.json"
    write_state(path, STATE)
    remove_state(path, "another's token")
    assert path.exists()
    remove_state(path, STATE.token)
    assert not path.exists()
    remove_state(path, STATE.token)


def test_somebody_else_at_the_port_is_not_our_backend(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        path = tmp_path / "backend.json"
        write_state(path, State(server.getsockname()[1], *list(vars(STATE).values())[1:]))
        assert running(path) is None  # takes the connection and says nothing


def test_one_holds_the_lock_until_it_ends_however_it_ends(tmp_path):
    path = tmp_path / "backend.json"
    code = (
        "import sys, time; from pathlib import Path; from reaper_aeq.util.locks import lock;"
        "held = lock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        assert lock(path) is None
        process.kill()
    held = lock(path)
    assert held is not None
    held.close()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        make_folder(tmp_path / "file" / "state", 0o700)


def test_only_this_machine_can_connect():
    with listening_socket(None) as sock:
        assert sock.getsockname()[0] == "127.0.0.1"


def test_a_free_port_is_found_where_ours_is_taken():
    with listening_socket(None) as first, listening_socket(None) as second:
        ports = {first.getsockname()[1], second.getsockname()[1]}
        assert len(ports) == 2 and ports != {DEFAULT_PORT}
        with pytest.raises(AeqError, match="leave out --port"):
            listening_socket(first.getsockname()[1])
