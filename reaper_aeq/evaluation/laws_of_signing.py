"""Whether a person would put their name under a setting: few bands that all work, none against another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from ..dsp.response import band_responses_db
from ..dsp.spectrum import GRID_HZ, Analysis
from ..engine import AdaptiveEQ
from ..eq import PASS_FILTERS, Band, BandKind, Eq
from ..methods.method import MethodInput, method
from ..methods.validation import AnalyzedRequest, validated
from ..model.curves import audible_rms_db
from ..request import EqRequest
from ..result.realization import bands_for, eq_curve
from ..result.result import Result
from .law import AGREED, Law, TestSound, by_material

WORDS = (
    *AGREED, "less boomy", "punchy", "clear", "cold", "soft", "harsh", "less muddy", "less harsh", "boxy", "thin",
    "dark", "heavy", "mellow", "crisp",
)  # fmt: skip
SOUND_ABOVE_DB = 60.0  # under the loudest band of a source: below that it has no sound
AT_WORK_DB = 0.05  # a band of less does nothing
MOST_MAGNITUDES = (1.15, 1.5)  # of the response: in the median, at the 90th percentile
MOST_BANDS = 3  # in the median
SHELF_EDGE_HZ = 1000.0
FIGHTING_DB, NEIGHBORS_OCT = 2.0, 1.0
FEW = 0.01  # of answers
AT_ONCE = 6  # recordings, each with all words
COST_EVERY = 3  # the search without restrictions takes as long as all the rest
MOST_COST_DB = (0.25, 0.6)  # RMS to the target beyond that of five unrestricted bands: median, 90th percentile


MAGNITUDES, BANDS, COST = "magnitudes", "bands", "cost in fit"
RARE = IN_SILENCE, WRONG_SHELF, FIGHTING = "centered in silence", "a shelf in the wrong half", "fighting neighbors"
SigningFigures = dict[str, list[float]]  # what was found in the answers of one material, one number an answer


def signable(engine: AdaptiveEQ, sounds: Sequence[TestSound]) -> Iterator[Law]:
    """All answers of all `WORDS` at intensity 1."""
    for material, own in by_material(sounds).items():
        seen: SigningFigures = {name: [] for name in (MAGNITUDES, BANDS, *RARE, COST)}
        for first in range(0, len(own), AT_ONCE):
            analyses = [engine.analyze(one.audio, one.sample_rate) for one in own[first : first + AT_ONCE]]
            analyses = [analysis for analysis in analyses if not analysis.silent]
            wanted = [AnalyzedRequest(analysis, EqRequest(word)) for analysis in analyses for word in WORDS]
            for one, result in zip(wanted, engine.adapt_many(wanted), strict=True):
                if isinstance(result, Result):
                    _look_at(seen, result.eq, one.analysis)
            seen[COST] += costs_db(engine, wanted[::COST_EVERY])
        if seen[BANDS]:
            yield from _laws(material, seen)


def _look_at(seen: SigningFigures, eq: Eq, analysis: Analysis) -> None:
    bands = [b for b in eq.bands if b.enabled and (b.kind in PASS_FILTERS or abs(b.gain_db) >= AT_WORK_DB)]
    ltas_db = analysis.ltas_db()
    sound = ((ltas_db > ltas_db.max() - SOUND_ABOVE_DB) & analysis.in_reach).numpy()
    seen[BANDS].append(len(bands))
    seen[MAGNITUDES].append(magnitudes(bands, sound, analysis.sample_rate))
    seen[IN_SILENCE].append(any(in_silence(band, sound) for band in bands))
    seen[WRONG_SHELF].append(any(wrong_shelf(band) for band in bands))
    seen[FIGHTING].append(any(fighting(a, b) for a, b in combinations(bands, 2)))


def magnitudes(bands: Sequence[Band], sound: np.ndarray, sample_rate: int) -> float:
    """How many times the magnitude of the whole response the single bands' magnitudes sum up to, at least 1.

    Both are means over the spectrum that holds sound, dB; 1 where there is no response. Pass filters are left out.
    """
    shaping = [band for band in bands if band.kind not in PASS_FILTERS]
    if not shaping or not sound.any():
        return 1.0
    params = torch.tensor([(b.freq_hz, b.gain_db, b.bandwidth_oct) for b in shaping], dtype=torch.float64)
    each = band_responses_db(params, [b.kind for b in shaping], torch.from_numpy(GRID_HZ[sound]), sample_rate)
    return float(each.abs().mean(-1).sum() / each.sum(0).abs().mean().clamp_min(1e-6))


def in_silence(band: Band, sound: np.ndarray) -> bool:
    """Whether the source has no sound where a band is centered."""
    return not sound[int(np.abs(np.log2(GRID_HZ / band.freq_hz)).argmin())]


def wrong_shelf(band: Band) -> bool:
    """A shelf in the other's half of the spectrum."""
    low, high = band.kind is BandKind.LOW_SHELF, band.kind is BandKind.HIGH_SHELF
    return (low and band.freq_hz > SHELF_EDGE_HZ) or (high and band.freq_hz < SHELF_EDGE_HZ)


