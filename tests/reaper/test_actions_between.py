"""What the user does between two cycles of an action that lets REAPER have one wherever it may."""

from __future__ import annotations

import math

import numpy as np
import pytest
import soundfile
from actions_kit import RATE, SCRIPTS, Clip, Strip, always_render, guid, noise, ours, reaeq, song, sound_of
from fake_backend import answer
from standin.fx_chain import fx_list
from standin.injection import delete_item, delete_track, select, set_bands, turn_band
from standin.registry import FUNCTIONS
from standin.undo import record

from reaper_aeq.dsp.response import EqFilter
from reaper_aeq.eq import Band, Eq
from reaper_aeq.reaper.reaeq.state import StateBand


@pytest.fixture
def slow_song(open_song, tmp_path):
    """slow_song(count) -> a song of so many selected tracks with an item each, whose actions wait in every loop."""

    def opened(count: int, selected: int | None = None):
        sound = noise(tmp_path / "a.wav")
        s = open_song([Strip(f"T{n}", [Clip(sound)], selected=selected is None or n < selected) for n in range(count)])
        slow(s)
        return s

    return opened


def slow(s) -> None:
    """From now on every `breathe` of the actions waits for the next cycle."""
    script = s.scripts / "aeq" / "run.lua"
    text = script.read_text()
    assert "local SLICE_S = 0.008\n" in text
    script.write_text(text.replace("local SLICE_S = 0.008\n", "local SLICE_S = -1\n"))


def box(*blocks: list[str]) -> list[str]:
    """A container with these FX."""
    lines = ["CONTAINER_CFG 2 2 2 0", "SHOW 0", "LASTSEL 0", "DOCKED 0"]
    for block in blocks:
        lines += ["BYPASS 0 0 0", *block, "FLOATPOS 0 0 0 0", f"FXID {guid()}", "WAK 0 0"]
    return ['<CONTAINER Container ""', *(f"  {line}" for line in lines), ">"]


def test_remove_takes_ours_where_deleting_one_moves_those_in_containers(open_song, sound):
    fx = [
        box(reaeq(Band("band", 500, 3), name="AEQ: warm 100%")),
        box(reaeq(Band("band", 900, 3), name="of the user")),
        reaeq(Band("band", 700, 2), name="AEQ match: song 100%"),
    ]
    s = open_song([Strip("A", [Clip(sound)], selected=True, fx=fx)])
    s.press("Remove")
    assert s.said == [] and ours(s.project) == {} and b"of the user" in s.project.bytes()
    s.reaper.undo()
    assert s.project.bytes() == s.before


GONE = ("removed while the EQ was computed", "selected meanwhile", "changed to another project", "changed meanwhile")


def interrupted(s, action: str, cycles: int, edit) -> bool:
    """Runs an action to its end, and `edit(project)` after so many of its cycles. False if it was over before."""
    s.start(action)
    for _ in range(cycles):
        s.reaper.step(1)
        if not s.reaper.scripts or len(s.project.undo_points) > 0:
            s.reaper.run_until()
            return False
    with s.reaper.as_user() as project:
        edit(project)
    s.reaper.run_until()
    return True


@pytest.mark.parametrize("cycles", [1, 2, 4, 5, 7, 9])
def test_a_chosen_item_is_deleted_in_any_cycle(slow_song, cycles):
    s = slow_song(3)
    with s.reaper.as_user() as project:
        select(project, items=[track.items[0] for track in project.tracks])
    if interrupted(s, "Make warmer", cycles, lambda project: delete_item(project.tracks[-1].items[0])):
        assert (len(s.said) == 1 and any(part in s.said[0] for part in GONE)) or s.said == []


@pytest.mark.parametrize("action", ["Make warmer", "Link tracks"])
@pytest.mark.parametrize("what", ["item", "track"])
@pytest.mark.parametrize("cycles", [1, 2, 4, 6])
def test_what_was_chosen_of_a_group_is_deleted_while_its_members_are_looked_for(slow_song, cycles, what, action):
    s = slow_song(4, selected=2)
    s.press("Link tracks")
    s.project.undo_points.clear()
    said = len(s.said)

    def edit(project):
        track = project.tracks[0]
        delete_item(track.items[0]) if what == "item" else delete_track(track)

    if what == "item":
        with s.reaper.as_user() as project:
            select(project, items=[project.tracks[0].items[0]])
    if interrupted(s, action, cycles, edit) and action == "Make warmer":
        assert (len(s.said) == said + 1 and any(part in s.said[-1] for part in GONE)) or s.said[said:] == []


