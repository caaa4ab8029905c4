"""`live` hears tracks and items in their media files: nothing is rendered, and the answer is that of a render."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace

import numpy as np
import pytest
from live_kit import RATE, ours
from standin.example import ItemSpec, TrackSpec, other, reaeq, synth, write
from test_live import assert_alike, audio

from reaper_aeq.eq import Band, Eq
from reaper_aeq.project.live import files as live_files

OWN = Eq((Band("high_shelf", 3000.0, 6.0),))


def renders(studio) -> int:
    return studio.host.do(lambda session: len(session.reaper.renders))


def bypassed(block: list[str]) -> list[str]:
    return ["BYPASS 1 0 0", *block[1:]]


@pytest.fixture
def balances(studio, monkeypatch) -> list[np.ndarray]:
    """Of each sound that the engine was asked about: (bands,) dB, level-free, -inf where it is 50 dB down."""
    found, real = [], studio.engine.adapt_many

    def adapt_many(asked):
        for one in asked:
            power = one.analysis.band_power.double().sum(0).numpy()
            level = 10 * np.log10(np.maximum(power / power.max(), 1e-12))
            found.append(np.where(level > -50, level - level[level > -50].mean(), -np.inf))
        return real(asked)

    monkeypatch.setattr(studio.engine, "adapt_many", adapt_many)
    return found


def assert_same_balance(one: np.ndarray, two: np.ndarray) -> None:
    both = np.isfinite(one) & np.isfinite(two)
    assert both.sum() > 20 and np.abs(one[both] - two[both]).max() < 0.5


SHAPES = {
    "an offset": {"offset": 0.3, "length": 0.5},
    "a loop": {"length": 2.5, "loop": True},
    "a section": {"section": (0.2, 0.5), "length": 0.5},
    "played backwards": {"reverse": True},
    "fades": {"fade_in": 0.4, "fade_out": 0.5, "fade_shape": 1},
    "volumes and pan": {"volume": 0.5, "take_volume": 0.3, "pan": 0.4},
    "the left channel": {"channel_mode": 3},
    "both as one": {"channel_mode": 2},
}


@pytest.mark.parametrize("shape", list(SHAPES.values()), ids=list(SHAPES))
def test_files_and_a_render_hold_the_same_sound(studio, live, balances, shape):
    path = studio.noise("vox", -5.0)
    end = 0.5 + shape.get("length", 1.0)  # no pause, for files are heard without
    items = [ItemSpec(path, position=0.5, **shape), ItemSpec(studio.noise("more", -1.0, seed=4), position=end)]
    before = renders(studio)
    studio.open([TrackSpec("Vox", items, fx=[bypassed(other())])])
    row = live("warm", "--all")["tracks"][0]
    assert (row["heard"], renders(studio)) == ("in its files", before)
    studio.open([TrackSpec("Vox", items)])
    assert live("warm", "--all", "--render")["tracks"][0]["heard"] == "rendered"
    assert_same_balance(*balances)


def test_a_folder_is_the_sum_of_its_tracks_with_our_eqs_on_them(studio, live, balances):
    loud, soft = studio.noise("loud", -6.0), studio.noise("soft", 2.0, seed=3)
    tracks = [
        TrackSpec("Band", folder=1),
        TrackSpec("a", [ItemSpec(loud)], fx=[reaeq(OWN, "AEQ: bright 50%")], volume=0.5),
        TrackSpec("b", [ItemSpec(soft)], muted=True),
        TrackSpec("c", [ItemSpec(soft, position=0.2)], folder=-1),
        TrackSpec("Rest", [ItemSpec(soft)], fx=[other()]),
    ]
    before = renders(studio)
    studio.open(tracks)
    assert live("warm", "--track", "band")["tracks"][0]["heard"] == "in its files"
    assert renders(studio) == before
    studio.open(tracks)
    live("warm", "--track", "band", "--render")
    assert_same_balance(*balances)


def test_only_the_chosen_items_are_heard_and_playback_goes_on(studio, live):
    path = studio.noise("vox", -5.0)
    items = [ItemSpec(studio.noise("thin", 3.0, seed=8)), ItemSpec(path, position=3.0, selected=True)]
    studio.open([TrackSpec("Vox", items)])

    def play(session):
        with session.reaper.as_user() as project:
            project.play_state, project.play_position = 1, 0.5

    studio.host.do(play)
    commands = studio.host.do(lambda session: len(session.reaper.commands))
    live("warm", "--selected")
    assert_alike(ours(studio.host.bytes())["Vox"][0][1], studio.engine.adapt(audio(path), RATE, "warm", name="Vox").eq)
    assert studio.host.do(lambda session: session.reaper.project.play_state) == 1
    assert studio.host.do(lambda session: len(session.reaper.commands)) == commands, "REAPER was told to do something"


def stretch(path):
    return ItemSpec(path, extra=["SM 0 0 + 0.5 0.4 + 1 1"])


VOLUME = ["<VOLENV", "ACT 1 -1", "VIS 1 1 1", "LANEHEIGHT 0 0", "ARM 1", "DEFSHAPE 0 -1 -1", "PT 0 1 0", ">"]


@pytest.mark.parametrize(
    ("tracks", "reason"),
    [
        (lambda path: [TrackSpec("Vox", [ItemSpec(path)], fx=[other()])], "FX stand in front of the EQ"),
        (lambda path: [TrackSpec("Vox", [ItemSpec(path, fx=[other()])])], "its items have FX"),
        (
            lambda path: [TrackSpec("Vox", folder=1), TrackSpec("in", [ItemSpec(path)], fx=[other()], folder=-1)],
            "FX on the tracks inside are heard",
        ),
        (
            lambda path: [
                TrackSpec("Vox", extra=["AUXRECV 1 0 1 0 0 0 0 0 0 -1:U 0 -1 ''"]),
                TrackSpec("from", [ItemSpec(path)]),
            ],
            "other tracks are sent to it",
        ),
        (
            lambda path: [TrackSpec("Vox", [ItemSpec(notes=[(60, 0.0, 0.8)])], fx=[synth()])],
            "FX stand in front of the EQ",
        ),
    ],
)
def test_what_is_not_in_the_files_is_rendered_and_why(studio, live, tracks, reason):
    studio.open(tracks(studio.noise("vox", -5.0)))
    before = renders(studio)
    row = live("warm", "--track", "vox")["tracks"][0]
    assert (row["heard"], renders(studio)) == (f"rendered, because {reason}", before + 1)


def test_what_has_to_be_rendered_and_cannot_be_by_the_stand_in(studio):
    """Stretch markers and automation in front of the EQ: the reason alone, for nothing here would render them."""
    from reaper_aeq.project.live.files import in_files
    from reaper_aeq.reaper.live import reach, target, tracks

    path = studio.noise("vox", -5.0)
    studio.open([TrackSpec("a", [stretch(path)]), TrackSpec("b", [ItemSpec(path)], extra=VOLUME)])
    with reach.connected(studio.port) as reaper, reaper.held():
        tracks.enter_front_project(reaper)
        targets = target.named(reaper, "word", ["*"])
        found, reasons = in_files(reaper, targets)
    assert not found
    assert [reasons[id(one)] for one in targets] == ["its items have stretch markers", "automation shapes it"]


def test_media_beside_a_saved_project(studio, live, tmp_path):
    shutil.copy(studio.noise("vox", -5.0), tmp_path / "vox.wav")
    song = write(tmp_path / "song.rpp", [TrackSpec("Vox", [ItemSpec("vox.wav", selected=True)])])
    studio.host.open(song)
    assert live("warm", "--selected")["tracks"][0]["heard"] == "in its files"
    assert_alike(
        ours(studio.host.bytes())["Vox"][0][1],
        studio.engine.adapt(audio(tmp_path / "vox.wav"), RATE, "warm", name="Vox").eq,
    )
    studio.open([TrackSpec("first")])


def test_a_plan_with_buses_and_the_master_renders_nothing(studio, live, balances, tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text('[[rule]]\ntrack = "*"\non = "both"\nword = "warm"\n[master]\nword = "bright"\n')
    a, b = studio.noise("gtr", -2.0, seed=2), studio.noise("keys", -5.0, seed=3)
    own = reaeq(OWN, "AEQ: airy 50%")
    tracks = [
        TrackSpec("Band", folder=1),
        TrackSpec("Gtr", [ItemSpec(a)], fx=[own]),
        TrackSpec("Keys", [ItemSpec(b)], folder=-1),
    ]
    studio.open(tracks)
    before = renders(studio)
    rows = live("project", "--plan", plan)["tracks"]
    assert {row["heard"] for row in rows} == {"in its files"} and renders(studio) == before
    assert set(ours(studio.host.bytes())) == {"Band", "Gtr", "Keys", "Master"}
    studio.open(tracks)
    live("project", "--plan", plan, "--render")
    assert renders(studio) == before + 3
    for from_files, from_render in zip(balances[:4], balances[4:], strict=True):
        assert_same_balance(from_files, from_render)


def test_media_that_goes_while_it_is_read(studio, refused, monkeypatch, tmp_path):
    path = tmp_path / "vox.wav"
    shutil.copy(studio.noise("vox", -5.0), path)
    studio.open([TrackSpec("Vox", [ItemSpec(path, selected=True)])])
    from reaper_aeq.project.live import files as live_files

    real = live_files._heard

    def late(*sound):
        path.unlink(missing_ok=True)
        return real(*sound)

    monkeypatch.setattr(live_files, "_heard", late)
    assert "vox.wav" in refused("warm", "--selected")


def test_a_track_with_a_heavy_plug_in_is_heard_without_its_state(studio, live, balances):
    """Behind the EQ's place a sampler may have megabytes: what REAPER would need long to write is not asked for."""
    path = studio.noise("vox", -6.0)
    item = ItemSpec(path, selected=True, offset=0.1, length=0.8, volume=0.5, pan=0.3, fade_in=0.2)
    studio.open(
        [
            TrackSpec("Vox", [item, ItemSpec(path, position=2.0)], fx=[other()]),
            TrackSpec("Light", [replace(item, selected=True)]),
            TrackSpec("Bus", [replace(item, selected=False)], fx=[other()], selected=False),
        ]
    )
    before = renders(studio)
    with studio.host.function("GetTrackStateChunk", _only_light):
        rows = live("warm", "--selected")["tracks"]
        assert renders(studio) == before
        plan = live("project")["tracks"]
    assert [row["heard"] for row in rows] == ["in its files"] * 2
    assert_same_balance(balances[0], balances[1])
    assert [row["name"] for row in plan][:3] == ["Vox", "Light", "Bus"]


