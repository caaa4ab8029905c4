"""From a code in the EQ space to the bands that go into ReaEQ, kept safe for the sound they are for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import ceil, floor

import numpy as np
import torch
from torch import Tensor

from ..dsp.few_bands import Curve, few_bands
from ..dsp.fit import DEFAULT_KINDS, fit_bands
from ..dsp.other_rate import at_rate
from ..dsp.response import eq_from_params
from ..dsp.shared_bands import shared_bands
from ..dsp.spectrum import GRID_HZ
from ..eq import LIMITS, PASS_FILTERS, Band, Eq
from ..model.audio_encoder import Observation
from ..model.curves import COMPARED, GRID, REFERENCE_RATE, audible_projection
from ..model.eq_autoencoder import EqAutoencoder
from .safety import NET_DB, OUTPUT_AIM_DB, Held, Limits, Loudness, most_lift_db, scaled
from .wanted_gone import ends_wanted_gone

OVER_DB = 0.4  # what bands may come out over a target's own limit, which is smooth, where `Limits` leaves as much
UNSEEN_WEIGHT, OUTSIDE_WEIGHT = 0.02, 0.1  # of a band without signal, and of bands below 50 Hz or above 16 kHz
# Few can tell what happens at the very top: from 10 kHz weights fall to this at 16 kHz.
TOP_FROM_HZ, TOP_WEIGHT = 10_000.0, 0.6
WEIGHT = torch.from_numpy(np.interp(GRID_HZ, (TOP_FROM_HZ, 16_000.0), (1.0, TOP_WEIGHT))).where(
    COMPARED, OUTSIDE_WEIGHT
)
# A sixth of an octave hides beneath neighbors that lie so far above it, and so many dB for each octave away.
MASK_BELOW_DB, MASK_UP_DB_PER_OCT, MASK_DOWN_DB_PER_OCT, MASK_SLOPE_DB = 12.0, 25.0, 60.0, 3.0
AXIS_WEIGHT = 30.0  # of the word's own curve: how much of the word a sound gets is exact, how it gets it may be less so
OVER_WEIGHT, LOOKS = 3.0, 2  # of a band that the first search lifted too far, and how often it is done again
USUAL_FROM_HZ = 44_100  # sample rates at which bands are searched for as at the reference rate
TARGET_STEP_DB = 0.01
DIALLED_DB = 0.02  # RMS: what rounding to what a person would dial may change
LEAST_DB = 0.05  # a band of less is shown as 0.0 dB
NARROWEST_OCT = 0.5  # words speak of balance, not of single tones; and the grid is a sixth of an octave
LEVELS, LEVEL_ROUNDS = torch.linspace(0, 1, 25, dtype=torch.float64), 5  # tried at once, and how often
MIX_STEPS = 6  # halvings
SMOOTH_BANDS = 2  # of the grid to each side
# A press has to be heard: of what people do for the word, along its curve where the source has sound; and in dB, as
# far as the whole word does so much there. Both with room for what ReaEQ and the rounding of bands change.
LEAST_SHARE, LEAST_NET_DB = 0.265, 0.6
FAINT_UP_TO_DB, SHOWN_DB = 1e-3, 1.0  # RMS: no curve at all; as what a curve is searched for that bands do not pay for
AIM_SHARE = 0.4  # where limits leave little of the word: bands do not follow such curves closely


@dataclass(frozen=True, kw_only=True)
class FitTarget(Curve):
    """What bands are searched for on the grid, for a sound; what is to come out is meant of bands and output gain
    together, and the axis is the word's curve, weighted by what is heard.

    Attributes:
        gain_db: the output gain that makes the part of it that lies beside half of the spectrum.
        sample_rate: Hz, at which the bands will run.
    """

    gain_db: float
    sample_rate: int

    def over_db(self, eq: Eq) -> Tensor:
        """(bands,): how far an EQ comes out over the limit, with the output gain that brings it nearest to what is
        wanted."""
        response, weight = eq_curve(eq, self.sample_rate), self.weight / self.weight.sum()
        return response + ((self.target_db - response) * weight).sum() - self.most_db

    def kept_down(self, over_db: Tensor) -> FitTarget:
        """The same, lower and with more weight where bands went `over_db` (bands,) the limit."""
        weight = torch.where(over_db > -OVER_DB, OVER_WEIGHT, self.weight)
        return replace(self, target_db=self.target_db - over_db.clamp_min(0.0), weight=weight)

    def times(self, factor: float) -> FitTarget:
        """The same shape at another size."""
        return replace(self, target_db=factor * self.target_db, most_db=factor * self.most_db)


def bands_for(targets: Sequence[FitTarget], *, unrestricted: bool = False) -> list[Eq]:
    """As few bands as come near, those that a person would use (`dsp.few_bands`): one search for a sample rate. At most
    five, without output gain.

    `unrestricted`: five bands wherever they come nearest, which is what the few are measured by.
    """
    search, eqs = _five if unrestricted else _few, dict[int, Eq]()
    for rate in sorted({target.sample_rate for target in targets}):
        aims = {n: target for n, target in enumerate(targets) if target.sample_rate == rate}
        eqs |= zip(aims, search(list(aims.values()), rate), strict=True)
        # where a shelf or skirt reaches into the silence: look again, from further below and with more weight there
        for _ in range(LOOKS):
            over_db = {n: targets[n].over_db(eqs[n]) for n in aims}
            aims = {n: aims[n].kept_down(over_db[n]) for n in aims if bool((over_db[n] > 0).any())}
            eqs |= zip(aims, search(list(aims.values()), rate), strict=True)
    return [eqs[n] for n in range(len(targets))]


def shared_bands_for(targets: Sequence[FitTarget], shares: Sequence[float]) -> list[Eq]:
    """As `bands_for`, but the same bands in all answers, which differ in gains alone (`dsp.shared_bands`).

    Args:
        targets: of sections of one sound, at one sample rate. shares: how much each of them counts.
    """
    sample_rate = targets[0].sample_rate
    rate = REFERENCE_RATE if sample_rate >= USUAL_FROM_HZ else sample_rate
    aims = list(targets)
    for look in range(LOOKS + 1):
        found = shared_bands(aims, shares, rate)
        over_db = [one.over_db(eq) for one, eq in zip(targets, found, strict=True)]
        if look == LOOKS or not any(bool((more > 0).any()) for more in over_db):
            break
        aims = [aim.kept_down(more) if bool((more > 0).any()) else aim for aim, more in zip(aims, over_db, strict=True)]
    return found


def with_all_bands(eq: Eq, shared: Eq) -> Eq:
    """`eq` with those bands of `shared` at 0 dB that were left out of it because they do nothing."""
    kept = {(band.kind, band.freq_hz, band.bandwidth_oct): band for band in eq.bands}
    bands = []
    for band in shared.bands:
        place = (band.kind, float(f"{band.freq_hz:.3g}"), round(band.bandwidth_oct, 2))
        bands.append(kept.get(place) or Band(*place[:2], 0.0, place[2]))
    return Eq(tuple(bands), eq.output_gain_db)


def fit_target(
    eq_model: EqAutoencoder, code: Tensor, seen: Observation, loudness: Loudness, word_db: Tensor | None = None
) -> FitTarget:
    """What bands are to come near for a code (32,): the curve, held under what the sound may be lifted, as loud.

    What is to come out, bands and output gain together, has the curve's shape at the level that keeps the loudness, and
    nowhere more than the sound may be lifted. The output gain takes what it may of that level, so that half of the
    spectrum lies above 0 dB in the bands and half below: a one-sided word leaves most of it untouched.
    """
    curve = eq_model.decode_curve(code).double().cpu()
    most = most_lift_db(seen.ltas_db)
    lift = _smooth_below(most)
    if seen.lifted_db is not None:
        lift, most = torch.maximum(lift, seen.lifted_db), torch.maximum(most, seen.lifted_db)
    out = _what_comes_out(curve, word_db, lift, seen, loudness)
    gain = float(out[COMPARED].median().clamp(-OUTPUT_AIM_DB, OUTPUT_AIM_DB))
    # the last digits of a float differ between two levels of one sound; the search must not go another way for them
    out = (out / TARGET_STEP_DB).round() * TARGET_STEP_DB
    weight = (UNSEEN_WEIGHT + (1 - UNSEEN_WEIGHT) * seen.visible * heard_weight(seen.ltas_db)) * WEIGHT
    ends, gone = ends_wanted_gone(word_db)
    weight = torch.where(gone, UNSEEN_WEIGHT * WEIGHT, weight).mul(100).round() / 100
    visible = seen.visible.mul(100).round() / 100 * COMPARED
    axis = _axis(word_db, visible / visible.sum().clamp_min(1e-9))
    limit = torch.minimum(lift + OVER_DB, most)
    sound, rate = seen.visible > 0.5, loudness.sample_rate
    return FitTarget(out, weight, sound, limit, axis, ends, gain_db=gain, sample_rate=rate)


def heard_weight(ltas_db: Tensor) -> Tensor:
    """(bands,) -> 0.5..1: less for what louder neighbors mask, upwards further than downwards (Zwicker and Fastl)."""
    octaves = GRID.log2()[:, None] - GRID.log2()
    slope = torch.where(octaves > 0, MASK_UP_DB_PER_OCT, MASK_DOWN_DB_PER_OCT)
    threshold = (ltas_db - MASK_BELOW_DB - slope * octaves.abs()).amax(-1)
    return 0.5 + 0.5 * torch.sigmoid((ltas_db - threshold) / MASK_SLOPE_DB)


def _axis(word_db: Tensor | None, weight: Tensor) -> Tensor:
    """The word's curve (bands,) as `FitTarget.axis`."""
    if word_db is None:
        return torch.zeros_like(weight)
    centered = word_db - (word_db * weight).sum()
    return AXIS_WEIGHT**0.5 * weight * centered / (weight * centered.square()).sum().sqrt().clamp_min(1e-9)


