"""What can go wrong in a press, provoked: one sentence, and the project as it was, byte for byte."""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from actions_kit import TONE, Clip, Strip, always_render, ours, reaeq, song
from fake_backend import answer
from standin import Disputed
from standin.injection import lock_track


def assert_refused(session, begins: str) -> None:
    """One sentence, nothing changed, nothing left behind, and the next press is not blocked."""
    assert len(session.said) == 1 and session.said[0].startswith(begins), session.said
    assert session.unchanged and session.left_behind() == []
    session.reaper.ui.messages.clear()
    session.press("Compare")
    assert "still working" not in session.said[0]


def strips_of(case: str, sound: Path) -> list[Strip]:
    gone, clip = sound.with_name("gone.wav"), Clip(sound, selected=True)
    return {
        "midi": [Strip("A", [Clip("MIDI", selected=True)])],
        "midi and eq": [Strip("A", [Clip("MIDI")], fx=[reaeq()], selected=True)],
        "empty item": [Strip("A", [clip, Clip(None, 1.0, selected=True)])],
        "missing": [Strip("A", [Clip(gone, selected=True)])],
        "missing on track": [Strip("A", [Clip(sound), Clip(gone, 1.0)], selected=True)],
        "offline": [Strip("A", [Clip(sound, selected=True, offline=True)])],
        "not audio": [Strip("A", [Clip(__file__, selected=True)])],
        "nothing": [Strip("A", [Clip(sound)])],
        "locked": [Strip("A", [clip], locked=True)],
        "frozen": [Strip("A", [clip], frozen=True)],
        "frozen track": [Strip("A", [Clip(sound)], frozen=True, selected=True)],
        "empty track": [Strip("A", selected=True)],
        "muted": [Strip("A", [Clip(sound)], muted=True, selected=True)],
        "in a muted folder": [Strip("F", folder=1, muted=True), Strip("A", [Clip(sound)], folder=-1, selected=True)],
        "solo elsewhere": [Strip("A", [Clip(sound)], selected=True), Strip("B", solo=True)],
    }[case]


@pytest.mark.parametrize(
    ("case", "begins"),
    [
        ("midi", "'A' has MIDI but no instrument"),
        ("midi and eq", "'A' has MIDI but no instrument"),
        ("empty item", "An item on 'A' is empty."),
        ("missing", "The file of an item on 'A' is missing: "),
        ("missing on track", "The file of an item on 'A' is missing: "),
        ("offline", "The media of an item on 'A' is offline"),
        ("not audio", "The media of an item on 'A' is offline"),
        ("nothing", "Nothing is selected."),
        ("locked", "The controls of 'A' are locked."),
        ("frozen", "'A' is frozen."),
        ("frozen track", "'A' is frozen."),
        ("empty track", "'A' has no items"),
        ("muted", "'A' cannot be heard"),
        ("in a muted folder", "'A' cannot be heard"),
        ("solo elsewhere", "'A' cannot be heard"),
    ],
)
def test_what_cannot_be_heard_is_told_before_anything_is_rendered(open_song, sound, case, begins):
    s = open_song(strips_of(case, sound))
    s.press("Make warmer")
    assert s.reaper.renders == [] and s.backend.jobs == []
    assert_refused(s, begins)


def test_one_bad_track_of_many_leaves_all_as_they_were(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)]), Strip("B", [Clip(sound, selected=True)], frozen=True)])
    s.press("Make warmer")
    assert_refused(s, "'B' is frozen.")


def test_a_muted_track_is_still_heard_by_its_items(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)], muted=True)])
    s.press("Make warmer")
    assert s.said == [] and list(ours(s.project)) == ["A"]


