"""`reaper-aeq project` on EQs of ours that somebody turned by hand since: kept on the next answer, or dropped."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sounds import RATE, noise, store

sys.path.insert(0, str(Path(__file__).parents[1] / "reaper"))

from standin.example import ItemSpec, TrackSpec, write

from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.eq import Eq
from reaper_aeq.reaper.reaeq.instance import encode_state
from reaper_aeq.reaper.reaeq.state import StateBand
from reaper_aeq.reaper.rpp import track_ext
from reaper_aeq.reaper.rpp.fxchain import plugin_of, split_fx
from reaper_aeq.reaper.rpp.project import Project


@pytest.fixture
def song(tmp_path) -> Path:
    store(tmp_path / "vox.wav", noise(2, 2.0))
    return write(tmp_path / "song.rpp", [TrackSpec("Vox", [ItemSpec("vox.wav", 0.0, 2.0)])], sample_rate=RATE)


@pytest.fixture
def plan(tmp_path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text('[default]\nword = "warm"\n')
    return path


@pytest.fixture
def treat(run, tiny_models, plan):
    """Runs `project --in-place` and gives the row of the only track."""

    def once(song: Path, *more: str) -> dict:
        code, out, err = run(
            "project", song, "--in-place", "--plan", plan, "--models", tiny_models, "--json", "--force", *more
        )
        assert code == 0, err
        return json.loads(out)["tracks"][0]

    return once


def instance(song: Path):
    (found,) = [one for one in Project.read(song).tracks[0].eqs() if one.name.startswith("AEQ")]
    return found


def turn(song: Path, change) -> None:
    """The user changes what the EQ holds, as REAPER would save it: `change` of its state."""
    project = Project.read(song)
    chain = project.tracks[0].chunk.find("FXCHAIN")
    (fx,) = split_fx(chain)[1]
    state = change(instance(song).state)
    plugin = plugin_of(fx)
    plugin.children = plugin.made(encode_state(state))
    song.write_bytes(project.to_bytes())


def louder(state):
    first, *rest = state.bands
    return replace(state, bands=(replace(first, gain=first.gain * 10 ** (2.0 / 20)), *rest))


def curve(eq: Eq) -> np.ndarray:
    return eq.response_db(GRID_HZ, RATE)


def test_the_same_word_again_leaves_the_hands_work_to_the_last_byte(song, treat):
    treat(song)
    assert instance(song).name == "AEQ: warm 100%"
    computed = instance(song).eq
    turn(song, louder)
    turned = instance(song).state
    row = treat(song)
    assert instance(song).name == "AEQ: warm 100% (edited)" and instance(song).state == turned
    (told,) = [text for text in row["warnings"] if "by hand" in text]
    assert told.startswith("what was changed by hand is kept (+2.0 dB ") and told.endswith("--afresh drops it")
    once = song.read_bytes()
    treat(song)
    assert song.read_bytes() == once, "the same run again changes no byte"
    row = treat(song, "--afresh")
    assert instance(song).name == "AEQ: warm 100%" and np.abs(curve(instance(song).eq) - curve(computed)).max() < 1e-6
    assert not [text for text in row["warnings"] if "by hand" in text]


def test_another_word_has_it_on_top(song, treat, plan):
    treat(song)
    before = curve(instance(song).eq)
    turn(song, lambda state: replace(louder(state), bands=(*louder(state).bands, StateBand(6, True, 60.0, 1.0, 0.1))))
    change = curve(instance(song).eq) - before
    plan.write_text('[default]\nword = "warm"\nintensity = 0.5\n')
    treat(song, "--afresh")
    alone = curve(instance(song).eq)
    plan.write_text('[default]\nword = "warm"\n')
    treat(song, "--afresh")
    turn(song, lambda state: replace(louder(state), bands=(*louder(state).bands, StateBand(6, True, 60.0, 1.0, 0.1))))
    plan.write_text('[default]\nword = "warm"\nintensity = 0.5\n')
    treat(song)
    assert instance(song).name == "AEQ: warm 50% (edited)"
    assert np.abs(curve(instance(song).eq) - alone - change).max() < 0.6
    assert any(band.kind == "notch" for band in instance(song).eq.bands)


def test_a_kind_that_only_reaeq_knows_leaves_the_track_as_it_is(song, treat, plan):
    treat(song)
    turn(song, lambda state: replace(state, bands=(*state.bands, StateBand(10, True, 700.0, 1.2, 1.0))))
    before = song.read_bytes()
    plan.write_text('[default]\nword = "bright"\n')
    row = treat(song)
    assert "only ReaEQ can compute" in row["left_alone"] and song.read_bytes() == before


def test_what_the_actions_keep_is_known_here(song, treat):
    """An EQ that REAPER was given by a key: its record lies in the track's text, long ones as base64."""
    treat(song)
    kept = json.loads(track_ext.read(Project.read(song).tracks[0].chunk, "reaper-aeq"))
    assert kept["eqs"][0]["fx"] == instance(song).guid and kept["track"] == Project.read(song).tracks[0].guid
    project = Project.read(song)
    kept["eqs"][0]["heard"] = {"ltas": "-10 " * 400}
    kept["kind"] = "vocals"
    track_ext.write(project.tracks[0].chunk, "reaper-aeq", json.dumps(kept))
    assert b"<BIN reaper-aeq" in project.to_bytes()
    song.write_bytes(project.to_bytes())
    turn(song, louder)
    treat(song)
    assert instance(song).name == "AEQ: warm 100% (edited)"
    again = json.loads(track_ext.read(Project.read(song).tracks[0].chunk, "reaper-aeq"))
    assert again["kind"] == "vocals" and len(again["eqs"]) == 1 and again["eqs"][0]["name"].endswith("(edited)")


