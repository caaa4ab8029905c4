"""What somebody did by hand to an EQ of ours since it was computed, and the same done to the next one.

Band by band where the next answer has that band too, so that a hand's narrow notch stays the notch that it is; what has
no counterpart goes beside it as bands of its own. The actions do the same (`reascripts/aeq/edits.lua`). Standard
library only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from ..eq import PASS_FILTERS, WITHOUT_GAIN, Band, BandKind, Eq, EqSection, MovingEq, hz_text
from .instance_record import InstanceRecord

# What REAPER's own rounding may change, far below what a hand does and anybody hears.
SAME_DB, SAME_HZ, SAME_OCT = 0.05, 5e-3, 0.02
NEAR_OCT = 1.0  # a band of that kind so near is the same band, moved
ANOTHER_PLACE, ANOTHER_KIND = 0.3, 3.0  # octaves that a band counts further off, in a row that a deletion shifted
MOST_DB, LEAST_HZ, MOST_HZ, LEAST_OCT, MOST_OCT = 12.04, 20.0, 24_000.0, 0.01, 4.0  # ReaEQ's
SHOWN = 4  # changes that are told
Bands = Sequence[Band | None]
FIELDS = ("freq_hz", "gain_db", "bandwidth_oct")  # of a band, in the order of ReaEQ's parameters


@dataclass(frozen=True)
class HeldEq:
    """What an instance holds now. A band of a kind that we cannot compute is None."""

    bands: Bands
    output_gain_db: float = 0.0

    @property
    def known(self) -> Eq:
        """What of it we can compute."""
        return Eq(tuple(band for band in self.bands if band), self.output_gain_db)


@dataclass(frozen=True)
class HandEdit:
    """An instance that is not what was computed: what is kept of it, both EQs, and the difference in words."""

    record: InstanceRecord
    computed: Eq
    held: HeldEq
    change: str

    @classmethod
    def of(cls, record: InstanceRecord, held: HeldEq, driven: Callable[[], Collection[int]]) -> HandEdit | None:
        """None where nobody changed it, and where nothing is known of it. `driven`: gives the numbers of the parameters
        that follow an envelope, and is asked only where something changed."""
        computed = record.computed
        change = described(computed, held) if computed else ""
        if computed and change:
            held = without_envelopes(computed, held, driven())
            change = described(computed, held)
        return cls(record, computed, held, change) if computed and change else None


def kept(computed: Eq, held: HeldEq, new: Eq) -> Eq:
    """`new` with what a hand made of `computed`: `held` itself where `new` is what was computed before."""
    (nows, own), added, extra = _paired(computed.bands, held.bands), [], []
    again = _matched(len(new.bands), len(computed.bands), lambda n, k: _again(new.bands[n], computed.bands[k]))
    for band, before in zip(new.bands, again, strict=True):
        now = None if before is None else nows[before]
        if before is None:
            added.append(band)
        elif now is not None:  # else it was deleted
            added.append(_moved_alike(computed.bands[before], now, band))
    for k, (band, now) in enumerate(zip(computed.bands, nows, strict=True)):
        if k not in again:
            extra += _difference(band, now)
    gain_db = held.output_gain_db - computed.output_gain_db
    gain_db = new.output_gain_db + (gain_db if abs(gain_db) >= SAME_DB else 0.0)
    return Eq((*added, *(band for band in own if band), *extra), min(gain_db, MOST_DB))


def toward(computed: Eq, held: HeldEq, share: float) -> Eq:
    """What counts as computed once `share` (0..1) of an edit has become part of the word's own meaning."""
    (nows, added), bands = _paired(computed.bands, held.bands), []
    for band, now in zip(computed.bands, nows, strict=True):
        if now is None or (band.enabled and not now.enabled):
            bands.append(replace(band, gain_db=band.gain_db * (1 - share)))
        elif now.kind != band.kind or not band.enabled:
            bands.append(band)
        else:
            bands.append(Band(
                band.kind, band.freq_hz * (now.freq_hz / band.freq_hz) ** share,
                band.gain_db + share * (now.gain_db - band.gain_db),
                band.bandwidth_oct * (now.bandwidth_oct / band.bandwidth_oct) ** share,
            ))  # fmt: skip
    for own in added:
        if own and own.enabled and _has_gain(own):
            bands.append(replace(own, gain_db=own.gain_db * share))
    return Eq(tuple(bands), computed.output_gain_db)


