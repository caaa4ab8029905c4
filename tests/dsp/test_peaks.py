"""True peaks, before and after an EQ, of a whole sound and of the pieces that are kept of a long one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import resample_poly

from reaper_aeq import Band, Eq
from reaper_aeq.dsp.peaks import (
    Loudest,
    largest_sample_db,
    most_rise_db,
    true_peak_db,
    true_peaks_db,
    true_peaks_of_pieces_db,
)

RATE = 44_100
EQS = [
    Eq((Band("low_shelf", 200, 9.0), Band("band", 40, -9.0, 0.5))),
    Eq((Band("high_shelf", 3000, 9.0), Band("low_shelf", 150, -6.0))),
    Eq(),
]


def sound(seed: int = 0, seconds: float = 4.0) -> np.ndarray:
    """Gusts of low noise with bursts of high noise somewhere else, (2, samples)."""
    rng = np.random.default_rng(seed)
    low = np.cumsum(rng.standard_normal((2, round(seconds * RATE))), axis=1)
    low -= np.convolve(low[0], np.ones(2001) / 2001, "same")
    high = rng.standard_normal(low.shape) * (rng.random(low.shape[1] // 2205 + 1).repeat(2205)[: low.shape[1]] > 0.9)
    return (0.3 * low / np.abs(low).max() + 0.05 * high).astype(np.float32)


def by_scipy(audio: np.ndarray) -> float:
    return float(20 * np.log10(np.abs(resample_poly(audio, 4, 1, axis=1)).max()))


def test_what_lies_between_samples_counts():
    quarter = np.sin(np.arange(4000) * np.pi / 2 + np.pi / 4)[None].astype(np.float32)
    assert np.abs(quarter).max() < 0.71 and true_peak_db(quarter[:, 100:]) == pytest.approx(0.0, abs=0.4)
    assert true_peak_db(np.zeros((1, 10))) < -100 and true_peak_db(np.array([[0.5]])) == pytest.approx(-6.02, abs=0.3)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("eq", EQS)
def test_peaks_are_those_of_the_filtered_sound(seed, eq):
    audio = sound(seed)
    before, after = true_peaks_db([audio], eq, RATE)
    assert before == pytest.approx(by_scipy(audio), abs=0.1)
    assert after == pytest.approx(by_scipy(eq.apply(audio, RATE)), abs=0.1)


def listen(loudest, blocks):
    for block in blocks:
        loudest.add(torch.from_numpy(block))


@pytest.mark.parametrize("cuts", [1, 7, 300])
@pytest.mark.parametrize("eq", EQS)
def test_the_pieces_that_are_kept_hold_the_peaks(cuts, eq):
    audio = sound(9, seconds=20.0)
    loudest = Loudest(RATE)
    listen(loudest, np.array_split(audio, cuts, axis=1))
    pieces = loudest.pieces()
    assert pieces.numel() < 0.2 * audio.size
    found, exact = true_peaks_of_pieces_db(pieces, eq, RATE), true_peaks_db([audio], eq, RATE)
    assert found == pytest.approx(exact, abs=0.3)


def test_a_sound_shorter_than_a_piece_and_silence():
    for audio, peak in ((np.full((1, 5), 0.5, np.float32), -6.0), (np.zeros((2, 300), np.float32), None)):
        loudest = Loudest(RATE)
        listen(loudest, [audio])
        pieces = loudest.pieces()
        if peak is None:
            assert not len(pieces)
        else:
            assert true_peaks_of_pieces_db(pieces, Eq(), RATE)[0] == pytest.approx(peak, abs=1.5)


def test_no_sound_peaks_higher_than_the_bound_says():
    """Full scale where the impulse response has its signs, turned round: the worst that an EQ can meet."""
    for eq in EQS:
        click = np.zeros((1, 8000), np.float32)
        click[0, 0] = 1.0
        ringing = eq.apply(click, RATE)[:, ::-1]
        for audio in (np.sign(ringing) * 0.25, sound(3)[:, :20_000], 0.5 * sound(4)[:1]):
            loudest = Loudest(RATE)
            listen(loudest, [audio.astype(np.float32)])
            before, after = true_peaks_db([audio], eq, RATE)
            most = loudest.most_db() + most_rise_db(eq.bands, RATE)
            assert before <= loudest.most_db() + 1e-3 and after <= most + 1e-3
            sample = largest_sample_db(loudest.pieces(), RATE)
            assert sample == pytest.approx(20 * np.log10(np.abs(audio).max()), abs=1e-3) and most < sample + 22.0


@pytest.mark.parametrize("cuts", [1, 5, 200])
def test_no_true_peak_lies_above_its_bound(cuts):
    """The worst of all: a step in each gap, on either side of the edge of a piece; and what is as smooth as music."""
    size = round(0.05 * RATE)
    taps = np.sign(np.sinc(np.arange(-12, 12) + 0.5))
    smooth = np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE)
    for place in (12, 5 * size - 12, 5 * size, 5 * size + 3):
        worst = np.zeros(10 * size)
        worst[place - 12 : place + 12] = taps
        for audio in (np.stack((worst, 0.3 * worst)), np.stack((smooth, worst.repeat(3)[: len(smooth)][:RATE]))):
            audio = audio.astype(np.float32)
            loudest = Loudest(RATE)
            listen(loudest, np.array_split(audio, cuts, axis=1))
            assert true_peak_db(audio) <= loudest.most_db() + 1e-4
            assert loudest.most_db() < 20 * np.log10(np.abs(audio).max()) + 6.9
    loudest = Loudest(RATE)
    listen(loudest, np.array_split(0.5 * smooth[None].astype(np.float32), cuts, axis=1))
    assert loudest.most_db() == pytest.approx(-6.0, abs=0.4)


@pytest.mark.parametrize("cuts", [2, 9, 400])
def test_how_a_stream_was_cut_does_not_show(cuts):
    audio = sound(7)
    assert true_peaks_db(np.array_split(audio, cuts, axis=1), EQS[1], RATE) == pytest.approx(
        true_peaks_db([audio], EQS[1], RATE), abs=1e-4
    )


def test_both_sides_of_a_mono_sound_peak_alike():
    audio = np.repeat(sound(6)[:1], 2, axis=0)
    for eq in EQS:
        assert true_peaks_db([audio], eq, RATE) == true_peaks_db([audio[:1]], eq, RATE)


def test_where_pieces_are_cut_nothing_shoots_over():
    """A square wave is cut at its full level: between the last samples and nothing lay 0.45 dB more than it has."""
    t = np.arange(RATE) / RATE
    wave = 0.9 * np.sign(np.sin(2 * np.pi * 120 * t)) * np.minimum(1.0, np.minimum(t, t[::-1]) / 0.2)
    eq = Eq((Band("low_shelf", 300.0, -9.0), Band("high_shelf", 1500.0, 4.0)))
    kept = Loudest(RATE)
    kept.add(torch.from_numpy(wave[None]).float())
    found = true_peaks_of_pieces_db(kept.pieces(), eq, RATE)
    whole = true_peaks_db([wave[None].astype(np.float32)], eq, RATE)
    assert found == pytest.approx(whole, abs=0.05)
