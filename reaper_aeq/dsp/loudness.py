"""Integrated loudness after ITU-R BS.1770-4, in LUFS.

All channels have weight 1: a track in a DAW says nothing of which of its channels are surrounds, so the 1.41 of the
standard's surround channels is not applied. For mono and stereo this is the standard itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from .sosfilt import sosfilt

ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
BLOCK_SECONDS = 0.4
STEP_SECONDS = 0.1
_STEPS_PER_BLOCK = 4
_OFFSET_DB = -0.691  # makes 0 dBFS at 997 Hz in one channel read -3.01 LUFS
_FLOOR_DB = -200.0
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773
_CHUNK_STEPS = 300  # 30 s are filtered at a time, so that memory does not grow with the length
NODES_PER_OCT, LOWEST_NODE_HZ = 12, 10.0


def k_weighting(sample_rate: int) -> np.ndarray:
    """The K-weighting filter for a sample rate in Hz: second-order sections, (2, 6).

    BS.1770 gives coefficients for 48 kHz only. The analogue prototypes behind them (frequencies, Q and shelf gain as
    found by libebur128) are transformed anew for other rates; at 48 kHz the standard's own figures come out.
    """
    shelf_hz, shelf_db, shelf_q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
    k = np.tan(np.pi * shelf_hz / sample_rate)
    high = 10 ** (shelf_db / 20)
    middle = high**0.4996667741545416
    scale = 1 + k / shelf_q + k * k
    numerator = [high + middle * k / shelf_q + k * k, 2 * (k * k - high), high - middle * k / shelf_q + k * k]
    shelf = [*(np.array(numerator) / scale), 1.0, 2 * (k * k - 1) / scale, (1 - k / shelf_q + k * k) / scale]

    # The standard leaves this numerator unscaled, 0.04 dB too loud at 48 kHz, and is calibrated with it. Left so at
    # other rates (as libebur128 does) that would be 0.25 dB at 8 kHz: keep what it is at 48 kHz.
    k, scale = _high_pass_scale(sample_rate)
    top = _high_pass_scale(48_000)[1] / scale
    high_pass = [top, -2 * top, top, 1.0, 2 * (k * k - 1) / scale, (1 - k / _HIGH_PASS_Q + k * k) / scale]
    return np.array([shelf, high_pass])


def _high_pass_scale(sample_rate: int) -> tuple[float, float]:
    k = float(np.tan(np.pi * _HIGH_PASS_HZ / sample_rate))
    return k, 1 + k / _HIGH_PASS_Q + k * k


def k_weight_db(freqs_hz: Any) -> np.ndarray:
    """Magnitude of the K-weighting in dB at `freqs_hz` (n,), as numpy float64 (n,).

    From the 48 kHz filter, which is flat at +4 dB where it ends; higher frequencies get that value, 0 Hz gets -200 dB.
    Adding this to a power spectrum in dB gives what the loudness of any sample rate's signal is summed from.
    """
    power = np.maximum(_k_power(freqs_hz, 48_000), 10 ** (_FLOOR_DB / 10))
    return 10 * np.log10(power)


def _k_power(freqs_hz: Any, sample_rate: int) -> np.ndarray:
    """|H|² of the K-weighting at `freqs_hz` (n,); beyond Nyquist as at Nyquist."""
    freqs = np.minimum(np.asarray(freqs_hz, dtype=np.float64), sample_rate / 2)
    z = np.exp(-2j * np.pi * freqs / sample_rate)
    powers = np.stack((np.ones_like(z), z, z * z))
    response = [(section[:3] @ powers) / (section[3:] @ powers) for section in k_weighting(sample_rate)]
    return np.abs(np.prod(response, axis=0)) ** 2


def gated_lufs(block_power: np.ndarray, counts: np.ndarray | None = None) -> np.ndarray:
    """Two-stage gating: blocks above -70 LUFS, then those within 10 LU of these blocks' mean.

    Args:
        block_power: K-weighted mean square of each 400 ms block, summed over channels, (..., blocks).
        counts: how often each counts, (blocks,); None: once.

    Returns:
        LUFS (...); -inf where no block passes the gates.
    """
    audible = block_power > 10 ** ((ABSOLUTE_GATE_LUFS - _OFFSET_DB) / 10)
    gate = _mean_where(block_power, audible, counts) * 10 ** (RELATIVE_GATE_LU / 10)
    mean = _mean_where(block_power, audible & (block_power > gate[..., None]), counts)
    with np.errstate(divide="ignore"):
        return _OFFSET_DB + 10 * np.log10(mean)


def integrated_loudness(audio: Any, sample_rate: int) -> float:
    """Integrated loudness in LUFS of `audio`: numpy or torch, (samples,) or (channels, samples).

    Blocks of 400 ms every 100 ms, incomplete ones left out. Audio shorter than one block is taken as one block of its
    own length, which the standard leaves undefined. Silence gives -inf. Raises `AudioError` as `as_channels` does.
    """
    from .arrays import as_channels

    return float(gated_lufs(_block_power(as_channels(audio, sample_rate).cpu().numpy(), sample_rate)))


def loudness_through(
    power: torch.Tensor, sample_rate: int, frame_rate: float, response_db: Callable[[np.ndarray], np.ndarray]
) -> tuple[float, float]:
    """Integrated loudness in LUFS of a sound, and of what a filter makes of it, from its short-time power.

    In spectra a filter is a product: nothing is filtered. The edges of a gating block are soft here, so that only the
    difference of the two is meant to be used; on recordings it is mostly within 0.01 LU of what the meter shows before
    and after the real filter, and within 0.15 LU where parts of the sound lie right at the gate.

    Args:
        power: (frames, nodes) mean square at `node_hz`, channels summed. frame_rate: frames a second.
        response_db: from frequencies in Hz (n,) to the filter's response in dB (n,).
    """
    freqs = node_hz(sample_rate)
    weight = _k_power(freqs, sample_rate)
    weights = torch.from_numpy(np.stack((weight, weight * 10 ** (response_db(freqs) / 10)), 1))
    energy = power.double() @ weights  # (frames, 2)
    # a block is no whole number of frames: the outermost count in part
    inner = 2 * max(0, math.ceil((BLOCK_SECONDS * frame_rate - 1) / 2)) - 1
    shares = torch.ones(inner + 2, dtype=torch.float64)
    shares[0] = shares[-1] = (BLOCK_SECONDS * frame_rate - inner) / 2
    shares = shares[: len(energy)]
    blocks = (energy.unfold(0, len(shares), 1) * shares).sum(-1) / shares.sum()
    before, after = gated_lufs(blocks.T.numpy())
    return float(before), float(after)


@lru_cache(maxsize=8)
def node_hz(sample_rate: int) -> np.ndarray:
    """(nodes,) Hz, `NODES_PER_OCT` an octave up to Nyquist: between two of them K-weighting and EQs are straight lines
    (an EQ that rises by 10 dB an octave leaves them by 0.02 dB)."""
    octaves = math.ceil(NODES_PER_OCT * math.log2(sample_rate / 2 / LOWEST_NODE_HZ))
    return LOWEST_NODE_HZ * 2.0 ** (np.arange(octaves + 1) / NODES_PER_OCT)


def node_matrix(sample_rate: int, n_fft: int) -> np.ndarray:
    """(n_fft // 2 + 1, nodes): each bin's share in the nodes beside it. What lies below the lowest is left out: it has
    next to no weight in loudness."""
    freqs, nodes = np.fft.rfftfreq(n_fft, 1 / sample_rate), node_hz(sample_rate)
    place = NODES_PER_OCT * np.log2(np.maximum(freqs, 1e-9) / LOWEST_NODE_HZ)
    return np.clip(1 - np.abs(place[:, None] - np.arange(len(nodes))), 0.0, 1.0)


def _block_power(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mean square of each block after K-weighting, summed over channels: (channels, samples) to (blocks,) float64."""
    samples = audio.shape[1]
    steps = int(np.floor(samples / (sample_rate * STEP_SECONDS) + 1e-9))
    if steps < _STEPS_PER_BLOCK:
        edges = np.array([0, samples])
    else:
        # 100 ms are no whole number of samples at some rates (11025 Hz): round each edge, not the step.
        edges = np.round(np.arange(steps + 1) * (sample_rate * STEP_SECONDS)).astype(np.int64)
    energy = _step_energy(audio, edges, k_weighting(sample_rate))
    lengths = np.diff(edges)
    if len(energy) >= _STEPS_PER_BLOCK:
        each = (np.lib.stride_tricks.sliding_window_view(one, _STEPS_PER_BLOCK) for one in (energy, lengths))
        energy, lengths = (windows.sum(-1) for windows in each)
    return energy / lengths


def _step_energy(audio: np.ndarray, edges: np.ndarray, sections: np.ndarray) -> np.ndarray:
    """Energy between successive edges after `sections` (k, 6), summed over channels: (steps,)."""
    energy = np.zeros(len(edges) - 1)
    for channel in audio:
        state = np.zeros((len(sections), 1, 2))
        for first in range(0, len(energy), _CHUNK_STEPS):
            part = edges[first : first + _CHUNK_STEPS + 1]
            sound, state = sosfilt(sections, channel[None, part[0] : part[-1]], state)
            energy[first : first + _CHUNK_STEPS] += np.add.reduceat(sound[0] ** 2, part[:-1] - part[0])
    return energy


def _mean_where(power: np.ndarray, chosen: np.ndarray, counts: np.ndarray | None) -> np.ndarray:
    """Mean over the last axis of the chosen entries, 0 where there are none."""
    if counts is not None:
        chosen = chosen * counts
    return (power * chosen).sum(-1) / np.maximum(chosen.sum(-1), 1)
