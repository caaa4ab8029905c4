"""Finding REAPER, or saying quickly and in one sentence why it was not found; and reapy staying out of all else."""

from __future__ import annotations

import ast
import json
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import soundfile
from live_kit import free_port
from standin import StandInError
from standin.action_list import ActionList
from standin.web_interface import ports

from reaper_aeq.cli.commands import sound
from reaper_aeq.cli.main import main
from reaper_aeq.reaper.install import running
from reaper_aeq.reaper.live import reach, setup
from reaper_aeq.reaper.live.api import LiveError
from reaper_aeq.util.paths import PACKAGE

SET_UP = "quit REAPER, run 'reaper-aeq live setup', start REAPER again"


@pytest.fixture
def web(monkeypatch):
    """(path -> body, or a status) -> the port of a web interface that answers so; `web.asked` has the paths."""
    servers = []

    def start(answer):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                start.asked.append(self.path)
                body = answer(self.path)
                self.send_response(body if isinstance(body, int) else 200)
                self.end_headers()
                self.wfile.write(b"" if isinstance(body, int) else body.encode())

            def log_message(self, *_):
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1].server_port

    start.asked = []
    monkeypatch.setattr(reach, "ANSWER_S", 0.3)
    monkeypatch.setattr(reach, "START_S", 0.3)
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def state(**values):
    """A web interface whose ExtState holds these."""

    def answer(path):
        key = path.rsplit("/", 1)[-1]
        return f"EXTSTATE\treapy\t{key}\t{json.dumps(values[key]) if key in values else ''}\n"

    return answer


def refusal(port: int) -> str:
    with pytest.raises(LiveError) as caught, reach.connected(port):
        pass
    return str(caught.value)


def test_nobody_there_is_said_at_once_and_before_models_load(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sound, "load_engine", lambda models: pytest.fail("models were loaded"))
    monkeypatch.setattr(running, "running_reaper", lambda: None)
    song = tmp_path / "song.wav"
    soundfile.write(song, np.full(48_000, 0.1), 48_000)
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it waited"))
    port = free_port()
    for command in (["warm", "--all"], ["project"], ["match", str(song)], ["remove", "--all"]):
        assert main(["live", *command, "--port", str(port)]) == 2
        out, err = capsys.readouterr()
        assert out == "" and err.count("\n") == 1
        assert err.startswith(f"error: REAPER is not running, or cannot be reached on port {port} of this machine")
        assert SET_UP in err and "--port" in err and "firewall" in err


def test_reaper_without_reapy(web):
    assert refusal(web(state())) == f"REAPER runs, but reapy's distant API is not enabled in it: {SET_UP}"


def test_a_server_that_does_not_start(web):
    port = web(state(activate_reapy_server="_RSabc"))
    assert refusal(port).startswith("REAPER was asked to start reapy's server and did not: see that Python is enabled")
    assert web.asked.count("/_/_RSabc") == 1


@pytest.mark.parametrize(
    "answer", [lambda path: "<html>hello</html>", lambda path: 404, state(server_port="high"), state(server_port=0)]
)
def test_another_program_on_that_port(web, answer):
    port = web(answer)
    assert refusal(port).startswith(f"what answers on port {port} is not REAPER's web interface: give the right one")


