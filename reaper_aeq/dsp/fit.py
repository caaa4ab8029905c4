"""Curves to bands: the ReaEQ setting whose response comes nearest to a curve in dB.

A whole batch of curves runs at once, several starts each. A start is built by greedy pursuit over a dictionary of band
shapes (dB responses are nearly linear in the gain), then polished by Levenberg-Marquardt in octaves and dB, stepping
inside the limits of `bands.LIMITS` by projection: settings at +-12 dB are common and exact there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from ..bands import LIMITS, SHELF_BANDWIDTH_OCT, SHELVES, BandKind, Eq
from .response import band_responses_db, eq_from_params, half_angle_powers, power_polynomials, response_db

DEFAULT_KINDS = (BandKind.LOW_SHELF, BandKind.BAND, BandKind.BAND, BandKind.BAND, BandKind.HIGH_SHELF)
# 1/6 octave, 25 Hz to 20 kHz: the grid of `dsp.spectrum`, which is not imported because it brings torchaudio
DEFAULT_FREQS_HZ = 1000 * 2 ** (torch.arange(-32, 27, dtype=torch.float64) / 6)

# One unit of each coordinate (freq, gain, bandwidth) in the solver: octave, 4 dB, octave of bandwidth.
GAIN_UNIT_DB = 4.0
MAX_STEP = 1.0  # the longest step of a number; longer ones leave the basin that the start had found
FIRST_DAMPING = 1e-2
DAMPING_FLOOR = 1e-6
# Greedy starts differ in taste: for each kind in each of so many parts of the axis, a factor of this spread (log).
REGIONS, HANDICAP = 5, 1.0
GOOD_COST = 1e-4  # 0.01 dB RMS: better than anyone needs
CPU_CHUNK = 24  # curves at once
# Steps, then how many starts of a curve go on: most show early that they lead nowhere.
SCHEDULE = ((4, 6), (6, 3), (8, 2), (20, 1))
# What can be fitted, and where a band that has nothing to do is put.
HOME = {
    BandKind.BAND: (1000.0, 0.0, 1.0),
    BandKind.LOW_SHELF: (100.0, 0.0, SHELF_BANDWIDTH_OCT),
    BandKind.HIGH_SHELF: (8000.0, 0.0, SHELF_BANDWIDTH_OCT),
}
FITTED_KINDS = tuple(HOME)


@dataclass(frozen=True)
class BandFit:
    """`params` (batch, bands, 3) float64 [freq_hz, gain_db, bandwidth_oct], `kinds`, `rms_db` (batch,)."""

    params: torch.Tensor
    kinds: tuple[BandKind, ...]
    rms_db: torch.Tensor

    def eq(self, index: int = 0, output_gain_db: float = 0.0) -> Eq:
        return eq_from_params(self.params[index], self.kinds, output_gain_db)


@dataclass(frozen=True)
class _Problem:
    """What stays the same while bands move: the axes, the weights (N, n) summing to one, and what is free."""

    freqs_hz: torch.Tensor
    powers: torch.Tensor  # of the frequencies, (3, n)
    sample_rate: float
    kinds: tuple[BandKind, ...]
    low: torch.Tensor  # (bands * 3,), in the solver's coordinates
    high: torch.Tensor
    free: torch.Tensor  # indices into bands * 3: shelves keep their bandwidth
    level_free: bool

    def centred(self, curves: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Without the offset that does not count, if it does not; (..., n)."""
        return curves - (curves * weights).sum(-1, keepdim=True) if self.level_free else curves


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
    work = "cpu" if device.type == "mps" else device  # MPS has no float64
    target = torch.atleast_2d(target_db).to(work, torch.float64)
    freqs = (DEFAULT_FREQS_HZ if freqs_hz is None else torch.as_tensor(freqs_hz)).to(work, torch.float64)
    kinds = tuple(BandKind(kind) for kind in kinds)
    if target.ndim != 2 or target.shape[1:] != freqs.shape:
        raise ValueError(f"curves {tuple(target_db.shape)} do not lie on {tuple(freqs.shape)} frequencies")
    if not bool(torch.isfinite(target).all()):
        raise ValueError("a curve to fit is not finite")
    if not kinds or any(kind not in FITTED_KINDS for kind in kinds):
        raise ValueError(f"only {', '.join(FITTED_KINDS)} can be fitted, not {kinds}")
    batch, bands = len(target), len(kinds)
    weights = torch.ones_like(freqs) if weights is None else torch.as_tensor(weights).to(work, torch.float64)
    weights = (weights / weights.sum(-1, keepdim=True)).expand(batch, -1)
    problem = _problem(freqs, sample_rate, kinds, level_free, max_band_hz, min_band_oct)

    # a chunk's intermediates should fit in a processor's cache; a GPU wants the whole batch
    chunks = torch.arange(batch, device=work).split(CPU_CHUNK if target.is_cpu else batch)
    proposed = [None if starts is None else _to_solver(starts[at].to(work, torch.float64)).flatten(-2) for at in chunks]
    found = [_search(problem, target[at], weights[at], own_starts, p) for at, p in zip(chunks, proposed, strict=True)]
    params = _tidy(_from_solver(torch.cat(found).unflatten(-1, (bands, 3))), kinds)
    residual = problem.centred(response_db(params, kinds, freqs, sample_rate) - target, weights)
    rms_db = (weights * residual**2).sum(-1).sqrt()
    return BandFit(params.to(target_db.device) if device == work else params, kinds, rms_db)


