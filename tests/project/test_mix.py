"""What we hear of a project is what the stand-in REAPER's own mixer renders, and what sums done by hand say."""

import itertools

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from project_kit import RATE, assert_alike, energy_db
from standin.example import ItemSpec, TrackSpec, write

from reaper_aeq.dsp.spectrum import analyze_blocks
from reaper_aeq.eq import Band, Eq
from reaper_aeq.project.file_backend import FileBackend
from reaper_aeq.project.media import Library
from reaper_aeq.project.mix import Mixer
from reaper_aeq.project.mix_pass import TrackSound
from reaper_aeq.project.plan import parse_plan
from reaper_aeq.project.runner import levels
from reaper_aeq.project.spans import Span, merged
from reaper_aeq.reaper.rpp.project import Project

ITEMS = {
    "as it is": {},
    "offset": {"offset": 1.7, "position": 0.75, "length": 2.0},
    "beyond the end": {"offset": 3.0, "length": 3.0},
    "faster": {"rate": 1.5, "offset": 0.4, "length": 2.0},
    "slower": {"rate": 0.7, "length": 4.0},
    "section": {"section": (1.0, 1.5), "length": 1.5},
    "section, offset": {"section": (1.0, 2.5), "offset": 0.5, "length": 1.5},
    "reverse": {"reverse": True, "length": 2.0},
    "reverse, offset": {"reverse": True, "offset": 0.7, "length": 2.0},
    "section, reverse, faster": {"section": (0.5, 3.0), "reverse": True, "rate": 1.25, "length": 2.0},
    "loop": {"loop": True, "length": 9.0, "offset": 1.1},
    "section in a loop": {"section": (0.9, 1.0), "loop": True, "length": 5.0},
    "reversed section in a loop, slower": {
        "section": (0.9, 1.0),
        "reverse": True,
        "loop": True,
        "length": 5,
        "rate": 0.8,
    },
    "volumes": {"volume": 0.5, "take_volume": -0.7, "pan": 0.4},
    "fades": {"fade_in": 1.5, "fade_out": 1.0, "fade_shape": 1, "length": 3.0},
    "slow fades that overlap": {"fade_in": 2.0, "fade_out": 2.0, "fade_shape": 1, "length": 3.0},
    "swapped": {"channel_mode": 1, "pan": -1.0},
    "downmix": {"channel_mode": 2},
    "left": {"channel_mode": 3},
    "right": {"channel_mode": 4},
}


@pytest.mark.parametrize("name", ITEMS)
def test_an_item_sounds_as_in_the_stand_in(both, sound, name):
    spec = {"length": 4.0, **ITEMS[name]}
    # beyond what the file holds at that speed there is only what cutting the item's end makes
    assert_alike(*both([TrackSpec("one", [ItemSpec(sound(), **spec)])]), top_hz=20_200 * min(1, spec.get("rate", 1)))


@pytest.mark.parametrize(
    "file",
    [("a.flac", 44_100, 2), ("a.wav", 96_000, 1), ("a.ogg", 48_000, 2), ("a.mp3", 44_100, 1), ("a.wav", 22_050, 2)],
)
def test_files_of_all_rates_and_kinds(both, sound, file):
    name, rate, channels = file
    items = [
        ItemSpec(sound(name, rate, channels), 0.2, 2.0, offset=0.9),
        ItemSpec(sound(name, rate, channels), 3.0, 1.0),
    ]
    assert_alike(*both([TrackSpec("one", items)]))


def tracks(sound) -> list[TrackSpec]:
    """A folder in a folder, one track beside, volumes, a muted track and item."""
    a, b, c = (sound(f"{n}.wav", seed=n) for n in range(3))
    return [
        TrackSpec("all", folder=1, volume=0.7),
        TrackSpec("own and child", [ItemSpec(a, 0.0, 2.0)], folder=1, volume=0.5, pan=-0.3),
        TrackSpec("inner", [ItemSpec(b, 1.0, 3.0, rate=1.2)], volume=0.8, pan=0.6),
        TrackSpec("muted", [ItemSpec(c, 0.0, 4.0)], muted=True, folder=-2),
        TrackSpec("beside", [ItemSpec(c, 0.5, 1.0, offset=2.0), ItemSpec(c, 2.0, 1.0, muted=True)], volume=0.4),
    ]


