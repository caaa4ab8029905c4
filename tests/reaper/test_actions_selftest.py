"""AEQ_Self-test inside the stand-in: everything passes, and everything is as it was."""

from __future__ import annotations

import pytest
from actions_kit import Clip, Strip, noise
from standin import Disputed, Preferences


@pytest.mark.parametrize("lua", ["5.3", "5.4"])
def test_every_check_passes_and_nothing_stays(open_song, tmp_path, lua):
    strips = [Strip("A", [Clip(noise(tmp_path / "a.wav"), selected=True)])]
    s = open_song(strips, lua=lua, disputed=Disputed(pre_fader="stems"))
    s.press("Self-test")
    lines = s.reaper.ui.console.splitlines()
    assert [line for line in lines if line.startswith("FAIL")] == [] and "All is as expected." in lines
    assert sum(line.startswith("pass") for line in lines) > 35
    assert s.said == [] and s.unchanged and s.left_behind() == []
    assert s.reaper.projects == [s.project] and max(cycle.calls for cycle in s.reaper.cycles) < 1500


def test_a_reaper_that_differs_is_told(open_song, monkeypatch):
    """A ReaEQ that numbers its notch otherwise: the self-test says so, and goes on to the end."""
    from standin import reaeq_instance

    s = open_song([Strip("A")], disputed=Disputed(pre_fader="stems"))
    monkeypatch.setitem(reaeq_instance.API_TYPE, 6, 6)
    s.press("Self-test")
    lines = s.reaper.ui.console.splitlines()
    failed = [line for line in lines if line.startswith("FAIL")]
    assert len(failed) == 1 and "BANDTYPE 6 is notch" in failed[0]
    assert "1 of the checks failed; please report them." in lines and s.unchanged


def test_what_nobody_has_measured_is_told_and_the_report_is_a_file(open_song):
    s = open_song([Strip("A")], disputed=Disputed(pre_fader="stems", items_hold_take_fx=False))
    s.press("Self-test")
    text = s.reaper.ui.console
    for line in (
        "info  render source 32 holds take FX: no",
        "info  render source 32 holds fades: yes",
        "pass  render source 3 holds take FX",
        "pass  render source 0 writes 1: 1 files",
        "pass  render source 3 writes 2: 2 files",
        "info  render source 3 | 8192 (not used): 2 files",
        "pass  an empty block is none: AEQ: a name",
        "info  adding an FX outside a block: is a step: Add FX: VST: ReaEQ (Cockos)",
        "pass  a folder with letters of all languages",
        "info  preference workrender: 8193",
        "unknown here  preference autosaveonrender",
        "pass  an EQ in a container is found: it holds 1",
        "pass  and is written to there",
        "info  0 dB in a gain envelope: 0.250",
        "info  0.5 written to what an envelope controls: 0.500, then 0.250",
        "pass  a gain's envelope goes on when its band becomes another: 0.250, with the old type 0.250; it is there",
        "pass  only an FX's change can be heard (:delta): parameter 18, shown as 'Delta', 1.0 then 0.0, kept as WET",
        "info  an accessor read in a coroutine answers: nil",
        "pass  offline media has no length, and comes back",
        "info  chunks of your tracks: 1, 0 kB",
    ):
        assert f"\n{line}" in text, line
    report = s.reaper.resource_path / "reaper-aeq-self-test.txt"
    assert str(report) in text and report.read_text() in text and s.unchanged


def test_a_render_in_the_background_and_an_empty_step_are_told(open_song, monkeypatch):
    from standin import undo

    s = open_song([Strip("A")], disputed=Disputed(pre_fader="stems"), preferences=Preferences(background_render=True))
    monkeypatch.setattr(undo, "record", lambda project, label, flags=-1: project.add_undo_point(label, b"", flags))
    s.press("Self-test", timeout_s=90)
    failed = [line for line in s.reaper.ui.console.splitlines() if line.startswith("FAIL")]
    assert failed == ["FAIL  an empty block is none: AEQ: nothing"]


def test_the_report_is_copied_where_sws_is_there(open_song):
    s = open_song([Strip("A")], disputed=Disputed(pre_fader="stems"), preferences=Preferences(sws=True))
    s.press("Self-test")
    assert s.reaper.ui.clipboard.startswith("reaper-aeq self-test") and "on the clipboard" in s.reaper.ui.console


def test_a_reaper_without_containers_is_told(open_song):
    s = open_song([Strip("A")], version="6.83/linux-x86_64", disputed=Disputed(pre_fader="stems"))
    s.press("Self-test")
    assert "\nunknown here  containers: none could be added\n" in s.reaper.ui.console
    assert "All is as expected." in s.reaper.ui.console and s.unchanged and s.left_behind() == []


