"""Parameter links between the FX of a chain, which name each other by number and must follow when one comes or goes.

`PLINK scale 2:-1 param offset` in a PROGRAMENV chunk links to FX 2 of the chain, one before its own (State Chunk
Definitions, ReaTeam); older files write the number alone. -1 and -100 mean nothing and MIDI.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from ..chunks import Chunk, Line

_PLINK = re.compile(rb"^(\s*PLINK\s+\S+\s+)(\d+)(:-?\d+)?(?=\s|$)")


class HasParts(Protocol):
    """The lines and chunks of one FX."""

    parts: list[Line | Chunk]


def shift_links(fxs: Sequence[HasParts], moved: Mapping[int, int]) -> None:
    """Rewrites the links of `fxs` after FX numbers changed as `moved` says; a link to one not in it is left alone.

    `fxs` are those of the old chain that are still there, in order. A file without links is not touched.
    """
    stayed = sorted(moved)
    for old_position, fx in zip(stayed, fxs, strict=True):
        for part in fx.parts:
            line = part.line("PLINK") if isinstance(part, Chunk) and part.name == "PROGRAMENV" else None
            match = _PLINK.match(line.raw) if line else None
            if line and match and (target := int(match[2])) in moved:
                # Changed by how far both went, not computed anew: what was odd before is as odd when it is put back.
                change = (moved[target] - target) - (moved[old_position] - old_position)
                distance = b":%d" % (int(match[3][1:]) + change) if match[3] else b""
                line.raw = match[1] + b"%d" % moved[target] + distance + line.raw[match.end() :]