@pytest.mark.parametrize("action", ["Link tracks", "Make warmer", "Master project", "Analyze"])
@pytest.mark.parametrize("how", ["track deleted", "tab closed"])
@pytest.mark.parametrize("cycles", [1, 2, 3, 5, 7])
def test_a_track_or_the_project_goes_in_any_cycle(slow_song, tmp_path, action, how, cycles):
    s = slow_song(4)
    s.start(action)
    for _ in range(cycles):
        if s.reaper.scripts:
            s.reaper.step(1)
    if not s.reaper.scripts or s.project.undo_points:
        return s.reaper.run_until()
    if how == "tab closed":
        s.reaper.open_tab(song(tmp_path, [Strip("X")], "other.rpp"))
        s.reaper.close_tab(0)
    else:
        with s.reaper.as_user() as project:
            delete_track(project.tracks[0])
    s.reaper.run_until()
    assert "A bug in reaper-aeq" not in "".join(s.said)
    if how == "tab closed":
        assert len(s.said) == 1 and s.said[0].startswith("You changed to another project")


MANY = 10  # more than are read and written in one cycle


@pytest.fixture
def many(slow_song):
    """Tracks with an EQ each, before a press that waits before its undo block."""
    s = slow_song(MANY)
    s.backend.answer = lambda task: answer({**task, "intensity": 1.0})
    s.press("Make warmer", timeout_s=60)
    assert s.said == [] and gain(s) == 3.0
    return s


def gain(s, track: str = "T0") -> float:
    """dB of the first band."""
    ((_, state),) = ours(s.project)[track]
    return round(20 * math.log10(state.bands[0].gain), 2)


def turned_until_written(s, action: str) -> float:
    """The user turns a knob of the first track in every cycle until all is written. Returns the last value in dB."""
    before, turned = len(s.project.undo_points), 4.0
    s.start(action)
    while s.reaper.scripts and len(s.project.undo_points) == before:
        turned = round(turned + 0.02, 2)
        with s.reaper.as_user() as project:
            turn_band(project.tracks[0], 0, 0, gain_db=turned)
        s.reaper.step(1)
    s.reaper.run_until()
    return turned


def test_a_knob_turned_just_before_a_word_is_written_is_kept(many):
    many.backend.answer = lambda task: answer({**task, "intensity": 0.5})
    turned = turned_until_written(many, "Make warmer")
    assert gain(many) == round(turned - 1.5, 2) and gain(many, "T1") == 1.5


@pytest.mark.parametrize("action", ["More", "Start afresh"])
def test_a_knob_turned_just_before_it_is_scaled_or_made_afresh_is_kept(many, action):
    with many.reaper.as_user() as project:
        turn_band(project.tracks[1], 0, 0, gain_db=6.0)
        record(project, "of the user")
    turned = turned_until_written(many, action)
    if action == "Start afresh":  # would undo what the hand does just now
        assert many.said == ["The project was changed meanwhile. Nothing was changed; press again."]
        assert gain(many) == turned and gain(many, "T1") == 6.0 and gain(many, "T2") == 3.0
    else:
        assert many.said == [] and len(many.project.undo_points) == 3
        assert gain(many) == round(3.75 + turned - 3.0, 2)
        assert gain(many, "T1") == 6.75 and gain(many, "T2") == 3.75


def cycles_until_written(s, action: str) -> int:
    count, before = 0, len(s.project.undo_points)
    s.start(action)
    while len(s.project.undo_points) == before:
        s.reaper.step(1)
        count += 1
    s.reaper.run_until()
    s.reaper.undo()
    return count


