"""True peaks (ITU-R BS.1770-4, annex 2): of a sound, and of what an EQ would make of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ..eq import Band, Eq
from .response import band_ends, params_from_eq

OVERSAMPLING, TAPS = 4, 24  # a phase
CHUNK, CHUNKS_AT_ONCE = 512, 256  # samples
MARGIN, STEP = TAPS // 2, 16  # samples
NEAR = 0.43  # of the largest sample: what lies between samples of a chunk is no higher than 2.3 times them
# What lies between two samples is no higher than the larger of them and so many times the largest step around them: the
# taps of `_between` less their two middle ones' halves, as weights of steps.
BETWEEN = 0.604
BLOCK_S, BLOCKS_AT_ONCE = 0.68, 4  # of an FFT
FLOOR_DB = -200.0
SPENT = 1e-6  # of what a filter does to an impulse: what is left then is not heard

PIECE_S, BEFORE_PIECES = 0.05, 2  # of what is kept of a long sound, and so many before it, for the filters to settle
PIECES_AT_ONCE = 64
KEPT = 8  # pieces with the largest samples, and with the largest steps, where high frequencies peak


def most_of(pieces: Tensor) -> Tensor:
    """Of kept pieces (n, samples) of several sounds those that would have been kept of all of them in one."""
    own = pieces.shape[1] // (BEFORE_PIECES + 1)
    sample, step = pieces[:, -own:].abs().amax(1), pieces[:, -own - 1 :].diff(dim=1).abs().amax(1)
    return pieces[torch.cat([most.topk(min(KEPT, len(most))).indices for most in (sample, step)]).unique()]


def true_peak_db(audio: np.ndarray | Tensor) -> float:
    """The largest magnitude of (channels, samples) at four times its sample rate, dBTP."""
    peak = TruePeak()
    peak.add(torch.as_tensor(audio, dtype=torch.float32))
    return peak.db()


class TruePeak:
    """`true_peak_db` of a stream, however it is cut."""

    def __init__(self) -> None:
        self._largest = 0.0
        self._tail = torch.zeros(1, MARGIN)

    def add(self, sound: Tensor) -> None:
        """The next (channels, samples); as long as all channels are alike, one of them will do."""
        sound = torch.cat((self._tail.expand(len(sound), -1), sound), -1)
        chunks = max(0, (sound.shape[-1] - 2 * MARGIN) // CHUNK)
        if chunks and len(sound):
            self._look_at(sound, chunks)
        self._tail = sound[:, chunks * CHUNK :].clone()

    def _look_at(self, sound: Tensor, chunks: int) -> None:
        """Between and at samples of so many chunks, which begin after a margin."""
        peaks = _largest(sound[:, MARGIN : MARGIN + chunks * CHUNK].unflatten(-1, (chunks, CHUNK)))
        self._largest = max(self._largest, float(peaks.max()))
        loud = peaks >= NEAR * max(self._largest, 1e-10)
        near = loud.clone()  # what lies between two samples hangs on the chunks beside it as well
        near[:, 1:] |= loud[:, :-1]
        near[:, :-1] |= loud[:, 1:]
        windows = sound.unfold(-1, CHUNK + 2 * MARGIN, CHUNK)
        for found in near.nonzero().split(CHUNKS_AT_ONCE) if bool(near.any()) else ():
            chosen = windows[found[:, 0], found[:, 1]]
            chosen = chosen[_largest(chosen) + BETWEEN * _largest(chosen.diff()) > self._largest]
            if len(chosen):
                steps = chosen.unfold(-1, STEP + 2 * MARGIN, STEP)
                self._largest = max(self._largest, float(_largest((steps.flatten(0, 1) @ _between()).flatten())))

    def watch(self, blocks: Iterable[np.ndarray | Tensor]) -> Iterator[Tensor]:
        """The blocks as they are, those of channels that were all alike so far as one channel."""
        alike = True
        for block in blocks:
            sound = torch.as_tensor(block, dtype=torch.float32)
            alike = alike and all_alike(sound)
            sound = sound[:1] if alike else sound
            self.add(sound)
            yield sound

    def db(self) -> float:
        """Of the stream, which ends here."""
        self.add(self._tail.new_zeros(len(self._tail), CHUNK + 2 * MARGIN))
        return _decibels(self._largest)


def _largest(sound: Tensor) -> Tensor:
    """(..., n) -> (...): the largest magnitude. Ten times as quick as torch's `aminmax` along an axis."""
    return torch.maximum(sound.amax(-1), -sound.amin(-1))


