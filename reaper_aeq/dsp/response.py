"""What ReaEQ does to sound: biquads from bands, their response in dB, and the filter itself.

Band parameters lie on a tensor axis: `params` is (..., bands, 3) holding [freq_hz, gain_db, bandwidth_oct], and `kinds`
names the kind at each place of the band axis, so one call serves a whole batch. ReaEQ's laws are those of the facts
sheet, section 3: renders of real REAPER confirm them for bands and shelves of one octave.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..eq import PASS_FILTERS, SHELVES, Band, BandKind, Eq
from ..errors import WrongTypeError, as_number
from .sosfilt import sosfilt

# A shelf's bandwidth stops acting below this many octaves (measured on ReaEQ by two independent authors).
MIN_SHELF_BANDWIDTH_OCT = 0.915
# At Nyquist itself sin(w) = 0 and the octave law divides by it; this close to it nothing audible is left to differ.
MAX_FREQ_RATIO = 0.499
# sinh's argument in the octave law. Beyond it a band is flat down to under 1 Hz, and coefficients lose digits.
MAX_SINH_ARGUMENT = 20.0
# A notch reaches -inf dB at its center, a low pass at Nyquist: stop at -200 dB, finite and with a finite gradient.
MIN_POWER = 1e-20
KEPT_FREQS = 256  # grids of up to so many frequencies are remembered

# RBJ's filters as B(1), B(-1), b0 - b2 and A(1), A(-1), a0 - a2, but for a factor that both share: these are
# sin^2(w/2), cos^2(w/2) and alpha/2, each times A = 10^(gain/40) to the power that stands here; None is 0. Taken from
# b0, b1 and b2 they would be small differences of large numbers.
POWERS_OF_A: dict[BandKind, tuple[tuple[float | None, ...], tuple[float, ...]]] = {
    BandKind.BAND: ((0, 0, 1), (0, 0, -1)),
    BandKind.LOW_SHELF: ((2, 1, 1.5), (0, 1, 0.5)),
    BandKind.HIGH_SHELF: ((1, 2, 1.5), (1, 0, 0.5)),
    BandKind.LOW_PASS: ((0, None, None), (0, 0, 0)),
    BandKind.HIGH_PASS: ((None, 0, None), (0, 0, 0)),
    BandKind.NOTCH: ((0, 0, None), (0, 0, 0)),
    BandKind.BAND_PASS: ((None, None, 0), (0, 0, 0)),
}


def band_coefficients(params: Tensor, kinds: Sequence[BandKind], sample_rate: float) -> Tensor:
    """Biquads of ReaEQ bands, differentiable in all three parameters.

    Band: RBJ peaking, digital octave bandwidth, alpha = sin w sinh(ln2/2 bw w/sin w). Shelves: RBJ, slope S = 1/bw^2
    with bw at least 0.915. Low and high pass: RBJ, Q = 1/(2 sinh(ln2/2 bw)), gain ignored. Notch and band pass (0 dB at
    the center) are RBJ's with the digital octave law, gain ignored: ReaEQ's own have not been measured.

    Args:
        params: [freq_hz, gain_db, bandwidth_oct], shape (..., bands, 3). Frequencies beyond 0.499 of the sample rate
            are designed there. Computed in float64; in float32 the *result* cannot hold a filter of 20 Hz at 192 kHz.
        kinds: one for each place on the band axis.
        sample_rate: Hz.

    Returns:
        b0 b1 b2 1 a1 a2, shape (..., bands, 6), dtype and device of `params`.

    Raises:
        ValueError: `params` and `kinds` disagree about the number of bands.
    """
    at_one, at_minus_one, difference = band_ends(_exact(params), tuple(kinds), sample_rate).unbind(-1)
    outer, middle = (at_one + at_minus_one) / 4, (at_one - at_minus_one) / 2
    sections = torch.stack((outer + difference / 2, middle, outer - difference / 2), -1)  # (..., bands, 2, 3)
    return (sections / sections[..., 1:, :1]).flatten(-2).to(params)


def band_responses_db(
    params: Tensor, kinds: Sequence[BandKind], freqs_hz: Tensor, sample_rate: float, powers: Tensor | None = None
) -> Tensor:
    """Magnitude response of each band alone.

    Args:
        params: as for `band_coefficients`, shape (..., bands, 3).
        freqs_hz: Hz, shape (n,); above Nyquist the response at Nyquist is given.
        powers: `half_angle_powers` of the frequencies, where they are at hand.

    Returns:
        dB, not below -200, shape (..., bands, n), dtype and device of `params`.
    """
    exact = _exact(params)
    powers = half_angle_powers(freqs_hz, sample_rate).to(exact) if powers is None else powers
    numerator, denominator = (power_polynomials(exact, kinds, sample_rate) @ powers).unbind(-2)
    return (10 * torch.log10((numerator / denominator).clamp(min=MIN_POWER))).to(params)


def half_angle_powers(freqs_hz: Tensor, sample_rate: float) -> Tensor:
    """cos^4, cos^2 sin^2, sin^4 of half the angle of frequencies in Hz (n,), float64 (3, n); ends at Nyquist."""
    freqs_hz = torch.as_tensor(freqs_hz)
    half = freqs_hz.to("cpu" if freqs_hz.device.type == "mps" else freqs_hz.device, torch.float64)
    half = half.clamp(max=sample_rate / 2) * (math.pi / sample_rate)
    cos2, sin2 = torch.cos(half) ** 2, torch.sin(half) ** 2
    return torch.stack((cos2 * cos2, cos2 * sin2, sin2 * sin2))


def power_polynomials(params: Tensor, kinds: Sequence[BandKind], sample_rate: float) -> Tensor:
    """|B|^2 and |A|^2 of each band as weights of `half_angle_powers`, but for a factor that both share; float64 (...,
    bands, 3) -> (..., bands, 2, 3).

    |B|^2 = (dc cos^2 - nyquist sin^2)^2 + 4 d^2 cos^2 sin^2 with dc = B(1), nyquist = B(-1), d = b0 - b2. The usual
    form in sin^2 alone takes small differences of large squares near Nyquist, where it was 6 dB wrong for a wide band;
    here nothing small is left over from something large.
    """
    dc, nyquist, d = band_ends(params, tuple(kinds), sample_rate).unbind(-1)
    return torch.stack((dc * dc, 4 * d * d - 2 * dc * nyquist, nyquist * nyquist), -1)


def response_db(params: Tensor, kinds: Sequence[BandKind], freqs_hz: Tensor, sample_rate: float) -> Tensor:
    """Magnitude response of the bands in series, as ReaEQ runs them.

    Args:
        params, kinds, freqs_hz, sample_rate: as for `band_responses_db`.

    Returns:
        dB, shape (..., n).
    """
    return band_responses_db(params, kinds, freqs_hz, sample_rate).sum(-2)


def bandwidth_from_q(q: float, freq_hz: float, sample_rate: float) -> float:
    """Octaves of a band of quality `q` at `freq_hz` Hz by the digital octave law, 1/Q = 2 sinh(ln2/2 bw w/sin w) (RBJ
    cookbook)."""
    w = min(freq_hz, MAX_FREQ_RATIO * sample_rate) * (2 * math.pi / sample_rate)
    return 2 / math.log(2) * math.asinh(0.5 / q) * math.sin(w) / w


def eq_from_params(params: Tensor, kinds: Sequence[BandKind], output_gain_db: float = 0.0) -> Eq:
    """The `Eq` of one set of parameters, shape (bands, 3), all bands enabled."""
    rows = params.tolist()
    return Eq(tuple(Band(kind, *row) for kind, row in zip(kinds, rows, strict=True)), output_gain_db)


def params_from_eq(eq: Eq) -> tuple[Tensor, tuple[BandKind, ...]]:
    """What sounds of an `Eq`: its enabled bands' parameters, float64 (bands, 3), and their kinds."""
    on = [band for band in eq.bands if band.enabled]
    rows = [(band.freq_hz, band.gain_db, band.bandwidth_oct) for band in on]
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, 3), tuple(band.kind for band in on)