def _smooth_below(lift: Tensor) -> Tensor:
    """A limit (bands,) that bands can follow: nowhere above the other, without its steps."""
    edges = torch.nn.functional.pad(lift[None], (2 * SMOOTH_BANDS, 2 * SMOOTH_BANDS), mode="replicate")[0]
    return edges.unfold(0, 2 * SMOOTH_BANDS + 1, 1).amin(-1).unfold(0, 2 * SMOOTH_BANDS + 1, 1).mean(-1)


def _what_comes_out(
    curve: Tensor, word_db: Tensor | None, lift: Tensor, seen: Observation, loudness: Loudness
) -> Tensor:
    """`_at_equal_loudness`, where what it cuts off of a curve must not leave the word unheard or turned round.

    Then the sound gets less of what the curve does beside the word (bands,), and after that less of the word, but as
    much as has to be heard.
    """
    out = _at_equal_loudness(curve, lift, seen, loudness)
    if word_db is None:
        return out
    wanted = _share(curve, word_db, seen)
    if wanted <= 0 or _share(out, word_db, seen) >= min(wanted, AIM_SHARE) - 0.01:
        return out
    beside = curve - wanted * word_db
    wanted = max(wanted, AIM_SHARE)

    def best(mixed: Callable[[float], Tensor]) -> tuple[Tensor, bool]:
        """Of curves from `mixed(0)` to `mixed(1)` the last in which the word is heard; whether the first one is."""
        found = _at_equal_loudness(mixed(0.0), lift, seen, loudness)
        if _share(found, word_db, seen) < LEAST_SHARE:
            return found, False
        low, high = 0.0, 1.0
        for _ in range(MIX_STEPS):
            middle = 0.5 * (low + high)
            tried = _at_equal_loudness(mixed(middle), lift, seen, loudness)
            heard = _share(tried, word_db, seen) >= AIM_SHARE - 0.01
            low, high, found = (middle, high, tried) if heard else (low, middle, found)
        return found, True

    found, heard = best(lambda part: wanted * word_db + part * beside)
    return found if heard else best(lambda part: (AIM_SHARE + part * (wanted - AIM_SHARE)) * word_db)[0]


