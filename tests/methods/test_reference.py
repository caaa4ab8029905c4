"""Matching a reference: what the difference of two spectra is taken for, on statistics made by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.eq import Band, Eq
from reaper_aeq.errors import AeqError, RangeError
from reaper_aeq.methods.reference import (
    LTAS_SMOOTHING_OCT,
    Matching,
    difference,
    limited,
    posterior,
    smoothed,
    window,
)
from reaper_aeq.model.curves import COMPARED, GRID, center, rms_db
from reaper_aeq.request import MatchRequest

BANDS = len(GRID)
EVERYWHERE = torch.ones(BANDS, dtype=torch.bool)
OCTAVES = GRID.log2()
MUSIC = -3.0 * (OCTAVES - OCTAVES[0])  # falls by 3 dB an octave, 29 dB in all
SHELVES = torch.from_numpy(
    Eq((Band("low_shelf", 200, 5.0), Band("high_shelf", 5000, -4.0))).response_db(GRID.numpy(), 48_000)
)


def cov(rms: float, width_oct: float) -> torch.Tensor:
    apart = OCTAVES[:, None] - OCTAVES
    return rms**2 * torch.exp(-0.5 * (apart / width_oct).square()) + 1e-4 * torch.eye(BANDS).double()


# people: 4 dB, broad; content: 2.5 dB, a note wide
MATCHING = Matching(cov(4.0, 2.0), cov(2.5, 0.15))


def notes(seed: int, rms: float = 2.5) -> torch.Tensor:
    return rms * torch.randn(BANDS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def found(source: torch.Tensor, *references: torch.Tensor, weights: list[float] | None = None):
    return difference(source, EVERYWHERE, [(r, EVERYWHERE) for r in references], weights or [1.0] * len(references))


def ltas(seen) -> torch.Tensor:
    """What other tools do: the difference, smoothed."""
    return center(smoothed(seen.db, seen.heard, LTAS_SMOOTHING_OCT))


def test_a_wet_copy_gives_its_eq_back():
    content = MUSIC + notes(0)
    curve, sure = posterior(found(content, content + SHELVES - 17), MATCHING)
    assert float(rms_db(curve - SHELVES)) < 0.2 and sure > 0.5


def test_other_notes_are_told_from_an_eq():
    errors, plain = [], []
    for seed in range(12):
        seen = found(MUSIC + notes(seed), MUSIC + notes(100 + seed) + SHELVES)
        curve, sure = posterior(seen, MATCHING)
        errors.append(float(rms_db(curve - SHELVES)))
        plain.append(float(rms_db(seen.db - SHELVES)))
        assert 0.2 < sure < 0.95
        assert errors[-1] < 0.7 * plain[-1], (errors, plain)
    assert sum(errors) < 0.35 * sum(plain)
    smooth = [
        float(rms_db(ltas(found(MUSIC + notes(n), MUSIC + notes(100 + n) + SHELVES)) - SHELVES)) for n in range(12)
    ]
    assert sum(smooth) < 0.7 * sum(plain)


@settings(max_examples=20, deadline=None)
@given(st.floats(-60, 60), st.floats(-60, 60))
def test_level_never_matters(source_db, reference_db):
    content, other = MUSIC + notes(1), MUSIC + notes(2) + SHELVES
    plain, moved = found(content, other), found(content + source_db, other + reference_db)
    assert torch.allclose(plain.db, moved.db, atol=1e-9)
    assert torch.allclose(posterior(plain, MATCHING)[0], posterior(moved, MATCHING)[0], atol=1e-6)


def test_bands_that_the_reference_does_not_hold_say_nothing():
    content = MUSIC + notes(3)
    narrow, gone = content + SHELVES, GRID > 6000
    results = []
    for depth_db in (90.0, 110.0):
        seen = found(content, torch.where(gone, narrow - depth_db, narrow))
        assert float(seen.heard[gone].max()) < 0.01 and float(seen.heard[~gone].min()) > 0.9
        for curve in (posterior(seen, MATCHING)[0], ltas(seen)):
            inside = COMPARED & ~gone
            off = (curve - SHELVES)[inside]
            assert float((off - off.mean()).abs().max()) < 1.5
            # beyond, the EQ goes on as its neighbors do instead of falling by what is missing
            assert float((curve - SHELVES - off.mean())[gone].abs().max()) < 6
        results.append(posterior(seen, MATCHING)[0])
    assert torch.allclose(*results, atol=0.1)


def test_several_references_are_their_weighted_mean_at_one_level():
    content = MUSIC + notes(4)
    bright, dark = content + SHELVES, content - SHELVES + 30
    assert float(rms_db(found(content, bright, dark).db)) < 0.01  # seen almost alike
    three_to_one = found(content, bright, dark, weights=[3.0, 1.0]).db
    assert torch.allclose(center(three_to_one), center(0.5 * SHELVES), atol=0.02)


def test_a_band_that_one_reference_lacks_is_left_to_the_others():
    content, gone = MUSIC + notes(5), GRID > 6000
    short = torch.where(gone, content - 90, content)
    seen = found(content, short, content + SHELVES)
    assert torch.allclose((seen.db - SHELVES)[gone].diff(), torch.zeros(int(gone.sum()) - 1).double(), atol=0.1)


def test_nothing_in_common_is_refused():
    low, high = torch.where(GRID < 100, 0.0, -120.0).double(), torch.where(GRID > 5000, 0.0, -120.0).double()
    with pytest.raises(AeqError, match="no sound where the source has some"):
        found(low, high)


def test_limits_leave_the_rest_flat():
    inside = window(200, 2000)
    assert bool((inside[(GRID >= 200) & (GRID <= 2000)] == 1).all())
    beyond = (GRID < 200 / 2**0.51) | (GRID > 2000 * 2**0.51)
    assert float(inside[beyond].abs().max()) < 1e-3
    curve = limited(SHELVES + 3, torch.ones(BANDS).double(), inside)
    assert float(curve[beyond].abs().max()) < 0.02 and float(curve.median()) == pytest.approx(0, abs=0.01)
    # relative to each other the bands inside are as they were, half of them above 0 dB
    within = inside == 1
    assert abs(float(curve[within].median())) < 0.3
    assert torch.allclose(curve[within].diff(), SHELVES[within].diff())
    assert limited(SHELVES, torch.ones(BANDS), window(None, 20_000)) is SHELVES


def test_smoothing_is_of_constant_q_and_keeps_broad_curves():
    flat, spike = torch.ones(BANDS).double(), torch.zeros(BANDS).double()
    spike[30] = 6.0
    assert torch.equal(smoothed(spike, flat, 0.0), spike)
    for width in (0.5, 1.0, 2.0):
        out = smoothed(spike, flat, width)
        half = (out > 0.5 * out.max()).sum() / 6
        assert float(half) == pytest.approx(width, abs=0.35)
    assert float(rms_db(smoothed(SHELVES, flat, 1.0) - SHELVES)) < 0.25


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"intensity": 2.1}, "intensity must lie between 0 and 2, not 2.1"),
        ({"intensity": float("nan")}, "intensity must lie between 0 and 2, not nan"),
        ({"low_hz": 5}, "the lower limit in Hz must lie between 20 and 20000, not 5"),
        ({"low_hz": 1000, "high_hz": 1200}, "nothing can be matched from 1000 to 1200 Hz"),
        ({"smoothing_oct": -1}, "the smoothing in octaves must lie between 0 and 4, not -1"),
        ({"by": "magic"}, "unknown way to match 'magic': use one of posterior, ltas, encoder"),
        ({"weights": [1, 0]}, "the weight of a reference must be a number above 0, not 0"),
        ({"weights": [float("inf")]}, "must be a number above 0, not inf"),
    ],
)
def test_requests_that_cannot_be_met(options, sentence):
    with pytest.raises((AeqError, RangeError), match=sentence):
        MatchRequest(**options)


def test_shares():
    assert MatchRequest().shares(2) == [0.5, 0.5]
    assert MatchRequest(weights=[3, 1]).shares(2) == [0.75, 0.25]
    with pytest.raises(AeqError, match="each reference needs one weight, not 3 weights for 2 references"):
        MatchRequest(weights=[1, 1, 1]).shares(2)
    with pytest.raises(AeqError, match="no reference given"):
        MatchRequest().shares(0)
