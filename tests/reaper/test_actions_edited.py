"""EQs of ours that somebody turned by hand: named so, kept beside the next answer, dropped or learned on request."""

from __future__ import annotations

import json

import numpy as np
import pytest
from actions_kit import Clip, Strip, always_render, ours
from fake_backend import answer
from standin.fx_chain import fx_list
from standin.injection import draw_envelope, set_bands, turn_band
from test_actions_instances import copy_track, labels, select

from reaper_aeq.reaper.reaeq.state import StateBand

NOTCH = StateBand(6, True, 60.0, 1.0, 0.1)
KEPT = "'Vox': your change is kept ({}). 'AEQ_Start afresh' drops it."


def pressed(open_song, sound, word="Make warmer", **options):
    s = open_song([Strip("Vox", [Clip(sound, selected=True)])], **options)
    s.press(word)
    assert s.said == []
    return s


def by_hand(session, band: int, track: int = 0, **fields) -> None:
    with session.reaper.as_user() as project:
        turn_band(project.tracks[track], 0, band, **fields)


def gains(session, track: str = "Vox") -> list[float]:
    [(_, state)] = ours(session.project)[track]
    return [20 * np.log10(band.gain) for band in state.bands if band.enabled]


def name(session, track: str = "Vox") -> str:
    [(found, _)] = ours(session.project)[track]
    return found


def computed(request, intensity=1.0) -> list[float]:
    return [band["gain_db"] for band in answer({"request": request, "intensity": intensity})["bands"]]


def record(session, track: int = 0) -> dict:
    text = next(line for line in session.project.tracks[track].node.lines() if "reaper-aeq" in line)
    return json.loads(text[text.index("{") : text.rindex("}") + 1])["eqs"][0]


BOTH = [("5.3", "6.83/linux-x86_64"), ("5.4", "7.66/linux-x86_64")]


@pytest.mark.parametrize(("lua", "version"), BOTH)
def test_the_same_word_again_keeps_the_hands_work_and_says_so_once(open_song, sound, lua, version):
    s = pressed(open_song, sound, lua=lua, version=version)
    by_hand(s, 1, gain_db=3.0)
    turned = fx_list(s.project.tracks[0])[0].eq.state
    s.press("Make warmer")
    assert s.said == [KEPT.format("+1.5 dB at 433 Hz")] and name(s) == "AEQ: warm 100% (edited)"
    assert fx_list(s.project.tracks[0])[0].eq.state == turned, "to the last digit"
    assert labels(s) == ["AEQ: make warmer", "AEQ: make warmer"]
    after = s.project.bytes()
    s.press("Make warmer")
    assert s.project.bytes() == after and len(labels(s)) == 2 and len(s.said) == 1


@pytest.mark.parametrize(("lua", "version"), BOTH)
@pytest.mark.parametrize("chunk", ["B", "refused"])
def test_another_word_joins_and_the_hands_work_stays_beside_it(open_song, sound, lua, version, chunk):
    s = pressed(open_song, sound, lua=lua, version=version, eq_chunk=chunk)
    by_hand(s, 1, gain_db=3.0)
    with s.reaper.as_user() as project:
        set_bands(project.tracks[0], 0, lambda bands: (*bands, NOTCH))
    before = s.project.bytes()
    s.press("Make airier")
    want = computed({"warm": 1.0, "airy": 1.0})
    want[1] += 1.5
    [(found, state)] = ours(s.project)["Vox"]
    assert found == "AEQ: warm 100% + airy 100% (edited)"
    assert np.allclose(gains(s)[:5], want, atol=2e-3)
    assert [(b.type, round(b.freq_hz), b.bandwidth_oct) for b in state.bands[5:]] == [(6, 60, pytest.approx(0.1))]
    assert s.said == [KEPT.format("+1.5 dB at 433 Hz, a notch at 60 Hz")]
    s.reaper.undo()
    assert s.project.bytes() == before
    s.press("Make airier")
    s.press("Make airier")
    assert np.allclose(gains(s)[:5], want, atol=2e-3) and len(ours(s.project)["Vox"][0][1].bands) == 6