def _share(db: Tensor, word_db: Tensor, seen: Observation) -> float:
    return float(audible_projection(db, word_db, seen.visible))


def _at_equal_loudness(curve: Tensor, lift: Tensor, seen: Observation, loudness: Loudness) -> Tensor:
    """The curve (bands,) at the level at which the sound is as loud as before, under `lift` everywhere, dB."""
    low, high = (torch.zeros(()).to(curve) + float(-edge) for edge in (curve.max(), curve.min()))
    for _ in range(LEVEL_ROUNDS):
        levels = low + (high - low) * LEVELS.to(curve)
        tried = torch.minimum(curve + levels[:, None], lift)
        soft = loudness.lost_each_db(tried.numpy()) > 0  # up to the level, then not
        last = min(max(int(soft.sum()) - 1, 0), len(LEVELS) - 2)
        low, high = levels[last], levels[last + 1]
    out = torch.minimum(curve + 0.5 * (low + high), lift)
    return torch.where(seen.visible > 0.5, out.clamp_min(-NET_DB), out)


def _few(targets: Sequence[FitTarget], sample_rate: int) -> list[Eq]:
    # at the usual rates bands differ little, and one sound should get one setting, whatever rate it comes at
    rate = REFERENCE_RATE if sample_rate >= USUAL_FROM_HZ else sample_rate
    found = few_bands(targets, rate)
    # Of a word that does little (a blend of small weights, or whose parts undo each other) no band is worth its price;
    # but somebody asked for it: its shape is searched for at a size at which bands pay.
    sizes = {n: _size_db(one) for n, one in enumerate(targets) if not found[n].bands and bool(one.axis.any())}
    times = {n: SHOWN_DB / size for n, size in sizes.items() if FAINT_UP_TO_DB < size < SHOWN_DB}
    larger = few_bands([targets[n].times(factor) for n, factor in times.items()], rate)
    for (n, factor), eq in zip(times.items(), larger, strict=True):
        found[n] = scaled(eq, 1 / factor)
    return [at_rate(eq, rate, sample_rate) for eq in found]


