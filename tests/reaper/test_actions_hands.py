"""Controllers, the mouse wheel, delta, kinds, why, and what OSARA says."""

from __future__ import annotations

import math

import pytest
from actions_kit import Clip, Strip, noise, ours, song
from standin import injection
from standin.behavior import Preferences
from standin.fx_chain import fx_list
from standin.registry import FUNCTIONS


@pytest.fixture(params=["5.3", "5.4"])
def warm(open_song, tmp_path, request):
    """One selected track with a warm EQ of ours."""
    sound = noise(tmp_path / "a.wav")
    s = open_song([Strip("A", [Clip(sound)], selected=True)], lua=request.param, preferences=Preferences(osara=True))
    s.press("Make warmer")
    return s


def gains(s):
    return [20 * math.log10(band.gain) for band in ours(s.project)["A"][0][1].bands]


def test_a_controller_that_moves_often_is_one_undo_step(warm):
    before, full = warm.project.bytes(), gains(warm)
    points = len(warm.project.undo_points)
    warm.reaper.clock.pace_s = 0.0  # on a busy machine the hand would seem to rest between two of them
    for value in (100, 80, 60, 32):
        warm.reaper.turn("AEQ_Intensity by controller or wheel", value, resolution=128)
        warm.reaper.step(3)
    warm.reaper.run_until()
    assert ours(warm.project)["A"][0][0] == "AEQ: warm 50%" and len(warm.project.undo_points) == points + 1
    assert gains(warm) == pytest.approx([gain / 2 for gain in full], rel=1e-5)
    assert "intensity 50 percent" in warm.reaper.ui.spoken[-1] and warm.said == []
    warm.reaper.undo()
    assert warm.project.bytes() == before


@pytest.mark.parametrize("cycles", range(1, 20))
def test_no_movement_is_lost_and_none_meets_another_run(warm, cycles):
    """However long after the first the second comes: while it is looked at, as it ends, or after."""
    warm.reaper.clock.pace_s = 0.0
    full = gains(warm)
    warm.reaper.turn("AEQ_Intensity by controller or wheel", 96, resolution=128)
    warm.reaper.step(cycles)
    warm.reaper.turn("AEQ_Intensity by controller or wheel", 32, resolution=128)
    warm.reaper.run_until()
    assert ours(warm.project)["A"][0][0] == "AEQ: warm 50%" and warm.said == []
    assert gains(warm) == pytest.approx([gain / 2 for gain in full], rel=1e-5)


@pytest.mark.parametrize("lua", ["5.3", "5.4"])
def test_a_controller_without_an_eq_of_ours_says_so(open_song, tmp_path, lua):
    s = open_song([Strip("A", [Clip(noise(tmp_path / "a.wav"))], selected=True)], lua=lua)
    s.reaper.turn("AEQ_Intensity by controller or wheel", 64)
    s.reaper.run_until()
    assert len(s.said) == 1 and s.said[0].startswith("The selected tracks have no EQ from reaper-aeq.")
    assert s.unchanged


def listed_by_reapack(s):
    """As actions that ReaPack or a hand listed: REAPER ends a run for the next of the same action."""
    record = s.scripts / "aeq" / "installed.json"
    record.write_text(record.read_text().replace('"files"', '"no files"'))
    s.reaper.actions.flags = dict.fromkeys(s.reaper.actions.flags, 4)
    return s


def test_no_movement_is_lost_where_reaper_ends_a_run_for_the_next(warm):
    listed_by_reapack(warm).reaper.clock.pace_s = 0.0
    for value in (100, 80, 60, 32):
        warm.reaper.turn("AEQ_Intensity by controller or wheel", value, resolution=128)
        warm.reaper.step(3)
    warm.reaper.run_until()
    assert ours(warm.project)["A"][0][0] == "AEQ: warm 50%" and warm.said == []


