"""Letters that go astray: a backend that dies, a mailbox that is removed, full, closed or somebody else's."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from actions_kit import Clip, Strip, noise, ours, song
from fake_backend import FakeBackend, answer
from standin import Reaper
from test_actions_failures import assert_refused, waiting

from reaper_aeq.reaper.reaeq.instance import to_eq


@pytest.fixture
def strips(tmp_path) -> list[Strip]:
    return [Strip("A", [Clip(noise(tmp_path / "a.wav"), selected=True)])]


@contextmanager
def disk(folder: Path, size: str = "64k"):
    """A real small file system; needs the right to mount."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", folder], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"no right to mount a small file system: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_what_is_asked_and_answered_is_whole_and_private(open_song, strips):
    s = open_song(strips)
    s.backend.takes = False
    s.start("Make warmer")
    s.reaper.run_until(lambda: list(s.mailbox.glob("*.request")))
    (request,) = s.mailbox.glob("*.request")
    letter = json.loads(request.read_text())
    assert letter["to"] == s.backend.nonce and (letter["method"], letter["path"]) == ("POST", "/v1/jobs")
    assert len(request.stem) == 32 and s.left_behind() == [request.name]
    assert stat.S_IMODE(s.mailbox.stat().st_mode) == 0o700
    s.backend.takes = True
    s.reaper.run_until()
    assert s.said == [] and s.left_behind() == []


def test_a_heartbeat_of_one_that_was_killed_is_found_out(open_song, strips):
    """It looks alive: only that nobody takes the letter tells. The press then starts another and goes on."""
    s = open_song(strips)
    s.backend.drop = True
    began = s.reaper.clock.now
    s.press("Make warmer")
    assert s.said == [] and list(ours(s.project)) == ["A"] and s.reaper.clock.now - began < 12
    assert len(s.reaper.started) == 1
    s.press("Stop backend")


@pytest.mark.parametrize("age_s", [11, 10_000])
def test_an_old_heartbeat_is_none(open_song, strips, age_s):
    s = open_song(strips, backend=False)
    s.mailbox.mkdir(mode=0o700)
    beat = {"name": "reaper-aeq", "protocol": 1, "version": "0.1.0", "pid": 1, "nonce": "0" * 16, "beat": 3}
    beat |= {"time": int(time.time()) - age_s, "every_s": 2.0, "ready": True, "device": "cpu"}
    (s.mailbox / "backend.json").write_text(json.dumps(beat))
    began = s.reaper.clock.now
    s.press("Make warmer")
    assert s.said == [] and list(ours(s.project)) == ["A"] and s.reaper.clock.now - began < 6
    s.press("Stop backend")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "other"}', '{"name": "reaper-aeq", "protocol": 1}', "\0"])
def test_a_heartbeat_that_is_none_starts_a_backend(open_song, strips, text):
    s = open_song(strips, backend=False)
    s.mailbox.mkdir(mode=0o700)
    (s.mailbox / "backend.json").write_text(text)
    s.press("Make warmer")
    assert s.said == [] and list(ours(s.project)) == ["A"]
    s.press("Stop backend")


def test_a_backend_of_another_protocol_is_told(open_song, strips):
    s = open_song(strips)
    s.backend.says = {"protocol": 2, "version": "9.0"}
    while '"9.0"' not in (s.mailbox / "backend.json").read_text():
        time.sleep(0.01)
    s.press("Make warmer")
    assert len(s.said) == 1 and "is of another version: 9.0" in s.said[0] and s.unchanged


def test_another_backend_in_its_place_while_waiting(open_song, strips):
    s = waiting(open_song(strips))
    s.reaper.run_until(lambda: list(s.mailbox.glob("*.progress")))
    s.reaper.step(30)
    s.backend.drop = True
    other = FakeBackend(s.state_file, s.mailbox)
    s.reaper.run_until()
    other.stop()
    assert_refused(s, "reaper-aeq stopped while it was computing.")


def test_one_stopped_while_waiting(open_song, strips):
    """It ends as it should: no heartbeat is left, and nothing is waited for."""
    s = waiting(open_song(strips))
    s.reaper.run_until(lambda: list(s.mailbox.glob("*.progress")))
    s.backend.die()
    (s.mailbox / "backend.json").unlink()
    s.reaper.run_until()
    assert_refused(s, "reaper-aeq stopped while it was computing.")


@pytest.mark.parametrize("when", ["taken", "not taken"])
def test_the_mailbox_removed_while_waiting(open_song, strips, when):
    s = open_song(strips)
    s.backend.takes, s.backend.finishes = when == "taken", False
    s.start("Make warmer")
    s.reaper.run_until(lambda: list(s.mailbox.glob("*.progress" if when == "taken" else "*.request")))
    s.backend.drop = True  # the real one gives up a folder that was taken away
    time.sleep(0.05)
    shutil.rmtree(s.mailbox)
    s.reaper.run_until()
    assert len(s.said) == 1 and s.said[0].startswith(f"The folder {s.mailbox} was removed while")
    assert s.unchanged and not s.mailbox.exists() and s.left_behind() == []


