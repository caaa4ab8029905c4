"""Match, analyze, master project, settings, the backend by hand, and a project of 200 tracks."""

from __future__ import annotations

import time

import numpy as np
import pytest
import soundfile
from actions_kit import TONE, Clip, Strip, noise, ours, reaeq, sound_of
from fake_backend import answer

from reaper_aeq.eq import Band


def test_match_to_a_marked_item(open_song, sound, tmp_path):
    bright = noise(tmp_path / "b.wav", slope_db=0.0, seed=3)
    s = open_song([Strip("A", [Clip(sound)]), Strip("Ref", [Clip(bright, selected=True)])])
    s.press("Set reference")
    assert s.said == [
        "'clip' is the reference now. Select what should sound like it, then run 'AEQ_Match to reference'."
    ]
    with s.reaper.as_user() as project:
        project.items[0].select(True)
        project.items[1].select(False)
    heard = []
    s.backend.answer = lambda task: heard.extend(map(sound_of, task["references"])) or answer(task)
    s.press("Match to reference")
    assert s.reaper.renders == []
    (task,) = s.backend.jobs[0]["tasks"]
    assert task["request"] is None and np.allclose(heard[0], soundfile.read(bright)[0], atol=1e-6)
    assert ours(s.project)["A"][0][0] == "AEQ match: clip 100%" and len(s.said) == 1
    s.press("Make warmer")
    assert [name for name, _ in ours(s.project)["A"]] == ["AEQ: warm 100%", "AEQ match: clip 100%"]
    s.press("Remove")
    assert ours(s.project) == {}


def test_match_to_a_file(open_song, sound):
    s = open_song([Strip("A", [Clip(sound)])])
    s.press("Match to reference")
    assert s.said == ["Nothing is selected. Select one or more items or tracks, then press again."]
    s.reaper.ui.files.append(str(sound))
    s.press("Set reference")
    with s.reaper.as_user() as project:
        project.items[0].select(True)
    s.press("Match to reference")
    assert s.backend.jobs[0]["tasks"][0]["references"] == [str(sound)]
    assert ours(s.project)["A"][0][0] == "AEQ match: a.wav 100%"


def test_match_without_a_reference(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.press("Match to reference")
    assert s.said[0].startswith("Choose a reference first") and s.unchanged
    s.press("Set reference")
    with s.reaper.as_user() as project:
        project.tracks[0].node.body.remove(project.items[0].node)
        project.tracks[0].select(True)
    s.press("Match to reference")
    assert s.said[-1] == "'A' has no items and nothing is sent to it. Choose a track with audio, then press again."


def test_analyze_tells_and_changes_nothing(open_song, sound):
    s = open_song([Strip("A", [Clip(sound)], fx=[reaeq(Band("low_shelf", 100, 6))], selected=True)])
    s.press("Analyze")
    assert (
        "A (rendered, because it has FX)\n  warm 0.70\n  Try brighter." in s.reaper.ui.console
        and s.unchanged
        and s.left_behind() == []
    )


def master_song(sound):
    quiet = [Strip("Muted", [Clip(sound)], muted=True), Strip("Empty"), Strip("No synth", [Clip("MIDI")])]
    loud = [Strip("Lead Vox", [Clip(sound)]), Strip("Bass", [Clip(sound)]), Strip("Synth", [Clip("MIDI")], fx=[TONE])]
    return [Strip("Bus", folder=1), *loud, Strip("Kick", [Clip(sound)], folder=-1), *quiet]


def test_master_project_follows_the_plan_and_hears_the_mix_with_the_eqs(open_song, sound):
    s = open_song(master_song(sound))
    heard = {}
    s.backend.answer = lambda task: heard.update({task["name"]: sound_of(task)}) or answer(task)
    s.press("Master project")
    names = {track: [name for name, _ in found] for track, found in ours(s.project).items()}
    assert s.said == [] and names == {
        "Lead Vox": ["AEQ: clear 60%"],
        "Bass": ["AEQ: deep 40%"],
        "Synth": ["AEQ: warm 30%"],
        "Kick": ["AEQ: punchy 50%"],
        "Master": ["AEQ: warm 30%"],
    }
    # the synth, and the mix with the new EQs
    assert len(s.project.undo_points) == 1 and len(s.reaper.renders) == 2
    # the mix that the master's EQ was computed from is the mix that is heard now, without the master's own EQ
    with s.reaper.as_user() as project:
        project.master.select(True)
    s.press("Analyze")
    s.reaper.ui.console = ""
    again = {}
    s.backend.answer = lambda task: again.update({task["name"]: sound_of(task)}) or answer(task)
    s.press("Make warmer")
    assert np.array_equal(heard["Master"], again["Master"])
    s.reaper.undo()
    s.reaper.undo()
    with s.reaper.as_user() as project:
        project.master.select(False)
    assert s.project.bytes() == s.before


def test_master_project_that_fails_at_the_master_leaves_everything(open_song, sound):
    s = open_song(master_song(sound))
    s.backend.answer = lambda task: ValueError("no room") if task["name"] == "Master" else answer(task)
    s.press("Master project")
    assert s.said == ["'Master': no room. Nothing was changed."] and s.unchanged and s.left_behind() == []
    assert len(s.backend.jobs) == 2


def test_master_project_with_a_plan_of_ones_own(open_song, sound):
    s = open_song([Strip("Vox", [Clip(sound)]), Strip("Other", [Clip(sound)])])
    plan = "vox: warm 0.5, airy 20%"
    s.reaper.ui.inputs.append(lambda shown: "|".join([*shown.split("|")[:4], plan, "no", "no", "no"]))
    s.press("Settings")
    s.press("Master project")
    assert {t: f[0][0] for t, f in ours(s.project).items()} == {"Vox": "AEQ: warm 50% + airy 20%"}


def test_settings_are_checked_kept_and_used(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.reaper.ui.inputs.extend(["3||adaptive|30|*: warm|no|no|no", "0,5|0.25|fixed|30|*: warm|no|no|no"])
    s.press("Settings")
    assert s.said == ["The setting 'Intensity (0 to 2)' cannot be '3': write a number from 0 to 2."]
    stored = (s.folder / "REAPER" / "reaper-extstate.ini").read_text()
    assert '"intensity":0.5' in stored.split("settings=")[1]
    s.press("Make warmer")
    (task,) = s.backend.jobs[0]["tasks"]
    assert (task["intensity"], task["adaptation"], task["method"]) == (0.5, 0.25, "fixed")
    assert ours(s.project)["A"][0][0] == "AEQ: warm 50%"


def test_the_time_selection_can_limit_what_is_heard_of_tracks(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=False)], selected=True)])
    lengths = []
    s.backend.answer = lambda task: lengths.append(len(sound_of(task)) / 48_000) or answer(task)
    s.press("Make warmer")
    s.press("Repeat last press in the time selection")
    s.press("Repeat last press")
    assert lengths == pytest.approx([0.4, 0.1, 0.4], abs=1e-3)


