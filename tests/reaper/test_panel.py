"""The panel: every control by mouse and by key, what goes wrong meanwhile, and pictures of it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from actions_kit import ours
from panel_kit import ENTER, ESCAPE, RIGHT, TAB, Panel, gains, strips, told
from standin.behavior import Preferences
from standin.fx_chain import fx_list
from standin.injection import delete_track, turn_band
from standin.screenshot import replay
from test_actions_along import following


@pytest.fixture(params=["5.3", "5.4"])
def panel(open_song, tmp_path, request):
    s = open_song(strips(tmp_path), lua=request.param, preferences=Preferences(osara=True))
    s.backend.answer = told
    return Panel(s)


def test_a_word_by_mouse_then_the_slider_live_and_one_step(panel):
    s = panel.s
    panel.click("warm")
    panel.settle()
    assert ours(s.project)["Vox"][0][0] == "AEQ: warm 100%" and any(
        t.startswith("This sound has") for t in panel.texts()
    )
    before, full = s.project.bytes(), gains(s)
    panel.drag("Intensity", 0.5, 0.4, 0.25, let_go=False)
    live = gains(s)
    assert live == pytest.approx([g / 2 for g in full], rel=0.03) and len(s.project.undo_points) == 1
    panel.ui.buttons = 0
    panel.settle()
    assert len(s.project.undo_points) == 2 and ours(s.project)["Vox"][0][0] == "AEQ: warm 50%"
    assert "Intensity 50 percent, low shelf 182 Hz" in panel.ui.spoken[-1] and len(s.backend.jobs) == 1
    panel.drag("Intensity", 0.3, 1.0)
    assert ours(s.project)["Vox"][0][0] == "AEQ: warm 150%"  # what is safe for this sound
    s.reaper.undo()
    s.reaper.undo()
    assert s.project.bytes() == before
    panel.close()
    assert s.said == [] and s.reaper.lamp("AEQ_Panel") == 0


def test_every_button(panel):
    s = panel.s
    assert s.reaper.lamp("AEQ_Panel") == 1
    panel.click("bright")
    panel.settle()
    for name, check in (
        ("Compare", "EQ off"), ("Compare", "EQ on"), ("Delta", "only the change is heard"), ("Delta", "all is heard"),
        ("Less", "less, low shelf"), ("More", "more, low shelf"), ("Variation", "low shelf"),
    ):  # fmt: skip
        panel.click(name)
        panel.settle()
        assert check in panel.ui.spoken[-1], name
    assert s.backend.jobs[-1]["tasks"][0]["variation"] == 1
    panel.ui.menus.append("guitar")
    panel.click("Kind")
    panel.settle()
    assert s.backend.jobs[-1]["tasks"][0]["kind"] == "guitar" and "Kind: guitar" in panel.texts()
    panel.drag("Adaptation", 0.8)
    assert s.backend.jobs[-1]["tasks"][0]["adaptation"] == pytest.approx(0.8, abs=0.02)
    panel.click("Time selection")
    assert "only the time selection" in panel.ui.spoken[-1]
    panel.click("Remove")
    panel.settle()
    assert ours(s.project) == {} and panel.ui.spoken[-1] == "Vox: EQ removed"
    panel.close()


def test_all_by_keys_and_space_still_plays(panel):
    s = panel.s
    panel.key(TAB, ENTER, *map(ord, "airy 0.5"), ENTER)
    panel.settle()
    assert ours(s.project)["Vox"][0][0] == "AEQ: airy 50%"
    panel.key(32)
    assert s.reaper.commands[-1] == 40044 and s.project.play_state == 1
    panel.key(32)
    while not panel.ui.spoken[-1].startswith("Intensity"):
        panel.key(TAB)
    panel.key(RIGHT)
    panel.settle()
    assert ours(s.project)["Vox"][0][0] == "AEQ: airy 55%"
    panel.close()


def test_closed_in_mid_drag_leaves_one_step(panel):
    panel.click("warm")
    panel.settle()
    panel.drag("Intensity", 0.5, 0.25, let_go=False)
    panel.ui.keys.append(-1)
    panel.s.reaper.run_until()
    assert ours(panel.s.project)["Vox"][0][0] == "AEQ: warm 50%" and len(panel.s.project.undo_points) == 2


def test_escape_in_mid_drag_takes_it_back(panel):
    panel.click("warm")
    panel.settle()
    before = panel.s.project.bytes()
    panel.drag("Intensity", 0.5, 0.25, let_go=False)
    panel.key(ESCAPE)
    panel.ui.buttons = 0
    panel.settle()
    assert panel.s.project.bytes() == before and len(panel.s.project.undo_points) == 1
    panel.close()


def test_undo_in_mid_drag_leaves_what_it_brings_back(panel):
    """The EQ that comes back has fewer bands: what was meant for the gain of the last would be another parameter."""
    s = panel.s
    s.backend.answer = lambda task: {
        **told(task),
        "bands": told(task)["bands"][: 4 if task["request"] == "warm" else 5],
    }
    panel.click("warm")
    panel.settle()
    before = s.project.bytes()
    panel.click("bright")
    panel.settle()
    panel.drag("Intensity", 0.5, 0.25, let_go=False)
    panel.key(26)
    assert s.project.bytes() == before
    panel.drag("Intensity", 0.2)
    assert s.project.bytes() == before and len(s.project.undo_points) == 1 and len(s.project.redo_points) == 1
    panel.close()


def test_another_project_and_a_deleted_track(panel, tmp_path):
    s = panel.s
    panel.click("warm")
    panel.settle()
    panel.drag("Intensity", 0.5, 0.25, let_go=False)
    s.reaper.open_tab(b'<REAPER_PROJECT 0.1 "7.66" 0\n>\n')
    panel.ui.buttons = 0
    panel.settle()
    assert "Nothing is selected" in panel.texts() and len(s.project.undo_points) == 2
    s.reaper.switch_tab(0)
    s.reaper.step(10)
    assert "AEQ: warm 50%" in panel.texts()
    with s.reaper.as_user() as project:
        delete_track(next(track for track in project.tracks if track.name == "Vox"))
    s.reaper.step(4)
    assert "Nothing is selected" in panel.texts()
    panel.close()


def test_a_second_press_closes_it_and_its_place_is_remembered(panel):
    s = panel.s
    panel.window.width, panel.window.height, panel.window.dock = 444, 555, 0
    s.reaper.step(60)
    s.start("Panel")
    s.reaper.run_until()
    assert s.reaper.ext_state.values["reaper-aeq", "panel"] == "0 200 150 444 555"


TRACKS = 100
# A call takes REAPER some microseconds (500 SetParamNormalized: 3 ms, measured in 7.x). All that is one undo step is
# one cycle; any other ends after 8 ms, which in the stand-in are far fewer calls than this.
CALLS_A_TRACK, MOST_CALLS = 13, 4500


def test_a_hundred_tracks_never_hold_reaper_up(open_song, tmp_path):
    s = open_song(strips(tmp_path, TRACKS))
    s.backend.answer = told
    panel = Panel(s)

    def names():
        return {name for ((name, _),) in ours(s.project).values()}

    def check(name, steps):
        assert names() == {name} and len(s.project.undo_points) == steps
        blocks = [cycle for cycle in s.reaper.cycles if cycle.called["Undo_BeginBlock2"]]
        assert blocks and max(cycle.calls for cycle in blocks) <= CALLS_A_TRACK * TRACKS + 100
        assert max(cycle.calls for cycle in s.reaper.cycles) < MOST_CALLS and len(s.reaper.cycles) > 12
        s.reaper.cycles.clear()

    def press(name, expected, steps):
        panel.click(name)
        panel.settle(300)
        check(expected, steps)

    press("warm", "AEQ: warm 100%", 1)
    panel.drag("Intensity", 0.5, 0.3, let_go=False)
    panel.ui.buttons = 0
    panel.settle(300)
    check("AEQ: warm 60%", 2)
    press("More", "AEQ: warm 75%", 3)
    press("Compare", "AEQ: warm 75%", 4)
    press("Delta", "AEQ: warm 75%", 5)
    press("warm", "AEQ: warm 100%", 6)
    with s.reaper.as_user() as project:
        for track in project.tracks:
            turn_band(track, 0, 1, gain_db=3.0)
    press("Compare", "AEQ: warm 100% (edited)", 7)
    press("Less", "AEQ: warm 80% (edited)", 8)
    panel.close()
    s.start("Start afresh")
    s.reaper.run_until(timeout_s=300)
    check("AEQ: warm 80%", 9)
    before = s.project.bytes()
    s.start("Remove")
    s.reaper.run_until(timeout_s=300)
    assert ours(s.project) == {} and s.said == []
    s.reaper.undo()
    assert s.project.bytes() == before


LIGHT, DARK = 0xE8E8E8, 0x303030


@pytest.mark.parametrize(
    ("name", "theme", "width", "height", "scale"),
    [("light", LIGHT, 400, 620, 1), ("dark", DARK, 400, 620, 1), ("narrow", DARK, 250, 620, 1),
     ("200", LIGHT, 400, 620, 2), ("docked", DARK, 900, 260, 1), ("least", LIGHT, 230, 330, 1),
     ("empty", LIGHT, 400, 620, 1), ("along", LIGHT, 400, 720, 1), ("along dark", DARK, 400, 720, 2),
     ("along docked", DARK, 900, 300, 1)],
)  # fmt: skip
def test_what_it_looks_like(open_song, tmp_path, name, theme, width, height, scale):
    s = open_song(strips(tmp_path))
    s.backend.answer = told
    s.reaper.ui.theme["col_main_bg2"], s.reaper.ui.scale = theme, scale
    s.reaper.ext_state.values["reaper-aeq", "panel"] = f"0 200 150 {width} {height}"
    panel = Panel(s)
    if name.startswith("along"):
        s.backend.answer = lambda task: following((0.0, 40.0, 95.0), length_s=130.0)(task) | told(task)
        s.start("Make warmer along the song")
        s.reaper.run_until(lambda: s.project.undo_points)
        s.reaper.step(60)
        names = {call[4] for call in panel.window.shown if call[0] == "text"}
        assert {"low shelf 182 Hz", "band 433 Hz", "output"} <= names
    elif name != "empty":
        panel.click("warm")
        panel.settle()
    image = replay(panel.window.shown, panel.window.size)
    image.save(Path(os.environ.get("AEQ_PANEL_PICTURES", tmp_path)) / f"panel_{name}.png")
    assert image.size == (width * scale, height * scale)
    assert (255, 0, 255) not in {color for _, color in image.getcolors(1 << 24)}  # all is painted
    for what, _, x, y, *_ in panel.window.shown:
        assert what not in ("text", "circle") or (0 <= x < width * scale and 0 <= y < height * scale), what
    panel.close()


def test_the_slider_keeps_what_a_hand_turned(panel):
    s = panel.s
    panel.click("warm")
    panel.settle()
    with s.reaper.as_user() as project:
        track = next(track for track in project.tracks if track.name == "Vox")
        first = fx_list(track)[0].eq.state.bands
        turn_band(track, 0, 1, gain_db=20 * np.log10(first[1].gain) + 2.0)
    panel.drag("Intensity", 0.5, 0.25, let_go=False)
    s.reaper.step(20)
    live = [20 * np.log10(band.gain) for band in ours(s.project)["Vox"][0][1].bands]
    own = [20 * np.log10(band.gain) for band in first]
    wanted = [0.5 * gain_db + (2.0 if n == 1 else 0.0) for n, gain_db in enumerate(own)]
    assert live == pytest.approx(wanted, abs=0.05)
    panel.ui.buttons = 0
    panel.settle()
    [(name, now)] = ours(s.project)["Vox"]
    assert name == "AEQ: warm 50% (edited)"
    assert [20 * np.log10(band.gain) for band in now.bands] == pytest.approx(wanted, abs=0.05)
    panel.drag("Intensity", 0.25, 0.5)
    back = [20 * np.log10(band.gain) for band in ours(s.project)["Vox"][0][1].bands]
    assert back == pytest.approx([gain_db + (2.0 if n == 1 else 0.0) for n, gain_db in enumerate(own)], abs=0.05)
    panel.close()
    s.press("Start afresh")
    assert [20 * np.log10(band.gain) for band in ours(s.project)["Vox"][0][1].bands] == pytest.approx(own, abs=0.05)
