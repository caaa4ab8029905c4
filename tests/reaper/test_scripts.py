"""What an installation would change: copies, the list, the record; later versions; the user's own files."""

import json
from datetime import datetime

import pytest
from install_kit import snapshot

from reaper_aeq.errors import InstallError
from reaper_aeq.reaper.install.key_bindings import command_id
from reaper_aeq.reaper.install.scripts import InstallRecord, plan_install, plan_uninstall, shipped_scripts
from reaper_aeq.util.files import apply_changes

NOW = datetime(2026, 1, 31, 14, 22, 33)
BACKEND = InstallRecord(["/usr/bin/python3", "-m", "reaper_aeq"], "/home/ann/backend.json", "0.1.0")
FIRST = {"AEQ_More.lua": b"more", "AEQ_Old.lua": b"old", "aeq/actions.lua": b"actions", "aeq/gone.lua": b"gone"}
LATER = {"AEQ_More.lua": b"more!", "AEQ_New.lua": b"new", "aeq/actions.lua": b"actions", "aeq/deep/x.lua": b"x"}
KEYS = b"KEY 1 87 40005 0\r\n"


@pytest.fixture
def resource(tmp_path):
    folder = tmp_path / 'Ann\'s "REAPER" ж'
    (folder / "Scripts").mkdir(parents=True)
    (folder / "reaper-kb.ini").write_bytes(KEYS)
    return folder


def install(resource, scripts, backend=BACKEND, now=NOW):
    plan = plan_install(resource, scripts, backend, now)
    apply_changes(plan.changes)
    return plan


def uninstall(resource, scripts, now=NOW):
    plan, folders = plan_uninstall(resource, scripts, now)
    apply_changes(plan.changes)
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return plan


def scripts_in(resource):
    place = resource / "Scripts/reaper-aeq"
    found = {p.relative_to(place).as_posix(): p.read_bytes() for p in place.rglob("*") if p.is_file()}
    return {name: data for name, data in found.items() if name != "aeq/installed.json"}


def listed(resource):
    lines = (resource / "reaper-kb.ini").read_bytes().split(b"\r\n")
    return [line.split()[3].decode() for line in lines if line.startswith(b"SCR")]


def test_the_shipped_actions():
    names = list(shipped_scripts())
    assert "AEQ_Make warmer.lua" in names and "aeq/install.lua" in names
    assert all(name.startswith(("AEQ_", "aeq/")) and name.endswith(".lua") for name in names)


def test_no_shipped_actions(tmp_path):
    with pytest.raises(InstallError, match="the actions are missing"):
        shipped_scripts(tmp_path)


def test_first_installation(resource):
    plan = install(resource, FIRST)
    assert scripts_in(resource) == FIRST
    assert listed(resource) == [command_id(f"reaper-aeq/{name}") for name in ("AEQ_More.lua", "AEQ_Old.lua")]
    assert plan.backup == resource / "reaper-kb.ini.2026-01-31-142233.bak" and plan.backup.read_bytes() == KEYS
    record = json.loads((resource / "Scripts/reaper-aeq/aeq/installed.json").read_text(encoding="utf-8"))
    assert {key: record[key] for key in ("command", "state_file", "version")} == {
        "command": BACKEND.command, "state_file": BACKEND.state_file, "version": "0.1.0",
    }  # fmt: skip


def test_twice_changes_nothing(resource):
    install(resource, FIRST)
    before = snapshot(resource)
    assert install(resource, FIRST).changes == {}
    assert snapshot(resource) == before


@pytest.mark.parametrize("keys", [KEYS, b"", b"KEY 1 87 40005 0", None], ids=["usual", "empty", "no line end", "none"])
def test_uninstalled_is_as_before(resource, keys):
    if keys is None:
        (resource / "reaper-kb.ini").unlink()
        (resource / "Scripts").rmdir()
    else:
        (resource / "reaper-kb.ini").write_bytes(keys)
    before = {name: entry[0] for name, entry in snapshot(resource).items()}
    install(resource, FIRST)
    install(resource, LATER, now=datetime(2026, 2, 1))
    uninstall(resource, LATER)
    assert {name: entry[0] for name, entry in snapshot(resource).items()} == before


def test_uninstalled_twice_changes_nothing(resource):
    install(resource, FIRST)
    uninstall(resource, FIRST)
    assert uninstall(resource, FIRST).changes == {}


