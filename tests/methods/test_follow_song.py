"""An EQ that follows a song: the same bands in all sections, each as loud as before; none where none is needed."""

import numpy as np
import pytest

from reaper_aeq.dsp.moving_filter import MovingEqFilter
from reaper_aeq.dsp.sections import analysis_of, given_parts
from reaper_aeq.dsp.spectrum import GRID_HZ, analyze_blocks
from reaper_aeq.engine import AdaptiveEQ
from reaper_aeq.errors import AeqError
from reaper_aeq.methods import sections
from reaper_aeq.methods.validation import AnalyzedRequest
from reaper_aeq.project.rows import loudness_lufs
from reaper_aeq.request import EqRequest
from reaper_aeq.result.safety import most_lift_db

RATE = 44_100


@pytest.fixture(scope="module")
def engine():
    return AdaptiveEQ.load(device="cpu")


def noise(seconds, slope_db, seed):
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((2, round(seconds * RATE))))
    octaves = np.log2(np.maximum(np.fft.rfftfreq(round(seconds * RATE), 1 / RATE), 20.0) / 1000)
    sound = np.fft.irfft(spectrum * 10 ** (slope_db * octaves / 20), n=round(seconds * RATE))
    return (0.05 * sound / sound.std()).astype(np.float32)


def lufs(sound):
    """Integrated loudness from the analysis of a sound."""
    return loudness_lufs(analyze_blocks([sound], RATE))


@pytest.fixture(scope="module")
def song():
    return np.concatenate((noise(12, -2, 1), noise(12, -6.5, 2)), 1)


@pytest.fixture(scope="module")
def followed(engine, song):
    return engine.adapt(song, RATE, "warm", sections=True)


def test_sections_share_their_bands_and_differ_in_gains(followed):
    assert [one.start_s for one in followed.sections] == pytest.approx([0, 12], abs=1.01)
    shapes = [[(b.kind, b.freq_hz, b.bandwidth_oct) for b in one.result.eq.bands] for one in followed.sections]
    assert shapes[0] == shapes[1] == [(b.kind, b.freq_hz, b.bandwidth_oct) for b in followed.eq.bands]
    responses = [one.result.eq.response_db(np.geomspace(50, 12_000, 50), RATE) for one in followed.sections]
    assert np.abs(responses[0] - responses[1]).max() > sections.SAME_DB
    low = [response[0] - response[-1] for response in responses]
    assert low[0] > low[1]  # what is thin is made warmer
    assert "follows the song in 2 sections, changing at 0:" in followed.explanation


def test_every_section_stays_as_loud_as_it_was(followed, song):
    out = MovingEqFilter(followed.moving, RATE, 2).process(song)
    for one in followed.sections:
        # without the ramp, in which it is on its way to the next
        part = slice(round((one.start_s + 0.1) * RATE), round((one.stop_s - 0.6) * RATE))
        before, after = (lufs(sound[:, part]) for sound in (song, out))
        assert after == pytest.approx(before, abs=0.5)


def test_a_steady_song_gets_no_movement_and_says_so(engine):
    steady = noise(24, -3, 1)
    result = engine.adapt(steady, RATE, "warm", sections=True)
    assert not result.sections and result.moving is None
    assert result.eq == engine.adapt(steady, RATE, "warm").eq
    assert "needs no movement along the song: its balance stays the same." in result.explanation


def test_given_edges_are_its_sections(engine, song):
    analysis = analyze_blocks([song], RATE, sections=True)
    asked = AnalyzedRequest(analysis, EqRequest("warm", sections=True), edges_s=[10.0, 90.0])
    result = engine.adapt_request(asked)
    assert [one.start_s for one in result.sections] == [0.0, 10.0]


def test_sections_that_would_hardly_differ_are_one(engine, monkeypatch):
    monkeypatch.setattr(sections, "SAME_DB", 2.0)  # what is taken for noise alone is never quite the same
    verse, chorus = noise(6, -2, 1), noise(8, -6.5, 2)
    analysis = analyze_blocks([np.concatenate((verse, verse, chorus), 1)], RATE, sections=True)
    asked = AnalyzedRequest(analysis, EqRequest("warm", sections=True), edges_s=[6.0, 12.0])
    assert [one.start_s for one in engine.adapt_request(asked).sections] == [0.0, 12.0]


def test_no_section_is_held_more_than_one_eq_for_the_whole_holds_it(engine):
    """Where a section has next to nothing the whole may have sound, which one EQ lifts in both."""
    dull = noise(12, -6, 2)
    above = np.clip(np.log2(np.maximum(np.fft.rfftfreq(dull.shape[1], 1 / RATE), 20.0) / 2000), 0, 1)
    duller = np.fft.irfft(np.fft.rfft(dull) * 10 ** (-25 * above / 20), n=dull.shape[1])
    song = np.concatenate((noise(12, -6, 1), 0.05 * duller / duller.std()), 1).astype(np.float32)
    analysis = analyze_blocks([song], RATE, sections=True)
    once = came_out(engine.adapt_request(AnalyzedRequest(analysis, EqRequest("bright"))))
    asked = AnalyzedRequest(analysis, EqRequest("bright", sections=True), edges_s=[12.0])
    beyond = []
    for section, part in zip(engine.adapt_request(asked).sections, given_parts(analysis, [12.0]), strict=True):
        own = most_lift_db(analysis_of(analysis, part).ltas_db()).numpy()
        out = came_out(section.result)
        assert (out <= np.maximum(own, once) + 0.1).all()
        beyond.append((out - own).max())
    assert beyond[0] < 0.1 and beyond[1] > 1.0


def came_out(result):
    return result.eq.response_db(GRID_HZ, RATE) + result.eq.output_gain_db


def test_sections_are_pulled_a_quarter_as_far_as_the_whole(engine, song, monkeypatch):
    pulls, find = [], sections.find_section_eqs

    def recorded(eq_model, method, whole, requests, wanted):
        pulls.append([one.pull for one in (whole, *requests)])
        return find(eq_model, method, whole, requests, wanted)

    monkeypatch.setattr(sections, "find_section_eqs", recorded)
    engine.adapt(song, RATE, "warm", sections=True)
    assert pulls[0] == [1.0, 0.25, 0.25]


def test_nothing_is_moved_at_intensity_0(engine, song):
    assert not engine.adapt(song, RATE, "warm", intensity=0.0, sections=True).sections


def test_refining_and_variations_are_refused(engine, song):
    for more in ({"variations": 2}, {"refine": 5}, {"method": "refine"}):
        with pytest.raises(AeqError, match="leave one of them out"):
            engine.adapt(song, RATE, "warm", sections=True, **more)
