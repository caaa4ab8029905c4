"""What is kept about an EQ of ours, written by a newer version or damaged: no action stumbles over it."""

from __future__ import annotations

import json
import math

import pytest
from actions_kit import Clip, Strip
from panel_kit import Panel, told
from standin.behavior import Preferences
from standin.fx_chain import fx_list
from standin.injection import set_bands, turn_band

from reaper_aeq.reaper.instance_record import loads
from reaper_aeq.reaper.reaeq.state import StateBand

TILT = {"kind": "tilt", "freq_hz": 900.0, "gain_db": 2.0, "bandwidth_oct": 1.0, "enabled": True}
LOUD = {"kind": "band", "freq_hz": 900.0, "gain_db": 90.0, "bandwidth_oct": 1.0, "enabled": True}
DAMAGED = {
    "a newer kind of band": lambda one: one["eq"]["bands"].__setitem__(1, TILT),
    "a gain that no ReaEQ has": lambda one: one["eq"]["bands"].__setitem__(1, LOUD),
    "a number of a kind that is none": lambda one: one["eq"]["bands"][1].update(state="bell"),
    "an output gain that no ReaEQ has": lambda one: one["eq"].update(output_gain_db=300.0),
    "another form of EQ": lambda one: one.update(eq={"curve": [1, 2, 3]}),
    "no EQ": lambda one: one.pop("eq"),
    "other types": lambda one: one.update(seen={"why": 7, "kind": None, "source": [], "most": {}}, times="x", told=3),
    "nothing seen": lambda one: one.update(seen=None, heard=None, lanes=None, learned={}),
}
# such a record counts as nothing, and the EQ is known by its name alone
NOTHING = {
    "another form of blend": lambda one: one.update(blend=[{"word": "warm", "weight": {"mean": 1}}]),
    "a weight without end": lambda one: one["blend"][0].update(weight=1e300),
}
UNREADABLE = (
    "What was computed for the EQ on 'Vox' cannot be read: a newer reaper-aeq wrote it, or it is damaged. "
    "The EQ was left as it is. Press its word again to get a new one."
)


def kept(s, track: int = 0) -> dict:
    return json.loads(s.project.tracks[track].node.node("EXT").get("reaper-aeq")[0])


def keep(s, change, track: int = 0) -> None:
    with s.reaper.as_user() as project:
        found = kept(s, track)
        change(found["eqs"][0])
        project.tracks[track].node.node("EXT").set("reaper-aeq", [json.dumps(found)])
        project.touch()


def pressed(open_song, sound, count: int = 1, **options):
    s = open_song([Strip(f"Vox {n}" if n else "Vox", [Clip(sound)], selected=True) for n in range(count)], **options)
    s.backend.answer = told
    s.press("Make warmer")
    assert s.said == []
    return s


def rename(s, name: str, track: int = 0) -> None:
    with s.reaper.as_user() as project:
        fx_list(project.tracks[track])[0].rename(name)


def turn(s, gain_db: float, track: int = 0, band: int = 1) -> None:
    with s.reaper.as_user() as project:
        turn_band(project.tracks[track], 0, band, gain_db=gain_db)


def gains(s, track: int = 0) -> list[float]:
    fx = fx_list(s.project.tracks[track])[0]
    return [round(20 * math.log10(band.gain), 2) for band in fx.eq.state.bands]


ACTIONS = ["Compare", "Compare", "More", "Less", "Why", "Hear only the change", "Hear only the change"]
ACTIONS += ["Learn from my edits", "Start afresh", "Next variation", "Make airier", "Master project", "Remove"]


@pytest.mark.parametrize(("name", "lua"), [("Vox color", "5.3"), ("AEQ: warm 100%", "5.4")])
@pytest.mark.parametrize("damage", DAMAGED | NOTHING)
def test_every_action_works_and_the_eq_is_still_ours(open_song, sound, damage, name, lua):
    s = pressed(open_song, sound, lua=lua)
    rename(s, name if damage in DAMAGED else "AEQ: warm 100%")
    turn(s, 3.0)
    keep(s, (DAMAGED | NOTHING)[damage])
    for action in ACTIONS:
        assert len(fx_list(s.project.tracks[0])) == 1
        s.press(action)
        assert "A bug in reaper-aeq" not in " ".join(s.said), action
    assert fx_list(s.project.tracks[0]) == []


