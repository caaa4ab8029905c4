"""Sounds are not kept while they wait: what a second reading, or a second mix, finds is what was heard."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from reaper_aeq import AdaptiveEQ
from reaper_aeq.dsp.analyze_file import analyze_file, analyze_opened
from reaper_aeq.dsp.audio import AudioFile
from reaper_aeq.dsp.peaks import true_peaks_db
from reaper_aeq.eq import Band, Eq
from reaper_aeq.errors import AudioError
from reaper_aeq.project.described import hear
from reaper_aeq.project.description import DescribedSound, ItemInfo, TrackInfo
from reaper_aeq.project.media import Library
from reaper_aeq.request import MatchRequest
from reaper_aeq.result.result import with_loudness, with_measured_loudness

RATE = 44_100
LOUDER = Eq((Band("low_shelf", 150.0, 6.0),))


@pytest.fixture(scope="module")
def engine() -> AdaptiveEQ:
    return AdaptiveEQ.load(device="cpu")


@pytest.fixture
def kicks(tmp_path):
    """At full scale, with all peaks low: more of the lows would clip."""
    t = np.arange(4 * RATE) / RATE
    audio = np.sin(2 * np.pi * 60 * t) * np.exp(-((t % 1.0) * 18))
    audio += 0.05 * np.random.default_rng(3).standard_normal(len(t))
    path = tmp_path / "kicks.wav"
    soundfile.write(path, 0.99 * audio / np.abs(audio).max(), RATE, subtype="FLOAT")
    return path


def described(path, **more) -> DescribedSound:
    items = [
        ItemInfo(file=str(path), position_s=1.0, length_s=3.0, **more),
        ItemInfo(file=str(path), position_s=4.5, length_s=1.5, offset_s=0.7, volume=0.5),
    ]
    return DescribedSound(sample_rate=RATE, tracks=[TrackInfo(items=items)])


def peaks(blocks):
    return true_peaks_db(blocks, LOUDER, RATE)


def test_items_are_mixed_again_as_they_were_and_nothing_of_it_is_kept(kicks):
    library = Library()
    heard = hear(described(kicks), library)
    first, second = heard.again(lambda blocks: np.concatenate(list(blocks), 1)), heard.again(peaks)
    assert round(heard.analysis.duration_s * RATE) == first.shape[1] and np.abs(first).max() > 0.9
    assert second == pytest.approx(peaks([first]), abs=1e-4)
    assert len(library._decoded) <= 1  # no more than the first mix, which has the file twice, had a use for


@pytest.mark.parametrize("now", ["gone", "no sound", "another sound"])
def test_media_that_changed_meanwhile_leave_what_was_known_of_their_peaks(engine, kicks, now):
    heard = hear(described(kicks), Library())
    asked = engine.adapt_analysis(heard.analysis, "boomy", intensity=2.0)
    held = with_loudness(asked, heard)
    assert held.gave_way_db > 0.1
    if now == "gone":
        kicks.unlink()
        with pytest.raises(AudioError):
            heard.again(peaks)
    elif now == "no sound":
        kicks.write_bytes(b"no sound " * 1000)
    else:
        soundfile.write(kicks, np.full((RATE, 2), 0.01), 22_050)
    known = with_measured_loudness(asked, heard.analysis, None)
    assert with_loudness(asked, heard).eq == known.eq and known.gave_way_db > 0.1
    assert known.eq.output_gain_db == pytest.approx(held.eq.output_gain_db, abs=0.5)


@pytest.mark.parametrize("by", ["posterior", "ltas"])
def test_of_references_their_powers_are_enough(engine, kicks, sound, by):
    source, request = analyze_file(kicks).analysis, MatchRequest(by=by)
    assert request.needs_balances_alone and not MatchRequest(by="encoder").needs_balances_alone
    path = sound("reference.wav", rate=RATE)
    with AudioFile(path) as file:
        whole, powers = (analyze_opened(file, powers_only=only).analysis for only in (False, True))
    assert powers.loudest is None and whole.loudest is not None
    eqs = [engine.match_analysis(source, [one], ["reference"], request).eq for one in (whole, powers)]
    assert eqs[0] == eqs[1] and eqs[0].bands
