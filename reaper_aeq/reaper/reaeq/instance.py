"""ReaEQ instances as text: the state in base64, the `<VST` block around it, and whole .RfxChain files.

The byte layout is in `state`. The text forms follow real projects and chains of REAPER 4.5 to 7.66 (docs/reaper.md,
sections 2 and 6). Standard library only.
"""

from __future__ import annotations

import base64
import re
import sys
import uuid
from collections.abc import Iterable

from ...eq import Band, BandKind, Eq
from ...errors import AeqError, RangeError
from ..chunks import quote_token
from .state import VST_ID, ReaEqState, StateBand, StateError, parse_state
from .values import RANGES, db_to_linear, linear_to_db

# The integers of the state and of BANDTYPEn (1.4). 2 was "Band" in old files and is "Band (alt 2)" now; 9 "Band (alt)".
TYPE_OF_KIND = {
    BandKind.LOW_SHELF: 0,
    BandKind.HIGH_SHELF: 1,
    BandKind.BAND: 8,
    BandKind.LOW_PASS: 3,
    BandKind.HIGH_PASS: 4,
    BandKind.NOTCH: 6,
    BandKind.BAND_PASS: 7,
}
KIND_OF_TYPE = {number: kind for kind, number in TYPE_OF_KIND.items()} | {2: BandKind.BAND, 9: BandKind.BAND}
_NAMES_WITHOUT_KIND = {5: "All Pass", 10: "Parallel Band Pass"}

PLATFORM_FILES = {"windows": "reaeq.dll", "macos": "reaeq.vst.dylib", "linux": "reaeq.vst.so"}
_PLATFORMS = {"win32": "windows", "darwin": "macos"}  # by `sys.platform`
_BYTES_PER_LINE = 96  # 128 characters of base64, as REAPER's own writer breaks
# ReaEQ stores amplitude 0 for minus infinity dB, which a Band cannot hold: it becomes this, and is as silent.
FLOOR_DB = -150.0


def decode_state(lines: Iterable[str | bytes]) -> ReaEqState:
    """Reads a ReaEQ state in any known form from its lines of base64; how they are indented does not matter.

    Each line is decoded by itself, because REAPER pads each of the three parts, and very old files every line.

    Raises:
        StateError: not base64, not ReaEQ, cut short, or holding values that cannot be.
    """
    try:
        return parse_state(b"".join(base64.b64decode(line.strip(), validate=True) for line in lines))
    except ValueError as error:
        raise StateError(f"the ReaEQ state is not base64: {error}") from None


def encode_state(eq: Eq | ReaEqState) -> list[str]:
    """The state in the current form, as lines of base64 of at most 128 characters; each of its parts begins a line.

    A `ReaEqState` keeps what it was read with (pins, window size, program name). Raises `RangeError` for an `Eq` that
    ReaEQ's controls cannot reach.
    """
    state = to_state(eq) if isinstance(eq, Eq) else eq
    chunks = [part[i : i + _BYTES_PER_LINE] for part in state.parts() for i in range(0, len(part), _BYTES_PER_LINE)]
    return [base64.b64encode(chunk).decode("ascii") for chunk in chunks]


def to_state(eq: Eq) -> ReaEqState:
    """An `Eq` as a fresh instance would store it; `output_gain_db` becomes the global gain.

    Raises `RangeError` for values beyond ReaEQ's controls: it would silently sound different.
    """
    bands = []
    for band in eq.bands:
        for name in ("freq_hz", "bandwidth_oct"):
            _check(name, getattr(band, name), RANGES[name].low, RANGES[name].high)
        number, gain = TYPE_OF_KIND[band.kind], _linear("gain_db", band.gain_db)
        bands.append(StateBand(number, band.enabled, band.freq_hz, gain, band.bandwidth_oct))
    return ReaEqState(tuple(bands), _linear("output_gain_db", eq.output_gain_db))


def to_eq(state: ReaEqState) -> Eq:
    """A stored instance as an `Eq`.

    All-pass and parallel band-pass bands have no `BandKind`. An `Eq` without them would sound different and, written
    back, would lose them, so they raise `StateError`.
    """
    bands = []
    for number, band in enumerate(state.bands, 1):
        if band.type not in KIND_OF_TYPE:
            name = _NAMES_WITHOUT_KIND.get(band.type, f"type {band.type}")
            raise StateError(f"band {number} of this ReaEQ is of a kind we cannot compute ({name})")
        # Bandwidths of 0 occur in real files; ReaEQ itself goes down to 0.01.
        width = max(band.bandwidth_oct, RANGES["bandwidth_oct"].low)
        bands.append(Band(KIND_OF_TYPE[band.type], band.freq_hz, _db(band.gain), width, band.enabled))
    return Eq(tuple(bands), _db(state.gain))


def vst_block(eq: Eq | ReaEqState, name: str = "", platform: str | None = None) -> list[str]:
    """The lines of `<VST "VST: ReaEQ (Cockos)" ...` to `>`, not indented as a whole.

    Args:
        name: the instance name, shown in the FX list; control characters become spaces.
        platform: 'windows', 'macos' or 'linux' (this one by default): the plug-in's file name differs, nothing else.
    """
    file = PLATFORM_FILES.get(platform or _PLATFORMS.get(sys.platform, "linux"))
    if file is None:
        raise AeqError(f"unknown platform {platform!r}: use {', '.join(PLATFORM_FILES)}")
    token = quote_token(clean_name(name))
    ident = b"VSTreeqreaeq".hex().upper().ljust(32, "0")
    head = f'<VST "VST: ReaEQ (Cockos)" {file} 0 {token} {VST_ID}<{ident}> ""'
    return [head, *(f"  {line}" for line in encode_state(eq)), ">"]


def clean_name(name: str) -> str:
    """A name that can stand on a project line: control characters, which would end it whatever the quotes, are spaces.

    Half a surrogate pair, which no file can hold, becomes a question mark.
    """
    printable = re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", name)
    return printable.encode("utf-8", "replace").decode("utf-8")


def rfxchain_text(eq: Eq | ReaEqState, name: str = "", platform: str | None = None) -> str:
    """A whole .RfxChain holding this one ReaEQ, with a fresh FXID. Arguments as `vst_block`."""
    fxid = f"FXID {{{str(uuid.uuid4()).upper()}}}"
    lines = ["BYPASS 0 0 0", *vst_block(eq, name, platform), "FLOATPOS 0 0 0 0", fxid, "WAK 0 0"]
    return "\n".join(lines) + "\n"


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise RangeError(f"{name} in ReaEQ", value, low, high)


def _linear(name: str, gain_db: float) -> float:
    _check(name, gain_db, FLOOR_DB, linear_to_db(RANGES["gain"].high))
    return db_to_linear(gain_db)


def _db(gain: float) -> float:
    # Rounded far below hearing, so that 3.1 dB comes back as 3.1; + 0.0 turns a negative zero into zero.
    return max(FLOOR_DB, round(linear_to_db(gain), 10)) + 0.0
