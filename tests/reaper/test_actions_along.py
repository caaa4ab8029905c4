"""An EQ that follows the song, in REAPER: envelopes of our ReaEQ's gains and nothing else, in one undo step."""

from __future__ import annotations

import numpy as np
import pytest
from actions_kit import RATE, TONE, Clip, Strip, always_render, noise, ours, reaeq
from fake_backend import answer
from standin import Disputed
from standin.envelopes import Envelope
from standin.envelopes import lanes as lanes_of
from standin.fx_chain import fx_list
from standin.injection import draw_envelope, turn_band
from standin.registry import FUNCTIONS
from standin.tree import Node
from standin.undo import record
from test_actions_between import slow

from reaper_aeq.eq import Band

SHARES = (1.0, 0.5, -0.4, 0.3, -0.8)
WARM = 3.0
ALONG = "Make warmer along the song"


def following(starts_s=(0.0, 0.1, 0.25), amounts=(1.0, 2.0, 0.5), still=(), length_s=0.4):
    """An answer whose gains are so many times those of the fake one in each section; the bands `still` stand still."""

    def respond(task):
        whole = answer(task)
        if not task.get("sections"):
            return whole
        ends = [*starts_s[1:], length_s]
        sections = [
            {
                "start_s": start, "stop_s": stop, "score": {"before": 0.4, "after": 0.6},
                "gains_db": [
                    band["gain_db"] * (1.0 if n in still else amount) for n, band in enumerate(whole["bands"])
                ],
                "output_gain_db": whole["output_gain_db"] * amount,
            }
            for start, stop, amount in zip(starts_s, ends, amounts, strict=True)
        ]  # fmt: skip
        return whole | {"sections": sections}

    return respond


def song(open_song, tmp_path, respond=None, **options):
    sound = noise(tmp_path / "a.wav")
    s = open_song([Strip("Vox", [Clip(sound)], selected=True)], **options)
    s.backend.answer = respond or following()
    return s


def lanes(session, track=0, fx=0):
    """{parameter: [(seconds, value)]} of an FX, those that are switched off left out."""
    holder = session.project.master if track == "master" else session.project.tracks[track]
    one = fx_list(holder)[fx]
    found = {number: Envelope(holder, node) for number, node in lanes_of(one)}
    return {number: envelope.values for number, envelope in found.items() if envelope.active}


def db(value, count=5, parameter=0):
    return 20 * np.log10(value * (1 if parameter == 3 * count else 4))


@pytest.mark.parametrize("overrides", ["later", "at once"])
def test_gains_move_on_the_envelopes_own_scale_in_one_step(open_song, tmp_path, overrides):
    s = song(open_song, tmp_path, disputed=Disputed(envelope_overrides=overrides))
    s.press(ALONG)
    assert s.said == [] and [point.label for point in s.project.undo_points] == ["AEQ: make warmer along the song"]
    found = lanes(s)
    assert set(found) == {1, 4, 7, 10, 13, 15}  # the gain of each band, and Global Gain
    times = [at for at, _ in found[1]]
    assert times == pytest.approx([0.0, 0.05, 0.1, 0.175, 0.25])
    assert [db(value) for _, value in found[1]] == pytest.approx([3.0, 3.0, 6.0, 6.0, 1.5], abs=1e-4)
    assert [db(value, parameter=15) for _, value in found[15]][2] == pytest.approx(-0.31 * 6, abs=1e-4)
    assert not list(s.project.master.node.nodes("EXTSTATE"))
    [task] = s.backend.jobs[0]["tasks"]
    assert task["sections"] is True and "edges_s" not in task
    s.reaper.undo()
    assert s.project.bytes() == s.before


def test_what_stands_still_gets_no_lane(open_song, tmp_path):
    s = song(open_song, tmp_path, following(still=(1, 2, 3)))
    s.press(ALONG)
    assert set(lanes(s)) == {1, 13, 15}


def test_a_steady_song_gets_none_and_the_sentence_says_so(open_song, tmp_path):
    s = song(open_song, tmp_path, answer)
    s.press(ALONG)
    assert lanes(s) == {} and ours(s.project)["Vox"][0][0] == "AEQ: warm 100%"
    assert s.said == ["'Vox' needs no movement along the song: one EQ does for all of it."]


