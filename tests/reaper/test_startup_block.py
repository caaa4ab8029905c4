"""Our block in REAPER's start-up script: put in and out by Python and by Lua alike, and what is others' stays."""

from __future__ import annotations

import importlib
import json
import re
import time

import pytest
from actions_kit import SCRIPTS, Clip, Strip, noise
from hypothesis import given, settings
from hypothesis import strategies as st
from install_kit import reaper_folder
from standin import Reaper
from standin.example import TrackSpec, project

from reaper_aeq.cli.commands import install as module
from reaper_aeq.cli.main import main
from reaper_aeq.errors import InstallError
from reaper_aeq.reaper.install.startup_block import BEGIN, END, FILE, block, has_block, with_block, without_block

LIBRARY = "reaper-aeq/aeq"
OTHERS = [
    b"", b"\n",
    b"-- other tool\ndofile('x')", b"a = 1\r\nb = 2\r\n", b"\xef\xbb\xbf-- with a mark\n", b"#!/usr/bin/lua\nx()\n",
    b"\xef\xbb\xbf#!lua\nx()", b"#", "-- жук\0\n".encode(), b"-- >>> other >>>\n-- <<< other\n", b"return\n",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([None, *OTHERS]) | st.binary(max_size=200))
def test_in_and_out_again_gives_the_same_bytes(data):
    within = with_block(data, LIBRARY)
    assert has_block(within) and block(LIBRARY, data is None) in within
    assert with_block(within, LIBRARY) == within
    assert without_block(within) == data and without_block(data) == data
    moved = with_block(within, "reaper-aeq/AEQ/aeq")
    assert moved != within and without_block(moved) == data


@pytest.mark.parametrize("damage", [BEGIN + "\nx\n", END + "\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{BEGIN}\n{END}\n"])
def test_damaged_lines_are_left_to_the_user(damage):
    for change in (lambda data: with_block(data, LIBRARY), without_block):
        with pytest.raises(InstallError, match=r"__startup\.lua are damaged"):
            change(damage.encode())


def answering(text: str):
    """Fills in the settings as they are shown, this one apart."""
    entries = (SCRIPTS / "aeq" / "settings.lua").read_text().split("local YES_NO")[0]
    place = re.findall(r'name = "(\w+)", default', entries.replace("\n    default", " default")).index(
        "start_with_reaper"
    )

    def answer(shown: str) -> str:
        values = shown.split("|")
        values[place] = text
        return "|".join(values)

    return answer


def in_lua(open_song, before: bytes | None, *answers: str):
    """The start-up script after the settings were answered with each of `answers`, and the session."""
    s = open_song([Strip("A")])
    file = s.scripts.parent / FILE
    if before is not None:
        file.write_bytes(before)
    found = []
    for answer in answers:
        s.reaper.ui.inputs.append(answering(answer))
        s.press("Settings")
        found.append(file.read_bytes() if file.exists() else None)
    return s, found


@pytest.mark.parametrize("before", [None, *OTHERS])
def test_the_settings_write_the_same_bytes(open_song, before):
    s, found = in_lua(open_song, before, "no", "yes", "yes", "no")
    within = with_block(before, LIBRARY)
    assert found == [before, within, within, before] and s.said == [] and s.unchanged
    assert not list(s.scripts.parent.glob("*.part"))


def test_a_reaper_in_a_folder_called_scripts_finds_the_library(open_song):
    s = open_song([Strip("A")], resource="Scripts/REAPER")
    s.reaper.ui.inputs.append(answering("yes"))
    s.press("Settings")
    assert (s.scripts.parent / FILE).read_bytes() == with_block(None, LIBRARY)


def test_the_settings_show_what_the_file_says(open_song):
    s, _ = in_lua(open_song, None, "no")
    (s.scripts.parent / FILE).write_bytes(with_block(None, LIBRARY))
    shown = []
    s.reaper.ui.inputs.append(lambda text: shown.append((text, answering("yes")(text))))
    s.press("Settings")
    assert shown[0][0] == shown[0][1] and (s.scripts.parent / FILE).exists()


def test_on_windows_a_file_is_replaced_too(open_song):
    s = open_song([Strip("A")], os_name="Win64")
    file = s.scripts.parent / FILE
    file.write_bytes(OTHERS[3])
    for answer, then in (("yes", with_block(OTHERS[3], LIBRARY)), ("no", OTHERS[3])):
        s.reaper.ui.inputs.append(answering(answer))
        s.press("Settings")
        assert file.read_bytes() == then
    assert s.said == [] and not list(file.parent.glob("*.part"))


def test_damaged_lines_are_told_in_the_settings(open_song):
    s, found = in_lua(open_song, f"{BEGIN}\nmine\n".encode())
    s.reaper.ui.inputs.append(None)
    s.press("Settings")
    assert len(s.said) == 1 and "are damaged" in s.said[0] and found == []