def right_before_the_block(s, action: str) -> bytes:
    """Runs an action until all is made ready and its block comes next. Returns the project as it is then."""
    points = len(s.project.undo_points)
    if action == "Make warmer":  # how long the backend takes, nobody knows
        s.backend.answer = lambda task: answer({**task, "intensity": 0.5})
        s.start(action)
        begun, ready = len(s.reaper.cycles), 0
        while ready < MANY:
            s.reaper.step(1)
            ready = sum(cycle.called["TrackFX_GetEnabled"] for cycle in s.reaper.cycles[begun:])
        s.reaper.step(1)
    else:
        count = cycles_until_written(s, action)
        s.start(action)
        s.reaper.step(count - 1)
    assert len(s.project.undo_points) == points and s.reaper.scripts
    return s.project.bytes()


def written(s) -> set[str]:
    return {name for ((name, _),) in ours(s.project).values()}


EACH = ["More", "Compare", "Hear only the change", "Remove"]


@pytest.mark.parametrize("action", EACH)
def test_a_step_of_the_users_in_the_last_cycle_before_the_block_has_all_read_again(many, action):
    s = many
    right_before_the_block(s, action)
    with s.reaper.as_user() as project:
        project.steps += 1
    s.reaper.run_until()
    assert s.said == [] and len(s.project.undo_points) == 2
    s.reaper.undo()
    assert written(s) == {"AEQ: warm 100%"} and gain(s) == 3.0


@pytest.mark.parametrize("action", ["More", "Compare"])
def test_steps_of_the_users_without_end_end_it(many, action):
    s, before = many, many.project.bytes()
    s.start(action)
    while s.reaper.scripts:
        with s.reaper.as_user() as project:
            project.steps += 1
        s.reaper.step(1)
    assert s.said == ["The project was changed meanwhile. Nothing was changed; press again."]
    assert s.project.bytes() == before and len(s.project.undo_points) == 1


def test_a_word_is_written_through_steps_of_the_users_without_end(many):
    s = many
    s.backend.answer = lambda task: answer({**task, "intensity": 0.5})
    s.start("Make warmer")
    while s.reaper.scripts and len(s.project.undo_points) == 1:
        with s.reaper.as_user() as project:
            project.steps += 1
        s.reaper.step(1)
    s.reaper.run_until()
    assert s.said == [] and len(s.project.undo_points) == 2 and gain(s) == gain(s, f"T{MANY - 1}") == 1.5


@pytest.mark.parametrize("tracks", [1, 9])  # made ready in the block's cycle, or all read again
@pytest.mark.parametrize(("action", "factor"), [("More", 1.25), ("Less", 0.8)])
def test_bands_turned_right_before_the_block_are_kept_beside_what_is_scaled(many, action, factor, tracks):
    s = many
    right_before_the_block(s, action)
    with s.reaper.as_user() as project:
        for track in project.tracks[:tracks]:
            turn_band(track, 0, 0, gain_db=5.0)
    s.reaper.run_until()
    now = {f"T{n}": round(3.0 * factor + (2.0 if n < tracks else 0.0), 2) for n in range(MANY)}
    assert s.said == [] and {name: gain(s, name) for name in now} == now
    assert len(s.project.undo_points) == 2
    assert written(s) == {f"AEQ: warm {100 * factor:.0f}%{edited}" for edited in ("", " (edited)")}


@pytest.mark.parametrize("action", [*EACH, "Make warmer"])
def test_ours_is_found_where_it_was_moved_to_right_before_the_block(many, action):
    s = many
    right_before_the_block(s, action)
    with s.reaper.as_user() as project:
        track = project.tracks[0]
        FUNCTIONS["TrackFX_AddByName"](project.reaper, track, "ReaEQ (Cockos)", False, -1000)
        theirs = list(fx_list(track)[0].chain.lines())[fx_list(track)[0].start : fx_list(track)[0].stop]
    s.reaper.run_until()
    fx = fx_list(s.project.tracks[0])
    assert s.said == [] and [one.renamed for one in fx][:1] == [""]
    assert list(fx[0].chain.lines())[fx[0].start : fx[0].stop] == theirs
    if action == "Remove":
        assert ours(s.project) == {} and len(fx) == 1
    elif action == "More":
        assert gain(s) == gain(s, "T1") == 3.75
    elif action == "Compare":
        assert fx[1].flag(0) and not fx[0].flag(0)
    elif action == "Hear only the change":
        assert fx[1].delta and not fx[0].delta
    else:
        assert gain(s) == gain(s, "T1") == 1.5 and len(ours(s.project)) == MANY


