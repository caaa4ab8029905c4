"""One pass over a sound: per-frame band powers, from which LTAS, loudness and the encoder's log-mels all follow.

Bands are fixed in Hz, not in bins, so the same sound gives the same figures at every sample rate. Channels are summed
in power, never in amplitude: a mono sum would cancel what is out of phase.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch
import torchaudio
from torch import Tensor

from .fine_structure import N_FINE, TOP_HZ, FrameStore, fine_structure
from .peaks import Loudest

# Sixth-octave band centres 24.8 Hz to 20.2 kHz, those of common whole-track LTAS tables.
GRID_HZ = 1000.0 * 2.0 ** (np.arange(-32, 27) / 6)
N_MELS = 64
MEL_LOW_HZ, MEL_HIGH_HZ = 30.0, 16_000.0
FRAME_S = 0.18  # long enough to resolve a sixth of an octave near 50 Hz, short enough to see notes
# A sound cut out of a longer one starts and ends with a step, and a step is a click over the whole spectrum: so loud
# that the top of a bass would be nothing else. The attack of a drum must survive, so the start is only just rounded.
FADE_IN_S, FADE_OUT_S = 0.002, 0.01
SILENT_POWER = 1e-12  # mean square; -120 dBFS, below any converter's noise


@dataclass(frozen=True)
class Analysis:
    """What the models need to know of a sound; small enough to keep for hours of audio.

    Attributes:
        band_power: (frames, bands) mean square of each `GRID_HZ` band, channels summed; 0 above Nyquist.
        mel_power: (frames, N_MELS) mean square through a mel filterbank.
        sample_rate: Hz. channels, duration_s: of the source. frame_rate: frames a second.
        fine: (N_FINE,) what `fine_structure` says of it, the same with any EQ; NaN where nothing is known.
        loudest: (pieces, samples) where its peaks are (`peaks.Loudest`); None where the sound itself is not known.
    """

    band_power: Tensor
    mel_power: Tensor
    sample_rate: int
    channels: int
    duration_s: float
    frame_rate: float
    fine: Tensor = field(default_factory=lambda: torch.full((N_FINE,), torch.nan))
    loudest: Tensor | None = None

    @property
    def silent(self) -> bool:
        """True when there is nothing in the audible bands that an EQ could act on."""
        return not bool(self.band_power.mean(0).sum() > SILENT_POWER)

    @property
    def in_reach(self) -> Tensor:
        """(bands,) bool: bands wholly below Nyquist."""
        return torch.from_numpy(self.sample_rate / 2 >= GRID_HZ * 2 ** (1 / 12))

    def ltas_db(self, floor_db: float = 120.0) -> Tensor:
        """(bands,) mean power of each band in dB, level as it is; `floor_db` below the loudest band is the least."""
        power = self.band_power.double().mean(0)
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
    centre = np.arange(n_fft // 2 + 1) * width
    low, high = GRID_HZ * 2 ** (-1 / 12), GRID_HZ * 2 ** (1 / 12)
    overlap = np.minimum(centre[:, None] + width / 2, high) - np.maximum(centre[:, None] - width / 2, low)
    share = np.clip(overlap / width, 0.0, 1.0)
    share[:, high > sample_rate / 2] = 0.0  # a band cut by Nyquist would read too low
    return torch.from_numpy(share).float()


@lru_cache(maxsize=8)
def mel_matrix(sample_rate: int, n_fft: int) -> Tensor:
    """(n_fft // 2 + 1, N_MELS): torchaudio's HTK mel filterbank, fixed in Hz whatever the sample rate."""
    width = sample_rate / n_fft
    bins = math.ceil(MEL_HIGH_HZ / width) + 1
    bank = torchaudio.functional.melscale_fbanks(
        bins, MEL_LOW_HZ, MEL_HIGH_HZ, N_MELS, sample_rate=round(2 * (bins - 1) * width), norm=None, mel_scale="htk"
    )
    bank = bank[: n_fft // 2 + 1]
    return torch.cat([bank, bank.new_zeros(n_fft // 2 + 1 - len(bank), N_MELS)])


def analyze_blocks(blocks: Iterable[np.ndarray | Tensor], sample_rate: int) -> Analysis:
    """Analyses a stream of (channels, samples) blocks of any length, float32.

    Memory stays at one block plus the figures of `Analysis`; the result does not depend on how the stream was cut.
    """
    n_fft = frame_length(sample_rate)
    hop = n_fft // 2
    window = torch.hann_window(n_fft)
    # Scaled so that the bands of a frame sum to its mean square.
    scale = 2.0 / (n_fft * float(window.square().sum()))
    to_bands = torch.cat([band_matrix(sample_rate, n_fft), mel_matrix(sample_rate, n_fft)], 1) * scale
    rows, store = _Rows(to_bands.shape[1]), FrameStore()
    fine_bins = min(math.ceil(TOP_HZ / sample_rate * n_fft), n_fft // 2) + 1
    tail: Tensor | None = None
    samples = channels = 0

    def take(sound: Tensor) -> Tensor:
        """Consumes whole frames of `sound` and returns what is left for the next block."""
        count = (sound.shape[-1] - n_fft) // hop + 1
        if count < 1:
            return sound
        # Some frames at a time keep the spectra in cache and the memory small at 64 channels.
        frames = sound.unfold(-1, n_fft, hop)
        for start in range(0, count, 64):
            power = torch.zeros(())
            for channel in frames[:, start : start + 64]:
                spectrum = torch.fft.rfft(channel * window)
                power = power + (spectrum.real.square() + spectrum.imag.square())
            rows.add(power @ to_bands)
            store.add(power[:, :fine_bins])
        return sound[:, count * hop :]

    loudest = Loudest(sample_rate)
    for block in loudest.watch(blocks):
        sound = torch.as_tensor(block)
        if samples < FADE_IN_S * sample_rate:
            sound = sound * _rise(torch.arange(samples, samples + sound.shape[-1]), FADE_IN_S * sample_rate)
        channels = sound.shape[0]
        samples += sound.shape[-1]
        # Half a frame of silence before and after, so that the edges of the sound count as much as its middle.
        before = tail if tail is not None else sound.new_zeros(channels, hop)
        tail = take(torch.cat([before, sound], -1))
    if tail is None:
        raise ValueError("no blocks to analyse")
    # frames that lie wholly inside are windowed to nothing at their ends; only those past the end see the step
    tail = tail * _rise(torch.arange(tail.shape[-1] - 1, -1, -1), FADE_OUT_S * sample_rate)
    take(torch.cat([tail, tail.new_zeros(channels, n_fft - tail.shape[-1] % hop)], -1))
    power = rows.joined()
    return Analysis(
        band_power=power[:, : len(GRID_HZ)],
        mel_power=power[:, len(GRID_HZ) :],
        sample_rate=sample_rate,
        channels=channels,
        duration_s=samples / sample_rate,
        frame_rate=sample_rate / hop,
        fine=fine_structure(store.joined(), sample_rate / n_fft),
        loudest=loudest.pieces(),
    )


class _Rows:
    """Rows that keep coming, in a few large pieces: many small ones, each allocated between the large temporaries of a
    block, would keep the heap from shrinking (1 GB for two hours, where the rows have 40 MB)."""

    PIECE = 4096

    def __init__(self, width: int):
        self._pieces = [torch.empty(self.PIECE, width)]
        self._filled = 0

    def add(self, rows: Tensor) -> None:
        """At most `PIECE` rows, (n, width)."""
        fits = min(len(rows), self.PIECE - self._filled)
        self._pieces[-1][self._filled : self._filled + fits] = rows[:fits]
        self._filled += fits
        if fits < len(rows):
            self._pieces.append(torch.empty_like(self._pieces[-1]))
            self._filled = len(rows) - fits
            self._pieces[-1][: self._filled] = rows[fits:]

    def joined(self) -> Tensor:
        return torch.cat([*self._pieces[:-1], self._pieces[-1][: self._filled]])


def _rise(position: Tensor, length: float) -> Tensor:
    """Half a cosine from 0 at position 0 to 1 at `length` samples."""
    return (0.5 - 0.5 * torch.cos(torch.pi * ((position + 0.5) / length).clamp(max=1.0))).float()
