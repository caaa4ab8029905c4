"""A press on Windows, macOS and Linux as others measured them: it starts no program, and the backend's start works."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from actions_kit import Clip, Strip, noise, ours

SYSTEMS = ("Other", "macOS-arm64", "OSX64", "Win64")
SLOW = ("*.answer", "*.progress", "backend.json")  # what is renamed into place by another process


@pytest.fixture
def strips(tmp_path) -> list[Strip]:
    return [Strip("A", [Clip(noise(tmp_path / "a.wav"), selected=True)])]


def pythons(folder: Path) -> list[str]:
    """python.exe and pythonw.exe beside each other, as Windows has them; the stand-in knows them by name."""
    folder.mkdir(exist_ok=True)
    for name in ("python.exe", "pythonw.exe"):
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (folder / name).chmod(0o755)
    return [str(folder / "python.exe").replace("/", "\\"), "-S", str(Path(__file__).with_name("fake_backend.py"))]


def options(os_name: str, tmp_path: Path) -> dict:
    if not os_name.startswith("Win"):
        return {"os_name": os_name}
    return {"os_name": os_name, "slow_to_open": SLOW, "command": pythons(tmp_path / "Program Files")}


@pytest.mark.parametrize("os_name", SYSTEMS)
@pytest.mark.parametrize("lua", ["5.3", "5.4"])
def test_a_press_starts_no_program(open_song, strips, tmp_path, os_name, lua):
    s = open_song(strips, lua=lua, **options(os_name, tmp_path))
    for action in ("Make warmer", "Analyze", "More", "Compare", "Remove"):
        s.press(action)
    assert s.said == [] and s.reaper.started == [] and s.left_behind() in ([], done(s))
    assert s.project.undo_points[0].label == "AEQ: make warmer"


def done(session) -> list[str]:
    """Windows: empty folders that the backend removes (server/letters.py)."""
    return sorted(path.name for path in session.mailbox.glob("run-*.done") if not list(path.iterdir()))


@pytest.mark.parametrize("os_name", SYSTEMS)
def test_the_first_press_starts_the_backend_and_only_that(open_song, strips, tmp_path, os_name):
    s = open_song(strips, backend=False, **options(os_name, tmp_path))
    s.press("Make warmer")
    assert s.said == [] and list(ours(s.project)) == ["A"]
    assert sum(" --background" in command.replace("'", "") for command in s.reaper.started) == 1
    # a mailbox that is not there yet is made, closed to others; that too is for the first press only
    assert all("mkdir" in command or "--background" in command for command in s.reaper.started)
    s.reaper.started.clear()
    s.press("Make warmer")
    assert s.reaper.started == []
    s.press("Stop backend")
    assert s.said == ["reaper-aeq was stopped. It starts again by itself with the next press."]


@pytest.mark.parametrize("os_name", SYSTEMS)
def test_a_start_that_fails_is_told_at_once(open_song, strips, tmp_path, os_name):
    given = options(os_name, tmp_path)
    given["command"] = [*given["command"], "refuse"] if "command" in given else None
    s = open_song(strips, backend=False, mode="refuse", **{k: v for k, v in given.items() if v is not None})
    began = s.reaper.clock.now
    s.press("Make warmer")
    assert len(s.said) == 1 and s.unchanged and s.reaper.clock.now - began < 20
    assert s.said[0].startswith("reaper-aeq could not be started: the models are missing from /nowhere. Run")


@pytest.mark.parametrize("os_name", SYSTEMS)
def test_the_page_is_shown(open_song, strips, tmp_path, os_name):
    tools = tmp_path / "bin"
    tools.mkdir()
    shown = tmp_path / "shown"
    (tools / "xdg-open").write_text(f'#!/bin/sh\necho "$1" > "{shown}"\n')
    (tools / "xdg-open").chmod(0o755)
    s = open_song(strips, env={"PATH": f"{tools}:/usr/bin:/bin"}, **options(os_name, tmp_path))
    s.press("Open dashboard")
    if os_name == "Other":
        s.start("Compare")
        s.reaper.run_until(shown.exists)
        assert shown.read_text().startswith("http://127.0.0.1:")
    elif os_name == "Win64":
        assert s.said == []
        assert s.reaper.browsed[0].startswith("http://127.0.0.1:")
    else:
        assert "/usr/bin/open 'http://127.0.0.1:" in s.reaper.started[0]
