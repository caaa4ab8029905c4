"""One pass over a sound: per-frame band powers, from which LTAS, loudness and the encoder's log-mels all follow.

Bands are fixed in Hz, not in bins, so the same sound gives the same figures at every sample rate. Channels are summed
in power, never in amplitude: a mono sum would cancel what is out of phase.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import torch
import torchaudio
from torch import Tensor

from .fine_structure import N_FINE, TOP_HZ, FrameStore, fine_structure
from .loudness import node_hz, node_matrix
from .peaks import Loudest, all_alike

# Sixth-octave band centers 24.8 Hz to 20.2 kHz, those of common whole-track LTAS tables.
GRID_HZ = 1000.0 * 2.0 ** (np.arange(-32, 27) / 6)
N_MELS = 64
MEL_LOW_HZ, MEL_HIGH_HZ = 30.0, 16_000.0
FRAME_S = 0.18  # long enough to resolve a sixth of an octave near 50 Hz, short enough to see notes
# A sound cut out of a longer one starts and ends with a step, and a step is a click over the whole spectrum: so loud
# that the top of a bass would be nothing else. The attack of a drum must survive, so the start is only just rounded.
FADE_IN_S, FADE_OUT_S = 0.002, 0.01
# Up to this length of a sound all is kept that tells its loudness through any EQ; of longer ones the bands are enough.
EXACT_UP_TO_S = 60.0
# Of a sound, and of an FFT, which is planned anew at each call: what is computed from them mostly lies in a processor's
# cache, and several sounds that are heard side by side take little memory.
PIECE_FRAMES, FRAMES_AT_ONCE, CHANNELS_AT_ONCE = 32, 16, 2
# A band holds a small part of the bins: these parts of the spectrum are summed into the bands that lie there.
PARTS_HZ = (0.0, 600.0, 2400.0, 4800.0, 9600.0)
SILENT_POWER = 1e-12  # mean square; -120 dBFS, below any converter's noise


@dataclass(frozen=True)
class Spectra:
    """Power spectra of evenly spaced moments: (frames, bins), `bin_hz` apart, `frame_rate` of them a second."""

    power: Tensor
    bin_hz: float
    frame_rate: float

    def between(self, start_s: float, stop_s: float) -> Spectra:
        """Those of a part of the sound, at least one."""
        first = max(0, min(math.ceil(start_s * self.frame_rate), len(self.power) - 1))
        return replace(self, power=self.power[first : max(first + 1, math.ceil(stop_s * self.frame_rate))])


@dataclass(frozen=True)
class Analysis:
    """What the models need to know of a sound; small enough to keep for hours of audio.

    Attributes:
        band_power: (frames, bands) mean square of each `GRID_HZ` band, channels summed; 0 above Nyquist.
        mel_power: (frames, N_MELS) mean square through a mel filterbank.
        sample_rate: Hz. channels, duration_s: of the source. frame_rate: frames a second.
        fine: (N_FINE,) what `fine_structure` says of it, the same with any EQ; NaN where nothing is known.
        loudest: (pieces, samples) where its peaks are (`peaks.Loudest`); None where the sound itself is not known.
        most_peak_db: what its true peak is at most, dBTP; None where `loudest` is.
        spectra: where sections of the sound are to be known for themselves, what their fine structure follows from.
        node_power: (frames, nodes) mean square at `loudness.node_hz`, from which its loudness through an EQ follows;
            None for a sound of more than `EXACT_UP_TO_S` and where the sound itself is not known.
        order: (moments,) int64, which frame stands for each moment, `frame_rate` of them a second; None where each
            stands for itself. Of loops that repeat for long only some repetitions are analyzed. After a frame that
            stands for any, the next few are those that followed it in the sound.
    """

    band_power: Tensor
    mel_power: Tensor
    sample_rate: int
    channels: int
    duration_s: float
    frame_rate: float
    fine: Tensor = field(default_factory=lambda: torch.full((N_FINE,), torch.nan))
    loudest: Tensor | None = None
    most_peak_db: float | None = None
    node_power: Tensor | None = None
    spectra: Spectra | None = None
    order: Tensor | None = None

    @property
    def counts(self) -> Tensor:
        """(frames,) float64: how many moments each stands for."""
        if self.order is None:
            return torch.ones(len(self.band_power), dtype=torch.float64)
        return torch.bincount(self.order, minlength=len(self.band_power)).double()

    def mean_power(self) -> Tensor:
        """(bands,) float64, over all moments."""
        if self.order is None:
            return self.band_power.mean(0, dtype=torch.float64)
        return self.counts @ self.band_power.double() / len(self.order)

    @property
    def silent(self) -> bool:
        """True when there is nothing in the audible bands that an EQ could act on."""
        return not bool(self.mean_power().sum() > SILENT_POWER)

    @property
    def in_reach(self) -> Tensor:
        """(bands,) bool: bands wholly below Nyquist."""
        return torch.from_numpy(self.sample_rate / 2 >= GRID_HZ * 2 ** (1 / 12))

    def ltas_db(self, floor_db: float = 120.0) -> Tensor:
        """(bands,) mean power of each band in dB, level as it is; `floor_db` below the loudest band is the least."""
        power = self.mean_power()
        power = power.clamp_min(power.max() * 10 ** (-floor_db / 10)).clamp_min(1e-30)
        return 10 * power.log10()


def frame_length(sample_rate: int) -> int:
    """`FRAME_S` in samples, even: the same time at every rate, or drums would move differently at 44.1 and 48 kHz."""
    return 2 * round(FRAME_S * sample_rate / 2)


@lru_cache(maxsize=8)
def band_matrix(sample_rate: int, n_fft: int) -> Tensor:
    """(n_fft // 2 + 1, bands): the share of each FFT bin's power that falls into each sixth-octave band.

    A bin is taken to spread its power evenly over its own width, so bands narrower than a bin get their share of it.
    """
    width = sample_rate / n_fft
    center = np.arange(n_fft // 2 + 1) * width
    low, high = GRID_HZ * 2 ** (-1 / 12), GRID_HZ * 2 ** (1 / 12)
    overlap = np.minimum(center[:, None] + width / 2, high) - np.maximum(center[:, None] - width / 2, low)
    share = np.clip(overlap / width, 0.0, 1.0)
    share[:, high > sample_rate / 2] = 0.0  # a band cut by Nyquist would read too low
    return torch.from_numpy(share).float()


def mel_matrix(sample_rate: int, n_fft: int) -> Tensor:
    """(n_fft // 2 + 1, N_MELS): torchaudio's HTK mel filterbank, fixed in Hz whatever the sample rate."""
    width = sample_rate / n_fft
    bins = math.ceil(MEL_HIGH_HZ / width) + 1
    bank = torchaudio.functional.melscale_fbanks(
        bins, MEL_LOW_HZ, MEL_HIGH_HZ, N_MELS, sample_rate=round(2 * (bins - 1) * width), norm=None, mel_scale="htk"
    )
    bank = bank[: n_fft // 2 + 1]
    return torch.cat([bank, bank.new_zeros(n_fft // 2 + 1 - len(bank), N_MELS)])


def analyze_blocks(
    blocks: Iterable[np.ndarray | Tensor], sample_rate: int, *, sections: bool = False, powers_only: bool = False
) -> Analysis:
    """Analyses a stream of (channels, samples) blocks of any length, float32.

    Memory stays at one block plus the figures of `Analysis`; the result does not depend on how the stream was cut.
    `sections`: whether its `spectra` are to be kept, some 10 MB. `powers_only`: nothing but the powers is needed.
    """
    n_fft = frame_length(sample_rate)
    hop = n_fft // 2
    window, windowed = torch.hann_window(n_fft), torch.empty(CHANNELS_AT_ONCE, FRAMES_AT_ONCE, n_fft)
    parts = _band_parts(sample_rate, n_fft)
    n_bands, n_nodes = len(GRID_HZ) + N_MELS, len(node_hz(sample_rate))
    # one piece of memory each, that grows: many small ones, each allocated between the large temporaries of a block,
    # would keep the heap from shrinking (1 GB for two hours, where the rows have 40 MB)
    rows, nodes, store = bytearray(), bytearray(), FrameStore()
    exact_bytes = 4 * n_nodes * (round(EXACT_UP_TO_S * sample_rate) // hop + 2)
    fine_bins = min(math.ceil(TOP_HZ / sample_rate * n_fft), n_fft // 2) + 1
    # half a frame of silence before and after, so that the sound's edges count as its middle
    tail = torch.zeros(1, hop)
    samples = channels = 0

    def take(sound: Tensor) -> Tensor:
        """Consumes whole frames of `sound` and returns what is left for the next block."""
        count = (sound.shape[-1] - n_fft) // hop + 1
        if count < 1:
            return sound
        for frames in sound.unfold(-1, n_fft, hop).split(FRAMES_AT_ONCE, 1):
            power = _power(frames, window, windowed)
            power = power if len(sound) == channels else power * channels
            banded = torch.zeros(len(power), n_bands + n_nodes)
            for first, stop, columns, matrix in parts:
                banded.index_add_(1, columns, power[:, first:stop] @ matrix)
            rows.extend(banded[:, :n_bands].numpy().tobytes())
            if powers_only:
                continue
            if len(nodes) <= exact_bytes:
                nodes.extend(banded[:, n_bands:].numpy().tobytes())
            store.add(power[:, :fine_bins])
        return sound[:, count * hop :]

    loudest, alike = Loudest(sample_rate), True
    pieces = (torch.as_tensor(block, dtype=torch.float32).split(PIECE_FRAMES * hop, -1) for block in blocks)
    for sound in itertools.chain.from_iterable(pieces):
        channels = sound.shape[0]
        # both channels of a mono file in a stereo project hold the same: one of them, with twice the power, will do
        alike = alike and all_alike(sound)
        sound = sound[:1] if alike else sound
        if not powers_only:
            loudest.add(sound)
        before = tail.expand(len(sound), -1)
        rising = min(sound.shape[-1], max(0, math.ceil(FADE_IN_S * sample_rate) - samples))
        sound = torch.cat([before, sound], -1)
        if rising:
            start = before.shape[-1]
            sound[:, start : start + rising] *= _rise(torch.arange(samples, samples + rising), FADE_IN_S * sample_rate)
        samples += sound.shape[-1] - before.shape[-1]
        tail = take(sound)
    if not channels:
        raise ValueError("no blocks to analyze")
    # frames that lie wholly inside are windowed to nothing at their ends; only those past the end see the step
    tail = tail * _rise(torch.arange(tail.shape[-1] - 1, -1, -1), FADE_OUT_S * sample_rate)
    take(torch.cat([tail, tail.new_zeros(len(tail), n_fft - tail.shape[-1] % hop)], -1))
    power = torch.frombuffer(rows, dtype=torch.float32).view(-1, n_bands)
    powers = Analysis(
        band_power=power[:, : len(GRID_HZ)],
        mel_power=power[:, len(GRID_HZ) :],
        sample_rate=sample_rate,
        channels=channels,
        duration_s=samples / sample_rate,
        frame_rate=sample_rate / hop,
    )
    if powers_only:
        return powers
    kept, is_short = store.joined(), samples <= EXACT_UP_TO_S * sample_rate
    return replace(
        powers,
        fine=fine_structure(kept, sample_rate / n_fft),
        loudest=loudest.pieces(),
        most_peak_db=loudest.most_db(),
        node_power=torch.frombuffer(nodes, dtype=torch.float32).view(-1, n_nodes) if is_short else None,
        spectra=Spectra(kept, sample_rate / n_fft, sample_rate / hop / store.every) if sections else None,
    )


def _power(frames: Tensor, window: Tensor, windowed: Tensor) -> Tensor:
    """(channels, frames, n_fft) -> (frames, n_fft // 2 + 1) of |FFT|^2, channels summed; `windowed` is overwritten."""
    total = None
    for some in frames.split(CHANNELS_AT_ONCE):
        product = torch.mul(some, window, out=windowed[: len(some), : some.shape[1]])
        squares = torch.view_as_real(torch.fft.rfft(product)).square_()
        summed = squares[0] if len(some) == 1 else squares[0].add_(squares[1])
        total = summed if total is None else total.add_(summed)
    assert total is not None
    return total[..., 0] + total[..., 1]


@lru_cache(maxsize=8)
def _band_parts(sample_rate: int, n_fft: int) -> list[tuple[int, int, Tensor, Tensor]]:
    """First bin and end of each part of the spectrum, the columns (of bands, mels and loudness nodes laid side by side)
    that it has a share in, and the shares (bins, columns)."""
    # scaled so that the bands of a frame sum to its mean square
    scale = 2.0 / (n_fft * float(torch.hann_window(n_fft).square().sum()))
    nodes = torch.from_numpy(node_matrix(sample_rate, n_fft)).float()
    whole = torch.cat([band_matrix(sample_rate, n_fft), mel_matrix(sample_rate, n_fft), nodes], 1) * scale
    edges = [min(math.ceil(edge * n_fft / sample_rate), len(whole)) for edge in PARTS_HZ] + [len(whole)]
    found = []
    for first, stop in itertools.pairwise(edges):
        if stop > first:
            columns = whole[first:stop].any(0).nonzero()[:, 0]
            found.append((first, stop, columns, whole[first:stop, columns].contiguous()))
    return found


def _rise(position: Tensor, length: float) -> Tensor:
    """Half a cosine from 0 at position 0 to 1 at `length` samples."""
    return (0.5 - 0.5 * torch.cos(torch.pi * ((position + 0.5) / length).clamp(max=1.0))).float()
