"""The name of our ReaEQ in REAPER: what people see, and by which it is found again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...errors import AeqError
from ...request import parse_word
from ..instance_record import EDITED

PREFIXES = {"word": "AEQ: ", "match": "AEQ match: "}
LINKED = " linked"  # behind the blend of an EQ that several tracks share, as the actions make them
SHOWN_NAME = 60  # characters of a reference's name


def instance_name(
    request: str | Mapping[str, float], intensity: float, spelled: Callable[[str], str] = lambda word: word
) -> str:
    """The name by which our ReaEQ is found again.

    Args:
        spelled: the vocabulary's spelling of a word, so that 'Brighter' and 'bright' get one name.

    >>> instance_name("warm", 0.7)
    'AEQ: warm 70%'
    >>> instance_name({"warm": 0.7, "airy": 0.3}, 1.0)
    'AEQ: warm 70% + airy 30%'
    """
    parts = {request: 1.0} if isinstance(request, str) else request
    return "AEQ: " + " + ".join(f"{spelled(word)} {round(100 * weight * intensity)}%" for word, weight in parts.items())


def match_name(references: Sequence[Path], intensity: float) -> str:
    """The name by which our ReaEQ is found again, as REAPER's actions write it.

    >>> match_name([Path("songs/great mix.wav")], 0.8)
    'AEQ match: great mix 80%'
    """
    first, *others = (path.stem[:SHOWN_NAME] for path in references)
    # " + " and "%" have a meaning in these names
    first = first.replace("%", "").replace(" + ", " & ")
    more = f" and {len(others)} more" if others else ""
    return f"AEQ match: {first}{more} {round(100 * intensity)}%"


def family_of(name: str) -> str | None:
    """ "word" or "match" if an EQ of this name is ours.

    >>> family_of("AEQ match: that song 80%")
    'match'
    """
    return next((family for family, prefix in PREFIXES.items() if name.startswith(prefix)), None)


def blend_of(name: str, family: str) -> Mapping[str, float]:
    """{word: weight} as a name of ours says; empty where that cannot be read.

    >>> blend_of("AEQ: warm 70% + airy 50%", "word")
    {'warm': 0.7, 'airy': 0.5}
    """
    said = name.removeprefix(PREFIXES[family]).removesuffix(EDITED).removesuffix(LINKED)
    try:
        read = parse_word(said, all_zero=True)
    except AeqError:
        return {}
    return {read: 1.0} if isinstance(read, str) else read
