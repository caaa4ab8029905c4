"""What the user does while REAPER renders in the background: one sentence, and everything else as it was."""

from __future__ import annotations

import pytest
from actions_kit import Clip, Strip, always_render, noise, opener, ours, reaeq, song
from standin import Preferences, StandInError
from standin.fx_chain import fx_list
from standin.injection import delete_item, delete_track

from reaper_aeq.eq import Band

BEHIND = reaeq(Band("high_shelf", 4000, -9))


@pytest.fixture
def rendering(tmp_path, monkeypatch):
    """A press of chosen items whose files grow: FX are off, others muted, receives cut, no solo is on."""
    songs = opener(tmp_path, monkeypatch)
    open_song = next(songs)
    sound = noise(tmp_path / "a.wav")
    strips = [
        Strip("A", [Clip(sound, selected=True), Clip(sound, 0.2)], fx=[BEHIND], receives=[1]),
        Strip("B", [Clip(sound, selected=True)], fx=[BEHIND], folder=1),
        Strip("C", [Clip(sound)], folder=-1),
        Strip("D", [Clip(sound)], solo=True),
    ]
    s = open_song(strips, preferences=Preferences(background_render=True))
    always_render(s)
    s.start("Make warmer")
    s.reaper.run_until(lambda: s.reaper.background is not None)
    s.reaper.step(2)
    yield s
    next(songs, None)


def to_its_end(session) -> None:
    """The user's edit fell in the middle of the script's: whose step it is, only the states below tell."""
    try:
        session.reaper.run_until()
    except StandInError as error:
        assert error.rule == "no undo point"


def as_before(s) -> None:
    for track in s.project.tracks:
        assert not any(fx.flag(0) for fx in fx_list(track)), "an FX was left off"
        assert track.node.number("MAINSEND", 0, 1.0) == 1 and track.node.get("MUTESOLO")[0] == "0"
        assert track.node.get("MUTESOLO")[1] == str(int(track.name == "D"))
        assert not any(item.node.number("MUTE") for item in track.items)
        assert all(line.split()[5] == "0" for line in track.node.body if str(line).split()[:1] == ["AUXRECV"])


@pytest.mark.parametrize("name", ["A", "B"])
def test_a_chosen_track_is_deleted(rendering, name):
    s = rendering
    with s.reaper.as_user() as project:
        delete_track(next(track for track in project.tracks if track.name == name))
    to_its_end(s)
    assert s.said == [f"'{name}' was removed while the EQ was computed. Nothing was changed; press again."]
    assert ours(s.project) == {} and s.left_behind() == []
    as_before(s)


def test_a_chosen_item_is_deleted(rendering):
    s = rendering
    with s.reaper.as_user() as project:
        delete_item(project.tracks[0].items[0])
    to_its_end(s)
    assert s.said == ["An item on 'A' was removed while the EQ was computed. Nothing was changed; press again."]
    assert ours(s.project) == {} and s.left_behind() == []
    as_before(s)


@pytest.mark.parametrize("closed", [False, True])
def test_another_tab_comes_to_the_front(rendering, tmp_path, closed):
    s = rendering
    other = s.reaper.open_tab(song(tmp_path, [Strip("X")], "other.rpp"))
    before = other.bytes()
    if closed:
        s.reaper.close_tab(0)
    s.reaper.run_until()
    assert len(s.said) == 1 and s.said[0].startswith("You changed to another project")
    assert other.bytes() == before and other.undo_points == [] and s.left_behind() == []
    assert closed or s.unchanged


def test_the_user_stops_it(rendering):
    s = rendering
    s.reaper.scripts[0].finish()
    assert s.unchanged and s.left_behind() == []
