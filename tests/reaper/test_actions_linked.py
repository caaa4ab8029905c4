"""Tracks that share one EQ, and the press that is repeated."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from actions_kit import Clip, Strip, always_render, noise, ours, sound_of
from fake_backend import answer
from test_actions_instances import copy_track, select


@pytest.fixture
def pair(tmp_path):
    """Two microphones of one source, and a track that is not theirs."""
    return [noise(tmp_path / f"{n}.wav", seed=n) for n in (1, 2, 3)]


def open_pair(open_song, pair, rendered: bool):
    strips = [Strip(name, [Clip(file)], selected=n < 2) for n, (name, file) in enumerate(zip("LRX", pair, strict=True))]
    s = open_song(strips)
    if rendered:
        always_render(s)
    s.press("Link tracks")
    assert s.said == [
        "These 2 tracks share one EQ from now on, computed from their sum. Run this again to separate them."
    ]
    s.reaper.ui.messages.clear()
    return s


def names(session) -> dict[str, list[str]]:
    return {track: [name for name, _ in found] for track, found in ours(session.project).items()}


@pytest.mark.parametrize("rendered", [False, True])
@pytest.mark.parametrize("chosen", ["one track", "both tracks", "an item"])
def test_one_eq_from_the_sum(open_song, pair, rendered, chosen):
    s = open_pair(open_song, pair, rendered)
    with s.reaper.as_user() as project:
        left, right, _ = project.tracks
        select(project, *{"one track": [right], "both tracks": [left, right], "an item": []}[chosen])
        project.items[0].select(chosen == "an item")
        right.node.set_field("VOLPAN", 0, 0.5, [1.0])
    heard = []
    s.backend.answer = lambda task: heard.append(sound_of(task)) or answer(task)
    s.press("Make warmer")
    want = soundfile.read(pair[0])[0] + 0.5 * soundfile.read(pair[1])[0]
    assert s.said == [] and names(s) == {"L": ["AEQ: warm 100% linked"], "R": ["AEQ: warm 100% linked"]}
    assert len(heard) == 1 and np.allclose(heard[0], want, atol=1e-5) and len(s.reaper.renders) == rendered
    [(_, one)], [(_, other)] = ours(s.project).values()
    assert one.bands == other.bands
    s.reaper.undo()
    assert names(s) == {}


def test_more_and_another_word_keep_them_together_until_they_are_separated(open_song, pair):
    s = open_pair(open_song, pair, False)
    s.press("Make warmer")
    with s.reaper.as_user() as project:
        select(project, project.tracks[0])
    s.press("More")
    s.press("Make airier")
    assert names(s) == {key: ["AEQ: warm 125% + airy 100% linked"] for key in "LR"}
    s.press("Link tracks")
    assert s.said == ["These 2 tracks have their own EQ again from the next press on."]
    s.press("Make warmer")
    assert names(s) == {"L": ["AEQ: warm 100% + airy 100%"], "R": ["AEQ: warm 125% + airy 100% linked"]}


def test_a_copy_of_a_linked_track_is_no_part_of_the_group(open_song, pair):
    s = open_pair(open_song, pair, False)
    s.press("Make warmer")
    with s.reaper.as_user() as project:
        copy = copy_track(project, 0)
        copy.node.set("NAME", ["Copy"])
        select(project, copy)
    s.press("Make brighter")
    assert s.said == [] and names(s) == {
        **{key: ["AEQ: warm 100% linked"] for key in "LR"},
        "Copy": ["AEQ: warm 100% + bright 100%"],
    }


def test_two_tracks_are_needed_and_undo_separates(open_song, pair):
    s = open_song([Strip("A", [Clip(pair[0])], selected=True)])
    s.press("Link tracks")
    assert s.said == ["Select two or more tracks that belong together, then run this again."] and s.unchanged


def test_the_last_press_is_repeated_on_the_new_selection(open_song, pair):
    s = open_song([Strip(name, [Clip(file)], selected=name == "L") for name, file in zip("LRX", pair, strict=True)])
    s.press("Repeat last press")
    assert s.said == ["There is no press to repeat yet. Use another action first, for example 'AEQ_Make warmer'."]
    s.reaper.ui.inputs.append("warm 0.8, airy 0.2|0.5")
    s.press("Ask for a word")
    with s.reaper.as_user() as project:
        select(project, *project.tracks[1:])
    s.press("Repeat last press")
    assert names(s) == {key: ["AEQ: warm 40% + airy 10%"] for key in "LRX"}
    assert [point.label for point in s.project.undo_points] == [
        "AEQ: make it warm 40% + airy 10%",
        "AEQ: make it warm 40% + airy 10% (2 tracks)",
    ]
    s.press("More")
    with s.reaper.as_user() as project:
        select(project, project.tracks[0])
    s.press("Repeat last press")
    assert names(s) == {key: ["AEQ: warm 50% + airy 13%"] for key in "LRX"}
    with s.reaper.as_user() as project:
        select(project)
    s.press("Make warmer")
    with s.reaper.as_user() as project:
        select(project, project.tracks[0])
    s.press("Repeat last press")
    assert names(s)["L"] == ["AEQ: warm 63% + airy 16%"], "a press that failed is not the last one"