@pytest.mark.parametrize("action", [*EACH, "Make warmer"])
def test_undo_right_before_the_block_has_what_is_there_then_changed(many, action):
    """Of the step before: More, which the prepared writes would have gone on from."""
    s = many
    s.press("More")
    right_before_the_block(s, action)
    s.reaper.undo()
    assert gain(s) == 3.0
    s.reaper.run_until()
    assert s.said == [] and [point.label for point in s.project.undo_points][:1] == [
        f"AEQ: make warmer ({MANY} tracks)"
    ]
    assert len(s.project.undo_points) == 2
    if action == "More":
        assert gain(s) == 3.75 and written(s) == {"AEQ: warm 125%"}
    s.reaper.undo()
    assert gain(s) == gain(s, f"T{MANY - 1}") == 3.0 and written(s) == {"AEQ: warm 100%"}


@pytest.mark.parametrize("action", [*EACH, "Make warmer", "Less"])
def test_only_the_blocks_cycle_goes_through_all_tracks(many, action):
    s = many
    s.backend.answer = lambda task: answer({**task, "intensity": 0.5})
    s.reaper.cycles.clear()
    s.press(action)
    assert sum(bool(cycle.called["Undo_BeginBlock2"]) for cycle in s.reaper.cycles) == 1
    for cycle in s.reaper.cycles:
        if not cycle.called["Undo_BeginBlock2"]:
            assert cycle.called["GetSetMediaTrackInfo_String"] < MANY / 2 and cycle.called["TrackFX_GetFXGUID"] < MANY


def test_undo_that_moves_no_count_is_seen_by_what_can_be_redone(many):
    s = many
    s.press("More")
    right_before_the_block(s, "More")
    steps = s.project.steps
    s.reaper.undo()
    s.project.steps = steps
    s.reaper.run_until()
    assert s.said == [] and gain(s) == 3.75 and written(s) == {"AEQ: warm 125%"}


@pytest.mark.parametrize("action", [*EACH, "Make warmer"])
@pytest.mark.parametrize("how", ["track deleted", "tab switched"])
def test_a_track_or_the_project_goes_right_before_the_block(many, tmp_path, action, how):
    s = many
    before = right_before_the_block(s, action)
    if how == "tab switched":
        other = s.reaper.open_tab(song(tmp_path, [Strip("X")], "other.rpp"))
        of_other = other.bytes()
    else:
        with s.reaper.as_user() as project:
            delete_track(project.tracks[0])
        before = s.project.bytes()
    s.reaper.run_until()
    assert len(s.said) == 1 and any(part in s.said[0] for part in GONE)
    assert s.project.bytes() == before and len(s.project.undo_points) == 1
    assert how == "track deleted" or (other.bytes() == of_other and not other.undo_points)


def test_what_was_not_taken_back_is_not_said_to_be(many, monkeypatch):
    s, real, last = many, FUNCTIONS["TrackFX_SetParam"], many.project.tracks[-1]

    def refuse(reaper, track, fx, parameter, value):
        return True if track == last and parameter == 4 else real(reaper, track, fx, parameter, value)

    monkeypatch.setitem(FUNCTIONS, "TrackFX_SetParam", refuse)
    s.start("More")
    while len(s.project.undo_points) == 1:
        s.reaper.step(1)
    with s.reaper.as_user() as project:
        turn_band(project.tracks[0], 0, 1, gain_db=1.0)
        record(project, "of the user")
        project.steps += 1
    after = s.project.bytes()
    s.reaper.run_until()
    assert len(s.said) == 1 and "did not keep the values" in s.said[0]
    assert s.project.bytes() == after and len(s.project.undo_points) == 3


def test_a_project_closed_right_after_the_step_is_not_asked_any_more(many, tmp_path):
    s = many
    s.start("Make warmer")
    while len(s.project.undo_points) == 1:
        with s.reaper.as_user() as project:
            turn_band(project.tracks[0], 0, 0, gain_db=4.0)
        s.reaper.step(1)
    s.reaper.open_tab(song(tmp_path, [Strip("X")], "other.rpp"))
    s.reaper.close_tab(0)
    s.reaper.run_until()
    assert not any("A bug in reaper-aeq" in text for text in s.said)


