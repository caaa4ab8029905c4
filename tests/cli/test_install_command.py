"""`reaper-aeq install`: into a real folder, loaded by the stand-in REAPER, and out again; with real failures."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from install_kit import KEYS, disk, open_folder, process, reaper_folder, snapshot

from reaper_aeq import __version__
from reaper_aeq.cli.commands import install as module
from reaper_aeq.cli.main import main
from reaper_aeq.reaper.install.running import running_reaper
from reaper_aeq.reaper.install.scripts import shipped_scripts
from reaper_aeq.util import output

N_ACTIONS = sum("/" not in name for name in shipped_scripts())
N_FILES = len(shipped_scripts())


@pytest.fixture(autouse=True)
def no_other_reaper(monkeypatch):
    """A REAPER that the developer has open is none of these tests' business."""
    monkeypatch.setattr(module, "running_reaper", lambda: None)


@pytest.fixture
def resource(tmp_path) -> Path:
    return reaper_folder(tmp_path / 'Ann\'s "REAPER" ж %TEMP% $HOME')


@pytest.fixture
def call(resource, capsys):
    def run(*arguments):
        code = main(["install", "--resource-path", str(resource), *arguments])
        return code, *capsys.readouterr()

    return run


def refused(answer, sentence):
    code, out, err = answer
    assert code == 2 and out == "" and err.count("\n") == 1 and re.search(sentence, err), err


def contents(folder):
    return {name: entry[0] for name, entry in snapshot(folder).items()}


def test_says_what_to_do_next(call, resource):
    code, out, err = call()
    assert code == 0 and err == ""
    assert f"Done: {N_ACTIONS} actions are in {resource}/Scripts/reaper-aeq" in out
    assert "Show action list" in out and "press Add" in out and "AEQ_Self-test" in out
    assert re.search(r"The old action list is kept as .*reaper-kb\.ini\.\d{4}-\d\d-\d\d-\d{6}\.bak", out)


def test_twice_changes_nothing(call, resource):
    call()
    before = snapshot(resource)
    code, out, _ = call()
    assert code == 0 and out.startswith("Nothing to do") and snapshot(resource) == before


def test_away_is_as_before(call, resource):
    before = contents(resource)
    call()
    code, out, _ = call("--uninstall")
    assert code == 0 and out.startswith("Done: the actions were removed from") and contents(resource) == before
    assert call("--uninstall")[1] == "Nothing to do: reaper-aeq is not installed there.\n"


def test_json(call, resource):
    code, out, err = call("--json")
    report = json.loads(out)
    assert code == 0 and err == "" and report["resource_path"] == str(resource) and report["installed"]
    assert len(report["actions"]) == N_ACTIONS and len(report["written"]) == N_FILES + 3  # list, its backup, record
    assert all(re.fullmatch(r"_RS[0-9a-f]{40}", action["command_id"]) for action in report["actions"])
    again = json.loads(call("--json")[1])
    assert again["written"] == again["removed"] == [] and again["backup"] is None
    away = json.loads(call("--uninstall", "--json")[1])
    assert not away["installed"] and len(away["removed"]) == N_FILES + 2  # the record, and the backup that did its work


