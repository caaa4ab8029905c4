"""The shipped EQ space: codes add as EQs do, nothing means nothing, and a code becomes bands that make its curve."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.dsp.fit import DEFAULT_KINDS
from reaper_aeq.dsp.response import response_db
from reaper_aeq.eq import LIMITS, MAX_BANDS, SHELF_BANDWIDTH_OCT, Band, Eq
from reaper_aeq.model.checkpoint import Checkpoint
from reaper_aeq.model.curves import GRID, REFERENCE_RATE
from reaper_aeq.model.eq_autoencoder import N_LATENT, EqAutoencoder
from reaper_aeq.training.datasets.readers import read_safe
from reaper_aeq.training.datasets.sources import random_curves
from reaper_aeq.training.eq import validate

# the project's demand on people's settings the training never saw, through 32 numbers and real bands
MEDIAN_DB, P95_DB = 0.5, 1.5


@pytest.fixture(scope="module")
def model() -> EqAutoencoder:
    return EqAutoencoder.load()


def draws(count: int, seed: int) -> torch.Tensor:
    """Responses of random settings of SAFE's shape: two shelves, three bands, up to 12 dB; (count, bands) float32."""
    return random_curves(count, torch.Generator().manual_seed(seed)).float()


def errors_db(params: torch.Tensor, curves: torch.Tensor, sample_rate: int = REFERENCE_RATE) -> torch.Tensor:
    """RMS over the whole grid of what the bands do against what was wanted, (batch,)."""
    return (response_db(params, DEFAULT_KINDS, GRID, sample_rate) - curves).square().mean(-1).sqrt()


def test_codes_add_as_eqs_in_series_do(model):
    a, b = draws(50, 1), draws(50, 2)
    torch.testing.assert_close(model.encode(a + b), model.encode(a) + model.encode(b), rtol=0, atol=1e-4)
    torch.testing.assert_close(model.encode(-2 * a), -2 * model.encode(a), rtol=0, atol=2e-4)
    code = model.encode(a)
    both = model.decode_curve(code + model.encode(b))
    torch.testing.assert_close(both, model.decode_curve(code) + model.decode_curve(model.encode(b)), rtol=0, atol=1e-3)


def test_two_eqs_in_one_chain_have_the_sum_of_their_codes(model):
    first = Eq((Band("low_shelf", 200, 4.0), Band("band", 900, -3.0, 0.7)))
    second = Eq((Band("high_shelf", 6000, 5.0),))
    chain = Eq((*first.bands, *second.bands))
    codes = [
        model.encode(torch.from_numpy(eq.response_db(GRID.numpy(), 48_000)).float()) for eq in (first, second, chain)
    ]
    torch.testing.assert_close(codes[2], codes[0] + codes[1], rtol=0, atol=1e-4)


def test_the_code_of_nothing_decodes_to_nothing(model):
    flat = torch.zeros(2, N_LATENT)
    assert not model.encode(torch.zeros(len(GRID))).any() and not model.decode_curve(flat).any()
    assert bool((model.decode(flat)[..., 1] == 0).all())  # exactly: nobody wants a band of 0.003 dB
    assert model.proposed_response_db(flat).abs().max() < 0.5  # a proposal is only near


def test_random_settings_survive_32_numbers_and_five_bands(model):
    curves = draws(40, 3)
    params = model.decode(model.encode(curves))
    assert params.shape == (40, MAX_BANDS, 3)
    error = errors_db(params, curves)
    assert error.median() < MEDIAN_DB and error.quantile(0.95) < P95_DB


@pytest.mark.parametrize("sample_rate", [44_100, 96_000])
def test_bands_are_made_for_the_sample_rate_they_run_at(model, sample_rate):
    curves = draws(8, 4)
    error = errors_db(model.decode(model.encode(curves), sample_rate), curves, sample_rate)
    assert error.median() < MEDIAN_DB and error.max() < 2 * P95_DB


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.01, 1000))
def test_proposals_are_bands_within_the_limits_whatever_the_code(model, seed, size):
    code = size * torch.randn(16, N_LATENT, generator=torch.Generator().manual_seed(seed))
    params = model.propose(code)
    for value, name in zip(params.unbind(-1), ("freq_hz", "gain_db", "bandwidth_oct"), strict=True):
        limit = LIMITS[name]
        assert limit.low - 1e-4 <= value.min().item() and value.max().item() <= limit.high + 1e-4, name
    assert bool((params[:, [0, 4], 2] == SHELF_BANDWIDTH_OCT).all())
    assert model.proposed_response_db(code).shape == (16, len(GRID))


def test_the_proposer_is_worth_starting_from(model):
    """Untrained, it is off by as much as the curves are large."""
    curves = draws(60, 5)
    proposed = response_db(model.propose(model.encode(curves)), DEFAULT_KINDS, GRID, REFERENCE_RATE)
    error, size = ((x).square().mean(-1).sqrt().median() for x in (proposed - curves, curves))
    assert error < 0.25 * size


@pytest.mark.shared
def test_unseen_settings_were_met_within_the_bounds():
    info = Checkpoint.load("eq").info
    assert "SAFE" in info["data"]
    assert info["metrics"]["bands_median_db"] < MEDIAN_DB and info["metrics"]["bands_p95_db"] < P95_DB
    assert info["metrics"]["curve_median_db"] < MEDIAN_DB


@pytest.mark.shared
def test_settings_people_made_are_met_within_the_bounds(model, shared_dir):
    curves = read_safe(shared_dir / "data").curves_db
    picked = torch.randperm(len(curves), generator=torch.Generator().manual_seed(6))[:60]
    metrics = validate(model, curves[picked])
    assert metrics["bands_median_db"] < MEDIAN_DB and metrics["bands_p95_db"] < P95_DB