def eq_response_db(eq: Eq, freqs_hz: Any, sample_rate: float) -> np.ndarray:
    """Response of the enabled bands, without `output_gain_db`.

    Args:
        freqs_hz: Hz, shape (n,), anything numpy reads.

    Returns:
        dB, numpy float64, shape (n,).
    """
    sample_rate = as_number("the sample rate", sample_rate)
    try:
        freqs = torch.as_tensor(np.asarray(freqs_hz, dtype=np.float64))
    except (TypeError, ValueError):
        raise WrongTypeError("frequencies", freqs_hz, "numbers in Hz") from None
    if freqs.numel() <= KEPT_FREQS:
        return _known_response(eq.bands, freqs.numpy().tobytes(), sample_rate).copy()
    params, kinds = params_from_eq(eq)
    return response_db(params, kinds, freqs, sample_rate).numpy()


@lru_cache(maxsize=256)
def _known_response(bands: tuple[Band, ...], freqs_hz: bytes, sample_rate: float) -> np.ndarray:
    """Of an EQ on a grid: several ask for the same one on its way to an answer."""
    params, kinds = params_from_eq(Eq(bands))
    freqs = torch.from_numpy(np.frombuffer(freqs_hz).copy())
    return band_responses_db(params, kinds, freqs, sample_rate, known_powers(freqs_hz, sample_rate)).sum(-2).numpy()