def test_found_without_being_told(tmp_path, monkeypatch, capsys):
    for name in ("HOME", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    refused((main(["install"]), *capsys.readouterr()), "was not found at .* start REAPER once")
    places = {"win32": "REAPER", "darwin": "Library/Application Support/REAPER"}
    folder = reaper_folder(tmp_path / places.get(sys.platform, ".config/REAPER"))
    assert main(["install", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["resource_path"] == str(folder)


def test_what_the_user_changed_is_told(call, resource):
    call()
    own = resource / "Scripts/reaper-aeq/AEQ_More.lua"
    own.write_text("-- my own\n")
    code, _, err = call()
    assert code == 0 and "you had changed AEQ_More.lua" in err
    assert own.with_name("AEQ_More.lua.yours").read_text() == "-- my own\n"


def test_keys_left_are_told(call, resource):
    command = json.loads(call("--json")[1])["actions"][0]["command_id"]
    with open(resource / "reaper-kb.ini", "ab") as file:
        file.write(f"KEY 1 90 {command} 0\r\n".encode())
    out = call("--uninstall")[1]
    assert "stay in reaper-kb.ini (1) and work again after a new install" in out
    assert (resource / "reaper-kb.ini").read_bytes() == KEYS + f"KEY 1 90 {command} 0\r\n".encode()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the process is made for Linux")
def test_not_while_reaper_runs(call, resource, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "running_reaper", running_reaper)
    before = snapshot(resource)
    with process(tmp_path, "reaper", "libSwell.so") as pid:
        refused(call(), rf"REAPER is running \(process {pid}\) .* quit REAPER, then run this again")
        assert snapshot(resource) == before
    assert call()[0] == 0
    before = snapshot(resource)
    with process(tmp_path, "reaper", "libSwell.so"):
        assert call()[0] == 0  # nothing to do, so nothing that REAPER could undo
        refused(call("--uninstall"), "REAPER is running")
    assert snapshot(resource) == before


# --- failures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing_kb", [2, 40, 150])
def test_a_full_disk(tmp_path, capsys, missing_kb):
    with disk(tmp_path / "disk", "-o", "size=8m") as place:
        folder = reaper_folder(place / "REAPER")
        free = shutil.disk_usage(place).free
        assert main(["install", "--resource-path", str(folder)]) == 0
        needed = free - shutil.disk_usage(place).free
        assert main(["install", "--resource-path", str(folder), "--uninstall"]) == 0
        capsys.readouterr()
        (place / "ballast").write_bytes(b"x" * (shutil.disk_usage(place).free - needed + missing_kb * 1024))
        before = snapshot(folder)
        refused((main(["install", "--resource-path", str(folder)]), *capsys.readouterr()), "the disk is full")
        assert snapshot(folder) == before


@pytest.mark.parametrize("room", [0, 40_000])
def test_taking_away_from_a_full_disk_changes_nothing_or_all(tmp_path, capsys, room):
    with disk(tmp_path / "disk", "-o", "size=8m") as place:
        folder = reaper_folder(place / "REAPER")
        assert main(["install", "--resource-path", str(folder)]) == 0
        (place / "ballast").write_bytes(b"x" * (shutil.disk_usage(place).free - room))
        capsys.readouterr()
        before = snapshot(folder)
        code = main(["install", "--resource-path", str(folder), "--uninstall"])
        if room:  # for the new list of actions; what goes needs none
            assert code == 0 and not (folder / "Scripts" / "reaper-aeq").exists()
        else:
            refused((code, *capsys.readouterr()), "is full")
            assert snapshot(folder) == before


def as_nobody(folder: Path) -> subprocess.CompletedProcess:
    """The command as a user who owns none of it."""
    # Python itself may lie where only root may read: an installation elsewhere loads all of it before
    warm = reaper_folder(Path(tempfile.mkdtemp(dir=folder.parent), "warm"))
    code = (
        "import os, sys; from reaper_aeq.cli import main as cli; from reaper_aeq.cli.commands import install;"
        "install.running_reaper = lambda: None; cli.main(['install', '--resource-path', sys.argv.pop(), '--json']);"
        "os.setuid(65534); print('-'); sys.exit(cli.main())"
    )
    command = [sys.executable, "-c", code, "install", "--resource-path", str(folder), str(warm)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("open_part", ["nothing", "Scripts"])
def test_no_rights(open_part):
    with open_folder() as place:
        folder = reaper_folder(place / "REAPER")
        if open_part == "Scripts":  # the actions may be written, the list may not: the actions go again
            os.chown(folder / "Scripts", 65534, 65534)
        before = snapshot(folder)
        answer = as_nobody(folder)
        refused((answer.returncode, answer.stdout.split("-\n")[-1], answer.stderr), "you may not write there")
        assert snapshot(folder) == before
        if open_part == "nothing":
            folder.chmod(0)
            answer = as_nobody(folder)
            refused((answer.returncode, answer.stdout.split("-\n")[-1], answer.stderr), "is not readable")


def test_a_list_that_cannot_be_read(call, resource):
    (resource / "reaper-kb.ini").unlink()
    (resource / "reaper-kb.ini").mkdir()
    before = snapshot(resource)
    refused(call(), r"cannot read .*reaper-kb\.ini: Is a directory: check this file")
    assert snapshot(resource) == before


def test_a_list_that_is_a_link_stays_one(call, resource, tmp_path):
    real = (resource / "reaper-kb.ini").rename(tmp_path / "dotfiles.ini")
    (resource / "reaper-kb.ini").symlink_to(real)
    assert call()[0] == 0
    assert (resource / "reaper-kb.ini").is_symlink() and real.read_bytes().count(b"SCR") == N_ACTIONS


def test_killed_midway_it_can_be_run_again(call, resource):
    """Power that fails between two renames: the next run finishes."""

    class Dead(BaseException):
        pass

    real, calls = os.replace, []

    def replace(*arguments):
        calls.append(arguments)
        if len(calls) > N_FILES // 2:
            raise Dead
        real(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", replace)
        # nobody is there to take anything back
        patch.setattr(output.Output, "_take_back", lambda *given: None)
        patch.setattr(output, "_unlink", lambda path: None)
        with pytest.raises(Dead):
            call()
    assert call()[0] == 0
    for path in resource.rglob(".aeq-*"):
        path.unlink()
    fresh = reaper_folder(resource.with_name("fresh"))
    assert main(["install", "--resource-path", str(fresh)]) == 0
    scripts = "Scripts/reaper-aeq"
    assert {k: v for k, v in contents(resource / scripts).items() if "installed" not in k} == {
        k: v for k, v in contents(fresh / scripts).items() if "installed" not in k
    }
    assert (resource / "reaper-kb.ini").read_bytes() == (fresh / "reaper-kb.ini").read_bytes()


@pytest.mark.parametrize(("version", "stopped"), [("0.0.1", True), (__version__, False)])
def test_a_backend_of_another_version_is_stopped_by_an_update(call, resource, version, stopped):
    call()
    mailbox = resource / "reaper-aeq-mailbox"
    beat = {"time": int(time.time()), "version": version, "nonce": "0" * 16}
    (mailbox / "backend.json").write_text(json.dumps(beat))
    seen = []

    def serve():
        end = time.monotonic() + (10 if stopped else 0.5)
        while time.monotonic() < end and not seen:
            seen.extend(json.loads(path.read_text()) for path in mailbox.glob("*.request"))
            time.sleep(0.01)
        (mailbox / "backend.json").unlink()

    server = threading.Thread(target=serve)
    server.start()
    assert call()[0] == 0
    server.join()
    assert [letter["path"] for letter in seen] == ["/v1/shutdown"] * stopped
    assert not list(mailbox.glob("*.request"))