def test_an_eq_of_which_nothing_is_kept_is_replaced(song, treat):
    treat(song)
    project = Project.read(song)
    track_ext.write(project.tracks[0].chunk, "reaper-aeq", "")
    song.write_bytes(project.to_bytes())
    assert b"<EXT" not in song.read_bytes()
    turn(song, louder)
    treat(song)
    assert instance(song).name == "AEQ: warm 100%"


@pytest.fixture
def halves(tmp_path) -> Path:
    """A dull half, then a bright one."""
    dull, bright = noise(2, 14.0), np.diff(noise(2, 14.0, seed=1), prepend=0.0)
    bright *= dull.std() / bright.std()
    store(tmp_path / "halves.wav", np.concatenate([dull, bright], axis=1))
    return write(tmp_path / "halves.rpp", [TrackSpec("Vox", [ItemSpec("halves.wav", 0.0, 28.0)])], sample_rate=RATE)


def record(song: Path) -> dict:
    (found,) = json.loads(track_ext.read(Project.read(song).tracks[0].chunk, "reaper-aeq"))["eqs"]
    return found


def envelopes(song: Path) -> dict[int, str]:
    """{parameter: GUID}"""
    found = [chunk for chunk in Project.read(song).tracks[0].chunk.walk() if chunk.name == "PARMENV"]
    return {int(one.tokens[1].partition(":")[0]): one.values("EGUID")[0] for one in found}


