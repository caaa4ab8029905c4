"""Kinds in plans: those of `model.kinds`, and five older names that are judged from the spectrum alone.

Thresholds were set on the 95 recordings of the team's shared audio, where all 7 basses come out as `low` and 7 of 9
drum and percussion tracks as `drums`, the other two (cymbals) as `high`; a boomy guitar passes for `low` and a dense
synthesizer for `drums`. What a track is called says more: rules by name come first in a plan.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..dsp.spectrum import GRID_HZ, Analysis
from ..engine import AdaptiveEQ

WIDE_SHARE, WITHIN_DB = 0.95, 40.0  # of the bands, this far below the loudest at most
RISE_DB = 3.2  # mean rise of a band from one frame to the next


def kind_of(analysis: Analysis) -> str:
    """'drums': over the whole range, in hits; 'low': nearly all below 200 Hz, as of basses; 'high': mostly above 4 kHz,
    as of cymbals and noises; 'full': over the whole range, without hits, as of mixes and thick synthesizers; 'middle':
    all else, as of voices, guitars and keys, and silence."""
    power = analysis.band_power.double().numpy()  # (frames, bands)
    mean, counts = analysis.mean_power().numpy(), analysis.counts.numpy()[:-1]
    total = mean.sum()
    if not total > 0:
        return "middle"
    low, high = mean[GRID_HZ < 200].sum() / total, mean[GRID_HZ > 4000].sum() / total
    wide = float((mean > mean.max() * 10 ** (-WITHIN_DB / 10)).mean()) >= WIDE_SHARE
    level = 10 * np.log10(power[:, GRID_HZ > 100] + 1e-12 * total)
    rises = np.maximum(np.diff(level, axis=0), 0).mean(1)
    hits = len(level) > 1 and float(rises @ counts / max(counts.sum(), 1)) >= RISE_DB
    if wide and hits and (low >= 0.5 or high >= 0.2):
        return "drums"
    if low >= 0.85 and high < 0.005:
        return "low"
    if high >= 0.7:
        return "high"
    return "full" if wide else "middle"


def kinds_of(engine: AdaptiveEQ, analysis: Analysis, names: Sequence[str]) -> tuple[str, ...]:
    """What a sound was taken for, by sound and names, and the older name that fits it as well."""
    older = kind_of(analysis)
    heard = engine.heard_as(analysis, name=names)
    if heard is None:
        return (older,)
    # 'drums' is a kind of both: what hears more decides
    return (heard.kind,) if older == "drums" else (heard.kind, older)