def test_a_later_version_takes_stale_files_away_and_no_others(resource):
    install(resource, FIRST)
    mine = {"AEQ_Mine.lua": b"mine", "aeq/mine.lua": b"mine too"}
    for name, data in mine.items():
        (resource / "Scripts/reaper-aeq" / name).write_bytes(data)
    install(resource, LATER)
    assert scripts_in(resource) == LATER | mine
    assert listed(resource) == [command_id(f"reaper-aeq/{name}") for name in ("AEQ_New.lua", "AEQ_More.lua")]
    uninstall(resource, LATER)
    assert scripts_in(resource) == mine


def test_what_the_user_changed_is_kept(resource):
    install(resource, FIRST)
    place = resource / "Scripts/reaper-aeq"
    for name in ("AEQ_More.lua", "AEQ_Old.lua"):
        (place / name).write_bytes(b"edited")
    plan = install(resource, LATER)
    assert plan.kept == [place / "AEQ_More.lua.yours", place / "AEQ_Old.lua"]
    assert scripts_in(resource) == LATER | {"AEQ_More.lua.yours": b"edited", "AEQ_Old.lua": b"edited"}
    (place / "AEQ_New.lua").write_bytes(b"edited too")
    assert uninstall(resource, LATER).kept == [place / "AEQ_New.lua"]
    assert set(scripts_in(resource)) == {"AEQ_More.lua.yours", "AEQ_Old.lua", "AEQ_New.lua"}


def test_only_the_place_of_the_backend_changed(resource):
    install(resource, FIRST)
    moved = InstallRecord(["/opt/python3", "-m", "reaper_aeq"], BACKEND.state_file, "0.1.0")
    plan = plan_install(resource, FIRST, moved, NOW)
    assert [path.name for path in plan.changes] == ["installed.json"] and not plan.touches_reaper


def test_keys_of_the_user_outlive_the_actions(resource):
    install(resource, FIRST)
    bindings = resource / "reaper-kb.ini"
    key = f"KEY 1 88 _{command_id('reaper-aeq/AEQ_More.lua')} 0\r\n".encode()
    bindings.write_bytes(bindings.read_bytes() + key)
    with_ours = bindings.read_bytes()
    plan = uninstall(resource, FIRST, now=datetime(2026, 3, 1))
    assert bindings.read_bytes() == KEYS + key and plan.uses == 1
    # the list as it was before us is not what is left: both stay to go back to
    assert plan.backup.read_bytes() == with_ours and (resource / "reaper-kb.ini.2026-01-31-142233.bak").exists()


def test_two_backups_in_one_second(resource):
    install(resource, FIRST)
    assert install(resource, LATER).backup.name == "reaper-kb.ini.2026-01-31-142233.bak-2"


@pytest.mark.parametrize("damage", [None, b"", b"{", b"[]", b'{"command": 1, "files": []}', b"\xff"])
def test_a_lost_record(resource, damage):
    install(resource, FIRST)
    record = resource / "Scripts/reaper-aeq/aeq/installed.json"
    record.unlink() if damage is None else record.write_bytes(damage)
    uninstall(resource, FIRST)
    assert scripts_in(resource) == {} and listed(resource) == [] and not record.exists()


def test_a_record_cannot_name_files_elsewhere(resource):
    install(resource, FIRST)
    victim = resource / "reaper.ini"
    victim.write_bytes(b"more")
    path = resource / "Scripts/reaper-aeq/aeq/installed.json"
    record = json.loads(path.read_text())
    known = record["files"]["AEQ_More.lua"]
    record["files"] |= dict.fromkeys(["../../reaper.ini", str(victim), "..\\..\\reaper.ini"], known)
    record["backups"], record["folders"] = ["../x.bak"], ["../.."]
    path.write_text(json.dumps(record))
    plan, folders = plan_uninstall(resource, FIRST, NOW)
    assert victim not in map(type(victim).resolve, plan.changes) and all(resource in f.parents for f in folders)


def test_reapack_keeps_its_actions(resource):
    library = resource / "Scripts/reaper-aeq/AEQ/aeq"
    library.mkdir(parents=True)
    (library / "install.lua").write_bytes(b"ReaPack's")
    before = snapshot(resource)
    plan = install(resource, FIRST)
    assert plan.by_reapack and list(plan.changes) == [library / "installed.json"]
    assert json.loads((library / "installed.json").read_text())["command"] == BACKEND.command
    assert install(resource, FIRST).changes == {}
    uninstall(resource, FIRST)
    assert snapshot(resource) == before
