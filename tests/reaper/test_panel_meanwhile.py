"""What happens while the panel is open: no backend, other tracks, linked ones, extensions, keys it does not use."""

from __future__ import annotations

import re
import shutil

import pytest
from actions_kit import SCRIPTS, Clip, Strip, noise, ours
from panel_kit import LEFT, TAB, Panel, gains, strips, told
from standin.behavior import Preferences
from standin.injection import delete_track, select
from test_actions_scripts import LUAS, runtime

# Every control of the panel by its id, and the action that does the same.
ACTIONS = {
    "typed": "Ask for a word",
    "intensity": "Intensity by controller or wheel",
    "adaptation": "Adaptation by controller or wheel",
    "compare": "Compare",
    "delta": "Hear only the change",
    "less": "Less",
    "more": "More",
    "variation": "Next variation",
    "remove": "Remove",
    "kind": "Choose kind of sound",
    "timed": "Repeat last press in the time selection",
}


@pytest.fixture(params=LUAS)
def panel(open_song, tmp_path, request):
    s = open_song(strips(tmp_path, 2), lua=request.param, preferences=Preferences(osara=True, sws=True))
    s.backend.answer = told
    return Panel(s)


def only(panel, *numbers):
    """The user selects these tracks."""
    with panel.s.reaper.as_user() as project:
        select(project, tracks=[project.tracks[n] for n in numbers])
    panel.s.reaper.step(3)


def names(s):
    return {track: [name for name, _ in list_] for track, list_ in ours(s.project).items()}


def test_the_backend_was_stopped(panel):
    s = panel.s
    panel.click("warm")
    panel.settle()
    full = gains(s)
    s.backend.stop()
    for path in (s.state_file, s.mailbox / "backend.json"):
        path.unlink(missing_ok=True)
    panel.drag("Intensity", 0.5, 0.25)
    assert names(s) == {"Vox": ["AEQ: warm 50%"], "Vox 1": ["AEQ: warm 50%"]}
    assert gains(s) == pytest.approx([gain / 2 for gain in full], rel=0.03)
    panel.click("Compare")
    panel.settle()
    assert panel.ui.spoken[-1] == "Vox: EQ off. Vox 1: EQ off"
    panel.click("bright")  # asks, so it is started again
    panel.settle()
    assert names(s)["Vox"] == ["AEQ: warm 50% + bright 100%"] and s.said == []
    panel.close()


def test_a_mailbox_that_is_removed_while_it_is_open_is_made_anew(panel):
    s = panel.s
    panel.click("warm")
    panel.settle()
    s.backend.die()
    shutil.rmtree(s.mailbox)
    panel.click("bright")
    panel.settle()
    assert names(s)["Vox"] == ["AEQ: warm 100% + bright 100%"] and s.said == []
    panel.close()


def test_the_backend_cannot_be_started(open_song, tmp_path):
    s = open_song(
        strips(tmp_path), backend=False, command=[str(tmp_path / "nowhere")], preferences=Preferences(osara=True)
    )
    panel = Panel(s)
    panel.click("warm")
    s.reaper.run_until(lambda: panel.ui.spoken, timeout_s=90)
    assert panel.ui.spoken[-1].startswith("reaper-aeq could not be started") and s.unchanged
    s.reaper.step(20)
    assert any(text.startswith("reaper-aeq could not be") for text in panel.texts()) and s.said == []
    panel.close()


def test_of_linked_tracks_one_is_selected_and_all_follow(panel):
    s = panel.s
    s.press_beside = s.start("Link tracks")
    s.reaper.step(10)
    panel.click("warm")
    panel.settle()
    only(panel, 1)
    assert {"Vox 1", "AEQ: warm 100% linked"} <= set(panel.texts())
    panel.drag("Intensity", 0.5, 0.25)
    assert names(s) == {track: ["AEQ: warm 50% linked"] for track in ("Vox", "Vox 1")}
    states = [state for ((_, state),) in ours(s.project).values()]
    assert [band.gain for band in states[0].bands] == [band.gain for band in states[1].bands]
    panel.close()


