"""What the user does while REAPER renders in the background: one sentence, and everything else as it was."""

from __future__ import annotations

import pytest
from actions_kit import Clip, Strip, always_render, noise, opener, ours, reaeq, song
from standin import Preferences, StandInError
from standin.fx_chain import fx_list
from standin.injection import delete_item, delete_track, receive, receives, set_receives, tracks_change

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
    with s.reaper.as_user() as project:
        project.tracks[0].node.set("AUTOMODE", [4])
        project.touch()
    s.before = s.project.bytes()
    begin(s)
    yield s
    next(songs, None)


def begin(s) -> None:
    always_render(s)
    s.start("Make warmer")
    s.reaper.run_until(lambda: s.reaper.background is not None)
    s.reaper.step(2)


def to_its_end(session) -> None:
    """The user's edit fell in the middle of the script's: whose step it is, only the states below tell."""
    try:
        session.reaper.run_until()
    except StandInError as error:
        assert error.rule == "no undo point"


def as_before(s) -> None:
    for track in s.project.tracks:
        assert not any(fx.flag(0) for fx in fx_list(track)), "an FX was left off"
        assert track.node.number("AUTOMODE") == (4 if track.name == "A" else 0)
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


MOVED = [
    ("CURSOR", ["0.3"], None),
    ("SELECTION", ["0.3", "0.4"], None),
    ("SELECTION2", ["0.3", "0.4"], None),
    ("AUTOMODE", ["1"], "A"),
    ("MUTESOLO", ["0", "2", "0"], "D"),
]


@pytest.mark.parametrize(("line", "words", "name"), MOVED)
def test_what_the_user_moves_meanwhile_stays(rendering, line, words, name):
    """Edit cursor, time selection, loop; an automation mode and a solo that were another one for the moment."""
    s = rendering

    def node(project):
        return next((track.node for track in project.tracks if track.name == name), project.root)

    with s.reaper.as_user() as project:
        node(project).set(line, words)
        project.touch()
    to_its_end(s)
    assert s.said == [] and node(s.project).get(line) == words and len(ours(s.project)) == 2


@pytest.fixture(params=["5.3", "5.4"])
def receiving(tmp_path, monkeypatch, request):
    """The same of a track that B, C (twice) and D send to, of which the second from C was muted by the user."""
    songs = opener(tmp_path, monkeypatch)
    sound = noise(tmp_path / "a.wav")
    strips = [Strip("A", [Clip(sound, selected=True)], fx=[BEHIND], receives=[0])]
    strips += [Strip(name, [Clip(sound)]) for name in "BCD"]
    s = next(songs)(strips, preferences=Preferences(background_render=True), lua=request.param)
    with s.reaper.as_user() as project:
        set_receives(project.tracks[0], [receive(1), receive(2), receive(2, muted=1, channel=2), receive(3)])
    begin(s)
    assert [line.split()[5] for line in receives(s.project.tracks[0])] == ["1"] * 4
    yield s
    next(songs, None)


def add_in_front(project) -> None:
    track = project.tracks[0]
    set_receives(track, [receive(3, muted=1, channel=4), *receives(track)])


def delete_the_first(project) -> None:
    set_receives(project.tracks[0], receives(project.tracks[0])[1:])


def turn_round(project) -> None:
    set_receives(project.tracks[0], receives(project.tracks[0])[::-1])


def turn_up(project) -> None:
    lines = [line.split() for line in receives(project.tracks[0])]
    set_receives(project.tracks[0], [" ".join([*words[:3], "0.5", *words[4:]]) for words in lines])


def move_the_tracks(project) -> None:
    nodes = [track.node for track in project.tracks]
    with tracks_change(project):
        project.root.body[:] = [part for part in project.root.body if part not in nodes] + nodes[::-1]


@pytest.mark.parametrize(
    ("edit", "muted"),
    [
        (add_in_front, ["D4", "C2"]),
        (delete_the_first, ["C2"]),
        (turn_round, ["C2"]),
        (turn_up, ["C2"]),
        (move_the_tracks, ["C2"]),
        (lambda project: delete_track(project.tracks[1]), ["C2"]),
    ],
)
def test_receives_are_unmuted_wherever_the_user_moves_them(receiving, edit, muted):
    s = receiving
    with s.reaper.as_user() as project:
        edit(project)
    to_its_end(s)
    (track,) = [track for track in s.project.tracks if track.name == "A"]
    words = [line.split() for line in receives(track)]
    assert [s.project.tracks[int(w[1])].name + w[8] for w in words if w[5] == "1"] == muted
    assert s.said == [] and len(ours(s.project)["A"]) == 1


@pytest.mark.parametrize("stopped", [False, True])
def test_receives_that_cannot_be_told_apart_are_left_alone_and_named(receiving, stopped):
    """The user gives one of two from C other channels: it could be any of those that C sends."""
    s = receiving
    lines = [receive(1, muted=1), receive(2, muted=1, channel=4), receive(2, muted=1, channel=2), receive(3, muted=1)]
    with s.reaper.as_user() as project:
        set_receives(project.tracks[0], lines)
    if stopped:
        s.reaper.clock.pass_s(1.0)
        s.reaper.step(1)
        s.reaper.ui.press_escape()
    to_its_end(s)
    assert [line.split()[5] for line in receives(s.project.tracks[0])] == ["0", "1", "1", "0"]
    assert s.said == [
        "You changed what 'C' sends to 'A' while it was rendered, which kept 'C' out. It may still be muted there: "
        "look at the receives of 'A'."
    ]
    assert len(ours(s.project)) == (0 if stopped else 1)


def test_the_user_stops_it(rendering):
    s = rendering
    s.reaper.scripts[0].finish()
    assert s.unchanged and s.left_behind() == []
