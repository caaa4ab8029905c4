"""Curves to as few bands as a person would use: from none to five, each in its place, none against another.

Of every mix of kinds (shelves alone, a shelf and a bell, two bells, ...) the best set of shapes is polished; what is
chosen has the least of

    distance to the curve, dB RMS + a price a band + `CANCEL_PRICE` times what bands take from each other, dB

so another band is taken where it brings the response that much nearer. Bands keep to the part of the spectrum that
holds sound, shelves to their own half; sets that break a rule (`broken_rules`) are left out. Where nothing is wanted
below (or above), a pass filter stands in the place of the shelf.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache

import numpy as np
import torch

from ..eq import LIMITS, MAX_BANDS, PASS_FILTERS, SHELF_BANDWIDTH_OCT, Band, BandKind, Eq, pass_corner_hz
from .band_shapes import (
    BELL,
    CODES,
    GAIN_UNIT_DB,
    HIGH_PASS,
    HIGH_SHELF,
    KINDS,
    LOW_PASS,
    LOW_SHELF,
    PASS_BANDWIDTH_OCT,
    Shapes,
    filled_up,
    from_solver,
    to_solver,
)
from .levenberg import Problem, levenberg_marquardt
from .spectrum import GRID_HZ
from .subsets import END_OF, Atoms, GrowingSets, Regression, Sets

# What another band has to gain; of a curve that is hardly there a part of it, but never what nobody hears.
BAND_PRICE_DB, LEAST_BAND_PRICE_DB, PART_OF_CURVE = 0.12, 0.05, 0.4
CANCEL_PRICE = 0.3  # for each dB that single bands do and the response does not
OVER_PRICE = 0.5  # for each dB beyond what may come out, or beyond what bands may do
RESPONSE_MOST_DB = 11.0
# For each dB of output gain below or above these: bands that only boost have to be turned down, at twice the intensity
# twice as far, and peaks need to be turned down as well.
OFFSET_FREE_DB, OFFSET_PRICE = (-0.75, 2.5), 0.4
BROKEN_PRICE_DB = 100.0
SMALL = 2e-3  # dB² for each dB² of gain: of two sets that do the same the gentler one
LEVEL_FREE = 0.9  # part of an offset that costs nothing: the output gain makes it, but rather little of it
# Hz in which a kind may be centered, and octaves of bandwidth
RANGES_HZ = {
    BandKind.LOW_SHELF: (40.0, 600.0),
    BandKind.BAND: (40.0, 12_000.0),
    BandKind.HIGH_SHELF: (1500.0, 14_000.0),
    BandKind.HIGH_PASS: (25.0, 250.0),
    # above, half of it would have left the spectrum: there a shelf does what can be done
    BandKind.LOW_PASS: (4000.0, 11_000.0),
}
PASS_TIMES = (0.05, 3.0)  # how much of a pass filter of the dictionary a search begins with
WIDTHS_OCT = (0.7, 3.0)
FIXED_OCT = {BandKind.LOW_SHELF: SHELF_BANDWIDTH_OCT, BandKind.HIGH_SHELF: SHELF_BANDWIDTH_OCT} | dict.fromkeys(
    PASS_FILTERS, PASS_BANDWIDTH_OCT
)
GAINS_DB = (LIMITS["gain_db"].low, LIMITS["gain_db"].high)
NEIGHBORS_OCT, FIGHTING_DB = 1.1, 1.8  # bands nearer than that do not pull against each other by more
CENTRES_PER_OCT, DICTIONARY_WIDTHS_OCT = 2.5, (0.7, 1.2, 2.0, 3.0)
ALONG = 1 / 30  # dB² for each squared unit along the axis, which is that much heavier
CLEAR_OF_ENDS = 2.0  # times the frequency below which nothing is wanted, from where there may be bells
FIRST = 3  # sets up to this size are tried side by side, larger ones only where they could pay
FIRST_TRIED, SCHEDULE = 7, ((2, 3), (5, 1))  # sets of a curve; then steps, and how many of them go on
BEFORE_STEPS = 0.3  # part of a penalty that counts before the first step: steps can still mend what breaks a rule
CHUNK = 32  # curves at once


def all_wanted() -> torch.Tensor:
    """`Curve.ends` that are none."""
    return torch.tensor([0.0, math.inf], dtype=torch.float64)


@dataclass(frozen=True)
class Curve:
    """What few bands are searched for on the grid; all (n,).

    Attributes:
        target_db: what is to come out, but for a level.
        weight: of each frequency's squared error.
        sound: bool, where the source has sound.
        most_db: what may come out at most.
        axis: a direction along which the response has to be right, weighted; zeros for none.
        ends: (2,) Hz, below and above what nothing is wanted: a high-pass takes the place of low shelf and bells there,
            a low-pass that of bells, and of the high shelf where it does not lie too high.
    """

    target_db: torch.Tensor
    weight: torch.Tensor
    sound: torch.Tensor
    most_db: torch.Tensor
    axis: torch.Tensor
    ends: torch.Tensor = field(default_factory=all_wanted)


def few_bands(curves: Sequence[Curve], sample_rate: float) -> list[Eq]:
    """The few bands of each curve, without output gain; the same for a curve whatever the others are."""
    found: list[tuple[Eq, float]] = [(Eq(), math.inf)] * len(curves)

    def search(places: Sequence[int], low_pass: bool = True) -> None:
        for start in range(0, len(places), CHUNK):
            chunk = places[start : start + CHUNK]
            one = BandSearch([curves[n] for n in chunk], sample_rate, low_pass)
            for n, eq_and_cost in zip(chunk, zip(one.run(), one.cost.tolist(), strict=True), strict=True):
                found[n] = min(found[n], eq_and_cost, key=lambda eq_and_cost: eq_and_cost[1])

    nothing_above = [n for n, curve in enumerate(curves) if curve.ends[1] < math.inf]
    ending = [n for n, curve in enumerate(curves) if n in nothing_above or curve.ends[0] > 0]
    search([n for n in range(len(curves)) if n not in ending])
    search(ending)
    # a low-pass may have to lie too high to be one: then a shelf does what can be done
    search(nothing_above, low_pass=False)
    return [eq for eq, _ in found]


@dataclass(frozen=True)
class Starts:
    """Settings to polish, a row each, all of as many places: `owner` (rows,) the curve it is for; `x`, `low`, `high`
    (rows, places * 3) in the solver's coordinates; `codes` and `used` (rows, places)."""

    owner: np.ndarray
    x: np.ndarray
    low: np.ndarray
    high: np.ndarray
    codes: np.ndarray
    used: np.ndarray

    def rows(self, at: np.ndarray) -> Starts:
        """Some of the rows."""
        return Starts(*(getattr(self, one.name)[at] for one in fields(self)))


