"""Responses and slopes of many bands at once are those of the filters."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reaper_aeq.dsp.band_shapes import CODES, PASS_BANDWIDTH_OCT, Kinds, Shapes, from_solver, to_solver
from reaper_aeq.dsp.response import band_responses_db
from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.eq import pass_corner_hz

KINDS = tuple(CODES)
SETS = 32


def settings(sample_rate: int) -> np.ndarray:
    """(sets, kinds, 3) Hz, dB, octaves: one band of each kind."""
    rng = np.random.default_rng(0)
    hz = np.exp2(rng.uniform(np.log2(30), np.log2(min(15_000, 0.4 * sample_rate)), (SETS, len(KINDS))))
    widths = np.tile([0.0, 1.0, 1.0, PASS_BANDWIDTH_OCT, PASS_BANDWIDTH_OCT], (SETS, 1))
    widths[:, 0] = rng.uniform(0.3, 3.5, SETS)
    return np.stack((hz, rng.uniform(-12, 12, hz.shape), widths), -1)


@pytest.mark.parametrize("sample_rate", [8_000, 44_100, 192_000])
def test_they_are_the_filters(sample_rate):
    params, codes = settings(sample_rate), np.tile(list(CODES.values()), (SETS, 1))
    shapes = Shapes(sample_rate)
    wanted = band_responses_db(torch.from_numpy(params), KINDS, torch.from_numpy(GRID_HZ), sample_rate).numpy()
    got = shapes.responses_db(to_solver(params), codes)
    np.testing.assert_allclose(got, wanted, atol=2e-4)  # 1.9 octaves are a Butterworth filter but for that
    out = np.empty((SETS, 3 * len(KINDS) + 1, len(GRID_HZ)), dtype=np.float32)
    audible = (wanted > -60).all(1)[:, None]
    shapes.with_slopes(to_solver(params), Kinds(codes), out)
    # in single precision
    np.testing.assert_allclose(np.where(audible[:, 0], out[:, -1] - got.sum(1), 0.0), 0.0, atol=5e-5)
    h = 1e-5
    for number in range(3 * len(KINDS)):
        step = h * np.eye(3 * len(KINDS))[number].reshape(len(KINDS), 3)
        x = to_solver(params)
        wanted = (shapes.responses_db(x + step, codes) - shapes.responses_db(x - step, codes)).sum(1) / (2 * h)
        np.testing.assert_allclose(
            np.where(audible[:, 0], out[:, number] - wanted, 0.0), 0.0, atol=3e-4, err_msg=f"number {number}"
        )


def test_from_and_to_the_solver_are_inverse():
    params = settings(48_000)
    np.testing.assert_allclose(from_solver(to_solver(params)), params, rtol=1e-12)
    assert from_solver(np.zeros((0, 5, 3))).shape == (0, 5, 3)
    np.testing.assert_array_equal(from_solver(to_solver(params))[:1], from_solver(to_solver(params[:1])))


@pytest.mark.parametrize("kind", ["high_pass", "low_pass"])
def test_a_pass_filter_moves_to_where_it_does_so_many_times_as_much(kind):
    corner = 900.0
    for times in (0.1, 0.5, 1.0, 1.7, 2.0):
        moved = pass_corner_hz(kind == "high_pass", corner, times)
        params = torch.tensor([[moved, 0.0, PASS_BANDWIDTH_OCT]], dtype=torch.float64)
        response = band_responses_db(params, (kind,), torch.tensor([corner]), 48_000)
        # analogue; the digital corner lies a little aside
        assert float(response) == pytest.approx(-3.01 * times, abs=0.05)
    assert pass_corner_hz(True, corner, 0.0) == 0.0
