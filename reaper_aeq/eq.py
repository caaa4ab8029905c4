"""ReaEQ's bands in ReaEQ's own units, and the limits we keep.

Standard library only, and data alone: what bands do to sound is said in `dsp.response`. `Eq.response_db` and `Eq.apply`
are the public names of two functions there, looked up when called, so that importing this module loads no torch.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .errors import AeqError

if TYPE_CHECKING:
    import numpy as np


class BandKind(StrEnum):
    """The kinds of ReaEQ band whose response is known (docs/reaper.md, section 5)."""

    LOW_SHELF = "low_shelf"
    HIGH_SHELF = "high_shelf"
    BAND = "band"
    LOW_PASS = "low_pass"
    HIGH_PASS = "high_pass"
    NOTCH = "notch"
    BAND_PASS = "band_pass"


@dataclass(frozen=True)
class Range:
    """Closed interval of a parameter, in the unit its name carries."""

    low: float
    high: float

    def clamp(self, value: float) -> float:
        """The nearest value inside."""
        return min(max(value, self.low), self.high)

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


# The one table of limits: the fit, the network, the writer, the docs and the tests read it.
LIMITS: dict[str, Range] = {
    "gain_db": Range(-12.0, 12.0),
    "freq_hz": Range(20.0, 20_000.0),
    "bandwidth_oct": Range(0.1, 4.0),
    "intensity": Range(-2.0, 2.0),
    "adaptation": Range(0.0, 1.0),
    "match_intensity": Range(0.0, 2.0),
    "smoothing_oct": Range(0.0, 4.0),
    "refine": Range(0, 500),  # steps
    "variations": Range(0, 32),
}
MAX_BANDS = 5
# ReaEQ's shelves are confirmed against real renders at 1.0 octave only, so that is how we write them.
SHELF_BANDWIDTH_OCT = 1.0
SHELVES = (BandKind.LOW_SHELF, BandKind.HIGH_SHELF)
PASS_FILTERS = (BandKind.LOW_PASS, BandKind.HIGH_PASS)
WITHOUT_GAIN = (*PASS_FILTERS, BandKind.NOTCH, BandKind.BAND_PASS)


@dataclass(frozen=True)
class Band:
    """One ReaEQ band: `freq_hz` in Hz, `gain_db` in dB, `bandwidth_oct` in octaves (not Q).

    Raises `AeqError` for a value that is not finite, or a frequency or bandwidth that is not positive.

    >>> Band("low_shelf", 180.0, 3.1).bandwidth_oct
    1.0
    """

    kind: BandKind
    freq_hz: float
    gain_db: float = 0.0
    bandwidth_oct: float = SHELF_BANDWIDTH_OCT
    enabled: bool = True

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "kind", BandKind(self.kind))
        except ValueError:
            raise AeqError(f"unknown band kind {self.kind!r}: use one of {', '.join(BandKind)}") from None
        for name in ("freq_hz", "gain_db", "bandwidth_oct"):
            value = float(getattr(self, name))
            if not math.isfinite(value) or (name != "gain_db" and value <= 0):
                raise AeqError(f"{name} of a band cannot be {value:g}")
            object.__setattr__(self, name, value)


def hz_text(freq_hz: float) -> str:
    """A frequency in three digits, for people.

    >>> hz_text(182.4), hz_text(6543.0)
    ('182 Hz', '6.54 kHz')
    """
    return f"{freq_hz / 1000:.3g} kHz" if freq_hz >= 999.5 else f"{freq_hz:.3g} Hz"


def pass_corner_hz(is_high_pass: Any, freq_hz: Any, times: Any) -> Any:
    """Where the corner of a pass filter (Butterworth) lies that does `times` as many dB where `freq_hz` does 3.0.

    It is how much of a filter without a gain is used: at times 0 it has left the spectrum. Numbers, arrays or tensors
    of `times` from 0; they broadcast.

    >>> round(pass_corner_hz(True, 60.0, 0.5), 1), round(pass_corner_hz(False, 8000.0, 2.0), 1)
    (48.1, 6078.7)
    """
    moved = (2.0**times - 1.0) ** 0.25
    return freq_hz * moved ** (2 * is_high_pass - 1)


def _filters() -> ModuleType:
    """`dsp.response`, which loads torch: not before a response is asked for."""
    return import_module(".dsp.response", __package__)


@dataclass(frozen=True)
class Eq:
    """Bands in series and the gain that follows them (ReaEQ's global gain), dB."""

    bands: tuple[Band, ...] = field(default=())
    output_gain_db: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "bands", tuple(self.bands))

    def response_db(self, freqs_hz: Any, sample_rate: int) -> np.ndarray:
        """What ReaEQ will do, bands only (without `output_gain_db`).

        Args:
            freqs_hz: frequencies in Hz, shape (n,); above Nyquist the response at Nyquist is given.
            sample_rate: Hz; ReaEQ's digital filters depend on it near Nyquist.

        Returns:
            dB, numpy float64, shape (n,).
        """
        return _filters().eq_response_db(self, freqs_hz, sample_rate)

    def apply(self, audio: Any, sample_rate: int) -> Any:
        """Filters `audio` ((samples,) or (channels, samples), numpy or torch) and applies `output_gain_db`.

        Returns the same type and shape, float32.
        """
        return _filters().apply_eq(self, audio, sample_rate)

    def with_output_gain(self, output_gain_db: float) -> Eq:
        """The same bands with another output gain, dB."""
        return replace(self, output_gain_db=float(output_gain_db))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: `output_gain_db` and `bands`, as `--json` prints them."""
        bands = [{**asdict(band), "kind": str(band.kind)} for band in self.bands]
        return {"output_gain_db": self.output_gain_db, "bands": bands}


RAMP_S = 0.5  # before each cut, over which gains move from one section's to the next


@dataclass(frozen=True)
class EqSection:
    """A section of a song, in seconds from the beginning of the sound, and its EQ."""

    start_s: float
    stop_s: float
    eq: Eq


@dataclass(frozen=True)
class MovingEq:
    """An EQ that follows a song: the same bands in all sections, whose gains and output gain move.

    They stand still in a section and move to those of the next in the last `RAMP_S` before it, evenly on the scale of
    REAPER's envelopes, which is linear in amplitude. Raises `AeqError` for sections whose bands differ in more than
    gains, or that do not follow each other.
    """

    sections: tuple[EqSection, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "sections", tuple(self.sections))
        if not self.sections:
            raise AeqError("an EQ that follows a song needs a section")
        first = _shape(self.sections[0].eq)
        for before, after in zip(self.sections, self.sections[1:], strict=False):
            if _shape(after.eq) != first:
                raise AeqError("the sections of a song have to have the same bands")
            if not before.start_s < after.start_s:
                raise AeqError("the sections of a song have to follow each other")

    @property
    def bands(self) -> tuple[Band, ...]:
        """With the gains of the first section."""
        return self.sections[0].eq.bands

    @property
    def moving(self) -> list[int]:
        """Which bands move, and `len(bands)` where the output gain does."""
        rows = [_gains(section.eq) for section in self.sections]
        return [n for n, gains in enumerate(zip(*rows, strict=True)) if max(gains) != min(gains)]

    def points(self, which: int) -> list[tuple[float, float]]:
        """(seconds, dB) between which the gain of a band moves in straight lines of amplitude; `len(bands)` is the
        output gain."""
        found = [(self.sections[0].start_s, _gains(self.sections[0].eq)[which])]
        for before, after in zip(self.sections, self.sections[1:], strict=False):
            was, is_ = _gains(before.eq)[which], _gains(after.eq)[which]
            if was != is_:
                ramp = min(RAMP_S, 0.5 * (after.start_s - before.start_s))
                found += [(after.start_s - ramp, was), (after.start_s, is_)]
        return found

    def at(self, seconds: float) -> Eq:
        """The EQ at a moment."""
        gains = [_between(self.points(n), seconds) for n in range(len(self.bands) + 1)]
        bands = (replace(band, gain_db=gain) for band, gain in zip(self.bands, gains[:-1], strict=True))
        return Eq(tuple(bands), gains[-1])


def _shape(eq: Eq) -> list[tuple[Any, ...]]:
    return [(band.kind, band.freq_hz, band.bandwidth_oct, band.enabled) for band in eq.bands]


def _gains(eq: Eq) -> list[float]:
    return [*(band.gain_db for band in eq.bands), eq.output_gain_db]


def _between(points: list[tuple[float, float]], seconds: float) -> float:
    """dB at a time between points that straight lines of amplitude join."""
    last_s, last_db = points[0]
    for at_s, gain_db in points:
        if seconds < at_s:
            if gain_db == last_db or at_s == last_s:
                return last_db
            part = (seconds - last_s) / (at_s - last_s)
            amplitude = (1 - part) * 10 ** (last_db / 20) + part * 10 ** (gain_db / 20)
            return 20 * math.log10(amplitude)
        last_s, last_db = at_s, gain_db
    return last_db