def test_static_again_is_a_fresh_instance_in_the_same_place(open_song, tmp_path):
    sound = noise(tmp_path / "a.wav")
    user = reaeq(Band("band", 500.0, 3.0), name="mine")
    s = open_song([Strip("Vox", [Clip(sound, selected=True)], fx=[TONE, user])])
    s.backend.answer = following()
    s.press(ALONG)
    track = s.project.tracks[0]
    before = fx_list(track)[0].guid
    assert lanes(s)
    s.press("Make warmer")
    chain = fx_list(track)
    assert s.said == [] and [fx.renamed for fx in chain] == ["AEQ: warm 100%", "", "mine"]
    assert chain[0].guid != before and lanes(s) == {} and not lanes_of(chain[0])
    assert len(s.project.undo_points) == 2
    s.reaper.undo()
    assert lanes(s)


def test_followed_again_it_has_the_new_lanes_alone(open_song, tmp_path):
    s = song(open_song, tmp_path)
    s.press(ALONG)
    s.backend.answer = following((0.0, 0.2), (1.0, 0.0), still=(0, 4))
    s.press(ALONG)
    assert set(lanes(s)) == {4, 7, 10, 15} and len(fx_list(s.project.tracks[0])) == 1
    assert set(lanes(s)) == {number for number, _ in lanes_of(fx_list(s.project.tracks[0])[0])}


@pytest.mark.parametrize("overrides", ["later", "at once"])
def test_more_and_less_scale_the_lanes(open_song, tmp_path, overrides):
    s = song(open_song, tmp_path, disputed=Disputed(envelope_overrides=overrides))
    s.press(ALONG)
    drawn = lanes(s)
    s.press("More")
    assert s.said == []
    for parameter, points in lanes(s).items():
        was = [db(value, parameter=parameter) for _, value in drawn[parameter]]
        assert [db(value, parameter=parameter) for _, value in points] == pytest.approx(
            [1.25 * x for x in was], abs=1e-4
        )
    s.press("Less")
    for parameter, points in lanes(s).items():
        assert [value for _, value in points] == pytest.approx([value for _, value in drawn[parameter]], abs=1e-6)
    assert ours(s.project)["Vox"][0][0] == "AEQ: warm 100%"


def test_more_stops_where_a_lane_is_at_its_limit(open_song, tmp_path):
    s = song(open_song, tmp_path, following(amounts=(1.0, 3.8, 0.5)))
    s.press(ALONG)
    s.press("More")
    assert max(db(value) for _, value in lanes(s)[1]) == pytest.approx(12.0, abs=1e-3)
    s.press("More")
    assert "at its limit already" in s.said[0]


def test_more_keeps_what_the_user_has_drawn_on(open_song, tmp_path):
    s = song(open_song, tmp_path)
    s.press(ALONG)
    with s.reaper.as_user() as project:
        node = lanes_of(fx_list(project.tracks[0])[0])[0][1]
        Envelope(project.tracks[0], node).node.body.append(f"{node.indent}  PT 0.4 {10 ** (-3 / 20) / 4!r} 0")
        project.touch()
    s.press("More")
    assert db(lanes(s)[1][-1][1]) == pytest.approx(-3.75, abs=1e-4)


def test_compare_and_remove(open_song, tmp_path):
    s = song(open_song, tmp_path)
    s.press(ALONG)
    drawn = lanes(s)
    s.press("Compare")
    assert fx_list(s.project.tracks[0])[0].flag(0) and lanes(s) == drawn and s.said == []
    s.press("Compare")
    s.press("Remove")
    assert s.project.bytes().count(b"PARMENV") == 0 and ours(s.project) == {}


