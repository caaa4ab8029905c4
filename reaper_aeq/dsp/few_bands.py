"""Curves to as few bands as a person would use: from none to five, each in its place, none against another.

Of every mix of kinds (shelves alone, a shelf and a bell, two bells, ...) the best set of shapes is polished; what is
chosen has the least of

    distance to the curve, dB RMS + a price a band + `CANCEL_PRICE` times what bands take from each other, dB

so another band is taken where it brings the response that much nearer. Bands keep to the part of the spectrum that
holds sound, shelves to their own half; sets that break a rule (`broken_rules`) are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import islice

import torch

from ..bands import LIMITS, MAX_BANDS, SHELF_BANDWIDTH_OCT, Band, BandKind, Eq
from .fit_problem import Problem, from_solver, to_solver
from .levenberg import levenberg_marquardt
from .response import band_responses_db, half_angle_powers
from .subsets import KIND_OF, Shapes, best_subsets

# What another band has to gain; of a curve that is hardly there a part of it, but never what nobody hears.
BAND_PRICE_DB, LEAST_BAND_PRICE_DB, PART_OF_CURVE = 0.12, 0.05, 0.4
CANCEL_PRICE = 0.3  # for each dB that single bands do and the response does not
OVER_PRICE = 1.0  # for each dB beyond what may come out, or beyond what bands may do
RESPONSE_MOST_DB = 11.0
# For each dB of output gain below or above these: bands that only boost have to be turned down, at twice the intensity
# twice as far, and peaks need to be turned down as well.
OFFSET_FREE_DB, OFFSET_PRICE = (-0.75, 2.5), 0.4
BROKEN_PRICE_DB = 100.0
SMALL = 2e-3  # dB² for each dB² of gain: of two sets that do the same the gentler one
LEVEL_FREE = 0.9  # part of an offset that costs nothing: the output gain makes it, but rather little of it
# Hz in which a kind may be centred, and octaves of bandwidth
RANGES_HZ = {
    BandKind.LOW_SHELF: (40.0, 600.0),
    BandKind.BAND: (40.0, 12_000.0),
    BandKind.HIGH_SHELF: (1500.0, 14_000.0),
}
WIDTHS_OCT = (0.7, 3.0)
GAINS_DB = (LIMITS["gain_db"].low, LIMITS["gain_db"].high)
KINDS = {code: kind for kind, code in KIND_OF.items()}
NEIGHBOURS_OCT, FIGHTING_DB = 1.1, 1.8  # bands nearer than that do not pull against each other by more
CENTRES_PER_OCT, DICTIONARY_WIDTHS_OCT = 2.5, (0.7, 1.2, 2.0, 3.0)
FIRST = 3  # sets up to this size are tried side by side, larger ones only where they could pay
IDLE_HZ = 1000.0
SCHEDULE = ((4, 4), (9, 1))  # steps, then how many sets of a curve go on
CHUNK = 32  # curves at once


@dataclass(frozen=True)
class Curve:
    """What few bands are searched for; all (n,).

    Attributes:
        target_db: what is to come out, but for a level.
        weight: of each frequency's squared error.
        sound: bool, where the source has sound.
        most_db: what may come out at most.
        axis: a direction along which the response has to be right, weighted; zeros for none.
    """

    target_db: torch.Tensor
    weight: torch.Tensor
    sound: torch.Tensor
    most_db: torch.Tensor
    axis: torch.Tensor


@torch.no_grad()
def few_bands(curves: Sequence[Curve], freqs_hz: torch.Tensor, sample_rate: float) -> list[Eq]:
    """The few bands of each curve, without output gain; the same for a curve whatever the others are."""
    chunks = (curves[start : start + CHUNK] for start in range(0, len(curves), CHUNK))
    return [eq for chunk in chunks for eq in _Search(chunk, freqs_hz.double(), sample_rate).run()]


class _Search:
    """Curves of one sample rate, and the best bands that were found for each so far."""

    def __init__(self, curves: Sequence[Curve], freqs: torch.Tensor, sample_rate: float) -> None:
        self.freqs, self.sample_rate = freqs, sample_rate
        self.powers = half_angle_powers(freqs, sample_rate)
        rows = (torch.stack([getattr(one, field.name) for one in curves]) for field in fields(Curve))
        self.target, weight, self.sound, self.most, self.axis = rows
        self.weight = weight / weight.sum(-1, keepdim=True).clamp_min(1e-9)
        self.ranges = [ranges_hz(one.sound, freqs, sample_rate) for one in curves]
        self.sets = [self._subsets(n) for n in range(len(curves))]
        self.band_price = torch.full((len(curves),), BAND_PRICE_DB, dtype=torch.float64)
        nothing = torch.zeros(len(curves), 1, 3, dtype=torch.float64) + torch.tensor([1000.0, 0.0, 1.0])
        cost, missed = self._price(
            nothing, (BandKind.BAND,), torch.zeros(len(curves), 1, dtype=torch.bool), range(len(curves))
        )
        self.cost, self.missed = cost.tolist(), missed.tolist()
        self.band_price = (PART_OF_CURVE * missed).clamp(LEAST_BAND_PRICE_DB, BAND_PRICE_DB)
        self.found: list[list[Band]] = [[] for _ in curves]

    def run(self) -> list[Eq]:
        done = 0
        for size in (FIRST, *range(FIRST + 1, MAX_BANDS + 1)):
            # more bands pay only while the distance is more than what one costs
            pays = [missed > price for missed, price in zip(self.missed, self.band_price.tolist(), strict=True)]
            going = [n for n, found in enumerate(self.found) if pays[n] and len(found) >= done]
            starts = [(n, *one) for n in going for sets in islice(self.sets[n], size - done) for one in sets]
            if starts:
                self._try(starts, size)
            done = size
        return [Eq(tuple(sorted(bands, key=lambda band: band.freq_hz))) for bands in self.found]

    def _subsets(self, n: int) -> Iterator[list[tuple[list[int], list[float]]]]:
        """By size: a set of every mix of kinds."""
        params, kinds, responses = _dictionary(tuple(self.freqs.tolist()), self.sample_rate)
        nearest = (self.freqs.log2() - params[:, :1].log2()).abs().argmin(-1)
        inside = self.sound[n][nearest] if bool(self.sound[n].any()) else torch.ones_like(kinds, dtype=torch.bool)
        for kind, code in KIND_OF.items():
            low, high = self.ranges[n].get(kind, (1.0, 0.0))
            inside = inside & ((kinds != code) | ((params[:, 0] >= low) & (params[:, 0] <= high)))
        at = inside.nonzero()[:, 0]
        if not len(at):
            return
        rows = torch.cat((responses[at], self.target[n : n + 1]))
        rows = rows - LEVEL_FREE * (rows * self.weight[n]).sum(-1, keepdim=True)
        rows = torch.cat((rows * self.weight[n].sqrt(), (rows * self.axis[n]).sum(-1, keepdim=True)), -1)
        own = at.tolist()
        for sets in best_subsets(Shapes(kinds[at], params[at, 0].log2(), rows[:-1]), rows[-1], MAX_BANDS, SMALL):
            yield [([own[m] for m in members], gains) for members, gains in sets]

    def _try(self, starts: Sequence[tuple[int, list[int], list[float]]], size: int) -> None:
        """Polishes sets of up to so many bands, all of them side by side, and keeps what is better.

        Every set has the same places, a low shelf, `size` bells and a high shelf; what it does not use stays at 0 dB.
        """
        kinds = (BandKind.LOW_SHELF, *[BandKind.BAND] * size, BandKind.HIGH_SHELF)
        laid = [self._laid_out(*start, kinds) for start in starts]
        x, low, high = (
            to_solver(torch.tensor(rows, dtype=torch.float64)).flatten(1) for rows in zip(*laid, strict=True)
        )
        used = [[band_high[1] > 0 for band_high in highs] for _, _, highs in laid]
        owner = [n for n, *_ in starts]
        free = [3 * at + k for at, kind in enumerate(kinds) for k in range(3 if kind is BandKind.BAND else 2)]
        on, rows, own = torch.tensor(used), torch.arange(len(x)), torch.tensor(owner)
        for steps, keep in SCHEDULE:
            problem = Problem(
                self.freqs, self.powers, self.sample_rate, kinds, low[rows], high[rows], torch.tensor(free), LEVEL_FREE,
                SMALL, self.axis[own],
            )  # fmt: skip
            x = levenberg_marquardt(problem, x.unsqueeze(1), self.target[own], self.weight[own], steps)[0][:, 0]
            # one by one, as `levenberg.ROWS` explains
            params = torch.stack([from_solver(row) for row in x.unflatten(-1, (-1, 3))])
            costs, missed = self._price(params, kinds, on[rows], own.tolist())
            best = _least(costs.tolist(), own.tolist(), keep)
            x, rows, own, params, costs, missed = (values[best] for values in (x, rows, own, params, costs, missed))
        for n, row, found, cost, off in zip(*(v.tolist() for v in (own, rows, params, costs, missed)), strict=True):
            if cost < self.cost[n]:
                self.cost[n], self.missed[n] = cost, off
                self.found[n] = [
                    Band(kind, *band) for kind, band, here in zip(kinds, found, used[row], strict=True) if here
                ]

    def _laid_out(
        self, n: int, members: Sequence[int], gains_db: Sequence[float], kinds: Sequence[BandKind]
    ) -> tuple[list[list[float]], ...]:
        """A set of a curve in the places of `kinds`: its parameters, and from where to where they may go."""
        params, codes, _ = _dictionary(tuple(self.freqs.tolist()), self.sample_rate)
        begin, low, high = ([[IDLE_HZ, 0.0, SHELF_BANDWIDTH_OCT] for _ in kinds] for _ in range(3))
        bells = 1
        for member, gain_db in zip(members, gains_db, strict=True):
            kind, (freq_hz, _, width_oct) = KINDS[int(codes[member])], params[member].tolist()
            place = {BandKind.LOW_SHELF: 0, BandKind.HIGH_SHELF: len(kinds) - 1}.get(kind, bells)
            bells += kind is BandKind.BAND
            widths = WIDTHS_OCT if kind is BandKind.BAND else (SHELF_BANDWIDTH_OCT, SHELF_BANDWIDTH_OCT)
            begin[place] = [freq_hz, min(max(gain_db, GAINS_DB[0]), GAINS_DB[1]), width_oct]
            low[place], high[place] = (list(edge) for edge in zip(self.ranges[n][kind], GAINS_DB, widths, strict=True))
        return begin, low, high

    def _price(
        self, params: torch.Tensor, kinds: Sequence[BandKind], used: torch.Tensor, owner: Sequence[int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What sets cost altogether, and how far they are from their curves, (rows,) dB.

        Args:
            params: (rows, bands, 3), those not `used` at 0 dB. owner: which curve a row is for.
        """
        owner = list(owner)
        each = band_responses_db(params, kinds, self.freqs, self.sample_rate)
        response = each.sum(1)
        off = self.target[owner] - response
        offset = (off * self.weight[owner]).sum(-1, keepdim=True)
        missed = ((off - offset).square() * self.weight[owner]).sum(-1).sqrt()
        heard = self.weight[owner] * self.sound[owner]
        heard = heard / heard.sum(-1, keepdim=True).clamp_min(1e-9)
        cancelled = (heard * (each.abs().sum(1) - response.abs())).sum(-1)
        over = (response + offset - self.most[owner]).amax(-1).clamp_min(0.0)
        over = over + (response.abs().amax(-1) - RESPONSE_MOST_DB).clamp_min(0.0)
        lifted = (offset[:, 0] - offset[:, 0].clamp(*OFFSET_FREE_DB)).abs()
        cost = missed + self.band_price[owner] * used.sum(-1) + CANCEL_PRICE * cancelled + OVER_PRICE * over
        cost = cost + OFFSET_PRICE * lifted
        broken = broken_rules(params, used, self.sound[owner], self.freqs)
        return cost + BROKEN_PRICE_DB * broken, missed