@pytest.mark.parametrize(("lua", "version"), BOTH)
def test_more_and_less_leave_the_hands_work_as_it_is(open_song, sound, lua, version):
    s = pressed(open_song, sound, lua=lua, version=version)
    by_hand(s, 1, gain_db=3.0)
    turned = gains(s)
    s.press("More")
    want = [1.25 * gain for gain in computed("warm")]
    want[1] += 1.5
    assert np.allclose(gains(s), want, atol=2e-3) and name(s) == "AEQ: warm 125% (edited)"
    s.press("Less")
    assert np.allclose(gains(s), turned, atol=2e-3) and name(s) == "AEQ: warm 100% (edited)"
    assert labels(s) == ["AEQ: make warmer", "AEQ: more", "AEQ: less"] and s.said == []
    by_hand(s, 0, gain_db=11.9)
    for _ in range(4):
        s.press("More")
    assert max(gains(s)) <= 12.0 and s.said[-1].startswith("The EQ on 'Vox' is at its limit")
    s.press("Start afresh")
    assert name(s).startswith("AEQ: warm 10") and max(gains(s)) < 4


@pytest.mark.parametrize(("lua", "version"), BOTH)
def test_start_afresh_is_one_step_back_to_what_was_computed(open_song, sound, lua, version):
    s = pressed(open_song, sound, lua=lua, version=version)
    s.press("Start afresh")
    assert s.said == [
        "No EQ on the selected tracks was changed by hand. Turn its bands in ReaEQ, then run this."
    ] and labels(s) == ["AEQ: make warmer"]
    by_hand(s, 1, gain_db=3.0, freq_hz=500.0)
    by_hand(s, -1, gain_db=2.0)
    s.press("Make warmer")
    assert s.said[-1] == KEPT.format("433 Hz moved to 500 Hz, +1.5 dB at 500 Hz, +2.9 dB of output gain")
    edited = s.project.bytes()
    s.press("Start afresh")
    assert np.allclose(gains(s), computed("warm"), atol=1e-3) and name(s) == "AEQ: warm 100%"
    assert labels(s)[-1] == "AEQ: start afresh" and len(s.said) == 2 and "told" not in record(s)
    s.reaper.undo()
    assert s.project.bytes() == edited
    s.press("Start afresh")
    s.press("Make warmer")
    assert name(s) == "AEQ: warm 100%" and len(s.said) == 2


def test_comparing_names_it_in_its_own_step_and_names_it_back(open_song, sound):
    s = pressed(open_song, sound)
    by_hand(s, 1, gain_db=3.0)
    s.press("Compare")
    assert name(s) == "AEQ: warm 100% (edited)" and labels(s) == ["AEQ: make warmer", "AEQ: EQ off"]
    by_hand(s, 1, gain_db=1.5)
    s.press("Compare")
    assert name(s) == "AEQ: warm 100%" and s.said == []


def test_what_reaper_rounds_is_no_edit(open_song, sound):
    s = pressed(open_song, sound)
    by_hand(s, 1, gain_db=1.5 + 0.04, freq_hz=433.0 * 1.003)
    s.press("More")
    assert name(s) == "AEQ: warm 125%" and s.said == []


def test_what_follows_an_envelope_is_no_hands_work(open_song, sound):
    s = pressed(open_song, sound)
    with s.reaper.as_user() as project:
        draw_envelope(project.tracks[0], 0, 4, 0.5)
    s.reaper.step()
    s.press("Make airier")
    assert name(s) == "AEQ: warm 100% + airy 100%" and len(s.said) == 1 and "envelope" in s.said[0]


def test_a_name_of_the_users_own_stays_and_the_work_is_kept_all_the_same(open_song, sound):
    s = pressed(open_song, sound)
    by_hand(s, 1, gain_db=3.0)
    with s.reaper.as_user() as project:
        fx_list(project.tracks[0])[0].rename("Vox color")
    s.press("Make airier")
    (fx,) = fx_list(s.project.tracks[0])
    want = computed({"warm": 1.0, "airy": 1.0})[1] + 1.5
    assert fx.renamed == "Vox color" and 20 * np.log10(fx.eq.state.bands[1].gain) == pytest.approx(want, abs=2e-3)


def test_a_deleted_band_stays_deleted_and_one_that_is_off_stays_off(open_song, sound):
    s = pressed(open_song, sound)
    with s.reaper.as_user() as project:
        set_bands(project.tracks[0], 0, lambda bands: (*bands[:2], *bands[3:]))
    by_hand(s, 3, enabled=False)
    s.press("More")
    want = [1.25 * gain for n, gain in enumerate(computed("warm")) if n not in (2, 4)]
    assert np.allclose(gains(s), want, atol=2e-3) and s.said == []
    s.press("Make airier")
    want = [gain for n, gain in enumerate(computed({"warm": 1.25, "airy": 1.0})) if n not in (2, 4)]
    assert np.allclose(gains(s), want, atol=2e-3)
    assert s.said == [KEPT.format("the band at 1.22 kHz off, the band at 7.01 kHz off")]


