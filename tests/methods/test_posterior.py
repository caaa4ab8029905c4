"""The posterior mean by itself, against what can be worked out by hand."""

import torch

from reaper_aeq.methods.adaptive.posterior import kalman_gain, posterior
from reaper_aeq.model.curves import N_GRID, center

DRAW = torch.Generator().manual_seed(0)
MEAN, DEVIATION = (center(torch.randn(N_GRID, generator=DRAW, dtype=torch.float64)) for _ in range(2))
ONE = torch.eye(N_GRID, dtype=torch.float64)


def answer(word_var, natural_var):
    gain = kalman_gain(word_var * ONE, natural_var * ONE)
    return posterior(MEAN, gain, DEVIATION, gain @ MEAN)


def test_each_band_is_weighed_by_its_variances():
    torch.testing.assert_close(answer(1.0, 3.0), MEAN + 0.25 * (-DEVIATION - MEAN))


def test_what_varies_by_nature_is_not_undone_and_what_never_does_is():
    torch.testing.assert_close(answer(1.0, 1e9), MEAN, atol=1e-6, rtol=0)
    torch.testing.assert_close(answer(1.0, 1e-9), -DEVIATION, atol=1e-6, rtol=0)


def test_it_is_what_many_draws_say():
    """An EQ e ~ N(m, C) is missing, d = n - e with n ~ N(0, R): regressing e on d gives the same rule."""
    root_c, root_r = (0.3 * torch.randn(4, 4, generator=DRAW, dtype=torch.float64) + torch.eye(4) for _ in range(2))
    missing = torch.randn(400_000, 4, generator=DRAW, dtype=torch.float64) @ root_c.T
    natural = torch.randn(400_000, 4, generator=DRAW, dtype=torch.float64) @ root_r.T
    slope = torch.linalg.lstsq(natural - missing, missing).solution.T
    torch.testing.assert_close(-slope, kalman_gain(root_c @ root_c.T, root_r @ root_r.T), atol=0.01, rtol=0)
