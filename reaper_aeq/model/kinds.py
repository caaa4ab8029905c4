"""What a sound is: ten kinds, and what the name of a track says about them.

Names are compared with the words and phrases of `kind_names.toml`. The longest pattern that fits wins over those inside
it ('bass drum' is drums, 'bass clarinet' wind); of several others each counts alike ('guitar and piano').
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from string import ascii_lowercase

from ..errors import check_known

KINDS = {
    "mix": "several instruments at once: mixes, submixes, groups",
    "drums": "drum kits, single drums, percussion, loops",
    "speech": "spoken voice",
    "bass": "bass guitar, upright bass, synthesized bass",
    "vocals": "singing, one voice or a choir",
    "guitar": "acoustic and electric guitars, plucked lutes",
    "keys": "piano, electric piano, organ, mallets",
    "strings": "violins to double basses, alone or in sections",
    "wind": "brass and woodwind",
    "synth": "synthesizers: leads, pads, sequences, effects",
}
# What the manifests of recordings call them; what is not here is left out of training.
FROM_MANIFEST = {kind: kind for kind in KINDS} | {
    "submix": "mix", "choir": "vocals", "percussion": "drums", "piano": "keys", "mallet": "keys", "brass": "wind",
    "woodwind": "wind", "electric_guitar": "guitar", "acoustic_guitar": "guitar",
}  # fmt: skip
MELODIC = ("vocals", "guitar", "keys", "strings", "wind", "synth")  # hard to tell from one another by sound alone
MELODIC_KIND, UNSURE = "melodic", "unsure"  # what is said where no kind is named
NAME_SURE = 0.97  # of a telling name: how often the track really is of that kind
DRUM_MACHINES = {"808", "909", "303"}  # numbers that say something
COMMIT_FROM = 0.55  # of the likeliest kind: below, no kind is named
# Where the sound alone seems to be one of these it mostly is not (models/README.md): 'melodic' is all that is said.
NOT_BY_SOUND = ("strings", "wind", "synth")


def kind_prior(*names: str | None) -> tuple[float, ...] | None:
    """What names of a track, its folder and its instrument say: (kinds,), a likelihood for each kind; None for nothing.

    The first name that says anything counts: give the nearest first (the track before its folder).
    """
    for name in names:
        said = _said(name or "")
        if said:
            rest = (1 - NAME_SURE) / (len(KINDS) - len(said))
            return tuple(NAME_SURE / len(said) if kind in said else rest for kind in KINDS)
    return None


def known_kind(kind: str) -> tuple[float, ...]:
    """The prior of somebody who says the kind outright, (kinds,). Raises `AeqError` for one that is none."""
    check_known("kind", kind, KINDS)
    return tuple(float(name == kind) for name in KINDS)


def heard_as(probabilities: Sequence[float], *, by_name: bool = False) -> tuple[str, float]:
    """What a sound is called, and how sure that is: a kind, else 'melodic', else 'unsure'.

    `by_name`: whether a name or a person said something of the kind; by sound alone not all kinds are named.
    """
    kinds = dict(zip(KINDS, probabilities, strict=True))
    best = max(kinds, key=kinds.__getitem__)
    if kinds[best] >= COMMIT_FROM and (by_name or best not in NOT_BY_SOUND):
        return best, kinds[best]
    melodic = sum(kinds[kind] for kind in MELODIC)
    return (MELODIC_KIND, melodic) if melodic >= COMMIT_FROM else (UNSURE, kinds[best])


@lru_cache(maxsize=4096)
def _said(name: str) -> tuple[str, ...]:
    """The kinds that a name speaks of."""
    words = plain_words(name)
    kinds: list[str] = []
    initials = {word[0] for word in words}
    for pattern, kind in _patterns():
        if pattern[0][0] not in initials:
            continue
        for start in range(len(words) - len(pattern) + 1):
            span = slice(start, start + len(pattern))
            if all(map(_fits, words[span], pattern)):
                words[span] = [""] * len(pattern)  # said once
                kinds.append(kind)
    return tuple(dict.fromkeys(kinds))


def plain_words(name: str) -> list[str]:
    """'02-LeadVox_dbl.wav' -> ['lead', 'vox', 'dbl', 'wav']: lower case, without accents and counting numbers."""
    name = re.sub(r"(?<=[a-zß-ÿ])(?=[A-Z])", " ", name)
    name = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    found = re.findall(r"[a-z]+|\d+[a-z]+\d*|\d+", re.sub(r"(?<=[a-z]{3})\d+", " ", name))
    return [word for word in found if not word.isdigit() or word in DRUM_MACHINES]


def _fits(word: str, pattern: str) -> bool:
    """Whether a word is what a pattern says; '*' at its end stands for more letters."""
    if not pattern.endswith("*"):
        return word == pattern
    return word.startswith(pattern[:-1]) and not word[len(pattern) - 1 :].strip(ascii_lowercase)


@lru_cache(maxsize=1)
def _patterns() -> Sequence[tuple[tuple[str, ...], str]]:
    """(words of a pattern, kind), longest first."""
    table = tomllib.loads(Path(__file__).with_name("kind_names.toml").read_text(encoding="utf-8"))
    found = []
    for kind in KINDS:
        for entry in [*table[kind]["words"].split(), *table[kind]["phrases"]]:
            plain = unicodedata.normalize("NFKD", entry).encode("ascii", "ignore").decode()
            found.append((tuple(plain.split()), kind))
    return sorted(found, key=lambda one: (-len(one[0]), -_length(one[0])))


def _length(pattern: Sequence[str]) -> int:
    """What is open at its end counts as six letters."""
    return sum(len(word) + 5 * word.endswith("*") for word in pattern)