def _search(
    problem: _Problem, target: torch.Tensor, weights: torch.Tensor, own_starts: int, proposed: torch.Tensor | None
) -> torch.Tensor:
    """target and weights (N, n), proposed (N, s, bands * 3) -> the best that any start led to, (N, bands * 3)."""
    x = _greedy_starts(problem, target, weights, own_starts)  # (N, s, bands * 3)
    if proposed is not None:
        x = torch.cat((x, proposed.clamp(problem.low, problem.high)), 1)
    found = x[:, 0].clone()
    todo = torch.arange(len(x), device=x.device)
    for steps, keep in SCHEDULE:
        x, cost = _levenberg_marquardt(problem, x, target[todo], weights[todo], steps)
        best = torch.argsort(cost, dim=1, stable=True)[:, :keep]
        x = x.gather(1, best.unsqueeze(-1).expand(-1, -1, x.shape[-1]))
        found[todo] = x[:, 0]
        unfinished = (cost.amin(1) > GOOD_COST).nonzero()[:, 0]
        x, todo = x[unfinished], todo[unfinished]
        if not len(todo):
            break
    return found


def _to_solver(params: torch.Tensor) -> torch.Tensor:
    """Hz, dB, octaves -> octaves, units of 4 dB, octaves of bandwidth."""
    return torch.stack((params[..., 0].log2(), params[..., 1] / GAIN_UNIT_DB, params[..., 2].log2()), -1)


def _from_solver(x: torch.Tensor) -> torch.Tensor:
    return torch.stack((x[..., 0].exp2(), x[..., 1] * GAIN_UNIT_DB, x[..., 2].exp2()), -1)


def _problem(
    freqs: torch.Tensor,
    sample_rate: float,
    kinds: tuple[BandKind, ...],
    level_free: bool,
    max_band_hz: float,
    min_band_oct: float,
) -> _Problem:
    table = [LIMITS[name] for name in ("freq_hz", "gain_db", "bandwidth_oct")]
    limits = torch.tensor([[[r.low for r in table], [r.high for r in table]]] * len(kinds), dtype=torch.float64)
    shelf = torch.tensor([kind in SHELVES for kind in kinds])
    limits[shelf, :, 2] = SHELF_BANDWIDTH_OCT
    limits[~shelf, 1, 0] = LIMITS["freq_hz"].clamp(max_band_hz)
    limits[~shelf, 0, 2] = LIMITS["bandwidth_oct"].clamp(min_band_oct)
    low, high = (_to_solver(limits[:, side]).flatten().to(freqs.device) for side in (0, 1))
    powers = half_angle_powers(freqs, sample_rate)
    return _Problem(freqs, powers, sample_rate, kinds, low, high, (low < high).nonzero()[:, 0], level_free)


