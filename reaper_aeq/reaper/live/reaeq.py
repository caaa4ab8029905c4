"""ReaEQ through REAPER's API: read its bands, write them, prove they arrived (docs/reaper.md, 3 and 4)."""

from __future__ import annotations

from collections.abc import Collection

from ...eq import Band, BandKind, Eq
from ..edits import HeldEq
from ..reaeq import values
from ..reaeq.instance import FLOOR_DB, KIND_OF_TYPE, TYPE_OF_KIND
from .api import Api
from .fx import config, driven

FREQ, GAIN, WIDTH = 0, 1, 2  # a band's parameters, and `paramtype` of the EQ calls
NEW_BAND_HZ = 1000.0
FACTORY_DEFAULT = -2  # of TrackFX_SetPresetByIndex
_PLUGIN = "ReaEQ (Cockos)"
_BAND_API = values.API_BAND_TYPES[KIND_OF_TYPE[8]]
# Far below hearing, far above what storing a knob's 0..1 as a 32-bit float loses.
_FREQ_SHARE, _GAIN_DB, _WIDTH_OCT = 1e-3, 0.01, 2e-3


def read(reaper: Api, track: str, fx: int) -> HeldEq:
    """What an instance holds."""
    bands: list[Band | None] = []
    for n in range(count(reaper, track, fx)):
        kind = KIND_OF_TYPE.get(int(config(reaper, track, fx, f"BANDTYPE{n}") or -1))
        freq, gain, width = (_raw(reaper, track, fx, 3 * n + field) for field in (FREQ, GAIN, WIDTH))
        freq_hz, gain_db = values.normalized_to_freq(freq), max(values.raw_to_gain_db(gain), FLOOR_DB)
        enabled = config(reaper, track, fx, f"BANDENABLED{n}") == "1"
        bands.append(Band(kind, freq_hz, gain_db, values.raw_to_bandwidth(width), enabled) if kind else None)
    # the global gain follows the bands; REAPER's own parameters come after it, and their number varies
    gain = _raw(reaper, track, fx, 3 * len(bands))
    return HeldEq(bands, max(values.raw_to_global_gain_db(gain), FLOOR_DB))


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
    reaper("TrackFX_SetParam", track, fx, 3 * total, values.db_to_linear(eq.output_gain_db))
    left_over = (config(reaper, track, fx, f"BANDENABLED{n}") for n in range(len(eq.bands), total))
    if any(enabled != "0" for enabled in left_over):
        return "a band that is left over is on"
    return _difference(read(reaper, track, fx), eq, driven(reaper, track, fx))


def holds(reaper: Api, track: str, fx: int, eq: Eq) -> bool:
    """Whether an instance sounds like `eq`."""
    held = read(reaper, track, fx)
    if any(band is None or band.enabled for band in held.bands[len(eq.bands) :]) or len(held.bands) < len(eq.bands):
        return False
    return _difference(held, eq, driven(reaper, track, fx)) is None


def overridden(reaper: Api, track: str, fx: int, eq: Eq, ours: Collection[int] = ()) -> list[str]:
    """The parameters of an instance that holds `eq` which follow an envelope and can be heard to, by the names that
    REAPER shows; `ours`: those whose envelopes are part of it."""
    first_after = 3 * count(reaper, track, fx)  # the bands' parameters
    moved = driven(reaper, track, fx).difference(ours)
    heard = {n for n in moved if n >= first_after or (n // 3 < len(eq.bands) and eq.bands[n // 3].enabled)}
    return [reaper.text("TrackFX_GetParamName", track, fx, n) for n in sorted(heard)]


def count(reaper: Api, track: str, fx: int) -> int:
    """Nothing tells the number of bands; reading one that is not there fails. Defaults differ between versions."""
    found = 0
    while config(reaper, track, fx, f"BANDTYPE{found}"):
        found += 1
    return found


def _raw(reaper: Api, track: str, fx: int, parameter: int) -> float:
    return reaper("TrackFX_GetParam", track, fx, parameter, 0, 0)[0]


def _band(reaper: Api, track: str, fx: int, n: int) -> list[int]:
    """Which the nth band is for the EQ calls: their type, and its number among those of that type."""
    return reaper("TrackFX_GetEQParam", track, fx, 3 * n, 0, 0, 0, 0)[4:6]


def _set_config(reaper: Api, track: str, fx: int, name: str, value: str) -> None:
    if config(reaper, track, fx, name) != value:
        reaper("TrackFX_SetNamedConfigParm", track, fx, name, value)


def _ensure_bands(reaper: Api, track: str, fx: int, wanted: int) -> bool:
    """No call adds a band; setting a parameter of a missing one of type "band" makes it, which real renders show."""
    while (total := count(reaper, track, fx)) < wanted:
        alike = sum(_band(reaper, track, fx, n)[0] == _BAND_API for n in range(total))
        reaper("TrackFX_SetEQParam", track, fx, _BAND_API, alike, FREQ, NEW_BAND_HZ, False)
        if count(reaper, track, fx) <= total:
            return False
    return True


def _set_band(reaper: Api, track: str, fx: int, n: int, band: Band) -> None:
    # the EQ calls name "the second band of that type": which one parameter 3n belongs to has to be asked
    kind, number = _band(reaper, track, fx, n)
    if kind != values.API_BAND_TYPES[band.kind]:
        return  # seen when it is read back
    wanted = {FREQ: band.freq_hz, GAIN: values.db_to_linear(band.gain_db), WIDTH: band.bandwidth_oct}
    for field, value in wanted.items():  # not normalized: Hz, linear amplitude, octaves
        reaper("TrackFX_SetEQParam", track, fx, kind, number, field, value, False)


def _difference(held: HeldEq, eq: Eq, driven: set[int]) -> str | None:
    """`driven`: parameters that follow an envelope; REAPER may have set them already."""
    for n, (now, want) in enumerate(zip(held.bands, eq.bands, strict=False), 1):
        if now is None or now.kind != want.kind or now.enabled != want.enabled:
            return f"band {n}: its kind"
        first = 3 * (n - 1)
        if first + FREQ not in driven and abs(now.freq_hz / want.freq_hz - 1) > _FREQ_SHARE:
            return f"band {n}: {now.freq_hz:.1f} Hz for {want.freq_hz:.1f}"
        if first + GAIN not in driven and abs(now.gain_db - want.gain_db) > _GAIN_DB:
            return f"band {n}: {now.gain_db:.2f} dB for {want.gain_db:.2f}"
        if first + WIDTH not in driven and abs(now.bandwidth_oct - want.bandwidth_oct) > _WIDTH_OCT:
            return f"band {n}: {now.bandwidth_oct:.3f} octaves for {want.bandwidth_oct:.3f}"
    if 3 * len(held.bands) not in driven and abs(held.output_gain_db - eq.output_gain_db) > _GAIN_DB:
        return f"output {held.output_gain_db:.2f} dB for {eq.output_gain_db:.2f}"
    return None
