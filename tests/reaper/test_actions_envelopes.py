"""Envelopes of our EQ's own parameters: what they override is said, and nothing is heard that was to be off."""

from __future__ import annotations

import numpy as np
import pytest
from actions_kit import TONE, Clip, Strip, always_render, noise, ours
from fake_backend import answer
from standin import Disputed
from standin.injection import draw_envelope

GAIN_2, BYPASS, WET, GLOBAL_GAIN = 4, 16, 17, 15  # of five bands


def pressed(open_song, tmp_path, parameter, value, active=True, **options):
    """A track with an EQ of ours, of which the user has automated one parameter."""
    sound = noise(tmp_path / "a.wav")
    s = open_song([Strip("Vox", [Clip(sound)], selected=True), Strip("Other", [Clip(sound)])], **options)
    s.press("Make warmer")
    assert s.said == []
    with s.reaper.as_user() as project:
        draw_envelope(project.tracks[0], 0, parameter, value, active)
    s.reaper.step()
    s.before = s.project.bytes()
    return s


def gains(session) -> list[float]:
    [(_, state)] = ours(session.project)["Vox"]
    return [20 * np.log10(band.gain) for band in state.bands]


def sentence(parameters: str) -> str:
    return (
        f"An envelope controls {parameters} of the EQ on 'Vox', so what was set there will not be heard. "
        "Bypass or remove the envelope, then press again."
    )


@pytest.mark.parametrize("overrides", ["later", "at once"])
@pytest.mark.parametrize("chunk", ["B", "refused"])
@pytest.mark.parametrize("action", ["Make airier", "More"])
def test_what_an_envelope_overrides_is_said_and_the_rest_is_written(open_song, tmp_path, overrides, chunk, action):
    disputed = Disputed(envelope_overrides=overrides)
    s = pressed(open_song, tmp_path, GAIN_2, 0.5, disputed=disputed, eq_chunk=chunk)
    s.press(action)
    if action == "More":
        want = [band["gain_db"] * 1.25 for band in answer({"request": "warm"})["bands"]]
    else:
        want = [band["gain_db"] for band in answer({"request": {"warm": 1.0, "airy": 1.0}})["bands"]]
    s.reaper.step()
    want[1] = 20 * np.log10(2.0)  # the envelope's
    assert s.said == [sentence("'Gain-Band 2'")]
    assert np.allclose(gains(s), want, atol=2e-3) and len(s.project.undo_points) == 2
    s.reaper.undo()
    assert s.project.bytes() == s.before


@pytest.mark.parametrize(
    ("parameter", "value", "name"), [(BYPASS, 0.0, "Bypass"), (WET, 0.5, "Wet"), (GLOBAL_GAIN, 1.0, "Global Gain")]
)
def test_so_are_bypass_wet_and_output(open_song, tmp_path, parameter, value, name):
    s = pressed(open_song, tmp_path, parameter, value)
    s.press("Make airier")
    assert s.said == [sentence(f"'{name}'")] and [found for found, _ in ours(s.project)["Vox"]]


def test_an_envelope_that_moves_nothing_is_not_spoken_of(open_song, tmp_path):
    s = pressed(open_song, tmp_path, GAIN_2, 0.5, active=False)
    s.press("Make airier")
    with s.reaper.as_user() as project:
        node = draw_envelope(project.tracks[0], 0, 1, 0.3)
        node.body = [line for line in node.body if "PT" not in line]
    s.press("Make airier")
    with s.reaper.as_user() as project:
        project.reaper.automation_override = 6
        draw_envelope(project.tracks[0], 0, GAIN_2, 0.5)
    s.press("Make airier")
    assert s.said == []


def test_nor_one_of_a_band_that_is_off(open_song, tmp_path):
    s = pressed(open_song, tmp_path, 13, 0.3)
    s.backend.answer = lambda task: answer(task) | {"bands": answer(task)["bands"][:2]}
    s.press("Make airier")
    assert s.said == []


def test_comparing_says_that_an_envelope_switches_the_eq(open_song, tmp_path):
    s = pressed(open_song, tmp_path, BYPASS, 0.0)
    s.press("Compare")
    assert s.said == [sentence("'Bypass'")]


def test_master_project_says_so_too(open_song, tmp_path):
    s = pressed(open_song, tmp_path, GAIN_2, 0.5)
    always_render(s)
    s.backend.answer = answer
    s.reaper.ext_state.values[("reaper-aeq", "settings")] = '{"plan": "*: warm"}'
    s.press("Master project")
    assert s.said == [sentence("'Gain-Band 2'")]


def test_several_are_one_box_with_a_line_for_each_track(open_song, tmp_path):
    s = pressed(open_song, tmp_path, GAIN_2, 0.5)
    with s.reaper.as_user() as project:
        draw_envelope(project.tracks[0], 0, 3, 0.2)
        project.tracks[1].select(True)
    s.press("Make airier")
    with s.reaper.as_user() as project:
        draw_envelope(project.tracks[1], 0, GAIN_2, 0.5)
    s.reaper.ui.messages.clear()
    s.press("Make airier")
    both = sentence("'Freq-Band 2', 'Gain-Band 2'")
    assert s.said == [both + "\n" + sentence("'Gain-Band 2'").replace("Vox", "Other")]


def test_what_an_envelope_switches_on_is_not_taken_for_off(open_song, tmp_path):
    """FX behind the EQ are off while the track is rendered; an envelope of their bypass would switch them on."""
    sound = noise(tmp_path / "a.wav")
    s = open_song([Strip("Vox", [Clip(sound, selected=True)], fx=[TONE])])
    always_render(s)
    with s.reaper.as_user() as project:
        draw_envelope(project.tracks[0], 0, 4, 0.0)
    s.before = s.project.bytes()
    s.press("Make warmer")
    assert s.unchanged and s.left_behind() == []
    assert s.said == [
        "An envelope switches 'JS: synthesis/tonegenerator' on 'Vox' on and off, so the sound before it cannot be "
        "rendered alone. Bypass that envelope, then press again."
    ]


def test_an_eq_that_an_envelope_moves_is_rendered_to_be_analyzed(open_song, tmp_path):
    s = pressed(open_song, tmp_path, GAIN_2, 0.5)
    s.backend.jobs.clear()
    with pytest.raises(Exception, match="envelopes of FX parameters"):  # so it came to a render of it
        s.press("Analyze")


def test_more_speaks_of_gains_alone(open_song, tmp_path):
    s = pressed(open_song, tmp_path, 3, 0.3)  # the frequency of a band, which it leaves as it is
    s.press("More")
    assert s.said == []
    with s.reaper.as_user() as project:
        draw_envelope(project.tracks[0], 0, GAIN_2, 0.5)
    s.press("Less")
    assert s.said == [sentence("'Gain-Band 2'")]
