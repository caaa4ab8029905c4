"""How much of a word a sound gets: less the more of it is there, never the opposite, people's mean if it is average."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.errors import AeqError
from reaper_aeq.methods import adaptive, fixed
from reaper_aeq.methods.adaptive.constraints import LEAST, MIX, MOST, SOFT, at_least, bounded_by_word, enough
from reaper_aeq.methods.adaptive.posterior import RATIO_LIMIT
from reaper_aeq.methods.method import MethodInput, method
from reaper_aeq.methods.validation import AnalyzedRequest, validated
from reaper_aeq.model.audio_encoder import Observation, Usual, center_robust
from reaper_aeq.model.curves import GRID, N_GRID, audible_projection, center, projection, rms_db
from reaper_aeq.request import METHODS, EqRequest

OCTAVES = GRID.log2()
NEAR = torch.exp(-0.5 * (OCTAVES[:, None] - OCTAVES).square())
EYE = torch.eye(N_GRID, dtype=torch.float64)
TILT = center(-3 * torch.tanh((OCTAVES - 10) / 2))  # the word: more below 1 kHz, less above, 2.6 dB RMS


ALL = torch.ones(N_GRID, dtype=torch.float64)


def smooth(seed: int, rms: float) -> torch.Tensor:
    noise = torch.randn(N_GRID, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    curve = center(NEAR @ noise)
    return rms / rms_db(curve) * curve


def request(
    deviation: torch.Tensor, adaptation: float = 0.5, visible: torch.Tensor | None = None, word=TILT
) -> MethodInput:
    visible = torch.ones(N_GRID, dtype=torch.float64) if visible is None else visible
    balance = center_robust(deviation, visible)
    zeros = torch.zeros(N_GRID, dtype=torch.float64)
    seen = Observation(balance, visible, zeros, balance, balance, torch.zeros(32), torch.ones(N_GRID).bool())
    return MethodInput(word, 9 * NEAR + EYE, seen, 30 * NEAR + EYE, adaptation)


def share(deviation: torch.Tensor, adaptation: float = 0.5) -> float:
    """Of the word's curve that a sound gets."""
    return float(projection(adaptive.curve(request(deviation, adaptation)), TILT))


def test_a_section_is_pulled_half_as_far():
    """To where sounds score alike, which is meant for sounds by themselves."""
    nothing = torch.zeros(N_GRID, dtype=torch.float64)
    usual = Usual(nothing, 30 * NEAR + EYE, nothing, torch.eye(10, dtype=torch.float64)[MIX])
    asked = request(smooth(3, 4.0) + 0.5 * TILT)
    asked = replace(asked, observation=replace(asked.observation, usual=usual))
    none, half, all_of_it = (adaptive.curve(replace(asked, pull=pull)) for pull in (0.0, 0.5, 1.0))
    assert float(rms_db(all_of_it - none)) > 0.2
    assert float(rms_db(half - 0.5 * (none + all_of_it))) < 0.1 * float(rms_db(all_of_it - none))
    assert torch.equal(adaptive.curve(asked), all_of_it)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 15))
def test_without_adaptation_all_sounds_get_the_fixed_curve(seed, rms):
    asked = request(smooth(seed, rms), adaptation=0.0)
    assert torch.equal(adaptive.curve(asked), TILT) and torch.equal(
        fixed.curves([asked, asked]), torch.stack((TILT, TILT))
    )


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 24), st.floats(-4, 4), st.floats(0, 1))
def test_the_share_is_never_negative_and_capped(seed, rms, times, adaptation):
    got = share(smooth(seed, rms) + times * TILT, adaptation)
    ratio = min(adaptation / max(1 - adaptation, 1e-9), RATIO_LIMIT)
    assert LEAST - 1e-6 <= got <= MOST * max(1.0, ratio) + 1e-6


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 5), st.floats(0.1, 1))
def test_the_share_falls_as_the_sound_has_more_of_the_word(seed, rms, adaptation):
    other = smooth(seed, rms)
    shares = [share(other + times * TILT, adaptation) for times in (-2.0, -1.0, 0.0, 1.0, 2.0)]
    assert all(a >= b - 1e-9 for a, b in pairwise(shares)), shares
    assert shares[0] > shares[-1]


def test_more_adaptation_listens_more():
    spans = [share(-1.5 * TILT, a) - share(1.5 * TILT, a) for a in (0.0, 0.1, 0.3, 0.5, 0.75)]
    assert spans[0] == 0 and all(a < b for a, b in pairwise(spans)), spans


def test_a_sound_that_has_plenty_gets_the_least_and_nothing_beside():
    answer = adaptive.curve(request(5 * TILT + smooth(3, 1.0)))
    assert projection(answer, TILT).item() == pytest.approx(LEAST)
    assert rms_db(answer - LEAST * TILT) < 1e-6


def test_far_more_of_the_word_than_is_usual_gets_the_least_however_little_is_left_to_see():
    """Bands that fall silent say nothing: what they said when they could be heard must not be forgotten."""
    nothing = torch.zeros(N_GRID, dtype=torch.float64)
    shares = []
    for times in (0.0, 3.0, 5.0, 8.0):
        asked = request(nothing)
        seen = replace(asked.observation, balance_db=times * TILT)
        shares.append(float(projection(adaptive.curve(replace(asked, observation=seen)), TILT)))
    assert shares[0] > 3 * LEAST
    assert LEAST <= shares[-1] < LEAST + 0.1 * SOFT
    assert all(more >= less - 1e-9 for more, less in pairwise(shares))
    assert enough(MOST, 1.0, 1.0) == MOST and enough(MOST, 4.0, 1.0) < LEAST < enough(MOST, 2.4, 1.0) < MOST
    seen = replace(request(nothing).observation, balance_db=8 * TILT)
    answers = [adaptive.curve(replace(request(nothing, 0.02 * n), observation=seen)) for n in range(26)]
    got = [float(projection(answer, TILT)) for answer in answers]
    assert max(a - b for a, b in pairwise(got)) < 0.2 and got[0] == pytest.approx(1.0)


