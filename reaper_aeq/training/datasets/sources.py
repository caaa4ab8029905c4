"""Three ways to come by sounds whose EQ is known, behind one interface.

`noise`: pink noise with random EQs, which needs nothing. `music`: recordings with random EQs; any folder will do.
`bootstrap`: noise in the balance of music with EQs that the EQ model's decoder draws, which needs no recordings.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...dsp.fit import DEFAULT_KINDS
from ...dsp.response import response_db
from ...dsp.spectrum import analyze_blocks
from ...dsp.virtual_eq import equalized
from ...eq import LIMITS, SHELF_BANDWIDTH_OCT
from ...errors import AeqError
from ...model.audio_encoder import BalanceEncoder
from ...model.curves import GRID, N_GRID, REFERENCE_RATE, center
from ...model.eq_autoencoder import N_LATENT, EqAutoencoder
from ...util.settings import WAYS as WAYS
from ...util.settings import AudioTraining
from ..loop import Run
from .readers import Clip


def draw_band_params(count: int, generator: torch.Generator) -> Tensor:
    """(count, 5, 3): low shelf, three bands, high shelf; each band is off (0 dB) in a third of the draws."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, 5, generator=generator, dtype=torch.float64)

    log_low = torch.tensor([40.0, 80.0, 80.0, 80.0, 1500.0], dtype=torch.float64).log2()
    log_high = torch.tensor([800.0, 12_000.0, 12_000.0, 12_000.0, 14_000.0], dtype=torch.float64).log2()
    freq_hz = 2 ** (log_low + (log_high - log_low) * uniform(0, 1))
    limit = LIMITS["gain_db"].high
    gain_db = uniform(-limit, limit) * (uniform(0, 1) < 2 / 3)
    width_oct = 2 ** uniform(-1.5, 1.7)
    width_oct[:, [0, 4]] = SHELF_BANDWIDTH_OCT
    return torch.stack((freq_hz, gain_db, width_oct), -1)


def random_curves(count: int, generator: torch.Generator) -> Tensor:
    """(count, bands) dB: responses of `draw_band_params`."""
    return response_db(draw_band_params(count, generator), DEFAULT_KINDS, GRID, REFERENCE_RATE)


def shaped_noise(
    curve_db: Tensor, seconds: float, sample_rate: int, generator: torch.Generator, rate_hz: float, depth: float
) -> Tensor:
    """(2, samples) float32: pink noise whose octave-band levels follow `curve_db` (bands,), modulated.

    `rate_hz` and `depth` (0..1) say how fast and how far the level moves, faster at high frequencies as in music.
    """
    samples = round(seconds * sample_rate)
    white = torch.randn(2, samples, generator=generator)
    freqs = torch.fft.rfftfreq(samples, 1 / sample_rate).numpy()
    gain_db = np.interp(np.log(np.maximum(freqs, 1.0)), np.log(GRID.numpy()), curve_db.numpy())
    pink = 1 / np.sqrt(np.maximum(freqs, 20.0))
    sound = torch.fft.irfft(torch.fft.rfft(white) * torch.from_numpy(pink * 10 ** (gain_db / 20)).float(), samples)
    phase = 2 * torch.pi * torch.rand(1, generator=generator)
    gust = torch.sin(2 * torch.pi * rate_hz * torch.arange(samples) / sample_rate + phase)
    sound = sound * (1 - depth + depth * gust.clamp_min(0) ** 2)
    return 0.3 * sound / sound.abs().max().clamp_min(1e-9)


NOISE_RATE, NOISE_SECONDS = 32_000, 10.0


@dataclass(frozen=True)
class TrainingSource:
    """Sounds and the EQs that are put on them.

    Attributes:
        clips: as they are without an EQ of ours.
        draw: how many, generator -> (n, bands) dB.
    """

    name: str
    clips: Sequence[Clip]
    draw: Callable[[int, torch.Generator], Tensor]

    def with_eqs(self, run: Run) -> list[Clip]:
        """Every clip with one EQ on it."""
        curves = self.draw(len(self.clips), run.generator(f"{self.name} EQs", 0)) if self.clips else torch.zeros(0, 0)
        return [
            dataclasses.replace(clip, analysis=equalized(clip.analysis, curve))
            for clip, curve in zip(self.clips, curves, strict=True)
        ]


def gather(
    names: Sequence[str], recordings: Sequence[Clip], settings: AudioTraining, eq_model: EqAutoencoder,
    known: BalanceEncoder | None, run: Run,
) -> list[Clip]:  # fmt: skip
    """What `train audio` learns from. Raises `AeqError` for a way that is none."""
    if wrong := set(names) - set(WAYS):
        raise AeqError(f"unknown sounds {sorted(wrong)[0]!r}: use {', '.join(WAYS)}")
    count, sources = settings.bootstrap_sounds, 4 * settings.members
    clips = list(recordings) if "music" in names else []
    if "noise" in names:
        clips += noise(count, run, sources).with_eqs(run)
    if "bootstrap" in names:
        run.tell(f"making {count} sounds from noise and the EQ model's decoder")
        clips += bootstrap(count, run, sources, eq_model, known).with_eqs(run)
    return clips


def noise(count: int, run: Run, sources: int) -> TrainingSource:
    """`count` sounds of modulated pink noise, which count as so many `sources`."""
    flat = torch.zeros(N_GRID, dtype=torch.float64)
    return TrainingSource("noise", _modulated_noise("noise", flat, count, run, sources), random_curves)


def bootstrap(
    count: int, run: Run, sources: int, eq_model: EqAutoencoder, known: BalanceEncoder | None
) -> TrainingSource:
    """Modulated noise in the mean balance of music as `known` has it (pink where there is none yet)."""
    mean = known.mean_db if known is not None else torch.zeros(N_GRID, dtype=torch.float64)

    def draw(n: int, generator: torch.Generator) -> Tensor:
        # early numbers of the code carry most of what people vary
        codes = 4.0 * torch.randn(n, N_LATENT, generator=generator) / (1 + torch.arange(N_LATENT)).sqrt()
        return center(eq_model.decode_curve(codes).double())

    return TrainingSource("bootstrap", _modulated_noise("bootstrap", mean, count, run, sources), draw)


def _modulated_noise(name: str, curve_db: Tensor, count: int, run: Run, sources: int) -> list[Clip]:
    clips = []
    for i in range(count):
        generator = run.generator(name, i)
        rate_hz = float(0.5 * 2 ** (4 * torch.rand(1, generator=generator)))
        sound = shaped_noise(curve_db, NOISE_SECONDS, NOISE_RATE, generator, rate_hz, depth=0.9)
        analysis = analyze_blocks([sound.numpy()], NOISE_RATE)
        clips.append(Clip(f"{name}{i}", f"{name}{i % sources}", "noise", 1e9, analysis))
    return clips
