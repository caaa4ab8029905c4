"""`live` and tracks that share one EQ: linked by the action, or by `--linked`."""

from __future__ import annotations

import numpy as np
import pytest
from live_kit import RATE, ours
from standin.example import ItemSpec, TrackSpec
from test_live import assert_alike, assert_sounds_alike, audio


def pair(studio) -> tuple[np.ndarray, bytes]:
    """Two microphones of one source and a track that is not theirs; and the sum of the two."""
    paths = [studio.noise("left", -5.0), studio.noise("right", -1.0, seed=2)]
    studio.open(
        [
            TrackSpec("L", [ItemSpec(paths[0])], selected=True),
            TrackSpec("R", [ItemSpec(paths[1])], selected=True, volume=0.5),
            TrackSpec("X", [ItemSpec(studio.noise("other", 1.0))]),
        ]
    )
    return audio(paths[0]) + 0.5 * audio(paths[1]), studio.host.bytes()


@pytest.mark.parametrize("render", [[], ["--render"]])
def test_linked_tracks_get_one_eq_from_their_sum(studio, live, render):
    whole, before = pair(studio)
    rows = live("warm", "--selected", "--linked", *render)["tracks"]
    found = ours(studio.host.bytes())
    names = {track: [name for name, _ in eqs] for track, eqs in found.items()}
    assert names == {track: ["AEQ: warm 100% linked"] for track in "LR"}
    assert [row["name"] for row in rows] == ["L", "R"] and rows[0]["bands"] == rows[1]["bands"]
    wanted = studio.engine.adapt(whole, RATE, "warm", name="L").eq
    assert_sounds_alike(found["L"][0][1], wanted)
    assert_alike(found["L"][0][1], found["R"][0][1])
    assert studio.host.labels() == ["AEQ: warm 100% (2 tracks)"]
    studio.host.undo()
    assert studio.host.bytes() == before


def test_a_link_lasts_and_brings_the_others_along(studio, live):
    pair(studio)
    live("warm", "--track", "L", "--track", "R", "--linked")
    first = ours(studio.host.bytes())
    rows = live("warm", "--track", "R")["tracks"]
    assert [row["name"] for row in rows] == ["L", "R"] and ours(studio.host.bytes()) == first
    live("airy", "--track", "L")
    found = ours(studio.host.bytes())
    assert {track: name for track, [(name, _)] in found.items()} == dict.fromkeys(
        "LR", "AEQ: warm 100% + airy 100% linked"
    )


def test_chosen_items_are_summed_where_they_lie(studio, live):
    left, right = studio.noise("left", -5.0), studio.noise("right", -1.0, seed=2)
    studio.open(
        [
            TrackSpec("L", [ItemSpec(left, position=1.0, selected=True), ItemSpec(left, position=5.0)]),
            TrackSpec("R", [ItemSpec(right, position=1.0, selected=True), ItemSpec(right, position=7.0)]),
        ]
    )
    live("warm", "--selected", "--linked")
    wanted = studio.engine.adapt(audio(left) + audio(right), RATE, "warm", name="L").eq
    assert_sounds_alike(ours(studio.host.bytes())["L"][0][1], wanted)


def test_one_track_cannot_be_linked(studio, refused):
    pair(studio)
    assert "--linked is for two or more tracks" in refused("warm", "--track", "L", "--linked")
    assert "--linked is for two or more tracks" in refused("warm", "--track", "L", "--track", "master", "--linked")


def test_a_folder_and_what_lies_in_it_are_not_linked(studio, refused):
    path = studio.noise("left", -5.0)
    studio.open([TrackSpec("Bus", folder=1, selected=True), TrackSpec("A", [ItemSpec(path)], folder=-1, selected=True)])
    assert refused("warm", "--selected", "--linked") == ("--linked would hear 'A' twice: it lies in the folder 'Bus'\n")


def test_a_match_is_linked_and_removed_from_all(studio, live):
    _, before = pair(studio)
    live("match", studio.noise("other", 1.0), "--selected", "--linked")
    found = ours(studio.host.bytes())
    assert {track: name for track, [(name, _)] in found.items()} == dict.fromkeys("LR", "AEQ match: other 100% linked")
    gone = live("remove", "--track", "L")["removed"]
    assert [one["track"] for one in gone] == ["L", "R"] and not any(ours(studio.host.bytes()).values())
    for _ in range(2):
        studio.host.undo()
    assert studio.host.bytes() == before


@pytest.mark.parametrize("meanwhile", [("remove", "--track", "L"), ("project",)], ids=" ".join)
def test_a_link_outlives_removal_and_a_plan(studio, live, meanwhile):
    """As with the actions, where *Link tracks* alone separates."""
    pair(studio)
    live("warm", "--selected", "--linked")
    live(*meanwhile)
    rows = live("warm", "--track", "R")["tracks"]
    assert [row["name"] for row in rows] == ["L", "R"] and rows[0]["bands"] == rows[1]["bands"]
    assert all(name.endswith(" linked") for track in "LR" for name, _ in ours(studio.host.bytes())[track])


def test_linked_tracks_that_are_long_are_rendered_from_and_to_the_same_times(studio, live):
    """A minute is chosen for both: where their sum is loudest."""
    quiet, loud = studio.noise("left", -5.0), studio.noise("right", -1.0, seed=2)
    studio.open(
        [
            TrackSpec("L", [ItemSpec(quiet, volume=0.1), ItemSpec(loud, position=100.0)], selected=True),
            TrackSpec("R", [ItemSpec(loud, position=1.0), ItemSpec(quiet, position=101.0, volume=0.1)], selected=True),
        ]
    )
    rows = live("warm", "--selected", "--linked", "--render")["tracks"]
    assert len(rows) == 2 and rows[0]["bands"] == rows[1]["bands"] and rows[0]["duration_s"] < 61