@pytest.mark.parametrize("cycles", range(1, 14))
@pytest.mark.parametrize("action", ["Intensity", "Adaptation"])
def test_no_notch_is_lost_where_reaper_ends_a_run_for_the_next(warm, action, cycles):
    listed_by_reapack(warm).reaper.clock.pace_s = 0.0
    for _ in range(4):
        warm.reaper.turn(f"AEQ_{action} by controller or wheel", -15, mode=1)
        warm.reaper.step(cycles)
    warm.reaper.run_until()
    if action == "Intensity":
        assert ours(warm.project)["A"][0][0] == "AEQ: warm 80%"
    else:
        assert warm.backend.jobs[-1]["tasks"][0]["adaptation"] == pytest.approx(0.3)
    assert warm.said == []


INTENSITY, ADAPTATION = "AEQ_Intensity by controller or wheel", "AEQ_Adaptation by controller or wheel"


@pytest.mark.parametrize("listed", [True, False])
def test_what_is_moved_while_a_press_is_at_work_is_done_behind_it_and_opens_no_box(warm, listed):
    """Listed by ReaPack, each movement ends the run of the one before."""
    if not listed:
        listed_by_reapack(warm)
    warm.backend.takes = False
    points = len(warm.project.undo_points)
    warm.start("Make brighter")
    for value in (100, 80, 60, 32):
        warm.reaper.step(3)
        warm.reaper.turn(INTENSITY, value, resolution=128)
        warm.reaper.turn(ADAPTATION, value, resolution=128)
    assert len(warm.project.undo_points) == points
    warm.backend.takes = True
    warm.reaper.run_until()
    assert warm.said == [] and ours(warm.project)["A"][0][0] == "AEQ: warm 50% + bright 50%"
    assert warm.backend.jobs[-1]["tasks"][0]["adaptation"] == 0.25
    assert [point.label for point in warm.project.undo_points[points:]].count("AEQ: make brighter") == 1


def test_no_notch_is_lost_that_comes_while_a_press_is_at_work(warm):
    listed_by_reapack(warm).backend.takes = False
    warm.start("Make brighter")
    for _ in range(4):
        warm.reaper.step(3)
        warm.reaper.turn(INTENSITY, -15, mode=1)
    warm.backend.takes = True
    warm.reaper.run_until()
    assert warm.said == [] and ours(warm.project)["A"][0][0] == "AEQ: warm 80% + bright 80%"


def test_notches_of_a_run_that_was_ended_long_ago_count_for_nothing(warm):
    listed_by_reapack(warm).backend.takes = False
    warm.start("Make brighter")
    warm.reaper.step(3)
    warm.reaper.turn(INTENSITY, -15, mode=1).finish()
    warm.backend.takes = True
    warm.reaper.run_until()
    warm.reaper.clock.pass_s(2.0)
    warm.reaper.turn(INTENSITY, -15, mode=1)
    warm.reaper.run_until()
    assert warm.said == [] and ours(warm.project)["A"][0][0] == "AEQ: warm 95% + bright 95%"


@pytest.mark.parametrize("action", [INTENSITY, ADAPTATION])
def test_of_what_is_moved_for_another_selection_nothing_is_done(open_song, tmp_path, action):
    sound = noise(tmp_path / "a.wav")
    strips = [Strip(name, [Clip(sound)], selected=True) for name in "AB"]
    s = open_song(strips, preferences=Preferences(osara=True))
    s.press("Make warmer")
    s.backend.takes = False
    s.start("Make brighter")
    s.reaper.run_until(lambda: list(s.mailbox.glob("*.request")))
    s.reaper.turn(action, 0)
    with s.reaper.as_user() as project:
        injection.select(project, tracks=[project.tracks[1]])
    s.reaper.step(2)
    s.reaper.turn(action, 10)
    s.backend.takes = True
    s.reaper.run_until()
    assert s.said == [] and "Something else was selected meanwhile" in "".join(s.reaper.ui.spoken)
    assert {name for ((name, _),) in ours(s.project).values()} == {"AEQ: warm 100% + bright 100%"}
    s.reaper.turn(action, 32, resolution=128)
    s.reaper.run_until()
    assert s.said == [] and ours(s.project)["A"][0][0] == "AEQ: warm 100% + bright 100%"


