"""Phrases cut into clauses, each with its sign: 'warm but not too bright' is warm and less bright."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

SLIGHTLY = 0.5
_NEGATIVE = (
    r"not (?:so|too|as|very)|no tan|no muy|not|no more|no|\w+n't|less|without|never|(?:far |way |much )?too(?: much)?|"
    r"reduce|remove|get rid of|take out|menos|sin|nada de|demasiad[oa]|quita"
)
_SLIGHT = r"(?:just )?a (?:bit|little|touch|tad)(?: of)?|slightly|somewhat|un poco(?: de)?|ligeramente"
_NEXT = r"and|but|yet|with|y|pero|con"  # a new clause, with a sign of its own
_ALSO = r"or|nor|ni|o"  # a new clause that keeps the sign
_MARKS = re.compile(
    rf"(?P<stop>[,;.!?+&/])|(?<![\w'])(?:(?P<less>{_NEGATIVE})|(?P<slight>{_SLIGHT})|(?P<next>{_NEXT})|{_ALSO})(?![\w'])"
)
# Says nothing of the sound at either end of a clause.
_EMPTY = frozenset(
    """please make makes made it its it's this them me give want i i'd would should be is to a an the of for sound
    sounds sounding more very really quite rather so much like as if por favor hazlo haz que suene suena sonido
    más muy como un una el la los las de""".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Clause:
    """A part of a phrase: `weight` is 1, `SLIGHTLY`, or the negative of them where less of it is wanted."""

    text: str
    weight: float


def clauses(phrase: str) -> list[Clause]:
    """
    >>> clauses("Warm, but not too bright please")
    [Clause(text='warm', weight=1.0), Clause(text='bright', weight=-1.0)]
    """
    text = normal(phrase)
    found: list[Clause] = []
    sign, size, start = 1.0, 1.0, 0
    for mark in [*_MARKS.finditer(text), None]:
        words = trimmed(text[start : mark.start() if mark else len(text)])
        if words:
            found.append(Clause(words, sign * size))
        if mark is None:
            break
        start = mark.end()
        if mark["less"]:
            # 'not without air' turns twice; in 'warm without mud' a new clause begins
            sign, size = (-1.0, 1.0) if words else (-sign, size)
        elif mark["slight"]:
            size = SLIGHTLY
        elif mark["next"] or mark["stop"]:
            sign, size = 1.0, 1.0
    return found


def trimmed(text: str) -> str:
    """Without what says nothing of the sound at either end."""
    words = text.split()
    telling = [n for n, word in enumerate(words) if word not in _EMPTY]
    return " ".join(words[telling[0] : telling[-1] + 1]) if telling else ""


def normal(text: str) -> str:
    """Lower case, single spaces, one way to write accents and apostrophes."""
    return unicodedata.normalize("NFC", " ".join(str(text).lower().replace("’", "'").split()))