def test_dashboard_opens_the_page(open_song, sound, tmp_path):
    opened = tmp_path / "opened"
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "xdg-open").write_text(f'#!/bin/sh\necho "$1" > "{opened}.part"\nmv "{opened}.part" "{opened}"\n')
    (tools / "xdg-open").chmod(0o755)
    import os

    s = open_song([Strip("A")], env={"PATH": f"{tools}:{os.environ['PATH']}"})
    s.press("Open dashboard")
    end = time.monotonic() + 20
    while not opened.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert opened.read_text() == f"http://127.0.0.1:{s.backend.port}/?code={'c0' * 16}\n" and s.said == []


def test_start_and_stop(open_song):
    s = open_song([Strip("A")], backend=False)
    s.press("Stop backend")
    assert s.said == ["reaper-aeq is not running."]
    s.press("Start backend")
    s.press("Start backend")
    assert s.said[1:] == ["reaper-aeq 0.1.0 is running (cpu)."] * 2
    s.press("Stop backend")
    assert s.unchanged


def test_no_command_line_and_no_letter_shows_the_token(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])], backend=False)
    s.start("Make warmer")
    letters = []

    def look():
        letters.extend(p.read_bytes() for p in s.mailbox.glob("*") if p.is_file() and p.suffix != ".part")
        return not s.reaper.scripts

    s.reaper.run_until(look)
    assert len(letters) > 2 and not any(b"0f0f" in letter for letter in letters)
    assert not any("0f0f" in command for command in s.reaper.started)
    s.press("Stop backend")


def test_200_tracks_are_one_press_that_never_blocks(open_song, tmp_path):
    sound, own = noise(tmp_path / "short.wav", 0.1), reaeq(Band("band", 500, 3))
    s = open_song([Strip(f"T{i}", [Clip(sound, 0, 0.1, selected=True)], fx=[own] * (i % 2)) for i in range(200)])
    s.press("Make warmer", timeout_s=120)
    assert s.said == [] and len(ours(s.project)) == 200 and len(s.project.undo_points) == 1
    assert s.reaper.renders == []
    most = max(cycle.calls for cycle in s.reaper.cycles)
    print(f"most calls in a cycle: {most}")
    assert most < 12 * 200  # of which the block has seven a track
    s.reaper.undo()
    assert s.project.bytes() == s.before
