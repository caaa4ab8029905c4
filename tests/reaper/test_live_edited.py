"""`live` and EQs of ours that were turned by hand: kept, dropped, learned, as the actions do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from live_kit import ours
from standin.example import ItemSpec, TrackSpec
from test_live_records import copy_track, kept, names, vox

from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.model.curves import center
from reaper_aeq.model.personal import Profiles, followed
from reaper_aeq.model.profile_store import ProfileStore

RATE = 48_000


@pytest.fixture
def store(studio, tmp_path, monkeypatch):
    """Nobody's own words yet."""
    engine = studio.engine
    own = Profiles(engine.words, engine.eq_model, ProfileStore(tmp_path / "own.sqlite"))
    monkeypatch.setattr(engine, "profiles", own)
    return own.store


def turn(studio, band: int, track: int = 0, **fields) -> None:
    def user(session, track, band, fields):
        from standin.injection import turn_band

        with session.reaper.as_user() as project:
            turn_band(project.tracks[track], 0, band, **fields)

    studio.host.do(user, track, band, fields)


def add_band(studio, kind: int, freq_hz: float, gain: float = 1.0, width: float = 0.1) -> None:
    def user(session, *numbers):
        from standin.injection import set_bands

        from reaper_aeq.reaper.reaeq.state import StateBand

        with session.reaper.as_user() as project:
            set_bands(project.tracks[0], 0, lambda bands: (*bands, StateBand(numbers[0], True, *numbers[1:])))

    studio.host.do(user, kind, freq_hz, gain, width)


def held(studio, track: str = "Vox"):
    ((_, eq),) = ours(studio.host.bytes())[track]
    return eq


def curve(eq) -> np.ndarray:
    return eq.response_db(GRID_HZ, RATE)


def level_free(curve_db: np.ndarray) -> np.ndarray:
    """A shelf down and a bell up may differ by a level alone, which the output gain makes."""
    return center(torch.from_numpy(curve_db)).numpy()


def warnings(row) -> list[str]:
    return [text for text in row["warnings"] if "by hand" in text]


def louder(studio, gain_db: float = 1.5) -> float:
    """The user gives our first band so much more; gives where that is."""
    before = held(studio).bands[0]
    turn(studio, 0, gain_db=before.gain_db + gain_db)
    return before.freq_hz


def test_the_same_word_keeps_it_and_another_has_it_on_top(studio, live, store):
    vox(studio, fx=[])
    live("warm", "--selected")
    first = held(studio)
    louder(studio)
    add_band(studio, 6, 60.0)
    turned, labels = held(studio), studio.host.labels()
    (row,) = live("warm", "--selected")["tracks"]
    assert warnings(row)[0].startswith("what was changed by hand is kept (+1.5 dB ")
    assert "a notch at 60 Hz): --afresh drops it" in warnings(row)[0]
    assert names(studio) == ["AEQ: warm 100% (edited)"] and held(studio) == turned
    assert len(studio.host.labels()) == len(labels) + 1
    live("warm 0.5", "--selected")
    change = curve(held(studio)) - curve(studio.engine.adapt_request(_asked(studio, 0.5)).eq)
    assert names(studio) == ["AEQ: warm 50% (edited)"]
    assert np.abs(change - (curve(turned) - curve(first))).max() < 0.5
    (row,) = live("warm", "--selected", "--afresh")["tracks"]
    assert warnings(row) == [] and names(studio) == ["AEQ: warm 100%"] and "told" not in kept(studio)["eqs"][0]
    assert np.abs(curve(held(studio)) - curve(first)).max() < 0.02


def _asked(studio, intensity):
    from reaper_aeq.dsp.analyze_file import analyze_file
    from reaper_aeq.methods.validation import AnalyzedRequest
    from reaper_aeq.request import EqRequest

    analysis = analyze_file(str(studio.noise("vox", -5.0))).analysis
    return AnalyzedRequest(analysis, EqRequest("warm", intensity, name=("Vox",)))