def test_a_block_that_fails_leaves_no_panel_without_its_picture(run_lua):
    reaper = run_lua(
        f"package.path = [[{SCRIPTS}/?.lua]]\n"
        """
        local write = require("aeq.write")
        local track, targets = reaper.GetTrack(0, 0), {}
        for i = 1, 9 do
          targets[i] = { track = track, name = "one" }
        end
        local act = { project = reaper.EnumProjects(-1), wait = function() end }
        local fine = pcall(write.undoable, act, "test", targets, function()
          error("no")
        end)
        reaper.ShowConsoleMsg(tostring(fine) .. " " .. tostring(act.needs_all))
        """
    )
    assert reaper.ui.console == "false nil"


@pytest.mark.parametrize("cycles", range(1, 9))
def test_an_fx_in_front_goes_before_the_render_and_ours_is_not_heard(open_song, sound, cycles):
    """Places in the chain have moved by then: what is switched off for the render is found by its GUID."""
    front, own = reaeq(Band("band", 900, 12)), reaeq(Band("band", 500, 12), name="AEQ: warm 100%")
    s = open_song([Strip("A", [Clip(sound)], selected=True, fx=[front, own]), Strip("B", [Clip(sound)], selected=True)])
    slow(s)
    always_render(s)
    heard = {}
    s.backend.answer = lambda task: heard.update({task["name"]: sound_of(task)}) or answer(task)
    raw = soundfile.read(sound, dtype="float32")[0]
    boosted = EqFilter(Eq((Band("band", 900, 12),)), RATE, raw.shape[1]).process(raw.T).T

    def edit(project):
        FUNCTIONS["TrackFX_Delete"](project.reaper, project.tracks[0], 0)

    if interrupted(s, "Make warmer", cycles, edit) and "A" in heard:
        assert any(np.allclose(heard["A"], one, atol=1e-3) for one in (raw, boosted))


@pytest.mark.parametrize("cycles", range(1, 12))
def test_tracks_that_change_places_before_the_render_are_heard_as_themselves(open_song, tmp_path, cycles):
    """REAPER tells whose file it is by the number that a track has then."""
    files = {name: noise(tmp_path / f"{name}.wav", seed=n) for n, name in enumerate("AB")}
    s = open_song([Strip(name, [Clip(path)], selected=True) for name, path in files.items()])
    slow(s)
    always_render(s)
    heard = {}
    s.backend.answer = lambda task: heard.update({task["name"]: sound_of(task)}) or answer(task)

    def edit(project):
        tracks = [track.node for track in project.tracks]
        project.root.body[:] = [part for part in project.root.body if part not in tracks] + tracks[::-1]
        project.touch()

    if interrupted(s, "Make warmer", cycles, edit):
        assert s.said == [] and set(heard) == {"A", "B"}
        for name, sound in heard.items():
            assert np.allclose(sound, soundfile.read(files[name], dtype="float32")[0], atol=1e-3)


@pytest.mark.parametrize("cycles", range(4, 14))
def test_an_eq_called_as_ours_comes_to_a_track_while_the_mix_is_waited_for(slow_song, cycles):
    """A copy of the user's: it is silent while the mix is heard, as ours would be, and is heard again."""
    s = slow_song(2)
    always_render(s)

    def edit(project):
        FUNCTIONS["TrackFX_AddByName"](project.reaper, project.tracks[0], "ReaEQ (Cockos)", False, -1000)
        FUNCTIONS["TrackFX_SetNamedConfigParm"](project.reaper, project.tracks[0], 0, "renamed_name", "AEQ: warm 30%")

    interrupted(s, "Master project", cycles, edit)
    assert s.said == [] and not any(fx.flag(0) for track in s.project.tracks for fx in fx_list(track))