def _size_db(one: FitTarget) -> float:
    """RMS of what is wanted, its level left out."""
    weight = one.weight / one.weight.sum().clamp_min(1e-9)
    return float(((one.target_db - (one.target_db * weight).sum()).square() * weight).sum().sqrt())


def _five(targets: Sequence[FitTarget], sample_rate: int) -> list[Eq]:
    if not targets:
        return []
    curves = torch.stack([one.target_db - one.gain_db for one in targets])
    weights = torch.stack([one.weight for one in targets])
    found = fit_bands(curves, sample_rate, weights, min_band_oct=NARROWEST_OCT)
    return [eq_from_params(params, DEFAULT_KINDS) for params in found]


def eq_curve(eq: Eq, sample_rate: int) -> Tensor:
    """(bands,) dB on the grid: what the bands of an EQ do."""
    return torch.from_numpy(eq.response_db(GRID_HZ, sample_rate))


def at_intensity(
    eq: Eq, intensity: float, seen: Observation, loudness: Loudness, word_db: Tensor | None = None
) -> Held:
    """What was realized at intensity 1 brought to `intensity` (0..2), with its output gain, within every limit.

    `word_db`: (bands,) what people do for the word, of which at intensity 1 enough to be heard has to come out.
    """
    limits = Limits(seen.ltas_db, loudness, None if seen.lifted_db is None else intensity * seen.lifted_db)
    if word_db is None:
        return dialled(limits.held(eq, intensity), limits, seen)
    share = partial(_share, word_db=word_db, seen=seen)
    eq, held = _audible(eq, share, seen, limits)
    if intensity != 1:
        held = limits.held(eq, intensity, share)
    short = share(limits.response_db(held.eq)) < intensity * LEAST_SHARE - 0.02
    if held.by is None and short and limits.stop(intensity * word_db):
        # the curve itself was cut off where the sound may not be lifted
        held = replace(held, by=limits.nearest(held.eq))
    return dialled(held, limits, seen, word_db)