@pytest.mark.parametrize("track", [0, 1, 2, 4, None])
def test_folders_and_the_master(both, sound, track):
    assert_alike(*both(tracks(sound), track))


def test_solo_lets_only_these_sound(both, sound):
    specs = tracks(sound)
    specs[2].solo = True
    ours, theirs = both(specs, None)
    assert_alike(ours, theirs)
    specs[2].solo = False
    louder, _ = both(specs, None)
    assert energy_db(louder).max() > energy_db(ours).max() + 0.5


def test_sends_come_in_beside_items(both, sound):
    send = ["AUXRECV 0 0 0.5 0 0 0 0 0 0 -1:U 0 -1 ''", "AUXRECV 0 3 0.25 0 0 0 0 0 0 -1:U 0 -1 ''"]
    silent = ["AUXRECV 0 0 1 0 1 0 0 0 0 -1:U 0 -1 ''", "AUXRECV 0 0 1 0 0 0 0 -1 0 -1:U 0 -1 ''"]
    specs = [TrackSpec("from", [ItemSpec(sound(), 0.0, 3.0)], volume=0.3), TrackSpec("to", extra=send)]
    assert_alike(*both(specs, 1))
    alone, _ = both([specs[0], TrackSpec("to", extra=[*send, *silent])], 1)
    assert np.allclose(energy_db(alone), energy_db(both(specs, 1)[0]))


def test_a_send_that_comes_back_ends(tmp_path, sound):
    round_trip = [f"AUXRECV {n} 0 1 0 0 0 0 0 0 -1:U 0 -1 ''" for n in (1, 0)]
    specs = [TrackSpec(str(n), [ItemSpec(sound())], extra=[line]) for n, line in enumerate(round_trip)]
    mixer = Mixer(Project.read(write(tmp_path / "s.rpp", specs)))
    assert all(np.isfinite(block).all() for track in mixer.tracks for block in blocks_of(mixer, {}, track))


def receive(number: int, volume: float = 1.0) -> str:
    return f"AUXRECV {number} 0 {volume} 0 0 0 0 0 0 -1:U 0 -1 ''"


def test_of_a_circle_each_track_is_heard_in_each_and_all_in_the_master(tmp_path, sound):
    names = [sound(f"{n}.wav", seed=n) for n in range(3)]
    ring = [TrackSpec(str(n), [ItemSpec(names[n])], extra=[receive((n + 1) % 3, 0.5)]) for n in range(3)]
    path = write(tmp_path / "s.rpp", ring)
    alone = [heard(write(tmp_path / f"{n}.rpp", [TrackSpec("", [ItemSpec(names[n])])])) for n in range(3)]
    want = [alone[n] + 0.5 * alone[(n + 1) % 3] + 0.25 * alone[(n + 2) % 3] for n in range(3)]
    for n in range(3):
        assert np.allclose(heard(path, track=n), want[n], atol=1e-6)
    assert np.allclose(heard(path), sum(want), atol=1e-6)