def draw(song: Path, guid: str, lanes: list[int]) -> None:
    """An envelope of the first gain as REAPER saves it, and which are ours as the record says."""
    project = Project.read(song)
    track = project.tracks[0].chunk
    chain = track.find("FXCHAIN")
    (fx,) = split_fx(chain)[1]
    place = next(n for n, part in enumerate(chain.children) if part is fx.children[-1])
    band = instance(song).state.bands[0].type
    name = {0: "Low_Shelf", 1: "High_Shelf", 8: "Band_1"}.get(band, "Band_1")
    chain.insert(place, [f"<PARMENV 1:_Gain_{name} 0 1 0.25", f"EGUID {guid}", "ACT 1 -1", "PT 0 0.35 0", ">"])
    kept = json.loads(track_ext.read(track, "reaper-aeq"))
    kept["eqs"][0] |= {"lanes": lanes} if lanes else {}
    track_ext.write(track, "reaper-aeq", json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    song.write_bytes(project.to_bytes())


IN_REAPER = "{AAAAAAAA-1111-4111-8111-111111111111}"


def test_an_envelope_of_the_users_is_not_noted_as_ours(halves, treat, plan):
    treat(halves)
    draw(halves, IN_REAPER, [])
    plan.write_text('[default]\nword = "warm"\nsections = true\n')
    treat(halves)
    there = envelopes(halves)
    assert there[1] == IN_REAPER and len(there) > 1
    assert record(halves)["lanes"] == sorted(set(there) - {1})


def test_envelopes_that_the_actions_drew_are_ours(halves, treat, plan):
    treat(halves)
    static = halves.read_bytes()
    draw(halves, IN_REAPER, [1])
    treat(halves)
    assert envelopes(halves) == {} and halves.read_bytes() == static
    draw(halves, IN_REAPER, [1])
    plan.write_text('[default]\nword = "warm"\nsections = true\n')
    treat(halves)
    there = envelopes(halves)
    assert 1 in there and IN_REAPER not in there.values() and record(halves)["lanes"] == sorted(there)


OTHERS = '{"eqs":[],"group":"{3}","kind":"bass","track":"{21111111-1111-4111-8111-111111111111}","version":1}'
STALE = (
    '{"eqs":[{"blend":[],"eq":{"bands":[],"output_gain_db":0},"family":"word","fx":"{4}","name":"AEQ: airy 50%"}],'
    '"track":"{21111111-1111-4111-8111-111111111111}","version":1}'
)


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "inside", [[], ["other x"], [f"reaper-aeq {OTHERS}"], [f"reaper-aeq '{STALE}'", "other x"], ["reaper-aeq newer"]]
)
def test_what_lay_beside_the_track_comes_back_to_the_byte(song, treat, inside, line_break):
    """An empty chunk; what a copied track brought along; what we cannot read."""
    plain = song.read_bytes().decode().replace("\r\n", "\n")
    lines = ["    <EXT", *(f"      {line}" for line in inside), "    >"]
    place = plain.index("\n", plain.index("    TRACKID" if "    TRACKID" in plain else "  <TRACK")) + 1
    data = (plain[:place] + "".join(f"{line}\n" for line in lines) + plain[place:]).replace("\n", line_break).encode()
    song.write_bytes(data)
    treat(song)
    once = song.read_bytes()
    treat(song)
    assert song.read_bytes() == once and record(song)["name"] == "AEQ: warm 100%"
    project = Project.read(song)
    assert project.tracks[0].remove_eq("AEQ: warm 100%") and project.to_bytes() == data


def test_what_was_said_of_a_track_meanwhile_is_not_taken_back(song, treat):
    project = Project.read(song)
    track_ext.write(project.tracks[0].chunk, "reaper-aeq", OTHERS)
    song.write_bytes(project.to_bytes())
    treat(song)
    project = Project.read(song)
    track = project.tracks[0]
    kept = json.loads(track_ext.read(track.chunk, "reaper-aeq"))
    assert kept["kind"] == "bass" and "group" not in kept and kept["before"] == OTHERS
    track_ext.write(track.chunk, "reaper-aeq", json.dumps({**kept, "kind": "vocals"}))
    track.remove_eq("AEQ: warm 100%")
    left = json.loads(track_ext.read(track.chunk, "reaper-aeq"))
    assert left == {"eqs": [], "kind": "vocals", "track": track.guid, "version": 1}


def test_what_was_kept_of_an_eq_that_the_track_had_does_not_come_back(song, treat):
    """A copied track brings EQ and record under other GUIDs: once the EQ goes, so does the record."""
    treat(song)
    project = Project.read(song)
    track = project.tracks[0].chunk
    other = "{21111111-1111-4111-8111-111111111111}"
    text = track_ext.read(track, "reaper-aeq").replace(project.tracks[0].guid, other)
    track_ext.write(track, "reaper-aeq", text.replace(instance(song).guid, other))
    song.write_bytes(project.to_bytes())
    treat(song, "--afresh")
    project = Project.read(song)
    assert project.tracks[0].remove_eq("AEQ: warm 100%") and b"<EXT" not in project.to_bytes()


@pytest.mark.parametrize("value", ["plain", "two words", "it's", '"', "`'\"", "line\nbreak", "ä" * 2000, "x" * 1001])
def test_any_text_comes_back_and_goes_without_a_trace(song, value):
    project = Project.read(song)
    before = project.to_bytes()
    track = project.tracks[0].chunk
    track_ext.write(track, "key", value)
    again = Project.from_bytes(project.to_bytes()).tracks[0].chunk
    assert track_ext.read(again, "key") == value and track_ext.read(again, "other") == ""
    track_ext.write(track, "key", "")
    assert project.to_bytes() == before