def broken_rules(params: torch.Tensor, used: torch.Tensor, sound: torch.Tensor, freqs_hz: torch.Tensor) -> torch.Tensor:
    """How many rules sets break: bands centred without sound, neighbours against each other; (rows,).

    Args:
        params: (rows, bands, 3). used: bool (rows, bands).
        sound: bool (rows, n), where there is sound on `freqs_hz` (n,).
    """
    octaves, gains = params[..., 0].log2(), params[..., 1].where(used, 0.0)
    nearest = (freqs_hz.log2() - octaves.unsqueeze(-1)).abs().argmin(-1)
    silent = (used & ~(sound | ~sound.any(-1, keepdim=True)).gather(1, nearest)).sum(-1)
    near = (octaves.unsqueeze(-1) - octaves.unsqueeze(-2)).abs() < NEIGHBOURS_OCT
    against = gains.unsqueeze(-1) * gains.unsqueeze(-2) < 0
    strong = torch.minimum(gains.unsqueeze(-1).abs(), gains.unsqueeze(-2).abs()) > FIGHTING_DB
    return silent + (near & against & strong).sum((-2, -1))


def _least(scores: Sequence[float], owner: Sequence[int], count: int) -> list[int]:
    """Which of the scores are among the `count` least of their owner, in their order."""
    taken: dict[int, int] = {}
    chosen = []
    for k in sorted(range(len(scores)), key=lambda k: scores[k]):
        taken[owner[k]] = taken.get(owner[k], 0) + 1
        if taken[owner[k]] <= count:
            chosen.append(k)
    return sorted(chosen)