def test_recording_is_not_disturbed(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    with s.reaper.as_user() as project:
        project.play_state = 5
    s.press("Make warmer")
    assert_refused(s, "REAPER is recording.")


def waiting(session, action: str = "Make warmer"):
    """The action pressed and its question with the backend, which does not answer."""
    session.backend.finishes = False
    session.start(action)
    session.reaper.run_until(lambda: session.backend.jobs)
    return session


def test_a_track_that_vanished_while_waiting(open_song, sound):
    s = waiting(open_song([Strip("A", [Clip(sound, selected=True)]), Strip("B", [Clip(sound, selected=True)])]))
    with s.reaper.as_user() as project:
        project.root.body.remove(project.tracks[1].node)
    s.before = s.project.bytes()
    s.backend.finishes = True
    s.reaper.run_until()
    assert_refused(s, "'B' was removed while the EQ was computed.")


def test_another_tab_in_front_while_waiting(open_song, sound, tmp_path):
    s = waiting(open_song([Strip("A", [Clip(sound, selected=True)])]))
    other = s.reaper.open_tab(song(tmp_path, [Strip("X")], "other.rpp"))
    bytes_of_other = other.bytes()
    s.backend.finishes = True
    s.reaper.run_until()
    assert len(s.said) == 1 and s.said[0].startswith("You changed to another project")
    assert s.unchanged and other.bytes() == bytes_of_other and other.undo_points == []


def test_the_project_closed_while_waiting(open_song, sound, tmp_path):
    s = waiting(open_song([Strip("A", [Clip(sound, selected=True)])]))
    s.reaper.open_tab(song(tmp_path, [Strip("X")], "other.rpp"))
    s.reaper.close_tab(0)
    s.backend.finishes = True
    s.reaper.run_until()
    assert len(s.said) == 1 and s.said[0].startswith("You changed to another project")


def test_a_second_press_is_told_to_wait_and_the_first_goes_on(open_song, sound):
    s = waiting(open_song([Strip("A", [Clip(sound, selected=True)])]))
    s.start("Make brighter")
    assert s.said == [s.said[0]] and s.said[0].startswith("reaper-aeq is still working")
    s.backend.finishes = True
    s.reaper.run_until()
    assert ours(s.project)["A"][0][0] == "AEQ: warm 100%" and len(s.project.undo_points) == 1


def test_a_run_that_crashed_does_not_block_for_ever(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.reaper.ext_state.values[("reaper-aeq", "running")] = f"{{X}} {s.reaper.clock.now:.3f}"
    s.press("Make warmer")
    assert s.said[0].startswith("reaper-aeq is still working")
    s.reaper.ui.messages.clear()
    s.reaper.ext_state.values[("reaper-aeq", "running")] = f"{{X}} {s.reaper.clock.now - 4.5:.3f}"
    s.press("Make warmer")
    assert s.said == [] and list(ours(s.project)) == ["A"]


@pytest.mark.parametrize("how", ["escape", "close"])
def test_escape_stops_and_tells_the_backend(open_song, sound, how):
    s = waiting(open_song([Strip("A", [Clip(sound, selected=True)])]))
    s.reaper.run_until(lambda: s.reaper.ui.windows)
    s.reaper.ui.keys.append(27 if how == "escape" else -1)
    s.reaper.run_until()
    assert s.said == [] and s.unchanged and s.left_behind() == [] and s.backend.deleted == ["/v1/jobs/0"]


def test_the_backend_is_started_when_it_is_not_there(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])], backend=False)
    s.press("Make warmer")
    assert s.said == [] and list(ours(s.project)) == ["A"]
    s.press("Stop backend")
    assert s.said == ["reaper-aeq was stopped. It starts again by itself with the next press."]


def test_a_state_file_of_a_backend_that_is_gone(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.backend.stop()
    s.backend = None
    s.press("Make warmer")
    assert s.said == [] and list(ours(s.project)) == ["A"]
    s.press("Stop backend")


def test_a_state_file_with_the_token_of_another_run(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    state = json.loads(s.state_file.read_text())
    s.state_file.write_text(json.dumps({**state, "token": "stale"}))
    s.press("Make warmer")
    assert s.said == [] and list(ours(s.project)) == ["A"]
    s.press("Stop backend")


def test_a_backend_that_cannot_start(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])], backend=False, mode="refuse")
    s.reaper.ext_state.values[("reaper-aeq", "settings")] = '{"start_timeout_s": 1}'
    s.press("Make warmer")
    assert_refused(s, "reaper-aeq could not be started: the models are missing from /nowhere. Run `reaper-aeq serve`")


@pytest.mark.parametrize("text", [None, "{", '{"command": 3}', "[]"])
def test_reaper_that_was_not_set_up(open_song, sound, text, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "nothing"))
    s = open_song([Strip("A", [Clip(sound, selected=True)])], backend=False)
    record = s.scripts / "aeq" / "installed.json"
    record.unlink() if text is None else record.write_text(text)
    s.press("Make warmer")
    assert_refused(s, "reaper-aeq is not set up for this REAPER. Run `reaper-aeq install`")


