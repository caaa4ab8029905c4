"""How REAPER's FX parameters map onto ReaEQ's units (docs/reaper.md, section 4).

ReaEQ's gain lives on two scales that must not be mixed. The *raw* one (`TrackFX_GetParam`, `SetParam`) is linear
amplitude / 4, so 0 dB is 0.25. The *normalized* one (`...ParamNormalized`, `GetEQParam`, `SetEQParam` with isnorm) puts
0 dB in the middle, at 0.5. For frequency and bandwidth both scales are the same numbers.

Values beyond ReaEQ's range are clamped, as its own knobs do. Standard library only.
"""

from __future__ import annotations

import math

from ...eq import BandKind, Range

# What ReaEQ's controls can reach; `bands.LIMITS` is what we allow ourselves inside it.
RANGES: dict[str, Range] = {
    "freq_hz": Range(20.0, 24_000.0),
    "gain": Range(0.0, 4.0),  # linear amplitude: from silence to +12.04 dB
    "bandwidth_oct": Range(0.01, 4.0),
}

# The numbers TrackFX_GetEQParam and SetEQParam use. They differ from the integers of the state and of BANDTYPEn.
API_BAND_TYPES: dict[BandKind, int] = {
    BandKind.HIGH_PASS: 0,
    BandKind.LOW_SHELF: 1,
    BandKind.BAND: 2,
    BandKind.NOTCH: 3,
    BandKind.HIGH_SHELF: 4,
    BandKind.LOW_PASS: 5,
    BandKind.BAND_PASS: 6,
}

_FREQ_BASE = 401.0  # the knob's curve: Hz - 20 grows with 401**x - 1


def db_to_linear(gain_db: float) -> float:
    """dB to linear amplitude; minus infinity gives 0.

    >>> db_to_linear(0.0)
    1.0
    """
    return 10.0 ** (gain_db / 20.0)


def linear_to_db(gain: float) -> float:
    """Linear amplitude to dB; zero and below give minus infinity, which is how ReaEQ shows them."""
    return 20.0 * math.log10(gain) if gain > 0 else -math.inf


def normalized_to_freq(normalized: float) -> float:
    """The 0..1 of a frequency parameter (raw and normalized are equal) to Hz.

    >>> round(normalized_to_freq(0.476049))
    1000
    """
    low, high = RANGES["freq_hz"].low, RANGES["freq_hz"].high
    return low + (high - low) * (_FREQ_BASE ** _unit(normalized) - 1) / (_FREQ_BASE - 1)


def raw_to_gain_db(raw: float) -> float:
    """The raw scale of a band's gain to dB; 0 gives minus infinity.

    >>> raw_to_gain_db(0.25)
    0.0
    """
    return linear_to_db(RANGES["gain"].high * _unit(raw))


def raw_to_bandwidth(raw: float) -> float:
    """The 0..1 of a bandwidth parameter (raw and normalized are equal) to octaves.

    >>> raw_to_bandwidth(0.5)
    2.0
    """
    return RANGES["bandwidth_oct"].clamp(RANGES["bandwidth_oct"].high * _unit(raw))


def raw_to_global_gain_db(raw: float) -> float:
    """The raw value of "Global Gain", which is the linear amplitude itself, 0 to 4, to dB; 0 gives minus infinity."""
    return linear_to_db(RANGES["gain"].clamp(raw))


def _unit(value: float) -> float:
    return min(max(value, 0.0), 1.0)
