"""What may be asked: a word or a blend of words, how much of it and how; or the balance of a reference.

Standard library only, so that a mistake is told before anything heavy is loaded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .eq import LIMITS
from .errors import AeqError, RangeError, WrongTypeError, as_number, check_known

METHODS = ("adaptive", "fixed", "cvae", "refine", "proxy")
DRAWS = "cvae"  # the method that variations come from
DEFAULT_PROFILE, MOST_NAME = "default", 100  # whose own words, and characters of a name
DEFAULT_METHOD = "adaptive"
REFINE_STEPS = {"refine": 50}  # gradient steps where none are asked for; other methods take none
DEFAULT_ADAPTATION = 0.5
# How a reference is matched (`AdaptiveEQ.match`).
MATCHES = ("posterior", "ltas", "encoder")
DEFAULT_MATCH = "posterior"
NARROWEST_OCT = 0.5  # between two frequency limits; a sixth-octave grid says little of less
_WEIGHT = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+))(%?)")
# What somebody means for a weight who writes it in another way: 'warm nan', 'warm 1e3', 'warm*2', '0.7 warm'.
_MEANT_AS_WEIGHT = re.compile(
    r".*\s[-+]?(?:nan|inf|infinity|\d+\.?\d*e[-+]?\d+)%?|.*\*\s*[-+]?\d*\.?\d+%?|[-+]?\d*(?:\.\d+%?|\d%)[\s*].*", re.I
)
_AMOUNT = re.compile(r"[-+]?\d*(?:\.\d+%?|\d%)")  # what nobody takes for a part of a word, as '808' may be
_LOOSE = re.compile(r"(?:\s*[=:]\s*|\s)([-+]?\d*\.?\d+)(?:\s?(%))?$")  # 'warm = 0.7', 'warm 70 %'
_EXAMPLE = "write it like 'warm 0.7, airy 0.3'"


@dataclass(frozen=True)
class EqRequest:
    """What is wanted of a sound, whoever asks: command line, plan, HTTP, mailbox, an open project or a batch.

    Nothing is checked when it is made: `check` tells what is wrong whatever the vocabulary, before anything heavy is
    loaded, and `methods.validation.validated` all the rest.

    Attributes:
        word: what a listener says, "less" of it too, or a blend {word: weight}.
        intensity: -2..2; 1 is what people do, a negative one asks for the opposite.
        adaptation: 0..1, how much the sound's own balance counts; None: `DEFAULT_ADAPTATION`.
        method: one of `METHODS`.
        refine: gradient steps on the bands that were found; None: as the method does.
        variations: so many other answers that people might give.
        kind: what the sound is, one of `model.kinds.KINDS`; None: judged by sound and name.
        name: of its track, and what else is called so: evidence of its kind.
        profile: whose meaning of the words counts (`model.profile_store`); None: everybody's.
        sections: whether the EQ may follow the song: the same bands, whose gains move where the balance changes.
    """

    word: str | Mapping[str, float]
    intensity: float = 1.0
    adaptation: float | None = None
    method: str = DEFAULT_METHOD
    refine: int | None = None
    variations: int = 0
    kind: str | None = None
    name: str | Sequence[str] | None = None
    profile: str | None = None
    sections: bool = False

    def check(self) -> None:
        """Raises `WrongTypeError` for what is no number, `RangeError` for one out of range, `AeqError` for a method
        that there is not, and for what is no name of a profile."""
        for name in ("intensity", "adaptation", "refine", "variations"):
            value = getattr(self, name)
            if value is not None or name not in ("adaptation", "refine"):
                check_range(name, as_number(name, value, whole=name in ("refine", "variations")))
        check_known("method", self.method, METHODS)
        if self.sections and (self.refine or self.variations or self.method in REFINE_STEPS):
            raise AeqError("an EQ that follows the song is not refined and has no variations: leave one of them out")
        if self.profile is not None:
            check_profile(self.profile)


@dataclass(frozen=True)
class MatchRequest:
    """How a reference is followed.

    Attributes:
        intensity: 0 nothing, 1 the reference's balance, up to 2 beyond it.
        weights: of each reference, positive, any scale; None: all alike.
        low_hz, high_hz: outside of them the EQ returns to flat within half an octave; None: no limit.
        smoothing_oct: octaves over which the EQ is smoothed; None: as the method does best.
        by: one of `MATCHES`.

    Raises `AeqError`, `RangeError`.
    """

    intensity: float = 1.0
    weights: Sequence[float] | None = None
    low_hz: float | None = None
    high_hz: float | None = None
    smoothing_oct: float | None = None
    by: str = DEFAULT_MATCH

    def __post_init__(self) -> None:
        as_number("intensity", self.intensity)
        _check("intensity", self.intensity, "match_intensity")
        _check("the lower limit in Hz", self.low_hz, "freq_hz")
        _check("the upper limit in Hz", self.high_hz, "freq_hz")
        _check("the smoothing in octaves", self.smoothing_oct, "smoothing_oct")
        check_known("way to match", self.by, MATCHES)
        low, high = self.low_hz or LIMITS["freq_hz"].low, self.high_hz or LIMITS["freq_hz"].high
        if high < low * 2**NARROWEST_OCT:
            raise AeqError(f"nothing can be matched from {low:g} to {high:g} Hz: they must lie half an octave apart")
        if self.weights is not None and not isinstance(self.weights, list | tuple):
            raise WrongTypeError("the weights", self.weights, "a list of numbers")
        for weight in self.weights or ():
            weight = as_number("the weight of a reference", weight)
            if not (math.isfinite(weight) and weight > 0):
                raise AeqError(f"the weight of a reference must be a number above 0, not {weight:g}")

    @property
    def needs_balances_alone(self) -> bool:
        """Whether of references only their mean powers count; else their fine structure does too."""
        return self.by != "encoder"

    def shares(self, references: int) -> list[float]:
        """The weight of each of so many references; they sum to 1. Raises `AeqError` where the numbers differ."""
        if references < 1:
            raise AeqError("no reference given: name at least one recording to match")
        weights = list(self.weights) if self.weights is not None else [1.0] * references
        if len(weights) != references:
            raise AeqError(
                f"each reference needs one weight, not {_counted(len(weights), 'weight')} for"
                f" {_counted(references, 'reference')}"
            )
        return [float(weight) / sum(weights) for weight in weights]


def parse_word(text: str, all_zero: bool = False) -> str | dict[str, float]:
    """A word or phrase as it is, or a blend as {word: weight}.

    Parts of a blend are separated by a comma or ' + '; a weight may be in per cent, as in the names that
    `reaper.reaeq.names.instance_name` gives. Where no part has a weight the text is a phrase.

    Args:
        all_zero: whether every weight may be 0, as in the name of an EQ that was turned down to nothing.

    Raises `AeqError` for a blend that cannot be read or asks for nothing, `RangeError` for a weight out of range.

    >>> parse_word("less muddy")
    'less muddy'
    >>> parse_word("warm 0.7, airy 30%")
    {'warm': 0.7, 'airy': 0.3}
    """
    parts = [_LOOSE.sub(r" \1\2", " ".join(part.split())) for part in re.split(r",|\s\+\s", text)]
    if parts == [""]:
        raise AeqError(f"no word given: name one, or {_EXAMPLE}")
    if all(parts) and not any(
        _WEIGHT.fullmatch(part.rpartition(" ")[2]) or _MEANT_AS_WEIGHT.fullmatch(part) for part in parts
    ):
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
    if not all_zero and not any(blend.values()):
        raise AeqError(f"{text!r} asks for nothing: give a word a weight other than 0, or {_EXAMPLE}")
    return blend


def _fault(part: str, word: str, weight: re.Match[str] | None, blend: Mapping[str, float]) -> str | None:
    if not part:
        return "a part of it is empty"
    if weight is None:
        return f"{part!r} has no weight"
    if not word:
        return f"the weight {part} has no word (decimals are written with a point)"
    if any(_AMOUNT.fullmatch(one) for one in word.split()):
        return f"{part!r} holds two weights: put a comma between two words"
    return f"{word!r} occurs twice" if word in blend else None


def check_range(limit: str, value: float, name: str | None = None) -> None:
    """Raises `RangeError`, about `name`, for a number outside of `LIMITS[limit]`; NaN is outside."""
    if value not in LIMITS[limit]:
        raise RangeError(name or limit, value, LIMITS[limit].low, LIMITS[limit].high)


def _check(name: str, value: float | None, limit: str) -> None:
    if value is not None:
        check_range(limit, as_number(name, value), name)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def check_profile(name: str) -> str:
    """Raises `AeqError` for what is no name of a profile."""
    if not isinstance(name, str) or not name.strip() or len(name) > MOST_NAME or not name.isprintable():
        raise AeqError(f"the name of a profile is 1 to {MOST_NAME} printable characters, not {name!r}")
    return name


def check_learnable(intensity: float) -> None:
    """Raises `AeqError` for an intensity of which nothing can be learned."""
    if intensity == 0:
        raise AeqError("an intensity of 0 asks for nothing, so there is nothing to be learned: give the one you used")