@pytest.mark.parametrize("damage", DAMAGED | NOTHING)
def test_a_controller_works_too(open_song, sound, damage):
    s = pressed(open_song, sound)
    rename(s, "Vox color" if damage in DAMAGED else "AEQ: warm 100%")
    keep(s, (DAMAGED | NOTHING)[damage])
    full = gains(s)
    s.reaper.turn("AEQ_Intensity by controller or wheel", 0)
    s.reaper.run_until()
    assert s.said == []
    assert gains(s)[0] < full[0] / 10


@pytest.mark.parametrize("damage", DAMAGED | NOTHING)
def test_the_panel_shows_it(open_song, sound, damage):
    s = pressed(open_song, sound, preferences=Preferences(osara=True))
    rename(s, "Vox color" if damage in DAMAGED else "AEQ: warm 100%")
    keep(s, (DAMAGED | NOTHING)[damage])
    panel = Panel(s)
    for name in ("Compare", "More", "Variation", "Remove"):
        panel.click(name)
        panel.settle()
        assert "A bug in reaper-aeq" not in panel.ui.spoken[-1], name
    assert "no EQ yet" in panel.texts() and fx_list(s.project.tracks[0]) == []
    panel.close()


@pytest.mark.parametrize("damage", list(DAMAGED)[:6])
@pytest.mark.parametrize(("action", "lua"), [("Start afresh", "5.3"), ("Learn from my edits", "5.4")])
def test_what_was_computed_is_not_made_up(open_song, sound, damage, action, lua):
    s = pressed(open_song, sound, lua=lua)
    turn(s, 3.0)
    keep(s, DAMAGED[damage])
    before = s.project.bytes()
    s.press(action)
    assert s.said == [UNREADABLE] and s.project.bytes() == before and s.backend.learned == []


def test_those_that_can_be_read_are_started_afresh(open_song, sound):
    s = pressed(open_song, sound, 2)
    turn(s, 3.0)
    turn(s, 3.0, track=1)
    keep(s, DAMAGED["a newer kind of band"])
    s.press("Start afresh")
    assert s.said == [UNREADABLE] and (gains(s)[1], gains(s, 1)[1]) == (3.0, 1.5)


def test_a_record_that_cannot_be_read_is_kept_as_it_is_beside_another(open_song, sound):
    """A newer version, which can read it, finds it as it left it."""
    s = pressed(open_song, sound)
    rename(s, "Vox color")
    keep(s, DAMAGED["a newer kind of band"])
    before = kept(s)["eqs"][0]
    s.reaper.ext_state.values[("reaper-aeq", "reference")] = json.dumps({"path": str(sound), "name": "a.wav"})
    s.press("Match to reference")
    assert s.said == [] and len(fx_list(s.project.tracks[0])) == 2 and kept(s)["eqs"][0] == before


@pytest.mark.parametrize("way", ["More", "controller"])
def test_a_band_that_only_reaeq_knows_loses_no_record(open_song, sound, way):
    """It is off, so it is no change that is kept; what is noted of the EQ is what everybody can read, `live` too."""
    s = pressed(open_song, sound)
    with s.reaper.as_user() as project:
        set_bands(project.tracks[0], 0, lambda bands: (*bands, StateBand(10, False, 700.0, 1.2, 1.0)))
    if way == "More":
        s.press("More")
    else:
        s.reaper.turn("AEQ_Intensity by controller or wheel", 60, resolution=100)
        s.reaper.run_until()
    (record,) = loads(json.dumps(kept(s)), s.project.tracks[0].guid).records
    assert len(record.computed.bands) == 5
    turn(s, gains(s)[1] + 1.5)
    after = gains(s)[1]
    s.press("Compare")
    assert fx_list(s.project.tracks[0])[0].renamed.endswith("(edited)")
    s.press("Start afresh")
    assert s.said == [] and gains(s)[1] == pytest.approx(after - 1.5, abs=0.02)


def test_a_band_that_only_reaeq_knows_is_said_to_be_of_another_kind(open_song, sound):
    s = pressed(open_song, sound, preferences=Preferences(osara=True))
    with s.reaper.as_user() as project:
        set_bands(project.tracks[0], 0, lambda bands: (*bands, StateBand(10, True, 700.0, 1.0, 1.0)))
    s.press("Make airier")
    assert ", another kind at 700 Hz +0.0 dB, output" in s.reaper.ui.spoken[-2]