def ranges_hz(sound: torch.Tensor, freqs: torch.Tensor, sample_rate: float) -> dict[BandKind, tuple[float, float]]:
    """Where bands of each kind may be centred, Hz; a kind that may be nowhere is left out."""
    inside = freqs[sound & (freqs < 0.4 * sample_rate)]
    first, last = (float(inside[0]), float(inside[-1])) if len(inside) else (float(freqs[0]), 0.4 * sample_rate)
    ranges = {kind: (max(low, first), min(high, last)) for kind, (low, high) in RANGES_HZ.items()}
    return {kind: (low, high) for kind, (low, high) in ranges.items() if low < high}


@lru_cache(maxsize=16)
def _dictionary(freqs_hz: tuple[float, ...], sample_rate: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Parameters (m, 3), codes of kinds (m,), dB per dB of gain (m, n)."""
    freqs = torch.tensor(freqs_hz, dtype=torch.float64)
    rows, codes, responses = [], [], []
    for kind, (low_hz, high_hz) in RANGES_HZ.items():
        edges = (low_hz, min(high_hz, 0.4 * sample_rate))
        low, high = (torch.tensor(edge, dtype=torch.float64).log2() for edge in edges)
        count = max(int((high - low) * CENTRES_PER_OCT) + 1, 1)
        centres = torch.logspace(float(low), float(high), count, base=2, dtype=torch.float64)
        widths = DICTIONARY_WIDTHS_OCT if kind is BandKind.BAND else (SHELF_BANDWIDTH_OCT,)
        params = torch.cartesian_prod(centres, *(torch.tensor(v, dtype=torch.float64) for v in ((3.0,), widths)))
        responses.append(band_responses_db(params, (kind,) * len(params), freqs, sample_rate) / 3.0)
        rows.append(params)
        codes += [KIND_OF[kind]] * len(params)
    return torch.cat(rows), torch.tensor(codes), torch.cat(responses)