@pytest.mark.parametrize("rendered", [False, True])
def test_a_plan_keeps_it_and_hears_the_master_with_it(studio, live, store, tmp_path, rendered):
    plan = tmp_path / "plan.toml"
    plan.write_text('[default]\nword = "warm"\n\n[master]\nword = "bright"\nintensity = 0.5\n')
    studio.open([TrackSpec("Vox", [ItemSpec(studio.noise("vox", -5.0))])])
    arguments = ["project", "--plan", plan, *(["--render"] * rendered)]
    before = live(*arguments)["tracks"][1]["loudness_lufs"]["before"]
    for band in range(len(held(studio).bands)):
        turn(studio, band, gain_db=11.0)
    turned = held(studio)
    track, master = live(*arguments)["tracks"]
    assert warnings(track) and held(studio) == turned
    assert master["loudness_lufs"]["before"] > before + 3
    live(*arguments, "--afresh")
    assert names(studio) == ["AEQ: warm 100%"]


def test_a_kind_that_only_reaeq_knows_is_told_and_nothing_is_changed(studio, live, refused, store):
    vox(studio, fx=[])
    live("warm", "--selected")
    add_band(studio, 10, 700.0, 1.2, 1.0)
    assert "of a kind that only ReaEQ can compute" in refused("airy", "--selected")
    live("airy", "--selected", "--afresh")
    assert names(studio) == ["AEQ: warm 100% + airy 100%"]


def test_learning_from_it(studio, live, refused, store):
    vox(studio, fx=[])
    live("warm", "--selected")
    first = held(studio)
    assert "was changed by hand: turn its bands" in refused("learn", "--selected")
    turn(studio, 1, gain_db=first.bands[1].gain_db + 4.0)  # a bell: a shelf that is hardly left is not worth a band
    turned = held(studio)
    told = live("learn", "--selected")
    (row,) = told["learned"]
    assert (told["store"], row["track"], row["word"], row["settings"]) == (str(store.path), "Vox", "warm", 1)
    assert row["change"].startswith("+4.0 dB") and row["left"] == ""
    assert studio.host.labels()[-1] == "AEQ: learn from my edits" and names(studio) == ["AEQ: warm 100% (edited)"]
    (edit,) = store.edits()
    assert (edit.word, edit.profile, len(edit.heard)) == ("warm", "default", 59) and held(studio) == turned
    assert "learned already" in live("learn", "--selected")["learned"][0]["left"] and len(store.edits()) == 1
    (row,) = live("warm", "--selected")["tracks"]
    assert "with your own 'warm' (1 setting)" in row["explanation"]
    assert held(studio) == turned, "not the edit and what was learned of it on top"
    (record,) = kept(studio)["eqs"]
    assert record["learned"] and "taught" not in record
    live("warm", "--selected", "--afresh")
    moved, change = (level_free(curve(one) - curve(first)) for one in (held(studio), turned))
    assert 0.02 < float(moved @ change / (change @ change)) < followed(1) + 0.1


def test_of_several_words_nothing_is_learned(studio, live, store):
    vox(studio, fx=[])
    live("warm 0.5, airy 0.5", "--selected")
    louder(studio)
    (row,) = live("learn", "--selected")["learned"]
    assert "not for one word" in row["left"] and store.edits() == []


def test_what_the_actions_keep_is_what_live_keeps(studio, live, store):
    vox(studio, fx=[])
    live("warm", "--selected")
    (record,) = kept(studio)["eqs"]
    assert set(record) == {"fx", "family", "name", "blend", "eq", "heard"}
    assert set(record["heard"]) == {"sample_rate", "kind", "ltas"}
    louder(studio)
    live("warm", "--selected")
    (record,) = kept(studio)["eqs"]
    assert record["told"].startswith("+1.5 dB") and record["name"] == "AEQ: warm 100% (edited)"
    studio.host.do(copy_track)
    live("airy", "--selected")
    assert names(studio, 1) == ["AEQ: warm 100% + airy 100% (edited)"]