def test_the_mailbox_removed_before_is_made_anew(open_song, strips):
    s = open_song(strips, backend=False)
    s.press("Make warmer")
    s.press("Stop backend")
    shutil.rmtree(s.mailbox)
    s.press("Make brighter")
    assert len(s.said) == 1 and len(s.project.undo_points) == 2
    assert stat.S_IMODE(s.mailbox.stat().st_mode) == 0o700
    s.press("Stop backend")


def test_a_letter_that_vanished(open_song, strips):
    s = waiting(open_song(strips))
    (letter,) = s.backend.following
    s.backend.following.clear()
    (s.mailbox / f"{letter}.progress").unlink()
    s.reaper.run_until()
    assert_refused(s, f"A request to reaper-aeq vanished from {s.mailbox}.")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"id": "%id", "sender": "%me", "status": 200, "body": [1]}',
        b'{"id": "%id", "sender": "%me", "status": "200", "body": {}}',
        b'{"id": "%id", "sender": "%me", "status": 200, "body": {"id": "0", "state": "done", "results": []}}',
        b'{"id": "%id", "sender": "ffffffffffffffff", "status": 200, "body": {}}',
        b'{"id": "00000000000000000000000000000000", "sender": "%me", "status": 200, "body": {}}',
    ],
)
def test_answers_that_are_none(open_song, strips, raw):
    s = open_song(strips)
    s.backend.respond = lambda path: raw
    s.press("Make warmer")
    assert_refused(s, "reaper-aeq gave an answer that makes no sense")


def test_the_disk_full_before_the_press(open_song, strips, tmp_path):
    (tmp_path / "REAPER" / "reaper-aeq-mailbox").mkdir(parents=True)
    with disk(tmp_path / "REAPER" / "reaper-aeq-mailbox"):
        s = open_song(strips)
        fill(s)
        s.press("Make warmer")
        s.backend.die()
        assert len(s.said) == 1 and s.said[0].startswith("There is no room to write to") and s.unchanged
        (s.mailbox / "ballast").unlink()
        assert s.left_behind() == []


def fill(session) -> None:
    session.backend.beats = False  # there is no room for its heartbeat either
    time.sleep(0.1)
    with suppress(OSError), open(session.mailbox / "ballast", "ab", buffering=0) as ballast:
        while True:
            ballast.write(b"x" * 512)


def test_the_disk_fills_while_waiting(open_song, strips, tmp_path):
    (tmp_path / "REAPER" / "reaper-aeq-mailbox").mkdir(parents=True)
    with disk(tmp_path / "REAPER" / "reaper-aeq-mailbox", "1m"):
        s = waiting(open_song(strips))
        fill(s)
        s.backend.finishes = True
        s.reaper.run_until()
        s.backend.die()
        assert len(s.said) == 1 and s.said[0].startswith("There is no room to write to") and s.unchanged
        (s.mailbox / "ballast").unlink()
        # what the action took away when it gave up may have made room for an answer, which a living backend sweeps
        assert [name for name in s.left_behind() if not name.endswith(".answer")] == []


def test_the_action_ended_by_the_user_while_waiting(open_song, strips):
    """REAPER's own "Terminate": atexit is all that a script gets."""
    s = waiting(open_song(strips))
    s.reaper.scripts[0].finish()
    end = time.monotonic() + 5
    while not s.backend.deleted and time.monotonic() < end:
        time.sleep(0.01)
    assert s.backend.deleted == ["/v1/jobs/0"] and s.unchanged and s.left_behind() == []


def test_two_reapers_with_one_folder_get_their_own_answers(open_song, strips, tmp_path):
    s = waiting(open_song(strips))
    other = Reaper(song(tmp_path, [Strip("B", strips[0].clips)], "b.rpp"), tmp_path / "REAPER", pace_s=0.01)
    s.backend.answer = lambda task: {**answer(task), "output_gain_db": {"A": -1.0, "B": -2.0}[task["name"]]}
    other.run_script(s.scripts / "AEQ_Make warmer.lua")
    other.run_until(lambda: len(s.backend.jobs) == 2)
    s.backend.finishes = True
    other.run_until()
    s.reaper.run_until()
    gains = [
        to_eq(ours(project)[name][0][1]).output_gain_db for project, name in ((s.project, "A"), (other.project, "B"))
    ]
    assert gains == pytest.approx([-1.0, -2.0], abs=0.01) and s.left_behind() == [] and s.said == []


# --- where it may lie --------------------------------------------------------------------------------------------


