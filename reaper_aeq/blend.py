"""What a user may ask for: a word, a blend of words, how much of it; and the name that the EQ gets in REAPER.

Standard library only, so that a mistake is told before anything heavy is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .eq import LIMITS
from .errors import AeqError, RangeError

_WEIGHT = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+))(%?)")
SHOWN_NAME = 60  # characters of a reference's name in the name of our ReaEQ
_EXAMPLE = "write it like 'warm 0.7, airy 0.3'"


def parse_word(text: str) -> str | dict[str, float]:
    """A word or phrase as it is, or a blend as {word: weight}.

    Parts of a blend are separated by a comma or ' + '; a weight may be in per cent, as in the names that
    `instance_name` gives. Where no part has a weight the text is a phrase.

    Raises `AeqError` for a blend that cannot be read, `RangeError` for a weight out of range.

    >>> parse_word("less muddy")
    'less muddy'
    >>> parse_word("warm 0.7, airy 30%")
    {'warm': 0.7, 'airy': 0.3}
    """
    parts = [" ".join(part.split()) for part in re.split(r",|\s\+\s", text)]
    if parts == [""]:
        raise AeqError(f"no word given: name one, or {_EXAMPLE}")
    if all(parts) and not any(_WEIGHT.fullmatch(part.rpartition(" ")[2]) for part in parts):
        return " ".join(text.split())
    blend: dict[str, float] = {}
    for part in parts:
        word, _, last = part.rpartition(" ")
        weight = _WEIGHT.fullmatch(last)
        reason = _fault(part, word, weight, blend)
        if reason:
            raise AeqError(f"cannot read the blend {text!r}: {reason}; {_EXAMPLE}")
        assert weight is not None
        blend[word] = float(weight[1]) / (100 if weight[2] else 1)
        check_range("intensity", blend[word], f"the weight of {word!r}")
    return blend


def _fault(part: str, word: str, weight: re.Match[str] | None, blend: Mapping[str, float]) -> str | None:
    if not part:
        return "a part of it is empty"
    if weight is None:
        return f"{part!r} has no weight"
    if not word:
        return f"the weight {part} has no word (decimals are written with a point)"
    return f"{word!r} occurs twice" if word in blend else None


def check_range(limit: str, value: float, name: str | None = None) -> None:
    """Raises `RangeError`, about `name`, for a number outside of `LIMITS[limit]`; NaN is outside."""
    if value not in LIMITS[limit]:
        raise RangeError(name or limit, value, LIMITS[limit].low, LIMITS[limit].high)


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