def test_what_a_controller_cannot_do_is_said_in_one_box(open_song, tmp_path):
    s = open_song([Strip("A", [Clip(noise(tmp_path / "a.wav"))], selected=True)], preferences=Preferences(osara=True))

    def move(count: int) -> None:
        for value in range(count):
            s.reaper.turn(INTENSITY, value)
            s.reaper.run_until()

    move(5)
    assert len(s.said) == 1 and len(s.reaper.ui.spoken) == 5
    s.reaper.clock.pass_s(4.0)
    move(2)
    assert len(s.said) == 2 and s.unchanged


def test_the_first_track_may_go_while_a_hand_moves(open_song, tmp_path):
    sound = noise(tmp_path / "a.wav", 0.1)
    s = open_song([Strip(f"T{n}", [Clip(sound)], selected=True) for n in range(3)])
    s.press("Make warmer")
    s.reaper.clock.pace_s = 0.0
    s.reaper.turn("AEQ_Intensity by controller or wheel", 32, resolution=128)
    while ("reaper-aeq", "turned_intensity_alive") not in s.reaper.ext_state.values:
        s.reaper.step(1)
    with s.reaper.as_user() as project:
        injection.delete_track(project.tracks[0])
    s.reaper.run_until()
    assert s.said == [] and [names[0][0] for names in ours(s.project).values()] == ["AEQ: warm 50%"] * 2


def test_the_step_is_called_after_an_eq_that_is_still_there(open_song, tmp_path):
    sound = noise(tmp_path / "a.wav", 0.1)
    s = open_song([Strip(f"T{n}", [Clip(sound)], selected=True) for n in range(3)])
    s.press("Make warmer")
    s.reaper.clock.pace_s = 0.0
    for value in (48, 32):
        s.reaper.turn(INTENSITY, value, resolution=128)
        s.reaper.step(12)
        with s.reaper.as_user() as project:
            if fx := fx_list(project.tracks[0]):
                assert 20 * math.log10(fx[0].eq.state.bands[0].gain) == pytest.approx(2.25, abs=0.01)
                FUNCTIONS["TrackFX_Delete"](s.reaper, project.tracks[0], 0)
    s.reaper.run_until()
    assert s.said == [] and s.project.undo_points[-1].label == "AEQ: warm 50% (3 tracks)"


def test_escape_while_it_is_looked_for_what_is_meant_in_a_project_that_is_left(open_song, tmp_path):
    sound = noise(tmp_path / "a.wav", 0.1)
    s = open_song([Strip(f"T{n}", [Clip(sound)], selected=True) for n in range(30)])
    s.press("Make warmer")
    script = s.scripts / "aeq" / "turn.lua"
    slow = script.read_text().replace("SLICE_S, STALE_S, QUIET_S = 0.5, 0.01,", "SLICE_S, STALE_S, QUIET_S = 0.5, -1,")
    script.write_text(slow)
    s.reaper.turn(INTENSITY, 32)
    s.reaper.clock.pass_s(1.0)
    s.reaper.step(3)
    assert s.reaper.ui.windows and "= 0.5, -1," in slow
    s.reaper.ui.press_escape()
    s.reaper.step(1)
    before = s.project.bytes()
    s.reaper.open_tab(song(tmp_path, [Strip("X")], "other.rpp"))
    s.reaper.run_until()
    assert s.said == [] and s.reaper.projects[0].bytes() == before


def test_escape_takes_back_what_a_controller_turned(warm):
    before, points = warm.project.bytes(), len(warm.project.undo_points)
    warm.reaper.clock.pace_s = 0.0
    while not warm.reaper.ui.windows:
        warm.reaper.turn("AEQ_Intensity by controller or wheel", 32, resolution=128)
        warm.reaper.step(3)
    assert gains(warm)[0] < 2 and "nothing will be changed" in warm.reaper.ui.drawn[-1]
    warm.reaper.ui.press_escape()
    warm.reaper.run_until()
    assert warm.project.bytes() == before and len(warm.project.undo_points) == points and warm.said == []


