"""From a code in the EQ space to the bands that go into ReaEQ, kept safe for the sound they are for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .bands import Eq
from .dsp.fit import DEFAULT_KINDS, fit_bands
from .dsp.response import eq_from_params
from .dsp.spectrum import GRID_HZ
from .model.audio_encoder import Observation
from .model.curves import COMPARED, GRID, along_heard
from .model.eq_autoencoder import EqAutoencoder
from .safety import NET_DB, OUTPUT_AIM_DB, Held, Limits, Loudness, most_lift_db, scaled

ROOM_DB = 0.4  # under the limits, for what bands cannot follow
UNSEEN_WEIGHT, OUTSIDE_WEIGHT = 0.1, 0.1  # of a band without signal, and of bands below 50 Hz or above 16 kHz
OVER_WEIGHT = 3.0  # of a band that the first search lifted too far
TARGET_STEP_DB = 0.01
NARROWEST_OCT = 0.5  # words speak of balance, not of single tones; and the grid is a sixth of an octave
LEVELS, LEVEL_ROUNDS = torch.linspace(0, 1, 25, dtype=torch.float64), 5  # tried at once, and how often
MIX_STEPS = 6  # halvings
SMOOTH_BANDS = 2  # of the grid to each side
# A press has to be heard: of what people do for the word, along its curve where the source has sound; and in dB, as
# far as the whole word does so much there. Both with room for what ReaEQ and the rounding of bands change.
LEAST_SHARE, LEAST_NET_DB = 0.265, 0.6
AIM_SHARE = 0.4  # where limits leave little of the word: bands do not follow such curves closely


def realise(
    eq_model: EqAutoencoder, code: Tensor, seen: Observation, loudness: Loudness, word_db: Tensor | None = None
) -> Eq:
    """Code (32,) -> at most five bands, without output gain.

    What is to come out, bands and output gain together, has the curve's shape at the level that keeps the loudness, and
    nowhere more than the sound may be lifted. The output gain takes what it may of that level, so that half of the
    spectrum lies above 0 dB in the bands and half below: a one-sided word leaves most of it untouched.
    """
    return realise_many(eq_model, code[None], [seen], [loudness], [word_db])[0]


def realise_many(
    eq_model: EqAutoencoder, codes: Tensor, seen: Sequence[Observation], loudness: Sequence[Loudness],
    words_db: Sequence[Tensor | None],
) -> list[Eq]:  # fmt: skip
    """`realise` for codes (batch, 32): one search for all sounds of a sample rate."""
    targets = [fit_target(eq_model, code, *one) for code, *one in zip(codes, seen, loudness, words_db, strict=True)]
    return bands_for(targets, [one.sample_rate for one in loudness])


@dataclass(frozen=True)
class FitTarget:
    """What bands are searched for; curves are (bands,) dB.

    Attributes:
        out: what is to come out of bands and output gain together.
        gain_db: the output gain that is to make a part of it.
        weight: how much each point of it counts.
        limit: what may come out at most.
        starts: (1, 5, 3), bands that come near.
    """

    out: Tensor
    gain_db: float
    weight: Tensor
    limit: Tensor
    starts: Tensor


def bands_for(targets: Sequence[FitTarget], sample_rates: Sequence[int]) -> list[Eq]:
    return unrestricted_bands_for(targets, sample_rates)


def unrestricted_bands_for(targets: Sequence[FitTarget], sample_rates: Sequence[int]) -> list[Eq]:
    """Five bands wherever they come nearest."""
    eqs: dict[int, Eq] = {}
    for rate in sorted(set(sample_rates)):
        here = [n for n, other in enumerate(sample_rates) if other == rate]
        eqs |= zip(here, _fit([targets[n] for n in here], rate), strict=True)
        # where a shelf or skirt reaches into the silence: look again, from further below and with more weight there
        over = {n: _response(eqs[n], rate) + targets[n].gain_db - targets[n].limit for n in here}
        again = [n for n in here if bool((over[n] > 0).any())]
        eqs |= zip(again, _fit([_kept_down(targets[n], over[n]) for n in again], rate), strict=True)
    return [eqs[n] for n in range(len(targets))]


def fit_target(
    eq_model: EqAutoencoder, code: Tensor, seen: Observation, loudness: Loudness, word_db: Tensor | None = None
) -> FitTarget:
    curve = eq_model.decode_curve(code).double().cpu()
    lift = _smooth_below(most_lift_db(seen.ltas_db)) - ROOM_DB
    out = _what_comes_out(curve, word_db, lift, seen, loudness)
    gain = float(out[COMPARED].median().clamp(-OUTPUT_AIM_DB + ROOM_DB, OUTPUT_AIM_DB - ROOM_DB))
    # the last digits of a float differ between two levels of one sound; the search must not go another way for them
    target = ((out - gain) / TARGET_STEP_DB).round() * TARGET_STEP_DB
    weight = (UNSEEN_WEIGHT + (1 - UNSEEN_WEIGHT) * seen.visible) * torch.where(COMPARED, 1.0, OUTSIDE_WEIGHT)
    weight = weight.mul(100).round() / 100
    starts = eq_model.propose(eq_model.encode(target.to(code))[None]).double().cpu()
    return FitTarget(target + gain, gain, weight, lift + 0.5 * ROOM_DB, starts)


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
    return float(along_heard(db, word_db, seen.visible))


def _at_equal_loudness(curve: Tensor, lift: Tensor, seen: Observation, loudness: Loudness) -> Tensor:
    """The curve (bands,) at the level at which the sound is as loud as before, under `lift` everywhere, dB."""
    low, high = (torch.zeros(()).to(curve) + float(-edge) for edge in (curve.max(), curve.min()))
    for _ in range(LEVEL_ROUNDS):
        levels = low + (high - low) * LEVELS.to(curve)
        soft = loudness.lost_each_db(torch.minimum(curve + levels[:, None], lift)) > 0  # up to the level, then not
        last = min(max(int(soft.sum()) - 1, 0), len(LEVELS) - 2)
        low, high = levels[last], levels[last + 1]
    out = torch.minimum(curve + 0.5 * (low + high), lift)
    return torch.where(seen.visible > 0.5, out.clamp_min(ROOM_DB - NET_DB), out)


def _kept_down(one: FitTarget, over: Tensor) -> FitTarget:
    """The same, lower and with more weight where the bands went `over` (bands,) dB the limit."""
    broken = over > -0.5 * ROOM_DB
    out = torch.where(broken, torch.minimum(one.out, one.limit - ROOM_DB) - over.clamp_min(0.0), one.out)
    return replace(one, out=out, weight=torch.where(broken, OVER_WEIGHT, one.weight))


def _fit(targets: Sequence[FitTarget], sample_rate: int) -> list[Eq]:
    if not targets:
        return []
    curves = torch.stack([one.out - one.gain_db for one in targets])
    weights, starts = (torch.stack([getattr(one, name) for one in targets]) for name in ("weight", "starts"))
    fit = fit_bands(curves, GRID, sample_rate, weights=weights, starts=starts, min_band_oct=NARROWEST_OCT)
    return [eq_from_params(params, DEFAULT_KINDS) for params in fit.params]


def _response(eq: Eq, sample_rate: int) -> Tensor:
    return torch.from_numpy(eq.response_db(GRID_HZ, sample_rate))


def at_intensity(
    eq: Eq, intensity: float, seen: Observation, loudness: Loudness, word_db: Tensor | None = None
) -> Held:
    """What was realised at intensity 1 brought to `intensity` (0..2), with its output gain, within every limit.

    `word_db`: (bands,) what people do for the word, of which at intensity 1 enough to be heard has to come out.
    """
    limits = Limits(seen.ltas_db, loudness)
    if word_db is None:
        held = limits.held(eq, intensity)
        return replace(held, eq=rounded(held.eq))

    def share(response_db: Tensor) -> float:
        return _share(response_db, word_db, seen)

    held = limits.held(_audible(eq, share, seen, limits), intensity, share)
    if held.by is None and share(limits.response_db(held.eq)) < intensity * LEAST_SHARE - 0.02:
        # the curve itself was cut off where the sound may not be lifted
        held = replace(held, by=limits.nearest(held.eq))
    return replace(held, eq=rounded(held.eq))


def rounded(eq: Eq) -> Eq:
    """As finely as ReaEQ shows it: tenths of a hertz, hundredths of a dB and of an octave."""
    bands = (
        replace(
            band,
            freq_hz=round(band.freq_hz, 1),
            gain_db=round(band.gain_db, 2) + 0.0,
            bandwidth_oct=round(band.bandwidth_oct, 2),
        )
        for band in eq.bands
    )
    return Eq(tuple(bands), round(eq.output_gain_db, 2) + 0.0)


def _audible(eq: Eq, share: Callable[[Tensor], float], seen: Observation, limits: Limits) -> Eq:
    """The bands with gains larger by what is missing, if anything is and no limit takes it away again.

    `share`: from a response (bands,) to how many times the word's curve it holds where the source has sound.
    """
    held = limits.held(eq, worth=share).eq
    response = limits.response_db(held)
    got, net_db = share(response), net_change_db(response, held.output_gain_db, seen.visible)
    if got <= 0:
        return eq
    needed = max(LEAST_SHARE / got, min(LEAST_NET_DB / max(net_db, 1e-9), 1.0 / got))
    if needed <= 1.0:
        return eq
    more = scaled(eq, needed)
    return more if share(limits.response_db(limits.held(more, worth=share).eq)) > got else eq


def net_change_db(response_db: Tensor, gain_db: float, visible: Tensor) -> float:
    """The largest change where a source has sound, dB: of the bands alone or with the output gain, the smaller."""
    inside = response_db[(visible > 0.5) & COMPARED]
    if not len(inside):
        return 0.0
    return min(float(inside.abs().max()), float((inside + gain_db).abs().max()))