def test_a_kind_that_only_reaeq_knows_is_kept_as_it_is(open_song, sound):
    s = pressed(open_song, sound)
    with s.reaper.as_user() as project:
        set_bands(project.tracks[0], 0, lambda bands: (*bands, StateBand(10, True, 700.0, 1.2, 1.0)))
    s.press("Make airier")
    [(_, state)] = ours(s.project)["Vox"]
    assert state.bands[5].type == 10 and round(state.bands[5].freq_hz) == 700
    assert s.said == [KEPT.format("a band of another kind")]
    s.press("Learn from my edits")
    assert s.backend.learned == [] and "several words" in s.said[-1]


def test_an_answer_without_those_bands_has_the_change_beside_it(open_song, sound):
    s = pressed(open_song, sound)
    by_hand(s, 1, gain_db=3.0)
    lone = {"kind": "high_shelf", "freq_hz": 6000.0, "gain_db": 2.0, "bandwidth_oct": 1.0, "enabled": True}
    s.backend.answer = lambda task: answer(task) | {"bands": [lone]}
    s.press("Make airier")
    [(_, state)] = ours(s.project)["Vox"]
    on = [(b.type, round(b.freq_hz), round(20 * np.log10(b.gain), 2)) for b in state.bands if b.enabled]
    assert on == [(1, 6000, 2.0), (8, 433, 1.5)]


def test_a_match_that_was_turned_is_kept_too(open_song, sound, tmp_path):
    s = open_song([Strip("Vox", [Clip(sound, selected=True)])])
    s.reaper.ext_state.values[("reaper-aeq", "reference")] = json.dumps({"path": str(sound), "name": "a.wav"})
    s.press("Match to reference")
    by_hand(s, 1, gain_db=3.0)
    s.press("Match to reference")
    assert name(s) == "AEQ match: a.wav 100% (edited)" and gains(s)[1] == pytest.approx(3.0, abs=1e-3)
    s.press("Learn from my edits")
    assert s.backend.learned == []


def test_each_of_linked_tracks_keeps_its_own(open_song, sound):
    s = open_song([Strip(n, [Clip(sound)], selected=True) for n in "LR"])
    s.press("Link tracks")
    s.press("Make warmer")
    by_hand(s, 1, track=1, gain_db=3.0)
    s.press("Make airier")
    want = computed({"warm": 1.0, "airy": 1.0})
    assert (name(s, "L"), name(s, "R")) == (
        "AEQ: warm 100% + airy 100% linked", "AEQ: warm 100% + airy 100% linked (edited)",
    )  # fmt: skip
    assert np.allclose(gains(s, "L"), want, atol=2e-3)
    assert gains(s, "R")[1] == pytest.approx(want[1] + 1.5, abs=2e-3)
    s.press("More")
    assert name(s, "R") == "AEQ: warm 125% + airy 125% linked (edited)"


def test_a_copied_track_takes_its_edit_along(open_song, sound):
    s = pressed(open_song, sound)
    by_hand(s, 1, gain_db=3.0)
    s.press("Compare")
    with s.reaper.as_user() as project:
        copy = copy_track(project, 0)
        copy.node.set("NAME", ["Copy"])
        select(project, copy)
    s.press("Make airier")
    assert name(s, "Copy") == "AEQ: warm 100% + airy 100% (edited)" and name(s) == "AEQ: warm 100% (edited)"


@pytest.mark.parametrize("rendered", [False, True])
def test_master_project_keeps_it_and_hears_the_mix_with_it(open_song, sound, rendered):
    s = open_song([Strip("Vox", [Clip(sound)], selected=True)])
    settings = {"plan": "*: warm; master: bright 0.5", "always_render": rendered}
    s.reaper.ext_state.values[("reaper-aeq", "settings")] = json.dumps(settings)
    s.press("Master project")
    by_hand(s, 1, gain_db=9.0)
    s.press("Master project")
    assert name(s) == "AEQ: warm 100% (edited)" and gains(s)[1] == pytest.approx(9.0, abs=1e-3)
    if not rendered:
        heard = s.backend.jobs[-1]["tasks"][0]["sound"]["tracks"]
        eqs = [band for track in heard if track.get("eq") for band in track["eq"]["bands"]]
        assert any(abs(band["gain_db"] - 9.0) < 1e-3 for band in eqs), heard


