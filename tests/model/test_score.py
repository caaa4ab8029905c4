"""The score: rises with the word's own curve, whatever else is there, and does not hear level."""

from __future__ import annotations

from itertools import pairwise
from statistics import NormalDist

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.model.audio_encoder import center_robust
from reaper_aeq.model.curves import GRID, N_GRID, center, rms_db
from reaper_aeq.model.score import axes, percentiles, scores, standard_scores

OCTAVES = GRID.log2()
MUSIC_COV = 30 * torch.exp(-0.5 * (OCTAVES[:, None] - OCTAVES).square()) + torch.eye(N_GRID, dtype=torch.float64)
VISIBLE = torch.ones(N_GRID, dtype=torch.float64)


def smooth(seed: int, rms: float) -> torch.Tensor:
    """A curve that moves over about an octave, level-free, (bands,) dB."""
    noise = torch.randn(N_GRID, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    curve = center(torch.exp(-0.5 * (OCTAVES[:, None] - OCTAVES).square()) @ noise)
    return rms / rms_db(curve) * curve


def standard(word: torch.Tensor, deviation: torch.Tensor) -> float:
    return float(standard_scores(word[None], center_robust(deviation, VISIBLE), MUSIC_COV)[0])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000), st.floats(0, 6), st.floats(0.5, 6), st.floats(-50, 50))
def test_applying_the_words_own_curve_raises_its_score(word_seed, sound_seed, sound_rms, word_rms, level):
    word, sound = smooth(word_seed, word_rms), smooth(sound_seed, sound_rms)
    found = [standard(word, sound + amount * word + level) for amount in (-1.0, -0.5, 0.0, 0.25, 0.5, 1.0)]
    assert all(a < b for a, b in pairwise(found)), found


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000), st.floats(0, 25), st.floats(-90, 30))
def test_level_is_not_heard(word_seed, sound_seed, sound_rms, level):
    word, sound = smooth(word_seed, 4.0), smooth(sound_seed, sound_rms)
    assert standard(word, sound + level) == pytest.approx(standard(word, sound), abs=1e-6)


def test_a_level_left_in_the_word_or_the_sound_is_not_heard():
    word, sound = smooth(1, 4.0), smooth(2, 5.0)
    rows = torch.stack([word, word + 7.0])
    plain = standard_scores(rows[:1], sound, MUSIC_COV).item()
    assert standard_scores(rows, sound, MUSIC_COV).tolist() == pytest.approx([plain, plain])
    assert standard_scores(rows, sound - 9.0, MUSIC_COV).tolist() == pytest.approx([plain, plain])


def test_usual_is_a_half_and_opposites_mirror():
    words = torch.stack([smooth(1, 4.0), -smooth(1, 4.0)])
    assert scores(words, torch.zeros(N_GRID, dtype=torch.float64), MUSIC_COV).tolist() == [0.5, 0.5]
    up, down = scores(words, smooth(1, 6.0), MUSIC_COV).tolist()
    assert up > 0.5 and up + down == pytest.approx(1.0)


def test_a_score_is_the_share_of_a_normal_distribution_below():
    words, sound = torch.stack([smooth(n, 4.0) for n in range(6)]), smooth(7, 6.0)
    raw = standard_scores(words, sound, MUSIC_COV).tolist()
    assert max(raw) - min(raw) > 0.5
    assert scores(words, sound, MUSIC_COV).tolist() == pytest.approx([NormalDist().cdf(one) for one in raw], abs=1e-6)


def test_the_size_of_a_words_curve_is_no_matter():
    one, ten = (scores(smooth(2, rms)[None], smooth(3, 5.0), MUSIC_COV).item() for rms in (1.0, 10.0))
    assert one == pytest.approx(ten)


def test_scores_are_percentiles_of_music():
    factor = torch.linalg.cholesky(MUSIC_COV)
    draws = torch.randn(4000, N_GRID, generator=torch.Generator().manual_seed(0), dtype=torch.float64) @ factor.T
    found = torch.stack([scores(smooth(4, 3.0)[None], row, MUSIC_COV)[0] for row in draws])
    assert found.quantile(0.1).item() == pytest.approx(0.1, abs=0.03)
    assert found.quantile(0.9).item() == pytest.approx(0.9, abs=0.03)


def test_certain_bands_count_for_more():
    cov = MUSIC_COV.clone()
    cov[40:, 40:] += 400 * torch.eye(N_GRID - 40, dtype=torch.float64)
    weight = axes(smooth(5, 4.0)[None], MUSIC_COV)[0].abs(), axes(smooth(5, 4.0)[None], cov)[0].abs()
    assert weight[1][40:].sum() / weight[1].sum() < 0.5 * weight[0][40:].sum() / weight[0].sum()
    assert axes(smooth(5, 4.0)[None], cov).sum().item() == pytest.approx(0.0, abs=1e-12)


def test_no_word_is_a_half():
    assert scores(torch.zeros(1, N_GRID, dtype=torch.float64), smooth(6, 9.0), MUSIC_COV).item() == 0.5


def test_percentiles_are_those_of_a_normal_distribution():
    assert percentiles(torch.tensor([-1.959964, 0.0, 1.644854])).tolist() == pytest.approx([0.025, 0.5, 0.95], abs=1e-6)