def test_a_reaper_that_is_busy(web):
    """A dialog is open: sockets accept, nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for asked in (port, web(state(server_port=port))):
            assert refusal(asked).startswith("REAPER does not answer: close the dialogs that are open in it")


def test_a_server_that_is_gone(web):
    gone = free_port()
    assert refusal(web(state(server_port=gone))).startswith(
        f"reapy's server in REAPER does not answer on port {gone}: restart REAPER"
    )


def test_the_server_is_started_by_the_first_and_found_by_the_next(studio):
    for _ in range(2):
        with reach.connected(studio.port) as reaper:
            assert reaper("CountTracks", 0) >= 1
    assert studio.host.do(lambda session: len(session.reaper.scripts)) == 1


def test_two_terminals_at_once_start_one_server(studio):
    """REAPER opens a modal box when a script that runs is run again: everything would stand still."""
    studio.host.close()
    studio.start()
    code = "import sys; from reaper_aeq.reaper.live.reach import _server_port; print(_server_port(int(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(studio.port)]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    ports_told = [run.communicate(timeout=60)[0].strip() for run in runs]
    assert [run.returncode for run in runs] == [0] * 4 and len(set(ports_told)) == 1
    assert studio.host.do(lambda session: len(session.reaper.scripts)) == 1


def test_reapy_is_imported_by_live_alone_and_only_when_it_is_called():
    """While it is imported it looks for REAPER and warns: no module of ours may do so by being imported itself."""
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text("utf-8")
        tree = ast.parse(text if "import reapy" in text or "from reapy" in text else "")
        found = [node for node in ast.walk(tree) if _imports_reapy(node)]
        assert not any(_imports_reapy(node) for node in tree.body), path
        assert not found or path.parent.name == "live", path


def _imports_reapy(node: ast.AST) -> bool:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
    return any(name.split(".")[0] == "reapy" for name in [*names, getattr(node, "module", None) or ""])


QUIET = """
import sys
import reaper_aeq, reaper_aeq.cli.main, reaper_aeq.cli.commands.live
from reaper_aeq.reaper.live import api, check, reach, reaeq, render_state, setup, target, write
print("reapy" in sys.modules, file=sys.stderr)
sys.exit(reaper_aeq.cli.main.main(["live", "warm", "--port", sys.argv[1]]))
"""


def test_a_terminal_without_reaper_sees_one_sentence_and_no_warnings():
    run = subprocess.run(
        [sys.executable, "-W", "always", "-c", QUIET, str(free_port())], capture_output=True, text=True
    )
    lines = run.stderr.splitlines()
    assert run.returncode == 2 and lines[0] == "False" and len(lines) == 2
    assert lines[1].startswith("error: REAPER ")


@pytest.fixture
def resource(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "running_reaper", lambda: None)
    folder = tmp_path / "REAPER"
    folder.mkdir()
    (folder / "reaper.ini").write_text("[reaper]\ncsurf_cnt=1\ncsurf_0=HTTP 0 8080 '' 'index.html' 0 ''\nx=1\n")
    return folder


def files(folder) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.suffix == ".ini"}


def setup_json(resource, capsys, *more: object) -> dict:
    assert main(["live", "setup", "--resource-path", str(resource), "--json", *map(str, more)]) == 0
    return json.loads(capsys.readouterr().out)


def test_setup_enables_reapy_and_changes_nothing_the_second_time(resource, capsys):
    answer = setup_json(resource, capsys)
    assert (answer["resource_path"], answer["port"]) == (str(resource), 2307)
    assert ports(resource) == [8080, 2307]
    first = files(resource)
    assert "reascript=1" in first["reaper.ini"] and "x=1" in first["reaper.ini"]
    assert "activate_reapy_server.py" in first["reaper-kb.ini"]
    assert first["reaper-extstate.ini"].startswith('[reapy]\nactivate_reapy_server="_RS')
    there = sorted(resource.iterdir())
    setup_json(resource, capsys)
    assert (files(resource), sorted(resource.iterdir())) == (first, there)
    setup_json(resource, capsys, "--port", 2399)
    assert ports(resource) == [8080, 2307, 2399]
    assert files(resource)["reaper-kb.ini"] == first["reaper-kb.ini"]


def test_setup_says_aloud_that_both_ports_have_no_password(resource, capsys):
    assert main(["live", "setup", "--resource-path", str(resource), "--port", "2399"]) == 0
    out = capsys.readouterr().out
    assert "reaper-aeq live warm --selected" in out
    assert "no password" in out and "2399" in out and "2306" in out and "firewall" in out


def test_setup_changes_no_byte_that_is_not_its_own(resource, capsys):
    """Comments, a key twice, lines that are no settings, another encoding, Windows' line ends, no end of the file."""
    ini = b"[reaper]\r\n; a comment\r\nlastcwd=C:\\M\xfcsik\r\ndup=1\r\ndup=2\r\nstray\r\nfxrec%=100%\r\n[other]\r\ny=1"
    keys = 'KEY 1 65 40044 0\nSCR 4 0 RS5e "Custom: é.lua" é.lua'.encode("latin-1")
    (resource / "reaper.ini").write_bytes(ini)
    (resource / "reaper-kb.ini").write_bytes(keys)
    setup_json(resource, capsys)
    now, listed = (resource / "reaper.ini").read_bytes(), (resource / "reaper-kb.ini").read_bytes()
    head = ini.index(b"[other]")
    assert now.startswith(ini[:head]) and now.endswith(ini[head:])
    added = now[head : -len(ini[head:])].decode().split("\r\n")
    assert [line.partition("=")[0] for line in added] == [
        "reascript", "pythonlibpath64", "pythonlibdll64", "csurf_cnt", "csurf_0", "",
    ]  # fmt: skip
    assert listed.startswith(keys + b"\n") and listed.endswith(b"\n") and listed.count(b"SCR") == 2
    copies = {path.read_bytes() for path in resource.iterdir() if path.name.endswith(".bak")}
    assert copies == {ini, keys}, "a copy of each file that was changed lies beside it"


