"""The grid all curves live on, and what counts when two of them are compared."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from ..dsp.spectrum import GRID_HZ

N_GRID = len(GRID_HZ)
# ReaEQ's curve is defined at this rate; at others only the last octave below Nyquist differs.
REFERENCE_RATE = 48_000
LOW_HZ, HIGH_HZ = 50.0, 16_000.0
# Where curves are compared: 50 Hz to 16 kHz, every sixth of an octave alike.
COMPARED = torch.from_numpy((GRID_HZ > LOW_HZ * 0.98) & (GRID_HZ < HIGH_HZ * 1.02))
GRID = torch.from_numpy(GRID_HZ)


@cache
def weights(dtype: torch.dtype = torch.float64) -> Tensor:
    """(bands,): 1/n over the compared bands, 0 outside."""
    chosen = COMPARED.to(dtype)
    return chosen / chosen.sum()


def center(curve_db: Tensor) -> Tensor:
    """(..., bands) minus its mean over the compared bands: an EQ's overall gain is no part of its character."""
    return curve_db - (curve_db * weights(curve_db.dtype).to(curve_db.device)).sum(-1, keepdim=True)


def rms_db(curve_db: Tensor) -> Tensor:
    """(..., bands) -> (...,): level-free RMS over the compared bands, dB. Between spectra this is the LSD."""
    return (center(curve_db).square() * weights(curve_db.dtype).to(curve_db.device)).sum(-1).sqrt()


def projection(curve_db: Tensor, axis_db: Tensor) -> Tensor:
    """(..., bands), (bands,) -> (...,): how many times `axis_db` a curve holds (least squares, level-free)."""
    w = weights(curve_db.dtype).to(curve_db.device)
    axis = center(axis_db)
    return (center(curve_db) * axis * w).sum(-1) / (axis.square() * w).sum(-1).clamp_min(1e-12)


def audible_projection(curve_db: Tensor, axis_db: Tensor, visible: Tensor) -> Tensor:
    """`projection` where a source has sound: each band counts by `visible` (bands,), 0..1."""
    w = visible * weights(curve_db.dtype)
    w = w / w.sum().clamp_min(1e-12)
    curve, axis = (db - (db * w).sum(-1, keepdim=True) for db in (curve_db, axis_db))
    return (curve * axis * w).sum(-1) / (axis.square() * w).sum(-1).clamp_min(1e-9)


def audible_rms_db(curve_db: Tensor, visible: Tensor) -> float:
    """Level-free RMS of a curve (bands,) dB where a source has sound: each band counts by `visible` (bands,), 0..1."""
    w = visible * weights(curve_db.dtype)
    w = w / w.sum().clamp_min(1e-12)
    return float(((curve_db - (curve_db * w).sum()).square() * w).sum().sqrt())


def on_grid(freqs_hz: np.ndarray, values_db: np.ndarray) -> Tensor:
    """Values at `freqs_hz` (n,), (..., n) brought to the grid, linear over log-frequency, ends held; float64."""
    log_f = np.log(freqs_hz)
    rows = np.apply_along_axis(lambda row: np.interp(np.log(GRID_HZ), log_f, row), -1, values_db)
    return torch.from_numpy(rows)


def soft_clip(deviation_db: Tensor, knee_db: float = 15.0, room_db: float = 9.0) -> Tensor:
    """Identity up to `knee_db`, then growing with the logarithm: what a source lacks altogether says little.

    60 dB become 31. Never flat, so that more of an EQ is always more.
    """
    over = (deviation_db.abs() - knee_db).clamp_min(0.0)
    soft = knee_db + room_db * torch.log1p(over / room_db)
    return torch.where(deviation_db.abs() <= knee_db, deviation_db, soft * deviation_db.sign())


def soft_clip_array(deviation_db: np.ndarray, knee_db: float = 15.0, room_db: float = 9.0) -> np.ndarray:
    """`soft_clip` of a numpy array."""
    size = np.abs(deviation_db)
    soft = knee_db + room_db * np.log1p(np.maximum(size - knee_db, 0.0) / room_db)
    return np.where(size <= knee_db, deviation_db, np.copysign(soft, deviation_db))


def soft_clip_slope(deviation_db: np.ndarray, knee_db: float = 15.0, room_db: float = 9.0) -> np.ndarray:
    """The derivative of `soft_clip`, 0..1."""
    return room_db / (room_db + np.maximum(np.abs(deviation_db) - knee_db, 0.0))


def soft_clip_inverse(clipped_db: Tensor, knee_db: float = 15.0, room_db: float = 9.0) -> Tensor:
    """The deviation that `soft_clip` made this of."""
    over = (clipped_db.abs() - knee_db).clamp_min(0.0)
    wide = knee_db + room_db * torch.expm1(over / room_db)
    return torch.where(clipped_db.abs() <= knee_db, clipped_db, wide * clipped_db.sign())