def _levenberg_marquardt(
    problem: _Problem, x: torch.Tensor, target: torch.Tensor, weights: torch.Tensor, steps: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """x (batch, s, bands * 3), target and weights (batch, n) -> the bettered x and its cost (batch, s), mean dB^2."""
    batch, count, _ = x.shape
    x = x.flatten(0, 1)
    target, weights = (curve.repeat_interleave(count, 0) for curve in (target, weights))
    root = weights.sqrt().unsqueeze(1)
    free, low, high = problem.free, problem.low[problem.free], problem.high[problem.free]
    damping = torch.full_like(x[:, :1], FIRST_DAMPING)

    def linearise(x: torch.Tensor) -> torch.Tensor:
        """[[J J', J r], [r J', r r]] of the weighted residual r, (N, free + 1, free + 1)."""
        rows = _jacobian_and_residual(problem, x, target, weights) * root
        return rows @ rows.mT

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
    problem: _Problem, x: torch.Tensor, target: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Derivatives of the response by each free number, then response less target, (N, free + 1, n), dB.

    A band's curve depends on its own three numbers only. Its power polynomials are differenced, not its dB: three
    numbers instead of n, and one logarithm instead of four.
    """
    h = 1e-6
    bands = x.unflatten(-1, (-1, 3))
    shifts = torch.cat((x.new_zeros(1, 3), h * torch.eye(3, dtype=x.dtype, device=x.device)))
    moved = bands.unsqueeze(1) + shifts[:, None, :]  # (N, 4, bands, 3)
    polynomials = power_polynomials(_from_solver(moved), problem.kinds, problem.sample_rate)  # (N, 4, bands, 2, 3)
    powers = polynomials[:, 0].contiguous() @ problem.powers  # (N, bands, 2, n)
    response = 10 / math.log(10) * (powers[..., 0, :] / powers[..., 1, :]).prod(1, keepdim=True).log()
    slopes = ((polynomials[:, 1:] - polynomials[:, :1]) * (10 / math.log(10) / h)).transpose(1, 2)
    # laid flat for one large matrix product: many small ones take five times as long
    slopes = (slopes.reshape(-1, 3) @ problem.powers).view(*slopes.shape[:-1], -1) / powers.unsqueeze(2)
    slopes = (slopes[..., 0, :] - slopes[..., 1, :]).flatten(1, 2)[:, problem.free]
    return problem.centred(torch.cat((slopes, response - target.unsqueeze(1)), 1), weights.unsqueeze(1))


def _greedy_starts(problem: _Problem, target: torch.Tensor, weights: torch.Tensor, count: int) -> torch.Tensor:
    """Orthogonal matching pursuit, once per start -> (batch, count, bands * 3) in the solver's coordinates.

    The first start takes the shape that explains most each time. The others are led astray by random handicaps from a
    fixed seed, drawn for a kind and a region together: greed takes one wide band for two, or a shelf for a band, and
    a handicap on single shapes only makes it take the neighbour.
    """
    atoms, kind_of, shapes = _dictionary(tuple(problem.freqs_hz.tolist()), problem.sample_rate, problem.kinds)
    atoms, kind_of, shapes = (t.to(target.device) for t in (atoms, kind_of, shapes))
    batch = len(target)
    position = (atoms[:, 0] - atoms[:, 0].min()) / (atoms[:, 0].max() - atoms[:, 0].min())
    region = kind_of * REGIONS + (position * REGIONS).long().clamp(max=REGIONS - 1)
    draws = torch.randn(count, REGIONS * len(FITTED_KINDS), generator=torch.Generator().manual_seed(0)).double()
    draws[0] = 0
    handicap = draws.mul(HANDICAP).exp().to(target.device)[:, region].repeat(batch, 1)
    target, weights = (t.repeat_interleave(count, 0) for t in (target, weights))
    left = torch.tensor([problem.kinds.count(k) for k in FITTED_KINDS], device=target.device).repeat(len(target), 1)

    target = problem.centred(target, weights)
    mean = weights @ shapes.T if problem.level_free else 0.0
    norm = (weights @ (shapes**2).T - mean**2).clamp(min=1e-9)
    picks: list[torch.Tensor] = []
    residual = target
    for _ in problem.kinds:
        gain = (residual * weights) @ shapes.T / norm  # a centred residual needs no centred shapes
        score = (gain**2 * norm + 1e-12) * handicap * (left.gather(1, kind_of.expand(len(left), -1)) > 0)
        pick = score.argmax(1)
        picks.append(pick)
        left = left.scatter_add(1, kind_of[pick].unsqueeze(1), -torch.ones_like(pick).unsqueeze(1))
        chosen = problem.centred(shapes[torch.stack(picks, 1)], weights.unsqueeze(1))  # (N, k, n)
        gram = (chosen * weights.unsqueeze(1)) @ chosen.mT
        eye = torch.eye(len(picks), dtype=gram.dtype, device=gram.device)
        # the ridge keeps two neighbours from fighting each other with gains of opposite sign
        ridge = 0.02 * gram.diagonal(dim1=-2, dim2=-1).mean(-1)[:, None, None] + 1e-9
        gains = torch.linalg.solve(gram + ridge * eye, chosen @ (target * weights).unsqueeze(-1)).squeeze(-1)
        residual = target - (gains.unsqueeze(1) @ chosen).squeeze(1)
    pick = torch.stack(picks, 1)
    x = atoms[pick]
    x[..., 1] = gains / GAIN_UNIT_DB
    # lay the picks into the places of their kinds
    place = sorted(range(len(problem.kinds)), key=lambda i: FITTED_KINDS.index(problem.kinds[i]))
    x = x.gather(1, kind_of[pick].argsort(dim=1, stable=True).unsqueeze(-1).expand(-1, -1, 3))
    x = x[:, torch.tensor(place).argsort().to(x.device)]
    x = x.flatten(1).clamp(problem.low, problem.high)
    return x.view(batch, count, -1)


@lru_cache(maxsize=16)
def _dictionary(
    freqs_hz: tuple[float, ...], sample_rate: float, kinds: tuple[BandKind, ...]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Atoms (m, 3) in the solver's coordinates, each one's place in FITTED_KINDS (m,), dB per dB of gain (m, n)."""
    freqs = torch.tensor(freqs_hz, dtype=torch.float64)
    low, high = max(LIMITS["freq_hz"].low, freqs_hz[0]), min(LIMITS["freq_hz"].high, freqs_hz[-1], sample_rate * 0.45)
    centres = torch.logspace(torch.tensor(low).log2(), torch.tensor(high).log2(), 24, base=2, dtype=torch.float64)
    rows, kind_of, shapes = [], [], []
    for place, kind in enumerate(FITTED_KINDS):
        if kind not in kinds:
            continue
        widths = (SHELF_BANDWIDTH_OCT,) if kind in SHELVES else (0.25, 0.6, 1.2, 2.0, 3.2)
        axes = (torch.tensor(values, dtype=torch.float64) for values in ((6.0,), widths))
        params = torch.cartesian_prod(centres, *axes)
        shapes.append(band_responses_db(params, (kind,) * len(params), freqs, sample_rate) / 6.0)
        rows.append(_to_solver(params))
        kind_of += [place] * len(params)
    return torch.cat(rows), torch.tensor(kind_of), torch.cat(shapes)


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
