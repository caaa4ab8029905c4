"""`live` and envelopes of our EQ's own parameters: what they override is said, the rest is written."""

from __future__ import annotations

import pytest
from live_kit import ours
from standin.example import ItemSpec, TrackSpec, other

GAIN_2, BYPASS = 4, 16  # of five bands


def draw(studio, track: int, parameter: int, value: float, fx: int = 0) -> None:
    def user(session, track, fx, parameter, value):
        from standin.injection import draw_envelope

        with session.reaper.as_user() as project:
            draw_envelope(project.tracks[track], fx, parameter, value)

    studio.host.do(user, track, fx, parameter, value)


def set_override(studio, when: str) -> None:
    studio.host.do(lambda session, when: setattr(session.reaper.disputed, "envelope_overrides", when), when)


@pytest.mark.parametrize("when", ["later", "at once"])
@pytest.mark.parametrize("command", [["warm 0.5, bright 0.5", "--selected"], ["project"]])
def test_what_an_envelope_overrides_is_said_and_the_rest_is_written(studio, live, command, when):
    studio.open([TrackSpec("Vox", [ItemSpec(studio.noise("dull", -6.0))], selected=True)])
    live("bright", "--selected")
    first = ours(studio.host.bytes())["Vox"][0][1]
    assert len(first.bands) >= 2 and first.bands[1].enabled
    set_override(studio, when)
    try:
        draw(studio, 0, GAIN_2, 0.5)
        row = live(*command)["tracks"][0]
    finally:
        set_override(studio, "later")
    (_, held), *_ = ours(studio.host.bytes())["Vox"]
    assert held != first and held.bands[1].gain_db == pytest.approx(6.02, abs=0.01)
    kind = held.bands[1].kind.value.replace("_", " ").title()
    assert [text for text in row["warnings"] if "envelope" in text] == [
        f"an envelope controls 'Gain-{kind} 2' of its EQ, so what was set there will not be heard: bypass or remove the"
        " envelope"
    ]


def test_what_an_envelope_switches_on_is_not_taken_for_off(studio, refused):
    studio.open([TrackSpec("Vox", [ItemSpec(studio.noise("dull", -6.0), selected=True)], fx=[other()])])
    count = studio.host.do(lambda session: _parameters(session))
    draw(studio, 0, count, 0.0)
    assert "switches" in refused("warm", "--selected", "--render")


def _parameters(session) -> int:
    from standin.fx_chain import fx_list
    from standin.fx_params import plugin_count

    return plugin_count(fx_list(session.reaper.project.tracks[0])[0])


def follow(studio, lane: int, value: float) -> None:
    """As the actions leave an EQ that follows the song: a lane, and its number beside the track."""

    def along(session, lane, value):
        import json

        from standin.injection import draw_envelope
        from standin.registry import FUNCTIONS

        with session.reaper.as_user() as project:
            draw_envelope(project.tracks[0], 0, lane, value)
            ext = FUNCTIONS["GetSetMediaTrackInfo_String"]
            kept = json.loads(ext(session.reaper, project.tracks[0], "P_EXT:reaper-aeq", "", False)[1])
            kept["eqs"][0]["lanes"] = [lane]
            ext(session.reaper, project.tracks[0], "P_EXT:reaper-aeq", json.dumps(kept), True)

    studio.host.do(along, lane, value)


def test_an_eq_that_follows_the_song_is_inserted_afresh(studio, live):
    studio.open([TrackSpec("Vox", [ItemSpec(studio.noise("dull", -6.0))], selected=True)])
    live("bright", "--selected")
    follow(studio, 1, 0.1)
    assert b"PARMENV" in studio.host.bytes()
    row = live("warm", "--selected")["tracks"][0]
    assert b"PARMENV" not in studio.host.bytes() and not row["warnings"]
    assert len(ours(studio.host.bytes())["Vox"]) == 1


def test_but_not_where_the_user_has_an_envelope_on_it(studio, live):
    studio.open([TrackSpec("Vox", [ItemSpec(studio.noise("dull", -6.0))], selected=True)])
    live("bright", "--selected")
    follow(studio, 1, 0.1)
    draw(studio, 0, 0, 0.3)
    live("warm", "--selected")
    text = studio.host.bytes().decode()
    lanes = text.split("<PARMENV ")[1:]
    assert [lane.split(":")[0] for lane in lanes] == ["1", "0"]
    assert "ACT 0" in lanes[0] and "ACT 1" in lanes[1]
