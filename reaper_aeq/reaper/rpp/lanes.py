"""Envelopes of ReaEQ's gains as REAPER writes them behind an FX: ours are put there, found again and taken away.

Points are on the scale of the envelope, which is that of `TrackFX_GetParam`: a band's gain is amplitude / 4, so 0.25 is
0 dB, and Global Gain is the amplitude itself, 0 to 4 (docs/reaper.md, section 4). Standard library only.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Iterable

from ...eq import BandKind, MovingEq
from ..chunks import Chunk, Line
from ..reaeq.values import db_to_linear

NUMBER = r"(?<!\d)\d{1,4}(?!\d)"  # of a parameter, in text that anybody may have written
# The 15th character of a GUID (the 16th with its brace) by which ours are told from the user's: random ones have a 4.
_OURS = "8"


def lane_lines(moving: MovingEq, taken: Collection[int] = ()) -> list[str]:
    """The `PARMENV` chunks of what moves along the project.

    Args:
        taken: parameters that have an envelope of the user's, which is left to do what it does.
    """
    lines: list[str] = []
    for which in moving.moving:
        ident, high, middle, scale = parameter(moving, which)
        if int(ident.partition(":")[0]) in taken:
            continue
        points = [(max(0.0, at), scale * db_to_linear(gain_db)) for at, gain_db in moving.points(which)]
        if points[0][0] > 0:
            points.insert(0, (0.0, points[0][1]))
        written = [f"PT {_number(at)} {_number(value)} 0" for at, value in points]
        guid = guid_for(f"{ident}{written}".encode(), marked=True)
        lines += [
            f"<PARMENV {ident} 0 {high:g} {middle:g}", f"EGUID {guid}", "ACT 1 -1",
            "VIS 0 1 1", "LANEHEIGHT 0 0", "ARM 0", "DEFSHAPE 0 -1 -1", *written, ">",
        ]  # fmt: skip
    return lines


def parameter(moving: MovingEq, which: int) -> tuple[str, float, float, float]:
    """Of a band's gain, or of Global Gain for `len(bands)`: REAPER's ident, highest value, middle, and what an
    amplitude of 1 is on its scale.

    >>> from reaper_aeq.eq import Band, Eq, EqSection
    >>> moving = MovingEq((EqSection(0, 9, Eq((Band("low_shelf", 100), Band("band", 500)))),))
    >>> [parameter(moving, n)[0] for n in range(3)]
    ['1:_Gain_Low_Shelf', '4:_Gain_Band_2', '6:_Global_Gain']
    """
    if which == len(moving.bands):
        return f"{3 * which}:_Global_Gain", 4.0, 1.0, 1.0
    kind = moving.bands[which].kind
    number = "" if which == 0 and kind is BandKind.LOW_SHELF else f"_{which + 1}"
    return f"{3 * which + 1}:_Gain_{kind.title()}{number}", 1.0, 0.25, 0.25


def guid_for(work: bytes, marked: bool) -> str:
    """A fresh one that follows from what it is made for: the same work on the same file gives the same bytes."""
    guid = str(uuid.UUID(bytes=hashlib.sha256(work).digest()[:16], version=4)).upper()
    return f"{{{guid[:14]}{_OURS if marked else guid[14]}{guid[15:]}}}"


def is_marked(guid: str) -> bool:
    """Whether it was made by `guid_for`, and marked."""
    return guid[15:16] == _OURS


def is_ours(part: Line | Chunk, drawn: Collection[int] = ()) -> bool:
    """Whether a part of an FX is an envelope of ours.

    Args:
        drawn: parameters whose envelopes were drawn inside REAPER, which gives them GUIDs like the user's: the record
            of the instance alone tells them.
    """
    if not isinstance(part, Chunk) or part.name != "PARMENV":
        return False
    return is_marked(part.value("EGUID")) or bool(parameters_of([part]).intersection(drawn))


def parameters_of(parts: Iterable[Line | Chunk]) -> frozenset[int]:
    """The numbers of the parameters that the envelopes among the parts of an FX move."""
    lanes = (part for part in parts if isinstance(part, Chunk) and part.name == "PARMENV")
    numbers = ((lane.tokens[1:] or [""])[0].partition(":")[0] for lane in lanes)
    return frozenset(int(number) for number in numbers if number.isdecimal())


def _number(value: float) -> str:
    return f"{value:.8f}".rstrip("0").rstrip(".")
