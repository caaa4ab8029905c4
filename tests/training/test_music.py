"""What music is like, though codecs cut its top away: mean and covariance with entries missing."""

from __future__ import annotations

import pytest
import torch

from reaper_aeq.model.curves import COMPARED, GRID, N_GRID
from reaper_aeq.training.datasets.music import RIDGE_DB2, fill, gaussian, level_by_middle

OCTAVES = GRID.log2()
MEAN = -4.0 * (OCTAVES - 10)
# Deviations over two octaves, so that what is missing at the top is known from below it
COV = 25 * torch.exp(-0.125 * (OCTAVES[:, None] - OCTAVES).square()) + torch.eye(N_GRID, dtype=torch.float64)


def draws(count: int, seed: int = 0) -> torch.Tensor:
    noise = torch.randn(count, N_GRID, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return MEAN + noise @ torch.linalg.cholesky(COV).T


def with_tops_missing(rows: torch.Tensor, what_is_there: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Half of the rows know nothing of the top 8 bands, a quarter nothing of the top 16."""
    known = torch.ones_like(rows, dtype=torch.bool)
    known[::2, -8:] = False
    known[::4, -16:] = False
    return rows.where(known, what_is_there), known


@pytest.mark.parametrize("what_is_there", [0.0, -300.0, float("nan"), float("inf")])
def test_mean_and_covariance_are_found_in_spite_of_missing_entries(what_is_there):
    rows, known = with_tops_missing(draws(3000), what_is_there)
    mean, cov = gaussian(rows, known)
    assert (mean - MEAN).abs().max() < 0.5
    assert (cov - COV - RIDGE_DB2 * torch.eye(N_GRID)).norm() / COV.norm() < 0.15
    # a plain covariance of what is known is what this must beat at the top
    assert cov[-1, -1] == pytest.approx(26 + RIDGE_DB2, rel=0.2)
    torch.testing.assert_close(cov, cov.T)
    assert torch.linalg.eigvalsh(cov).min() > 0


def test_without_missing_entries_it_is_the_plain_estimate():
    rows = draws(200)
    mean, cov = gaussian(rows, torch.ones_like(rows, dtype=torch.bool))
    torch.testing.assert_close(mean, rows.mean(0))
    torch.testing.assert_close(cov, torch.cov(rows.T, correction=0) + RIDGE_DB2 * torch.eye(N_GRID).double())


def test_missing_entries_that_lean_on_the_rest_do_not_bias_the_mean():
    """Only loud-topped rows lose their top: their plain mean would be too low."""
    rows = draws(2000)
    known = torch.ones_like(rows, dtype=torch.bool)
    known[rows[:, 40] > MEAN[40], 44:] = False
    mean, _ = gaussian(rows.where(known, 0.0), known)
    plain = rows[known.all(1)].mean(0)
    assert (mean - MEAN)[44:50].abs().max() < 0.5 * (plain - MEAN)[44:50].abs().max()


def test_what_is_unknown_is_filled_by_its_expectation():
    rows = draws(40)
    damaged, known = with_tops_missing(rows, float("nan"))
    filled = fill(damaged, known, MEAN, COV)
    assert torch.equal(filled[known], rows[known]) and bool(torch.isfinite(filled).all())
    error, naive = (filled - rows)[~known], (MEAN.expand_as(rows) - rows)[~known]
    assert error.square().mean() < 0.6 * naive.square().mean()


def test_rows_are_brought_to_one_level_by_what_is_known_in_the_middle():
    rows = draws(20)
    damaged, known = with_tops_missing(rows, float("nan"))
    at_level = level_by_middle(damaged, known)
    for row, seen in zip(at_level, known, strict=True):
        assert row[seen & COMPARED].mean().item() == pytest.approx(0.0, abs=1e-9)
    torch.testing.assert_close(level_by_middle(damaged + 17.0, known)[known], at_level[known])
