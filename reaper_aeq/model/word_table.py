"""The words by name, and how well each is known: all that can be said of them without their curves.

Standard library only: `reaper-aeq words`, and whether a word is known at all, need no torch.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..errors import UnknownWordError
from .description import read_model

WEAK_BELOW = 0.35
PEOPLE_WIN = 20  # settings from which people are followed whatever charts say
DISPUTED_BELOW = 0.3  # of the correlation of people's mean curve with the charts'
CHARTS_PER_SETTING = 4.0
FULL_AGREEMENT = 0.6  # from which settings count in full
LESS = re.compile(r"^(?:less|not so|not too|menos)\s+(.+)$")
MORE = re.compile(r"^(?:more|más)\s+(.+)$")

W = TypeVar("W")


@dataclass(frozen=True)
class Evidence:
    """How well a word is known. `agreement`: mean correlation of one person's curve with the mean of the others, or of
    one chart's; `cross`: correlation of the two data sets' mean curves, None where only one has the word.

    `charts`: how many sources say in words what it means. `charted`: correlation of people's mean curve with theirs,
    None where only one of the two has the word.
    """

    settings: float
    people: float
    agreement: float
    cross: float | None
    sources: tuple[str, ...]
    charts: int = 0
    charted: float | None = None

    @property
    def from_people(self) -> bool:
        """Whether so many settings stand behind it that charts do not count."""
        return self.settings >= PEOPLE_WIN

    @property
    def disputed(self) -> bool:
        """Whether people do something else than charts say, and are followed."""
        return self.from_people and self.charted is not None and self.charted < DISPUTED_BELOW

    @property
    def confidence(self) -> float:
        """0..1: many settings that agree, in both data sets if both have the word.

        A rule of ours, not a statistic: saturating in the number of settings (half at 8; four charts are worth one),
        times the agreement mapped from 0..0.6 to 0..1, and reduced by half of what the two data sets fail to agree.
        """
        count = self.settings if self.from_people else self.settings + self.charts / CHARTS_PER_SETTING
        much = count / (count + 8.0)
        agree = min(max(self.agreement, 0.0) / FULL_AGREEMENT, 1.0)
        return round(math.sqrt(much * agree) * self.both_agree, 3)

    @property
    def both_agree(self) -> float:
        """0.5..1, how far the two data sets do."""
        return 1.0 if self.cross is None else 0.5 + 0.5 * max(self.cross, 0.0)


@dataclass(frozen=True)
class KnownWord:
    """A word as its row in `words.json` has it.

    `core`: a word for a sound, as engineers use it, rather than for a mood or the music; only these are suggested.
    `kinds`: of sounds, for which it means something of its own.
    """

    name: str
    language: str
    evidence: Evidence
    core: bool = True
    kinds: tuple[str, ...] = ()

    @property
    def weak(self) -> bool:
        """Whether people hardly agree on what it is."""
        return self.evidence.confidence < WEAK_BELOW

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the name and how well it is known."""
        evidence = {**vars(self.evidence), "sources": list(self.evidence.sources)}
        confidence = self.evidence.confidence
        return {
            "name": self.name, "language": self.language, "confidence": confidence, **evidence, "weak": self.weak,
            "kinds": list(self.kinds),
        }  # fmt: skip


class WordsByName(dict[str, W]):
    """Words by name, with their aliases."""

    def __init__(self, words: Mapping[str, W], aliases: Mapping[str, str]):
        super().__init__(words)
        self.aliases = dict(aliases)


class WordTable(WordsByName[KnownWord]):
    """All words, without what they do."""

    @classmethod
    def load(cls, folder: Path | str | None = None) -> WordTable:
        """The shipped words, or those in `folder`. Raises `ModelError`."""
        return cls.of(read_model("words", folder)[0])

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> WordTable:
        """From what `words.json` holds."""
        return cls({row["name"]: _known_word(row) for row in info["words"]}, info["aliases"])


def resolve(name: str, words: WordsByName[Any]) -> tuple[str, int]:
    """The word of `words` that is meant, and 1, or -1 for 'less' of it.

    Understands aliases, case, 'less ...' and 'more ...'. Raises `UnknownWordError`, which names the nearest.
    """
    # macOS types accents as two characters
    asked = unicodedata.normalize("NFC", " ".join(str(name).lower().split()))
    sign = 1
    for _ in range(8):  # 'less less ...'; an alias may mean the opposite of a word
        if less := LESS.match(asked):
            asked, sign = less[1], -sign
        elif asked not in words and (more := MORE.match(asked)):
            asked = more[1]
        elif asked in words.aliases:
            asked = words.aliases[asked]
        else:
            break
    if asked not in words:
        raise UnknownWordError(name, [*words, *words.aliases])
    return asked, sign


def _known_word(row: Mapping[str, Any]) -> KnownWord:
    evidence = Evidence(
        row["settings"], row["people"], row["agreement"], row["cross"], tuple(row["sources"]), row.get("charts", 0),
        row.get("charted"),
    )  # fmt: skip
    return KnownWord(row["name"], row["language"], evidence, row["core"], tuple(row.get("kinds", ())))
