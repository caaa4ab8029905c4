"""What an EQ must never do to a sound, counted where it comes out: bands and output gain together.

Where a source holds next to nothing, noise is all there is to lift; and an EQ that takes the loud part away is turned
up again by its output gain, which lifts all the rest. So the limits are on the sum of both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .bands import LIMITS, Eq
from .dsp.loudness import gated_loudness, k_weight_db
from .dsp.spectrum import GRID_HZ, Analysis

# How far below its loudest band a source is (dB), and how far that may be lifted (dB). The limits are 6 dB from 40 dB
# down and 3 dB from 60 dB down; the slopes lie above them, so that no answer flips on a hair, and the rest is room for
# loudness measured more exactly later.
DEPTHS_DB, LIFTS_DB = (37.5, 39.5, 57.5, 59.5), (11.8, 5.7, 5.7, 2.7)
NET_DB = 11.8  # boost of all bands together, and cut where there is sound
SOUND_ABOVE_DB = 60.0  # under the loudest band
OUTPUT_LIMIT_DB = 6.0
OUTPUT_AIM_DB = 5.5  # by band powers; the rest is room for loudness measured on the samples
BLOCK_S = 0.4  # BS.1770's gating block
STEPS = 9  # halvings on the way to a limit
LEAST_REACH_DB = 0.05  # of a band at a frequency, for it to be what breaks a limit there

SILENCE, OUTPUT, BOOST, CUT = "silence", "output gain", "boost", "cut"


def most_lift_db(ltas_db: Tensor) -> Tensor:
    """(bands,) dB -> (bands,) dB: how far bands and output gain together may lift each band of a sound."""
    depth = (ltas_db.max() - ltas_db).numpy()
    return torch.from_numpy(np.interp(depth, DEPTHS_DB, LIFTS_DB))


class Loudness:
    """Of one sound through any EQ: integrated loudness (BS.1770) from the band powers of its gating blocks."""

    def __init__(self, analysis: Analysis) -> None:
        self.sample_rate = analysis.sample_rate
        frames = max(1, round(BLOCK_S * analysis.frame_rate))
        power = analysis.band_power.double() * torch.from_numpy(10 ** (k_weight_db(GRID_HZ) / 10))
        self._blocks = power.unfold(0, min(frames, len(power)), 1).mean(-1)  # (blocks, bands)
        self._mean = power.mean(0)
        self._before = float(gated_loudness(self._blocks.sum(-1)))

    def lost_db(self, response_db: Tensor) -> float:
        """How much softer the sound gets by an EQ (bands,): the output gain that keeps its loudness, dB."""
        gain = 10 ** (response_db / 10)
        after = float(gated_loudness(self._blocks @ gain))
        if np.isfinite(self._before) and np.isfinite(after):
            return self._before - after
        # below the absolute gate: the plain mean says what the gate cannot
        before, after = (float(10 * x.clamp_min(1e-30).log10()) for x in (self._mean.sum(), self._mean @ gain))
        return before - after


@dataclass(frozen=True)
class Held:
    """An EQ with its output gain that keeps every limit, and which of them held it back; None where none did.

    `most_gain_db`: the largest output gain that these bands may have.
    """

    eq: Eq
    by: str | None = None
    most_gain_db: float = OUTPUT_LIMIT_DB


class Limits:
    """The limits for one sound."""

    def __init__(self, ltas_db: Tensor, loudness: Loudness) -> None:
        self._lift_db = most_lift_db(ltas_db)
        self._sound = ltas_db > ltas_db.max() - SOUND_ABOVE_DB
        self._loudness, self._rate = loudness, loudness.sample_rate

    def held(self, eq: Eq, times: float = 1.0, worth: Callable[[Tensor], float] | None = None) -> Held:
        """`eq` with its gains times `times`, or as far on the way there from no EQ as every limit allows.

        All bands grow together until a limit is met; the band that reaches furthest beyond it stays there, the others
        go on, as long as `worth` (of the bands' response) grows. So more is never less, and nothing changes where no
        limit is met.
        """
        goal, gain_db = scaled(eq, times), self.gain_db(scaled(eq, times))
        if self._broken(goal, gain_db) is None:
            return self._found(goal, gain_db, None)
        done, now, by = 0.0, scaled(eq, 0.0), None
        growing = set(range(len(eq.bands)))
        while growing:
            low, high, before = done, times, now
            for _ in range(STEPS):
                middle = 0.5 * (low + high)
                tried = _with(now, eq, growing, middle)
                low, high = (middle, high) if self._broken(tried, self.gain_db(tried)) is None else (low, middle)
            done, beyond = low, _with(now, eq, growing, high)
            now = _with(now, eq, growing, low)
            if by and worth and worth(self.response_db(now)) <= worth(self.response_db(before)):
                now = before
                break
            broken = self._broken(beyond, self.gain_db(beyond))
            if broken is None:
                return self._found(beyond, self.gain_db(beyond), by)
            by = by or broken[0]
            culprit = self._culprit(beyond, growing, *broken)
            growing = growing - {culprit} if culprit is not None else set()
        return self._found(now, self.gain_db(now), by)

    def gain_db(self, eq: Eq) -> float:
        """The output gain that keeps the loudness."""
        return self._loudness.lost_db(self.response_db(eq))

    def response_db(self, eq: Eq) -> Tensor:
        """(bands,) of the bands alone."""
        return torch.from_numpy(eq.response_db(GRID_HZ, self._rate))

    def nearest(self, eq: Eq) -> str:
        """The limit that an EQ is nearest to, or furthest beyond."""
        over = self._over(eq, eq.output_gain_db)
        return max(over, key=lambda name: over[name][0])

    def _found(self, eq: Eq, gain_db: float, by: str | None) -> Held:
        room = float((self._lift_db - self.response_db(eq)).min())
        return Held(eq.with_output_gain(gain_db), by, min(OUTPUT_LIMIT_DB, max(room, gain_db)))

    def _over(self, eq: Eq, gain_db: float) -> dict[str, tuple[float, int]]:
        """{limit: by how many dB it is broken (negative: kept), and at which band of the grid}."""
        response = self.response_db(eq)
        out = response + gain_db
        cut = torch.minimum(response, out).where(self._sound, 0.0)
        over = {SILENCE: out - self._lift_db, BOOST: response - NET_DB, CUT: -NET_DB - cut}
        found = {name: (float(db.max()), int(db.argmax())) for name, db in over.items()}
        return {**found, OUTPUT: (abs(gain_db) - OUTPUT_AIM_DB, -1)}

    def _broken(self, eq: Eq, gain_db: float) -> tuple[str, int] | None:
        """The limit that is broken most, and at which band of the grid."""
        over = self._over(eq, gain_db)
        name = max(over, key=lambda name: over[name][0])
        return (name, over[name][1]) if over[name][0] > 0 else None

    def _culprit(self, eq: Eq, growing: set[int], name: str, at: int) -> int | None:
        """The growing band that reaches furthest beyond the limit; None where no one band does."""
        if name == OUTPUT:
            return None
        where, sign = GRID_HZ[at : at + 1], -1 if name == CUT else 1
        reach = {k: sign * float(Eq((eq.bands[k],)).response_db(where, self._rate)[0]) for k in growing}
        most = max(reach, key=reach.__getitem__)
        return most if reach[most] > LEAST_REACH_DB else None


def scaled(eq: Eq, factor: float) -> Eq:
    """The same bands with gains times `factor`, held within the limits; a ReaEQ response in dB follows closely."""
    limit = LIMITS["gain_db"]
    return Eq(tuple(replace(band, gain_db=limit.clamp(band.gain_db * factor)) for band in eq.bands))


def _with(now: Eq, eq: Eq, growing: set[int], factor: float) -> Eq:
    grown = scaled(eq, factor)
    return Eq(tuple(grown.bands[k] if k in growing else band for k, band in enumerate(now.bands)))
