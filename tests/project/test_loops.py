"""Loops that repeat for long are heard in a few repetitions, with the answers that reading all of them would give."""

from functools import partial

import numpy as np
import pytest
import soundfile
from project_kit import RATE
from standin.example import ItemSpec, TrackSpec, write

from reaper_aeq.dsp.spectrum import Analysis, analyze_blocks
from reaper_aeq.engine import AdaptiveEQ
from reaper_aeq.eq import Band, Eq
from reaper_aeq.project import mix
from reaper_aeq.project.kinds import kind_of
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
    "a beat": lambda f: ([TrackSpec("", [loop(f["beat"], 0.0, 400.0)])], 0, 8),
    "with an offset, fades and a pan": lambda f: (
        [TrackSpec("", [loop(f["beat"], 7.0, 400.0, offset=1.3, fade_in=20.0, fade_out=30.0, pan=0.6)])],
        0,
        4,
    ),
    "another sample rate, faster": lambda f: ([TrackSpec("", [loop(f["other"], 0.0, 400.0, rate=1.27)])], 0, 8),
    "a part, reversed": lambda f: (
        [TrackSpec("", [loop(f["long"], 0.0, 400.0, section=(3.0, 4.0), reverse=True)])],
        0,
        8,
    ),
    "fitted in time": lambda f: (
        [TrackSpec("", [loop(f["other"], 0.0, 400.0, rate=0.9, preserve_pitch=True)])],
        0,
        8,
    ),
    "pitched": lambda f: (
        [TrackSpec("", [loop(f["beat"], 1.0, 400.0, preserve_pitch=True, pitch=-5.0, fade_in=2.0)])],
        0,
        8,
    ),
    "half a minute": lambda f: ([TrackSpec("", [loop(f["long"], 0.0, 900.0)])], 0, 8),
    "one hit": lambda f: ([TrackSpec("", [loop(f["hit"], 0.0, 400.0)])], 0, 8),
    "a tick": lambda f: ([TrackSpec("", [loop(f["tick"], 0.0, 400.0)])], 0, 8),
    "on the frames": lambda f: ([TrackSpec("", [loop(f["slow"], 0.031, 400.0)])], 0, 8),
    "nearly on the frames": lambda f: ([TrackSpec("", [loop(f["drift"], 0.0, 500.0)])], 0, 8),
    "two of different lengths": lambda f: (
        [TrackSpec("", [loop(f["beat"], 0.0, 500.0), loop(f["bar"], 0.0, 500.0)])],
        0,
        8,
    ),
    "with a voice in the middle": lambda f: (
        [TrackSpec("", [loop(f["beat"], 0.0, 600.0, volume=0.3), ItemSpec(f["voice"], 300.0, 25.0, volume=3.0)])],
        0,
        4,
    ),
    "one after another, with a pause": lambda f: (
        [TrackSpec("", [loop(f["beat"], 0.0, 300.0), loop(f["bar"], 299.0, 250.0), loop(f["other"], 700.0, 200.0)])],
        0,
        4,
    ),
    "a folder with EQs in it": lambda f: (
        [
            TrackSpec("", folder=1),
            TrackSpec("", [loop(f["beat"], 0.0, 400.0)], volume=0.5, pan=-0.5),
            TrackSpec("", [loop(f["bar"], 10.0, 395.0), ItemSpec(f["voice"], 5.0, 20.0)], folder=-1),
        ],
        0,
        4,
    ),
    "the master": lambda f: (
        [TrackSpec("", [loop(f["beat"], 0.0, 400.0)]), TrackSpec("", [loop(f["bar"], 0.0, 390.0, rate=1.25)])],
        None,
        4,
    ),
    "fitted beside plain": lambda f: (
        [TrackSpec("", [loop(f["bar"], 0.0, 500.0, preserve_pitch=True, pitch=3.0), loop(f["beat"], 0.0, 480.0)])],
        0,
        4,
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


@pytest.mark.parametrize("name", CASES)
def test_answers_are_those_of_reading_all_repetitions(tmp_path, files, engine, monkeypatch, name):
    specs, track, times = CASES[name](files)
    path = write(tmp_path / "song.rpp", specs, sample_rate=RATE)
    ours, read, expected_s = heard(path, track)
    monkeypatch.setattr(mix, "reading", lambda *_: None)
    theirs, all_of_it, _ = heard(path, track)
    assert read * times < all_of_it
    assert expected_s == pytest.approx(read / RATE, rel=0.01)  # what progress and limits are told
    assert ours.duration_s == theirs.duration_s and len(ours.order) == len(theirs.band_power)
    a, b = ours.ltas_db(), theirs.ltas_db()
    assert (a - b)[b > b.max() - 60].abs().max() < 0.1
    assert loudness_lufs(ours) == pytest.approx(loudness_lufs(theirs), abs=0.11)  # both rounded to tenths
    assert kind_of(ours) == kind_of(theirs)
    mine, others = engine.profile_analysis(ours), engine.profile_analysis(theirs)
    assert max(abs(mine[word] - others[word]) for word in mine) < 0.005
    freqs = np.geomspace(30, 18_000, 100)
    for word in ("warm", "bright"):
        one, other = (engine.adapt_analysis(each, word).eq for each in (ours, theirs))
        assert np.abs(one.response_db(freqs, RATE) - other.response_db(freqs, RATE)).max() < 0.1
        assert one.output_gain_db == pytest.approx(other.output_gain_db, abs=0.1)