BAD_BAND = {"kind": "band", "freq_hz": -1, "gain_db": 0, "bandwidth_oct": 1, "enabled": True}


@pytest.mark.parametrize("bands", [None, [{}], [7], "x", [BAD_BAND], [BAD_BAND | {"freq_hz": "1"}]])
def test_what_others_wrote_beside_the_track_stops_no_press(open_song, sound, bands):
    s = pressed(open_song, sound)
    with s.reaper.as_user() as project:
        (extension,) = [node for node in project.tracks[0].node.nodes("EXT")]
        held = record(s) | {"eq": {"bands": bands, "output_gain_db": 0}, "heard": 7, "told": [], "learned": {}}
        kept = {"version": 1, "track": project.tracks[0].guid, "eqs": [held]}
        extension.set("reaper-aeq", [json.dumps(kept)])
    by_hand(s, 1, gain_db=3.0)
    for action in ("Compare", "Compare", "More", "Make warmer", "Make warmer"):
        s.press(action)
    assert s.said == [] and name(s) == "AEQ: warm 100%"


def test_a_failed_write_takes_the_name_back_too(open_song, sound, monkeypatch):
    s = pressed(open_song, sound)
    by_hand(s, 1, gain_db=3.0)
    before = s.project.bytes()
    s.backend.answer = lambda task: ValueError("no")
    s.press("Make airier")
    assert s.project.bytes() == before and labels(s) == ["AEQ: make warmer"]


# Learning -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lua", "version"), BOTH)
def test_learning_sends_what_was_heard_computed_and_made_and_changes_one_step(open_song, sound, lua, version):
    s = pressed(open_song, sound, lua=lua, version=version)
    s.press("Learn from my edits")
    assert s.said[0].startswith("No EQ on the selected tracks was changed by hand.") and s.backend.learned == []
    by_hand(s, 1, gain_db=3.0)
    turned = fx_list(s.project.tracks[0])[0].eq.state
    s.press("Learn from my edits")
    ((task,),) = [body["edits"] for body in s.backend.learned]
    assert (task["word"], task["intensity"]) == ("warm", 1.0) and len(task["heard"]["ltas"].split()) == 59
    assert [band["gain_db"] for band in task["computed"]["bands"]] == pytest.approx(computed("warm"))
    assert task["made"]["bands"][1]["gain_db"] == pytest.approx(3.0, abs=1e-3)
    assert set(task["made"]["bands"][1]) == {"kind", "freq_hz", "gain_db", "bandwidth_oct", "enabled"}
    assert s.said[1:] == [
        "Learned from your change on 'Vox'. Now known of you: 1 setting of 'warm'. Nothing of it leaves this computer."
    ]
    assert labels(s) == ["AEQ: make warmer", "AEQ: learn from my edits"] and name(s) == "AEQ: warm 100% (edited)"
    assert fx_list(s.project.tracks[0])[0].eq.state == turned
    s.press("Learn from my edits")
    assert s.said[-1] == "Your change on 'Vox' was learned already. Change the EQ further to teach more."
    assert len(s.backend.learned) == 1


def test_the_next_answer_has_a_part_by_itself_and_only_the_rest_is_kept_beside_it(open_song, sound):
    """0.45 of it: the answer comes with that, and together it is what the hand made."""
    s = pressed(open_song, sound)
    by_hand(s, 1, gain_db=3.0)
    turned = gains(s)
    s.press("Learn from my edits")

    def later(task):
        found = answer(task)
        found["bands"][1]["gain_db"] += 0.45 * 1.5
        return found

    s.backend.answer = later
    s.press("Make warmer")
    assert gains(s) == turned and s.said[-1] == KEPT.format("+0.8 dB at 433 Hz")
    assert "taught" not in record(s)
    s.press("Start afresh")
    assert gains(s)[1] == pytest.approx(1.5 + 0.45 * 1.5, abs=2e-3) and name(s) == "AEQ: warm 100%"


