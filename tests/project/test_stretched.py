"""Items whose time and pitch run apart: all of the source's part is heard, wherever something lies in it."""

from functools import partial

import numpy as np
import pytest
import soundfile
import soxr
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from project_kit import RATE, energy_db
from standin.example import ItemSpec, TrackSpec, write

from reaper_aeq.dsp.spectrum import GRID_HZ, Analysis, analyze_blocks
from reaper_aeq.eq import Band, Eq
from reaper_aeq.project.mix import Mixer
from reaper_aeq.project.stretched import add_at, silence
from reaper_aeq.reaper.rpp.project import Project

ANALYZE = partial(analyze_blocks, sample_rate=RATE)
# A burst of 50 ms counts up to 3 dB more or less as it lies on the frames of the analysis, stretched or not.
FRAMES_DB = 3.2


def heard(folder, *specs: TrackSpec, track: int | None = 0, eqs=None) -> Analysis:
    mixer = Mixer(Project.read(write(folder / "s.rpp", specs)))
    if track is None:
        return mixer.analyze_master(eqs or {}, ANALYZE)
    return mixer.analyze_track(mixer.tracks[track], eqs or {}, ANALYZE)


def stretched(file, seconds: float, rate: float, pitch: float, **more) -> ItemSpec:
    """An item that plays `seconds` of its source."""
    return ItemSpec(file, length=seconds / rate, rate=rate, preserve_pitch=True, pitch=pitch, **more)