def test_the_users_lanes_stay_as_they_are(open_song, tmp_path):
    """On a parameter that does not move, and on one that would: it is left to the user's."""
    s = song(open_song, tmp_path)
    s.press("Make warmer")
    with s.reaper.as_user() as project:
        draw_envelope(project.tracks[0], 0, 4, 0.5)
        draw_envelope(project.tracks[0], 0, 0, 0.3)
    mine = {number: list(node.lines()) for number, node in lanes_of(fx_list(s.project.tracks[0])[0])}
    s.press(ALONG)
    chain = fx_list(s.project.tracks[0])
    kept = {number: list(node.lines()) for number, node in lanes_of(chain[0])}
    assert len(chain) == 1 and kept[0] == mine[0] and kept[4] == mine[4]
    assert set(lanes(s)) == {0, 1, 4, 7, 10, 13, 15}
    s.reaper.ui.messages.clear()
    s.press("Make warmer")
    kept = {number: list(node.lines()) for number, node in lanes_of(fx_list(s.project.tracks[0])[0])}
    assert kept[0] == mine[0] and kept[4] == mine[4] and set(lanes(s)) == {0, 4}
    assert "has envelopes of yours, so it was kept" in s.said[0]
    s.press(ALONG)  # ours are used again
    assert set(lanes(s)) == {0, 1, 4, 7, 10, 13, 15}


def test_lanes_are_not_drawn_on_bands_of_another_type(open_song, tmp_path):
    """REAPER would let them die without a sign."""
    s = song(open_song, tmp_path, disputed=Disputed(retyped_lanes="dead"))
    s.press(ALONG)
    with s.reaper.as_user() as project:
        draw_envelope(project.tracks[0], 0, 17, 0.5)

    def other(task):
        found = following()(task)
        kinds = ["high_shelf", "band", "band", "band", "low_shelf"]
        bands = [band | {"kind": kind} for band, kind in zip(found["bands"], kinds, strict=True)]
        return found | {"bands": bands}

    s.backend.answer = other
    s.press(ALONG)
    assert set(lanes(s)) == {17} and "its gains cannot follow the song with its new bands" in "\n".join(s.said)
    [(_, state)] = ours(s.project)["Vox"]
    assert [band.type for band in state.bands[:5]] == [1, 8, 8, 8, 0]


def test_a_lane_of_the_user_goes_with_no_press(open_song, tmp_path):
    s = song(open_song, tmp_path)
    s.press(ALONG)
    with s.reaper.as_user() as project:
        draw_envelope(project.tracks[0], 0, 17, 0.5)  # wet
    guid = fx_list(s.project.tracks[0])[0].guid
    s.press("Make warmer")
    assert fx_list(s.project.tracks[0])[0].guid == guid and set(lanes(s)) == {17}


def test_wet_mix_and_the_users_name_go_with_a_fresh_instance(open_song, tmp_path):
    s = song(open_song, tmp_path)
    s.press(ALONG)
    with s.reaper.as_user() as project:
        fx = fx_list(project.tracks[0])[0]
        fx.rename("my verse eq")
        fx_list(project.tracks[0])[0].set_wet(0.5)
    s.press("Make warmer")
    [fx] = fx_list(s.project.tracks[0])
    assert fx.renamed == "my verse eq" and fx.wet == 0.5 and not lanes_of(fx)
    s.press(ALONG)  # and it is still known as ours
    assert len(fx_list(s.project.tracks[0])) == 1 and lanes(s)


def test_regions_are_the_cuts(open_song, tmp_path):
    s = song(open_song, tmp_path)
    with s.reaper.as_user() as project:
        indent = project.root.indent + "  "
        lines = ["MARKER 1 0 Verse 1", 'MARKER 1 0.2 "" 1', "MARKER 2 0.2 Chorus 1", 'MARKER 2 0.4 "" 1']
        project.root.body[1:1] = [indent + line for line in [*lines, "MARKER 3 0.3 mark 0"]]
        project.touch()
    s.press(ALONG)
    assert s.backend.jobs[0]["tasks"][0]["edges_s"] == pytest.approx([0.0, 0.2, 0.2, 0.4])


def test_rendered_sound_is_brought_to_the_projects_time(open_song, tmp_path):
    """Two items with a pause between: the file that is heard has none."""
    sound = noise(tmp_path / "a.wav")
    clips = [Clip(sound, 1.0, selected=True), Clip(sound, 5.0, selected=True)]
    s = open_song([Strip("Vox", clips)])
    always_render(s)
    s.backend.answer = following((0.0, 0.4), (1.0, 2.0))
    with s.reaper.as_user() as project:
        project.root.body[1:1] = [
            project.root.indent + "  " + line for line in ("MARKER 1 1.2 a 1", 'MARKER 1 5.1 "" 1')
        ]
        project.touch()
    s.press(ALONG)
    assert s.said == []
    [task] = s.backend.jobs[0]["tasks"]
    assert task["edges_s"] == pytest.approx([0.2, 0.5], abs=1e-6) and "path" in task
    assert [at for at, _ in lanes(s)[1]] == pytest.approx([0.0, 4.5, 5.0], abs=1e-3)


