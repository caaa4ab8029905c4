"""Deep projects and circles of sends: what is heard, and that the work grows with the number of tracks only."""

from functools import partial

import numpy as np
import pytest
from project_kit import RATE
from standin.example import ItemSpec, TrackSpec, write

from reaper_aeq import Band, Eq
from reaper_aeq.dsp.spectrum import analyze_blocks
from reaper_aeq.project import tapes
from reaper_aeq.project.circles import closing, groups
from reaper_aeq.project.file_backend import FileBackend
from reaper_aeq.project.mix import FEW, Mixer
from reaper_aeq.project.mix_pass import STAGE, TrackSound
from reaper_aeq.project.plan import parse_plan
from reaper_aeq.project.runner import levels
from reaper_aeq.project.wiring import MOST_CUT
from reaper_aeq.reaper.rpp.project import Project

ANALYZE = partial(analyze_blocks, sample_rate=RATE)
EQ = Eq((Band("band", 1000.0, 6.0, 1.0),))
DEEP = 60


def receive(number: int, volume: float = 1.0) -> str:
    return f"AUXRECV {number} 0 {volume} 0 0 0 0 0 0 -1:U 0 -1 ''"


def test_what_feeds_comes_first_and_a_circle_is_one_group():
    feeds = [[1], [2], [1, 3], [], [0, 0]]  # 3 -> 2 <-> 1 -> 0 -> 4
    found = groups(feeds)
    assert [sorted(group) for group in found] == [[3], [1, 2], [0], [4]]
    assert groups([[0]]) == [[0]] and groups([]) == []


@pytest.mark.parametrize("seed", range(20))
def test_without_what_closes_them_there_are_no_circles(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 30))
    feeds = [list(map(int, rng.integers(0, count, rng.integers(0, 4)))) for _ in range(count)]
    cut = set().union(*(closing(group, feeds, set()) for group in groups(feeds)))
    left = [[source for source in sources if (source, number) not in cut] for number, sources in enumerate(feeds)]
    assert all(len(group) == 1 for group in groups(left)) and all(n not in row for n, row in enumerate(left))


def test_a_bus_that_sends_back_still_hears_all():
    bus = 30
    feeds = [[bus] for _ in range(bus)] + [list(range(bus))]
    assert closing(range(bus + 1), feeds, set(range(bus))) == {(bus, n) for n in range(bus)}


def test_a_circle_is_cut_before_the_track_that_sounds():
    assert closing(range(12), [[(n - 1) % 12] for n in range(12)], {7}) == {(6, 7)}


@pytest.fixture
def item(sound):
    sound("n.wav", seconds=0.3)
    return [ItemSpec("n.wav", length=0.3)]


def folders(item) -> list[TrackSpec]:
    return [TrackSpec(str(n), item, folder=1 if n < DEEP - 1 else -DEEP, volume=0.9) for n in range(DEEP)]


def chain(item) -> list[TrackSpec]:
    return [TrackSpec(str(n), item, extra=[receive(n - 1, 0.8)] * (n > 0)) for n in range(DEEP)]


def ring(item) -> list[TrackSpec]:
    return [TrackSpec(str(n), item, extra=[receive((n - 1) % DEEP, 0.8)]) for n in range(DEEP)]


@pytest.fixture(params=[folders, chain, ring])
def project(request, tmp_path, item) -> Project:
    return Project.read(write(tmp_path / "s.rpp", request.param(item)))


def in_turn(project: Project, mixer: Mixer, final: bool) -> dict[int, np.ndarray]:
    """(bands,) power of what each track hears, in the order in which a run gives EQs, and of the master."""
    plan = parse_plan(b"[[rule]]\ntrack = '*'\nword = 'warm'\non = 'both'", project.path.parent)
    eqs: dict[int, Eq] = {}
    heard = {}
    for level in levels(FileBackend(project, plan, mixer, None).channels):
        for track in (channel.track for channel in level):
            heard[track.index] = mixer.analyze_track(track, eqs, ANALYZE, final=final).band_power.sum(0).numpy()
            if track.index % 3 == 0:
                eqs[track.index] = EQ
    heard[-1] = mixer.analyze_master(eqs, ANALYZE).band_power.sum(0).numpy()
    return heard