def _only_light(real, reaper, track, text, is_undo):
    from standin.fx_chain import all_fx

    assert all(fx.is_reaeq for fx in all_fx(track)), "the state of a heavy plug-in was asked for"
    return real(reaper, track, text, is_undo)


def test_lanes_folders_and_faders_of_heavy_tracks_are_heard_alike(studio, live, balances):
    quiet, loud = studio.noise("low", -6.0), studio.noise("high", 1.0)
    lanes = ["FREEMODE 2", "LANESOLO 1 0 0 0 0 0 0 0"]
    for heavy in (False, True):
        fx = [bypassed(other())] if heavy else []
        studio.open(
            [
                TrackSpec("Bus", folder=1, selected=True, fx=fx),
                TrackSpec("A", [ItemSpec(quiet)], volume=0.5, fx=fx),
                TrackSpec(
                    "B", [ItemSpec(loud), ItemSpec(quiet, muted=True)], volume=0.2, fx=fx, folder=-1, extra=lanes
                ),
            ]
        )
        live("warm", "--selected")
    assert_same_balance(*balances)


@pytest.mark.parametrize("command", [["warm", "--selected"], ["project"]])
def test_tracks_are_heard_side_by_side(studio, live, monkeypatch, command):
    both, real = threading.Barrier(2, timeout=10), live_files._heard

    def heard(mixer, track, *more):
        if track is not None:  # not the master
            both.wait()  # fails where one is heard after the other
        return real(mixer, track, *more)

    monkeypatch.setattr(live_files, "_heard", heard)
    studio.open([TrackSpec(name, [ItemSpec(studio.noise("vox"))], selected=True) for name in "AB"])
    rows = live(*command)["tracks"]
    assert [row["name"] for row in rows][:2] == ["A", "B"] and all(row["instance"] for row in rows[:2])


def test_ctrl_c_ends_the_others_at_their_next_block(monkeypatch):
    from reaper_aeq.project.live import run as live

    begun, ended = threading.Event(), []

    def listen(one, between_blocks):
        if one == 0:
            begun.wait(10)
            raise KeyboardInterrupt
        try:
            while True:  # hours of sound
                begun.set()
                between_blocks()
        finally:
            ended.append(one)

    with pytest.raises(KeyboardInterrupt):
        live.side_by_side(listen, [0, 1, 2, 3, 4, 5, 6], lambda done: None)
    assert 1 in ended
