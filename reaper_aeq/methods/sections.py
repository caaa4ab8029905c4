"""An EQ that follows a song: where it needs to move, and the answers of its sections in the same bands."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..dsp.sections import Part, analysis_of, find_parts, given_parts
from ..dsp.spectrum import GRID_HZ, Analysis
from ..eq import Eq
from ..result.explanation import told_along
from ..result.realization import with_all_bands
from ..result.result import Result, SectionResult, explain_output, with_measured_loudness
from .answers import find_section_eqs, find_shared_eqs
from .method import MethodInput
from .validation import ValidatedRequest

if TYPE_CHECKING:
    from ..model.eq_autoencoder import EqAutoencoder

# Sections are one whose EQs differ by less, where either has sound: nobody would set two for that.
SAME_DB = 1.0

# From what was asked of sounds to what a method needs, and from that and bands to all that is said of them.
Prepare = Callable[[Sequence[ValidatedRequest]], list[MethodInput]]
Tell = Callable[[ValidatedRequest, MethodInput, Eq], Result]


def follow_song(
    eq_model: EqAutoencoder, checked: ValidatedRequest, request: MethodInput, whole: Result, prepare: Prepare,
    tell: Tell,
) -> Result:  # fmt: skip
    """`whole` where one EQ does for the song, else the EQ of its sections; either with a sentence on it.

    Args:
        checked: with its words as they are meant for the whole song. request: what methods know of that.
    """
    analysis = checked.analysis
    parts = given_parts(analysis, checked.edges_s or ())
    if len(parts) == 1:  # none is given, or none of those given lies in the sound
        parts = find_parts(analysis)
    parts = _sounding(analysis, parts)
    if len(parts) == 1:
        return _steady(whole, "its balance stays the same")
    heard: dict[Part, tuple[ValidatedRequest, MethodInput]] = {}
    alone: dict[Part, Result] = {}
    while len(parts) > 1:
        new = [part for part in parts if part not in heard]
        some = [replace(checked, analysis=analysis_of(analysis, part)) for part in new]
        found = [_of_section(one, whole, checked.sections_pull) for one in prepare(some)]
        heard |= zip(new, zip(some, found, strict=True), strict=True)
        requests = [heard[part][1] for part in parts]
        eqs = find_section_eqs(eq_model, checked.method, request, requests, [part in new for part in parts])
        alone |= {part: tell(*heard[part], eq) for part, eq in zip(new, eqs, strict=True)}
        if (merged := _nearest_joined(parts, [alone[part] for part in parts])) is not None:
            parts = merged
            continue
        both = [(checked, request), *(heard[part] for part in parts)]
        all_of_it, *shared = _together(eq_model, both, [part.stop_s - part.start_s for part in parts], tell)
        if (merged := _nearest_joined(parts, shared)) is None:
            sections = tuple(
                SectionResult(part.start_s, part.stop_s, result) for part, result in zip(parts, shared, strict=True)
            )
            return _with_sentence(replace(all_of_it, sections=sections), told_along(sections))
        parts = merged
    return _steady(whole, f"no section would get an EQ that differs by {SAME_DB:.0f} dB")


def _steady(whole: Result, why: str) -> Result:
    return _with_sentence(whole, f"It needs no movement along the song: {why}.")


def _with_sentence(result: Result, sentence: str) -> Result:
    """The sentence before that on the output gain, which may still change."""
    last = explain_output(result.eq.output_gain_db, result.gave_way_db)
    return replace(result, explanation=f"{result.explanation.removesuffix(last)} {sentence}{last}")


def _sounding(analysis: Analysis, parts: Sequence[Part]) -> list[Part]:
    """The parts with those that are silent joined to the one before, or after."""
    powers = replace(analysis, spectra=None)
    starts = [part.start_s for part in parts if not analysis_of(powers, part).silent]
    return [Part(*ends) for ends in itertools.pairwise([0.0, *starts[1:], analysis.duration_s])]


def _nearest_joined(parts: Sequence[Part], results: Sequence[Result]) -> list[Part] | None:
    """The parts with the two neighbors joined whose EQs differ least; None where all differ enough."""
    apart = [_apart_db(a, b) for a, b in itertools.pairwise(results)]
    if min(apart) >= SAME_DB:
        return None
    at = int(np.argmin(apart))
    return [*parts[:at], Part(parts[at].start_s, parts[at + 1].stop_s), *parts[at + 2 :]]


def _apart_db(a: Result, b: Result) -> float:
    """The largest difference of what comes out of two EQs where either source has sound."""
    heard = np.isfinite(a.source_db) | np.isfinite(b.source_db)
    out_a, out_b = (one.eq.response_db(GRID_HZ, one.sample_rate) + one.eq.output_gain_db for one in (a, b))
    return float(np.abs(out_a - out_b)[heard].max(initial=0.0))


def _of_section(request: MethodInput, whole: Result, pull: float) -> MethodInput:
    """A section's, which may be lifted as far as one EQ for the whole would: to follow is never to be held more."""
    request = replace(request, pull=pull)
    if not whole.intensity:
        return request
    out = whole.eq.response_db(GRID_HZ, whole.sample_rate) + whole.eq.output_gain_db
    lifted_db = torch.from_numpy(out / abs(whole.intensity))
    return replace(request, observation=replace(request.observation, lifted_db=lifted_db))


def _together(
    eq_model: EqAutoencoder, sounds: Sequence[tuple[ValidatedRequest, MethodInput]], lengths_s: Sequence[float],
    tell: Tell,
) -> list[Result]:  # fmt: skip
    """The answers of the whole song, which is the first of `sounds`, and of its sections, in the same bands."""
    (whole, request), *sections = sounds
    shares = [0.1 * sum(lengths_s), *lengths_s]  # the whole is what its sections are: it hardly counts itself
    eqs = find_shared_eqs(eq_model, whole.method, request, [section for _, section in sections], shares)
    found = []
    for (one, request), eq in zip(sounds, eqs, strict=True):
        result = tell(one, request, eq)
        result = replace(result, eq=with_all_bands(result.eq, eq))
        if one.analysis.node_power is not None:
            result = with_measured_loudness(result, one.analysis, None)
        found.append(result)
    rows = np.array([[band.gain_db for band in result.eq.bands] for result in found])
    used = np.abs(rows).max(0, initial=0.0) > 0
    return [replace(result, eq=_only(result.eq, used)) for result in found]


def _only(eq: Eq, used: np.ndarray) -> Eq:
    return Eq(tuple(band for band, on in zip(eq.bands, used, strict=True) if on), eq.output_gain_db)