def test_a_container_that_takes_no_fx_is_told(open_song):
    s = open_song([Strip("A")], disputed=Disputed(pre_fader="stems", container_moves=False))
    s.press("Self-test")
    failed = [line for line in s.reaper.ui.console.splitlines() if line.startswith("FAIL")]
    assert failed == ["FAIL  an EQ in a container is found: it holds 0"] and s.unchanged


def test_an_eq_that_takes_nothing_in_a_container_is_told(open_song, monkeypatch):
    from standin import registry

    real = registry.FUNCTIONS["TrackFX_SetParam"]

    def refuse(reaper, owner, index, parameter, value):
        return index < 0x2000000 and real(reaper, owner, index, parameter, value)

    monkeypatch.setitem(registry.FUNCTIONS, "TrackFX_SetParam", refuse)
    s = open_song([Strip("A")], disputed=Disputed(pre_fader="stems"))
    s.press("Self-test")
    failed = [line for line in s.reaper.ui.console.splitlines() if line.startswith("FAIL")]
    assert failed == ["FAIL  and is written to there: 0.250 for 0.500"] and s.unchanged


@pytest.mark.parametrize("open_project", ["ends", "go on"])
def test_a_project_that_is_opened_ends_scripts(open_song, open_project):
    """The report is told all the same, and the user's project is in front again."""
    s = open_song([Strip("A")], disputed=Disputed(pre_fader="stems", open_project=open_project))
    s.press("Self-test")
    assert "pass  your project is in front again" in s.reaper.ui.console and s.unchanged and s.left_behind() == []
    assert s.reaper.projects == [s.project] and (s.reaper.resource_path / "reaper-aeq-self-test.txt").exists()


STARTS = {
    "read": "pass  REAPER reads the start-up script",
    "set": "unknown here  REAPER reads the start-up script: it has not since 'Start with REAPER' was chosen; "
    "start REAPER anew and test again",
    "off": "unknown here  REAPER reads the start-up script: 'Start with REAPER' is off",
    "damaged": "unknown here  REAPER reads the start-up script: the lines of reaper-aeq in it are damaged",
}


@pytest.mark.parametrize("state", STARTS)
def test_whether_the_start_up_script_is_read(open_song, state):
    s = open_song([Strip("A")], disputed=Disputed(pre_fader="stems"))
    file = s.reaper.resource_path / "Scripts" / "__startup.lua"
    if state in ("set", "read"):
        with_block = s.scripts / "AEQ_set.lua"
        with_block.write_text(
            'local here = select(2, reaper.get_action_context()):match("^(.*[/\\\\])")\n'
            'package.path = here .. "?.lua;" .. package.path\n'
            'require("aeq.run").start("set", function() require("aeq.startup").set(true) end)\n'
        )
        s.reaper.run_script(with_block)
        s.reaper.run_until()
    if state == "read":
        s.reaper.run_script(file)  # as REAPER does when it starts
        s.reaper.run_until()
    if state == "damaged":
        file.write_text("-- >>> reaper-aeq: start with REAPER\n")
    s.press("Self-test")
    assert f"\n{STARTS[state]}\n" in s.reaper.ui.console


@pytest.mark.parametrize("lua", ["5.3", "5.4"])
def test_an_envelope_that_dies_with_its_bands_type_is_told(open_song, lua):
    s = open_song([Strip("A")], lua=lua, disputed=Disputed(pre_fader="stems", retyped_lanes="dead"))
    s.press("Self-test")
    failed = [line for line in s.reaper.ui.console.splitlines() if line.startswith("FAIL")]
    assert failed == [
        "FAIL  a gain's envelope goes on when its band becomes another: 0.500, with the old type 0.250; it is there"
    ] and s.unchanged  # fmt: skip


def test_a_reaper_without_delta_is_told(open_song, monkeypatch):
    from standin.registry import FUNCTIONS

    real = FUNCTIONS["TrackFX_GetParamFromIdent"]
    monkeypatch.setitem(
        FUNCTIONS, "TrackFX_GetParamFromIdent",
        lambda reaper, track, fx, ident: -1 if ident == ":delta" else real(reaper, track, fx, ident),
    )  # fmt: skip
    s = open_song([Strip("A")], disputed=Disputed(pre_fader="stems"))
    s.press("Self-test")
    assert "unknown here  only an FX's change can be heard (:delta): this REAPER has no such" in s.reaper.ui.console
    assert "All is as expected." in s.reaper.ui.console