@lru_cache(maxsize=64)
def known_powers(freqs_hz: bytes, sample_rate: float) -> Tensor:
    """`half_angle_powers` of a grid (the bytes of its float64) that responses are asked for again and again."""
    return half_angle_powers(torch.from_numpy(np.frombuffer(freqs_hz).copy()), sample_rate)


class EqFilter:
    """Filters a stream block by block; the blocks' ends do not show.

    >>> import numpy as np
    >>> stream = EqFilter(Eq((Band("band", 1000.0, 6.0),), output_gain_db=-6.0), sample_rate=48_000, channels=2)
    >>> stream.process(np.ones((2, 3))).shape
    (2, 3)
    """

    def __init__(self, eq: Eq, sample_rate: float, channels: int):
        params, kinds = params_from_eq(eq)
        self._sos = band_coefficients(params, kinds, sample_rate).numpy()
        self._gain = 10 ** (eq.output_gain_db / 20)
        self._state = np.zeros((len(kinds), channels, 2))
        self._alike = True  # so far all channels were: filtering one of them is enough

    def process(self, block: np.ndarray) -> np.ndarray:
        """(channels, samples) in, the same shape out, float32; samples beyond 1.0 are kept, never clipped."""
        if block.ndim != 2 or block.shape[0] != self._state.shape[1]:
            raise ValueError(f"expected ({self._state.shape[1]}, samples), not {block.shape}")
        block = np.asarray(block, dtype=np.float64)
        # scipy refuses a cascade of no sections
        if len(self._sos) and block.shape[1]:
            self._alike = self._alike and all(np.array_equal(one, block[0]) for one in block[1:])
            once = block[:1] if self._alike else block
            out, state = sosfilt(self._sos, once, self._state[:, : len(once)])
            block = np.broadcast_to(out, block.shape)
            self._state = np.broadcast_to(state, self._state.shape)
        return (block * self._gain).astype(np.float32)


def apply_eq(eq: Eq, audio: Any, sample_rate: float) -> Any:
    """Filters `audio` as ReaEQ would, from silence, and applies `output_gain_db`.

    Args:
        audio: numpy or torch, (samples,) or (channels, samples). No gradient passes.
        sample_rate: Hz.

    Returns:
        The same type, shape and device, float32, never clipped.
    """
    sample_rate = as_number("the sample rate", sample_rate)
    is_tensor = isinstance(audio, Tensor)
    samples = audio.detach().cpu().numpy() if is_tensor else np.asarray(audio)
    if samples.dtype.kind not in "fiub":
        raise WrongTypeError("audio", audio, "an array of numbers")
    block = np.atleast_2d(samples)
    out = EqFilter(eq, sample_rate, block.shape[0]).process(block).reshape(samples.shape)
    return torch.from_numpy(out).to(audio.device) if is_tensor else out