@pytest.mark.parametrize("os_name", ["Other", "macOS-arm64"])
def test_reaper_s_start_starts_it_and_the_first_press_finds_it(open_song, tmp_path, os_name):
    """REAPER runs the file as any script; the launcher's path is all that get_action_context tells there."""
    s = open_song([Strip("A", [Clip(noise(tmp_path / "a.wav"), selected=True)])], backend=False, os_name=os_name)
    file = s.scripts.parent / FILE
    file.write_bytes(with_block(b"local other = 1\n", LIBRARY))
    s.reaper.run_script(file)
    began = time.monotonic()
    while not (s.mailbox / "backend.json").exists() and time.monotonic() < began + 20:
        time.sleep(0.01)
    s.reaper.run_until()
    assert s.reaper.ext_state.values["reaper-aeq", "startup"] == "read" and s.said == []
    s.reaper.started.clear()
    s.press("Make warmer")
    assert s.said == [] and s.reaper.started == [] and len(s.project.undo_points) == 1
    s.reaper.run_script(file)  # one that runs already is not started again
    s.reaper.run_until()
    assert s.reaper.started == [] and len(s.project.undo_points) == 1
    s.press("Stop backend")


@pytest.mark.parametrize("gone", ["library", "record", "program"])
def test_a_start_that_cannot_be_says_nothing(open_song, gone):
    s = open_song([Strip("A")], backend=False, command=["/gone/python"])
    file = s.scripts.parent / FILE
    file.write_bytes(with_block(None, LIBRARY))
    if gone != "program":
        (s.scripts / "aeq" / ("startup.lua" if gone == "library" else "installed.json")).unlink()
    s.reaper.run_script(file)
    s.reaper.run_until()
    assert s.said == [] and not s.reaper.ui.console and s.unchanged


# --- by `reaper-aeq install` -------------------------------------------------------------------------------------


@pytest.fixture
def resource(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "running_reaper", lambda: None)
    return reaper_folder(tmp_path / "REAPER")


def install(resource, capsys, *arguments) -> dict:
    assert main(["install", "--resource-path", str(resource), "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("before", [None, OTHERS[2], OTHERS[3]])
def test_install_takes_and_leaves_it(resource, capsys, before):
    file = resource / "Scripts" / FILE
    if before is not None:
        file.write_bytes(before)
    now = lambda: file.read_bytes() if file.exists() else None  # noqa: E731
    assert not install(resource, capsys)["starts_with_reaper"] and now() == before
    assert install(resource, capsys, "--start-with-reaper")["starts_with_reaper"]
    within = now()
    assert within == with_block(before, LIBRARY)
    assert install(resource, capsys)["starts_with_reaper"] and now() == within  # as it was
    assert not install(resource, capsys, "--no-start-with-reaper")["starts_with_reaper"] and now() == before
    install(resource, capsys, "--start-with-reaper")
    assert not install(resource, capsys, "--uninstall")["starts_with_reaper"] and now() == before


def test_it_may_be_changed_while_reaper_runs(resource, capsys, monkeypatch):
    install(resource, capsys)
    monkeypatch.setattr(module, "running_reaper", lambda: 4321)
    assert install(resource, capsys, "--start-with-reaper")["starts_with_reaper"]


def test_a_library_that_reapack_keeps_is_found_there(resource, capsys):
    library = resource / "Scripts/reaper-aeq/AEQ/aeq"
    library.mkdir(parents=True)
    (library / "install.lua").write_bytes((SCRIPTS / "aeq" / "install.lua").read_bytes())
    assert install(resource, capsys, "--start-with-reaper")["by_reapack"]
    assert (resource / "Scripts" / FILE).read_bytes() == with_block(None, "reaper-aeq/AEQ/aeq")


def test_the_mailbox_comes_and_goes_with_the_actions(resource, capsys):
    install(resource, capsys)
    mailbox = resource / "reaper-aeq-mailbox"
    assert mailbox.stat().st_mode & 0o777 == 0o700
    for name in ("backend.json", "start.log", "0" * 32 + ".answer"):
        (mailbox / name).write_text("x")
    (mailbox / ("run-" + "a" * 32)).mkdir()
    (mailbox / ("run-" + "a" * 32) / "x.wav").write_text("x")
    install(resource, capsys, "--uninstall")
    assert not mailbox.exists() and not list(resource.glob(".aeq-*"))
    install(resource, capsys)
    (mailbox / "mine.txt").write_text("mine")
    install(resource, capsys, "--uninstall")
    assert (mailbox / "mine.txt").read_text() == "mine"


def test_the_block_is_lua_on_both_luas():
    for version in ("53", "54"):
        lua = importlib.import_module(f"lupa.lua{version}").LuaRuntime()
        assert lua.eval("load")(block(LIBRARY, True).decode()) is not None


def test_reaper_opens_with_the_block_alone(tmp_path):
    reaper = Reaper(project([TrackSpec("one")]), tmp_path)
    (tmp_path / "Scripts").mkdir()
    (tmp_path / "Scripts" / FILE).write_bytes(with_block(None, LIBRARY))  # everything of ours is gone
    reaper.run_script(tmp_path / "Scripts" / FILE)
    reaper.run_until()
    reaper.close()