@pytest.mark.parametrize(("lua", "version"), BOTH)
def test_by_itself_only_where_the_setting_says_so_and_once(open_song, sound, lua, version):
    s = pressed(open_song, sound, lua=lua, version=version)
    by_hand(s, 1, gain_db=3.0)
    s.press("Make warmer")
    assert s.backend.learned == []
    s.reaper.ext_state.values[("reaper-aeq", "settings")] = '{"learn_by_itself": true}'
    by_hand(s, 1, gain_db=3.5)
    turned = gains(s)
    s.press("Make warmer")
    assert len(s.backend.learned) == 1 and s.said[-1].startswith("Learned from your change on 'Vox'.")
    assert labels(s) == ["AEQ: make warmer"] * 3
    assert gains(s) == turned, "whatever of it the answer has by itself"
    s.press("Make warmer")
    assert len(s.backend.learned) == 1 and gains(s) == turned
    s.press("Make airier")
    s.press("Make airier")
    assert len(s.backend.learned) == 1


def test_another_sound_has_the_part_that_its_word_is_said_to_have(open_song, sound):
    """This backend's answers learn nothing, so the 0.45 are missing; the same question would leave the hand's work."""
    s = pressed(open_song, sound)
    by_hand(s, 1, gain_db=3.0)
    s.press("Learn from my edits")
    s.backend.answer = lambda task: answer(task) | {"heard": {"sample_rate": 48000, "kind": None, "ltas": "1 2"}}
    s.press("Make warmer")
    assert gains(s)[1] == pytest.approx(3.0 - 0.45 * 1.5, abs=2e-3)


def test_what_is_refused_by_itself_does_not_stop_the_press(open_song, sound):
    s = pressed(open_song, sound)
    s.reaper.ext_state.values[("reaper-aeq", "settings")] = '{"learn_by_itself": true}'
    refusal = {"status": 400, "id": "%id", "sender": "%me", "body": {"error": "the store is full."}}
    s.backend.respond = lambda path: json.dumps(refusal).encode() if path == "/v1/profile/learn" else None
    by_hand(s, 1, gain_db=3.0)
    s.press("Make warmer")
    assert s.said[0].splitlines()[0] == "Your change on 'Vox' was not learned: reaper-aeq says: the store is full."
    assert name(s) == "AEQ: warm 100% (edited)"
    s.press("Learn from my edits")
    assert s.said[-1] == "reaper-aeq says: the store is full."


def test_of_several_words_nobody_knows_which_is_meant(open_song, sound):
    s = open_song([Strip("Vox", [Clip(sound, selected=True)]), Strip("Bass", [Clip(sound, selected=True)])])
    s.press("Make warmer")
    with s.reaper.as_user() as project:
        project.items[1].select(False)
    s.press("Make airier")
    with s.reaper.as_user() as project:
        project.items[1].select(True)
    by_hand(s, 1, gain_db=6.0)
    by_hand(s, 1, track=1, gain_db=3.0)
    s.press("Learn from my edits")
    ((task,),) = [body["edits"] for body in s.backend.learned]
    assert task["word"] == "warm" and "Learned from your change on 'Bass'." in s.said[0]
    assert "The EQ on 'Vox' is for several words" in s.said[0]


def test_an_eq_of_an_older_version_has_to_be_pressed_again(open_song, sound):
    s = open_song([Strip("Vox", [Clip(sound, selected=True)])])
    s.backend.answer = lambda task: {key: value for key, value in answer(task).items() if key != "heard"}
    s.press("Make warmer")
    by_hand(s, 1, gain_db=3.0)
    s.press("Learn from my edits")
    assert s.backend.learned == [] and "is not known any more. Press the word again" in s.said[0]


def test_learning_from_a_track_that_is_gone_by_then_changes_nothing(open_song, sound):
    s = pressed(open_song, sound)
    by_hand(s, 1, gain_db=3.0)
    before = s.project.bytes()
    s.backend.takes = False
    s.start("Learn from my edits")
    s.reaper.run_until(lambda: list(s.mailbox.glob("*.request")))
    other = s.reaper.open_tab(s.folder / "song.rpp")
    s.backend.takes = True
    s.reaper.run_until()
    assert s.said[-1].startswith("You changed to another project") and s.project.bytes() == before
    assert not other.undo_points


def test_rendered_sounds_are_learned_from_alike(open_song, sound):
    s = open_song([Strip("Vox", [Clip(sound)], selected=True)])
    always_render(s)
    s.press("Make warmer")
    by_hand(s, 1, gain_db=3.0)
    s.press("Learn from my edits")
    assert len(s.backend.learned) == 1 and s.left_behind() == []
