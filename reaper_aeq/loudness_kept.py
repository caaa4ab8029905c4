import numpy as np
from .bands import Eq
from .dsp.loudness import loudness_through


def measured_compensation_db(eq: Eq, audio: np.ndarray, sample_rate: int) -> float:
    """The same from the sound itself, (channels, samples), at the full resolution of its blocks."""
    before, after = loudness_through(audio, sample_rate, lambda freqs_hz: eq.response_db(freqs_hz, sample_rate))
    if not (np.isfinite(before) and np.isfinite(after)):
        return eq.output_gain_db
    return float(np.clip(before - after, -6, 6))