def test_a_backend_killed_while_it_computes(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])], backend=False, mode="hold")
    s.start("Make warmer")
    s.reaper.run_until(s.state_file.exists)
    s.reaper.run_until(lambda: s.reaper.ui.drawn and "0 of 1" in s.reaper.ui.drawn[-2])
    os.kill(json.loads(s.state_file.read_text())["pid"], signal.SIGKILL)
    s.reaper.run_until()
    assert_refused(s, "reaper-aeq stopped while it was computing.")


def test_a_backend_that_hangs_up(open_song, sound):
    s = waiting(open_song([Strip("A", [Clip(sound, selected=True)])]))
    s.backend.drop = True
    s.reaper.run_until()
    assert_refused(s, "reaper-aeq stopped while it was computing.")


def changed(**values):
    from fake_backend import answer

    return lambda task: {**answer(task), **values}


BAND = {"kind": "band", "freq_hz": 1000.0, "gain_db": 1.0, "bandwidth_oct": 1.0, "enabled": True}


@pytest.mark.parametrize(
    "reply",
    [
        changed(bands=[{**BAND, "kind": "all_pass"}]),
        changed(bands=[{**BAND, "freq_hz": float("nan")}]),
        changed(bands=[{**BAND, "freq_hz": 5.0}]),
        changed(bands=[{**BAND, "gain_db": 40.0}]),
        changed(bands=[{**BAND, "gain_db": "3"}]),
        changed(bands=[{**BAND, "bandwidth_oct": 0.0}]),
        changed(bands=[{**BAND, "enabled": 1}]),
        changed(bands=[BAND] * 40),
        changed(bands="many"),
        changed(output_gain_db=None),
        lambda task: [1, 2],
        lambda task: None,
    ],
)
def test_answers_that_make_no_sense_never_reach_the_project(open_song, sound, reply):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.backend.answer = reply
    s.press("Make warmer")
    assert_refused(s, "reaper-aeq gave an answer that makes no sense")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>hello</html>",
        b"[1]",
        b"null",
        b'{"id": 1}',
        b'{"id": "0", "state": "done", "results": []}',
        b"\xff\x00",
    ],
)
def test_something_else_that_answers(open_song, sound, raw):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.backend.respond = lambda path: raw if path == "/v1/jobs" else None
    s.press("Make warmer")
    assert_refused(s, "reaper-aeq gave an answer that makes no sense")


def test_a_track_that_the_backend_refuses(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)]), Strip("B", [Clip(sound, selected=True)])])
    s.backend.answer = lambda task: ValueError("'warm' is no word of mine") if task["name"] == "B" else changed()(task)
    s.press("Make warmer")
    assert_refused(s, "'B': 'warm' is no word of mine. Nothing was changed.")


def test_silence_is_told(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.backend.answer = changed(bands=[], confidence=0.0, output_gain_db=0.0)
    s.press("Make warmer")
    assert_refused(s, "Nothing can be heard on 'A'.")


FLAT = [{"kind": "band", "freq_hz": 400.0, "gain_db": 0.04, "bandwidth_oct": 1.0, "enabled": True}]


def test_an_eq_that_would_change_nothing_is_not_inserted(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    why = "It is warm already. Adaptation 0 asks for people's mean EQ all the same."
    s.backend.answer = changed(bands=FLAT, output_gain_db=-0.03, explanation=why)
    s.press("Make warmer")
    assert_refused(s, f"No EQ was put on 'A', because it would change nothing. {why}")


def test_only_the_track_whose_eq_would_change_nothing_gets_none(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)]), Strip("B", [Clip(sound, selected=True)])])
    flat = changed(bands=FLAT, output_gain_db=0.0)
    s.backend.answer = lambda task: (flat if task["name"] == "B" else changed())(task)
    s.press("Make warmer")
    assert list(ours(s.reaper.project)) == ["A"]
    assert len(s.said) == 1 and s.said[0].startswith("No EQ was put on 'B'")


def test_one_of_ours_is_set_to_nothing(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.press("Make warmer")
    s.backend.answer = changed(bands=FLAT, output_gain_db=0.0)
    s.press("Make warmer")
    ((_, state),) = ours(s.reaper.project)["A"]
    assert s.said == []
    assert all(abs(20 * math.log10(band.gain)) < 0.05 for band in state.bands if band.enabled)


def test_reaper_too_old(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])], version="6.29/linux-x86_64", lua="5.3")
    s.press("Make warmer")
    assert s.said == ["This REAPER (6.29/linux-x86_64) is too old for reaper-aeq. Update it to 6.37 or newer."]
    assert s.unchanged