def test_the_master_keeps_its_lanes_beside_the_project(open_song, tmp_path):
    sound = noise(tmp_path / "a.wav")
    s = open_song([Strip("Vox", [Clip(sound)])])
    s.backend.answer = following()
    with s.reaper.as_user() as project:
        project.master.select(True)
    s.before = s.project.bytes()
    s.press(ALONG)
    assert s.said == [] and set(lanes(s, "master")) == {1, 4, 7, 10, 13, 15}
    s.press("Make warmer")
    assert s.said == [] and lanes(s, "master") == {} and len(fx_list(s.project.master)) == 1
    s.reaper.undo()
    s.reaper.undo()
    assert s.project.bytes() == s.before


def test_an_eq_of_the_masters_that_is_redone_right_before_the_block_is_kept_with_its_lanes(open_song, tmp_path):
    """The user makes steps all the while, and redoes it without its lanes: what the project keeps of these then belongs
    to the step that is made."""
    s = open_song([Strip("Vox", [Clip(noise(tmp_path / "a.wav"))])])
    s.backend.answer = following()
    with s.reaper.as_user() as project:
        project.master.select(True)
    s.press(ALONG)
    with s.reaper.as_user() as project:
        master = fx_list(project.master)[0]
        for _, node in lanes_of(master):
            master.chain.body.remove(node)
        record(project, "of the user")
    s.reaper.undo()
    s.reaper.undo()
    slow(s)
    asked, tries = len(s.backend.jobs), 0
    s.start("Make warmer")
    while tries < 3:
        with s.reaper.as_user() as project:
            project.steps += 1
        s.reaper.step(1)
        is_asked = len(s.backend.jobs) > asked
        tries += is_asked and s.reaper.cycles[-1].called["GetProjectStateChangeCount"] > 0
    assert s.reaper.scripts and not s.project.undo_points
    with s.reaper.as_user() as project:
        FUNCTIONS["Undo_DoRedo2"](project.reaper, project)
        FUNCTIONS["Undo_DoRedo2"](project.reaper, project)
    s.reaper.run_until()
    assert s.said == [] and lanes(s, "master") == {} and len(fx_list(s.project.master)) == 1


def test_the_setting_makes_every_word_follow(open_song, tmp_path):
    s = song(open_song, tmp_path)
    s.reaper.ext_state.values[("reaper-aeq", "settings")] = '{"follow_song": true}'
    s.press("Make airier")
    assert s.said == [] and lanes(s)
    s.backend.answer = answer
    s.press("Make airier")  # nobody asked for movement by name: nothing to be told
    assert s.said == [] and lanes(s) == {}


def test_repeating_follows_again(open_song, tmp_path):
    s = song(open_song, tmp_path)
    s.press(ALONG)
    s.press("Remove")
    s.reaper.ext_state.values[("reaper-aeq", "last_press")] = (
        '{"what":"make","title":"make warmer along the song","blend":[{"word":"warm","weight":1}],"along":true}'
    )
    s.press("Repeat last press")
    assert lanes(s)


@pytest.mark.parametrize(
    "sections",
    [
        "x", [], [{"start_s": 0}],
        [{"start_s": 0.0, "stop_s": 1.0, "gains_db": [0.0], "output_gain_db": 0.0}] * 2,
        [{"start_s": 0.0, "stop_s": 1.0, "gains_db": [99.0] * 5, "output_gain_db": 0.0},
         {"start_s": 1.0, "stop_s": 2.0, "gains_db": [0.0] * 5, "output_gain_db": 0.0}],
        [{"start_s": 1.0, "stop_s": 2.0, "gains_db": [1.0] * 5, "output_gain_db": 0.0},
         {"start_s": 0.0, "stop_s": 1.0, "gains_db": [0.0] * 5, "output_gain_db": 0.0}],
    ],
)  # fmt: skip
def test_sections_that_make_no_sense_change_nothing(open_song, tmp_path, sections):
    s = song(open_song, tmp_path, lambda task: answer(task) | {"sections": sections})
    s.press(ALONG)
    assert s.unchanged and "makes no sense" in s.said[0]