@pytest.mark.parametrize("way", ["wheel", "keys"])
def test_steps_that_come_while_many_tracks_are_written_are_not_lost(open_song, tmp_path, way):
    s = open_song(strips(tmp_path, 12), preferences=Preferences(osara=True))
    script = s.scripts / "aeq" / "panel_presses.lua"
    assert "SLICE_S = 0.008\n" in script.read_text()
    script.write_text(script.read_text().replace("SLICE_S = 0.008\n", "SLICE_S = 0.001\n"))
    panel = Panel(s)
    panel.click("warm")
    panel.settle()
    if way == "wheel":
        x, y = panel.at("Intensity")
        panel.ui.mouse = (x + 100, y)
    while way == "keys" and not panel.ui.spoken[-1].startswith("Intensity"):
        panel.key(TAB)
    for _ in range(4):
        if way == "wheel":
            panel.ui.wheel -= 120
        else:
            panel.ui.keys.append(LEFT)
        s.reaper.step(1)
    panel.settle()
    assert {name for names_ in names(s).values() for name in names_} == {"AEQ: warm 80%"} and s.said == []
    panel.close()


def test_no_eq_of_ours_on_the_selected_track(panel):
    s = panel.s
    assert "No EQ of reaper-aeq is here yet. Press a word." in panel.texts()
    for name in ("Compare", "Delta", "Less", "More", "Variation", "Remove"):
        panel.click(name)
        panel.settle()
        assert panel.ui.spoken[-1].startswith("The selected tracks have no EQ from reaper-aeq."), name
    panel.drag("Intensity", 0.5, 0.25)
    assert panel.ui.spoken[-1].startswith("The selected tracks have no EQ from reaper-aeq.") and s.unchanged
    only(panel)
    assert {"Nothing is selected", "Select an item or a track, then press a word."} <= set(panel.texts())
    panel.click("warm")
    panel.settle()
    assert panel.ui.spoken[-1].startswith("Nothing is selected.") and not s.project.undo_points
    panel.close()


def test_a_track_is_deleted_under_the_hand(panel):
    s = panel.s
    panel.click("warm")
    panel.settle()
    panel.drag("Intensity", 0.5, 0.3, let_go=False)
    with s.reaper.as_user() as project:
        delete_track(project.tracks[0])
    panel.ui.buttons = 0
    panel.settle()
    assert names(s) == {"Vox 1": ["AEQ: warm 60%"]} and s.said == []
    panel.close()


def test_a_track_is_deleted_while_a_word_is_computed(panel):
    s = panel.s
    s.backend.hold_s = 0.3
    panel.click("warm")
    with s.reaper.as_user() as project:
        delete_track(project.tracks[0])
    panel.settle()
    assert "'Vox' was removed while the EQ was computed." in panel.ui.spoken[-1] and ours(s.project) == {}
    panel.close()


def test_it_follows_the_selection(panel):
    only(panel, 1)
    panel.click("warm")
    panel.settle()
    only(panel, 0)
    assert "no EQ yet" in panel.texts() and "AEQ: warm 100%" not in panel.texts()
    only(panel, 1)
    assert {"Vox 1", "AEQ: warm 100%"} <= set(panel.texts())
    panel.close()


def test_the_lamps_follow_the_selection(panel):
    s = panel.s
    for action in ("Compare", "Hear only the change"):  # an action knows its number once it has run
        s.start(action)
        s.reaper.step(4)
    only(panel, 1)
    panel.click("warm")
    panel.settle()
    for name, action in (("Compare", "AEQ_Compare"), ("Delta", "AEQ_Hear only the change")):
        panel.click(name)
        panel.settle()
        assert s.reaper.lamp(action) == 1
        only(panel, 0)
        assert s.reaper.lamp(action) == 0
        only(panel, 1)
        assert s.reaper.lamp(action) == 1
    panel.close()


