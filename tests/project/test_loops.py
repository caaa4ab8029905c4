"""Loops that repeat for long are heard in a few repetitions, with the answers that reading all of them would give."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from project_kit import RATE
from standin.example import ItemSpec, TrackSpec, write

from reaper_aeq.dsp.fine_structure import KEPT_FRAMES
from reaper_aeq.dsp.peaks import KEPT
from reaper_aeq.dsp.sections import find_parts
from reaper_aeq.dsp.spectrum import Analysis, analyze_blocks
from reaper_aeq.engine import AdaptiveEQ
from reaper_aeq.eq import Band, Eq
from reaper_aeq.project import mix
from reaper_aeq.project.kinds import kind_of
from reaper_aeq.project.loops import Stretch, _shared, _together, joined, reading
from reaper_aeq.project.mix import Mixer
from reaper_aeq.project.rows import loudness_lufs
from reaper_aeq.reaper.rpp.project import Project

ANALYZE = partial(analyze_blocks, sample_rate=RATE)


@pytest.fixture(scope="module")
def engine() -> AdaptiveEQ:
    return AdaptiveEQ.load()


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, str]:
    folder, found = tmp_path_factory.mktemp("files"), {}
    for seed, (name, seconds, rate, hits) in enumerate(
        [
            ("beat", 3.0, RATE, 12),
            ("bar", 2.0, RATE, 8),
            ("other", 2.6, 44_100, 9),
            ("long", 30.0, RATE, 80),
            ("hit", 3.0, RATE, 1),
            ("tick", 0.113, RATE, 1),
            ("slow", 3.78, RATE, 1),  # 42 frames: each repetition lies on them alike
            ("drift", 3.785, RATE, 1),
            ("voice", 25.0, RATE, 40),
        ]
    ):
        rng, count = np.random.default_rng(seed), round(seconds * rate)
        audio = 0.002 * rng.standard_normal((count, 2))
        for hit in np.linspace(0.05, seconds - 0.1 if hits > 1 else 0.05, hits):
            length = min(round(0.15 * rate), count)
            spectrum = np.fft.rfft(rng.standard_normal(length)) / np.arange(1, length // 2 + 2) ** rng.uniform(0.2, 1.2)
            burst = np.fft.irfft(spectrum, n=length) * np.exp(-np.arange(length) / (0.03 * rate))
            at = max(0, min(round(hit * rate), count - length))
            audio[at : at + length] += rng.uniform(0.1, 0.5) * (burst / np.abs(burst).max())[:, None]
        found[name] = str(folder / f"{name}.wav")
        soundfile.write(found[name], np.clip(audio, -0.95, 0.95), rate, subtype="FLOAT")
    return found


def loop(file: str, position: float, length: float, **more) -> ItemSpec:
    return ItemSpec(file, position, length, loop=True, **more)


EQ = {1: Eq((Band("high_shelf", 3000, 6.0), Band("band", 60, -9.0, 0.3)), -2.0)}

# tracks, which is listened to, and how many times less is to be read
CASES = {
    "a beat": lambda f: ([TrackSpec("", [loop(f["beat"], 0.0, 240.0)])], 0, 4),
    "with an offset, fades and a pan": lambda f: (
        [TrackSpec("", [loop(f["beat"], 7.0, 240.0, offset=1.3, fade_in=20.0, fade_out=30.0, pan=0.6)])],
        0,
        2.4,
    ),
    "another sample rate, faster": lambda f: ([TrackSpec("", [loop(f["other"], 0.0, 240.0, rate=1.27)])], 0, 4),
    "a part, reversed": lambda f: (
        [TrackSpec("", [loop(f["long"], 0.0, 240.0, section=(3.0, 4.0), reverse=True)])],
        0,
        5,
    ),
    "fitted in time": lambda f: (
        [TrackSpec("", [loop(f["other"], 0.0, 240.0, rate=0.9, preserve_pitch=True)])],
        0,
        5,
    ),
    "pitched": lambda f: (
        [TrackSpec("", [loop(f["beat"], 1.0, 240.0, preserve_pitch=True, pitch=-5.0, fade_in=2.0)])],
        0,
        5,
    ),
    "half a minute": lambda f: ([TrackSpec("", [loop(f["long"], 0.0, 500.0)])], 0, 4),
    "one hit": lambda f: ([TrackSpec("", [loop(f["hit"], 0.0, 240.0)])], 0, 4),
    "a tick": lambda f: ([TrackSpec("", [loop(f["tick"], 0.0, 240.0)])], 0, 4),
    "on the frames": lambda f: ([TrackSpec("", [loop(f["slow"], 0.031, 240.0)])], 0, 4),
    "nearly on the frames": lambda f: ([TrackSpec("", [loop(f["drift"], 0.0, 240.0)])], 0, 4),
    "two of different lengths": lambda f: (
        [TrackSpec("", [loop(f["beat"], 0.0, 240.0), loop(f["bar"], 0.0, 240.0)])],
        0,
        5,
    ),
    "with a voice in the middle": lambda f: (
        [TrackSpec("", [loop(f["beat"], 0.0, 300.0, volume=0.3), ItemSpec(f["voice"], 150.0, 25.0, volume=3.0)])],
        0,
        2.4,
    ),
    "one after another, with a pause": lambda f: (
        [TrackSpec("", [loop(f["beat"], 0.0, 150.0), loop(f["bar"], 149.0, 150.0), loop(f["other"], 400.0, 150.0)])],
        0,
        2.4,
    ),
    "a folder with EQs in it": lambda f: (
        [
            TrackSpec("", folder=1),
            TrackSpec("", [loop(f["beat"], 0.0, 240.0)], volume=0.5, pan=-0.5),
            TrackSpec("", [loop(f["bar"], 10.0, 235.0), ItemSpec(f["voice"], 5.0, 20.0)], folder=-1),
        ],
        0,
        2.4,
    ),
    "the master": lambda f: (
        [TrackSpec("", [loop(f["beat"], 0.0, 240.0)]), TrackSpec("", [loop(f["bar"], 0.0, 235.0, rate=1.25)])],
        None,
        2.4,
    ),
    "fitted beside plain": lambda f: (
        [TrackSpec("", [loop(f["bar"], 0.0, 240.0, preserve_pitch=True, pitch=3.0), loop(f["beat"], 0.0, 230.0)])],
        0,
        2.4,
    ),
}


class Counted:
    """An analysis that says how many samples it was given."""

    samples = 0

    def __call__(self, blocks, **options) -> Analysis:
        def passing():
            for block in blocks:
                self.samples += block.shape[1]
                yield block

        return ANALYZE(passing(), **options)


def heard(path, track: int | None, sections: bool = False) -> tuple[Analysis, int, float]:
    mixer, analyze = Mixer(Project.read(path)), Counted()
    mixer.sections = sections
    numbers = range(len(mixer.tracks)) if track is None else mixer.heard_by(mixer.tracks[track])
    expected_s = mixer.seconds(numbers)
    if sections:
        analyze = partial(ANALYZE, sections=True)
    if track is None:
        found = mixer.analyze_master(EQ, analyze)
    else:
        found = mixer.analyze_track(mixer.tracks[track], EQ, analyze)
    return found, getattr(analyze, "samples", 0), expected_s


def written(folder, specs: list[TrackSpec], later_s: float = 0.0):
    """`later_s`: after the beginning of what is heard, which is something silent then."""
    moved = [
        replace(spec, items=[replace(item, position=item.position + later_s) for item in spec.items]) for spec in specs
    ]
    if later_s:
        first = next(spec for spec in moved if spec.items)
        first.items = [replace(first.items[0], position=0.0, length=later_s, volume=0.0, loop=False), *first.items]
    return write(folder / f"{later_s}.rpp", moved, sample_rate=RATE)


def straight(monkeypatch, path, track: int | None, sections: bool = False) -> Analysis:
    with monkeypatch.context() as patch:
        patch.setattr(mix, "reading", lambda *_: None)
        return heard(path, track, sections)[0]


@pytest.mark.parametrize("name", CASES)
def test_spectrum_and_loudness_are_those_of_all_repetitions(tmp_path, files, monkeypatch, name):
    specs, track, times = CASES[name](files)
    path = written(tmp_path, specs)
    ours, read, expected_s = heard(path, track)
    theirs = straight(monkeypatch, path, track)
    assert read * times < theirs.duration_s * RATE
    assert expected_s == pytest.approx(read / RATE, rel=0.02)  # what progress and limits are told
    assert ours.duration_s == theirs.duration_s and len(ours.order) == len(theirs.band_power)
    a, b = ours.ltas_db(), theirs.ltas_db()
    assert (a - b)[b > b.max() - 60].abs().max() < 0.1
    assert loudness_lufs(ours) == pytest.approx(loudness_lufs(theirs), abs=0.11)  # both rounded to tenths
    assert kind_of(ours) == kind_of(theirs)
    assert not ours.silent and (ours.loudest is None) == (theirs.loudest is None)
    if ours.loudest is not None:
        assert float(ours.loudest.abs().max()) == pytest.approx(float(theirs.loudest.abs().max()), rel=0.05)


@pytest.mark.parametrize("name", ["a beat", "with a voice in the middle", "a folder with EQs in it"])
def test_answers_differ_no_more_than_for_the_same_sound_a_moment_later(tmp_path, files, engine, monkeypatch, name):
    """Where the frames of the analysis begin on a sound is chance: by that scores move by a hundredth or two."""
    specs, track, _ = CASES[name](files)
    path = written(tmp_path, specs)
    ours, theirs = heard(path, track)[0], straight(monkeypatch, path, track)
    others = [straight(monkeypatch, written(tmp_path, specs, later_s), track) for later_s in (0.015, 0.03, 0.045)]
    chance = [apart(engine, theirs, other) for other in others]
    for mine, least, *by_chance in zip(apart(engine, theirs, ours), (0.005, 0.1, 0.1), *chance, strict=True):
        assert mine <= max(least, 1.5 * max(by_chance))


def apart(engine: AdaptiveEQ, one: Analysis, other: Analysis) -> tuple[float, float, float]:
    """How far scores, the responses of two EQs (dB) and their output gains (dB) are from each other at most."""
    first, second = engine.profile_analysis(one), engine.profile_analysis(other)
    scores = max(abs(first[word] - second[word]) for word in first)
    freqs, response, gain = np.geomspace(50, 16_000, 60), 0.0, 0.0
    for word in ("warm", "bright"):
        a, b = (engine.adapt_analysis(each, word).eq for each in (one, other))
        response = max(response, float(np.abs(a.response_db(freqs, RATE) - b.response_db(freqs, RATE)).max()))
        gain = max(gain, abs(a.output_gain_db - b.output_gain_db))
    return scores, response, gain


def test_an_eq_that_follows_the_song_hears_each_moment(tmp_path, files, monkeypatch):
    path = written(
        tmp_path, [TrackSpec("", [loop(files["beat"], 0.0, 200.0), loop(files["voice"], 200.0, 200.0, rate=0.4)])]
    )
    ours, _, _ = heard(path, 0, sections=True)
    theirs = straight(monkeypatch, path, 0, sections=True)
    assert ours.order is None and ours.band_power.shape == theirs.band_power.shape
    assert ours.spectra.power.shape == theirs.spectra.power.shape
    assert ours.spectra.frame_rate == theirs.spectra.frame_rate
    edges, others = (find_parts(one) for one in (ours, theirs))
    assert len(edges) == len(others) == 2
    assert edges[1].start_s == pytest.approx(others[1].start_s, abs=1.0)


def test_short_sounds_and_what_is_not_steady_are_read_as_they_are(tmp_path, files):
    short = [loop(files["beat"], 0.0, 59.0)]
    faded = [loop(files["beat"], 0.0, 200.0, fade_in=100.0, fade_out=100.0)]
    once = [loop(files["long"], 0.0, 30.0), ItemSpec(files["voice"], 40.0, 300.0)]
    uneven = [loop(files["beat"], 0.0, 200.0), loop(files["tick"], 0.0, 200.0, rate=0.9123)]
    for items in (short, faded, once, uneven):
        found, _, _ = heard(written(tmp_path, [TrackSpec("", items)]), 0)
        assert found.order is None


def test_what_is_kept_does_not_grow_with_the_stretches(tmp_path, files):
    """Many loops one after the other: what is kept of their peaks and frames is as much as of one sound."""
    items = [loop(files["beat"], 90.0 * n, 90.0) for n in range(12)]
    ours, _, _ = heard(written(tmp_path, [TrackSpec("", items)]), 0, sections=True)
    assert 0 < len(ours.loudest) <= 2 * KEPT and len(ours.spectra.power) <= 2 * KEPT_FRAMES
    spectra = ours.spectra.power.sum(-1)
    assert bool((spectra > 0).any(-1).all())


def test_what_is_read_does_not_grow_with_the_repetitions(tmp_path, files):
    read = [heard(written(tmp_path, [TrackSpec("", [loop(files["bar"], 0.0, s)])]), 0)[1] for s in (300.0, 36_000.0)]
    assert read[1] == pytest.approx(read[0], rel=0.2)


@given(
    period=st.floats(1.0, 40.0), length_s=st.integers(70, 2000), first=st.integers(0, 20_000), hits=st.integers(1, 3)
)
@settings(max_examples=15, deadline=None)
def test_a_hit_counts_alike_wherever_it_lies_on_the_frames(period, length_s, first, hits):
    rate = 8000  # quick
    sound = np.zeros((round(period * rate), 1), np.float32)
    rng = np.random.default_rng(hits)
    for at in rng.integers(0, len(sound) - 200, hits):
        sound[at : at + 200, 0] += rng.standard_normal(200)
    full = sound[np.arange(first, first + length_s * rate) % len(sound)].T.copy()
    plan = reading([Stretch(0, full.shape[1], len(sound), rate // 2)], full.shape[1], rate)
    if plan is None:
        return
    parts = [analyze_blocks([full[:, w.start : w.stop]], rate, sections=True) for w in plan.windows]
    theirs, ours = analyze_blocks([full], rate).ltas_db(), joined(plan, parts).ltas_db()
    repeats = length_s / period
    # a part of a repetition is left at the end of those that are many
    assert (ours - theirs)[theirs > theirs.max() - 60].abs().max() < 0.1 + 3.0 / repeats


@pytest.mark.parametrize("wanted", [[0.0], [0.0, 0.5], [0.1] * 7, list(np.arange(100) / 3 % 1)])
def test_copies_are_taken_equally_often(wanted):
    taken = np.bincount(_shared(np.array(wanted), np.array([0.2, 0.7])), minlength=2)
    assert abs(taken[0] - taken[1]) <= 1 and taken.sum() == len(wanted)


def test_loops_of_several_lengths_repeat_together():
    assert _together({2.0 * RATE, 3.0 * RATE}, 300 * RATE, RATE) == pytest.approx(6 * RATE)
    assert _together({2.0 * RATE, 2.0 * RATE + 1}, 60 * RATE, RATE) == pytest.approx(2 * RATE, abs=1)
    assert _together({2.0 * RATE, math.pi * RATE}, 300 * RATE, RATE) is None
    assert _together({0.3 * RATE}, 300 * RATE, RATE) == pytest.approx(1.2 * RATE)
