"""An action is for what was selected when the user was asked, or when they pressed it, whatever is selected later."""

from __future__ import annotations

import pytest
from actions_kit import Clip, Strip, noise, song
from panel_kit import ENTER, Panel, told
from standin.injection import delete_item, delete_track, select
from test_actions_between import slow


@pytest.fixture
def three(open_song, tmp_path):
    """Three tracks with an EQ each; the first two are selected."""
    sound = noise(tmp_path / "a.wav")
    s = open_song([Strip(f"T{n}", [Clip(sound)], selected=True) for n in range(3)])
    s.backend.answer = told
    s.press("Make warmer")
    choose(s, 0, 1)
    return s


def choose(s, *numbers: int) -> None:
    with s.reaper.as_user() as project:
        select(project, tracks=[project.tracks[n] for n in numbers])


def meanwhile(s, edit, answer: str = "drums"):
    """What the user does while a dialog is open, and what they write there then."""

    def answered(*_):
        edit(s)
        return answer

    return answered


def kinds(s) -> list[str]:
    """The tracks that are said to be drums."""
    return [track.name for track in s.project.tracks if b"drums" in "".join(track.node.lines()).encode()]


def asked(s) -> list[str]:
    """What the last question was about."""
    return [task["name"] for task in s.backend.jobs[-1]["tasks"]]


def test_a_kind_is_for_the_tracks_that_were_selected_when_it_was_asked_for(three):
    s = three
    s.reaper.ui.inputs.append(meanwhile(s, lambda s: choose(s, 2)))
    s.press("Choose kind of sound")
    assert s.said == [] and kinds(s) == asked(s) == ["T0", "T1"]


@pytest.mark.parametrize("cycles", range(1, 12, 2))
def test_so_it_is_in_whatever_cycle_something_else_is_selected(three, cycles):
    s = three
    slow(s)
    s.reaper.ui.inputs.append("drums")
    s.start("Choose kind of sound")
    s.reaper.step(cycles)
    choose(s, 2)
    s.reaper.run_until()
    assert s.said == [] and kinds(s) == asked(s) == ["T0", "T1"]


def test_the_panels_menu_is_for_the_tracks_that_were_selected_when_it_opened(three):
    s = three
    panel = Panel(s)
    s.reaper.ui.menus.append(meanwhile(s, lambda s: choose(s, 2)))
    panel.click("Kind")
    panel.settle()
    panel.close()
    assert s.said == [] and kinds(s) == asked(s) == ["T0", "T1"]


def test_a_track_that_is_gone_by_then_is_left_out(three):
    s = three

    def edit(s):
        with s.reaper.as_user() as project:
            delete_track(project.tracks[0])

    s.reaper.ui.inputs.append(meanwhile(s, edit))
    s.press("Choose kind of sound")
    assert s.said == [] and kinds(s) == asked(s) == ["T1"]


def test_items_that_were_selected_are_heard_and_of_one_that_is_gone_its_track(three):
    s = three
    with s.reaper.as_user() as project:
        select(project, items=[track.items[0] for track in project.tracks[:2]])
        project.tracks[1].node.body.append(project.tracks[2].items[0].node.copy())

    def edit(s):
        with s.reaper.as_user() as project:
            select(project, items=[project.tracks[2].items[0]])
            delete_item(project.tracks[1].items[0])

    s.reaper.ui.inputs.append(meanwhile(s, edit))
    s.press("Choose kind of sound")
    assert s.said == [] and kinds(s) == asked(s) == ["T0", "T1"]


@pytest.mark.parametrize("by", ["action", "panel"])
def test_another_project_is_left_alone(three, tmp_path, by):
    s, before, jobs = three, three.project.bytes(), len(three.backend.jobs)
    other = song(tmp_path, [Strip("X", selected=True)], "other.rpp")
    opened = meanwhile(s, lambda s: s.reaper.open_tab(other))
    if by == "action":
        s.reaper.ui.inputs.append(opened)
        s.press("Choose kind of sound")
        said = s.said
    else:
        panel = Panel(s)
        s.reaper.ui.menus.append(opened)
        panel.click("Kind")
        panel.settle()
        said = [text for text in panel.texts() if text.startswith("You changed")]
        panel.close()
    assert len(said) == 1 and said[0].startswith("You changed to another project")
    assert s.project is s.reaper.projects[0] or s.reaper.projects[0].bytes() == before
    assert not s.reaper.projects[1].undo_points and len(s.backend.jobs) == jobs


@pytest.mark.parametrize("by", ["action", "panel"])
def test_a_word_that_is_asked_for_is_for_what_was_selected_then(three, by):
    """Its spelling is asked of the backend first."""
    s = three
    if by == "action":
        s.reaper.ui.inputs.append(meanwhile(s, lambda s: choose(s, 2), "airy|1"))
        s.press("Ask for a word")
    else:
        panel = Panel(s)
        panel.click("Type a word")
        panel.key(*map(ord, "airy"))
        s.reaper.ui.keys.append(ENTER)
        s.reaper.step(1)
        choose(s, 2)
        panel.settle()
        panel.close()
    assert s.said == [] and asked(s) == ["T0", "T1"]


def test_a_controller_that_turns_the_adaptation_is_for_what_was_selected_when_it_began(three):
    s = three
    s.reaper.turn("AEQ_Adaptation by controller or wheel", 64)
    s.reaper.step(3)
    choose(s, 2)
    s.reaper.run_until()
    assert s.said == [] and asked(s) == ["T0", "T1"]
