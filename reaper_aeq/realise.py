"""From a code in the EQ space to the bands that go into ReaEQ, kept safe for the sound they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .bands import LIMITS, Eq
from .dsp.fit import DEFAULT_KINDS, fit_bands
from .dsp.loudness import gated_loudness, k_weight_db, loudness_through
from .dsp.response import eq_from_params
from .dsp.spectrum import GRID_HZ, Analysis
from .model.audio_encoder import Observation
from .model.curves import COMPARED, GRID
from .model.eq_autoencoder import EqAutoencoder

NO_BOOST_DB = 2.9  # where a source has no signal, hiss is all there is to lift (design, section 5: 3 dB)
LOWERED_DB = 5.0  # how far an EQ that would lift silence is lowered as a whole before that part of it is cut off
UNSEEN_WEIGHT, OUTSIDE_WEIGHT = 0.1, 0.1  # of a band without signal, and of bands below 50 Hz or above 16 kHz
TARGET_STEP_DB = 0.01
NARROWEST_OCT = 0.5  # words speak of balance, not of single tones; and the grid is a sixth of an octave
BLOCK_S = 0.4  # BS.1770's gating block
OUTPUT_RANGE_DB = (-24.0, 12.0)  # ReaEQ's global gain reaches +12 dB
OUTPUT_AIM_DB = 11.0  # an EQ that would need more than this is held back; the rest is room for the exact measurement


def realise(eq_model: EqAutoencoder, code: Tensor, seen: Observation, sample_rate: int) -> Eq:
    """Code (32,) -> at most five bands, without output gain.

    The curve's own level is free in loudness but not in bands: it is set so that half of the spectrum lies above 0 dB
    and half below, which leaves most of it untouched by a one-sided word. Where it would lift silence it is lowered
    first: a word that can be said by cutting the rest keeps its shape, whichever bands happen to be in sight.
    """
    return realise_many(eq_model, code[None], [seen], [sample_rate])[0]


def realise_many(
    eq_model: EqAutoencoder, codes: Tensor, seen: Sequence[Observation], sample_rates: Sequence[int]
) -> list[Eq]:
    """`realise` for codes (batch, 32): one search for all sounds of a sample rate."""
    wishes = [wish(eq_model, code, one) for code, one in zip(codes, seen, strict=True)]
    eqs: dict[int, Eq] = {}
    for rate in sorted(set(sample_rates)):
        here = [n for n, other in enumerate(sample_rates) if other == rate]
        eqs |= zip(here, _fit([wishes[n] for n in here], rate), strict=True)
        # where a shelf or skirt reaches into the silence: look again with the silence at full weight
        again = [n for n in here if _boost(eqs[n], wishes[n].unheard, rate) > NO_BOOST_DB]
        silenced = [replace(w, weight=torch.where(w.unheard, 3.0, w.weight)) for w in map(wishes.__getitem__, again)]
        eqs |= zip(again, _fit(silenced, rate), strict=True)
    return [eqs[n] for n in range(len(wishes))]


@dataclass(frozen=True)
class Wish:
    """What bands are searched for: a curve, how much each of its points counts, and a start; (bands,), (1, 5, 3)."""

    target: Tensor
    weight: Tensor
    starts: Tensor
    unheard: Tensor


def wish(eq_model: EqAutoencoder, code: Tensor, seen: Observation) -> Wish:
    curve = eq_model.decode_curve(code).double().cpu()
    unheard = seen.visible < 0.5
    most = NO_BOOST_DB - 0.5  # room for what bands cannot follow
    curve = curve - curve[COMPARED].median()
    over = float((curve - most)[unheard & COMPARED].amax()) if bool((unheard & COMPARED).any()) else 0.0
    curve = curve - min(max(over, 0.0), LOWERED_DB, max(OUTPUT_AIM_DB - _loudness_lost_db(curve, seen), 0.0))
    # the last digits of a float differ between two levels of one sound; the search must not go another way for them
    curve = (curve / TARGET_STEP_DB).round() * TARGET_STEP_DB
    target = torch.where(unheard, curve.clamp_max(most), curve)
    weight = (UNSEEN_WEIGHT + (1 - UNSEEN_WEIGHT) * seen.visible) * torch.where(COMPARED, 1.0, OUTSIDE_WEIGHT)
    weight = weight.mul(100).round() / 100
    starts = eq_model.propose(eq_model.encode(target.to(code))[None]).double().cpu()
    return Wish(target, weight, starts, unheard)


def _loudness_lost_db(curve: Tensor, seen: Observation) -> float:
    """How much softer the long-term spectrum gets by an EQ (bands,), K-weighted, dB."""
    power = 10 ** ((seen.ltas_db + torch.from_numpy(k_weight_db(GRID_HZ))) / 10)
    return -10 * float((power * 10 ** (curve / 10)).sum().div(power.sum()).log10())


def _fit(wishes: Sequence[Wish], sample_rate: int) -> list[Eq]:
    if not wishes:
        return []
    targets, weights, starts = (torch.stack([getattr(w, k) for w in wishes]) for k in ("target", "weight", "starts"))
    fit = fit_bands(targets, GRID, sample_rate, weights=weights, starts=starts, min_band_oct=NARROWEST_OCT)
    return [eq_from_params(params, DEFAULT_KINDS) for params in fit.params]


def _boost(eq: Eq, where: Tensor, sample_rate: int) -> float:
    """The largest response over the bands in `where` (bands,) bool, dB; 0 if there are none."""
    return float(np.max(eq.response_db(GRID_HZ[where.numpy()], sample_rate), initial=0.0))


def held_back(eq: Eq, unheard: Tensor, sample_rate: int) -> Eq:
    """Scales boosting bands, those that reach furthest into the silence first, until none lifts it too far.

    `unheard`: (bands,) bool.
    """
    quiet = GRID_HZ[unheard.numpy()]
    for _ in range(len(eq.bands) if len(quiet) else 0):
        over = _boost(eq, unheard, sample_rate) - NO_BOOST_DB
        if over <= 0:
            break
        total = eq.response_db(quiet, sample_rate)
        worst = int(np.argmax(total))
        reach = [float(Eq((band,)).response_db(quiet[worst : worst + 1], sample_rate)[0]) for band in eq.bands]
        k = int(np.argmax(reach))
        keep = max(0.0, 1 - (over + 0.1) / reach[k])
        bands = list(eq.bands)
        bands[k] = replace(bands[k], gain_db=bands[k].gain_db * keep)
        eq = Eq(tuple(bands))
    return eq


def scaled(eq: Eq, factor: float) -> Eq:
    """The same bands with gains times `factor`, held within the limits; a ReaEQ response in dB follows closely."""
    limit = LIMITS["gain_db"]
    return Eq(tuple(replace(band, gain_db=limit.clamp(band.gain_db * factor)) for band in eq.bands))


def at_intensity(eq: Eq, intensity: float, seen: Observation, analysis: Analysis) -> Eq:
    """What was realised at intensity 1 brought to `intensity` (0..2), kept from silence, with its output gain."""
    # beyond intensity 1 a boost that was let into silence would grow with the rest
    return compensated(held_back(scaled(eq, intensity), seen.visible < 0.5, analysis.sample_rate), analysis)


def compensated(eq: Eq, analysis: Analysis) -> Eq:
    """With the output gain that keeps the loudness; an EQ that takes more than ReaEQ can give back is held back."""
    gain_db = loudness_compensation_db(analysis, eq)
    low, high = 0.0, 1.0
    if gain_db > OUTPUT_AIM_DB:
        for _ in range(12):
            middle = 0.5 * (low + high)
            fits = loudness_compensation_db(analysis, scaled(eq, middle)) <= OUTPUT_AIM_DB
            low, high = (middle, high) if fits else (low, middle)
        eq = scaled(eq, low)
        gain_db = loudness_compensation_db(analysis, eq)
    return eq.with_output_gain(float(np.clip(gain_db, *OUTPUT_RANGE_DB)))


def loudness_compensation_db(analysis: Analysis, eq: Eq) -> float:
    """The output gain that keeps the integrated loudness (BS.1770, from the band powers), dB."""
    response = eq.response_db(GRID_HZ, analysis.sample_rate)
    k_gain = torch.from_numpy(10 ** (k_weight_db(GRID_HZ) / 10))
    eq_gain = torch.from_numpy(10 ** (response / 10))
    frames = max(1, round(BLOCK_S * analysis.frame_rate))
    power = analysis.band_power.double()
    blocks = power.unfold(0, min(frames, len(power)), 1).mean(-1)  # (blocks, bands)
    before, after = (float(gated_loudness(blocks @ gain)) for gain in (k_gain, k_gain * eq_gain))
    if not (np.isfinite(before) and np.isfinite(after)):
        # below the absolute gate: the plain mean says what the gate cannot
        mean = power.mean(0)
        before, after = (10 * float((mean @ gain).clamp_min(1e-30).log10()) for gain in (k_gain, k_gain * eq_gain))
    return before - after


def measured_compensation_db(eq: Eq, audio: np.ndarray, sample_rate: int) -> float:
    """The same from the sound itself, (channels, samples), at the full resolution of its blocks."""
    before, after = loudness_through(audio, sample_rate, lambda freqs_hz: eq.response_db(freqs_hz, sample_rate))
    if not (np.isfinite(before) and np.isfinite(after)):
        return eq.output_gain_db
    return float(np.clip(before - after, *OUTPUT_RANGE_DB))
