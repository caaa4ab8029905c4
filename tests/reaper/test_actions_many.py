"""Many tracks: all is read over several cycles, written in one, and looked at again; whatever happens meanwhile."""

from __future__ import annotations

import math

import pytest
from actions_kit import Clip, Strip, noise, ours, reaeq, song
from fake_backend import answer
from standin.fx_chain import fx_list
from standin.injection import delete_track, select
from standin.registry import FUNCTIONS

from reaper_aeq.eq import Band

TRACKS = 30


@pytest.fixture(params=["5.3", "5.4"])
def s(open_song, tmp_path, request):
    """Tracks with an EQ each, before a press that takes several cycles."""
    sound = noise(tmp_path / "a.wav")
    s = open_song([Strip(f"T{n}", [Clip(sound)], selected=True) for n in range(TRACKS)], lua=request.param)
    s.press("Make warmer", timeout_s=120)
    assert len(ours(s.project)) == TRACKS and s.said == []
    return s


def gains(s) -> set[float]:
    return {round(20 * math.log10(state.bands[0].gain), 2) for ((_, state),) in ours(s.project).values()}


def begun(s, action: str):
    """The action is at work and has read a part of the tracks; nothing is written yet."""
    before = s.project.bytes()
    s.start(action)
    s.reaper.step(1)
    assert s.project.bytes() == before and s.reaper.scripts
    return before


def ended(s):
    s.reaper.run_until(timeout_s=120)


@pytest.mark.parametrize("action", ["More", "Less", "Compare", "Hear only the change", "Remove"])
def test_another_selection_meanwhile_ends_it_with_one_sentence(s, action):
    before = begun(s, action)
    with s.reaper.as_user() as project:
        select(project, tracks=[project.tracks[3]])
    ended(s)
    assert s.said == ["Something else was selected meanwhile. Nothing was changed; press again."]
    with s.reaper.as_user() as project:
        select(project, tracks=project.tracks)
    assert s.project.bytes() == before and len(s.project.undo_points) == 1 and s.left_behind() == []


@pytest.mark.parametrize("action", ["More", "Compare"])
def test_a_track_deleted_meanwhile_ends_it_with_one_sentence(s, action):
    begun(s, action)
    with s.reaper.as_user() as project:
        delete_track(project.tracks[-1])
    before = s.project.bytes()
    ended(s)
    assert len(s.said) == 1 and "Nothing was changed; press again." in s.said[0]
    assert s.project.bytes() == before and len(s.project.undo_points) == 1


@pytest.mark.parametrize("action", ["More", "Compare"])
def test_another_project_meanwhile_ends_it_with_one_sentence(s, action, tmp_path):
    before = begun(s, action)
    other = s.reaper.open_tab(song(tmp_path, [Strip("X")], "other.rpp"))
    of_other = other.bytes()
    ended(s)
    assert len(s.said) == 1 and s.said[0].startswith("You changed to another project")
    assert s.project.bytes() == before and other.bytes() == of_other and len(s.project.undo_points) == 1


def test_a_step_of_the_users_meanwhile_has_it_read_again(s):
    """Undo and redo leave all as it was, but what was read before them may be stale."""
    begun(s, "More")
    s.reaper.undo()
    project = s.project
    with s.reaper.as_user():
        FUNCTIONS["Undo_DoRedo2"](s.reaper, project)
    ended(s)
    assert s.said == [] and {name for ((name, _),) in ours(project).values()} == {"AEQ: warm 125%"}


def test_an_fx_put_before_ours_meanwhile_is_never_written_to(s):
    begun(s, "More")
    with s.reaper.as_user() as project:
        track = project.tracks[0]
        FUNCTIONS["TrackFX_AddByName"](s.reaper, track, "ReaEQ (Cockos)", False, -1000)
    before = s.project.bytes()
    theirs = fx_list(s.project.tracks[0])[0].eq.state
    ended(s)
    assert fx_list(s.project.tracks[0])[0].eq.state == theirs
    if s.said:
        assert "Nothing was changed; press again." in s.said[0] and s.project.bytes() == before
    else:
        assert {name for ((name, _),) in ours(s.project).values()} == {"AEQ: warm 125%"}


def test_what_reaeq_does_not_keep_is_seen_afterwards_and_all_taken_back(s, monkeypatch):
    real = FUNCTIONS["TrackFX_SetParam"]
    last = s.project.tracks[-1]

    def refuse(reaper, track, fx, parameter, value):
        """A REAPER that takes no gain of the last track's second band."""
        return True if track == last and parameter == 4 else real(reaper, track, fx, parameter, value)

    before = s.project.bytes()
    monkeypatch.setitem(FUNCTIONS, "TrackFX_SetParam", refuse)
    s.start("More")
    ended(s)
    assert len(s.said) == 1 and s.said[0].startswith(f"ReaEQ on 'T{TRACKS - 1}' did not take the values (band 2: ")
    assert s.project.bytes() == before and [point.label for point in s.project.undo_points] == [
        f"AEQ: make warmer ({TRACKS} tracks)"
    ]


def test_the_word_again_reads_first_and_writes_in_one_cycle(s):
    s.backend.answer = lambda task: answer({**task, "intensity": 0.5})
    s.reaper.cycles.clear()
    s.press("Make warmer", timeout_s=120)
    blocks = [cycle for cycle in s.reaper.cycles if cycle.called["Undo_BeginBlock2"]]
    assert len(blocks) == 1 and blocks[0].calls <= 8 * TRACKS + 60 and gains(s) == {1.5}


def test_yours_beside_ours_stays_as_it_is(open_song, tmp_path):
    sound = noise(tmp_path / "a.wav")
    mine = reaeq(Band("band", 500.0, 3.0), name="mine")
    s = open_song([Strip(f"T{n}", [Clip(sound)], fx=[mine], selected=True) for n in range(12)])
    s.press("Make warmer", timeout_s=120)
    theirs = [fx_list(track)[0].eq.state for track in s.project.tracks]
    for action in ("More", "Compare", "Hear only the change", "Less", "Remove"):
        s.press(action, timeout_s=120)
    assert s.said == [] and ours(s.project) == {}
    assert [fx_list(track)[0].eq.state for track in s.project.tracks] == theirs
