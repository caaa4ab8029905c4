"""What an EQ must never do to a sound, counted where it comes out: bands and output gain together.

Where a source holds next to nothing, noise is all there is to lift; and an EQ that takes the loud part away is turned
up again by its output gain, which lifts all the rest. So the limits are on the sum of both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..dsp.loudness import BLOCK_SECONDS, gated_lufs, k_weight_db
from ..dsp.response import band_responses_db, known_powers
from ..dsp.spectrum import GRID_HZ, Analysis
from ..eq import LIMITS, PASS_FILTERS, Band, BandKind, Eq, pass_corner_hz
from ..model.curves import GRID

# How far below its loudest band a source is (dB), and how far that may be lifted (dB). The limits are 6 dB from 40 dB
# down and 3 dB from 60 dB down; the slopes lie above them, so that no answer flips on a hair, and the rest is room for
# loudness measured more exactly later.
DEPTHS_DB, LIFTS_DB = (37.5, 39.5, 57.5, 59.5), (11.8, 5.7, 5.7, 2.7)
NET_DB = 11.8  # boost of all bands together, and cut where there is sound
SOUND_ABOVE_DB = 60.0  # under the loudest band
OUTPUT_LIMIT_DB = 6.0
OUTPUT_AIM_DB = 5.5  # by band powers; the rest is room for loudness measured on the samples
# On the way to a limit: so many gains are tried at once (a call costs more than what it computes), so many times.
PARTS, ROUNDS = np.linspace(0.0, 1.0, 25), 2
LEAST_REACH_DB = 0.05  # of a band at a frequency, for it to be what breaks a limit there

K_WEIGHTS = 10 ** (k_weight_db(GRID_HZ) / 10)
MEAN_POWER = 10 ** ((-23.0 + 0.691) / 10)  # K-weighted, at -23 LUFS (EBU R 128)

SILENCE, OUTPUT, BOOST, CUT = "silence", "output gain", "boost", "cut"


def most_lift_db(ltas_db: Tensor) -> Tensor:
    """(bands,) dB -> (bands,) dB: how far bands and output gain together may lift each band of a sound."""
    depth = (ltas_db.max() - ltas_db).numpy()
    return torch.from_numpy(np.interp(depth, DEPTHS_DB, LIFTS_DB))


class Loudness:
    """Of one sound through any EQ: integrated loudness (BS.1770) from the band powers of its gating blocks."""

    def __init__(self, analysis: Analysis) -> None:
        self.sample_rate = analysis.sample_rate
        power = analysis.band_power.numpy() * K_WEIGHTS
        # The absolute gate of the standard lies at a level, but a level must not choose bands: as loud as broadcasts.
        often = analysis.counts.numpy() if analysis.order is not None else None
        mean = power.mean(0) if often is None else often @ power / often.sum()
        factor = MEAN_POWER / max(float(mean.sum()), 1e-300)
        power *= factor
        frames = min(max(1, round(BLOCK_SECONDS * analysis.frame_rate)), len(power))
        count = len(power) - frames + 1
        self._blocks = np.zeros((count, power.shape[1]))  # (blocks, bands)
        for n in range(frames):
            self._blocks += power[n : n + count]
        self._blocks /= frames
        self._mean = mean * factor
        self._counts = None
        if often is not None:
            used = often[:count] > 0
            self._blocks, self._counts = self._blocks[used], often[:count][used]
        self._before = float(gated_lufs(self._blocks.sum(-1), self._counts))

    def lost_db(self, response_db: Tensor) -> float:
        """How much softer the sound gets by an EQ (bands,): the output gain that keeps its loudness, dB."""
        return float(self.lost_each_db(response_db[None].numpy())[0])

    def lost_each_db(self, responses_db: np.ndarray) -> np.ndarray:
        """The same for several EQs, (n, bands) -> (n,)."""
        gains = np.exp(math.log(10) / 10 * responses_db)
        after = gated_lufs(gains @ self._blocks.T, self._counts)
        with np.errstate(invalid="ignore"):
            lost = self._before - after
        if np.isfinite(lost).all():
            return lost
        # below the absolute gate: the plain mean says what the gate cannot
        before, soft = (10 * np.log10(np.maximum(x, 1e-30)) for x in (self._mean.sum(), gains @ self._mean))
        return np.where(np.isfinite(lost), lost, before - soft)


@dataclass(frozen=True)
class Held:
    """An EQ with its output gain that keeps every limit, and which of them held it back; None where none did.

    `most_gain_db`: the largest output gain that these bands may have.
    """

    eq: Eq
    by: str | None = None
    most_gain_db: float = OUTPUT_LIMIT_DB


class Limits:
    """The limits for one sound. `lifted_db` (bands,): so far it may be lifted in any case."""

    def __init__(self, ltas_db: Tensor, loudness: Loudness, lifted_db: Tensor | None = None) -> None:
        self._lift_db = most_lift_db(ltas_db).numpy()
        if lifted_db is not None:
            self._lift_db = np.maximum(self._lift_db, lifted_db.numpy())
        self._sound = (ltas_db > ltas_db.max() - SOUND_ABOVE_DB).numpy()
        self._loudness, self._rate = loudness, loudness.sample_rate

    def held(self, eq: Eq, times: float = 1.0, worth: Callable[[Tensor], float] | None = None) -> Held:
        """`eq` with its gains, or a pass filter's dB, times `times`, or as far on the way there as every limit allows.

        All bands grow together until a limit is met; the band that reaches furthest beyond it stays there, the others
        go on, as long as `worth` (of the bands' response) grows. So more is never less, and nothing changes where no
        limit is met.
        """
        now, staying = None, np.zeros(len(eq.bands))
        growing, at, done, by = np.ones(len(eq.bands), dtype=bool), 0, 0.0, None
        while True:
            low, high = done, times
            for _ in range(ROUNDS):
                factors = low + (high - low) * PARTS
                tried = self._tried(eq, np.where(growing, _gains(eq, factors), staying))
                kept = tried.over_db[-1] <= 0 and high == times  # all the way
                beyond = len(factors) if kept else max(int((tried.over_db > 0).argmax()), 1)
                if kept:
                    break
                low, high = factors[beyond - 1], factors[beyond]
            if now and worth and worth(tried.response_db[beyond - 1]) <= worth(now.response_db[at]):
                break
            now, at, done = tried, beyond - 1, low
            staying = now.gains_db[at]
            if kept:
                break
            name, where = tried.worst(beyond)
            by = by or name
            culprit = self._culprit(eq, tried.gains_db[beyond], growing, name, where)
            growing = growing & (np.arange(len(growing)) != culprit)
            if culprit is None or not growing.any():
                break
        return self._found(eq, now, at, by)

    def cheapest(
        self, eq: Eq, gains_db: np.ndarray, costs: Callable[[Tensor], Tensor], by: str | None = None
    ) -> Held | None:
        """Of several gains (n, EQ bands) for these bands (times its dB for a pass filter) those within every limit that
        cost least; None if none do.

        `costs`: from responses (n, bands) to (n,), infinite for what may not be.
        """
        tried = self._tried(eq, gains_db)
        found = np.where(tried.over_db <= 0, costs(tried.response_db).numpy(), np.inf)
        at = int(found.argmin())
        return self._found(eq, tried, at, by) if np.isfinite(found[at]) else None

    def reach(self, eq: Eq, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of `eq` with its gains times each of `factors` (n,): by how much the limit that is broken most is broken, and
        the output gain that keeps the loudness; (n,) dB each."""
        tried = self._tried(eq, _gains(eq, factors))
        return tried.over_db, tried.output_gain_db

    def response_db(self, eq: Eq) -> Tensor:
        """(bands,) of the bands alone."""
        return torch.from_numpy(eq.response_db(GRID_HZ, self._rate))

    def stop(self, curve_db: Tensor) -> bool:
        """Whether a curve (bands,) as it is would lift more than it may."""
        return bool((curve_db.numpy() > self._lift_db).any())

    def nearest(self, eq: Eq) -> str:
        """The limit that an EQ is nearest to, or furthest beyond."""
        return self._tried(eq, _gains(eq, np.ones(1)), eq.output_gain_db).worst(0)[0]

    def _tried(self, eq: Eq, gains_db: np.ndarray, output_gain_db: float | None = None) -> _Tried:
        """The bands of `eq` with other gains (n, EQ bands), each with the output gain that keeps the loudness,
        or with `output_gain_db`."""
        kinds = [band.kind for band in eq.bands]
        powers = known_powers(GRID_HZ.tobytes(), self._rate)
        each = band_responses_db(_params(eq, gains_db), kinds, GRID, self._rate, powers).numpy()
        each = each[:, [band.enabled for band in eq.bands]]
        response = each.sum(1)
        gain = self._loudness.lost_each_db(response)
        gain = gain if output_gain_db is None else np.full_like(gain, output_gain_db)
        out = response + gain[:, None]
        # what a pass filter takes away was not wanted
        passed = each[:, [band.kind in PASS_FILTERS for band in eq.bands if band.enabled]].sum(1)
        cut = np.where(self._sound, np.minimum(response, out) - passed, 0.0)
        over = np.stack((out - self._lift_db, response - NET_DB, -NET_DB - cut))
        return _Tried(gains_db, torch.from_numpy(response), gain, over)

    def _found(self, eq: Eq, tried: _Tried, at: int, by: str | None) -> Held:
        gain_db = float(tried.output_gain_db[at])
        room = float((self._lift_db - tried.response_db[at].numpy()).min())
        bands = (_with_gain(band, float(g)) for band, g in zip(eq.bands, tried.gains_db[at], strict=True))
        return Held(Eq(tuple(bands), gain_db), by, min(OUTPUT_LIMIT_DB, max(room, gain_db)))

    def _culprit(self, eq: Eq, gains_db: np.ndarray, growing: np.ndarray, name: str, where: int) -> int | None:
        """The growing band that reaches furthest beyond the limit; None where no one band does."""
        if name == OUTPUT:
            return None
        kinds = [band.kind for band in eq.bands]
        alone = band_responses_db(_params(eq, gains_db[None])[0], kinds, GRID[where : where + 1], self._rate)
        reach = np.where(growing, (-1 if name == CUT else 1) * alone[:, 0].numpy(), -np.inf)
        most = int(reach.argmax())
        return most if reach[most] > LEAST_REACH_DB else None


@dataclass(frozen=True)
class _Tried:
    """Several gains for the same bands: `gains_db` (n, EQ bands), `response_db` (n, bands) of the bands alone,
    `output_gain_db` (n,), and by how much SILENCE, BOOST and CUT are broken in each band (3, n, bands), dB."""

    gains_db: np.ndarray
    response_db: Tensor
    output_gain_db: np.ndarray
    over_bands_db: np.ndarray

    @cached_property
    def over_db(self) -> np.ndarray:
        """(n,): how far the limit that is broken most is broken; kept where it is not above 0."""
        return np.maximum(self.over_bands_db.max((0, -1)), np.abs(self.output_gain_db) - OUTPUT_AIM_DB)

    def worst(self, at: int) -> tuple[str, int]:
        """The limit that is broken most, or nearest to it, and in which band of the grid."""
        broken = self.over_bands_db[:, at]
        over, where = broken.max(-1).tolist(), broken.argmax(-1).tolist()
        found = dict(zip((SILENCE, BOOST, CUT), zip(over, where, strict=True), strict=True))
        found[OUTPUT] = abs(float(self.output_gain_db[at])) - OUTPUT_AIM_DB, -1
        name = max(found, key=lambda name: found[name][0])
        return name, found[name][1]


def _gains(eq: Eq, factors: np.ndarray) -> np.ndarray:
    """(n,) -> (n, EQ bands) dB, held within the limits; of a pass filter how many times its dB."""
    limit = LIMITS["gain_db"]
    passes = np.array([band.kind in PASS_FILTERS for band in eq.bands], dtype=bool)
    gains = factors[:, None] * np.array([band.gain_db for band in eq.bands])
    return np.where(passes, np.maximum(factors, 0.0)[:, None], np.clip(gains, limit.low, limit.high))


def _params(eq: Eq, gains_db: np.ndarray) -> Tensor:
    """The numbers of an EQ's bands with other gains (n, EQ bands) as `_gains` gives them: (n, EQ bands, 3)."""
    rows = np.array([(band.freq_hz, 0.0, band.bandwidth_oct) for band in eq.bands]).reshape(-1, 3)
    params = np.repeat(rows[None], len(gains_db), 0)
    params[..., 1] = gains_db
    for n, band in enumerate(eq.bands):
        if band.kind in PASS_FILTERS:
            params[:, n, 0], params[:, n, 1] = _corner_hz(band, gains_db[:, n]), 0.0
    return torch.from_numpy(params)


def _corner_hz(band: Band, times: np.ndarray) -> np.ndarray:
    """Of a pass filter with so many times its dB; where it is nowhere near the spectrum any more it stops there."""
    with np.errstate(divide="ignore"):
        corner = pass_corner_hz(band.kind is BandKind.HIGH_PASS, band.freq_hz, times)
    return np.clip(corner, 1.0, 1e5)


def _with_gain(band: Band, gain_db: float) -> Band:
    if band.kind in PASS_FILTERS:
        return replace(band, freq_hz=float(_corner_hz(band, np.array(gain_db))))
    return replace(band, gain_db=gain_db)


def scaled(eq: Eq, factor: float) -> Eq:
    """The same bands with gains times `factor`, held within the limits; a ReaEQ response in dB follows closely.

    A pass filter, which has no gain, moves to where it does so many times the dB at its corner."""
    gains = _gains(eq, np.array([factor]))[0]
    return Eq(tuple(_with_gain(band, float(gain)) for band, gain in zip(eq.bands, gains, strict=True)))