def fighting(a: Band, b: Band) -> bool:
    """Two bands within an octave of each other, one up and one down, the weaker by over 2 dB."""
    near = abs(np.log2(a.freq_hz / b.freq_hz)) < NEIGHBORS_OCT
    return bool(near and a.gain_db * b.gain_db < 0 and min(abs(a.gain_db), abs(b.gain_db)) > FIGHTING_DB)


def costs_db(engine: AdaptiveEQ, wanted: Sequence[AnalyzedRequest]) -> list[float]:
    """By how much more than five bands without any restriction the bands that are chosen miss their target, dB RMS.

    Before limits on gains are kept, which move both; what is heard counts, a level does not.
    """
    if not wanted:
        return []
    plans = [validated(one, engine.words) for one in wanted]
    requests = engine.requests(plans)
    codes = engine.eq_model.encode(method(plans[0].method)(requests).float())
    targets = [r.fit_target(engine.eq_model, code) for code, r in zip(codes, requests, strict=True)]
    chosen, free = bands_for(targets), bands_for(targets, unrestricted=True)
    return [
        missed_db(a, aim.target_db, r) - missed_db(b, aim.target_db, r)
        for a, b, aim, r in zip(chosen, free, targets, requests, strict=True)
    ]


def missed_db(eq: Eq, target_db: Tensor, request: MethodInput) -> float:
    """RMS between a response and what it was meant to be, where the source has sound from 50 Hz to 16 kHz."""
    return audible_rms_db(eq_curve(eq, request.sample_rate) - target_db, request.observation.visible)


def _laws(material: str, seen: SigningFigures) -> Iterator[Law]:
    (middle, high), (cost, most_cost) = (np.percentile(seen[name], (50, 90)) for name in (MAGNITUDES, COST))
    usual, mean = np.median(seen[BANDS]), np.mean(seen[BANDS])
    shares = {name: float(np.mean(seen[name])) for name in RARE}
    laws = [
        (MAGNITUDES, f"single bands {middle:.2f} of the response, 90 % below {high:.2f}",
         "at most {} and {}".format(*MOST_MAGNITUDES), middle <= MOST_MAGNITUDES[0] and high <= MOST_MAGNITUDES[1]),
        (BANDS, f"{usual:g} in the median, {mean:.1f} on average", f"at most {MOST_BANDS} in the median",
         usual <= MOST_BANDS),
        *((name, f"{100 * share:.1f} % of {len(seen[BANDS])} answers", f"at most {100 * FEW:g} %", share <= FEW)
          for name, share in shares.items()),
        (COST, f"{cost:.2f} dB RMS in the median, 90 % below {most_cost:.2f}",
         "at most {} and {} dB".format(*MOST_COST_DB), cost <= MOST_COST_DB[0] and most_cost <= MOST_COST_DB[1]),
    ]  # fmt: skip
    for name, figure, must, kept in laws:
        yield Law(f"signable: {name} ({material})", figure, must, bool(kept))