def test_a_second_place_where_the_first_cannot_be_written(open_song, strips, tmp_path):
    """REAPER of old on Windows: no file opens below a folder with other letters than ASCII's."""
    s = open_song(strips, backend=False, resource="REAPER ж", writes_unicode=False)
    second = s.state_file.parent / "reaper-aeq-mailbox"
    s.press("Make warmer")
    assert s.said == [] and list(ours(s.project)) == ["A"]
    assert (second / "backend.json").exists() and stat.S_IMODE(second.stat().st_mode) == 0o700
    s.press("Start backend")
    assert s.said == [
        f"reaper-aeq 0.1.0 is running (cpu). Its requests lie in {second}, because REAPER cannot write to {s.mailbox}."
    ]
    s.press("Stop backend")


def test_no_place_at_all_names_both(open_song, strips, tmp_path):
    s = open_song(
        strips, backend=False, state_file=tmp_path / "стол" / "b.json", resource="REAPER ж", writes_unicode=False
    )
    s.press("Make warmer")
    assert len(s.said) == 1 and s.unchanged and s.reaper.renders == []
    assert s.said[0].startswith(f"REAPER can write neither to {s.mailbox} nor to {tmp_path}/стол/reaper-aeq-mailbox")


# --- starting ----------------------------------------------------------------------------------------------------


def told_to_wait(session, seconds: float) -> None:
    session.reaper.ext_state.values[("reaper-aeq", "settings")] = json.dumps({"start_timeout_s": seconds})


def test_a_start_without_a_sign_of_life(open_song, strips):
    s = open_song(strips, backend=False, mode="silent")
    told_to_wait(s, 1)
    s.press("Make warmer")
    assert_refused(s, "reaper-aeq could not be started: it did not answer.")


@pytest.mark.parametrize("action", ["Ask for a word", "Make warmer"])
def test_a_start_that_takes_long_leaves_the_answer_its_time(open_song, strips, tmp_path, action):
    """The heartbeat that lay there was that of a backend that is gone, and the next one is slow to start."""
    tool, fake = tmp_path / "tool", Path(__file__).with_name("fake_backend.py")
    tool.write_text(f'#!/bin/sh\nsleep 3\nexec "{sys.executable}" -S "{fake}" "$@"\n')
    tool.chmod(0o755)
    s = open_song(strips, command=[str(tool)])
    script = s.scripts / "aeq" / "backend.lua"
    text = script.read_text()
    assert "CALL_TIMEOUT_S, STUCK_AFTER_S = 40, 120" in text
    script.write_text(text.replace("STUCK_AFTER_S = 40, 120", "STUCK_AFTER_S = 4, 4"))
    s.backend.die()
    s.reaper.ui.inputs.append("airy|1")
    s.press(action)
    assert s.said == [] and list(ours(s.project)) == ["A"]


def test_a_start_whose_program_is_gone(open_song, strips, tmp_path):
    s = open_song(strips, backend=False, command=[str(tmp_path / "gone" / "python"), "-m", "reaper_aeq"])
    s.press("Make warmer")
    assert_refused(s, f"reaper-aeq could not be started: {tmp_path}/gone/python is gone.")


def test_a_start_that_crashes_tells_the_end_of_its_log(open_song, strips, tmp_path):
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho first >&2\nprintf 'ModuleNotFoundError: \\033[31mno torch\\n\\n' >&2\nexit 1\n")
    tool.chmod(0o755)
    s = open_song(strips, backend=False, command=[str(tool)])
    began = s.reaper.clock.now
    s.press("Make warmer")
    assert_refused(s, "reaper-aeq could not be started: ModuleNotFoundError:  [31mno torch. Run")
    assert s.reaper.clock.now - began < 10, "it waited for one that had ended already"


def test_an_older_program_that_knows_no_mailbox_is_told_without_its_frame(open_song, strips, tmp_path):
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\nprintf '╭─ Error ──────╮\\n│ No such option: --mailbox │\\n╰──────╯\\n' >&2\nexit 2\n")
    tool.chmod(0o755)
    s = open_song(strips, backend=False, command=[str(tool)])
    s.press("Make warmer")
    assert_refused(s, "reaper-aeq could not be started: No such option: --mailbox. Run `reaper-aeq serve`")


@pytest.mark.parametrize("name", ["a'b", 'a"b', "$(touch x)", "a;b", "жук", "a b%TEMP%"])
def test_paths_of_every_kind_start_it(open_song, strips, tmp_path, name):
    if name.count('"') and os.name == "nt":
        pytest.skip("no such name on Windows")
    folder = tmp_path / name
    folder.mkdir()
    # Lua parts the places where it looks for modules by ";": no script of several files works in such a folder
    s = open_song(strips, backend=False, state_file=folder / "backend.json", resource=f"REAPER {name.replace(';', '')}")
    s.press("Make warmer")
    assert s.said == [] and list(ours(s.project)) == ["A"] and s.state_file.exists() and s.left_behind() == []
    s.press("Stop backend")
    assert "x" not in os.listdir(), "a path was run"
