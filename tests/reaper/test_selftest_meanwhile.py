"""What the user does to tabs while the self-test works in one of its own: their projects stay what they are."""

from __future__ import annotations

import pytest
from actions_kit import Strip, song
from standin import Disputed
from test_actions_between import slow


@pytest.fixture
def testing(open_song):
    """The self-test at work in its tab."""
    s = open_song([Strip("A")], disputed=Disputed(pre_fader="stems"))
    slow(s)
    s.start("Self-test")
    s.reaper.run_until(lambda: len(s.reaper.projects) == 2)
    s.reaper.step(2)
    return s


def test_its_tab_is_closed_by_the_user(testing):
    s = testing
    s.reaper.close_tab(1)
    s.reaper.run_until()
    assert s.reaper.projects == [s.project] and s.unchanged and s.left_behind() == []
    assert "its tab was closed" in s.reaper.ui.console


def test_esc_in_the_middle_of_it(testing):
    s = testing
    s.reaper.step(30)
    s.reaper.ui.press_escape()
    s.reaper.run_until()
    assert s.said == [] and s.reaper.projects == [s.project] and s.reaper.project is s.project
    assert s.unchanged and s.left_behind() == []


def test_the_users_project_comes_to_the_front(testing):
    s = testing
    s.reaper.switch_tab(0)
    s.reaper.run_until()
    assert s.reaper.projects == [s.project] and s.reaper.project is s.project
    assert s.unchanged and s.left_behind() == []


def test_the_users_project_is_closed_meanwhile(testing, tmp_path):
    s = testing
    other = s.reaper.open_tab(song(tmp_path, [Strip("X")], "other.rpp"))
    before = other.bytes()
    s.reaper.close_tab(0)
    s.reaper.switch_tab(1)
    s.reaper.run_until()
    assert s.reaper.projects == [other] and other.bytes() == before and s.left_behind() == []


def test_a_folder_with_quotes_in_its_name_is_none_of_its_failures(open_song):
    s = open_song([Strip("A")], disputed=Disputed(pre_fader="stems"), resource='Ann\'s "REAPER"')
    s.press("Self-test")
    assert "\npass  a program in the background: " in s.reaper.ui.console
    assert "All is as expected." in s.reaper.ui.console
