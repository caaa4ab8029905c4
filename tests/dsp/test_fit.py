"""Curves come back as bands: exact where they can be, within limits where they cannot, near on people's settings."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.dsp import fit
from reaper_aeq.dsp.fit import DEFAULT_KINDS, HIGHEST_BAND_HZ, fit_bands
from reaper_aeq.dsp.response import bandwidth_from_q, response_db
from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.eq import LIMITS, SHELF_BANDWIDTH_OCT, SHELVES

# A plain example of each band at work, none hidden by another.
FREQS_HZ = torch.from_numpy(GRID_HZ)
PLAIN = torch.tensor([[[90, 5, 1], [300, -4, 1.2], [1100, 6, 0.8], [3500, -5, 1.5], [9000, 4, 1]]], dtype=torch.float64)


def curve_of(params: torch.Tensor, sample_rate: float = 48_000) -> torch.Tensor:
    return response_db(params, DEFAULT_KINDS, FREQS_HZ, sample_rate)


def missed_db(params: torch.Tensor, target: torch.Tensor, sample_rate: float = 48_000) -> torch.Tensor:
    """(batch,): RMS of what the bands do against what was wanted."""
    return (curve_of(params, sample_rate) - target).square().mean(-1).sqrt()


def assert_within_limits(params) -> None:
    for column, name in enumerate(("freq_hz", "gain_db", "bandwidth_oct")):
        values = params[..., column]
        assert bool((values >= LIMITS[name].low - 1e-9).all() and (values <= LIMITS[name].high + 1e-9).all()), name
    shelves = [place for place, kind in enumerate(DEFAULT_KINDS) if kind in SHELVES]
    assert bool((params[:, shelves, 2] == SHELF_BANDWIDTH_OCT).all())


@pytest.mark.parametrize("sample_rate", [44_100, 48_000, 96_000])
def test_finds_the_bands_that_made_a_curve(sample_rate):
    wanted = curve_of(PLAIN, sample_rate)
    params = fit_bands(wanted, sample_rate)
    assert missed_db(params, wanted, sample_rate).item() < 0.02
    ratio = params[..., 0] / PLAIN[..., 0]
    assert ratio.log2().abs().max() < 0.1 and (params[..., 1] - PLAIN[..., 1]).abs().max() < 0.3


def test_the_three_bells_rise():
    target = 6 * torch.sin(torch.linspace(0, 9, len(FREQS_HZ))).double().expand(2, -1)
    assert bool((fit_bands(target)[:, 1:4, 0].diff() >= 0).all())


def test_a_flat_curve_gets_no_gain():
    flat = torch.zeros(2, len(FREQS_HZ))
    params = fit_bands(flat)
    assert params[..., 1].abs().max() < 1e-6 and missed_db(params, flat).max() < 1e-6
    proposal = PLAIN.unsqueeze(1).expand(2, -1, -1, -1)
    assert fit_bands(flat, starts=proposal)[..., 1].abs().max() < 1e-6


def test_level_counts_unless_told_otherwise():
    lifted = curve_of(PLAIN) + 3.0
    apart = curve_of(fit_bands(lifted, level_free=True)) - lifted
    assert (apart - apart.mean()).square().mean().sqrt() < 0.02
    assert missed_db(fit_bands(lifted), lifted).item() < missed_db(fit_bands(lifted, level_free=True), lifted).item()
    params = fit_bands(torch.full((1, len(FREQS_HZ)), 7.0), level_free=True)
    assert params[..., 1].abs().max() < 1e-6


def test_weights_choose_what_is_followed():
    target = curve_of(PLAIN)
    low, high = (FREQS_HZ < 500).double(), (FREQS_HZ > 2500).double()

    def missed(params, weights):
        return ((curve_of(params) - target).square() * weights).sum().div(weights.sum()).sqrt()

    only_low, only_high = (
        fit_bands(target + 10 * (1 - low), weights=low),
        fit_bands(target + 10 * (1 - high), weights=high),
    )
    assert missed(only_low, low) < 0.02 and missed(only_high, high) < 0.02
    both = fit_bands(
        torch.stack((target[0] + 10 * (1 - low), target[0] + 10 * (1 - high))), weights=torch.stack((low, high)) * 7
    )
    # the one that is done first goes on while the other is not
    assert missed(both[:1], low) < 0.02 and missed(both[1:], high) < 0.02


def test_a_proposal_is_taken_where_it_is_better(monkeypatch):
    # narrow neighbors of opposite sign, of which the grid sees little
    monkeypatch.setattr(fit, "STARTS", 1)
    hidden = torch.tensor(
        [[[90, 4, 1], [200, 9, 0.2], [3000, 8, 0.15], [3400, -11, 0.3], [9000, -4, 1]]], dtype=torch.float64
    )
    target = curve_of(hidden)
    alone, helped = fit_bands(target), fit_bands(target, starts=hidden.unsqueeze(1))
    assert missed_db(helped, target).item() < 0.01 < missed_db(alone, target).item()
    # one outside the limits is brought inside, though it would be perfect
    outside = hidden * torch.tensor([1.0, 1.5, 1.0])
    assert_within_limits(fit_bands(curve_of(outside), starts=outside.unsqueeze(1)))


def test_beyond_the_limits_it_goes_to_the_limit():
    params = fit_bands(torch.full((1, len(FREQS_HZ)), 90.0))
    assert_within_limits(params)
    assert (params[..., 1] == 12.0).all()


def test_bells_stay_below_the_highest():
    high = torch.tensor([[[90, 0, 1], [300, 0, 1], [1000, 0, 1], [15_000, 8, 0.5], [9000, 0, 1]]], dtype=torch.float64)
    assert fit_bands(curve_of(high))[0, 1:4, 0].max() <= HIGHEST_BAND_HZ + 1e-6


def test_bells_are_no_narrower_than_asked():
    narrow = torch.tensor(
        [[[90, 0, 1], [300, 8, 0.3], [1000, 0, 1], [4000, -8, 0.3], [9000, 0, 1]]], dtype=torch.float64
    )
    assert fit_bands(curve_of(narrow), min_band_oct=0.5)[..., 2].min() >= 0.5 - 1e-9


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31), sample_rate=st.sampled_from((8_000, 44_100, 192_000)))
def test_any_smooth_curve_is_fitted_within_limits_the_same_alone_and_in_a_batch(seed, sample_rate):
    noise = torch.randn(3, 9, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    waves = torch.cos(torch.linspace(0, torch.pi, len(FREQS_HZ)).double() * torch.arange(9).unsqueeze(1))
    target = 4 * noise @ waves
    together = fit_bands(target, sample_rate)
    assert_within_limits(together)
    missed = missed_db(together, target, sample_rate)
    assert bool((missed <= target.square().mean(-1).sqrt()).all())
    for one in range(3):
        alone = missed_db(fit_bands(target[one], sample_rate), target[one], sample_rate)
        torch.testing.assert_close(alone[0], missed[one], atol=0.05, rtol=0.05)


def test_wrong_shapes_and_values_are_refused():
    curve = torch.zeros(1, len(FREQS_HZ))
    with pytest.raises(ValueError, match="frequencies"):
        fit_bands(curve[:, 1:])
    with pytest.raises(ValueError, match="finite"):
        fit_bands(curve + torch.nan)


@pytest.mark.shared
@pytest.mark.slow
def test_peoples_settings(shared_dir):
    """Every SAFE setting that is not a test of the plug-in, although many are wider than ReaEQ's four octaves."""
    with open(shared_dir / "data" / "safe_eq.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["descriptor"] != "test"]
    params = torch.ones(len(rows), 5, 3, dtype=torch.float64)
    for place, name in enumerate(("low_shelf", "peak1", "peak2", "peak3", "high_shelf")):
        params[:, place, 0] = torch.tensor([float(row[f"{name}_freq_hz"]) for row in rows])
        params[:, place, 1] = torch.tensor([float(row[f"{name}_gain_db"]) for row in rows])
        if name.startswith("peak"):
            places = [(float(row[f"{name}_q"]), float(row[f"{name}_freq_hz"])) for row in rows]
            params[:, place, 2] = torch.tensor([bandwidth_from_q(q, freq_hz, 48_000) for q, freq_hz in places])
    found = fit_bands(curve_of(params))
    assert_within_limits(found)
    missed = missed_db(found, curve_of(params))
    median, high = np.percentile(missed, [50, 95])
    print(f"{len(rows)} SAFE settings: median {median:.4f} dB, 95 % below {high:.3f}, worst {missed.max():.2f}")
    assert len(rows) > 1200 and median < 0.05 and high < 0.3
