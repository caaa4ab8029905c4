"""What the user does between two cycles of an action that lets REAPER have one wherever it may."""

from __future__ import annotations

import math

import pytest
from actions_kit import Clip, Strip, guid, noise, ours, reaeq, song
from standin.fx_chain import fx_list
from standin.injection import delete_item, delete_track, select, turn_band

from reaper_aeq.eq import Band


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
    assert "local SLICE_S = 0.015\n" in text
    script.write_text(text.replace("local SLICE_S = 0.015\n", "local SLICE_S = -1\n"))


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
        assert len(s.said) == 1 and any(part in s.said[0] for part in GONE) or s.said == []


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
        assert len(s.said) == said + 1 and any(part in s.said[-1] for part in GONE) or s.said[said:] == []


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
