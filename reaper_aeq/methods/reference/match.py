"""A sound and references in, ReaEQ bands out: what `AdaptiveEQ.match` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...dsp.fit import DEFAULT_KINDS
from ...dsp.response import response_db
from ...dsp.spectrum import Analysis
from ...errors import AeqError
from ...model.audio_encoder import BalanceEncoder, Observation
from ...model.curves import COMPARED, GRID, REFERENCE_RATE, center
from ...model.eq_autoencoder import EqAutoencoder
from ...request import MatchRequest
from ...result.explanation import explain_match
from ...result.realization import at_intensity, bands_for, eq_curve, fit_target
from ...result.result import Result, explain_output, held_for_peaks, nothing_heard, with_known_peaks
from ...result.safety import Held, Loudness
from ..descent import descend, to_free, to_params
from . import LTAS_SMOOTHING_OCT, Difference, Matching, difference, limited, posterior, smoothed, window

STEPS, RATE = 40, 0.1
SMALL = 0.002  # of a gain's square: of two EQs that match alike the smaller one


def curve_by_code(wanted_code: Tensor, heard: Tensor, eq_model: EqAutoencoder) -> Tensor:
    """(bands,) dB, level-free: the response of the bands for which the encoder's code of the equalized sound is that of
    the reference.

    As code(EQ(x)) = code(x) + encode(EQ), the sound need not be filtered at each step: ReaEQ's true responses are
    differentiated, and steps of Adam go down the difference of the two codes. What texture makes the encoder expect of
    source and reference is part of their codes: another piece is asked for its deviation from its kind, not for its
    notes.

    Args:
        wanted_code: code of the reference minus code of the source, (32,).
        heard: (bands,) 0..1; where it is 0 the reference says nothing.
    """
    target = eq_model.decode_curve(wanted_code.float()).double()
    weight = heard * COMPARED
    weight = weight / weight.sum().clamp_min(1e-9)
    # the encoder's own guess, and no EQ at all
    guess = eq_model.propose(wanted_code.float()[None])[0].double()
    flat = guess.clone()
    flat[:, 1] = 0.0
    start = to_free(torch.stack((guess, flat)))

    def losses(free: Tensor) -> Tensor:
        """(starts,): dB² between the codes' curves, level-free over what is heard, and the price of large gains."""
        params = to_params(free, DEFAULT_KINDS)
        code = eq_model.encode(response_db(params, DEFAULT_KINDS, GRID, REFERENCE_RATE).float())
        off = eq_model.decode_curve(code).double() - target
        off = off - (off * weight).sum(-1, keepdim=True)
        return (off.square() * weight).sum(-1) + SMALL * params[..., 1].square().sum(-1)

    *_, (free, at_end) = descend(losses, start, STEPS, RATE)
    best = to_params(free[int(at_end.argmin())], DEFAULT_KINDS)
    return center(response_db(best, DEFAULT_KINDS, GRID, REFERENCE_RATE))


ALIKE_DB = 3.0  # two balances so far apart are half alike; two parts of one song are about 2 dB apart
COMPARED_OVER_OCT = 1.0  # balances are compared, not notes
SHOWN_OVER_OCT, SHOWN_DB = 1 / 3, 1.0  # the reference in the picture: its smoothing, and half its width