@pytest.mark.parametrize("action", ["Learn from my edits", "Make warmer"])
@pytest.mark.parametrize("cycles", range(1, 7))
def test_what_is_learned_is_what_ours_holds_wherever_it_went(open_song, sound, action, cycles):
    """A fresh ReaEQ is put in front of ours while the tracks are gone through: it is nobody's edit."""
    s = open_song([Strip("A", [Clip(sound, selected=True)]), Strip("B", [Clip(sound, selected=True)])])
    s.press("Make warmer")
    s.project.undo_points.clear()
    s.reaper.ext_state.values[("reaper-aeq", "settings")] = '{"learn_by_itself": true}'
    with s.reaper.as_user() as project:
        for track in project.tracks:
            turn_band(track, 0, 1, gain_db=3.0)
    slow(s)

    def edit(project):
        for track in project.tracks:
            FUNCTIONS["TrackFX_AddByName"](project.reaper, track, "ReaEQ (Cockos)", False, -1000)

    interrupted(s, action, cycles, edit)
    made = [edit["made"]["bands"] for body in s.backend.learned for edit in body["edits"]]
    assert [round(bands[1]["gain_db"], 2) for bands in made] == [3.0, 3.0] or made == []


def by_hand(s, track: int, gain_db: float, steps: bool = True) -> None:
    """The user turns the first band of a track."""
    with s.reaper.as_user() as project:
        turn_band(project.tracks[track], 0, 0, gain_db=gain_db)
        if steps:
            record(project, "of the user")
            project.steps += 1


@pytest.mark.parametrize("action", EACH)
def test_a_press_does_nothing_to_a_track_that_was_selected_right_before_the_block(slow_song, action):
    s = slow_song(MANY + 1)
    s.press("Make warmer", timeout_s=60)
    with s.reaper.as_user() as project:
        select(project, tracks=project.tracks[:MANY])
    s.project.undo_points.clear()
    right_before_the_block(s, action)
    with s.reaper.as_user() as project:
        select(project, tracks=project.tracks)
        project.steps += 1
    before = s.project.bytes()
    s.reaper.run_until()
    assert s.said == ["Something else was selected meanwhile. Nothing was changed; press again."]
    assert s.project.bytes() == before and not s.project.undo_points


@pytest.mark.parametrize("steps", [False, True])
def test_a_hand_that_turns_once_right_before_all_is_made_afresh_ends_it(many, steps):
    by_hand(many, 1, 6.0)
    right_before_the_block(many, "Start afresh")
    by_hand(many, 1, 5.0, steps)
    many.reaper.run_until()
    assert many.said == ["The project was changed meanwhile. Nothing was changed; press again."]
    assert (gain(many), gain(many, "T1")) == (3.0, 5.0)


@pytest.mark.parametrize("tracks", [1, 9])
def test_only_the_change_is_heard_of_an_eq_that_has_a_band_more_since(many, tracks):
    """Behind the parameters of the bands comes that switch: with another band it has another number."""
    s = many
    right_before_the_block(s, "Hear only the change")
    with s.reaper.as_user() as project:
        for track in project.tracks[:tracks]:
            set_bands(track, 0, lambda bands: (*bands, StateBand(8, False, 1000.0, 1.0, 1.0)))
    held = ours(s.project)
    s.reaper.run_until()
    assert s.said == [] and all(fx_list(track)[0].delta for track in s.project.tracks)
    assert ours(s.project) == held


def test_what_a_hand_made_of_a_redone_eq_is_kept_beside_the_answer_that_was_waited_for(many):
    s = many
    by_hand(s, 0, 6.0)
    s.reaper.undo()
    s.reaper.undo()
    assert not ours(s.project)
    s.backend.answer = lambda task: answer({**task, "intensity": 0.5})
    asked = len(s.backend.jobs)
    s.start("Make warmer")
    while len(s.backend.jobs) == asked:
        s.reaper.step(1)
    with s.reaper.as_user() as project:
        FUNCTIONS["Undo_DoRedo2"](project.reaper, project)
        FUNCTIONS["Undo_DoRedo2"](project.reaper, project)
    s.reaper.run_until()
    assert s.said[1:] == [] and "kept" in s.said[0] and (gain(s), gain(s, "T1")) == (4.5, 1.5)
    assert written(s) == {"AEQ: warm 100% (edited)", "AEQ: warm 100%"}


