"""What music's spectra are like: mean and covariance, where codecs have cut bands away."""

from __future__ import annotations

import torch
from torch import Tensor

from ...model.curves import COMPARED

EM_STEPS = 12
RIDGE_DB2 = 1.0


def level_by_middle(ltas_db: Tensor, known: Tensor) -> Tensor:
    """(n, bands) minus each row's mean over the compared bands that are known."""
    use = known & COMPARED
    return ltas_db - (ltas_db.where(use, 0.0).sum(1) / use.sum(1)).unsqueeze(1)


def gaussian(spectra_db: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (bands,) and covariance (bands, bands) of rows with missing entries, by expectation maximization.

    (n, bands) both; unknown entries are ignored whatever they hold (Dempster, Laird and Rubin 1977). Each row's level
    is re-fitted on its known bands against the mean as it goes, so that a missing top does not count as level.
    """
    n, bands = spectra_db.shape
    x = spectra_db.where(known, 0.0)
    mean = x.sum(0) / known.sum(0).clamp_min(1)
    cov = torch.eye(bands, dtype=x.dtype) * 40
    patterns, which = torch.unique(known, dim=0, return_inverse=True)
    for _ in range(EM_STEPS):
        filled, added = torch.empty_like(x), torch.zeros_like(cov)
        for k, seen in enumerate(patterns):
            rows = (which == k).nonzero()[:, 0]
            filled[rows], spread = _expected(x[rows], seen, mean, cov)
            added += len(rows) * spread
        mean = filled.mean(0)
        centered = filled - mean
        cov = (centered.T @ centered + added) / n + RIDGE_DB2 * torch.eye(bands, dtype=x.dtype)
    return mean, cov


def fill(spectra_db: Tensor, known: Tensor, mean: Tensor, cov: Tensor) -> Tensor:
    """(n, bands) with unknown entries replaced by their expectation given the known ones."""
    return torch.stack(
        [_expected(row[None], seen, mean, cov)[0][0] for row, seen in zip(spectra_db, known, strict=True)]
    )


def _expected(rows: Tensor, seen: Tensor, mean: Tensor, cov: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of one pattern of missing bands -> rows filled in, and the covariance of what was filled in."""
    out, spread = rows.where(seen, 0.0), torch.zeros_like(cov)
    s, u = seen.nonzero()[:, 0], (~seen).nonzero()[:, 0]
    gain = torch.linalg.solve(cov[s][:, s], cov[s][:, u])  # (seen, unseen)
    out[:, u] = mean[u] + (rows[:, s] - mean[s]) @ gain
    spread[u[:, None], u] = cov[u][:, u] - cov[u][:, s] @ gain
    return out, spread
