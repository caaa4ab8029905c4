"""Text of others on a terminal or in a log: what could move the cursor, color a line or hide a part is spelled out.

Names of files and tracks may hold anything, escape sequences of terminals included. Standard library only.
"""

from __future__ import annotations

import re
from typing import Any

# C0 and C1 controls, what breaks lines, what turns the direction of text, halves of characters.
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def printable(text: Any, keep: str = "") -> str:
    r"""`text` on one line, with each harmful character as its escape; those in `keep` stay.

    >>> printable("Vox\x1b[2J\rdone")
    'Vox\\x1b[2J\\rdone'
    >>> printable("one\ntwo", keep="\n")
    'one\ntwo'
    """
    return _HARMFUL.sub(lambda found: found[0] if found[0] in keep else _escaped(found[0]), str(text))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
