"""The bytes of a ReaEQ instance, as REAPER stores them in projects, chains and presets (docs/reaper.md, section 2).

Three parts follow each other, all little-endian: (A) the VST wrapper's header with pin masks and the size of part B,
(B) ReaEQ's own state, (C) the wrapper's trailer with the program name. Old files lack part C; the payload of REAPER's
`vst_chunk` is part B alone. The layout was checked on 162 instances of REAPER 4.52 to 7.66 and 177 presets.

Reading keeps everything it found, also what we cannot interpret; writing gives the current form. Standard library only.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

from ...errors import AeqError

VST_ID = 1919247729  # 'reeq'
# Every instance seen in a project has the first; stock presets "[snk]" (and other plug-ins) have the second.
_MAGICS = (0xFEED5EEE, 0xFEED5EEF)
_BAND = "<iiddd"  # type, enabled, Hz, linear gain, octaves; a flag byte follows where the element size is 33
_OLD_ELEMENT, _ELEMENT = 32, 33
# After the global gain: unknown, editor width and height, display bits. Older files stop after 0, 1 or 3 of them.
_OPTIONS = (0, 0, 0, 2)


class StateError(AeqError):
    """Bytes that are not a ReaEQ state, are cut short, or hold what cannot become an `Eq`."""


@dataclass(frozen=True)
class StateBand:
    """One band as stored: `type` is ReaEQ's integer, `gain` linear amplitude, `bandwidth_oct` octaves."""

    type: int
    enabled: bool
    freq_hz: float
    gain: float = 1.0
    bandwidth_oct: float = 2.0
    flag: int = 1  # meaning unknown; 1 in all but bands that came from 32-byte elements


@dataclass(frozen=True)
class ReaEqState:
    """A whole instance. Only `bands` and `gain` (linear, after all bands) sound; the rest is kept as it was read."""

    bands: tuple[StateBand, ...]
    gain: float = 1.0
    program: str = ""
    inputs: tuple[int, ...] = (1, 2)  # pin masks, one a plug-in channel
    outputs: tuple[int, ...] = (1, 2)
    magic: int = _MAGICS[0]
    wrapper: tuple[int, int] = (1, 0x0010_0000)
    switches: tuple[int, int] = (1, 1)
    options: tuple[int, ...] = _OPTIONS
    trailer: int = 0x10

    def parts(self) -> tuple[bytes, bytes, bytes]:
        """Header, ReaEQ's own state and trailer in the current form: 33 bytes a band, a tail of 32."""
        options = (*self.options, *_OPTIONS[len(self.options) :])
        body = struct.pack("<ii", _ELEMENT, len(self.bands))
        for band in self.bands:
            body += struct.pack(_BAND, band.type, band.enabled, band.freq_hz, band.gain, band.bandwidth_oct)
            body += bytes([band.flag])
        body += struct.pack(f"<iid{len(options)}i", *self.switches, self.gain, *options)
        header = struct.pack("<II", VST_ID, self.magic)
        for pins in (self.inputs, self.outputs):
            header += struct.pack(f"<I{len(pins)}Q", len(pins), *pins)
        header += struct.pack("<III", len(body), *self.wrapper)
        name = self.program.encode("utf-8", "surrogateescape")
        return header, body, b"\0" + name + b"\0" + struct.pack("<I", self.trailer)


def parse_state(data: bytes) -> ReaEqState:
    """Reads parts A+B+C, A+B, or B alone. Raises `StateError`, and nothing else, for other bytes."""
    if len(data) >= 4 and struct.unpack_from("<I", data)[0] in (_OLD_ELEMENT, _ELEMENT):
        return ReaEqState(**_body(data))
    reader = _StateReader(data, "header")
    vst_id, magic, inputs = reader.take("<III")
    if vst_id != VST_ID or magic not in _MAGICS:
        raise StateError(f"not a ReaEQ state: it begins with {data[:8].hex(' ')}")
    fields: dict[str, Any] = {"magic": magic, "inputs": reader.take(f"<{inputs}Q")}
    (outputs,) = reader.take("<I")
    fields["outputs"] = reader.take(f"<{outputs}Q")
    size, *wrapper = reader.take("<III")
    fields["wrapper"] = tuple(wrapper)
    reader.part = "bands"
    fields |= _body(reader.take(f"{size}s")[0])
    return ReaEqState(**fields, **_trailer(data[reader.position :]))


def _body(data: bytes) -> dict[str, Any]:
    """Part B: the fields of `ReaEqState` that ReaEQ itself wrote."""
    reader = _StateReader(data, "bands")
    element, count = reader.take("<ii")
    if element not in (_OLD_ELEMENT, _ELEMENT) or count < 0:
        raise StateError(f"not a ReaEQ state: {count} bands of {element} bytes (known are 32 and 33)")
    if count * element > len(data):
        raise StateError(f"the ReaEQ state is cut short: {len(data)} bytes cannot hold {count} bands")
    bands = []
    for number in range(1, count + 1):
        kind, enabled, *values = reader.take(_BAND)
        # REAPER itself gives bands it takes over from the 32-byte form a flag of 0.
        (flag,) = reader.take("<B") if element == _ELEMENT else (0,)
        freq_hz, gain, bandwidth_oct = values
        if not all(map(math.isfinite, values)) or freq_hz <= 0 or gain < 0 or bandwidth_oct < 0:
            raise StateError(f"band {number} of the ReaEQ state is damaged: {freq_hz:g} Hz, gain {gain:g}")
        bands.append(StateBand(kind, bool(enabled), freq_hz, gain, bandwidth_oct, flag))
    *switches, gain = reader.take("<iid")
    if not math.isfinite(gain) or gain < 0:
        raise StateError(f"the global gain of the ReaEQ state is damaged: {gain:g}")
    left = len(data) - reader.position
    if left % 4:
        raise StateError(f"the ReaEQ state is cut short: {left} bytes after the global gain")
    options = reader.take(f"<{left // 4}i")
    return {"bands": tuple(bands), "gain": gain, "switches": tuple(switches), "options": options}


def _trailer(data: bytes) -> dict[str, Any]:
    """Part C, if there is one: a zero byte, the program name ended by a zero byte, one integer."""
    if not data:
        return {}
    end = data.find(b"\0", 1)
    if data[0] != 0 or end < 0 or len(data) - end != 5:
        raise StateError(f"the ReaEQ state ends in {len(data)} bytes that are not its program name")
    (trailer,) = struct.unpack("<I", data[end + 1 :])
    return {"program": data[1:end].decode("utf-8", "surrogateescape"), "trailer": trailer}


class _StateReader:
    """Takes structs off the front of some bytes and says where they ran out."""

    def __init__(self, data: bytes, part: str):
        self.data, self.part, self.position = data, part, 0

    def take(self, fmt: str) -> tuple[Any, ...]:
        size = struct.calcsize(fmt)
        if self.position + size > len(self.data):
            raise StateError(f"the ReaEQ state is cut short: its {self.part} end after {len(self.data)} bytes")
        values = struct.unpack_from(fmt, self.data, self.position)
        self.position += size
        return values