@dataclass(frozen=True, repr=False)
class MatchResult(Result):
    """What `match` found: a `Result` without a word, whose score is how alike source and reference are, 0..1.

    `distance_db`: between the two balances before and after, RMS. `target_*_db` are the reference's spectrum.
    """

    references: tuple[str, ...] = ()
    by: str = ""
    distance_db: tuple[float, float] = (0.0, 0.0)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the keys of `Result.to_dict`, and what only a match has."""
        before, after = (round(value, 2) for value in self.distance_db)
        distance = {"before": before, "after": after}
        return {**super().to_dict(), "references": list(self.references), "by": self.by, "distance_db": distance}


def match_analysis(
    encoder: BalanceEncoder,
    eq_model: EqAutoencoder,
    matching: Matching,
    source: Analysis,
    references: Sequence[Analysis],
    names: Sequence[str],
    request: MatchRequest,
) -> MatchResult:
    """The EQ that brings `source` to the weighted mean of `references`. Raises `AeqError`."""
    shares = request.shares(len(references))
    for analysis, name in zip(references, names, strict=True):
        if analysis.silent:
            raise AeqError(f"{name} is silent: there is nothing to match")
    if source.silent:
        silence = nothing_heard(None, request.intensity, "reference", source)
        return MatchResult(**vars(silence), references=tuple(names), by=request.by)
    seen, *others = (encoder.observe(one, eq_model) for one in (source, *references))
    found = difference(seen.ltas_db, seen.in_reach, [(o.ltas_db, o.in_reach) for o in others], shares)
    inside = window(request.low_hz, request.high_hz)
    likely, sure = posterior(found, matching)
    width_oct = request.smoothing_oct
    if request.by == "posterior":
        curve = likely
    elif request.by == "ltas":
        curve, width_oct = found.db, LTAS_SMOOTHING_OCT if width_oct is None else width_oct
    else:
        wanted = sum(share * other.code for share, other in zip(shares, others, strict=True)) - seen.code
        curve = curve_by_code(wanted, found.heard, eq_model)
    if width_oct is not None:
        curve = center(smoothed(curve, found.heard, width_oct))
    code = eq_model.encode(limited(curve, found.heard, inside).float())
    loudness = Loudness(source)
    (eq,) = bands_for([fit_target(eq_model, code, seen, loudness)])
    at = partial(at_intensity, eq, seen=seen, loudness=loudness)
    held = held_for_peaks(at, request.intensity, source)
    return _result(source, seen, found, inside, held, sure, names, request)


def _result(
    source: Analysis, seen: Observation, found: Difference, inside: Tensor, held: Held, sure: float,
    names: Sequence[str], request: MatchRequest,
) -> MatchResult:  # fmt: skip
    eq = held.eq
    response = eq_curve(eq, source.sample_rate)
    compared = found.heard * inside
    apart = (_apart(found.db, compared), _apart(found.db - response, compared))
    heard_share = float(compared[COMPARED].sum() / inside[COMPARED].sum().clamp_min(1.0))
    told = explain_match(eq, apart[0], apart[1], len(names), heard_share, request.intensity, held.by)
    told += explain_output(eq.output_gain_db)
    heard = seen.visible > 0.5
    hidden = torch.full_like(seen.ltas_db, torch.nan)
    aim = seen.ltas_db + smoothed(found.db, found.heard, SHOWN_OVER_OCT)
    both = heard & (found.heard > 0.5 * float(found.heard.max()))
    rows = [(seen.ltas_db, heard), (seen.ltas_db + response + eq.output_gain_db, heard)]
    rows += [(aim - SHOWN_DB, both), (aim + SHOWN_DB, both)]
    source_db, result_db, low_db, high_db = (torch.where(where, row, hidden).numpy() for row, where in rows)
    before, after = (float(2 ** (-distance / ALIKE_DB)) for distance in apart)
    confidence = sure * min(1.0, heard_share / 0.6)
    result = MatchResult(
        None, float(request.intensity), "reference", eq, before, after, confidence, told, source.sample_rate,
        source_db, result_db, low_db, high_db,
        references=tuple(names), by=request.by, distance_db=apart, most_gain_db=held.most_gain_db,
    )  # fmt: skip
    return with_known_peaks(result, source)


def _apart(db: Tensor, compared: Tensor) -> float:
    """RMS of a difference of balances over what is compared, level-free, dB."""
    weight = compared * COMPARED if float((compared * COMPARED).sum()) > 0.5 else compared
    weight = weight / weight.sum().clamp_min(1e-9)
    db = smoothed(db, compared, COMPARED_OVER_OCT)
    return float((weight * (db - (weight * db).sum()).square()).sum().sqrt())