@lru_cache(maxsize=1)
def _between() -> Tensor:
    """(STEP + 2 * MARGIN, STEP * phases): from samples to what lies in the gaps between `STEP` of them. A product of
    matrices is five times as quick as a convolution with so few taps."""
    at = torch.arange(TAPS, dtype=torch.float64) - (TAPS // 2 - 1)
    shift = torch.arange(1, OVERSAMPLING, dtype=torch.float64)[:, None] / OVERSAMPLING
    window = torch.special.i0(8.0 * (1 - ((at - shift) / (TAPS / 2)).square()).clamp_min(0).sqrt())
    taps = torch.sinc(at - shift) * window
    taps = (taps / taps.sum(1, keepdim=True)).float()  # (phases, taps): windowed sinc
    out = torch.zeros(STEP + 2 * MARGIN, STEP, len(taps))
    for n in range(STEP):
        out[n : n + TAPS, n] = taps.T
    return out.flatten(1)


def true_peaks_db(blocks: Iterable[np.ndarray | Tensor], eq: Eq, sample_rate: int) -> tuple[float, float]:
    """The true peak of a stream of (channels, samples), and of what the bands of `eq` make of it without its output
    gain, dBTP."""
    before, after = TruePeak(), TruePeak()
    for part in _filtered(before.watch(blocks), *_response(eq.bands, sample_rate, _block(sample_rate))):
        after.add(part)
    return before.db(), after.db()


def true_peaks_of_pieces_db(pieces: Tensor, eq: Eq, sample_rate: int) -> tuple[float, float]:
    """`true_peaks_db` of a sound of which only `Loudest.pieces` are known."""
    lead = round(PIECE_S * sample_rate) * BEFORE_PIECES
    block = 2 ** math.ceil(math.log2(2 * pieces.shape[1]))
    response, _ = _response(eq.bands, sample_rate, block)
    after = torch.fft.irfft(torch.fft.rfft(pieces, block) * response, block)[:, : pieces.shape[1]]
    # where a loud sound is cut, what lies between the last samples would shoot over
    soft = torch.arange(1, 2 * MARGIN + 1, dtype=pieces.dtype) / (2 * MARGIN)
    window = torch.cat((soft, pieces.new_ones(pieces.shape[1] - lead - len(soft)), soft.flip(0)))
    before_db, after_db = (true_peak_db(one[:, lead - len(soft) :] * window) for one in (pieces, after))
    return before_db, after_db


def largest_sample_db(pieces: Tensor, sample_rate: int) -> float:
    """Of a sound of which `Loudest.pieces` are known."""
    return _decibels(float(_largest(pieces[:, round(PIECE_S * sample_rate) * BEFORE_PIECES :].flatten())))


def _decibels(magnitude: float) -> float:
    return 20 * math.log10(magnitude) if magnitude > 0 else FLOOR_DB


@lru_cache(maxsize=128)
def most_rise_db(bands: tuple[Band, ...], sample_rate: int) -> float:
    """By how much bands can raise the peak of any sound, dB: the sum of the magnitudes of their impulse response."""
    response, _ = _response(bands, sample_rate, _block(sample_rate))
    return float(20 * torch.fft.irfft(response).abs().sum().clamp_min(1e-10).log10())


def _block(sample_rate: int) -> int:
    """Samples of an FFT; half of it is more than any band of ours rings."""
    return 2 ** math.ceil(math.log2(BLOCK_S * sample_rate))


def _response(bands: tuple[Band, ...], sample_rate: int, block: int) -> tuple[Tensor, int]:
    """(block // 2 + 1,) complex64 of bands, and how many samples they ring at most."""
    params, kinds = params_from_eq(Eq(bands))
    response = torch.ones(block // 2 + 1, dtype=torch.complex128)
    axes = _axes(block)
    for top, bottom in band_ends(params, kinds, sample_rate) if kinds else ():
        response = response * (
            torch.complex(top[:2] @ axes[:2], top[2] * axes[2])
            / torch.complex(bottom[:2] @ axes[:2], bottom[2] * axes[2])
        )
    left = torch.fft.irfft(response).abs().flip(0).cumsum(0)
    rings = len(left) - int(torch.searchsorted(left, SPENT * left[-1]))
    return response.to(torch.complex64), min(rings, block // 2)


@lru_cache(maxsize=8)
def _axes(block: int) -> Tensor:
    """cos^2(w/2), -sin^2(w/2) and sin w at the bins of an FFT, (3, block // 2 + 1): z times a biquad's numerator is
    B(1) times the first plus B(-1) times the second plus j (b0 - b2) times the third."""
    w = 2 * torch.pi * torch.arange(block // 2 + 1, dtype=torch.float64) / block
    return torch.stack(((w / 2).cos() ** 2, -((w / 2).sin() ** 2), w.sin()))


def _filtered(blocks: Iterable[Tensor], response: Tensor, lead: int) -> Iterator[Tensor]:
    """The filtered stream in parts, through FFTs (overlap-save); bands ring for `lead` samples at most."""
    block = 2 * (len(response) - 1)
    step = block - lead
    left = torch.zeros(1, lead)
    for sound in blocks:
        left = torch.cat((left.expand(len(sound), -1), sound), -1)
        whole = (left.shape[-1] - lead) // step
        if whole:
            yield from _through(left[:, : whole * step + lead].unfold(-1, block, step), response, lead)
            left = left[:, whole * step :].clone()
    left = torch.nn.functional.pad(left, (0, block - left.shape[-1]))
    yield from _through(left[:, None], response, lead)


def _through(parts: Tensor, response: Tensor, lead: int) -> Iterator[Tensor]:
    """(channels, parts, samples)"""
    for some in parts.split(BLOCKS_AT_ONCE, dim=1):
        after = torch.fft.irfft(torch.fft.rfft(some) * response, parts.shape[-1])[..., lead:]
        yield after.flatten(1)


def all_alike(sound: Tensor) -> bool:
    """Whether all channels of (channels, samples) hold the same; most that do not are told by one look."""
    if not sound.shape[-1]:
        return True
    middle = sound[:, sound.shape[-1] // 2]
    return bool((middle == middle[0]).all()) and all(torch.equal(sound[0], one) for one in sound[1:])


class Loudest:
    """The pieces of a stream in which its peaks are likeliest, whatever EQ will be put on it.

    What they are does not depend on how the stream was cut.
    """

    def __init__(self, sample_rate: int) -> None:
        self._size = round(PIECE_S * sample_rate)
        self._tail = torch.zeros(1, self._size * BEFORE_PIECES)
        self._best: tuple[list[tuple[float, int, int, Tensor]], ...] = ([], [])
        self._count = 0
        self._most = 0.0
        self._last = torch.zeros(2, 1, 2)  # (2, channels, 2) largest samples and steps of the last two pieces

    def most_db(self) -> float:
        """What the true peak is at most, dBTP: a bound that costs no oversampling."""
        self._end()
        return _decibels(self._most)

    def _end(self) -> None:
        # silence behind the end; more of it, where one asks again, changes nothing
        self.add(self._tail.new_zeros(len(self._tail), 3 * self._size))

    def pieces(self) -> Tensor:
        """(pieces, samples) float32, the channel with the peak or step only; silence before the stream's start."""
        self._end()
        # the largest sample and the largest step of a piece may lie in two channels
        chosen = {(at, channel): piece for best in self._best for _, at, channel, piece in best}
        return torch.stack([chosen[at] for at in sorted(chosen)]) if chosen else torch.zeros(0, 1)

    def add(self, sound: Tensor) -> None:
        """The next (channels, samples); as long as all channels are alike, one of them will do."""
        before = self._size * BEFORE_PIECES
        sound = torch.cat((self._tail.expand(len(sound), -1), sound), -1)
        pieces = max(0, (sound.shape[-1] - before) // self._size)
        if pieces:
            windows = sound.unfold(-1, before + self._size, self._size)
            largest = self._largest_of(sound, before, pieces)
            for best, values in zip(self._best, largest, strict=True):
                self._keep(best, values, windows)
            self._note_most(torch.stack(largest))
            self._count += pieces
            sound = sound[..., pieces * self._size :]
        self._tail = sound.clone()

    def _largest_of(self, sound: Tensor, before: int, pieces: int) -> tuple[Tensor, Tensor]:
        """(channels, pieces): the largest sample and the largest step of each piece from sample `before` on. A few
        pieces at a time, for they are looked at four times and should lie in a processor's cache."""
        samples, steps = [], []
        for first in range(0, pieces, PIECES_AT_ONCE):
            count = min(PIECES_AT_ONCE, pieces - first)
            start = before + first * self._size
            part = sound[:, start - 1 : start + count * self._size]
            samples.append(_largest(part[:, 1:].unflatten(-1, (count, self._size))))
            steps.append(_largest(part.diff(dim=-1).unflatten(-1, (count, self._size))))
        return torch.cat(samples, 1), torch.cat(steps, 1)

    def _note_most(self, largest: Tensor) -> None:
        """(2, channels, pieces) samples and steps; taps reach from a piece into those beside it."""
        largest = torch.cat((self._last.expand(-1, largest.shape[1], -1), largest), -1)
        samples, steps = largest
        most = torch.maximum(samples[:, 1:-1], samples[:, 2:])
        most = most + BETWEEN * torch.maximum(torch.maximum(steps[:, :-2], steps[:, 1:-1]), steps[:, 2:])
        self._most = max(self._most, float(most.max()))
        self._last = largest[..., -2:]

    def _keep(self, best: list[tuple[float, int, int, Tensor]], values: Tensor, windows: Tensor) -> None:
        """values (channels, pieces), windows (channels, pieces, samples): the largest into `best`, largest first."""
        largest, channel = (row.tolist() for row in values.max(0))
        likely = sorted(range(len(largest)), key=lambda n: -largest[n])[:KEPT]
        new = [(largest[n], self._count + n, channel[n], windows[channel[n], n].clone()) for n in likely if largest[n]]
        best[:] = sorted([*best, *new], key=lambda one: (-one[0], one[1]))[:KEPT]
