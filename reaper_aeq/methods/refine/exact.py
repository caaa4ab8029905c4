"""What bands do to a waveform: dasp-pytorch's differentiable filters on the samples themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ...dsp.response import band_coefficients, response_db
from ...dsp.spectrum import band_matrix, frame_length
from ...eq import BandKind
from ...model.curves import GRID

HEARD = 1e-6  # of the loudest band's power; below, the window's leakage is what changes


def heard_response(sound: Tensor, kinds: Sequence[BandKind], sample_rate: int) -> Callable[[Tensor], Tensor]:
    """A function from params (1, bands, 3) to what the spectrum of `sound` gains, (1, grid) dB, differentiable.

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
