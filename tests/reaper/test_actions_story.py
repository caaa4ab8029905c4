"""The actions in the stand-in, with a backend that answers made-up EQs: what they do to the project."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from actions_kit import TONE, Clip, Strip, always_render, noise, ours, reaeq, sound_of
from fake_backend import answer

from reaper_aeq.eq import Band, pass_corner_hz


def held(state) -> list[tuple[float, float, float]]:
    """Hz, dB, octaves of the bands that are on."""
    return [(b.freq_hz, 20 * np.log10(b.gain), b.bandwidth_oct) for b in state.bands if b.enabled]


def wanted(blend: dict[str, float] | str, intensity: float = 1.0) -> list[tuple[float, float, float]]:
    bands = answer({"request": blend, "intensity": intensity})["bands"]
    return [(b["freq_hz"], b["gain_db"], b["bandwidth_oct"]) for b in bands]


def only(session, track: str):
    """The name and state of the one instance on a track."""
    (found,) = ours(session.project)[track]
    return found


@pytest.mark.parametrize("lua", ["5.3", "5.4"])
def test_items_get_the_eq_that_was_answered_and_nothing_is_left_behind(open_song, sound, lua):
    version = "6.83/linux-x86_64" if lua == "5.3" else "7.66/linux-x86_64"
    s = open_song([Strip("Vox", [Clip(sound, selected=True)]), Strip("Other")], lua=lua, version=version)
    s.press("Make warmer")
    name, state = only(s, "Vox")
    assert s.said == [] and name == "AEQ: warm 100%"
    assert np.allclose(held(state), wanted("warm"), atol=1e-3)
    assert 20 * np.log10(state.gain) == pytest.approx(answer({"request": "warm"})["output_gain_db"], abs=1e-3)
    assert list(ours(s.project)) == ["Vox"] and s.left_behind() == []
    assert s.reaper.project.undo() == "AEQ: make warmer" and s.project.bytes() == s.before


def test_the_same_word_again_replaces_and_changes_nothing(open_song, sound):
    s = open_song([Strip("Vox", [Clip(sound, selected=True)])])
    s.press("Make warmer")
    after = s.project.bytes()
    s.press("Make warmer")
    assert s.project.bytes() == after
    assert s.reaper.renders == [] and s.backend.jobs[0] == s.backend.jobs[1]


def test_another_word_joins_the_blend(open_song, sound):
    s = open_song([Strip("Vox", [Clip(sound, selected=True)])])
    s.press("Make warmer")
    s.press("Make airier")
    name, state = only(s, "Vox")
    assert name == "AEQ: warm 100% + airy 100%"
    assert np.allclose(held(state), wanted({"warm": 1.0, "airy": 1.0}), atol=1e-3)
    assert s.backend.jobs[1]["tasks"][0]["request"] == {"warm": 1.0, "airy": 1.0}
    s.press("Make less muddy")
    assert s.backend.jobs[2]["tasks"][0]["request"] == {"warm": 1.0, "airy": 1.0, "less muddy": 1.0}


def test_more_and_less_scale_without_listening(open_song, sound):
    s = open_song([Strip("Vox", [Clip(sound, selected=True)])])
    s.press("Make warmer")
    before = only(s, "Vox")[1]
    s.press("More")
    name, state = only(s, "Vox")
    assert name == "AEQ: warm 125%"
    assert np.allclose([b[1] for b in held(state)], [1.25 * b[1] for b in held(before)], atol=1e-3)
    assert [(b[0], b[2]) for b in held(state)] == [(b[0], b[2]) for b in held(before)]
    s.press("Less")
    name, state = only(s, "Vox")
    assert name == "AEQ: warm 100%" and np.allclose(held(state), held(before), atol=1e-3)
    assert s.reaper.renders == [] and len(s.backend.jobs) == 1
    for _ in range(6):
        s.press("More")
    assert only(s, "Vox")[0] == "AEQ: warm 200%"
    assert s.said[-1].startswith("The EQ on 'Vox' is at its limit")


@pytest.mark.parametrize("lua", ["5.3", "5.4"])
@pytest.mark.parametrize(("kind", "number", "corner_hz"), [("high_pass", 4, 62.0), ("low_pass", 3, 11_000.0)])
def test_a_pass_filter_arrives_and_more_and_less_move_it(open_song, sound, kind, number, corner_hz, lua):
    """As the backend would have computed it at that intensity, back and forth."""
    passes = {"kind": kind, "freq_hz": corner_hz, "gain_db": 0.0, "bandwidth_oct": 1.9, "enabled": True}
    shelf = {"kind": "low_shelf", "freq_hz": 200.0, "gain_db": -2.0, "bandwidth_oct": 1.0, "enabled": True}
    s = open_song([Strip("Vox", [Clip(sound, selected=True)])], lua=lua)
    s.backend.answer = lambda task: answer(task) | {"bands": [passes, shelf], "output_gain_db": 0.0}
    s.press("Make warmer")
    before = only(s, "Vox")[1]
    assert s.said == [] and [b.type for b in before.bands if b.enabled] == [number, 0]
    assert held(before)[0] == pytest.approx((corner_hz, 0.0, 1.9), rel=1e-3, abs=1e-3)
    s.press("More")
    name, state = only(s, "Vox")
    wanted_hz = pass_corner_hz(kind == "high_pass", corner_hz, 1.25)
    assert name == "AEQ: warm 125%" and s.said == []
    assert held(state)[0] == pytest.approx((wanted_hz, 0.0, 1.9), rel=1e-3, abs=1e-3)
    assert held(state)[1][1] == pytest.approx(-2.5, abs=1e-3)
    s.press("Less")
    s.press("Less")
    assert held(only(s, "Vox")[1])[0][0] == pytest.approx(pass_corner_hz(kind == "high_pass", corner_hz, 0.8), rel=1e-3)
    s.press("More")
    assert np.allclose(held(only(s, "Vox")[1]), held(before), rtol=2e-3, atol=1e-3)


def test_a_pass_filter_alone_is_written(open_song, sound):
    passes = {"kind": "high_pass", "freq_hz": 62.0, "gain_db": 0.0, "bandwidth_oct": 1.9, "enabled": True}
    s = open_song([Strip("Vox", [Clip(sound, selected=True)])])
    s.backend.answer = lambda task: answer(task) | {"bands": [passes], "output_gain_db": 0.0}
    s.press("Make warmer")
    assert [b.type for b in only(s, "Vox")[1].bands if b.enabled] == [4]
    s.press("Compare")
    assert s.project.bytes().count(b"BYPASS 1") == 1


def test_compare_switches_all_of_ours_and_only_ours(open_song, sound):
    own = reaeq(Band("band", 500, 3))
    s = open_song([Strip("Vox", [Clip(sound, selected=True)], fx=[own])])
    s.press("Make warmer")
    on = s.project.bytes()
    s.press("Compare")
    assert s.project.bytes().count(b"BYPASS 1") == 1
    s.press("Compare")
    assert s.project.bytes() == on and [p.label for p in s.project.undo_points][1:] == ["AEQ: EQ off", "AEQ: EQ on"]
    s.press("Compare")
    s.press("Make warmer")
    assert b"BYPASS 1" not in s.project.bytes(), "a new EQ is meant to be heard"


def test_remove_takes_ours_and_leaves_the_users(open_song, sound):
    own = reaeq(Band("band", 500, 3))
    s = open_song([Strip("Vox", [Clip(sound, selected=True)], fx=[own, reaeq(name="My EQ: warm")])])
    s.press("Make warmer")
    s.press("Remove")
    assert s.project.bytes() == s.before


def test_an_item_is_heard_before_the_tracks_fx_and_the_eq_goes_first(open_song, sound):
    loud = reaeq(Band("low_shelf", 200, 12))
    s = open_song([Strip("Vox", [Clip(sound, selected=True)], fx=[loud])])
    heard = []
    s.backend.answer = lambda task: heard.append(sound_of(task)) or answer(task)
    s.press("Make warmer")
    dry = soundfile.read(sound)[0]
    assert np.allclose(heard[0], dry, atol=1e-6)
    names = [line for line in s.project.tracks[0].chain().lines() if "ReaEQ" in line]
    assert "AEQ" in names[0] and len(names) == 2


def test_take_fx_are_part_of_an_item(open_song, sound):
    s = open_song([Strip("Vox", [Clip(sound, selected=True, take_fx=[reaeq(Band("low_shelf", 200, 12))])])])
    heard = []
    s.backend.answer = lambda task: heard.append(sound_of(task)) or answer(task)
    s.press("Make warmer")
    assert np.abs(heard[0]).max() > 1.2 * np.abs(soundfile.read(sound)[0]).max()


def test_several_items_of_a_track_are_one_question(open_song, tmp_path, sound):
    other = noise(tmp_path / "b.wav", 0.3, seed=2)
    s = open_song([Strip("Vox", [Clip(sound, selected=True), Clip(other, 1.0, 0.3, selected=True), Clip(sound, 5.0)])])
    heard = []
    s.backend.answer = lambda task: heard.append(sound_of(task)) or answer(task)
    s.press("Make warmer")
    first, last = soundfile.read(sound)[0], soundfile.read(other)[0]
    assert len(heard) == 1 and s.reaper.renders == []
    assert len(heard[0]) == 1.3 * 48_000 and np.allclose(heard[0][: len(first)], first, atol=1e-6)
    assert np.allclose(heard[0][-len(last) :], last, atol=1e-6)


def test_only_tracks_selected_hears_the_chain_and_goes_last(open_song, sound):
    s = open_song(
        [
            Strip("Vox", [Clip(sound)], fx=[reaeq(Band("low_shelf", 200, 6))], selected=True),
            Strip("Git", [Clip(sound)], selected=True),
        ]
    )
    heard = {}
    s.backend.answer = lambda task: heard.update({task["name"]: sound_of(task)}) or answer(task)
    s.press("Make warmer")
    assert len(s.reaper.renders) == 1 and s.said == []
    assert np.abs(heard["Vox"]).max() > 1.2 * np.abs(heard["Git"]).max()
    names = [line for line in s.project.tracks[0].chain().lines() if "ReaEQ" in line]
    assert "AEQ" in names[1]
    # again: heard without itself, so the same is heard
    first = dict(heard)
    after = s.project.bytes()
    s.press("Make warmer")
    assert all(np.array_equal(first[name], heard[name]) for name in first) and s.project.bytes() == after


def test_what_follows_our_eq_is_not_heard(open_song, sound):
    strips = [Strip("Vox", [Clip(sound, selected=True)], fx=[reaeq(Band("low_shelf", 200, 6))])]
    s = open_song(strips)
    s.press("Make warmer")
    with s.reaper.as_user() as project:
        project.items[0].select(False)
        project.tracks[0].select(True)
    heard = []
    s.backend.answer = lambda task: heard.append(sound_of(task)) or answer(task)
    s.press("Make warmer")
    assert np.allclose(heard[0], soundfile.read(sound)[0], atol=1e-6), "the user's EQ stands behind ours"
    assert only(s, "Vox")[0] == "AEQ: warm 100%"


def test_midi_is_heard_through_its_instrument(open_song):
    s = open_song([Strip("Synth", [Clip("MIDI", 0.5, 0.4, selected=True)], fx=[TONE])])
    heard = []
    s.backend.answer = lambda task: heard.append(sound_of(task)) or answer(task)
    s.press("Make warmer")
    assert s.said == [] and np.abs(heard[0]).max() > 0.01 and len(heard[0]) == pytest.approx(0.4 * 48000, abs=2)
    lines = [line for line in s.project.tracks[0].chain().lines() if "<JS" in line or "ReaEQ" in line]
    assert "AEQ" in lines[-1]


def test_items_and_midi_in_one_press_are_one_undo_point(open_song, sound):
    s = open_song(
        [Strip("Vox", [Clip(sound, selected=True)]), Strip("Synth", [Clip("MIDI", selected=True)], fx=[TONE])]
    )
    s.press("Make brighter")
    assert sorted(ours(s.project)) == ["Synth", "Vox"] and len(s.project.undo_points) == 1
    assert [task["name"] for task in s.backend.jobs[0]["tasks"]] == ["Vox", "Synth"]
    s.reaper.undo()
    assert s.project.bytes() == s.before


def test_a_folder_is_heard_with_its_children(open_song, sound):
    s = open_song(
        [Strip("Bus", folder=1, selected=True), Strip("A", [Clip(sound)]), Strip("B", [Clip(sound)], folder=-1)]
    )
    heard = []
    s.backend.answer = lambda task: heard.append(sound_of(task)) or answer(task)
    s.press("Make warmer")
    assert list(ours(s.project)) == ["Bus"] and np.abs(heard[0]).max() > 1.9 * np.abs(soundfile.read(sound)[0]).max()


def test_ask_reads_blends_spells_words_and_remembers(open_song, sound):
    s = open_song([Strip("Vox", [Clip(sound, selected=True)])])
    s.reaper.ui.inputs.append("Warmer 0.8 + air 50%|0.5")
    s.press("Ask for a word")
    assert s.said == [] and only(s, "Vox")[0] == "AEQ: warm 40% + airy 25%"
    s.reaper.ui.inputs.append(lambda shown: shown.replace("0.5", "1").replace("Warmer 0.8 + air 50%", "bright"))
    s.press("Ask for a word")
    assert only(s, "Vox")[0] == "AEQ: warm 40% + airy 25% + bright 100%"
    s.reaper.ui.inputs.append(None)
    after = s.project.bytes()
    s.press("Ask for a word")
    assert s.project.bytes() == after


@pytest.mark.parametrize("typed", ["warm warm, 3|1", "warm 0.7, warm 0.2|1", "|1", "warm 9|1", "warm|lots", "0.7|1"])
def test_ask_refuses_what_cannot_be_read(open_song, sound, typed):
    s = open_song([Strip("Vox", [Clip(sound, selected=True)])])
    s.reaper.ui.inputs.append(typed)
    s.press("Ask for a word")
    assert len(s.said) == 1 and s.unchanged and s.reaper.renders == []


FOUR_BANDS = reaeq(*(Band("band", hz) for hz in (100, 300, 1000, 5000)), name="AEQ: bright 50%")


@pytest.mark.parametrize("chunk", ["B", "AB", "refused"])
@pytest.mark.parametrize("place", ["end", "start"])
def test_an_eq_of_four_bands_is_enlarged_wherever_the_new_band_comes(open_song, sound, chunk, place):
    strip = Strip("Vox", [Clip(sound, selected=True)], fx=[FOUR_BANDS])
    s = open_song([strip], lua="5.3", version="6.40/linux-x86_64", eq_chunk=chunk, eq_new_band_at=place)
    s.press("Make warmer")
    name, state = only(s, "Vox")
    assert s.said == [] and name == "AEQ: bright 50% + warm 100%" and len(state.bands) == 5
    assert np.allclose(held(state), wanted({"bright": 0.5, "warm": 1.0}), atol=1e-3)


@pytest.mark.parametrize("chunk", ["B", "AB", "refused"])
def test_bands_of_a_users_default_preset_that_are_left_over_are_off(open_song, sound, chunk):
    eleven = reaeq(*(Band("band", 100 * n, 3) for n in range(1, 12)), name="AEQ: bright")
    s = open_song([Strip("Vox", [Clip(sound, selected=True)], fx=[eleven])], eq_chunk=chunk)
    s.press("Make warmer")
    assert s.said == [] and np.allclose(held(only(s, "Vox")[1]), wanted({"bright": 1.0, "warm": 1.0}), atol=1e-3)


def test_playing_goes_on_after_a_render(open_song, sound):
    s = open_song([Strip("Vox", [Clip(sound, selected=True)])])
    with s.reaper.as_user() as project:
        project.play_state, project.play_position = 1, 0.3
    s.press("Make warmer")
    assert s.project.play_state == 1


def test_a_stem_is_behind_the_fader_which_the_eq_does_not_mind(open_song, sound):
    s = open_song([Strip("Vox", [Clip(sound)], selected=True)])
    always_render(s)
    with s.reaper.as_user() as project:
        project.tracks[0].node.set_field("VOLPAN", 0, 0.25, [1.0])
    heard = []
    s.backend.answer = lambda task: heard.append(sound_of(task)) or answer(task)
    s.press("Make warmer")
    assert np.allclose(heard[0], 0.25 * soundfile.read(sound)[0], atol=1e-6)


def test_an_eq_that_the_user_moved_back_hears_what_reaches_it(open_song, sound):
    chain = [reaeq(Band("low_shelf", 200, 12)), reaeq(Band("band", 1000, 6), name="AEQ: warm 100%")]
    s = open_song([Strip("Vox", [Clip(sound, selected=True)], fx=chain)])
    heard = []
    s.backend.answer = lambda task: heard.append(sound_of(task)) or answer(task)
    s.press("Make warmer")
    assert np.abs(heard[0]).max() > 1.2 * np.abs(soundfile.read(sound)[0]).max()
    names = [line for line in s.project.tracks[0].chain().lines() if "ReaEQ" in line]
    assert len(names) == 2 and "AEQ" in names[1]
