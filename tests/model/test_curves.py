"""Curves on the grid: what counts when two are compared, and how far a deviation may go."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.model.curves import (
    COMPARED,
    GRID,
    N_GRID,
    center,
    on_grid,
    projection,
    rms_db,
    soft_clip,
    soft_clip_inverse,
    weights,
)

DB = st.floats(-100, 100)
CURVES = hnp.arrays(np.float64, N_GRID, elements=DB).map(torch.from_numpy)


def test_the_grid_is_a_sixth_of_an_octave_and_is_compared_from_50_hz_to_16_khz():
    np.testing.assert_allclose(GRID_HZ[1:] / GRID_HZ[:-1], 2 ** (1 / 6))
    assert GRID_HZ[32] == 1000.0 and len(GRID_HZ) == N_GRID == 59
    assert GRID[COMPARED].min().item() == pytest.approx(49.6, abs=0.1)
    assert GRID[COMPARED].max().item() == pytest.approx(16_000, abs=1)
    assert weights().sum().item() == pytest.approx(1.0) and bool((weights()[~COMPARED] == 0).all())


@settings(max_examples=50, deadline=None)
@given(CURVES, DB)
def test_level_is_no_part_of_a_curve(curve, level):
    free = center(curve)
    torch.testing.assert_close(center(curve + level), free, rtol=0, atol=1e-10)
    torch.testing.assert_close(center(free), free, rtol=0, atol=1e-10)
    assert free[COMPARED].mean().item() == pytest.approx(0.0, abs=1e-10)
    assert rms_db(curve + level).item() == pytest.approx(rms_db(curve).item(), abs=1e-6)


def test_rms_counts_the_compared_bands_alone():
    curve = torch.zeros(N_GRID, dtype=torch.float64)
    curve[COMPARED] = torch.tensor([3.0, -3.0], dtype=torch.float64).repeat(26)[: int(COMPARED.sum())]
    curve = curve.where(COMPARED, 99.0)
    assert rms_db(curve).item() == pytest.approx(3.0, abs=0.01)
    assert rms_db(torch.full((4, N_GRID), 7.0)).tolist() == pytest.approx([0.0] * 4, abs=1e-5)


@settings(max_examples=50, deadline=None)
@given(CURVES, st.floats(-5, 5), DB)
def test_along_says_how_many_times_an_axis_is_held(axis, times, level):
    if rms_db(axis) > 0.1:
        assert projection(times * axis + level, axis).item() == pytest.approx(times, abs=1e-9)


def test_along_ignores_what_is_beside_and_stands_a_flat_axis():
    axis = center(GRID.log2())
    beside = center(torch.sin(torch.arange(N_GRID, dtype=torch.float64)))
    beside = beside - projection(beside, axis) * axis
    both = torch.stack([2 * axis + 5 * beside, -axis])
    assert projection(both, axis).tolist() == pytest.approx([2.0, -1.0])
    assert projection(beside, torch.zeros_like(axis)).item() == 0.0


@settings(max_examples=200, deadline=None)
@given(st.floats(-300, 300), st.floats(0.01, 50))
def test_bounded_always_rises_and_is_odd(x, step):
    low, high, mirrored = (float(soft_clip(torch.tensor(v, dtype=torch.float64))) for v in (x, x + step, -x))
    assert low < high  # never flat: more of an EQ is always more
    assert high - low <= step + 1e-9 and mirrored == -low
    assert low == x if abs(x) <= 15 else 15 <= abs(low) < abs(x)


@settings(max_examples=60, deadline=None)
@given(st.floats(-120, 120))
def test_unbounded_takes_bounded_back(x):
    value = torch.tensor(x, dtype=torch.float64)
    assert float(soft_clip_inverse(soft_clip(value))) == pytest.approx(x, abs=1e-9)


def test_bounded_has_no_corner_and_tames_what_is_missing():
    x = torch.linspace(14.9, 15.1, 201, dtype=torch.float64)
    slope = soft_clip(x).diff() / x.diff()
    assert slope.min() > 0.98 and slope.max() < 1.001
    assert abs(soft_clip(torch.tensor(-100.0))) < 40


def test_values_are_brought_to_the_grid_over_log_frequency():
    freqs = np.array([100.0, 1000.0, 10_000.0])
    curves = on_grid(freqs, np.array([[0.0, 10.0, 20.0], [5.0, 5.0, 5.0]]))
    assert curves.shape == (2, N_GRID) and curves.dtype == torch.float64
    inside = (GRID_HZ > 100) & (GRID_HZ < 10_000)
    np.testing.assert_allclose(curves[0].numpy()[inside], 10 * np.log10(GRID_HZ[inside] / 100))
    assert curves[0, 0] == 0.0 and curves[0, -1] == 20.0  # held at the ends
    assert bool((curves[1] == 5.0).all())
    assert on_grid(freqs, np.array([0.0, 10.0, 20.0])).shape == (N_GRID,)