def along(eq: Eq, whole: Eq, moving: MovingEq) -> MovingEq:
    """What `whole`, `eq` with a hand's changes, does in the sections that `eq` has in `moving`: the hand's part is the
    same in all."""
    if whole == eq:
        return moving
    found = _pairs(eq.bands, whole.bands)
    computed_of = {place: k for k, place in enumerate(found) if place is not None}
    sections = []
    for section in moving.sections:
        bands = []
        for place, band in enumerate(whole.bands):
            k = computed_of.get(place)
            moved = section.eq.bands[k].gain_db - eq.bands[k].gain_db if k is not None and _has_gain(band) else 0.0
            bands.append(replace(band, gain_db=min(band.gain_db + moved, MOST_DB)))
        gain_db = section.eq.output_gain_db + whole.output_gain_db - eq.output_gain_db
        sections.append(EqSection(section.start_s, section.stop_s, Eq(tuple(bands), min(gain_db, MOST_DB))))
    return MovingEq(tuple(sections))


def described(computed: Eq, held: HeldEq) -> str:
    """'+1.5 dB at 300 Hz, a notch at 60 Hz'; '' where nothing was changed."""
    (nows, added), told = _paired(computed.bands, held.bands), []
    for band, now in zip(computed.bands, nows, strict=True):
        told += _told(band, now)
    for own in added:
        if own is None or _heard(own):
            told.append(_addition(own))
    gain_db = held.output_gain_db - computed.output_gain_db
    if abs(gain_db) >= SAME_DB:
        told.append(f"{gain_db:+.1f} dB of output gain")
    return ", ".join([*told[:SHOWN], *(["and more"] if len(told) > SHOWN else [])])


def without_envelopes(computed: Eq, held: HeldEq, lanes: Collection[int]) -> HeldEq:
    """What follows an envelope, by the numbers of the parameters, is no hand's work: it counts as it was computed."""
    bands: list[Band | None] = list(held.bands)
    for place, (band, before) in enumerate(zip(held.bands, computed.bands, strict=False)):
        moved = {name: getattr(before, name) for n, name in enumerate(FIELDS) if 3 * place + n in lanes}
        bands[place] = band and replace(band, **moved)
    gain_db = computed.output_gain_db if 3 * len(bands) in lanes else held.output_gain_db
    return HeldEq(tuple(bands), gain_db)


def signature(held: HeldEq) -> str:
    """One text for one setting."""
    return "; ".join(
        f"{band.kind} {band.freq_hz:.3g} {band.gain_db:.1f} {band.bandwidth_oct:.1f}"
        for band in held.bands
        if band and band.enabled
    )


def _paired(computed: Sequence[Band], held: Bands) -> tuple[Bands, Bands]:
    """Each computed band as it is now, None where it was deleted; and those that were added."""
    places = _pairs(computed, held)
    nows = [None if place is None else held[place] for place in places]
    return nows, [band for place, band in enumerate(held) if place not in places]


def _pairs(computed: Sequence[Band], held: Bands) -> list[int | None]:
    """For each computed band where it is now; None where it was deleted, which shifts those behind it."""

    def cost(k: int, place: int) -> float | None:
        band, now = computed[k], held[place]
        if now is None:
            return None
        octaves = abs(math.log2(now.freq_hz / band.freq_hz))
        if now.kind != band.kind:
            return octaves + ANOTHER_KIND if k == place else None
        if k == place:
            return octaves
        return octaves + ANOTHER_PLACE if octaves <= NEAR_OCT else None

    return _matched(len(computed), len(held), cost)


def _again(new: Band, before: Band) -> float | None:
    octaves = abs(math.log2(new.freq_hz / before.freq_hz))
    near = octaves <= NEAR_OCT or new.kind in PASS_FILTERS
    return octaves if new.kind == before.kind and near else None