@pytest.mark.parametrize(
    "specs",
    [
        lambda item, n: [TrackSpec("", item if i == 0 else [], extra=[receive(i - 1)] * (i > 0)) for i in range(n)],
        lambda item, n: [TrackSpec("", item if i == n - 1 else [], extra=[receive((i + 1) % n)]) for i in range(n)],
        lambda item, n: [TrackSpec("", item if i == n - 1 else [], folder=1 if i < n - 1 else -n) for i in range(n)],
    ],
    ids=["sends", "a circle", "folders"],
)
def test_however_deep_tracks_feed_each_other(tmp_path, sound, specs):
    item, count = [ItemSpec(sound(), length=0.1)], 1200
    project = Project.read(write(tmp_path / "s.rpp", specs(item, count)))
    mixer = Mixer(project)
    plan = parse_plan(b"[[rule]]\ntrack = '*'\nword = 'warm'\non = 'both'", tmp_path)
    found = levels(FileBackend(project, plan, mixer, None).channels)
    order = [channel.track.index for level in found for channel in level]
    assert len(found) == count and order in ([*range(count)], [*range(count)][::-1])
    alone = heard(write(tmp_path / "one.rpp", [TrackSpec("", item)]))
    for listener, times in ((mixer.tracks[order[-1]], 1), (None, len(mixer.top()))):
        here = np.concatenate(blocks_of(mixer, {}, listener), axis=1)[:, : RATE // 10] / times
        assert np.allclose(here, alone, atol=1e-6)


def heard(path, eqs=None, track=None) -> np.ndarray:
    mixer = Mixer(Project.read(path))
    return np.concatenate(blocks_of(mixer, eqs or {}, None if track is None else mixer.tracks[track]), axis=1)


def blocks_of(mixer, eqs, track) -> list[np.ndarray]:
    """What is analyzed of a track, or of the master."""
    blocks: list[np.ndarray] = []

    def keep(given):
        for block in given:
            blocks.append(block)
            yield block

    def analyze(given):
        return analyze_blocks(keep(given), mixer.sample_rate)

    mixer.analyze_master(eqs, analyze) if track is None else mixer.analyze_track(track, eqs, analyze)
    return blocks


@pytest.fixture
def ramp(tmp_path):
    """A file whose samples tell their place; its 1000 values (n, 2)."""
    audio = np.stack([np.arange(1000), -np.arange(1000)], 1) / 4096
    soundfile.write(tmp_path / "ramp.wav", audio, RATE, subtype="FLOAT")
    return audio


def item(**more) -> ItemSpec:
    return ItemSpec("ramp.wav", **{"length": 1000 / RATE, **more})


def test_samples_lie_where_they_should(tmp_path, ramp):
    path = write(tmp_path / "s.rpp", [TrackSpec("a", [item(position=1.0, volume=0.5)], volume=0.25)])
    assert np.allclose(heard(path).T, 0.125 * ramp, atol=1e-7)


def test_reverse_section_and_loop_to_the_sample(tmp_path, ramp):
    spec = item(section=(100 / RATE, 200 / RATE), reverse=True, loop=True, offset=50 / RATE, length=500 / RATE)
    path = write(tmp_path / "s.rpp", [TrackSpec("a", [spec])])
    part = ramp[100:300][::-1]
    wanted = np.concatenate([part[50:], part, part])[:500]
    assert np.allclose(heard(path)[:, :500].T, wanted, atol=1e-7)


def test_the_eqs_of_what_feeds_a_bus_are_heard(tmp_path, sound):
    file = sound()
    specs = [TrackSpec("bus", folder=1), TrackSpec("in", [ItemSpec(file, 0.0, 4.0)], folder=-1)]
    path, eq = write(tmp_path / "s.rpp", specs), Eq((Band("low_shelf", 200, 6.0),), -3.0)
    before, after = heard(path, track=0), heard(path, {1: eq}, track=0)
    assert np.allclose(after, eq.apply(before, RATE), atol=1e-6)
    assert np.allclose(heard(path, {1: eq}, track=1), before)  # not in front of its own
    assert np.allclose(heard(path, {1: eq}), after)


def test_takes_the_active_one_or_all(tmp_path, ramp):
    data = write(tmp_path / "s.rpp", [TrackSpec("a", [item()])]).read_bytes()
    second = b"TAKE SEL\nTAKEVOLPAN 0 -2 -1\nSOFFS 0\n<SOURCE WAVE\nFILE ramp.wav\n>\n"
    end = data.rindex(b"    >", 0, data.rindex(b"  >"))
    (tmp_path / "s.rpp").write_bytes(data[:end] + second + data[end:])
    assert np.allclose(heard(tmp_path / "s.rpp")[:, :1000].T, -2 * ramp, atol=1e-6)
    both_play = (data[:end] + second + data[end:]).replace(b"ALLTAKES 0", b"ALLTAKES 1")
    (tmp_path / "s.rpp").write_bytes(both_play)
    assert np.allclose(heard(tmp_path / "s.rpp")[:, :1000].T, -ramp, atol=1e-6)


@pytest.mark.parametrize("shape", range(7))
def test_fades_rise_from_nothing_to_all(tmp_path, ramp, shape):
    audio = np.full((RATE, 2), 0.5)
    soundfile.write(tmp_path / "ramp.wav", audio, RATE, subtype="FLOAT")
    data = write(tmp_path / "s.rpp", [TrackSpec("a", [item(length=1.0, fade_in=0.25, fade_out=0.5)])]).read_bytes()
    (tmp_path / "s.rpp").write_bytes(data.replace(b" 0 1 0 0 0", b" 0 %d 0 0 0" % shape))
    gain = heard(tmp_path / "s.rpp")[0, :RATE] * 2
    quarter, half = gain[: RATE // 4], gain[RATE // 2 :]
    assert gain[0] == pytest.approx(0, abs=1e-3) and gain[-1] == pytest.approx(0, abs=1e-3)
    assert np.all(np.diff(quarter) >= -1e-6) and np.all(np.diff(half) <= 1e-6)
    assert np.allclose(gain[RATE // 4 + 1 : RATE // 2 - 1], 1)
    assert np.allclose(half[::-1][::2], quarter, atol=2e-3)  # the same curve, backwards
    assert (shape == 0) == np.allclose(quarter, np.arange(RATE // 4) * 4 / RATE, atol=1e-3)


def test_long_silence_between_items_is_skipped(tmp_path, ramp):
    path = write(tmp_path / "s.rpp", [TrackSpec("a", [item(), item(position=7200.0)])])
    sound, gap = heard(path), RATE // 2
    assert sound.shape[1] == 2 * (1000 + gap)
    assert not sound[:, 1000:-1000].any()


def test_the_size_of_blocks_does_not_show(tmp_path, sound, monkeypatch):
    specs = tracks(sound)
    specs[4].items[0].fade_in = 0.5
    path = write(tmp_path / "s.rpp", specs)
    whole = heard(path)
    monkeypatch.setattr("reaper_aeq.project.mix.BLOCK_S", 0.0371)
    assert np.allclose(heard(path), whole, atol=1e-6)


def test_of_many_tracks_only_those_that_sound_are_mixed_and_nothing_of_the_master_is_lost(tmp_path, sound, monkeypatch):
    file, count = sound(), 12
    specs = [TrackSpec(f"{n}", [ItemSpec(file, 20.0 * n, 2.0)]) for n in range(count - 1)]
    specs[3].folder, specs[4].folder = 1, -1
    specs.append(TrackSpec("again", [ItemSpec(file, 1.0, 1.0), ItemSpec(file, 230.0, 1.0)]))
    path = write(tmp_path / "s.rpp", specs)
    eqs = {n: Eq((Band("band", 40.0 + n, 6.0, 0.3),)) for n in range(0, count, 2)}  # they ring
    made, items = [], TrackSound._items
    monkeypatch.setattr(TrackSound, "_items", lambda node, *at: (made.append(node.track.index), items(node, *at))[1])
    short = heard(path, eqs)
    asked = len(made)
    monkeypatch.setattr(TrackSound, "rests", lambda *_: False)
    assert np.array_equal(short, heard(path, eqs))
    assert asked < (len(made) - asked) / 3


def test_media_that_cannot_be_heard_are_named(tmp_path, ramp):
    (tmp_path / "text.wav").write_text("no sound " * 50)
    items = [item(), ItemSpec("gone.wav"), ItemSpec("text.wav"), ItemSpec(notes=[(60, 0.0, 1.0)]), ItemSpec()]
    mixer = Mixer(Project.read(write(tmp_path / "s.rpp", [TrackSpec("a", items)])), Library())
    found, reasons = mixer.playing[0]
    assert len(found) == 1 and len(reasons) == 3
    for reason, words in zip(
        reasons, ("does not exist", "is not audio", "MIDI is played by an instrument"), strict=True
    ):
        assert words in reason


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 30)), max_size=12), st.integers(0, 9))
def test_merged_spans_cover_all_and_do_not_touch(pairs, gap):
    spans = merged([Span(start, start + length) for start, length in pairs], gap)
    for start, length in pairs:
        assert any(span.start <= start - gap and span.stop >= start + length + gap for span in spans)
    assert all(a.stop < b.start for a, b in itertools.pairwise(spans))


def test_items_without_length_are_silence(tmp_path, ramp):
    items = [item(length=0.0), item(length=1e-9, position=5.0)]
    mixer = Mixer(Project.read(write(tmp_path / "s.rpp", [TrackSpec("a", items)])))

    def analyze(blocks):
        return analyze_blocks(blocks, RATE)

    assert mixer.analyze_track(mixer.tracks[0], {}, analyze).silent and mixer.analyze_master({}, analyze).silent