@pytest.fixture(scope="module")
def bursts(tmp_path_factory):
    """A folder, and files of half a second with 50 ms of low noise at ten places, nothing else."""
    folder = tmp_path_factory.mktemp("bursts")
    noise = np.convolve(np.random.default_rng(1).standard_normal(2400), np.hanning(64), "same") * np.hanning(2400)
    files = []
    for n in range(10):
        audio = np.zeros(RATE // 2)
        start = round((0.02 + 0.043 * n) * RATE)
        audio[start : start + 2400] = 0.5 * noise / np.abs(noise).max()
        files.append(folder / f"{n}.wav")
        soundfile.write(files[-1], audio, RATE, subtype="FLOAT")
    return folder, files


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(octaves=st.floats(-2, 3), pitch=st.integers(-24, 24))
def test_a_burst_counts_alike_wherever_it_lies(bursts, octaves, pitch):
    folder, files = bursts
    rate = 2**octaves
    totals = [total_db(heard(folder, one_track(file, rate, pitch))) for file in files]
    assert max(totals) - min(totals) < FRAMES_DB
    plain = [total_db(heard(folder, one_track(file, 1, 0))) for file in files]
    # its power is that of the source's part, and lasts as long as the item
    assert np.mean(totals) == pytest.approx(np.mean(plain) - 10 * np.log10(rate), abs=1.0)


def total_db(analysis: Analysis) -> float:
    return 10 * np.log10(analysis.band_power.double().sum().item())


def one_track(file, rate: float, pitch: float) -> TrackSpec:
    return TrackSpec("one", [stretched(file, 0.5, rate, pitch)])


def expected_db(sound_file, first_s: float, seconds: float, rate: float, pitch: float) -> np.ndarray:
    """The LTAS of a part of a source, moved by the pitch, as energy over the time of its item."""
    audio, source_rate = soundfile.read(sound_file, dtype="float32", always_2d=True)
    part = audio[round(first_s * source_rate) : round((first_s + seconds) * source_rate)]
    factor = 2 ** (pitch / 12)
    tape = soxr.resample(part, source_rate * factor, RATE)
    return energy_db(ANALYZE([tape.T.copy()])) + 10 * np.log10(factor / rate)


def assert_alike(ours, theirs, high_hz=20_200.0, limit_db=0.5, low_hz=80.0):
    # in lower bands the few frames of a short sound depend on where they lie
    inside = (theirs > theirs.max() - 60) & (low_hz < GRID_HZ) & (high_hz > GRID_HZ)
    assert inside.sum() > 10
    assert np.abs(ours - theirs)[inside].max() < limit_db


@pytest.mark.parametrize("rate", [0.25, 0.75, 1.0, 1.3, 8.0])
@pytest.mark.parametrize("pitch", [-24, -7, 0, 5, 24])
def test_the_balance_is_that_of_the_source_s_part(tmp_path, sound, rate, pitch):
    file = sound("long.wav", 44_100, seconds=8.0)
    item = ItemSpec(file, 1.0, 6.0 / rate, offset=1.0, rate=rate, preserve_pitch=True, pitch=float(pitch))
    ours = energy_db(heard(tmp_path, TrackSpec("one", [item])))
    assert_alike(ours, expected_db(file, 1.0, 6.0, rate, pitch), high_hz=20_000 * min(1.0, 2 ** (pitch / 12)))


def test_tape_with_a_pitch_beside(tmp_path, sound):
    file = sound("long.wav", seconds=6.0)
    item = ItemSpec(file, 0.0, 4.0, rate=1.25, preserve_pitch=False, pitch=-12.0)
    ours = energy_db(heard(tmp_path, TrackSpec("one", [item])))
    assert_alike(ours, expected_db(file, 0.0, 5.0, 1.25, 12 * np.log2(0.625)), high_hz=12_000)


def test_reverse_section_loop_and_channels_are_kept(tmp_path, sound):
    file = sound("long.wav", seconds=6.0)
    more = {"section": (1.0, 2.0), "reverse": True, "loop": True, "channel_mode": 3, "volume": 0.5, "pan": -1.0}
    item = ItemSpec(file, 0.0, 4.0, offset=0.5, rate=1.5, preserve_pitch=True, pitch=0.0, **more)
    tape = ItemSpec(file, 0.0, 6.0, offset=0.5, **more)
    ours, theirs = (energy_db(heard(tmp_path, TrackSpec("one", [one]))) for one in (item, tape))
    assert_alike(ours, theirs - 10 * np.log10(1.5))


def test_fades_take_away_the_same_part_of_the_sound(tmp_path, sound):
    file = sound("long.wav", seconds=6.0)
    item = stretched(file, 6.0, 2.0, -12.0, fade_in=2.0, fade_out=1.0)
    tape = ItemSpec(file, 0.0, 12.0, rate=0.5, fade_in=8.0, fade_out=4.0)
    ours, theirs = (energy_db(heard(tmp_path, TrackSpec("one", [one]))) for one in (item, tape))
    assert_alike(ours, theirs - 10 * np.log10(4))


def test_beside_others_in_a_folder_each_has_its_weight_faders_and_eqs(tmp_path, sound):
    a, b = sound("a.wav", seed=1), sound("b.wav", seed=2)
    eq = Eq((Band("high_shelf", 3000, 9.0),), -2.0)

    def song(items) -> list[TrackSpec]:
        return [
            TrackSpec("folder", folder=1, volume=0.5),
            TrackSpec("child", items, volume=0.7, pan=0.5, folder=-1),
            TrackSpec("beside", [ItemSpec(b, 2.5, 2.0)]),
        ]

    tape, item = ItemSpec(b, 0.5, 3.0), ItemSpec(a, 2.0, 2.0, rate=2.0, preserve_pitch=True, volume=2.0)
    for track in (0, None):
        both, one, other = (
            10 ** (energy_db(heard(tmp_path, *song(items), track=track, eqs={1: eq})) / 10)
            for items in ([tape, item], [tape], [item])
        )
        if track is None:  # what lies beside is in both
            other = other - 10 ** (energy_db(heard(tmp_path, *song([]), track=None)) / 10)
        assert_alike(10 * np.log10(both), 10 * np.log10(one + other), low_hz=200.0)


def test_it_is_heard_at_its_own_time(tmp_path, bursts):
    _, files = bursts
    items = [ItemSpec(files[0], 0.0, 0.5), ItemSpec(files[9], 1.0, 4.0, rate=0.125, preserve_pitch=True)]
    found = heard(tmp_path, TrackSpec("one", items))
    level = found.band_power.sum(1)
    times = 0.5 * np.arange(len(level)) * 0.18
    loud = times[level.numpy() > 1e-3 * level.max().item()]
    # the burst lies from 0.407 to 0.457 s in the source: from 4.26 to 4.66 s here
    assert loud[loud > 0.6].min() == pytest.approx(4.26, abs=1.0) and loud.max() == pytest.approx(4.66, abs=1.0)
    assert found.duration_s == pytest.approx(5.0, abs=1e-3)


@pytest.mark.parametrize("samples", [1, 4320, 8639, 8640, 8641, 100_000])
def test_silence_has_as_many_frames_as_an_analysis(samples):
    real, made = ANALYZE([np.zeros((2, samples), np.float32)]), silence(samples, RATE)
    assert made.band_power.shape == real.band_power.shape and made.mel_power.shape == real.mel_power.shape
    assert (made.duration_s, made.frame_rate, made.channels) == (real.duration_s, real.frame_rate, real.channels)


@given(frames=st.integers(1, 40), start=st.floats(0, 8), length=st.floats(0.01, 8))
def test_no_energy_is_lost_on_the_way(frames, start, length):
    part = silence(round(frames * 4320), RATE)
    part.band_power[:] = 1 + torch.arange(len(part.band_power))[:, None] % 3
    whole = add_at(silence(10 * RATE, RATE), part, start, length)
    pace = length / part.duration_s
    assert whole.band_power.sum(0).numpy() == pytest.approx(pace * part.band_power.sum(0).numpy(), rel=1e-4)
    assert bool((whole.band_power >= 0).all())


def test_silence_behind_something_loud_is_never_less_than_nothing():
    part = silence(50 * 4320, RATE)
    part.band_power[:3] = 1e20
    part.band_power[3:] = 1e-12
    assert bool((add_at(silence(10 * RATE, RATE), part, 0.3, 3.7).band_power >= 0).all())
