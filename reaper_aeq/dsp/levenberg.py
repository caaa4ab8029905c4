"""Levenberg-Marquardt over bands, many settings at once, inside their limits by projection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .band_shapes import GAIN_UNIT_DB, Kinds, Shapes, filled_up

MAX_STEP = 1.0  # the longest step of a number; longer ones leave the basin that the start had found
FIRST_DAMPING = 1e-2
DAMPING_FLOOR = 1e-6
HELD = 1e9  # damping of a number that stays
GOOD_COST = 1e-4  # 0.01 dB RMS: better than anyone needs
LEAST_GAIN = 1e-3  # of the cost: a setting that gains less with a step is there
STUCK = 1e3  # damping from which nothing was found for long
BLOCK = 480  # bands at once: what is computed on the way should stay in a processor's cache
WORTH_SORTING = 0.7  # of the rows: where fewer still move, the others are laid aside


@dataclass(frozen=True)
class Problem:
    """Curves to come near, what is free, and what counts beside the distance; rows go one by one.

    Attributes:
        shapes: the responses of bands at a sample rate.
        codes: kinds of the bands (N, bands), as in `band_shapes.CODES`.
        low, high: between what each number stays, (N, bands * 3) in the solver's coordinates.
        target: (N, n) dB. weight: (N, n) of each squared error, a row sums to 1.
        axis: (N, n), a weighted curve: what of it is missed counts (sum of it times the difference)² more; zeros: none.
        level_free: 0..1, the part of the mean difference between curve and response that does not count.
        small: dB² of cost for each dB² of gain.
    """

    shapes: Shapes
    codes: np.ndarray
    low: np.ndarray
    high: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    axis: np.ndarray
    level_free: float
    small: float = 0.0

    @cached_property
    def kinds(self) -> Kinds:
        """What the kinds of bands at all places mean for the solver."""
        return Kinds(self.codes)

    def rows(self, at: np.ndarray | slice) -> Problem:
        """The same for some of the rows."""
        return replace(
            self, codes=self.codes[at], low=self.low[at], high=self.high[at], target=self.target[at],
            weight=self.weight[at], axis=self.axis[at],
        )  # fmt: skip


def levenberg_marquardt(problem: Problem, x: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """x (N, bands * 3) -> the bettered x and its cost (N,), mean dB²; a row does not depend on the others."""
    block = max(1, 3 * BLOCK // x.shape[1])
    if len(x) > block:
        blocks = [slice(start, start + block) for start in range(0, len(x), block)]
        found = [levenberg_marquardt(problem.rows(block), x[block], steps) for block in blocks]
        return np.concatenate([x for x, _ in found]), np.concatenate([cost for _, cost in found])
    best, least = x.copy(), np.zeros(len(x))
    at = filled_up(np.arange(len(x)))
    one, x = _Linearized(problem.rows(at)), x[at]
    damping, going = np.full(len(x), FIRST_DAMPING), np.ones(len(x), dtype=bool)
    gram = one.gram(x)
    for step in range(steps):
        low, high = one.problem.low, one.problem.high
        gradient, cost = gram[:, :-1, -1], gram[:, -1, -1].copy()
        # a number at its limit that would leave it stays, and the others move as if it were a constant
        stays = ((x <= low) & (gradient >= 0)) | ((x >= high) & (gradient <= 0))
        hessian = gram[:, :-1, :-1].astype(np.float64)
        diagonal = hessian.reshape(len(x), -1)[:, :: x.shape[1] + 1]
        diagonal *= (1 + damping)[:, None]
        # the floor keeps numbers that change nothing (the frequency of a band of 0 dB) where they are
        diagonal += np.where(stays, HELD, DAMPING_FLOOR)
        way = np.linalg.solve(hessian, np.where(stays, 0.0, gradient)[..., None])[..., 0]
        way[stays] = 0.0
        tried = x - np.minimum(np.maximum(way, -MAX_STEP), MAX_STEP)
        tried = np.minimum(np.maximum(tried, low), high)
        new = one.gram(tried)
        gained = cost - new[:, -1, -1]
        better = (gained > 0) & going
        x = np.where(better[:, None], tried, x)
        gram = np.where(better[:, None, None], new, gram)
        going &= ~np.where(better, gained < LEAST_GAIN * cost, damping > STUCK) & (gram[:, -1, -1] >= GOOD_COST)
        damping *= np.where(better, 1 / 5, 6.0)
        left = int(np.count_nonzero(going))
        if not left:
            break
        if left < WORTH_SORTING * len(going) and step + 1 < steps:
            best[at], least[at] = x, gram[:, -1, -1]
            keep = filled_up(np.flatnonzero(going))
            if len(keep) < len(going):
                one = _Linearized(one.problem.rows(keep))
                x, gram, damping, at, going = (rows[keep] for rows in (x, gram, damping, at, going))
    best[at], least[at] = x, gram[:, -1, -1]
    return best, least


class _Linearized:
    """A problem near some x, in single precision. Beside the frequencies stand a few columns more, one a band, for what
    gains cost; beside the slopes the weights and the axis, whose products with them are needed too."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        count, n = problem.target.shape
        numbers = problem.low.shape[1]
        bands = numbers // 3 if problem.small else 0
        self.rows = np.zeros((count, numbers + 1, n + bands), dtype=np.float32)
        self.each = problem.small**0.5 * GAIN_UNIT_DB
        if problem.small:
            self.rows[:, 1:-1:3, n:] = self.each * np.eye(bands)
        self.target = problem.target.astype(np.float32)
        self.weight = np.ones((count, 1, n + bands), dtype=np.float32)
        self.weight[:, 0, :n] = problem.weight
        self.others = np.zeros((count, numbers + 3, n + bands), dtype=np.float32)
        self.others[:, -2, :n] = problem.weight
        # sum w (a - part a')(b - part b') = sum w a b - (2 part - part²) a' b', with means a', b'
        self.counts = np.array((problem.level_free**2 - 2 * problem.level_free, 1.0), dtype=np.float32)
        self.others[:, -1, :n] = problem.axis
        self.off_axis = (problem.level_free * problem.axis.sum(-1, keepdims=True)).astype(np.float32)

    def gram(self, x: np.ndarray) -> np.ndarray:
        """[[J J', J r], [r J', r r]] of the weighted residual r and of all else that costs, (N, bands * 3 + 1, ...)."""
        n, rows = self.target.shape[1], self.rows
        self.problem.shapes.with_slopes(x.reshape(len(x), -1, 3), self.problem.kinds, rows[..., :n])
        rows[:, -1, :n] -= self.target
        if self.problem.small:
            rows[:, -1, n:] = self.each * x[:, 1::3]
        np.multiply(rows, self.weight, out=self.others[:, :-2])
        made = rows @ self.others.transpose(0, 2, 1)
        along = made[..., -2:]
        along[..., 1] -= self.off_axis * along[..., 0]
        made[..., :-2] += along @ (along * self.counts).transpose(0, 2, 1)
        return made[..., :-2]
