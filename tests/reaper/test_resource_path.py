"""Where REAPER's resource folder is found on each system, and what is said when it is not."""

from pathlib import Path

import pytest

from reaper_aeq.errors import InstallError
from reaper_aeq.reaper.install.resource_path import resource_path

PLACES = {
    "win32": ("APPDATA", "Roäming data", "REAPER"),
    "darwin": ("HOME", "Users/ann o'hara", "Library/Application Support/REAPER"),
    "linux": ("HOME", 'home/"ann"', ".config/REAPER"),
}


def reaper_at(folder):
    folder.mkdir(parents=True)
    (folder / "reaper.ini").write_text("[REAPER]\n")
    return folder


@pytest.mark.parametrize("system", PLACES)
def test_found_where_reaper_puts_it(tmp_path, system):
    variable, base, below = PLACES[system]
    environ = {variable: str(tmp_path / base), "HOME": str(tmp_path / base)}
    with pytest.raises(InstallError, match=r"was not found at .*: start REAPER once, or give it with --resource-path"):
        resource_path(None, system, environ)
    folder = reaper_at(tmp_path / base / below)
    assert resource_path(None, system, environ) == folder


def test_two_on_one_machine(tmp_path):
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "other")}
    usual, other = reaper_at(tmp_path / ".config/REAPER"), reaper_at(tmp_path / "other/REAPER")
    with pytest.raises(InstallError, match="more than one REAPER: choose") as refused:
        resource_path(None, "linux", environ)
    assert str(usual) in str(refused.value) and str(other) in str(refused.value)
    assert resource_path(other, "linux", environ) == other


def test_one_place_under_two_names_is_one(tmp_path):
    usual = reaper_at(tmp_path / ".config/REAPER")
    (tmp_path / "other").symlink_to(tmp_path / ".config")
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "other")}
    assert resource_path(None, "linux", environ) == usual


def test_flatpak(tmp_path):
    folder = reaper_at(tmp_path / ".var/app/fm.reaper.Reaper/config/REAPER")
    assert resource_path(None, "linux", {"HOME": str(tmp_path)}) == folder


def test_a_portable_one_relative_to_here(tmp_path, monkeypatch):
    reaper_at(tmp_path / "stick")
    monkeypatch.chdir(tmp_path)
    assert resource_path(Path("stick")) == tmp_path / "stick"


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(InstallError, match="there is no folder"):
        resource_path(tmp_path / "absent")
    with pytest.raises(InstallError, match=r"no reaper\.ini can be seen in it: in REAPER, Options > Show"):
        resource_path(tmp_path)
