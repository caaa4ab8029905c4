"""Curves come back as bands: exact where they can be, within limits where they cannot, near on people's settings."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.dsp.fit import DEFAULT_FREQS_HZ, DEFAULT_KINDS, fit_bands
from reaper_aeq.dsp.response import bandwidth_from_q, response_db
from reaper_aeq.eq import LIMITS, SHELF_BANDWIDTH_OCT, SHELVES, BandKind

# A plain example of each band at work, none hidden by another.
PLAIN = torch.tensor([[[90, 5, 1], [300, -4, 1.2], [1100, 6, 0.8], [3500, -5, 1.5], [9000, 4, 1]]], dtype=torch.float64)


def curve_of(params: torch.Tensor, sample_rate: float = 48_000, kinds=DEFAULT_KINDS) -> torch.Tensor:
    return response_db(params, kinds, DEFAULT_FREQS_HZ, sample_rate)


def assert_within_limits(fit) -> None:
    for column, name in enumerate(("freq_hz", "gain_db", "bandwidth_oct")):
        values = fit.params[..., column]
        assert bool((values >= LIMITS[name].low - 1e-9).all() and (values <= LIMITS[name].high + 1e-9).all()), name
    shelves = [place for place, kind in enumerate(fit.kinds) if kind in SHELVES]
    assert bool((fit.params[:, shelves, 2] == SHELF_BANDWIDTH_OCT).all())


def test_its_frequencies_are_those_of_the_spectrum():
    from reaper_aeq.dsp.spectrum import GRID_HZ

    np.testing.assert_allclose(DEFAULT_FREQS_HZ.numpy(), GRID_HZ, rtol=1e-12)


@pytest.mark.parametrize("sample_rate", [44_100, 48_000, 96_000])
def test_finds_the_bands_that_made_a_curve(sample_rate):
    fit = fit_bands(curve_of(PLAIN, sample_rate), sample_rate=sample_rate)
    assert fit.rms_db.item() < 0.02
    ratio = fit.params[..., 0] / PLAIN[..., 0]
    assert ratio.log2().abs().max() < 0.1 and (fit.params[..., 1] - PLAIN[..., 1]).abs().max() < 0.3
    eq = fit.eq(output_gain_db=-1.0)
    assert [band.kind for band in eq.bands] == list(DEFAULT_KINDS) and eq.output_gain_db == -1.0


def test_reported_error_is_the_error_of_the_bands_returned():
    target = 6 * torch.sin(torch.linspace(0, 9, len(DEFAULT_FREQS_HZ))).double().expand(2, -1)
    fit = fit_bands(target)
    again = (curve_of(fit.params) - target).square().mean(-1).sqrt()
    torch.testing.assert_close(fit.rms_db, again)
    # ordered: the three bands rise
    assert bool((fit.params[:, 1:4, 0].diff() >= 0).all())


def test_a_flat_curve_gets_no_gain():
    fit = fit_bands(torch.zeros(2, len(DEFAULT_FREQS_HZ)))
    assert fit.params[..., 1].abs().max() < 1e-6 and fit.rms_db.max() < 1e-6
    proposal = PLAIN.unsqueeze(1).expand(2, -1, -1, -1)
    fit = fit_bands(torch.zeros(2, len(DEFAULT_FREQS_HZ)), starts=proposal)
    assert fit.params[..., 1].abs().max() < 1e-6


def test_level_counts_unless_told_otherwise():
    lifted = curve_of(PLAIN) + 3.0
    assert fit_bands(lifted, level_free=True).rms_db.item() < 0.02
    counted = fit_bands(lifted)
    # what is reported includes the level
    torch.testing.assert_close(counted.rms_db, (curve_of(counted.params) - lifted).square().mean(-1).sqrt())
    fit = fit_bands(torch.full((1, len(DEFAULT_FREQS_HZ)), 7.0), level_free=True)
    assert fit.params[..., 1].abs().max() < 1e-6


def test_weights_choose_what_is_followed():
    target = curve_of(PLAIN)
    one_band = (BandKind.BAND,)
    low = fit_bands(target, kinds=one_band, weights=(DEFAULT_FREQS_HZ < 500).double())
    high = fit_bands(target, kinds=one_band, weights=(DEFAULT_FREQS_HZ > 2500).double())
    assert low.params[0, 0, 0] < 500 < 2500 < high.params[0, 0, 0]
    junk = torch.where(DEFAULT_FREQS_HZ > 2000, 10.0, 0.0)
    band = torch.tensor([[[400.0, -7.0, 1.0]]], dtype=torch.float64)
    seen = fit_bands(curve_of(band, kinds=one_band) + junk, kinds=one_band, weights=(junk == 0).double())
    torch.testing.assert_close(seen.params, band, rtol=0.01, atol=0.01)
    both = fit_bands(
        target.expand(2, -1),
        kinds=one_band,
        weights=torch.stack((DEFAULT_FREQS_HZ < 500, DEFAULT_FREQS_HZ > 2500)).double() * 7,
    )
    # the one that is done first goes on while the other is not
    torch.testing.assert_close(both.params, torch.cat((low.params, high.params)), rtol=0.01, atol=0.01)


def test_a_proposal_is_taken_where_it_is_better():
    # two narrow neighbors of opposite sign, of which the grid sees little
    kinds = (BandKind.BAND,) * 4
    hidden = torch.tensor([[[200, 9, 0.2], [240, -9, 0.25], [3000, 8, 0.15], [3400, -11, 0.3]]], dtype=torch.float64)
    target = curve_of(hidden, kinds=kinds)
    alone = fit_bands(target, kinds=kinds, own_starts=1)
    helped = fit_bands(target, kinds=kinds, own_starts=1, starts=hidden.unsqueeze(1))
    assert helped.rms_db.item() < 0.01 < alone.rms_db.item()
    # one outside the limits is brought inside, though it would be perfect
    outside = hidden * torch.tensor([1.0, 1.5, 1.0])
    assert_within_limits(fit_bands(curve_of(outside, kinds=kinds), kinds=kinds, starts=outside.unsqueeze(1)))


PLACES = {"l": (BandKind.LOW_SHELF, 90, 5, 1), "h": (BandKind.HIGH_SHELF, 9000, 4, 1)}
PLACES |= {"1": (BandKind.BAND, 400, -4, 1.2), "2": (BandKind.BAND, 2500, 6, 0.8)}


@pytest.mark.parametrize("order", ["1", "hl", "l1h", "1h2l", "12", "l2"])
def test_other_sets_of_kinds_keep_their_places(order):
    kinds = tuple(PLACES[name][0] for name in order)
    params = torch.tensor([[PLACES[name][1:] for name in order]], dtype=torch.float64)
    fit = fit_bands(curve_of(params, kinds=kinds), kinds=kinds)
    assert fit.kinds == kinds and fit.rms_db.item() < 0.02
    torch.testing.assert_close(fit.params[..., 1], params[..., 1], atol=0.3, rtol=0)


def test_beyond_the_limits_it_goes_to_the_limit():
    fit = fit_bands(torch.full((1, len(DEFAULT_FREQS_HZ)), 90.0))
    assert_within_limits(fit)
    assert (fit.params[..., 1] == 12.0).all()


def test_bands_stay_below_max_band_hz():
    kinds = (BandKind.BAND,)
    target = curve_of(torch.tensor([[[15_000.0, 8.0, 0.5]]]).double(), kinds=kinds)
    assert fit_bands(target, kinds=kinds).params[0, 0, 0] <= 12_000.0 + 1e-6
    assert fit_bands(target, kinds=kinds, max_band_hz=20_000.0).rms_db.item() < 0.01


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31), sample_rate=st.sampled_from((8_000, 44_100, 192_000)))
def test_any_smooth_curve_is_fitted_within_limits_the_same_alone_and_in_a_batch(seed, sample_rate):
    noise = torch.randn(3, 9, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    waves = torch.cos(torch.linspace(0, torch.pi, len(DEFAULT_FREQS_HZ)).double() * torch.arange(9).unsqueeze(1))
    target = 4 * noise @ waves
    together = fit_bands(target, sample_rate=sample_rate)
    assert_within_limits(together)
    assert bool((together.rms_db <= target.square().mean(-1).sqrt()).all())
    for one in range(3):
        alone = fit_bands(target[one], sample_rate=sample_rate)
        torch.testing.assert_close(alone.rms_db[0], together.rms_db[one], atol=0.05, rtol=0.05)


def test_wrong_shapes_kinds_and_values_are_refused():
    curve = torch.zeros(1, len(DEFAULT_FREQS_HZ))
    with pytest.raises(ValueError, match="frequencies"):
        fit_bands(curve[:, 1:])
    with pytest.raises(ValueError, match="finite"):
        fit_bands(curve + torch.nan)
    with pytest.raises(ValueError, match="fitted"):
        fit_bands(curve, kinds=(BandKind.NOTCH,))


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
    fit = fit_bands(curve_of(params))
    assert_within_limits(fit)
    median, high = np.percentile(fit.rms_db, [50, 95])
    print(f"{len(rows)} SAFE settings: median {median:.4f} dB, 95 % below {high:.3f}, worst {fit.rms_db.max():.2f}")
    assert len(rows) > 1200 and median < 0.05 and high < 0.3
