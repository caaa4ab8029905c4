"""True peaks (ITU-R BS.1770-4, annex 2): of a sound, and of what an EQ would make of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ..bands import Eq
from .response import band_coefficients, params_from_eq

OVERSAMPLING, TAPS = 4, 24  # a phase
CHUNK, CHUNKS_AT_ONCE = 512, 256  # samples
MARGIN, STEP = TAPS // 2, 16  # samples
NEAR = 0.5  # of the largest sample: what lies between samples of a chunk is no higher than twice them
BLOCK = 2**15  # samples of an FFT; half of it is more than any band of ours rings
BLOCKS_AT_ONCE = 8
FLOOR_DB = -200.0

PIECE_S, BEFORE_PIECES = 0.05, 2  # of what is kept of a long sound, and so many before it, for the filters to settle
KEPT = 8  # pieces with the largest samples, and with the largest steps, where high frequencies peak


def true_peak_db(audio: np.ndarray | Tensor) -> float:
    """The largest magnitude of (channels, samples) at four times its sample rate, dBTP."""
    return _true_peak_db([torch.as_tensor(audio, dtype=torch.float32)])


def _true_peak_db(parts: Iterable[Tensor]) -> float:
    """The same for a stream in parts, (channels, samples) each."""
    largest, tail = 0.0, None
    for part in parts:
        largest, tail = _peak_so_far(largest, tail, part)
    if tail is not None:
        largest, _ = _peak_so_far(largest, tail, tail.new_zeros(len(tail), CHUNK + 2 * MARGIN))
    return float(20 * np.log10(largest)) if largest > 0.0 else FLOOR_DB


def _peak_so_far(largest: float, tail: Tensor | None, part: Tensor) -> tuple[float, Tensor]:
    """The larger of `largest` and what is in a stream's next part, and the end of it that is not yet looked at."""
    sound = torch.cat((part.new_zeros(len(part), MARGIN) if tail is None else tail, part), -1)
    chunks = max(0, (sound.shape[-1] - 2 * MARGIN) // CHUNK)
    if not chunks or not len(sound):
        return largest, sound
    low, high = torch.aminmax(sound[:, MARGIN : MARGIN + chunks * CHUNK].unflatten(-1, (chunks, CHUNK)), dim=-1)
    peaks = torch.maximum(high, -low)
    largest = max(largest, float(peaks.max()))
    loud = peaks >= NEAR * max(largest, 1e-10)
    near = loud.clone()  # what lies between two samples hangs on the chunks beside it as well
    near[:, 1:] |= loud[:, :-1]
    near[:, :-1] |= loud[:, 1:]
    windows = sound.unfold(-1, CHUNK + 2 * MARGIN, CHUNK)
    for found in near.nonzero().split(CHUNKS_AT_ONCE) if bool(near.any()) else ():
        steps = windows[found[:, 0], found[:, 1]].unfold(-1, STEP + 2 * MARGIN, STEP)
        low, high = torch.aminmax(steps.flatten(0, 1) @ _between())
        largest = max(largest, float(high), -float(low))
    return largest, sound[:, chunks * CHUNK :].clone()


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


def true_peaks_db(
    audio: np.ndarray | Tensor, eq: Eq, sample_rate: int, harmless_db: float = -np.inf
) -> tuple[float, float]:
    """The true peak of (channels, samples), and of what the bands of `eq` make of it without its output gain, dBTP.

    Where no sound with such a peak could come out above `harmless_db`, the second is that bound: it is known at once.
    """
    sound = torch.as_tensor(audio, dtype=torch.float32)
    before, response = true_peak_db(sound), _response(eq, sample_rate)
    most = before + float(20 * torch.fft.irfft(response, BLOCK).abs().sum().clamp_min(1e-10).log10())
    return before, most if most <= harmless_db else _true_peak_db(_filtered(sound, response))


def true_peaks_of_pieces_db(pieces: Tensor, eq: Eq, sample_rate: int) -> tuple[float, float]:
    """`true_peaks_db` of a sound of which only `Loudest.pieces` are known."""
    lead = round(PIECE_S * sample_rate) * BEFORE_PIECES
    after = torch.cat(list(_filtered(pieces, _response(eq, sample_rate))), -1)
    return true_peak_db(pieces[:, lead:]), true_peak_db(after[:, lead : pieces.shape[1]])


def _response(eq: Eq, sample_rate: int) -> Tensor:
    """(BLOCK // 2 + 1,) complex64 of the bands."""
    params, kinds = params_from_eq(eq)
    response = torch.ones(BLOCK // 2 + 1, dtype=torch.complex128)
    if kinds:
        powers = _powers_of_z()
        for section in band_coefficients(params, kinds, sample_rate).to(torch.complex128):
            response = response * (section[:3] @ powers) / (section[3:] @ powers)
    return response.to(torch.complex64)


@lru_cache(maxsize=1)
def _powers_of_z() -> Tensor:
    """(3, BLOCK // 2 + 1): z^0, z^-1, z^-2 at the bins of an FFT."""
    z = torch.exp(-2j * torch.pi * torch.arange(BLOCK // 2 + 1, dtype=torch.float64) / BLOCK)
    return torch.stack((torch.ones_like(z), z, z * z))


def _filtered(sound: Tensor, response: Tensor) -> Iterator[Tensor]:
    """The filtered sound in parts, through FFTs (overlap-save): no band of ours rings longer than half a block."""
    step = BLOCK // 2
    padded = torch.nn.functional.pad(sound, (step, step - sound.shape[-1] % step))
    for part in padded.unfold(-1, BLOCK, step).split(BLOCKS_AT_ONCE, dim=1):
        after = torch.fft.irfft(torch.fft.rfft(part) * response, BLOCK)[..., step:]
        yield after.flatten(1)


class Loudest:
    """The pieces of a stream in which its peaks are likeliest, whatever EQ will be put on it.

    What they are does not depend on how the stream was cut.
    """

    def __init__(self, sample_rate: int) -> None:
        self._size = round(PIECE_S * sample_rate)
        self._tail: Tensor | None = None
        self._best: tuple[list[tuple[float, int, Tensor]], ...] = ([], [])
        self._count = 0

    def watch(self, blocks: Iterable[np.ndarray | Tensor]) -> Iterator[np.ndarray | Tensor]:
        """The blocks as they are, (channels, samples) each."""
        for block in blocks:
            self._add(torch.as_tensor(block, dtype=torch.float32))
            yield block

    def pieces(self) -> Tensor:
        """(pieces, samples) float32, the channel with the peak only; silence before the stream's start."""
        if self._tail is not None:
            self._add(self._tail.new_zeros(len(self._tail), self._size))
            self._tail = None
        chosen = {at: piece for best in self._best for _, at, piece in best}
        return torch.stack([chosen[at] for at in sorted(chosen)]) if chosen else torch.zeros(0, 1)

    def _add(self, sound: Tensor) -> None:
        before = self._size * BEFORE_PIECES
        if self._tail is None:
            self._tail = sound.new_zeros(len(sound), before)
        sound = torch.cat((self._tail, sound), -1)
        windows = sound.unfold(-1, before + self._size, self._size) if sound.shape[-1] >= before + self._size else None
        if windows is not None:
            own = windows[..., before:]
            steps = windows[..., before - 1 :].diff(dim=-1)
            for best, values in zip(self._best, (own.abs().amax(-1), steps.abs().amax(-1)), strict=True):
                self._keep(best, values, windows)
            self._count += windows.shape[1]
            sound = sound[..., windows.shape[1] * self._size :]
        self._tail = sound.clone()

    def _keep(self, best: list[tuple[float, int, Tensor]], values: Tensor, windows: Tensor) -> None:
        """values (channels, pieces), windows (channels, pieces, samples): the largest into `best`, largest first."""
        largest, channel = values.max(0)
        for n in largest.argsort(descending=True, stable=True)[:KEPT].tolist():
            value = float(largest[n])
            if value == 0.0 or (len(best) == KEPT and value <= best[-1][0]):
                break
            best.append((value, self._count + n, windows[int(channel[n]), n].clone()))
            best.sort(key=lambda one: (-one[0], one[1]))
            del best[KEPT:]
