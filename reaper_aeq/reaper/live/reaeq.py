"""ReaEQ through REAPER's API: find ours, read its bands, write them, prove they arrived (docs/reaper.md, 3 and 4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ...eq import Band, BandKind, Eq
from ...errors import AeqError
from ...request import parse_word
from ..instance_record import EDITED, InstanceRecord
from ..reaeq.instance import FLOOR_DB, KIND_OF_TYPE, TYPE_OF_KIND
from ..reaeq.values import (
    API_BAND_TYPES,
    db_to_linear,
    normalized_to_freq,
    raw_to_bandwidth,
    raw_to_gain_db,
    raw_to_global_gain_db,
)
from . import envelopes, records
from .api import TEXT_BYTES, Api
from .envelopes import driven
from .fx import chain, config, every, guid

PREFIXES = {"word": "AEQ: ", "match": "AEQ match: "}
LINKED = " linked"  # behind the blend of an EQ that several tracks share, as the actions make them
FREQ, GAIN, WIDTH = 0, 1, 2  # a band's parameters, and `paramtype` of the EQ calls
NEW_BAND_HZ = 1000.0
FACTORY_DEFAULT = -2  # of TrackFX_SetPresetByIndex
_PLUGIN = "ReaEQ (Cockos)"
_BAND_API = API_BAND_TYPES[KIND_OF_TYPE[8]]
# Far below hearing, far above what storing a knob's 0..1 as a 32-bit float loses.
_FREQ_SHARE, _GAIN_DB, _WIDTH_OCT = 1e-3, 0.01, 2e-3


@dataclass(frozen=True)
class Instance:
    """One of ours: its place in the chain, its name, whether it is for a word or a match, and what is kept about it."""

    index: int
    name: str
    family: str
    record: InstanceRecord | None = None

    @property
    def has_own_name(self) -> bool:
        """Whether the user has given it a name that says nothing of us."""
        return family_of(self.name) is None

    @property
    def blend(self) -> Mapping[str, float]:
        """{word: weight} as the name says, else as it was kept; empty if neither can be read.

        >>> Instance(0, "AEQ: warm 70% + airy 50%", "word").blend
        {'warm': 0.7, 'airy': 0.5}
        """
        if not self.has_own_name:
            try:
                said = self.name.removeprefix(PREFIXES[self.family]).removesuffix(EDITED).removesuffix(LINKED)
                read = parse_word(said, all_zero=True)
                return {read: 1.0} if isinstance(read, str) else read
            except AeqError:
                pass
        return self.record.blend if self.record else {}


def fx_name(reaper: Api, track: str, fx: int) -> str:
    """The user's name of an FX, else the plug-in's."""
    return config(reaper, track, fx, "renamed_name") or reaper("TrackFX_GetFXName", track, fx, "", TEXT_BYTES)[3]


def family_of(name: str) -> str | None:
    """ "word" or "match" if an FX of this name is ours.

    >>> family_of("AEQ match: that song 80%")
    'match'
    """
    return next((family for family, prefix in PREFIXES.items() if name.startswith(prefix)), None)


def ours(reaper: Api, track: str) -> list[Instance]:
    """Our instances on a track in the order of its chain, those inside containers too.

    Ours is an EQ of which a record is kept, whatever it is called now, and one with a name of ours. A ReaEQ of another
    name without a record is not.
    """
    found: dict[int, Instance] = {}
    # GetEQParam answers no for every other plug-in
    eqs = [one.index for one in every(chain(reaper, track)) if _parameter(reaper, track, one.index, 0)[0]]
    names = {index: fx_name(reaper, track, index) for index in eqs}
    open_records = []
    for record in records.read(reaper, track).records:
        index = next((n for n in eqs if n not in found and guid(reaper, track, n) == record.fx), None)
        if index is None:
            open_records.append(record)
        else:
            found[index] = Instance(index, names[index], record.family, record)
    for record in open_records:
        alike = [index for index in eqs if index not in found and names[index] == record.name]
        held = (index for index in alike if record.holds(read(reaper, track, index)[0]))
        if (index := next(held, alike[0] if alike else None)) is not None:
            found[index] = Instance(index, names[index], record.family, record)
    for index in eqs:
        family = family_of(names[index])
        if index not in found and family:
            found[index] = Instance(index, names[index], family)
    return [found[index] for index in eqs if index in found]


def find(reaper: Api, track: str, family: str | None) -> Instance | None:
    """Ours of a family, None: of either; one with a record before one that only has the name."""
    fit = [one for one in ours(reaper, track) if family in (None, one.family)]
    return next((one for one in fit if one.record), fit[0] if fit else None)


def read(reaper: Api, track: str, fx: int) -> tuple[list[Band | None], float]:
    """The bands of an instance, None for one of a kind that we do not write, and its output gain in dB."""
    bands: list[Band | None] = []
    for n in range(count(reaper, track, fx)):
        kind = KIND_OF_TYPE.get(int(config(reaper, track, fx, f"BANDTYPE{n}") or -1))
        freq, gain, width = (_raw(reaper, track, fx, 3 * n + field) for field in (FREQ, GAIN, WIDTH))
        gain_db, enabled = max(raw_to_gain_db(gain), FLOOR_DB), config(reaper, track, fx, f"BANDENABLED{n}") == "1"
        bands.append(Band(kind, normalized_to_freq(freq), gain_db, raw_to_bandwidth(width), enabled) if kind else None)
    # the global gain follows the bands; REAPER's own parameters come after it, and their number varies
    return bands, max(raw_to_global_gain_db(_raw(reaper, track, fx, 3 * len(bands))), FLOOR_DB)


def add(reaper: Api, track: str, place: int) -> int | None:
    """A new ReaEQ before position `place` of the chain; None if REAPER has none."""
    # -1000 puts it first, -1001 second
    fx = reaper("TrackFX_AddByName", track, _PLUGIN, False, -1000 - place)
    if fx < 0:
        return None
    # a user's default preset may have other bands, and kinds of them that we cannot compute
    reaper("TrackFX_SetPresetByIndex", track, fx, FACTORY_DEFAULT)
    if reaper("TrackFX_GetOpen", track, fx):  # a preference opens the window of every new FX
        reaper("TrackFX_SetOpen", track, fx, False)
    return fx


def write(reaper: Api, track: str, fx: int, eq: Eq) -> str | None:
    """The bands in their order, those left over switched off. Returns what is not as it should be afterwards."""
    if not _ensure_bands(reaper, track, fx, len(eq.bands)):
        return f"it makes no {len(eq.bands)} bands"
    total = count(reaper, track, fx)
    # a type that changes moves the numbers of others, so all types come before the values
    for n in range(total):
        band = eq.bands[n] if n < len(eq.bands) else None
        if band:
            _set_config(reaper, track, fx, f"BANDTYPE{n}", str(TYPE_OF_KIND[band.kind]))
        elif int(config(reaper, track, fx, f"BANDTYPE{n}") or -1) not in KIND_OF_TYPE:
            # left over and of a kind that nobody but ReaEQ can read
            _set_config(reaper, track, fx, f"BANDTYPE{n}", str(TYPE_OF_KIND[BandKind.BAND]))
        _set_config(reaper, track, fx, f"BANDENABLED{n}", "1" if band and band.enabled else "0")
    for n, band in enumerate(eq.bands):
        _set_band(reaper, track, fx, n, band)
    reaper("TrackFX_SetParam", track, fx, 3 * total, db_to_linear(eq.output_gain_db))
    left_over = (config(reaper, track, fx, f"BANDENABLED{n}") for n in range(len(eq.bands), total))
    if any(enabled != "0" for enabled in left_over):
        return "a band that is left over is on"
    return _difference(*read(reaper, track, fx), eq, driven(reaper, track, fx))


def holds(reaper: Api, track: str, fx: int, eq: Eq) -> bool:
    """Whether an instance sounds like `eq`."""
    bands, gain_db = read(reaper, track, fx)
    if any(band is None or band.enabled for band in bands[len(eq.bands) :]) or len(bands) < len(eq.bands):
        return False
    return _difference(bands, gain_db, eq, driven(reaper, track, fx)) is None


def overridden(reaper: Api, track: str, fx: int, eq: Eq, ours: Collection[int] = ()) -> list[str]:
    """The parameters of an instance that holds `eq` which follow an envelope, by the names that REAPER shows; `ours`:
    those whose envelopes are part of it."""
    return envelopes.overridden(reaper, track, fx, count(reaper, track, fx), eq, ours)


def rename(reaper: Api, track: str, fx: int, name: str) -> bool:
    """True if REAPER keeps the name: ours are found again by it."""
    reaper("TrackFX_SetNamedConfigParm", track, fx, "renamed_name", name)
    return fx_name(reaper, track, fx) == name


def count(reaper: Api, track: str, fx: int) -> int:
    """Nothing tells the number of bands; reading one that is not there fails. Defaults differ between versions."""
    found = 0
    while config(reaper, track, fx, f"BANDTYPE{found}") is not None:
        found += 1
    return found


def _raw(reaper: Api, track: str, fx: int, parameter: int) -> float:
    return reaper("TrackFX_GetParam", track, fx, parameter, 0, 0)[0]


def _parameter(reaper: Api, track: str, fx: int, parameter: int) -> tuple[bool, int, int]:
    """Whether it is one of ReaEQ's, and which: the band type of the EQ calls, and its number among those."""
    answer = reaper("TrackFX_GetEQParam", track, fx, parameter, 0, 0, 0, 0)
    return bool(answer[0]), answer[4], answer[5]