def test_down_to_nothing_and_up_again_keeps_the_shape(warm):
    full = gains(warm)
    for value in (0, 64):
        warm.reaper.turn("AEQ_Intensity by controller or wheel", value, resolution=128)
        warm.reaper.run_until()
    assert gains(warm) == pytest.approx(full, rel=1e-4)


def test_the_wheel_goes_by_notches(warm):
    warm.reaper.turn("AEQ_Intensity by controller or wheel", -30, mode=1)
    warm.reaper.run_until()
    assert ours(warm.project)["A"][0][0] == "AEQ: warm 90%"


def test_no_controller_goes_beyond_what_is_safe_for_the_sound(open_song, tmp_path):
    from fake_backend import answer

    s = open_song([Strip("A", [Clip(noise(tmp_path / "a.wav"))], selected=True)])
    sketch = {"most": 1.2, "gains": "0 0 1 -0.93 1.2 -1.5"}
    s.backend.answer = lambda task: {**answer(task), "sketch": sketch}
    s.press("Make warmer")
    s.reaper.turn("AEQ_Intensity by controller or wheel", 127)
    s.reaper.run_until()
    ((name, state),) = ours(s.project)["A"]
    assert name == "AEQ: warm 120%" and 20 * math.log10(state.gain) == pytest.approx(-1.5, abs=0.01)
    s.press("More")
    assert "at its limit" in s.said[-1]


def test_delta_is_on_and_off_with_its_lamp(warm):
    before = warm.project.bytes()
    warm.press("Hear only the change")
    assert warm.project.bytes() != before and warm.reaper.lamp("AEQ_Hear only the change") == 1
    warm.press("Hear only the change")
    assert warm.reaper.lamp("AEQ_Hear only the change") == 0 and len(warm.project.undo_points) == 3
    warm.press("Compare")
    assert warm.reaper.lamp("AEQ_Compare") == 1 and warm.reaper.ui.spoken[-1] == "A: EQ off"


def test_a_kind_that_was_corrected_is_told_from_then_on(warm):
    warm.reaper.ui.inputs.append("Vocals")
    warm.press("Choose kind of sound")
    assert warm.backend.jobs[-1]["tasks"][0]["kind"] == "vocals"
    warm.reaper.ui.inputs.append("violas")
    warm.press("Choose kind of sound")
    assert warm.said[-1].startswith("'violas' is no kind of sound.") and warm.said[-1] == warm.reaper.ui.spoken[-1]


def test_why_and_what_was_done_are_spoken_in_hz_and_db(warm):
    assert "low shelf 182 Hz +3.0 dB" in warm.reaper.ui.spoken[-1]
    warm.press("Why")
    assert warm.reaper.ui.spoken[-1] == "A: made up" and "made up" in warm.reaper.ui.console


def test_adaptation_asks_again_with_what_was_chosen(warm):
    warm.press("Adaptation more")
    assert warm.backend.jobs[-1]["tasks"][0]["adaptation"] == pytest.approx(0.6)
    warm.reaper.turn("AEQ_Adaptation by controller or wheel", 0)
    warm.reaper.run_until()
    assert warm.backend.jobs[-1]["tasks"][0]["adaptation"] == 0


def test_next_variation_counts_on(warm):
    for wanted in (1, 2):
        warm.press("Next variation")
        assert warm.backend.jobs[-1]["tasks"][0]["variation"] == wanted


def test_nothing_of_ours_is_said(open_song, tmp_path):
    s = open_song([Strip("A", [Clip(noise(tmp_path / "a.wav"))], selected=True)])
    for action in ("Hear only the change", "Next variation", "Why", "Adaptation less"):
        s.press(action)
        assert s.said[-1].startswith("The selected tracks have no EQ from reaper-aeq.")