def test_keys_that_it_does_not_use_go_on_to_reaper(panel):
    panel.key(ord("s"), TAB, ord("m"))
    assert [key for _, key, _ in panel.ui.sent_keys] == [ord("S"), ord("M")]
    panel.key(32)
    assert panel.s.project.play_state == 1
    panel.key(32)  # and stops
    panel.close()


def test_a_slider_says_each_of_its_steps(panel):
    s = panel.s
    panel.click("warm")
    panel.settle()
    while not panel.ui.spoken[-1].startswith("Adaptation"):
        panel.key(TAB)
    assert panel.ui.spoken[-1] == "Adaptation 50 percent"
    panel.key(1919379572)
    panel.settle()
    assert panel.ui.spoken[-2] == "Adaptation 55 percent"
    assert "low shelf 182 Hz +3.0 dB" in panel.ui.spoken[-1]
    assert s.backend.jobs[-1]["tasks"][0]["adaptation"] == pytest.approx(0.55)
    panel.close()


@pytest.mark.parametrize("scale", [1, 2])
def test_its_place_is_remembered_in_logical_pixels(open_song, tmp_path, scale):
    s = open_song(strips(tmp_path))
    s.reaper.ui.scale = scale
    panel = Panel(s)
    panel.window.x, panel.window.y, panel.window.width, panel.window.height = 20, 30, 444, 555
    s.reaper.step(4)
    panel.close()
    assert s.reaper.ext_state.values["reaper-aeq", "panel"] == "0 20 30 444 555"
    again = Panel(s)
    assert (again.window.x, again.window.y, again.window.width, again.window.height) == (20, 30, 444, 555)
    again.close()


def test_the_theme_changes_while_it_is_open(panel):
    panel.ui.theme["col_main_bg2"] = 0xF0F0F0
    panel.s.reaper.step(120)
    light = next(call[1] for call in panel.window.shown if call[0] == "rect")
    panel.ui.theme["col_main_bg2"] = 0x202020
    panel.s.reaper.step(120)
    dark = next(call[1] for call in panel.window.shown if call[0] == "rect")
    assert sum(light[:3]) > 2.5 and sum(dark[:3]) < 0.6
    panel.close()


@pytest.mark.parametrize("version", LUAS)
def test_every_control_is_an_action_too(version):
    lua = runtime(version)
    lua.execute(
        """gfx = {setfont = function() end, measurestr = function(text) return 7 * #text end, ext_retina = 1}
           reaper.GetExtState = function() return "" end"""
    )
    ids, words = lua.execute(
        """local ids, words = {}, {}
           local panel = {sight = {seen = {}, amount = 0, most = 1}, adaptation = 0.5}
           for _, control in ipairs(require("aeq.panel_controls").place(panel, 2000, 2000)) do
             if control.word then words[#words + 1] = control.word else ids[#ids + 1] = control.id end
           end
           return table.concat(ids, "|"), table.concat(words, "|")"""
    )
    assert set(ids.split("|")) == set(ACTIONS)
    for name in (*ACTIONS.values(), "Panel", "Why"):
        assert (SCRIPTS / f"AEQ_{name}.lua").is_file(), name
    made = set()
    for path in SCRIPTS.glob("AEQ_Make *.lua"):
        made |= set(re.findall(r'make\("[^"]+", "([^"]+)"\)', path.read_text(encoding="utf-8")))
    assert set(words.split("|")) <= made


def test_more_and_less_keep_the_shape_and_end_where_it_is_safe(open_song, tmp_path):
    s = open_song([Strip("Vox", [Clip(noise(tmp_path / "a.wav"))], selected=True)])
    s.backend.answer = told
    s.press("Make warmer")
    full = gains(s)
    for action, factor in (("More", 1.25), ("More", 1.5), ("Less", 1.2), ("Less", 0.96)):  # 1.5 is safe
        s.press(action)
        assert gains(s) == pytest.approx([factor * gain for gain in full], rel=1e-3), (action, factor)
