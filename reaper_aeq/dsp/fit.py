"""Curves to five bands: the two shelves and three bells of ReaEQ whose response comes nearest to a curve in dB.

A whole batch of curves runs at once, several starts each. A start is built by greedy pursuit over a dictionary of band
shapes (dB responses are nearly linear in the gain), then polished by Levenberg-Marquardt in octaves and dB, stepping
inside the limits of `eq.LIMITS` by projection: settings at +-12 dB are common and exact there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from ..eq import LIMITS, SHELF_BANDWIDTH_OCT, BandKind
from .band_shapes import BELL, CODES, GAIN_UNIT_DB, HIGH_SHELF, LOW_SHELF, Shapes, from_solver, to_solver
from .levenberg import GOOD_COST, Problem, levenberg_marquardt
from .spectrum import GRID_HZ

DEFAULT_KINDS = (BandKind.LOW_SHELF, BandKind.BAND, BandKind.BAND, BandKind.BAND, BandKind.HIGH_SHELF)
# Without it one SAFE curve in ten is met by a wide bell near Nyquist, no nearer, which sounds different at another
# sample rate and where ReaEQ was never measured.
HIGHEST_BAND_HZ = 12_000.0
# Where a band that has nothing to do is put.
HOME = torch.tensor([(100.0, 0.0, SHELF_BANDWIDTH_OCT), *[(1000.0, 0.0, 1.0)] * 3, (8000.0, 0.0, SHELF_BANDWIDTH_OCT)])
# Greedy starts differ in taste: for each kind in each of so many parts of the axis, a factor of this spread (log).
STARTS, REGIONS, HANDICAP = 16, 5, 1.0
CHUNK = 24  # curves at once
# Steps, then how many starts of a curve go on: most show early that they lead nowhere.
SCHEDULE = ((4, 6), (6, 3), (8, 2), (20, 1))


@torch.no_grad()
def fit_bands(
    target_db: torch.Tensor,
    sample_rate: float = 48_000,
    weights: torch.Tensor | None = None,
    starts: torch.Tensor | None = None,
    *,
    level_free: bool = False,
    min_band_oct: float = LIMITS["bandwidth_oct"].low,
) -> torch.Tensor:
    """Fits bands of `DEFAULT_KINDS` to curves by weighted RMS in dB.

    Args:
        target_db: dB on `GRID_HZ`, shape (batch, n), or (n,) for one curve.
        sample_rate: Hz, at which the bands will run.
        weights: of each frequency's squared error, (n,) or (batch, n), any scale; equal by default.
        starts: proposals tried beside our own, shape (batch, s, 5, 3).
        level_free: a constant offset between curve and response does not count.
        min_band_oct: bells are no narrower; a needle between two of the frequencies would cost nothing and be heard.

    Returns:
        (batch, 5, 3) float64 [freq_hz, gain_db, bandwidth_oct] on the CPU, all inside `eq.LIMITS`: shelves of one
        octave, bells no higher than `HIGHEST_BAND_HZ` and in order of frequency.

    Raises:
        ValueError: shapes disagree, or a curve is not finite.
    """
    # arrays are small, and a graphics card takes longer to begin than to compute
    target = torch.atleast_2d(target_db).to("cpu", torch.float64)
    if target.ndim != 2 or target.shape[1] != len(GRID_HZ):
        raise ValueError(f"curves {tuple(target_db.shape)} do not lie on {len(GRID_HZ)} frequencies")
    if not bool(torch.isfinite(target).all()):
        raise ValueError("a curve to fit is not finite")
    weights = (torch.ones(len(GRID_HZ)) if weights is None else weights).to("cpu", torch.float64)
    weights = (weights / weights.sum(-1, keepdim=True)).expand(len(target), -1)
    proposed = np.empty((len(target), 0, 5, 3)) if starts is None else to_solver(starts.cpu().numpy())
    proposed = proposed.reshape(*proposed.shape[:2], 15)
    pursuit = Pursuit(Shapes(sample_rate), *_limits(min_band_oct), level_free)
    # a chunk's intermediates should fit in a processor's cache
    chunks = [slice(start, start + CHUNK) for start in range(0, len(target), CHUNK)]
    x = np.concatenate([pursuit.best(target[at], weights[at], proposed[at]) for at in chunks])
    params = torch.from_numpy(from_solver(x.reshape(-1, 5, 3)))
    # the same curve should read the same way: idle bands at home, bells by rising frequency
    params = torch.where(params[..., 1:2].abs() < 1e-6, HOME.to(params), params)
    bells = params[:, 1:4]
    params[:, 1:4] = bells.gather(1, bells[..., 0].argsort(1).unsqueeze(-1).expand(-1, -1, 3))
    return params


@dataclass(frozen=True)
class Pursuit:
    """Bands of `DEFAULT_KINDS` to place at a sample rate, between `low` and `high` (15,)."""

    shapes: Shapes
    low: np.ndarray
    high: np.ndarray
    level_free: bool

    def best(self, target: torch.Tensor, weights: torch.Tensor, proposed: np.ndarray) -> np.ndarray:
        """target and weights (N, n), proposed (N, s, 15) -> the best that any start led to, (N, 15)."""
        count = len(target)
        x = np.clip(np.concatenate((self.starts(target, weights).numpy(), proposed), 1), self.low, self.high)
        codes = np.array([CODES[kind] for kind in DEFAULT_KINDS])
        codes, low, high = (np.broadcast_to(row, (count, len(row))) for row in (codes, self.low, self.high))
        # in single precision an offset that does not count would still cost digits
        centered = self.centered(target, weights).numpy()
        problem = Problem(
            self.shapes, codes, low, high, centered, weights.numpy(), np.zeros_like(centered), float(self.level_free)
        )
        found, todo = x[:, 0].copy(), np.arange(count)
        for steps, keep in SCHEDULE:
            of_each = x.shape[1]
            x, cost = levenberg_marquardt(problem.rows(np.repeat(todo, of_each)), x.reshape(-1, x.shape[-1]), steps)
            x, cost = x.reshape(len(todo), of_each, -1), cost.reshape(len(todo), of_each)
            best = np.argsort(cost, axis=1, kind="stable")[:, :keep]
            x = np.take_along_axis(x, best[..., None], 1)
            found[todo] = x[:, 0]
            unfinished = cost.min(1) > GOOD_COST
            x, todo = x[unfinished], todo[unfinished]
            if not len(todo):
                break
        return found

    def starts(self, target: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Orthogonal matching pursuit, once per start -> (batch, `STARTS`, 15) in the solver's coordinates.

        The first start takes the shape that explains most each time. The others are led astray by random handicaps
        from a fixed seed, drawn for a kind and a region together: greed takes one wide band for two, or a shelf for a
        band, and a handicap on single shapes only makes it take the neighbor.
        """
        atoms, codes, shapes = _dictionary(self.shapes.sample_rate)
        batch = len(target)
        position = (atoms[:, 0] - atoms[:, 0].min()) / (atoms[:, 0].max() - atoms[:, 0].min())
        region = codes * REGIONS + (position * REGIONS).long().clamp(max=REGIONS - 1)
        draws = torch.randn(STARTS, REGIONS * 3, generator=torch.Generator().manual_seed(0)).double()
        draws[0] = 0
        handicap = draws.mul(HANDICAP).exp()[:, region].repeat(batch, 1)
        target, weights = (t.repeat_interleave(STARTS, 0) for t in (target, weights))
        left = torch.tensor([3, 1, 1]).repeat(len(target), 1)  # of bells, low shelves, high shelves

        target = self.centered(target, weights)
        mean = weights @ shapes.T if self.level_free else 0.0
        norm = (weights @ (shapes**2).T - mean**2).clamp(min=1e-9)
        picks: list[torch.Tensor] = []
        residual = target
        for _ in DEFAULT_KINDS:
            gain = (residual * weights) @ shapes.T / norm  # a centered residual needs no centered shapes
            score = (gain**2 * norm + 1e-12) * handicap * (left.gather(1, codes.expand(len(left), -1)) > 0)
            pick = score.argmax(1)
            picks.append(pick)
            left = left.scatter_add(1, codes[pick].unsqueeze(1), -torch.ones_like(pick).unsqueeze(1))
            chosen = self.centered(shapes[torch.stack(picks, 1)], weights.unsqueeze(1))  # (N, k, n)
            gram = (chosen * weights.unsqueeze(1)) @ chosen.mT
            eye = torch.eye(len(picks), dtype=gram.dtype)
            # the ridge keeps two neighbors from fighting each other with gains of opposite sign
            ridge = 0.02 * gram.diagonal(dim1=-2, dim2=-1).mean(-1)[:, None, None] + 1e-9
            gains = torch.linalg.solve(gram + ridge * eye, chosen @ (target * weights).unsqueeze(-1)).squeeze(-1)
            residual = target - (gains.unsqueeze(1) @ chosen).squeeze(1)
        pick = torch.stack(picks, 1)
        x = atoms[pick]
        x[..., 1] = gains / GAIN_UNIT_DB
        # by kind: three bells, low shelf, high shelf; then into their places
        x = x.gather(1, codes[pick].argsort(dim=1, stable=True).unsqueeze(-1).expand(-1, -1, 3))[:, [3, 0, 1, 2, 4]]
        return x.flatten(1).clamp(torch.from_numpy(self.low), torch.from_numpy(self.high)).view(batch, STARTS, -1)

    def centered(self, curves: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Without the offset that does not count, if it does not; (..., n)."""
        return curves - (curves * weights).sum(-1, keepdim=True) if self.level_free else curves


def _limits(narrowest_oct: float) -> tuple[np.ndarray, np.ndarray]:
    """Between what the numbers of the bands stay, each (15,) in the solver's coordinates."""
    freq, gain, width = LIMITS["freq_hz"], LIMITS["gain_db"], LIMITS["bandwidth_oct"]
    shelf = [(freq.low, gain.low, SHELF_BANDWIDTH_OCT), (freq.high, gain.high, SHELF_BANDWIDTH_OCT)]
    bell = [(freq.low, gain.low, width.clamp(narrowest_oct)), (HIGHEST_BAND_HZ, gain.high, width.high)]
    limits = to_solver(np.array([shelf, bell, bell, bell, shelf]))
    return limits[:, 0].ravel(), limits[:, 1].ravel()


@lru_cache(maxsize=16)
def _dictionary(sample_rate: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Shapes (m, 3) in the solver's coordinates, the codes of their kinds (m,), dB per dB of gain (m, n)."""
    centers = np.geomspace(GRID_HZ[0], min(LIMITS["freq_hz"].high, sample_rate * 0.45), 24)
    rows: list[tuple[float, float, float]] = []
    codes: list[int] = []
    for code in (BELL, LOW_SHELF, HIGH_SHELF):
        widths = (0.25, 0.6, 1.2, 2.0, 3.2) if code == BELL else (SHELF_BANDWIDTH_OCT,)
        rows += [(freq_hz, 6.0, width) for freq_hz in centers for width in widths]
        codes += [code] * (len(rows) - len(codes))
    x = to_solver(np.array(rows))
    shapes = Shapes(sample_rate).responses_db(x[:, None], np.array(codes)[:, None])[:, 0] / 6.0
    return torch.from_numpy(x), torch.tensor(codes), torch.from_numpy(shapes)