def _exact(params: Tensor) -> Tensor:
    """float64, because 1 + a1 + a2 of a 20 Hz band at 192 kHz is 4e-7: less than float32 holds. MPS has no float64."""
    return params.to("cpu" if params.device.type == "mps" else params.device, torch.float64)


def band_ends(params: Tensor, kinds: tuple[BandKind, ...], sample_rate: float) -> Tensor:
    """B(1), B(-1), b0 - b2 and the same of A, but for a factor that both share; float64 (..., bands, 3) -> (..., bands,
    2, 3). Raises `ValueError` as `band_coefficients` does."""
    if params.shape[-1] != 3 or params.shape[-2] != len(kinds):
        raise ValueError(f"params {tuple(params.shape)} do not hold {len(kinds)} bands of 3 numbers")
    if not kinds:
        return params.new_zeros((*params.shape[:-1], 2, 3))
    table = _table(kinds, str(params.device))
    freq_hz, gain_db, bandwidth_oct = params.unbind(-1)
    half = freq_hz.clamp(max=MAX_FREQ_RATIO * sample_rate) * (math.pi / sample_rate)
    sin, cos = torch.sin(half), torch.cos(half)
    sin_w = 2 * sin * cos
    # sin w / 2Q by the digital octave law
    alpha = sin_w * torch.sinh((math.log(2) * bandwidth_oct * half / sin_w).clamp(max=MAX_SINH_ARGUMENT))
    if table.shelves is not None:
        alpha = torch.where(table.shelves, _shelf_alpha(gain_db, bandwidth_oct, sin_w), alpha)
    if table.passes is not None:
        alpha = torch.where(table.passes, sin_w * torch.sinh(math.log(2) / 2 * bandwidth_oct), alpha)
    base = torch.stack((sin * sin, cos * cos, 0.5 * alpha), -1).unsqueeze(-2)  # (..., bands, 1, 3)
    lifted = torch.exp((math.log(10) / 40 * gain_db)[..., None, None] * table.powers)
    ends = base * lifted
    return ends if table.there is None else ends * table.there


def _shelf_alpha(gain_db: Tensor, bandwidth_oct: Tensor, sin_w: Tensor) -> Tensor:
    """sin w / 2Q of a shelf of slope S = 1/bw^2, where 1/Q^2 = (A + 1/A)(1/S - 1) + 2."""
    bandwidth_oct = bandwidth_oct.clamp(min=MIN_SHELF_BANDWIDTH_OCT)
    ratio = 2 * torch.cosh(math.log(10) / 40 * gain_db)
    # it falls below zero for the steepest shelves beyond 43 dB
    return 0.5 * sin_w * (ratio * (bandwidth_oct**2 - 1) + 2).clamp(min=1e-3).sqrt()


@dataclass(frozen=True)
class _Table:
    """What hangs on the kinds of bands alone: `powers` of A (bands, 2, 3); `there` (bands, 2, 3), 0 for what is 0, None
    where nothing is; `shelves` and `passes`, bool (bands,), None where there are none."""

    powers: Tensor
    there: Tensor | None
    shelves: Tensor | None
    passes: Tensor | None


@lru_cache(maxsize=256)
def _table(kinds: tuple[BandKind, ...], device: str) -> _Table:
    rows = [[[0.0 if p is None else p for p in half] for half in POWERS_OF_A[BandKind(kind)]] for kind in kinds]
    there = [[[float(p is not None) for p in half] for half in POWERS_OF_A[BandKind(kind)]] for kind in kinds]
    shelves, passes = ([BandKind(kind) in group for kind in kinds] for group in (SHELVES, PASS_FILTERS))
    return _Table(
        torch.tensor(rows, dtype=torch.float64, device=device),
        None if np.all(there) else torch.tensor(there, dtype=torch.float64, device=device),
        torch.tensor(shelves, device=device) if any(shelves) else None,
        torch.tensor(passes, device=device) if any(passes) else None,
    )
