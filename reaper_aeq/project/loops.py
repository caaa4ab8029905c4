"""Loops over hours, heard in a few repetitions: which stretches of the timeline repeat, and what of them is read.

Where nothing but loops sounds, what is heard repeats: each moment takes a frame of a repetition that was analyzed. How
frames lie on the sound matters, for a hit between two of them counts 3 dB less than one in the middle of a frame. As
frames are Hann windows that overlap by half, what a hit counts is a constant and one cosine over the distance of two
frames; only the mean of that cosine over all repetitions is to be kept. So some are analyzed twice, with frames that
lie as much before as behind it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..dsp.fine_structure import KEPT_FRAMES, fine_structure
from ..dsp.peaks import most_of
from ..dsp.spectrum import EXACT_UP_TO_S, Analysis, Spectra, frame_length
from .spans import Span, skipping

LEAST_S = 12.0  # of a loop are read, in as many repetitions as that takes
SETTLE_S = 0.5  # after a place where reading begins: filters come to rest, frames that hold the beginning are left out
AFTER_FRAMES = 6  # are read beyond a frame that counts, for what looks at several in a row
WORTH = 2.0  # a stretch must be so many times as long as what would be read of it
MOST_TOGETHER = 64  # loops of several lengths are one whose length is up to so many times the longest
DRIFT_S = 0.02  # by which they may move against each other over a stretch
TURNS = 4  # so many places are tried between two copies where the first repetition may begin to take the next
SHORTEST_S = 1.0  # what repeats sooner is taken several times as one


@dataclass(frozen=True)
class Sounding:
    """An item on the timeline: `steady` is where no fade shapes it, `period` after how many samples its sound repeats,
    None where it does not. `pace`: how long a second of what is analyzed lasts."""

    span: Span
    steady: Span
    period: float | None
    pace: float = 1.0


@dataclass(frozen=True)
class Stretch:
    """Samples `start` to `stop` of a sound, in which it repeats after `period`; `settle` of them after any place where
    reading begins are not to be used."""

    start: int
    stop: int
    period: float
    settle: int


@dataclass(frozen=True)
class Window:
    """A part of a sound, in samples from its beginning, that is read by itself; `copies` are the places in it where a
    repetition begins."""

    start: int
    stop: int
    copies: tuple[float, ...] = ()


@dataclass(frozen=True)
class FoldedLoop:
    """What stands for a stretch: moments from `first` to `stop` (samples) are taken from `windows` (their numbers);
    before them is read the one of the number before."""

    first: int
    stop: int
    period: float
    windows: tuple[int, ...]


@dataclass(frozen=True)
class Reading:
    """What is read of a sound of `samples`: windows in order of time, and which moments come from elsewhere."""

    samples: int
    sample_rate: int
    windows: tuple[Window, ...]
    folds: tuple[FoldedLoop, ...]


def stretches(items: Iterable[Sounding], spans: Sequence[Span], sample_rate: int) -> list[Stretch]:
    """Where only loops sound for long, in samples of the sound that is left of `spans`, the others being skipped."""
    items = [item for item in items if item.span.stop > item.span.start]
    edges = sorted({edge for item in items for one in (item.span, item.steady) for edge in (one.start, one.stop)})
    found: list[Stretch] = []
    for start, stop in itertools.pairwise(edges):
        if stop - start < EXACT_UP_TO_S * sample_rate:
            continue
        now = [item for item in items if item.span.start <= start and stop <= item.span.stop]
        if now and all(item.period and item.steady.start <= start and stop <= item.steady.stop for item in now):
            period = _together({float(item.period) for item in now if item.period}, stop - start, sample_rate)
            if period:
                at = skipping(spans, start)
                slowest = max(item.pace for item in now)
                settle = round(max(SETTLE_S * sample_rate, slowest * frame_length(sample_rate)))
                found.append(Stretch(at, at + stop - start, period, settle))
    return found


def _together(periods: set[float], length: int, sample_rate: int) -> float | None:
    """After how many samples sounds with these periods repeat together; None where that is too long to be worth it."""
    longest, drift = max(periods), DRIFT_S * sample_rate
    for times in range(1, MOST_TOGETHER + 1):
        whole = times * longest
        if WORTH * whole > length:
            return None
        repeats = length / whole
        if all(repeats * abs(whole - round(whole / one) * one) <= drift for one in periods):
            return whole * math.ceil(SHORTEST_S * sample_rate / whole)
    return None


def reading(found: Sequence[Stretch], samples: int, sample_rate: int) -> Reading | None:
    """What to read of a sound with these stretches; None where all of it has to be."""
    if samples <= EXACT_UP_TO_S * sample_rate:
        return None
    hop = frame_length(sample_rate) // 2
    windows: list[Window] = []
    folds: list[FoldedLoop] = []
    start = 0  # of the window that is under way
    for one in found:
        margin = one.settle + AFTER_FRAMES * hop
        first, stop = one.start + one.settle + hop, one.stop - 2 * hop
        last = (stop - one.settle - hop) // hop * hop
        copies = math.ceil(LEAST_S * sample_rate / one.period)
        again = first + math.ceil((one.settle + 2 * hop) / one.period) * one.period
        end = math.ceil(again + copies * one.period) + margin
        if last - first < WORTH * 2 * (end - first + margin) or end > one.stop:
            continue
        windows.append(Window(start, first + margin))
        places = tuple(again + n * one.period for n in range(copies))
        begins = [
            round(again + (phase - math.ceil(1 + phase + one.settle / hop)) * hop)
            for phase in _phases(first, (stop - first) / one.period, one.period, copies, hop)
        ]
        folds.append(FoldedLoop(first, stop, one.period, tuple(range(len(windows), len(windows) + len(begins)))))
        windows += [Window(begin, end, places) for begin in begins]
        start = last
    if not folds:
        return None
    windows.append(Window(start, samples))
    return Reading(samples, sample_rate, tuple(windows), tuple(folds))


def _phases(first: int, repeats: float, period: float, copies: int, hop: int) -> list[float]:
    """Where frames are to lie behind the beginning of a copy, in parts of `hop`: the mean cosine of copies with these,
    all alike often, is that of all repetitions, whose frames lie at whole hops."""
    turns = 2j * np.pi / hop
    all_of_them = complex(np.exp(-turns * (first + np.arange(math.ceil(repeats)) * period)).mean())
    read = complex(np.exp(-turns * np.arange(copies) * period).mean())
    apart = math.acos(min(1.0, abs(all_of_them) / max(abs(read), 1e-9)))
    middle = float(np.angle(all_of_them) - np.angle(read))
    return [angle / (2 * math.pi) for angle in ((middle,) if apart < 0.05 else (middle + apart, middle - apart))]


def joined(plan: Reading, parts: Iterable[Analysis], sections: bool = False) -> Analysis:
    """The analysis of the whole from those of its windows, which must hold their `spectra`.

    One after the other is asked for, and of each only what the whole keeps stays in memory. `sections`: each moment
    gets a frame of its own, and `spectra` stay.
    """
    hop = frame_length(plan.sample_rate) // 2
    rows = np.cumsum([0, *((window.stop - window.start) // hop + 2 for window in plan.windows)])
    order = _order(plan, rows[:-1])
    every = 1
    while len(order) > 2 * KEPT_FRAMES * every - every:
        every *= 2
    moments = order[::every]  # of which a `FrameStore` would keep the frames
    spectra: Spectra | None = None
    known, seen = True, []
    for part, first, stop in zip(parts, rows[:-1], rows[1:], strict=True):
        assert len(part.band_power) == stop - first, "frames follow from the length"
        seen.append(replace(part, spectra=None, node_power=None))
        if part.spectra is None:  # of what is stretched nothing is known between bands
            known = False
        else:
            spectra = _kept(spectra, part, part.spectra, moments - first, every)
    spectra, which = spectra if known else None, torch.from_numpy(order)
    band, mel = (torch.cat([getattr(part, name) for part in seen]) for name in ("band_power", "mel_power"))
    loudest = [part.loudest for part in seen if part.loudest is not None and len(part.loudest)]
    return replace(
        seen[0],
        band_power=band[which] if sections else band,
        mel_power=mel[which] if sections else mel,
        order=None if sections else which,
        duration_s=plan.samples / plan.sample_rate,
        fine=fine_structure(spectra.power, spectra.bin_hz) if spectra else seen[0].fine,
        spectra=spectra if sections else None,
        loudest=most_of(torch.cat(loudest)) if loudest else None,
        most_peak_db=max((part.most_peak_db for part in seen if part.most_peak_db is not None), default=None),
    )


def _kept(spectra: Spectra | None, part: Analysis, own: Spectra, moments: np.ndarray, every: int) -> Spectra:
    """`spectra` of the kept `moments`, of which those within `part` have its `own`, the nearest that it kept."""
    if spectra is None:
        room = own.power.new_zeros(len(moments), own.power.shape[1])
        spectra = Spectra(room, own.bin_hz, part.frame_rate / every)
    here = np.flatnonzero((moments >= 0) & (moments < len(part.band_power)))
    at = np.round(moments[here] / (part.frame_rate / own.frame_rate)).astype(int)
    spectra.power[here] = own.power[at.clip(max=len(own.power) - 1)]
    return spectra


def _order(plan: Reading, rows: np.ndarray) -> np.ndarray:
    """(moments,) the number of the frame that stands for each; `rows`: of the first frame of each window."""
    hop = frame_length(plan.sample_rate) // 2
    at = np.arange(plan.samples // hop + 2) * hop
    starts = np.array([window.start for window in plan.windows])
    # first as the windows between and around the stretches say, then the stretches
    before = np.array([fold.windows[0] - 1 for fold in plan.folds] + [len(plan.windows) - 1])
    number = before[np.searchsorted([fold.first for fold in plan.folds], at, "right")]
    order = rows[number] + (at - starts[number]) // hop
    for fold in plan.folds:
        inside = slice(*np.searchsorted(at, (fold.first, fold.stop)))
        order[inside] = _repeated(fold, plan.windows, rows, at[inside], hop)
    return order


def _repeated(fold: FoldedLoop, windows: Sequence[Window], rows: np.ndarray, at: np.ndarray, hop: int) -> np.ndarray:
    """(n,) frames for the moments `at` of a stretch. Each repetition takes the copy on which frames lie most alike."""
    begins = np.array([place for number in fold.windows for place in windows[number].copies])
    number = np.array([number for number in fold.windows for _ in windows[number].copies])
    offset = np.array([windows[n].start for n in number])
    repeat = ((at - fold.first) // fold.period).astype(int)
    every = np.arange(int(repeat.max(initial=0)) + 1)
    chosen = _shared(-(fold.first + every * fold.period) / hop % 1.0, (offset - begins) / hop % 1.0)[repeat]
    place = begins[chosen] + (at - fold.first - repeat * fold.period)
    return rows[number[chosen]] + np.round((place - offset[chosen]) / hop).astype(int)


def _shared(wanted: np.ndarray, phases: np.ndarray) -> np.ndarray:
    """(n,) which of `phases` on the circle 0..1 each takes: all equally often, and as near as that allows."""
    rank = np.empty(len(wanted), int)
    rank[np.argsort(wanted, kind="stable")] = np.arange(len(wanted))
    by_phase = np.argsort(phases, kind="stable")
    best, least = by_phase[:1].repeat(len(wanted)), np.inf
    for turn in range(TURNS * len(phases)):
        place = (rank * len(phases) / len(wanted) + turn / TURNS).astype(int) % len(phases)
        far = float((1 - np.cos(2 * np.pi * (wanted - phases[by_phase[place]]))).mean())
        if far < least:
            best, least = by_phase[place], far
    return best