@pytest.mark.parametrize("room", [tapes.MOST_FRAMES, 5 * round(0.3 * RATE), 10], ids=["all kept", "few", "none"])
def test_what_is_kept_sounds_like_what_is_mixed_anew(project, monkeypatch, room):
    monkeypatch.setattr(tapes, "MOST_FRAMES", room)
    kept, anew = in_turn(project, Mixer(project), True), in_turn(project, Mixer(project), False)
    assert kept.keys() == anew.keys()
    for number, power in kept.items():
        assert np.allclose(power, anew[number], rtol=1e-3), number


def test_the_work_grows_with_the_tracks_only(project, monkeypatch):
    made = []
    real = TrackSound.before_eq
    monkeypatch.setattr(TrackSound, "before_eq", lambda node, *at: made.append(1) or real(node, *at))
    mixer = Mixer(project)
    in_turn(project, mixer, True)
    assert len(made) < (FEW + 2) * DEEP  # DEEP ** 2 / 2 when each was mixed anew


def test_at_any_depth_all_that_lies_inside_is_heard(tmp_path, item):
    mixer = Mixer(Project.read(write(tmp_path / "s.rpp", folders(item))))
    one = mixer.analyze_track(mixer.tracks[-1], {}, ANALYZE).band_power.sum(0).numpy()
    for number in (*range(DEEP - STAGE - 2, DEEP - STAGE + 3), 0):
        gain = sum(0.9**n for n in range(DEEP - number))
        heard = mixer.analyze_track(mixer.tracks[number], {}, ANALYZE).band_power.sum(0).numpy()
        assert np.allclose(heard, one * gain**2, rtol=1e-3), number


def test_in_a_long_circle_each_track_hears_those_before_it(tmp_path, item):
    count = MOST_CUT + 4
    specs = [TrackSpec(f"T{n}", item, extra=[receive((n - 1) % count, 0.5)]) for n in range(count)]
    project = Project.read(write(tmp_path / "s.rpp", specs))
    mixer = Mixer(project)
    alone = Mixer(Project.read(write(tmp_path / "one.rpp", [TrackSpec("", item)])))
    one = alone.analyze_track(alone.tracks[0], {}, ANALYZE).band_power.sum(0).numpy()
    assert mixer.cut == {1: {0}}  # of tracks alike the first is the last to be heard
    for place in range(count):
        number = (1 + place) % count
        heard = mixer.analyze_track(mixer.tracks[number], {}, ANALYZE).band_power.sum(0).numpy()
        gain = sum(0.5**n for n in range(place + 1))  # the same file on each: amplitudes add
        assert np.allclose(heard, one * gain**2, rtol=1e-3)
    plan = parse_plan(b"[default]\nword = 'warm'", tmp_path)
    warnings = FileBackend(project, plan, mixer, None).channels[1].row.warnings
    assert warnings == ["tracks feed each other in a long circle: what comes from 'T0' is not heard"]


def test_in_a_short_circle_each_track_hears_all(tmp_path, item):
    specs = [TrackSpec("", item, extra=[receive((n - 1) % MOST_CUT, 0.5)]) for n in range(MOST_CUT)]
    mixer = Mixer(Project.read(write(tmp_path / "s.rpp", specs)))
    heard = [mixer.analyze_track(track, {}, ANALYZE).band_power.sum(0).numpy() for track in mixer.tracks]
    assert mixer.cut == {} and all(np.allclose(power, heard[0], rtol=1e-3) for power in heard)


def test_what_hears_a_circle_comes_after_all_of_it(tmp_path, item):
    specs = [
        TrackSpec("a", item, extra=[receive(1)]), TrackSpec("b", item, extra=[receive(0)]),
        TrackSpec("of a", item, extra=[receive(0)]), TrackSpec("of b", item, extra=[receive(1)]),
    ]  # fmt: skip
    project = Project.read(write(tmp_path / "s.rpp", specs))
    plan = parse_plan(b"[[rule]]\ntrack = '*'\nword = 'warm'\non = 'both'", tmp_path)
    channels = FileBackend(project, plan, Mixer(project), None).channels
    found = [[channel.row.name for channel in level] for level in levels(channels)]
    assert sorted(map(sorted, found[:2])) == [["a"], ["b"]] and found[2:] == [["of a", "of b"]]


def test_of_very_many_folders_the_innermost_are_shown():
    from reaper_aeq.project.rows import Row

    assert Row(1, "x", tuple("abcdef")).path == "... / c / d / e / f" and Row(1, "x", ("a", "b")).path == "a / b"