def test_a_touch_mode_is_lifted_while_lanes_are_drawn(open_song, tmp_path):
    s = song(open_song, tmp_path)
    with s.reaper.as_user() as project:
        project.tracks[0].node.set("AUTOMODE", ["3"])
        project.touch()
    s.press(ALONG)
    assert s.said == [] and lanes(s) and s.project.tracks[0].node.get("AUTOMODE") == ["3"]


def test_new_lanes_are_neither_armed_nor_shown(open_song, tmp_path):
    s = song(open_song, tmp_path)
    s.press(ALONG)
    for _, node in lanes_of(fx_list(s.project.tracks[0])[0]):
        assert isinstance(node, Node) and node.get("ARM") == ["0"] and node.get("VIS")[0] == "0"
    assert RATE


def turned(s):
    """The user moves the first band's frequency and lifts the second, which stands still, by 2 dB."""
    with s.reaper.as_user() as project:
        track = project.tracks[0]
        held = fx_list(track)[0].eq.state.bands
        turn_band(track, 0, 0, freq_hz=held[0].freq_hz * 1.2)
        turn_band(track, 0, 1, gain_db=20 * np.log10(held[1].gain) + 2.0)
    return fx_list(s.project.tracks[0])[0].eq.state.bands


@pytest.mark.parametrize("along", [True, False])
def test_what_a_hand_turned_is_kept_whether_the_next_answer_moves_or_not(open_song, tmp_path, along):
    s = song(open_song, tmp_path, following(still=(1,)))
    s.press(ALONG)
    drawn = lanes(s)
    hand = turned(s)
    s.press(ALONG if along else "Make warmer")
    [fx] = fx_list(s.project.tracks[0])
    now = fx.eq.state.bands
    assert fx.renamed == "AEQ: warm 100% (edited)"
    assert now[0].freq_hz == pytest.approx(hand[0].freq_hz, rel=1e-3)
    assert 20 * np.log10(now[1].gain / hand[1].gain) == pytest.approx(0.0, abs=0.02)
    assert len(s.said) == 1 and "your change is kept" in s.said[0]
    found = lanes(s)
    assert set(found) == (set(drawn) if along else set())
    for parameter, points in found.items():
        assert np.allclose(points, drawn[parameter])
    s.press("Start afresh")
    [fx] = fx_list(s.project.tracks[0])
    assert fx.renamed == "AEQ: warm 100%" and set(lanes(s)) == set(found)
    assert fx.eq.state.bands[0].freq_hz == pytest.approx(hand[0].freq_hz / 1.2, rel=1e-3)


def test_more_keeps_what_a_hand_turned_in_a_moving_eq(open_song, tmp_path):
    s = song(open_song, tmp_path, following(still=(1,)))
    s.press(ALONG)
    drawn, before = lanes(s), fx_list(s.project.tracks[0])[0].eq.state.bands[1].gain
    hand = turned(s)
    s.press("More")
    [fx] = fx_list(s.project.tracks[0])
    band_db = 20 * np.log10(fx.eq.state.bands[1].gain)
    assert band_db == pytest.approx(1.25 * 20 * np.log10(before) + 2.0, abs=0.02)
    assert fx.eq.state.bands[0].freq_hz == pytest.approx(hand[0].freq_hz, rel=1e-3)
    for parameter, points in lanes(s).items():
        was = [db(value, parameter=parameter) for _, value in drawn[parameter]]
        assert [db(value, parameter=parameter) for _, value in points] == pytest.approx(
            [1.25 * x for x in was], abs=1e-3
        )


def test_a_fresh_eq_in_the_place_of_one_that_followed_the_song_is_heard_as_that_was(open_song, tmp_path):
    s = song(open_song, tmp_path)
    s.press(ALONG)
    s.press("Hear only the change")
    s.press(ALONG)
    assert fx_list(s.project.tracks[0])[0].delta and s.said == []
    s.press("Hear only the change")
    s.press(ALONG)
    assert not fx_list(s.project.tracks[0])[0].delta
