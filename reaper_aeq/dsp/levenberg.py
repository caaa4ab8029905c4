"""Levenberg-Marquardt over bands, many settings at once, inside their limits by projection."""

from __future__ import annotations

import numpy as np

from .band_shapes import GAIN_UNIT_DB, filled_up
from .fit_problem import Problem

MAX_STEP = 1.0  # the longest step of a number; longer ones leave the basin that the start had found
FIRST_DAMPING = 1e-2
DAMPING_FLOOR = 1e-6
GOOD_COST = 1e-4  # 0.01 dB RMS: better than anyone needs
LEAST_GAIN = 1e-3  # of the cost: a setting that gains less with a step is there
STUCK = 1e3  # damping from which nothing was found for long
BLOCK = 96  # rows at once: what is computed on the way should stay in a processor's cache
WORTH_SORTING = 0.7  # of the rows: where fewer still move, the others are laid aside


def levenberg_marquardt(problem: Problem, x: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """x (N, bands * 3) -> the bettered x and its cost (N,), mean dB²; a row does not depend on the others."""
    if len(x) > BLOCK:
        blocks = [slice(start, start + BLOCK) for start in range(0, len(x), BLOCK)]
        found = [levenberg_marquardt(problem.rows(block), x[block], steps) for block in blocks]
        return np.concatenate([x for x, _ in found]), np.concatenate([cost for _, cost in found])
    best, least = x.copy(), np.zeros(len(x))
    at = filled_up(np.arange(len(x)))
    problem, x = problem.rows(at), x[at]
    diagonal = np.arange(x.shape[1])
    damping, going = np.full(len(x), FIRST_DAMPING), np.ones(len(x), dtype=bool)
    gram = _linearised(problem, x)
    for step in range(steps):
        gradient, cost = gram[:, :-1, -1], gram[:, -1, -1].copy()
        # a number at its limit that would leave it stays, and the others move as if it were a constant
        stays = ((x <= problem.low) & (gradient >= 0)) | ((x >= problem.high) & (gradient <= 0))
        moving = 1.0 - stays
        hessian = gram[:, :-1, :-1] * moving[:, :, None]
        hessian *= moving[:, None]
        # the floor keeps numbers that change nothing (the frequency of a band of 0 dB) where they are
        hessian[:, diagonal, diagonal] *= (1 + damping)[:, None]
        hessian[:, diagonal, diagonal] += DAMPING_FLOOR + stays
        way = np.linalg.solve(hessian, (gradient * moving)[..., None])[..., 0]
        tried = np.minimum(np.maximum(x - np.clip(way, -MAX_STEP, MAX_STEP), problem.low), problem.high)
        new = _linearised(problem, tried)
        gained = cost - new[:, -1, -1]
        better = (gained > 0) & going
        x = np.where(better[:, None], tried, x)
        gram = np.where(better[:, None, None], new, gram)
        going &= ~np.where(better, gained < LEAST_GAIN * cost, damping > STUCK) & (gram[:, -1, -1] >= GOOD_COST)
        damping = np.clip(np.where(better, damping / 5, damping * 6), 1e-9, 1e6)
        left = int(np.count_nonzero(going))
        if not left:
            break
        if left < WORTH_SORTING * len(going) and step + 1 < steps:
            best[at], least[at] = x, gram[:, -1, -1]
            keep = filled_up(np.flatnonzero(going))
            if len(keep) < len(going):
                problem = problem.rows(keep)
                x, gram, damping, at, going = (rows[keep] for rows in (x, gram, damping, at, going))
    best[at], least[at] = x, gram[:, -1, -1]
    return best, least


def _linearised(problem: Problem, x: np.ndarray) -> np.ndarray:
    """[[J J', J r], [r J', r r]] of the weighted residual r, and of all else that costs; (N, bands * 3 + 1, ...)."""
    rows = np.empty((len(x), x.shape[1] + 1, problem.target.shape[1]))
    problem.shapes.with_slopes(x.reshape(len(x), -1, 3), problem.codes, rows)
    rows[:, -1] -= problem.target
    weighted = rows * problem.weight[:, None]
    gram = weighted @ rows.transpose(0, 2, 1)
    if problem.level_free:
        mean = weighted.sum(-1)
        # sum w (a - part a')(b - part b') = sum w a b - (2 part - part²) a' b', with means a', b'
        counts = 2 * problem.level_free - problem.level_free**2
        gram -= (counts * mean)[:, :, None] * mean[:, None]
    if problem.axis is not None:
        along = (rows @ problem.axis[..., None])[..., 0]
        if problem.level_free:
            along -= problem.level_free * mean * problem.axis.sum(-1, keepdims=True)
        gram += along[:, :, None] * along[:, None]
    if problem.small:
        gains, each = x[:, 1::3], problem.small * GAIN_UNIT_DB**2
        gram[:, 1:-1:3, -1] += each * gains
        gram[:, -1, 1:-1:3] += each * gains
        gram[:, -1, -1] += each * (gains * gains).sum(-1)
        at = np.arange(1, x.shape[1], 3)
        gram[:, at, at] += each
    return gram