def _set_config(reaper: Api, track: str, fx: int, name: str, value: str) -> None:
    if config(reaper, track, fx, name) != value:
        reaper("TrackFX_SetNamedConfigParm", track, fx, name, value)


def _ensure_bands(reaper: Api, track: str, fx: int, wanted: int) -> bool:
    """No call adds a band; setting a parameter of a missing one of type "band" makes it, which real renders show."""
    while (total := count(reaper, track, fx)) < wanted:
        alike = sum(_parameter(reaper, track, fx, 3 * n)[1] == _BAND_API for n in range(total))
        reaper("TrackFX_SetEQParam", track, fx, _BAND_API, alike, FREQ, NEW_BAND_HZ, False)
        if count(reaper, track, fx) <= total:
            return False
    return True


def _set_band(reaper: Api, track: str, fx: int, n: int, band: Band) -> None:
    # the EQ calls name "the second band of that type": which one parameter 3n belongs to has to be asked
    _, kind, number = _parameter(reaper, track, fx, 3 * n)
    if kind != API_BAND_TYPES[band.kind]:
        return  # seen when it is read back
    values = {FREQ: band.freq_hz, GAIN: db_to_linear(band.gain_db), WIDTH: band.bandwidth_oct}
    for field, value in values.items():  # not normalized: Hz, linear amplitude, octaves
        reaper("TrackFX_SetEQParam", track, fx, kind, number, field, value, False)


