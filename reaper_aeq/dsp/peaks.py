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
CHUNK = 512  # samples
NEAR = 0.5  # of the largest sample: what lies between samples of a chunk is no higher than twice them
BLOCK = 2**15  # samples of an FFT; half of it is more than any band of ours rings
FLOOR_DB = -200.0

PIECE_S, BEFORE_PIECES = 0.05, 2  # of what is kept of a long sound, and so many before it, for the filters to settle
KEPT = 8  # pieces with the largest samples, and with the largest steps, where high frequencies peak


def true_peak_db(audio: np.ndarray | Tensor) -> float:
    """The largest magnitude of (channels, samples) at four times its sample rate, dBTP."""
    sound = torch.as_tensor(audio, dtype=torch.float32)
    largest = float(sound.abs().max()) if sound.numel() else 0.0
    if largest == 0.0:
        return FLOOR_DB
    margin = TAPS // 2
    chunks = -(-sound.shape[-1] // CHUNK)
    padded = torch.nn.functional.pad(sound, (margin, margin + chunks * CHUNK - sound.shape[-1]))
    pieces = padded.unfold(-1, CHUNK + 2 * margin, CHUNK).flatten(0, 1)
    loud = pieces[pieces.abs().amax(-1) >= NEAR * largest]
    between = torch.nn.functional.conv1d(loud[:, None], _phases()[:, None])
    return float(20 * np.log10(max(largest, float(between.abs().max()))))


@lru_cache(maxsize=1)
def _phases() -> Tensor:
    """(phases, taps): interpolation at each quarter between two samples, windowed sinc."""
    at = torch.arange(TAPS, dtype=torch.float64) - (TAPS // 2 - 1)
    shift = torch.arange(1, OVERSAMPLING, dtype=torch.float64)[:, None] / OVERSAMPLING
    window = torch.special.i0(8.0 * (1 - ((at - shift) / (TAPS / 2)).square()).clamp_min(0).sqrt())
    taps = torch.sinc(at - shift) * window
    return (taps / taps.sum(1, keepdim=True)).float()


def true_peaks_db(audio: np.ndarray | Tensor, eq: Eq, sample_rate: int) -> tuple[float, float]:
    """The true peak of (channels, samples), and of what the bands of `eq` make of it without its output gain, dBTP."""
    sound = torch.as_tensor(audio, dtype=torch.float32)
    return true_peak_db(sound), max(true_peak_db(block) for block in _filtered(sound, eq, sample_rate))


def true_peaks_of_pieces_db(pieces: Tensor, eq: Eq, sample_rate: int) -> tuple[float, float]:
    """`true_peaks_db` of a sound of which only `Loudest.pieces` are known."""
    lead = round(PIECE_S * sample_rate) * BEFORE_PIECES
    after = torch.cat(list(_filtered(pieces, eq, sample_rate)), -1)
    return true_peak_db(pieces[:, lead:]), true_peak_db(after[:, lead : pieces.shape[1]])


def _filtered(sound: Tensor, eq: Eq, sample_rate: int) -> Iterator[Tensor]:
    """The filtered sound in blocks, through FFTs (overlap-save): no band of ours rings longer than half a block."""
    params, kinds = params_from_eq(eq)
    response = torch.ones(BLOCK // 2 + 1, dtype=torch.complex128)
    z = torch.exp(-2j * torch.pi * torch.arange(BLOCK // 2 + 1, dtype=torch.float64) / BLOCK)
    powers = torch.stack((torch.ones_like(z), z, z * z))
    for section in band_coefficients(params, kinds, sample_rate).to(torch.complex128) if kinds else ():
        response = response * (section[:3] @ powers) / (section[3:] @ powers)
    response, step = response.to(torch.complex64), BLOCK // 2
    padded = torch.nn.functional.pad(sound, (step, step - sound.shape[-1] % step))
    for part in padded.unfold(-1, BLOCK, step).split(32, dim=1):
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
