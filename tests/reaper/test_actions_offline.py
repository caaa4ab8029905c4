"""Media that REAPER takes offline while another program is in front, and what a minimized window does to a render."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from actions_kit import Clip, Strip, always_render, ours, sound_of
from fake_backend import answer
from standin import Preferences
from standin.injection import offline


def opened(open_song, sound, rendered: bool, **options):
    s = open_song([Strip("A", [Clip(sound, selected=True)]), Strip("B", [Clip(sound)])], **options)
    if rendered:
        always_render(s)
    s.heard = []
    s.backend.answer = lambda task: s.heard.append(sound_of(task)) or answer(task)
    return s


@pytest.mark.parametrize("rendered", [False, True])
def test_media_that_was_offline_for_a_while_is_heard(open_song, sound, rendered):
    """Its source tells no sample rate any more, though it plays."""
    s = opened(open_song, sound, rendered, preferences=Preferences(offline_when_inactive=True))
    s.reaper.window = "inactive"
    s.reaper.window = "front"
    s.press("Make warmer")
    assert s.said == [] and np.allclose(s.heard[0], soundfile.read(sound)[0], atol=1e-6)


@pytest.mark.parametrize("rendered", [False, True])
def test_a_press_while_another_program_is_in_front(open_song, sound, rendered):
    """By a controller or a deck of keys: the media is offline by the preference, not by the user's will."""
    s = opened(open_song, sound, rendered, preferences=Preferences(offline_when_inactive=True))
    s.reaper.window = "inactive"
    s.press("Make warmer")
    assert s.said == [] and np.allclose(s.heard[0], soundfile.read(sound)[0], atol=1e-6)
    assert (40101 in s.reaper.commands) == rendered, "files are read without REAPER"
    assert len(s.reaper.renders) == rendered and s.left_behind() == []
    s.reaper.undo()
    assert s.project.bytes() == s.before


@pytest.mark.parametrize("rendered", [False, True])
def test_what_the_user_set_offline_stays_so(open_song, sound, rendered):
    s = opened(open_song, sound, rendered, preferences=Preferences(offline_when_inactive=True))
    with s.reaper.as_user() as project:
        offline(project.items[0])
    before = s.project.bytes()
    s.press("Make warmer")
    assert (
        s.said == [f"The media of an item on 'A' is offline: {sound}. Set it online, then press again."]
        and s.project.bytes() == before
    )


@pytest.mark.parametrize("os_name", ["Win64", "macOS-arm64", "Other"])
def test_a_minimized_window(open_song, sound, os_name):
    """On Windows REAPER renders silence then; elsewhere nobody saw that."""
    s = opened(open_song, sound, True, os_name=os_name)
    s.backend.answer = lambda task: answer(task) if np.any(sound_of(task)) else {
        **answer(task), "bands": [], "confidence": 0.0, "output_gain_db": 0.0
    }  # fmt: skip
    s.reaper.window = "minimized"
    s.press("Make warmer")
    if os_name != "Win64":
        assert s.said == [] and list(ours(s.project)) == ["A"]
        return
    assert s.said == [
        "Nothing can be heard on 'A'. Leave it out, or check its volume, its items and solo; if REAPER's window was "
        "minimized, bring it back. Then press again."
    ]
    assert s.unchanged


def test_a_minimized_window_is_no_matter_where_files_are_read(open_song, sound):
    s = opened(open_song, sound, False, os_name="Win64")
    s.reaper.window = "minimized"
    s.press("Make warmer")
    assert s.said == [] and s.reaper.renders == [] and list(ours(s.project)) == ["A"]


@pytest.mark.parametrize("increment_names", [True, False])
def test_what_an_earlier_run_left_is_never_in_the_way(open_song, sound, increment_names):
    """Every render has a folder of its own, whether REAPER would ask before it overwrites or count names up."""
    s = opened(open_song, sound, True, preferences=Preferences(increment_names=increment_names))
    for _ in range(2):
        s.press("Make warmer")
    first, second = (files[0] for files in s.reaper.renders)
    assert s.said == [] and first.parent != second.parent and first.name == second.name
    assert np.array_equal(*s.heard) and s.left_behind() == []
