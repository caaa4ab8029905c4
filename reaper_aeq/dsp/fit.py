"""Curves to bands: the ReaEQ setting whose response comes nearest to a curve in dB.

A whole batch of curves runs at once, several starts each. A start is built by greedy pursuit over a dictionary of band
shapes (dB responses are nearly linear in the gain), then polished by Levenberg-Marquardt in octaves and dB, stepping
inside the limits of `bands.LIMITS` by projection: settings at +-12 dB are common and exact there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from ..eq import LIMITS, SHELF_BANDWIDTH_OCT, SHELVES, BandKind, Eq
from .band_shapes import CODES, GAIN_UNIT_DB, Shapes, codes_of, from_solver, to_solver
from .fit_problem import FITTED_KINDS, Problem, limits_of
from .levenberg import GOOD_COST, levenberg_marquardt
from .response import eq_from_params, response_db

# Greedy starts differ in taste: for each kind in each of so many parts of the axis, a factor of this spread (log).
REGIONS, HANDICAP = 5, 1.0


@dataclass(frozen=True)
class Pursuit:
    """For curves on one axis: which kinds of bands there are to place, between `low` and `high` (bands * 3,)."""

    shapes: Shapes
    kinds: tuple[BandKind, ...]
    low: np.ndarray
    high: np.ndarray
    level_free: bool

    def starts(self, target: torch.Tensor, weights: torch.Tensor, count: int) -> torch.Tensor:
        """Orthogonal matching pursuit, once per start -> (batch, count, bands * 3) in the solver's coordinates.

        The first start takes the shape that explains most each time. The others are led astray by random handicaps
        from a fixed seed, drawn for a kind and a region together: greed takes one wide band for two, or a shelf for a
        band, and a handicap on single shapes only makes it take the neighbor.
        """

        atoms, kind_of, shapes = _dictionary(tuple(self.shapes.freqs_hz.tolist()), self.shapes.sample_rate, self.kinds)
        batch = len(target)
        position = (atoms[:, 0] - atoms[:, 0].min()) / (atoms[:, 0].max() - atoms[:, 0].min())
        region = kind_of * REGIONS + (position * REGIONS).long().clamp(max=REGIONS - 1)
        draws = torch.randn(count, REGIONS * len(FITTED_KINDS), generator=torch.Generator().manual_seed(0)).double()
        draws[0] = 0
        handicap = draws.mul(HANDICAP).exp()[:, region].repeat(batch, 1)
        target, weights = (t.repeat_interleave(count, 0) for t in (target, weights))
        left = torch.tensor([self.kinds.count(k) for k in FITTED_KINDS]).repeat(len(target), 1)

        target = self.centered(target, weights)
        mean = weights @ shapes.T if self.level_free else 0.0
        norm = (weights @ (shapes**2).T - mean**2).clamp(min=1e-9)
        picks: list[torch.Tensor] = []
        residual = target
        for _ in self.kinds:
            gain = (residual * weights) @ shapes.T / norm  # a centered residual needs no centered shapes
            score = (gain**2 * norm + 1e-12) * handicap * (left.gather(1, kind_of.expand(len(left), -1)) > 0)
            pick = score.argmax(1)
            picks.append(pick)
            left = left.scatter_add(1, kind_of[pick].unsqueeze(1), -torch.ones_like(pick).unsqueeze(1))
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
        # lay the picks into the places of their kinds
        place = sorted(range(len(self.kinds)), key=lambda i: FITTED_KINDS.index(self.kinds[i]))
        x = x.gather(1, kind_of[pick].argsort(dim=1, stable=True).unsqueeze(-1).expand(-1, -1, 3))
        x = x[:, torch.tensor(place).argsort()]
        x = x.flatten(1).clamp(torch.from_numpy(self.low), torch.from_numpy(self.high))
        return x.view(batch, count, -1)

    def centered(self, curves: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Without the offset that does not count, if it does not; (..., n)."""
        return curves - (curves * weights).sum(-1, keepdim=True) if self.level_free else curves


