"""`live --sections`: envelopes of our ReaEQ's gains, through reapy, as the actions draw them."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from live_kit import RATE, ours
from standin.example import ItemSpec, TrackSpec, container, other, reaeq
from test_live_edited import turn
from test_live_envelopes import draw
from test_live_records import kept

from reaper_aeq.eq import Band, Eq
from reaper_aeq.reaper.reaeq.values import db_to_linear

HALF_S = 14.0


def song(studio, name: str = "two halves"):
    """A dull half, then a bright one."""
    path = studio.folder / f"{name}.wav"
    if not path.exists():
        halves = [soundfile.read(studio.noise(f"half {slope}", slope, HALF_S))[0] for slope in (-8.0, -1.0)]
        soundfile.write(path, np.concatenate(halves), RATE, subtype="FLOAT")
    return path


def vox(studio, position: float = 0.0, **more):
    return studio.open(
        [TrackSpec("Vox", [ItemSpec(song(studio), position=position, length=2 * HALF_S)], selected=True, **more)]
    )


def lanes(studio, track: int = 0, fx: int = 0) -> dict[int, list[tuple[float, float]]]:
    """{parameter: [(seconds, value)]} of the envelopes of an FX that move something."""

    def read(session, track, fx):
        from standin.envelopes import Envelope
        from standin.envelopes import lanes as lanes_of
        from standin.fx_chain import fx_list

        holder = session.reaper.project.tracks[track] if track >= 0 else session.reaper.project.master
        found = {number: Envelope(holder, node) for number, node in lanes_of(fx_list(holder)[fx])}
        return {number: envelope.values for number, envelope in found.items() if envelope.active and envelope.values}

    return studio.host.do(read, track, fx)


def sections(row) -> list[dict]:
    return row["sections"]


def test_the_gains_follow_the_song_in_one_step_and_undo_takes_all_of_it(studio, live):
    before = vox(studio, position=2.0)
    (row,) = live("warm", "--selected", "--sections")["tracks"]
    (_, held), *_ = ours(studio.host.bytes())["Vox"]
    drawn, bands = lanes(studio), len(held.bands)
    assert row["warnings"] == [] and studio.host.labels() == ["AEQ: warm 100% along the song"]
    first, second = sections(row)
    assert first["start_s"] == pytest.approx(2.0, abs=0.1) and second["start_s"] == pytest.approx(2 + HALF_S, abs=1.1)
    assert drawn and set(drawn) <= {*(3 * n + 1 for n in range(bands)), 3 * bands}
    for parameter, points in drawn.items():
        gains = [one["output_gain_db"] if parameter == 3 * bands else one["gains_db"][parameter // 3]
                 for one in sections(row)]  # fmt: skip
        scale = 1 if parameter == 3 * bands else 0.25
        times, values = zip(*points, strict=True)
        assert times == pytest.approx((0.0, second["start_s"] - 0.5, second["start_s"]), abs=1e-5)
        assert values == pytest.approx([scale * db_to_linear(gains[n]) for n in (0, 0, 1)], abs=1e-5)
    (record,) = kept(studio)["eqs"]
    assert sorted(record["lanes"]) == sorted(drawn)
    studio.host.undo()
    assert studio.host.bytes() == before


def test_back_to_one_eq_for_all_inserts_it_afresh(studio, live):
    vox(studio)
    live("warm", "--selected", "--sections")
    live("warm", "--selected")
    assert lanes(studio) == {} and b"PARMENV" not in studio.host.bytes() and len(ours(studio.host.bytes())["Vox"]) == 1
    assert "lanes" not in kept(studio)["eqs"][0]
    live("bright", "--selected", "--sections")
    assert lanes(studio) and len(ours(studio.host.bytes())["Vox"]) == 1
    live("remove", "--selected")
    assert b"PARMENV" not in studio.host.bytes()


def test_wet_mix_and_the_users_name_go_with_a_fresh_instance(studio, live):
    vox(studio)
    live("warm", "--selected", "--sections")

    def turned_down(session):
        from standin.fx_chain import fx_list

        with session.reaper.as_user() as project:
            fx_list(project.tracks[0])[0].rename("my verse eq")
            fx_list(project.tracks[0])[0].set_wet(0.5)

    def read(session):
        from standin.fx_chain import fx_list

        return [(fx.renamed, fx.wet, fx.flag(0)) for fx in fx_list(session.reaper.project.tracks[0])]

    studio.host.do(turned_down)
    before = studio.host.bytes()
    live("warm", "--selected")
    assert studio.host.do(read) == [("my verse eq", 0.5, False)] and lanes(studio) == {}
    studio.host.undo()
    assert studio.host.bytes() == before


def test_a_steady_song_gets_none_and_the_row_says_so(studio, live):
    studio.open([TrackSpec("Vox", [ItemSpec(studio.noise("steady", -5.0, 20.0), length=20.0)], selected=True)])
    (row,) = live("warm", "--selected", "--sections")["tracks"]
    assert lanes(studio) == {} and row["warnings"] == [
        "it needs no movement along the song: one EQ does for all of it"
    ] and ours(studio.host.bytes())["Vox"]  # fmt: skip


def test_your_own_envelope_is_left_alone_and_ours_go_beside_it(studio, live):
    vox(studio)
    live("warm", "--selected", "--sections")
    drawn = lanes(studio)
    draw(studio, 0, 2, 0.3)  # a bandwidth
    live("warm", "--selected", "--sections")
    assert lanes(studio)[2] == [(0.0, 0.3)] and set(lanes(studio)) == {*drawn, 2}
    (row,) = live("warm", "--selected")["tracks"]
    assert lanes(studio) == {2: [(0.0, 0.3)]}  # emptied and off: no call deletes one
    assert "follow" not in " ".join(row["warnings"])


def test_what_was_turned_by_hand_is_on_top_in_every_section(studio, live):
    vox(studio)
    live("warm", "--selected")
    (_, held), *_ = ours(studio.host.bytes())["Vox"]
    turn(studio, 0, gain_db=held.bands[0].gain_db + 2.0)
    (row,) = live("warm", "--selected", "--sections")["tracks"]
    ((name, _),) = ours(studio.host.bytes())["Vox"]
    assert name == "AEQ: warm 100% (edited)" and any("changed by hand is kept" in text for text in row["warnings"])
    turned = held.bands[0]
    # the bands of all sections may lie in another order than those of one EQ for the song
    place, band = min(enumerate(row["bands"]), key=lambda one: abs(np.log2(one[1]["freq_hz"] / turned.freq_hz)))
    assert band["kind"] == turned.kind.value
    computed = [one["gains_db"][place] + 2.0 for one in sections(row)]
    assert [value for _, value in lanes(studio)[3 * place + 1][1:]] == pytest.approx(
        [0.25 * db_to_linear(gain_db) for gain_db in computed], rel=1e-3
    )


def test_in_a_container_it_has_one_eq_and_says_why(studio, live):
    vox(studio, fx=[container(reaeq(Eq((Band("band", 300, 2),)), "AEQ: warm 20%"))])
    (row,) = live("warm", "--selected", "--sections")["tracks"]
    assert any("lies in a container" in text for text in row["warnings"]) and b"PARMENV" not in studio.host.bytes()


@pytest.mark.parametrize("rendered", [False, True])
def test_regions_say_where_sections_begin(studio, live, rendered):
    more = ["MARKER 1 3 verse 1", "MARKER 1 9 verse 1", "MARKER 2 20 x 0"]
    data = vox(studio).replace(b"\n  <TRACK", ("\n  " + "\n  ".join(more) + "\n  <TRACK").encode(), 1)
    studio.host.open(data)
    (row,) = live("warm", "--selected", "--sections", *(["--render"] * rendered))["tracks"]
    starts = [one["start_s"] for one in sections(row)]
    assert set(np.round(starts[1:], 1)) <= {3.0, 9.0} and len(starts) > 1


def test_a_rendered_track_is_heard_from_end_to_end(studio, live):
    """What has to be rendered is heard for a minute at most: the second half of this one begins behind that."""
    path = studio.folder / "long.wav"
    halves = [soundfile.read(studio.noise(f"long {slope}", slope, 45.0))[0] for slope in (-8.0, -1.0)]
    soundfile.write(path, np.concatenate(halves), RATE, subtype="FLOAT")
    studio.open([TrackSpec("Vox", [ItemSpec(path, length=90.0)], selected=True, fx=[other()])])
    (row,) = live("warm", "--selected", "--sections", "--render")["tracks"]
    assert [one["start_s"] for one in sections(row)] == pytest.approx([0.0, 45.0], abs=1.1)


def test_a_plan_with_sections_and_its_master(studio, live, tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text(
        '[default]\nword = "warm"\nsections = true\n\n[master]\nword = "bright"\nintensity = 0.5\nsections = true\n'
    )
    vox(studio)
    before = studio.host.bytes()
    track, master = live("project", "--plan", plan)["tracks"]
    assert sections(track) and sections(master) and lanes(studio) and lanes(studio, -1)
    assert studio.host.labels() == ["AEQ: plan plan (2 tracks)"]
    live("project", "--plan", plan)  # ours on the master are known again
    assert studio.host.bytes().count(b"<PARMENV") == len(lanes(studio)) + len(lanes(studio, -1))
    plan.write_text(plan.read_text().replace("sections = true", "sections = false"))
    live("project", "--plan", plan)
    assert b"PARMENV" not in studio.host.bytes()
    for _ in range(len(studio.host.labels())):
        studio.host.undo()
    assert studio.host.bytes() == before


def test_what_reaeq_does_not_take_is_taken_back(studio, refused):
    vox(studio)
    with studio.host.function("InsertEnvelopePoint", lambda real, reaper, *arguments: True):
        assert "did not take the values (its envelopes)" in refused("warm", "--selected", "--sections")
    with studio.host.function(
        "TrackFX_GetFormattedParamValue", lambda real, reaper, *arguments: (True, "-7.7")
    ):  # fmt: skip
        assert "the scale of its gains" in refused("warm", "--selected", "--sections")


def test_a_method_that_makes_one_eq_only_says_so(studio, refused):
    vox(studio)
    assert "follows the song is not refined" in refused("warm", "--selected", "--sections", "--method", "refine")