@contextmanager
def file_size_limit(limit_bytes: int):
    """No file of this process grows beyond: to whoever writes it is as a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("limit_bytes", [4, 40_000])
def test_no_room_for_a_file(open_song, sound, limit_bytes):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    always_render(s)
    with file_size_limit(limit_bytes):
        s.press("Make warmer")
    assert_refused(s, "There is no room to write" if limit_bytes == 4 else "REAPER did not render 'A' to its end.")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 kB where the mailbox is to be. Needs the right to mount."""
    folder = tmp_path / "REAPER" / "reaper-aeq-mailbox"
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no right to mount a small file system: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk(open_song, sound, small_disk):
    s = open_song([Strip("A", [Clip(sound, selected=True), Clip(sound, 1.0, selected=True)])])
    always_render(s)
    s.press("Make warmer")
    assert_refused(s, "REAPER did not render 'A' to its end.")
    (small_disk / "ballast").write_bytes(b"x" * 250_000)
    s.reaper.ui.messages.clear()
    s.press("Make warmer")
    assert len(s.said) == 1 and "free some" in s.said[0].lower() and s.unchanged
    (small_disk / "ballast").unlink()
    assert s.left_behind() == []


def test_reaeq_that_does_not_take_the_values(open_song, sound):
    strips = [Strip("A", [Clip(sound, selected=True)]), Strip("B", [Clip(sound, selected=True)])]
    s = open_song(strips, eq_chunk="refused")
    script = s.scripts / "aeq" / "reaeq_write.lua"
    text = script.read_text()
    assert "reaeq.to_linear(band.gain_db), false)" in text
    script.write_text(
        text.replace("reaeq.to_linear(band.gain_db), false)", "reaeq.to_linear(band.gain_db) * 1.1, false)")
    )
    s.press("Make warmer")
    assert s.said[0].startswith("ReaEQ on 'A' did not take the values (band 1: ")
    assert s.project.bytes() == s.before and s.project.undo_points == []


def test_a_fault_of_ours_is_told_as_one_and_undone(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    script = s.scripts / "aeq" / "write.lua"
    text = script.read_text()
    assert "  local what = reaeq_write.put" in text
    script.write_text(text.replace("  local what = reaeq_write.put", '  error("oops")\n  local what = reaeq_write.put'))
    s.press("Make warmer")
    assert s.said[0].startswith("A bug in reaper-aeq ended this press") and "oops" in s.said[0]
    assert s.project.bytes() == s.before and s.left_behind() == []


def test_more_without_an_eq(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)], fx=[reaeq(name="mine"), TONE])])
    for action in ("More", "Less", "Compare", "Remove"):
        s.press(action)
    assert len(s.said) == 4 and s.unchanged
    assert all(text.startswith("The selected tracks have no EQ from reaper-aeq.") for text in s.said)


FOREIGN = ['<VST "VST: Sampler (Somebody)" sampler.so 0 "" 1234567890<> ""', "  AAAQAAAA", ">"]


@pytest.mark.parametrize(
    ("action", "held"),
    [("Make warmer", False), ("Make warmer", True), ("More", True), ("Remove", True), ("Compare", True)],
)
def test_a_write_that_a_lock_refuses_names_the_lock(open_song, sound, action, held):
    """A track with a foreign plug-in is not asked for its state before: whether its lock is in the way shows then."""
    s = open_song([Strip("A", [Clip(sound, selected=True)], fx=[FOREIGN])], disputed=Disputed(locked_tracks="left"))
    if held:
        s.press("Make warmer")
    with s.reaper.as_user() as project:
        lock_track(project.tracks[0])
    before, points = s.project.bytes(), len(s.project.undo_points)
    s.backend.answer = lambda task: answer({"request": "bright"})
    s.press(action)
    assert s.said == ["The controls of 'A' are locked. Unlock them (right-click the track), then press again."]
    assert s.project.bytes() == before and len(s.project.undo_points) == points and s.left_behind() == []


@pytest.mark.parametrize("action", ["More", "Less", "Remove", "Compare"])
def test_what_is_done_without_listening_heeds_a_lock_too(open_song, sound, action):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.press("Make warmer")
    with s.reaper.as_user() as project:
        lock_track(project.tracks[0])
    before = s.project.bytes()
    s.press(action)
    assert s.said == ["The controls of 'A' are locked. Unlock them (right-click the track), then press again."]
    assert s.project.bytes() == before
