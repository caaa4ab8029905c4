"""`reaper-aeq live` against reapy's real server in the stand-in REAPER, with the real engine on made-up sounds."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from live_kit import RATE, chain, ours
from standin.example import ItemSpec, TrackSpec, other, reaeq, synth

from reaper_aeq.cli.main import main
from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.eq import Band, Eq

THEIRS = Eq((Band("band", 700.0, 5.0, 1.5),), -2.0)


def assert_alike(held: Eq, wanted: Eq) -> None:
    assert [b.kind for b in held.bands if b.enabled] == [b.kind for b in wanted.bands if b.enabled]
    for now, then in zip(held.bands, wanted.bands, strict=False):
        assert now.freq_hz == pytest.approx(then.freq_hz, rel=1e-3)
        assert now.gain_db == pytest.approx(then.gain_db, abs=0.01)
        assert now.bandwidth_oct == pytest.approx(then.bandwidth_oct, abs=6e-3)  # JSON has two places
    assert held.output_gain_db == pytest.approx(wanted.output_gain_db, abs=0.01)


def assert_sounds_alike(held: Eq, wanted: Eq) -> None:
    """Other bands may do the same: a mix of files is not the other mix to the last bit."""
    curves = [eq.response_db(GRID_HZ, RATE) + eq.output_gain_db for eq in (held, wanted)]
    assert np.abs(curves[0] - curves[1]).max() < 0.25


def audio(path) -> np.ndarray:
    return soundfile.read(path, dtype="float32")[0].T


def test_selected_items_get_what_adapt_says_as_one_undo_point(studio, live):
    dull, thin = studio.noise("dull", -6.0), studio.noise("thin", 1.0)
    before = studio.open(
        [
            TrackSpec("Vox", [ItemSpec(dull, position=0.5, selected=True)], fx=[reaeq(THEIRS), other()], volume=0.5),
            TrackSpec("Gtr", [ItemSpec(thin, selected=True, volume=2.0)]),
            TrackSpec("Rest", [ItemSpec(dull)]),
        ]
    )
    rows = live("warm", "--selected", "--intensity", 0.7)["tracks"]
    after = studio.host.bytes()
    assert [(row["track"], row["name"], row["instance"]) for row in rows] == [
        (1, "Vox", "AEQ: warm 70%"),
        (2, "Gtr", "AEQ: warm 70%"),
    ]
    found = ours(after)
    assert set(found) == {"Vox", "Gtr"}
    for name, path in (("Vox", dull), ("Gtr", thin)):
        wanted = studio.engine.adapt(audio(path), RATE, "warm", intensity=0.7, name=name).eq
        assert len(wanted.bands) >= 3
        assert_alike(found[name][0][1], wanted)
    bands = tuple(Band(**band) for band in rows[0]["bands"])
    assert_alike(found["Vox"][0][1], Eq(bands, rows[0]["output_gain_db"]))
    assert chain(after, "Vox") == ["AEQ: warm 70%", ""]
    assert studio.host.labels() == ["AEQ: warm 70% (2 tracks)"]
    studio.host.undo()
    assert studio.host.bytes() == before


def test_the_same_word_replaces_and_another_joins(studio, live):
    studio.open([TrackSpec("Vox", [ItemSpec(studio.noise("vox"), selected=True)])])
    live("warm")
    first = ours(studio.host.bytes())["Vox"]
    live("warmer", "--selected")
    assert ours(studio.host.bytes())["Vox"] == first, "the EQ was heard by itself, or the word was not known again"
    live("airy", "--selected", "--intensity", 0.5)
    ((name, held),) = ours(studio.host.bytes())["Vox"]
    assert name == "AEQ: warm 100% + airy 50%"
    assert_alike(held, studio.engine.adapt(audio(studio.noise("vox")), RATE, {"warm": 1.0, "airy": 0.5}, name="Vox").eq)
    live("warm 0.3, airy 0.2", "--selected")
    assert [name for name, _ in ours(studio.host.bytes())["Vox"]] == ["AEQ: warm 30% + airy 20%"]
    assert len(studio.host.labels()) == 3, "REAPER adds no step for a press that changes nothing"


def test_a_selected_track_is_heard_through_its_fx_and_the_eq_goes_last(studio, live):
    path = studio.noise("bass", -4.0)
    studio.open(
        [TrackSpec("Bass", [ItemSpec(path)], fx=[reaeq(THEIRS)], selected=True, volume=0.25), TrackSpec("Empty")]
    )
    live("bright", "--selected")
    after = studio.host.bytes()
    assert chain(after, "Bass") == ["", "AEQ: bright 100%"]
    wanted = studio.engine.adapt(THEIRS.apply(audio(path), RATE), RATE, "bright", name="Bass").eq
    curves = [eq.response_db(GRID_HZ, RATE) for eq in (ours(after)["Bass"][0][1], wanted)]
    assert np.abs(curves[0] - curves[1]).max() < 0.1
    live("bright", "--selected")
    assert ours(studio.host.bytes()) == ours(after)


def test_tracks_by_name_all_tracks_and_removal(studio, live):
    path = studio.noise("any")
    notes = ItemSpec(notes=[(60, 0.0, 0.8)])
    before = studio.open(
        [
            TrackSpec("Lead Vox", [ItemSpec(path)], fx=[reaeq(THEIRS, "mine")]),
            TrackSpec("Keys", [notes], fx=[synth()]),
            TrackSpec("Muted", [ItemSpec(path)], muted=True),
            TrackSpec("Nothing"),
        ]
    )
    live("clear", "--track", "*vox*", "--track", "KEYS")
    assert set(ours(studio.host.bytes())) == {"Lead Vox", "Keys"}
    rows = live("warm", "--all")["tracks"]
    assert [(row["name"], row["instance"]) for row in rows] == [
        ("Lead Vox", "AEQ: clear 100% + warm 100%"),
        ("Keys", "AEQ: clear 100% + warm 100%"),
    ]
    gone = live("remove", "--all")["removed"]
    assert [row["track"] for row in gone] == ["Lead Vox", "Keys"]
    assert studio.host.labels()[-1] == "AEQ: remove EQ (2 tracks)"
    assert ours(studio.host.bytes()) == {}
    assert chain(studio.host.bytes(), "Lead Vox") == ["mine"]
    for _ in range(3):
        studio.host.undo()
    assert studio.host.bytes() == before


def test_several_items_of_a_track_count_together(studio, live):
    dull, thin = studio.noise("dull", -6.0), studio.noise("thin", 1.0)
    items = [ItemSpec(dull, selected=True), ItemSpec(thin, position=4.0, selected=True), ItemSpec(thin, position=8.0)]
    studio.open([TrackSpec("Vox", items)])
    live("warm", "--selected")
    together = np.concatenate((audio(dull), audio(thin)), axis=1)
    assert_alike(ours(studio.host.bytes())["Vox"][0][1], studio.engine.adapt(together, RATE, "warm", name="Vox").eq)


def test_match_has_an_instance_of_its_own(studio, live):
    dull, bright = studio.noise("dull", -6.0), studio.noise("bright ref", 0.0)
    before = studio.open([TrackSpec("Vox", [ItemSpec(dull, selected=True)])])
    live("warm", "--selected")
    rows = live("match", bright, "--selected", "--intensity", 0.8)["tracks"]
    assert rows[0]["instance"] == "AEQ match: bright ref 80%"
    found = dict(ours(studio.host.bytes())["Vox"])
    assert set(found) == {"AEQ: warm 100%", "AEQ match: bright ref 80%"}
    response = found["AEQ match: bright ref 80%"].response_db(GRID_HZ, RATE)
    assert response[GRID_HZ > 4000].mean() - response[GRID_HZ < 200].mean() > 6
    assert studio.host.labels()[-1] == "AEQ: match: bright ref 80%"
    live("match", bright, "--selected")
    assert len(ours(studio.host.bytes())["Vox"]) == 2
    for _ in range(3):
        studio.host.undo()
    assert studio.host.bytes() == before


PLAN = """
leave = "click"
[[rule]]
track = "*vox*"
word = "warm"
[[rule]]
folder = "band"
word = "less muddy"
intensity = 0.5
[[rule]]
track = "band"
on = "buses"
word = "bright 0.4, airy 0.2"
[master]
word = "warm"
intensity = 0.5
"""


def test_a_plan_does_tracks_buses_and_master_as_one_undo_point(studio, live, tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)
    path = studio.noise("part", -4.0)
    before = studio.open(
        [
            TrackSpec("Lead Vox", [ItemSpec(path)], fx=[reaeq(THEIRS)]),
            TrackSpec("Band", folder=1),
            TrackSpec("Gtr", [ItemSpec(studio.noise("gtr", -2.0, seed=2))]),
            TrackSpec("Keys", [ItemSpec(studio.noise("keys", -5.0, seed=3))], folder=-1),
            TrackSpec("Click", [ItemSpec(path)]),
            TrackSpec("Off", [ItemSpec(path)], muted=True),
        ],
        master_fx=[other("VST: Limiter (Somebody)")],
    )
    rows = {row["name"]: row for row in live("project", "--plan", plan)["tracks"]}
    assert {name: row["instance"] or row["left_alone"] for name, row in rows.items()} == {
        "Lead Vox": "AEQ: warm 100%",
        "Band": "AEQ: bright 40% + airy 20%",
        "Gtr": "AEQ: less muddy 50%",
        "Keys": "AEQ: less muddy 50%",
        "Click": "the plan leaves it alone",
        "Off": "it is muted, or another track is soloed",
        "MASTER": "AEQ: warm 50%",
    }
    assert rows["Gtr"]["folders"] == ["Band"] and rows["Lead Vox"]["kind"]
    found = ours(studio.host.bytes())
    assert set(found) == {"Lead Vox", "Band", "Gtr", "Keys", "Master"}
    assert chain(studio.host.bytes(), "Lead Vox") == ["", "AEQ: warm 100%"]
    # the bus was heard with the new EQs of what feeds it
    parts = [found[name][0][1].apply(audio(studio.folder / f"{name.lower()}.wav"), RATE) for name in ("Gtr", "Keys")]
    bus = parts[0] + parts[1]
    assert_sounds_alike(
        found["Band"][0][1], studio.engine.adapt(bus, RATE, {"bright": 0.4, "airy": 0.2}, name="Band").eq
    )
    lead = found["Lead Vox"][0][1].apply(THEIRS.apply(audio(path), RATE), RATE)
    mix = found["Band"][0][1].apply(bus, RATE) + lead + audio(path)
    assert_sounds_alike(found["Master"][0][1], studio.engine.adapt(mix, RATE, "warm", intensity=0.5, name="mix").eq)
    assert studio.host.labels() == ["AEQ: plan plan (5 tracks)"]
    studio.host.undo()
    assert studio.host.bytes() == before


def test_a_plan_replaces_what_another_run_left(studio, live, tmp_path):
    plan, reference = tmp_path / "plan.toml", studio.noise("ref", -1.0)
    plan.write_text(f'[default]\nword = "clear"\n[master]\nreference = "{reference}"\n')
    studio.open([TrackSpec("Vox", [ItemSpec(studio.noise("vox"))])])
    live("warm", "--all")
    live("match", reference, "--all")
    live("warm", "--track", "master")
    assert len(ours(studio.host.bytes())["Vox"]) == 2
    live("project", "--plan", plan)
    names = {track: [name for name, _ in instances] for track, instances in ours(studio.host.bytes()).items()}
    assert names == {"Vox": ["AEQ: clear 100%"], "Master": ["AEQ match: ref 100%"]}


def test_the_default_plan_and_a_project_in_which_nothing_is_done(studio, live):
    before = studio.open([TrackSpec("Lead Vox", [ItemSpec(studio.noise("vox"))]), TrackSpec("Empty")])
    live("project")
    assert [name for name, _ in ours(studio.host.bytes())["Lead Vox"]] == ["AEQ: warm 30% + airy 30%"]
    assert studio.host.labels() == ["AEQ: default plan (2 tracks)"]
    studio.host.undo()
    assert studio.host.bytes() == before


def test_a_terminal_sees_a_table(studio, capsys):
    studio.open([TrackSpec("Vox", [ItemSpec(studio.noise("vox"), selected=True)])])
    assert main(["live", "warm", "--selected", "--port", str(studio.port)]) == 0
    out = capsys.readouterr().out
    assert "Vox" in out and "warm 100%" in out and "1 of 1 tracks changed, one undo point in REAPER" in out
    assert main(["live", "remove", "--selected", "--port", str(studio.port)]) == 0
    assert capsys.readouterr().out == "Vox: removed AEQ: warm 100%\n"


def test_an_eq_that_would_do_nothing_is_not_inserted(studio, live):
    before = studio.open([TrackSpec("Vox", [ItemSpec(studio.noise("vox"), selected=True)])])
    (row,) = live("warm", "--selected", "--intensity", 0)["tracks"]
    assert row["left_alone"] == "it is as asked already: a higher intensity would do more"
    assert (studio.host.bytes(), studio.host.labels()) == (before, [])
    live("warm", "--selected")
    live("warm", "--selected", "--intensity", 0)
    assert [name for name, _ in ours(studio.host.bytes())["Vox"]] == ["AEQ: warm 0%"], "what is there is set to it"


def test_a_high_pass_reaches_reaeq(studio, live):
    rumble = studio.noise("rumble", -6.0)
    studio.open([TrackSpec("Vox", [ItemSpec(rumble, selected=True)])])
    live("less rumble", "--selected")
    wanted = studio.engine.adapt(audio(rumble), RATE, "less rumble", name="Vox").eq
    assert "high_pass" in [band.kind for band in wanted.bands]
    ((name, held),) = ours(studio.host.bytes())["Vox"]
    assert name == "AEQ: less rumble 100%"
    assert_alike(held, wanted)


def test_no_live_input_is_in_a_render(studio, live):
    path = studio.noise("vox")
    studio.open([TrackSpec("Vox", [ItemSpec(path)], selected=True)])

    def arm(session):
        with session.reaper.as_user() as project:
            project.tracks[0].node.set("REC", [1, 0, 1, 0, 0, 0, 0, 0])

    studio.host.do(arm)
    before = studio.host.bytes()
    live("warm", "--selected", "--render")
    assert_sounds_alike(
        ours(studio.host.bytes())["Vox"][0][1], studio.engine.adapt(audio(path), RATE, "warm", name="Vox").eq
    )
    studio.host.undo()
    assert studio.host.bytes() == before