def test_an_automation_mode_chosen_before_the_last_try_is_seen(many):
    """In latch mode REAPER would record what is written."""
    s, mode = many, 0
    with s.reaper.as_user() as project:
        fx_list(project.tracks[5])[0].set_flag(0, True)  # the press switches it on, by a parameter
    s.backend.answer = lambda task: answer({**task, "intensity": 0.5})
    s.start("Make warmer")
    while s.reaper.scripts and len(s.project.undo_points) == 1:
        last = s.reaper.cycles[-1].called
        mode = 4 if last["GetMediaTrackInfo_Value"] == 0 else 0
        with s.reaper.as_user() as project:
            project.tracks[5].node.set("AUTOMODE", [str(mode)])
            project.touch()
            project.steps += 1
        s.reaper.step(1)
    s.reaper.run_until()
    assert s.said == [] and gain(s) == gain(s, "T5") == 1.5


def test_undo_before_a_step_of_the_same_name_is_seen_by_what_can_be_undone(many):
    """What can be redone is called alike before and after it."""
    s = many

    def choose(*numbers: int) -> None:
        with s.reaper.as_user() as project:
            select(project, tracks=[project.tracks[n] for n in numbers])

    choose(0, 1)
    s.press("Link tracks")
    choose(*range(MANY))
    count = cycles_until_written(s, "Remove")
    choose(2, 3)
    s.press("Link tracks")
    s.reaper.undo()
    choose(*range(MANY))
    s.start("Remove")
    s.reaper.step(count - 1)
    steps, label = s.project.steps, s.project.redo_points[-1].label
    s.reaper.undo()
    choose(*range(MANY))
    s.project.steps = steps
    assert s.project.redo_points[-1].label == label and ours(s.project)
    before = b"group" in s.project.bytes()
    s.reaper.run_until()
    assert (before, b"group" in s.project.bytes(), ours(s.project)) == (False, False, {})


def test_undo_right_before_the_kind_of_sound_is_kept_is_not_overwritten(many):
    s = many
    s.press("More")

    def cycles_until_kept() -> int:
        count = 0
        s.reaper.ui.inputs.append("drums")
        s.start("Choose kind of sound")
        while len(s.project.undo_points) == 2:
            s.reaper.step(1)
            count += 1
        s.reaper.run_until()
        while len(s.project.undo_points) > 2:
            s.reaper.undo()
        return count

    count = cycles_until_kept()
    s.reaper.ui.inputs.append("drums")
    s.start("Choose kind of sound")
    s.reaper.step(count - 1)
    s.reaper.undo()
    s.reaper.run_until()
    assert s.said == [] and written(s) == {"AEQ: warm 100%"} and gain(s) == gain(s, "T1") == 3.0
    assert s.project.bytes().count(b"drums") == MANY


def test_of_an_edit_that_is_undone_while_it_is_learned_nothing_is_kept(many):
    s = many
    by_hand(s, 0, 6.0)
    by_hand(s, 1, 6.0)
    s.start("Learn from my edits")
    while not s.backend.learned:
        s.reaper.step(1)
    s.reaper.undo()
    kept = list(s.project.tracks[1].node.lines())
    s.reaper.run_until()
    assert ours(s.project)["T0"][0][0] == "AEQ: warm 100% (edited)" and len(s.project.undo_points) == 3
    assert list(s.project.tracks[1].node.lines()) == kept


@pytest.mark.parametrize(("action", "factor"), [("More", 1.25), ("Less", 0.8)])
def test_a_name_given_right_before_the_block_stays(many, action, factor):
    s = many
    right_before_the_block(s, action)
    with s.reaper.as_user() as project:
        FUNCTIONS["TrackFX_SetNamedConfigParm"](project.reaper, project.tracks[0], 0, "renamed_name", "AEQ of mine")
    s.reaper.run_until()
    assert s.said == [] and written(s) == {"AEQ of mine", f"AEQ: warm {100 * factor:.0f}%"}
    s.press(action)
    assert s.said == [] and ours(s.project)["T0"][0][0] == "AEQ of mine"
    assert gain(s) == gain(s, "T1") == round(3.0 * factor**2, 2)