@lru_cache(maxsize=16)
def _dictionary(
    freqs_hz: tuple[float, ...], sample_rate: float, kinds: tuple[BandKind, ...]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Atoms (m, 3) in the solver's coordinates, each one's place in FITTED_KINDS (m,), dB per dB of gain (m, n)."""
    low, high = max(LIMITS["freq_hz"].low, freqs_hz[0]), min(LIMITS["freq_hz"].high, freqs_hz[-1], sample_rate * 0.45)
    centers = np.geomspace(low, high, 24)
    rows: list[tuple[float, float, float]] = []
    kind_of: list[int] = []
    codes: list[list[int]] = []
    for place, kind in enumerate(FITTED_KINDS):
        if kind not in kinds:
            continue
        widths = (SHELF_BANDWIDTH_OCT,) if kind in SHELVES else (0.25, 0.6, 1.2, 2.0, 3.2)
        rows += [(freq_hz, 6.0, width) for freq_hz in centers for width in widths]
        kind_of += [place] * (len(rows) - len(kind_of))
        codes += [[CODES[kind]]] * (len(rows) - len(codes))
    x = to_solver(np.array(rows))
    shapes = Shapes(np.array(freqs_hz), sample_rate).responses_db(x[:, None], np.array(codes))[:, 0] / 6.0
    return torch.from_numpy(x), torch.tensor(kind_of), torch.from_numpy(shapes)


DEFAULT_KINDS = (BandKind.LOW_SHELF, BandKind.BAND, BandKind.BAND, BandKind.BAND, BandKind.HIGH_SHELF)
# 1/6 octave, 25 Hz to 20 kHz: the grid of `dsp.spectrum`, which is not imported because it brings torchaudio
DEFAULT_FREQS_HZ = 1000 * 2 ** (torch.arange(-32, 27, dtype=torch.float64) / 6)

CHUNK = 24  # curves at once
# Steps, then how many starts of a curve go on: most show early that they lead nowhere.
SCHEDULE = ((4, 6), (6, 3), (8, 2), (20, 1))
# Where a band that has nothing to do is put.
HOME = {
    BandKind.BAND: (1000.0, 0.0, 1.0),
    BandKind.LOW_SHELF: (100.0, 0.0, SHELF_BANDWIDTH_OCT),
    BandKind.HIGH_SHELF: (8000.0, 0.0, SHELF_BANDWIDTH_OCT),
}


@dataclass(frozen=True)
class BandFit:
    """`params` (batch, bands, 3) float64 [freq_hz, gain_db, bandwidth_oct], `kinds`, `rms_db` (batch,)."""

    params: torch.Tensor
    kinds: tuple[BandKind, ...]
    rms_db: torch.Tensor

    def eq(self, index: int = 0, output_gain_db: float = 0.0) -> Eq:
        """One of the batch."""
        return eq_from_params(self.params[index], self.kinds, output_gain_db)


@torch.no_grad()
def fit_bands(
    target_db: torch.Tensor,
    freqs_hz: torch.Tensor | None = None,
    sample_rate: float = 48_000,
    kinds: Sequence[BandKind] = DEFAULT_KINDS,
    weights: torch.Tensor | None = None,
    starts: torch.Tensor | None = None,
    *,
    level_free: bool = False,
    own_starts: int = 16,
    max_band_hz: float = 12_000.0,
    min_band_oct: float = LIMITS["bandwidth_oct"].low,
) -> BandFit:
    """Fits bands to curves by weighted RMS in dB.

    Args:
        target_db: dB, shape (batch, n), or (n,) for one curve.
        freqs_hz: Hz, shape (n,); `DEFAULT_FREQS_HZ` by default.
        sample_rate: Hz, at which the bands will run.
        kinds: shelves and bands to use; shelves keep a bandwidth of 1.0. Several bands come out in order of frequency.
        weights: of each frequency's squared error, (n,) or (batch, n), any scale; equal by default.
        starts: proposals tried beside our own, shape (batch, s, bands, 3).
        level_free: a constant offset between curve and response does not count.
        own_starts: how many greedy starts a curve gets.
        min_band_oct: bands are no narrower; a needle between two of the frequencies would cost nothing and be heard.
        max_band_hz: bands (not shelves) stay below. Without it one SAFE curve in ten is met by a wide band near
            Nyquist, no nearer, which sounds different at another sample rate and where ReaEQ was never measured.

    Returns:
        `BandFit`, float64, on the device of `target_db`, all parameters inside `bands.LIMITS`.

    Raises:
        ValueError: shapes disagree, a curve is not finite, or a kind has no gain to fit.
    """
    device = target_db.device
    # arrays are small, and a graphics card takes longer to begin than to compute
    target = torch.atleast_2d(target_db).to("cpu", torch.float64)
    freqs = (DEFAULT_FREQS_HZ if freqs_hz is None else torch.as_tensor(freqs_hz)).to("cpu", torch.float64)
    kinds = tuple(BandKind(kind) for kind in kinds)
    if target.ndim != 2 or target.shape[1:] != freqs.shape:
        raise ValueError(f"curves {tuple(target_db.shape)} do not lie on {tuple(freqs.shape)} frequencies")
    if not bool(torch.isfinite(target).all()):
        raise ValueError("a curve to fit is not finite")
    if not kinds or any(kind not in FITTED_KINDS for kind in kinds):
        raise ValueError(f"only {', '.join(FITTED_KINDS)} can be fitted, not {kinds}")
    batch, bands = len(target), len(kinds)
    weights = torch.ones_like(freqs) if weights is None else torch.as_tensor(weights).to("cpu", torch.float64)
    weights = (weights / weights.sum(-1, keepdim=True)).expand(batch, -1)
    search = Pursuit(
        Shapes(freqs.numpy(), sample_rate), kinds, *limits_of(kinds, max_band_hz, min_band_oct), level_free
    )

    # a chunk's intermediates should fit in a processor's cache
    chunks = torch.arange(batch).split(CHUNK)
    if starts is not None and batch:
        starts = torch.from_numpy(to_solver(starts.cpu().numpy())).flatten(-2)
    proposed = [None if starts is None else starts[at] for at in chunks]
    found = [_search(search, target[at], weights[at], own_starts, p) for at, p in zip(chunks, proposed, strict=True)]
    x = np.concatenate(found) if batch else np.zeros((0, 3 * bands))
    params = _tidy(torch.from_numpy(from_solver(x.reshape(-1, bands, 3))), kinds)
    residual = response_db(params, kinds, freqs, sample_rate) - target
    if level_free:
        residual = residual - (residual * weights).sum(-1, keepdim=True)
    rms_db = (weights * residual**2).sum(-1).sqrt()
    return BandFit(params.to(device), kinds, rms_db.to(device))


def _search(
    search: Pursuit, target: torch.Tensor, weights: torch.Tensor, own_starts: int, proposed: torch.Tensor | None
) -> np.ndarray:
    """target and weights (N, n), proposed (N, s, bands * 3) -> the best that any start led to, (N, bands * 3)."""
    count = len(target)
    x = search.starts(target, weights, own_starts).numpy()  # (N, s, bands * 3)
    if proposed is not None:
        x = np.concatenate((x, proposed.numpy()), 1)
    x = np.clip(x, search.low, search.high)
    codes, low, high = (
        np.broadcast_to(row, (count, len(row))) for row in (codes_of(search.kinds), search.low, search.high)
    )
    level_free = float(search.level_free)
    # in single precision an offset that does not count would still cost digits
    centered = search.centered(target, weights).numpy()
    problem = Problem(search.shapes, codes, low, high, centered, weights.numpy(), level_free)
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


def _tidy(params: torch.Tensor, kinds: tuple[BandKind, ...]) -> torch.Tensor:
    """The same curve should read the same way: idle bands at home, bands of one kind by rising frequency."""
    params = params.clone()
    for kind in set(kinds):
        at = [i for i, k in enumerate(kinds) if k == kind]
        home = torch.tensor(HOME[kind], dtype=params.dtype, device=params.device)
        group = params[:, at]
        group = torch.where(group[..., 1:2].abs() < 1e-6, home, group)
        params[:, at] = group.gather(1, group[..., 0].argsort(1).unsqueeze(-1).expand(-1, -1, 3))
    return params
