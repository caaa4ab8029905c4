"""From any method's bands to better ones: gradient steps towards the word's region, through what ReaEQ really does.

What is descended is the error to be expected under the posterior (`constrained_mean`), dB² of what the bands do to the
sound, and a prior that keeps them small and near where they were. An EQ acts on the STFT's power as |H|², so a step
costs one response on the grid and no audio; with the samples at hand (`exact`) the waveform is filtered. All sounds of
one sample rate go down together, on the device that the models are on. Steps are taken back, in part or altogether,
where they cost a law or make the expected error hardly smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...dsp.few_bands import CANCEL_PRICE, broken_rules, ranges_hz
from ...dsp.response import band_coefficients, band_responses_db, eq_from_params, params_from_eq, response_db
from ...dsp.spectrum import band_matrix, frame_length
from ...eq import LIMITS, BandKind, Eq
from ...model.curves import GRID
from ...result.realization import NARROWEST_OCT
from ..adaptive import curves as curves  # the bands that the method of this name starts from
from ..descent import descend, to_free, to_params
from ..method import MethodInput
from .constraints import constrained_mean, keeps_constraints

# Of the first step for each dB RMS of error, in octaves and 4 dB: bands that are nearly there are not kicked away.
RATE, LEAST_RATE, MOST_RATE = 0.1, 0.01, 0.15
SMALL = 1e-4  # dB² for each dB² of gain: of two EQs that do the same the smaller one
NEAR = 1e-3  # dB² for each squared octave or 4 dB from the start: bands stay where their method had put them
OVER = 3.0  # weight of going beyond what a sound may be lifted
ROOM_DB = 0.1  # under that, from where it costs
WORTH_IT_DB = 0.02  # a smaller gain is no gain: few bands miss a curve by more anyway
EVERYWHERE_HZ = (LIMITS["freq_hz"].low, LIMITS["freq_hz"].high)  # for a kind that has no place in such a sound
PARTS = (1.0, 0.5, 0.25)  # of the way, tried in this order
HEARD = 1e-6  # of the loudest band's power; below, the window's leakage is what changes a waveform's spectrum


@dataclass(frozen=True)
class Aims:
    """What n sounds of one sample rate are to become by bands of these kinds; float64.

    `target`, `weight`: (n, grid), weights sum to 1. `limit`: (n, grid) dB, what may come out at most. `sound`: (n,
    grid) bool, where there is any. `freq_hz`: (n, bands, 2), between what each band has to stay (`dsp.few_bands`).
    """

    target: Tensor
    weight: Tensor
    limit: Tensor
    sound: Tensor
    freq_hz: Tensor
    kinds: tuple[BandKind, ...]
    sample_rate: int

    @classmethod
    def of(cls, requests: Sequence[MethodInput], kinds: tuple[BandKind, ...], device: str) -> Aims:
        """What each sound is to become is the target of its constrained mean."""
        models = requests[0].models
        assert models is not None, "steps need the models"
        found = [r.fit_target(models.eq, models.eq.encode(constrained_mean(r).float())) for r in requests]
        rate = requests[0].sample_rate
        ranges = [ranges_hz(one.sound, rate) for one in found]
        freq_hz = torch.tensor([[own.get(kind, EVERYWHERE_HZ) for kind in kinds] for own in ranges]).double()
        target, weight, limit, sound = (
            torch.stack([getattr(one, name) for one in found]).to(device)
            for name in ("target_db", "weight", "most_db", "sound")
        )
        weight = weight / weight.sum(-1, keepdim=True)
        return cls(target, weight, limit, sound, freq_hz.to(device), kinds, rate)

    def params(self, free: Tensor) -> Tensor:
        """What `descent.to_free` made of bands (n, ..., bands, 3), held where they may be."""
        params = to_params(free, self.kinds, NARROWEST_OCT)
        low, high = self.freq_hz.reshape(len(free), *[1] * (free.ndim - 3), len(self.kinds), 2).unbind(-1)
        return torch.cat((params[..., :1].clamp(low.unsqueeze(-1), high.unsqueeze(-1)), params[..., 1:]), -1)

    def response(self, params: Tensor) -> Tensor:
        """(..., bands, 3) -> (..., grid) dB."""
        return response_db(params, self.kinds, GRID.to(params.device), self.sample_rate)

    def comes_out(self, response: Tensor) -> Tensor:
        """(n, ..., grid) dB with the output gain that brings each response nearest to its target."""
        shape = (len(self.target), *[1] * (response.ndim - 2), -1)
        target, weight = self.target.reshape(shape), self.weight.reshape(shape)
        return response + ((target - response) * weight).sum(-1, keepdim=True)

    def errors(self, response: Tensor) -> Tensor:
        """(n, grid) -> (n,): mean square error, dB², whatever the level."""
        return ((self.comes_out(response) - self.target).square() * self.weight).sum(-1)

    def price(self, params: Tensor, respond: Callable[[Tensor], Tensor]) -> Tensor:
        """(n, bands, 3) -> (n,) dB: RMS error, and what bands take from each other as where they were chosen."""
        each = band_responses_db(params, self.kinds, GRID.to(params.device), self.sample_rate)
        cancelled = ((each.abs().sum(1) - each.sum(1).abs()) * self.weight * self.sound).sum(-1)
        return self.errors(respond(params)).sqrt() + CANCEL_PRICE * cancelled

    def broken(self, params: Tensor) -> Tensor:
        """(n, k, bands, 3) -> (n, k): how many rules bands break that a person would keep."""
        count = params.shape[1]
        sound = self.sound.repeat_interleave(count, 0)
        return broken_rules(params.flatten(0, 1), sound).view(-1, count)


def refined(requests: Sequence[MethodInput], eqs: Sequence[Eq]) -> list[Eq]:
    """`eqs` after so many steps as each request asks for; those that nothing allowed betters stay as they are."""
    out = list(eqs)
    groups: dict[tuple[tuple[BandKind, ...], int, int, int | None], list[int]] = {}
    for n, (request, eq) in enumerate(zip(requests, eqs, strict=True)):
        kinds = params_from_eq(eq)[1]
        if request.refine and kinds:
            alone = n if request.sound is not None else None  # waveforms differ in length
            groups.setdefault((kinds, request.sample_rate, request.refine, alone), []).append(n)
    for (kinds, *_), members in groups.items():
        better = _refine([requests[n] for n in members], [eqs[n] for n in members], kinds)
        for n, eq in zip(members, better, strict=True):
            out[n] = eq
    return out


@torch.no_grad()
def _refine(requests: Sequence[MethodInput], eqs: Sequence[Eq], kinds: tuple[BandKind, ...]) -> list[Eq]:
    models = requests[0].models
    device = "cuda" if models is not None and models.device == "cuda" else "cpu"  # mps has no float64
    aims = Aims.of(requests, kinds, device)
    sound = requests[0].sound
    respond = aims.response if sound is None else heard_response(sound.to(device), kinds, aims.sample_rate)
    start = torch.stack([params_from_eq(eq)[0] for eq in eqs]).to(device)
    end = _walk(start, aims, requests[0].refine, respond)
    way = to_free(end) - to_free(start)
    ways = torch.stack([aims.params(to_free(start) + part * way) for part in PARTS], 1)
    least = aims.price(start, respond)
    better = torch.stack([aims.price(ways[:, k], respond) < least - WORTH_IT_DB for k in range(len(PARTS))], 1)

    def come_out(params: Tensor) -> Tensor:
        return aims.comes_out(aims.response(params))

    kept = keeps_constraints(requests, come_out, aims.limit, start, ways)  # (n, parts)
    good = better & kept & (aims.broken(ways) <= aims.broken(start[:, None]))
    first = good.int().argmax(1)
    best = ways[torch.arange(len(ways), device=device), first].cpu()
    chosen = good.any(1).tolist()
    return [eq_from_params(p, kinds) if take else eq for p, take, eq in zip(best, chosen, eqs, strict=True)]


def _walk(start: Tensor, aims: Aims, steps: int, respond: Callable[[Tensor], Tensor]) -> Tensor:
    """The best place of each sound on its way down, (n, bands, 3)."""
    begin = to_free(start)

    def losses(free: Tensor) -> Tensor:
        params = aims.params(free)
        response = respond(params)
        over = (aims.comes_out(response) - aims.limit + ROOM_DB).clamp_min(0.0)
        prior = SMALL * params[..., 1].square().sum(-1) + NEAR * (free - begin).square().sum((-2, -1))
        return aims.errors(response) + OVER * over.square().mean(-1) + prior

    rate = (RATE * aims.errors(respond(start)).sqrt()).clamp(LEAST_RATE, MOST_RATE)
    best, least = begin, torch.full_like(rate, torch.inf)
    for free, loss in descend(losses, begin, steps, rate[:, None, None], cooling=True):
        best = torch.where((loss < least)[:, None, None], free, best)
        least = torch.minimum(loss, least)
    return aims.params(best)


def heard_response(sound: Tensor, kinds: Sequence[BandKind], sample_rate: int) -> Callable[[Tensor], Tensor]:
    """What bands do to a waveform, through dasp-pytorch's differentiable filters on the samples themselves.

    Gives a function from params (1, bands, 3) to what the spectrum of `sound` gains, (1, grid) dB, differentiable.

    Args:
        sound: (channels, samples) float32. Bands in which it holds nothing get the filters' own response.
    """
    from dasp_pytorch.signal import sosfilt_via_fsm  # brings all of scipy.signal along, which takes seconds

    n_fft = frame_length(sample_rate)
    if sound.shape[-1] < n_fft:
        sound = torch.nn.functional.pad(sound, (0, n_fft - sound.shape[-1]))
    window = torch.hann_window(n_fft, device=sound.device)
    bands = band_matrix(sample_rate, n_fft).to(sound.device, torch.float64)

    def power(x: Tensor) -> Tensor:
        frames = torch.stft(x, n_fft, n_fft // 2, window=window, return_complex=True, pad_mode="constant")
        return (frames.real.square() + frames.imag.square()).double().sum((0, -1)) @ bands

    before = power(sound)
    heard = before > HEARD * before.max()

    def respond(params: Tensor) -> Tensor:
        sos = band_coefficients(params, kinds, sample_rate)
        after = power(sosfilt_via_fsm(sos, sound[None])[0])
        gained = 10 * (after.clamp_min(1e-30) / before.clamp_min(1e-30)).log10()
        return torch.where(heard, gained, response_db(params, kinds, GRID.to(params.device), sample_rate))

    return respond