def _matched(rows: int, columns: int, cost: Callable[[int, int], float | None]) -> list[int | None]:
    """The column of each row, the cheapest pairs first."""
    costs = ((cost(row, column), row, column) for row in range(rows) for column in range(columns))
    found: list[int | None] = [None] * rows
    for _, row, column in sorted((price, row, column) for price, row, column in costs if price is not None):
        if found[row] is None and column not in found:
            found[row] = column
    return found


def _has_gain(band: Band) -> bool:
    return band.kind not in WITHOUT_GAIN


def _heard(own: Band) -> bool:
    return own.enabled and (not _has_gain(own) or abs(own.gain_db) >= SAME_DB)


def _same_gain(band: Band, now: Band) -> bool:
    return not (_has_gain(band) and _has_gain(now)) or abs(now.gain_db - band.gain_db) < SAME_DB


def _same_freq(band: Band, now: Band) -> bool:
    return abs(now.freq_hz / band.freq_hz - 1) < SAME_HZ


def _same_width(band: Band, now: Band) -> bool:
    return abs(now.bandwidth_oct - band.bandwidth_oct) < SAME_OCT


def _moved_alike(before: Band, now: Band, new: Band) -> Band:
    """`new` changed as `before` was to `now`."""
    gain_db = new.gain_db if _same_gain(before, now) else new.gain_db + now.gain_db - before.gain_db
    if now.kind != before.kind and not (_has_gain(now) and _has_gain(before)):
        gain_db = now.gain_db
    freq_hz = new.freq_hz if _same_freq(before, now) else new.freq_hz * now.freq_hz / before.freq_hz
    width = new.bandwidth_oct
    width = width if _same_width(before, now) else width * now.bandwidth_oct / before.bandwidth_oct
    return Band(
        now.kind, min(max(freq_hz, LEAST_HZ), MOST_HZ), min(gain_db, MOST_DB), min(max(width, LEAST_OCT), MOST_OCT),
        new.enabled if now.enabled == before.enabled else now.enabled,
    )  # fmt: skip


def _difference(before: Band, now: Band | None) -> list[Band]:
    """Bands that do what a hand did to one that the next answer has not."""
    now = now or replace(before, enabled=False)
    if not _told(before, now):
        return []
    both = now.enabled and before.enabled and now.kind == before.kind and _has_gain(now)
    if both and _same_freq(before, now) and _same_width(before, now):
        return [replace(now, gain_db=now.gain_db - before.gain_db)]
    taken = [replace(before, gain_db=-before.gain_db)] if before.enabled and _has_gain(before) else []
    return ([now] if now.enabled else []) + taken


def _told(before: Band, now: Band | None) -> list[str]:
    now = now or replace(before, enabled=False)
    if now.enabled != before.enabled:
        return [f"the band at {hz_text(before.freq_hz)} {'on' if now.enabled else 'off'}"]
    if not now.enabled:
        return []
    if now.kind != before.kind:
        return [f"a {_kind(now.kind)} for the {_kind(before.kind)} at {hz_text(before.freq_hz)}"]
    told = []
    if not _same_freq(before, now):
        told.append(f"{hz_text(before.freq_hz)} moved to {hz_text(now.freq_hz)}")
    if not _same_gain(before, now):
        told.append(_change(now, now.gain_db - before.gain_db))
    if not _same_width(before, now):
        wider = now.bandwidth_oct > before.bandwidth_oct
        told.append(f"{'wider' if wider else 'narrower'} at {hz_text(now.freq_hz)}")
    return told


def _addition(own: Band | None) -> str:
    if own is None:
        return "a band of another kind"
    return _change(own, own.gain_db) if _has_gain(own) else f"a {_kind(own.kind)} at {hz_text(own.freq_hz)}"


def _change(band: Band, gain_db: float) -> str:
    side = {BandKind.LOW_SHELF: "below", BandKind.HIGH_SHELF: "above"}.get(band.kind, "at")
    return f"{gain_db:+.1f} dB {side} {hz_text(band.freq_hz)}"


def _kind(kind: BandKind) -> str:
    return kind.replace("_", "-" if kind in PASS_FILTERS else " ")
