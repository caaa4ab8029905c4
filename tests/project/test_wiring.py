"""Mute, solo and folders."""

import pytest
from standin.example import TrackSpec, project

from reaper_aeq.project.wiring import silenced
from reaper_aeq.reaper.rpp.project import Project


def tracks(specs):
    return Project.from_bytes(project(specs)).tracks


def band(**changes) -> list[TrackSpec]:
    specs = [TrackSpec("Drums", folder=1), TrackSpec("Kick"), TrackSpec("Hat", folder=-1), TrackSpec("Bass")]
    for spec in specs:
        for key, value in changes.get(spec.name, {}).items():
            setattr(spec, key, value)
    return specs


@pytest.mark.parametrize(
    "changes, silent",
    [
        ({}, {}),
        ({"Kick": {"muted": True}}, {1: "it is muted"}),
        ({"Drums": {"muted": True}}, {0: "it is muted", 1: "its folder 'Drums'", 2: "its folder 'Drums'"}),
        ({"Hat": {"solo": True}}, {1: "other tracks are soloed", 3: "other tracks are soloed"}),
        ({"Drums": {"solo": True}}, {3: "other tracks are soloed"}),
        ({"Hat": {"solo": True, "muted": True}}, {1: "soloed", 2: "it is muted", 3: "soloed"}),
        ({"Hat": {"solo": True}, "Bass": {"extra": ["AUXRECV 2 0 1 0 0 0 0 0 0 -1:U 0 -1 ''"]}}, {1: "soloed"}),
    ],
)
def test_who_is_silent(changes, silent):
    found = silenced(tracks(band(**changes)))
    assert found.keys() == silent.keys()
    assert all(words in found[number] for number, words in silent.items())


def test_receives_of_old_and_new_files():
    lines = ["AUXRECV 1 3 0.27991910429543 0.5 0 0 1 0 0 -1:U 0 -1 ''", "AUXRECV 0 0 1.00000000000000 0.00000000000000"]
    new, old = tracks([TrackSpec("a", extra=lines), TrackSpec("b")])[0].receives
    assert (new.source, new.pre_fader, new.volume, new.pan, new.inverted) == (1, True, 0.27991910429543, 0.5, True)
    assert (old.source, old.pre_fader, old.volume, old.inverted) == (0, False, 1.0, False)


@pytest.mark.parametrize(
    "fields", ["-5 0 1", "-1 0 1", "2 0 1", "99 0 1", "1.5 0 1", "nan 0 1", "1e400 0 1", "x 0 1", ""]
)
def test_a_receive_from_a_track_that_is_not_there_is_named_and_left_out(fields):
    good = "AUXRECV 0 3 1 0 0"
    _, bad = tracks([TrackSpec("from"), TrackSpec("to", extra=[f"AUXRECV {fields}", good])])
    assert [receive.source for receive in bad.receives] == [0]
    assert len(bad.damage) == 1 and "receives from track number" in bad.damage[0]
    assert silenced([_, bad]) == {}


@pytest.mark.parametrize("fields", ["0 0 nan", "0 0 1 inf", "0 0 loud"])
def test_a_receive_without_a_volume_is_named_and_left_out(fields):
    _, bad = tracks([TrackSpec("from"), TrackSpec("to", extra=[f"AUXRECV {fields}"])])
    assert bad.receives == () and "volume" in bad.damage[0]


def test_a_folder_without_a_name_goes_by_its_number():
    found = silenced(tracks([TrackSpec("", folder=1, muted=True), TrackSpec("Kick", folder=-1), TrackSpec("Bass")]))
    assert found == {0: "it is muted", 1: "its folder (track 1) is muted"}