def dialled(held: Held, limits: Limits, seen: Observation, word_db: Tensor | None = None) -> Held:
    """Rounded as a person would set it: tenths of a dB, three digits of a frequency; bands of 0.0 dB are left out.

    Of the tenths above and below each gain those are taken that change least what is heard, most of all along the
    word's curve `word_db`; hundredths where that would still be `DIALLED_DB` or more, or beyond a limit.
    """
    before = limits.response_db(held.eq)
    weight = seen.visible * COMPARED
    weight = weight / weight.sum().clamp_min(1e-9)
    axis = _axis(word_db, weight)

    def costs(responses: Tensor) -> Tensor:
        off = responses - before
        off = off - (off * weight).sum(-1, keepdim=True)
        rms = (off.square() * weight).sum(-1).sqrt()
        return torch.where(rms < DIALLED_DB, rms + (off @ axis).abs(), torch.inf)

    eq = Eq(tuple(
        replace(band, freq_hz=float(f"{band.freq_hz:.3g}"), bandwidth_oct=round(band.bandwidth_oct, 2))
        for band in held.eq.bands
    ))  # fmt: skip
    tenths = [{floor(10 * b.gain_db + 1e-6) / 10, ceil(10 * b.gain_db - 1e-6) / 10} for b in eq.bands]
    around = [[1.0] if b.kind in PASS_FILTERS else sorted(both) for b, both in zip(eq.bands, tenths, strict=True)]
    found = limits.cheapest(eq, np.array(list(product(*around))), costs, held.by)
    if found is None:
        rounded = (replace(band, gain_db=round(band.gain_db, 2)) for band in eq.bands)
        found = replace(held, eq=Eq(tuple(rounded), held.eq.output_gain_db))
    bands = tuple(replace(band, gain_db=band.gain_db + 0.0) for band in found.eq.bands if _does_something(band))
    return replace(found, eq=Eq(bands, round(found.eq.output_gain_db, 2) + 0.0))


def _does_something(band: Band) -> bool:
    return band.freq_hz in LIMITS["freq_hz"] if band.kind in PASS_FILTERS else abs(band.gain_db) >= LEAST_DB


def _audible(eq: Eq, share: Callable[[Tensor], float], seen: Observation, limits: Limits) -> tuple[Eq, Held]:
    """The bands with gains larger by what is missing, if anything is and no limit takes it away again; and what the
    limits leave of them.

    `share`: from a response (bands,) to how many times the word's curve it holds where the source has sound.
    """
    held = limits.held(eq, worth=share)
    response = limits.response_db(held.eq)
    got, net_db = share(response), net_change_db(response, held.eq.output_gain_db, seen.visible)
    if got <= 0:
        return eq, held
    needed = max(LEAST_SHARE / got, min(LEAST_NET_DB / max(net_db, 1e-9), 1.0 / got))
    if needed <= 1.0:
        return eq, held
    more = scaled(eq, needed)
    more_held = limits.held(more, worth=share)
    return (more, more_held) if share(limits.response_db(more_held.eq)) > got else (eq, held)


def net_change_db(response_db: Tensor, gain_db: float, visible: Tensor) -> float:
    """The largest change where a source has sound, dB: of the bands alone or with the output gain, the smaller."""
    inside = response_db[(visible > 0.5) & COMPARED]
    if not len(inside):
        return 0.0
    return min(float(inside.abs().max()), float((inside + gain_db).abs().max()))