class BandSearch:
    """Curves of one sample rate, and the best bands that were found for each so far."""

    def __init__(self, curves: Sequence[Curve], sample_rate: float, low_pass: bool = True) -> None:
        self.shapes, count = Shapes(sample_rate), len(curves)
        self.target, weight, self.sound, self.most, self.axis, ends = (
            torch.stack([getattr(one, part.name) for one in curves]).numpy() for part in fields(Curve)
        )
        self.weight = weight / np.maximum(weight.sum(-1, keepdims=True), 1e-9)
        heard = self.weight * self.sound
        self.heard = heard / np.maximum(heard.sum(-1, keepdims=True), 1e-9)
        self.ending = np.isfinite(ends[:, 1]) | (ends[:, 0] > 0)
        self.gone = (ends[:, :1] >= GRID_HZ) | (ends[:, 1:] <= GRID_HZ)
        self.places = _places(self.sound, sample_rate, ends, low_pass)
        self.atoms = atoms_of(sample_rate, bool(self.ending.any()))
        self.band_price = np.full(count, BAND_PRICE_DB)
        self.codes, self.x = np.zeros((count, MAX_BANDS), dtype=np.intp), np.zeros((count, MAX_BANDS, 3))
        self.sizes = np.zeros(count, dtype=np.intp)
        nothing, unused = np.repeat(_IDLE[None], count, 0), np.zeros((count, 1), dtype=bool)
        best = Starts(np.arange(count), nothing, nothing, nothing, unused.astype(np.intp), unused)
        self.cost, self.missed = self.price(best)
        self.band_price = np.clip(PART_OF_CURVE * self.missed, LEAST_BAND_PRICE_DB, BAND_PRICE_DB)

    def run(self) -> list[Eq]:
        """The fewest bands that are worth their price, for each curve."""
        sets = GrowingSets(self.regression(), SMALL)
        owner = np.arange(len(self.cost))
        for size in range(FIRST, MAX_BANDS + 1):
            # more bands pay only while the distance is more than what one costs
            going = self.missed[owner] > self.band_price[owner]
            if size > FIRST:
                going &= self.sizes[owner] == size - 1
            owner = owner[going]
            if not len(owner):
                break
            if not going.all():
                sets.keep(going)
            self._try([sets.grow() for _ in range(FIRST if size == FIRST else 1)], owner, size)
        eqs, found = [], (self.sizes, self.codes, from_solver(self.x))
        for size, codes, params in zip(*(part.tolist() for part in found), strict=True):
            bands = [Band(KINDS[code], *band) for code, band in zip(codes[:size], params[:size], strict=True)]
            eqs.append(Eq(tuple(sorted(bands, key=lambda band: band.freq_hz))))
        return eqs

    def regression(self) -> Regression:
        """Of the curves by the dictionary's shapes."""
        atoms = self.atoms
        octave = atoms.x[:, 0]
        nearest = np.abs(np.log2(GRID_HZ) - octave[:, None]).argmin(-1)
        sound = self.sound | ~self.sound.any(-1, keepdims=True)
        low, high = self.places[:, atoms.codes, 0, 0], self.places[:, atoms.codes, 0, 1]
        allowed = sound[:, nearest] & (octave >= low - 1e-9) & (octave <= high + 1e-9)
        # beside the frequencies a column for the mean and one for the axis: (curves, m, n + 2)
        count, n = self.target.shape
        rows = np.empty((count, len(octave), n + 2), dtype=np.float32)
        rows[..., :n] = atoms.responses
        functionals = np.stack((self.weight, self.axis - LEVEL_FREE * self.axis.sum(-1, keepdims=True) * self.weight))
        rows[..., n:] = (functionals @ atoms.responses.T).transpose(1, 2, 0)
        target = np.concatenate((self.target, (functionals * self.target).sum(-1).T), 1)
        weight = np.concatenate((self.weight, np.broadcast_to((LEVEL_FREE**2 - 2 * LEVEL_FREE, 1.0), (count, 2))), 1)
        weighted = rows * weight.astype(np.float32)[:, None]
        # by torch, which keeps to the threads that it was given
        gram = torch.bmm(torch.from_numpy(weighted), torch.from_numpy(rows).mT).numpy()
        product = (weighted @ target.astype(np.float32)[..., None])[..., 0]
        energy = (weight * target**2).sum(-1).astype(np.float32)
        return Regression(gram, product, energy, allowed, atoms)

    def _laid_out(self, grown: Sequence[Sets], owners: np.ndarray, places: int) -> Starts:
        """Sets of curves (`owners`) in so many places; what a set does not use stays at 0 dB."""
        atoms, rows = self.atoms, []
        for sets in grown:
            owner, mix = np.nonzero(sets.found)
            members, gains = np.full((len(owner), places), -1), np.zeros((len(owner), places))
            size = sets.members.shape[-1]
            members[:, :size], gains[:, :size] = sets.members[owner, mix], sets.gains_db[owner, mix]
            rows.append((owners[owner], members, gains))
        owner, members, gains = (np.concatenate(part) for part in zip(*rows, strict=True))
        used = members >= 0
        codes, x = np.where(used, atoms.codes[members], BELL), np.where(used[..., None], atoms.x[members], _IDLE)
        if codes.max(initial=0) > HIGH_SHELF:
            corner = pass_corner_hz(codes == HIGH_PASS, np.exp2(x[..., 0]), np.clip(gains, *PASS_TIMES))
            x[..., 0] = np.where(codes > HIGH_SHELF, np.log2(corner), x[..., 0])
        x[..., 1] = gains / GAIN_UNIT_DB
        places_of = np.where(used[..., None, None], self.places[owner[:, None], codes], _IDLE[:, None])
        low, high = places_of[..., 0], places_of[..., 1]
        x = np.minimum(np.maximum(x, low), high)
        x, low, high = (one.reshape(len(x), 3 * places) for one in (x, low, high))
        return Starts(owner, x, low, high, codes, used)

    def _try(self, grown: Sequence[Sets], owners: np.ndarray, places: int) -> None:
        """Polishes sets, all of them side by side, and keeps what is better."""
        rows = self._laid_out(grown, owners, places)
        if not len(rows.x):
            return
        if len(grown) > 1:
            rows = rows.rows(_least(self.price(rows, BEFORE_STEPS)[0], rows.owner, FIRST_TRIED))
        for steps, keep in SCHEDULE:
            rows = replace(rows, x=levenberg_marquardt(self.problem(rows), rows.x, steps)[0])
            cost, missed = self.price(rows)
            best = _least(cost, rows.owner, keep)
            rows, cost, missed = rows.rows(best), cost[best], missed[best]
        better = cost < self.cost[rows.owner]
        own = rows.owner[better]
        self.cost[own], self.missed[own] = cost[better], missed[better]
        self.sizes[own] = rows.used[better].sum(-1)
        self.codes[own, :places], self.x[own, :places] = rows.codes[better], rows.x[better].reshape(-1, places, 3)

    def problem(self, rows: Starts) -> Problem:
        """What the solver is given to polish `rows`."""
        own = rows.owner
        return Problem(
            self.shapes, rows.codes, rows.low, rows.high, self.target[own], self.weight[own], self.axis[own],
            LEVEL_FREE, SMALL,
        )  # fmt: skip

    def price(self, rows: Starts, penalties: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """What sets cost altogether and how far they are from their curves, (rows,) dB each. `penalties`: which part
        counts of what is neither distance nor a band's price."""
        own, x = rows.owner, rows.x.reshape(len(rows.x), -1, 3)
        each = self.shapes.responses_db(filled_up(x), filled_up(rows.codes))[: len(x)]
        response, weight = each.sum(1), self.weight[own]
        off = self.target[own] - response
        offset = (off * weight).sum(-1, keepdims=True)
        ending = self.ending[own].any()
        if ending:
            # more of a cut is no error where nothing is wanted, but it is too much of the word, if that comes of it
            along = ((off - offset) * self.axis[own]).sum(-1)
            off = np.where(self.gone[own] & (off > 0), 0.0, off)
            offset = (off * weight).sum(-1, keepdims=True)
        missed = ((off - offset) ** 2 * weight).sum(-1)
        if ending:
            missed += self.ending[own] * ALONG * along**2
            each *= (rows.codes <= HIGH_SHELF)[..., None]  # a pass filter takes away by design
        missed = np.sqrt(missed)
        shaped = np.abs(each.sum(1)) if ending else np.abs(response)
        cancelled = (self.heard[own] * (np.abs(each).sum(1) - shaped)).sum(-1)
        over = np.maximum((response + offset - self.most[own]).max(-1), 0.0)
        over += np.maximum(shaped.max(-1) - RESPONSE_MOST_DB, 0.0)
        lifted = np.abs(offset[:, 0] - np.minimum(np.maximum(offset[:, 0], OFFSET_FREE_DB[0]), OFFSET_FREE_DB[1]))
        broken = _broken(x[..., 0], GAIN_UNIT_DB * x[..., 1], rows.used, self.sound[own])
        # however many rules are broken, before the first step it tells little
        more = CANCEL_PRICE * cancelled + OVER_PRICE * over + OFFSET_PRICE * lifted
        more += (BROKEN_PRICE_DB if penalties == 1.0 else 1.0) * broken
        return missed + self.band_price[own] * rows.used.sum(-1) + penalties * more, missed


def _broken(octaves: np.ndarray, gains_db: np.ndarray, used: np.ndarray, sound: np.ndarray) -> np.ndarray:
    """How many rules sets break, (rows,): octaves, gains_db, used (rows, bands); sound (rows, n)."""
    gains_db = gains_db * used
    nearest = np.searchsorted(_BETWEEN_OCT, octaves)
    heard = np.take_along_axis(sound | ~sound.any(-1, keepdims=True), nearest, 1)
    near = np.abs(octaves[:, :, None] - octaves[:, None]) < NEIGHBORS_OCT
    least = np.minimum(np.maximum(gains_db, 0.0)[:, :, None], np.maximum(-gains_db, 0.0)[:, None])
    return (used & ~heard).sum(-1) + 2 * (near & (least > FIGHTING_DB)).sum((-2, -1))


def broken_rules(params: torch.Tensor, sound: torch.Tensor) -> torch.Tensor:
    """How many rules sets break: bands centered without sound, neighbors against each other; (rows,).

    Args:
        params: (rows, bands, 3).
        sound: bool (rows, n), where there is sound.
    """
    octaves, gains_db, sounds = (v.cpu().numpy() for v in (params[..., 0].log2(), params[..., 1], sound))
    return torch.from_numpy(_broken(octaves, gains_db, np.ones(octaves.shape, dtype=bool), sounds)).to(params.device)


def _least(scores: np.ndarray, owner: np.ndarray, count: int) -> np.ndarray:
    """Which of the scores are among the `count` least of their owner."""
    order = np.lexsort((scores, owner))
    own = owner[order]
    return order[np.arange(len(own)) - np.searchsorted(own, own) < count]


def ranges_hz(sound: torch.Tensor, sample_rate: float) -> dict[BandKind, tuple[float, float]]:
    """Where bands of each kind may be centered, Hz; a kind that may be nowhere is left out."""
    first, last = _edges(sound.numpy()[None], sample_rate)[0].tolist()
    ranges = {kind: (max(low, first), min(high, last)) for kind, (low, high) in RANGES_HZ.items()}
    return {kind: (low, high) for kind, (low, high) in ranges.items() if low < high}


def _edges(sound: np.ndarray, sample_rate: float) -> np.ndarray:
    """The first and the last of the frequencies at which there is sound (curves, n), all where there is none:
    (curves, 2) Hz."""
    inside = sound & (0.4 * sample_rate > GRID_HZ)
    first, last = inside.argmax(-1), len(GRID_HZ) - 1 - inside[:, ::-1].argmax(-1)
    whole = (GRID_HZ[0], 0.4 * sample_rate)
    return np.where(inside.any(-1, keepdims=True), GRID_HZ[np.stack((first, last), -1)], whole)


def _places(sound: np.ndarray, sample_rate: float, ends: np.ndarray, low_pass: bool) -> np.ndarray:
    """Between what bands of each kind stay for each curve, in the solver's coordinates: (curves, codes, 3, 2); a kind
    that is nowhere has its edges the wrong way round."""
    edges = _edges(sound, sample_rate)
    low, high = (np.empty((len(sound), len(CODES))) for _ in range(2))
    for kind, (low_hz, high_hz) in RANGES_HZ.items():
        low[:, CODES[kind]], high[:, CODES[kind]] = np.maximum(edges[:, 0], low_hz), np.minimum(edges[:, 1], high_hz)
    low_end, high_end = ends[:, 0] > 0, (ends[:, 1] < math.inf) & low_pass
    nowhere = low >= high
    nowhere[:, LOW_SHELF] |= low_end
    nowhere[:, HIGH_PASS] |= ~low_end
    nowhere[:, HIGH_SHELF] |= high_end
    nowhere[:, LOW_PASS] |= ~high_end
    low[:, BELL] = np.maximum(low[:, BELL], CLEAR_OF_ENDS * ends[:, 0])
    high[:, BELL] = np.minimum(high[:, BELL], ends[:, 1] / CLEAR_OF_ENDS)
    low[nowhere], high[nowhere] = 2.0, 1.0
    places = np.empty((*low.shape, 3, 2))
    places[:, :, 0] = np.log2(np.stack((low, high), -1))
    places[:, :, 1:] = _GAINS_AND_WIDTHS
    return places


# of each kind, in the order of `CODES`, between what they stay, in the solver's coordinates: (codes, 2, 2)
_GAINS_AND_WIDTHS = np.array([
    (
        [0.0, 0.0] if kind in PASS_FILTERS else [gain_db / GAIN_UNIT_DB for gain_db in GAINS_DB],
        np.log2((FIXED_OCT[kind],) * 2 if kind in FIXED_OCT else WIDTHS_OCT),
    )
    for kind in CODES
])  # fmt: skip
_IDLE = to_solver(np.array((1000.0, 0.0, SHELF_BANDWIDTH_OCT)))  # a place without a band
_BETWEEN_OCT = np.log2(np.sqrt(GRID_HZ[1:] * GRID_HZ[:-1]))  # of two frequencies of the grid


@lru_cache(maxsize=16)
def atoms_of(sample_rate: float, pass_filters: bool) -> Atoms:
    """The dictionary of shapes at a sample rate, Hz."""
    rows: list[tuple[float, float, float]] = []
    code_of: list[int] = []
    alike = []
    for kind, (low_hz, high_hz) in RANGES_HZ.items():
        if kind in PASS_FILTERS and not pass_filters:
            continue
        low, high = np.log2(low_hz), np.log2(min(high_hz, 0.4 * sample_rate))
        centers = np.exp2(np.linspace(low, high, max(int((high - low) * CENTRES_PER_OCT) + 1, 1)))
        widths = (FIXED_OCT[kind],) if kind in FIXED_OCT else DICTIONARY_WIDTHS_OCT
        places = len(rows) + np.arange(len(centers) * len(widths)).reshape(len(centers), -1)
        alike.append(np.resize(places.T, (len(DICTIONARY_WIDTHS_OCT), len(centers))).T)
        rows += [(freq_hz, 3.0, width) for freq_hz in centers for width in widths]
        code_of += [CODES[kind]] * (len(centers) * len(widths))
    x, codes = to_solver(np.array(rows)), np.array(code_of)
    responses = Shapes(sample_rate).responses_db(x[:, None], codes[:, None])[:, 0]
    responses /= np.where(codes > HIGH_SHELF, 1.0, 3.0)[:, None]
    return Atoms(x, codes, END_OF[codes], responses, np.concatenate(alike))
