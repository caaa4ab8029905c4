"""Levenberg-Marquardt over bands, many curves and many starts of each at once, inside their limits by projection."""

from __future__ import annotations

import math

import torch

from .fit_problem import GAIN_UNIT_DB, Problem, from_solver
from .response import power_polynomials

MAX_STEP = 1.0  # the longest step of a number; longer ones leave the basin that the start had found
FIRST_DAMPING = 1e-2
DAMPING_FLOOR = 1e-6
GOOD_COST = 1e-4  # 0.01 dB RMS: better than anyone needs
# Processors work on several numbers at once and on what is left over another way, which changes the last digits: filled
# up to a multiple of this, a row's result does not depend on how many others there are.
ROWS = 16


def levenberg_marquardt(
    problem: Problem, x: torch.Tensor, target: torch.Tensor, weights: torch.Tensor, steps: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """x (batch, s, bands * 3), target and weights (batch, n) -> the bettered x and its cost (batch, s), mean dB^2."""
    batch, count, _ = x.shape
    x = x.flatten(0, 1)
    target, weights = (curve.repeat_interleave(count, 0) for curve in (target, weights))
    root = weights.sqrt().unsqueeze(1)
    free = problem.free
    low, high = (side[..., free] for side in (problem.low, problem.high))
    gains = free % 3 == 1
    small = problem.small * GAIN_UNIT_DB**2
    damping = torch.full_like(x[:, :1], FIRST_DAMPING)

    def linearise(x: torch.Tensor) -> torch.Tensor:
        """[[J J', J r], [r J', r r]] of the weighted residual r, (N, free + 1, free + 1)."""
        rows = _jacobian_and_residual(problem, x, target, weights)
        gram = (rows * root) @ (rows * root).mT
        if problem.axis is not None:
            along = (rows * problem.axis.unsqueeze(1)).sum(-1)
            gram = gram + along.unsqueeze(-1) * along.unsqueeze(-2)
        if small:
            own = small * torch.where(gains, x[:, free], 0.0)
            gram[:, :-1, -1] += own
            gram[:, -1, :-1] += own
            gram[:, -1, -1] += (own * x[:, free]).sum(-1)
            gram.diagonal(dim1=-2, dim2=-1)[:, :-1] += small * gains
        return gram

    gram = linearise(x)
    going = torch.ones(batch, dtype=torch.bool, device=x.device)
    for _ in range(steps):
        here, gradient, cost = x[:, free], gram[:, :-1, -1], gram[:, -1, -1]
        # a number at its limit that would leave it stays, and the others move as if it were a constant
        moving = (~((here <= low) & (gradient > 0) | (here >= high) & (gradient < 0))).to(x.dtype)
        hessian = gram[:, :-1, :-1] * (moving.unsqueeze(-1) * moving.unsqueeze(-2))
        # the floor keeps numbers that change nothing (the frequency of a band of 0 dB) where they are
        ridge = damping * hessian.diagonal(dim1=-2, dim2=-1) + DAMPING_FLOOR + (1 - moving)
        step = torch.linalg.solve(hessian + torch.diag_embed(ridge), -(gradient * moving).unsqueeze(-1)).squeeze(-1)
        tried = x.index_copy(1, free, (here + step.clamp(-MAX_STEP, MAX_STEP)).clamp(low, high))
        new = linearise(tried)
        gained = cost - new[:, -1, -1]
        # a curve that is done rests, so that its answer does not hang on which others are in the batch
        better = (gained > 0) & going.repeat_interleave(count)
        x = torch.where(better[:, None], tried, x)
        gram = torch.where(better[:, None, None], new, gram)
        damping = torch.where(better[:, None], damping / 5, damping * 6).clamp(1e-9, 1e6)
        # a curve is done when one start reached it, or when none of its starts gets on
        stuck = torch.where(better, gained < 1e-3 * cost, damping[:, 0] > 1e3).view(batch, count).all(1)
        going &= ~(stuck | (gram[:, -1, -1].view(batch, count) < GOOD_COST).any(1))
        if not bool(going.any()):
            break
    return x.view(batch, count, -1), gram[:, -1, -1].view(batch, count)


def _jacobian_and_residual(
    problem: Problem, x: torch.Tensor, target: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Derivatives of the response by each free number, then response less target, (N, free + 1, n), dB.

    A band's curve depends on its own three numbers only. Its power polynomials are differenced, not its dB: three
    numbers instead of n, and one logarithm instead of four.
    """
    h = 1e-6
    count = len(x)
    bands = torch.cat((x, x[-1:].expand(-count % ROWS, -1))).unflatten(-1, (-1, 3))
    shifts = torch.cat((x.new_zeros(1, 3), h * torch.eye(3, dtype=x.dtype, device=x.device)))
    moved = bands.unsqueeze(1) + shifts[:, None, :]  # (N, 4, bands, 3)
    polynomials = power_polynomials(from_solver(moved), problem.kinds, problem.sample_rate)  # (N, 4, bands, 2, 3)
    powers = polynomials[:, 0].contiguous() @ problem.powers  # (N, bands, 2, n)
    response = 10 / math.log(10) * (powers[..., 0, :] / powers[..., 1, :]).prod(1, keepdim=True).log()
    slopes = ((polynomials[:, 1:] - polynomials[:, :1]) * (10 / math.log(10) / h)).transpose(1, 2)
    # laid flat for one large matrix product: many small ones take five times as long
    slopes = (slopes.reshape(-1, 3) @ problem.powers).view(*slopes.shape[:-1], -1) / powers.unsqueeze(2)
    slopes = (slopes[..., 0, :] - slopes[..., 1, :]).flatten(1, 2)[:count, problem.free]
    return problem.centred(torch.cat((slopes, response[:count] - target.unsqueeze(1)), 1), weights.unsqueeze(1))