@pytest.mark.parametrize("strength", [0.3, 1.0, 2.5])
def test_an_average_sound_gets_what_people_do_on_average(strength):
    """Within the law's 1.5 dB RMS, for weak and strong words."""
    word = strength * TILT
    answer = adaptive.curve(request(torch.zeros(N_GRID, dtype=torch.float64), word=word))
    assert rms_db(answer - word) < 1.5


@pytest.mark.parametrize("style", [-3.0, -1.0, 1.0, 3.0])
@pytest.mark.parametrize("strength", [0.3, 1.0, 2.5])
def test_an_average_sound_of_an_unusual_style_gets_that_too(style, strength):
    """A score takes only a part of what is usual for granted; the rest pulls, but no further than the law allows."""
    word, zeros = strength * TILT, torch.zeros(N_GRID, dtype=torch.float64)
    plain = request(zeros, word=word)
    usual = Usual(zeros, plain.residual_cov, -style * TILT, torch.eye(10, dtype=torch.float64)[MIX])
    seen = replace(plain.observation, balance_db=style * TILT, usual=usual)
    assert rms_db(adaptive.curve(replace(plain, observation=seen)) - word) < 1.5


def test_bands_that_are_not_seen_ask_for_nothing():
    """Whatever stands in for an unseen band moves the answer by next to nothing."""
    visible = torch.ones(N_GRID, dtype=torch.float64)
    visible[:15] = 0.0
    plain, wild = torch.zeros(2, N_GRID, dtype=torch.float64)
    wild[:15] = 20.0
    answers = [adaptive.posterior_gain(request(d, visible=visible), 1.0) @ d for d in (plain, wild)]
    assert answers[1][20:].abs().max() < 0.1
    assert (adaptive.posterior_gain(request(wild), 1.0) @ wild).abs().max() > 0.5


def test_a_source_unlike_any_music_is_not_chased():
    """Trusted as the Gaussian says up to a distance, and less and less beyond it."""
    spikes = torch.zeros(N_GRID, dtype=torch.float64)
    spikes[::3] = 1.0
    trust = [
        float((adaptive.posterior_gain(request(size * spikes), 1.0) @ TILT).norm()) for size in (0.1, 1.0, 12.0, 24.0)
    ]
    assert trust[0] == pytest.approx(trust[1], rel=0.01) and trust[1] > 1.5 * trust[2]


def test_bounded_by_word_keeps_what_lies_between():
    beside = smooth(1, 1.0) - projection(smooth(1, 1.0), TILT) * TILT
    torch.testing.assert_close(
        bounded_by_word(0.8 * TILT + beside, TILT, 2.5, ALL), 0.8 * TILT + beside, atol=1e-3, rtol=0
    )
    torch.testing.assert_close(bounded_by_word(5 * TILT + beside, TILT, 2.5, ALL), 2.5 * TILT + 0.5 * beside)
    torch.testing.assert_close(bounded_by_word(-TILT + beside, TILT, 2.5, ALL), LEAST * TILT, atol=1e-6, rtol=0)


def test_a_word_that_means_nothing_changes_nothing():
    nothing = torch.zeros(N_GRID, dtype=torch.float64)
    for adaptation in (0.0, 0.5, 1.0):
        answer = adaptive.curve(request(smooth(4, 5.0), adaptation, word=nothing))
        assert answer.abs().max() < 1e-9


def test_methods_are_found_by_name():
    assert method("adaptive") is adaptive.curves and method("fixed") is fixed.curves
    assert all(callable(method(name)) for name in METHODS)
    with pytest.raises(AeqError, match=f"unknown method 'magic': use one of {', '.join(METHODS)}"):
        method("magic")
    with pytest.raises(AeqError, match="unknown method 'magic'"):
        validated(AnalyzedRequest(None, EqRequest("warm", method="magic")), {})


@pytest.mark.parametrize("heard_from", [20, 40])
def test_corrections_beside_the_word_do_not_undo_it_where_the_sound_is(heard_from):
    """Over the whole spectrum they are nothing of the word; over the part that holds sound they may be its opposite."""
    visible = ALL.clone()
    visible[:heard_from] = 1e-3
    beside = torch.where(visible > 0.5, -3 * TILT, 0.0)
    beside = center(beside) - projection(beside, TILT) * TILT
    answer = 0.8 * TILT + beside
    assert audible_projection(answer, TILT, visible) < 0
    assert audible_projection(bounded_by_word(answer, TILT, 2.5, visible), TILT, visible) >= LEAST - 1e-9


def test_the_share_is_bent_towards_the_least_without_a_kink():
    shares = torch.linspace(-2, 3, 501).tolist()
    bent = torch.tensor([at_least(share) for share in shares], dtype=torch.float64)
    steps = bent.diff()
    assert bool((bent >= LEAST).all()) and bool((steps >= 0).all()) and bool((steps.diff().abs() < 0.001).all())
    assert at_least(1.0) == pytest.approx(1.0, abs=1e-3)