def _difference(bands: list[Band | None], output_gain_db: float, eq: Eq, driven: set[int]) -> str | None:
    """`driven`: parameters that follow an envelope; REAPER may have set them already."""
    for n, (now, want) in enumerate(zip(bands, eq.bands, strict=False), 1):
        if now is None or now.kind != want.kind or now.enabled != want.enabled:
            return f"band {n}: its kind"
        first = 3 * (n - 1)
        if first + FREQ not in driven and abs(now.freq_hz / want.freq_hz - 1) > _FREQ_SHARE:
            return f"band {n}: {now.freq_hz:.1f} Hz for {want.freq_hz:.1f}"
        if first + GAIN not in driven and abs(now.gain_db - want.gain_db) > _GAIN_DB:
            return f"band {n}: {now.gain_db:.2f} dB for {want.gain_db:.2f}"
        if first + WIDTH not in driven and abs(now.bandwidth_oct - want.bandwidth_oct) > _WIDTH_OCT:
            return f"band {n}: {now.bandwidth_oct:.3f} octaves for {want.bandwidth_oct:.3f}"
    if 3 * len(bands) not in driven and abs(output_gain_db - eq.output_gain_db) > _GAIN_DB:
        return f"output {output_gain_db:.2f} dB for {eq.output_gain_db:.2f}"
    return None
