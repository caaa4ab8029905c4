"""What ReaEQ does to sound, an implementation of its own in numpy and scipy (docs/reaper.md, section 5).

Written from the cookbook in Q form, not from reaper_aeq.dsp, so that one can check the other.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.signal import sosfilt, sosfreqz

from reaper_aeq.reaper.reaeq.state import ReaEqState, StateBand

from .errors import StandInError

LN2_HALF = math.log(2) / 2


def biquad(band: StateBand, sample_rate: float) -> np.ndarray:
    """b0 b1 b2 a0 a1 a2 of one enabled band, a0 = 1; raises for types that nobody has measured."""
    w = 2 * math.pi * min(band.freq_hz, 0.499 * sample_rate) / sample_rate
    cosine, sine = math.cos(w), math.sin(w)
    a = math.sqrt(max(band.gain, 1e-12))  # the cookbook's A: square root of the linear gain
    width = max(band.bandwidth_oct, 0.01)
    if band.type in (2, 8, 9, 6, 7):
        alpha = sine * math.sinh(min(LN2_HALF * width * w / sine, 20.0))
    elif band.type in (0, 1):
        slope = 1 / max(width, 0.915) ** 2
        alpha = sine / 2 * math.sqrt(max((a + 1 / a) * (1 / slope - 1) + 2, 1e-3))
    elif band.type in (3, 4):
        alpha = sine * math.sinh(LN2_HALF * width)
    else:
        raise StandInError("not modeled", f"the sound of ReaEQ's band type {band.type}")
    row = _COOKBOOK[band.type](a, cosine, alpha)
    return np.array(row) / row[3]


def _peaking(a, c, alpha):
    return 1 + alpha * a, -2 * c, 1 - alpha * a, 1 + alpha / a, -2 * c, 1 - alpha / a


def _shelf(a, c, alpha, side):
    """side 1: low shelf; -1: high shelf, which is the low one with the cosine's sign turned."""
    root, s = 2 * math.sqrt(a) * alpha, side
    b = (
        a * (a + 1 - s * (a - 1) * c + root),
        s * 2 * a * (a - 1 - s * (a + 1) * c),
        a * (a + 1 - s * (a - 1) * c - root),
    )
    return (*b, a + 1 + s * (a - 1) * c + root, -s * 2 * (a - 1 + s * (a + 1) * c), a + 1 + s * (a - 1) * c - root)


def _pass(a, c, alpha, side):
    """side 1: low pass, -1: high pass. The gain is ignored."""
    top = 1 - side * c
    return top / 2, side * top, top / 2, 1 + alpha, -2 * c, 1 - alpha


_COOKBOOK = {
    0: lambda a, c, alpha: _shelf(a, c, alpha, 1),
    1: lambda a, c, alpha: _shelf(a, c, alpha, -1),
    2: _peaking,
    8: _peaking,
    9: _peaking,
    3: lambda a, c, alpha: _pass(a, c, alpha, 1),
    4: lambda a, c, alpha: _pass(a, c, alpha, -1),
    6: lambda a, c, alpha: (1, -2 * c, 1, 1 + alpha, -2 * c, 1 - alpha),
    7: lambda a, c, alpha: (alpha, 0, -alpha, 1 + alpha, -2 * c, 1 - alpha),
}


def sections(state: ReaEqState, sample_rate: float) -> np.ndarray:
    """(enabled bands, 6): the instance's bands one after another."""
    rows = [biquad(band, sample_rate) for band in state.bands if band.enabled]
    return np.array(rows).reshape(-1, 6)


def process(state: ReaEqState, audio: np.ndarray, sample_rate: float) -> np.ndarray:
    """(samples, channels) through the bands and the global gain."""
    sos = sections(state, sample_rate)
    filtered = sosfilt(sos, audio, axis=0) if len(sos) and len(audio) else audio
    return filtered * state.gain


def response_db(state: ReaEqState, freqs_hz: np.ndarray, sample_rate: float) -> np.ndarray:
    """dB at each frequency, the global gain included."""
    sos = sections(state, sample_rate)
    response = sosfreqz(sos, freqs_hz, fs=sample_rate)[1] if len(sos) else np.ones(len(freqs_hz))
    return 20 * np.log10(np.maximum(np.abs(response) * state.gain, 1e-10))
