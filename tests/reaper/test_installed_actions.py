"""What `reaper-aeq install` leaves, as REAPER takes it: the stand-in loads the list and runs the actions."""

import json
import subprocess
import sys

import pytest
from install_kit import KEYS, reaper_folder
from standin import Reaper
from standin.example import TrackSpec, project

from reaper_aeq import __version__
from reaper_aeq.cli.commands import install as module
from reaper_aeq.cli.main import main
from reaper_aeq.reaper.install.scripts import shipped_scripts
from reaper_aeq.server.state import default_state_file

N_ACTIONS = sum("/" not in name for name in shipped_scripts())


@pytest.fixture
def resource(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "running_reaper", lambda: None)
    return reaper_folder(tmp_path / 'Ann\'s "REAPER" ж %TEMP% $HOME')


def install(resource, capsys):
    assert main(["install", "--resource-path", str(resource), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("lua", ["5.3", "5.4"])
def test_reaper_loads_what_was_installed(resource, capsys, lua):
    (resource / "reaper-kb.ini").write_bytes(KEYS.decode("latin-1").encode())  # the stand-in reads UTF-8 only
    report = install(resource, capsys)
    reaper = Reaper(project([TrackSpec("one")]), resource, lua=lua)
    try:
        assert len(reaper.actions.entries) == N_ACTIONS
        for action in report["actions"]:
            file, number = reaper.actions.find(action["command_id"])
            assert file == resource / "Scripts/reaper-aeq" / f"{action['name']}.lua" and file.is_file() and number
        # nothing is selected: the action must have found its library to say so
        reaper.run_action("AEQ_Make warmer")
        reaper.run_until()
        assert "Nothing is selected" in str(reaper.ui.messages)
    finally:
        reaper.close()


def test_the_actions_read_the_record(resource, capsys, tmp_path):
    (resource / "reaper-kb.ini").unlink()
    install(resource, capsys)
    probe = resource / "Scripts/reaper-aeq/probe.lua"
    probe.write_text(
        'local here = select(2, reaper.get_action_context()):match("^(.*[/\\\\])")\n'
        'package.path = here .. "?.lua;" .. package.path\n'
        'local record = require("aeq.install").record()\n'
        "print(record.command[1], record.command[2], record.command[3], record.state_file, record.version)\n"
    )
    reaper = Reaper(project([TrackSpec("one")]), resource)
    try:
        reaper.run_script(probe)
        reaper.run_until()
        (said,) = reaper.prints
    finally:
        reaper.close()
    said = [part.decode() if isinstance(part, bytes) else part for part in said]
    assert said == [sys.executable, "-m", "reaper_aeq", str(default_state_file()), __version__]
    started = subprocess.run([*said[:3], "--version"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert started.stdout == f"reaper-aeq {__version__}\n"