@pytest.fixture
def reapy_in_a_folder_with_spaces(tmp_path, monkeypatch):
    script = tmp_path / "Application Support" / "reapy" / "activate_reapy_server.py"
    script.parent.mkdir(parents=True)
    script.write_text("")
    reapy = setup.import_reapy()
    monkeypatch.setattr(reapy.config.config, "get_activate_reapy_server_path", lambda: str(script))
    return script


def registered(resource):
    return [path for _, name, path in ActionList(resource).entries if name == "activate_reapy_server.py"]


def test_the_path_of_reapys_server_is_quoted(resource, reapy_in_a_folder_with_spaces, capsys):
    setup_json(resource, capsys)
    assert registered(resource) == [reapy_in_a_folder_with_spaces]


def test_what_reapy_itself_wrote_unquoted_is_repaired(resource, reapy_in_a_folder_with_spaces, capsys):
    """reapy adds such a line at every call, for it does not know its own line again either."""
    reapy = setup.import_reapy()
    for _ in range(2):
        reapy.configure_reaper(str(resource))
        with open(resource / "reaper-kb.ini", "a") as file:
            file.write("\n")
    with pytest.raises(StandInError, match="no script line"):
        ActionList(resource)
    setup_json(resource, capsys)
    assert registered(resource) == [reapy_in_a_folder_with_spaces]
    state = (resource / "reaper-extstate.ini").read_text()
    assert f'activate_reapy_server="_{ActionList(resource).entries[0][0]}"' in state


def test_a_setup_that_fails_leaves_the_files_as_they_were(resource, monkeypatch, capsys):
    before = files(resource)
    (resource / "reaper-extstate.ini").mkdir()
    assert main(["live", "setup", "--resource-path", str(resource)]) == 2
    assert capsys.readouterr().err.startswith(f"error: cannot read {resource / 'reaper-extstate.ini'}")
    (resource / "reaper-extstate.ini").rmdir()
    assert files(resource) == before
    reapy = setup.import_reapy()
    monkeypatch.setattr(reapy.config, "get_python_shared_library", lambda: (_ for _ in ()).throw(FileNotFoundError))
    assert main(["live", "setup", "--resource-path", str(resource)]) == 2
    assert "the shared library of Python" in capsys.readouterr().err
    assert files(resource) == before


def test_setup_waits_until_reaper_has_ended(resource, monkeypatch, capsys):
    before = files(resource)
    monkeypatch.setattr(running, "running_reaper", lambda: 4711)
    assert main(["live", "setup", "--resource-path", str(resource)]) == 2
    assert "REAPER is running (process 4711)" in capsys.readouterr().err
    assert files(resource) == before
