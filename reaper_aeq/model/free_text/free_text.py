"""Words of one's own: 'cosy like an old radio' becomes a blend of words that are known.

A clause (see `clauses`) that is a known word or stands in `synonyms.toml` needs nothing else; any other is compared
with all of those by a sentence model. What is near to none of them is refused: nothing is guessed silently, and a word
that looks like a typing mistake is taken for one.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import NoTextModelError, NotUnderstoodError, UnknownWordError
from ..word_table import WordsByName, WordTable, resolve
from .clauses import Clause, clauses, normal, trimmed
from .sentences import Sentences, sentences

if TYPE_CHECKING:
    from torch import Tensor

# Cosine to the nearest word or synonym (measured: `reaper-aeq evaluate text`, models/README.md).
NEAR_ENOUGH = 0.55
MOST_WORDS, LEAST_SHARE, SOFTNESS = 3, 0.15, 0.1  # of a clause's blend; softness: a word 0.1 further counts 1/e
MISSPELLED_FROM = 0.75  # difflib's ratio of a single word to a known one
_FORMS = (("iness", "y"), ("ness", ""), ("ier", "y"), ("er", ""), ("er", "e"))  # calmer, harshness, gentler


@dataclass(frozen=True)
class Guess:
    """What a clause means: shares of known words, negative for less of one, and how near it lies, 0..1."""

    shares: Mapping[str, float]
    likeness: float = 1.0


@cache
def synonyms() -> dict[str, dict[str, list[str]]]:
    """`near`, `elsewhere` and `spanish` of synonyms.toml."""
    return tomllib.loads(Path(__file__).with_name("synonyms.toml").read_text(encoding="utf-8"))


def understand(phrase: str, vocabulary: WordsByName[Any]) -> Guess:
    """The blend that a phrase asks for.

    Raises `UnknownWordError` (a typing mistake), `NotUnderstoodError` (near to no word) or `NoTextModelError`.
    """
    parts, guesses = _guessed(phrase, *_without_model(phrase, vocabulary), vocabulary)
    total = sum(abs(part.weight) for part in parts) / max(abs(part.weight) for part in parts)
    weights: dict[str, float] = {}
    for part, guess in zip(parts, guesses, strict=True):
        for name, share in guess.shares.items():
            weights[name] = weights.get(name, 0.0) + part.weight * share / total
    weights = {name: round(weight, 2) for name, weight in weights.items() if abs(weight) >= 0.01}
    if not weights:
        raise NotUnderstoodError(f"{phrase!r} asks for a thing and for its opposite", [*guesses[0].shares])
    return Guess(weights, min(guess.likeness for guess in guesses))


def check_words(request: str | Mapping[str, float], words: WordTable) -> None:
    """Raises `UnknownWordError` for a word, or a part of a blend, that is certain to be refused.

    What only a sentence model can tell passes; no model is loaded.
    """
    for text in [request] if isinstance(request, str) else request:
        try:
            resolve(text, words)
        except UnknownWordError as unknown:
            try:
                if None in _without_model(text, words)[1]:
                    sentences()
            except NoTextModelError as none:
                raise UnknownWordError(text, [*words, *words.aliases], none) from unknown


def _without_model(phrase: str, words: WordsByName[Any]) -> tuple[list[Clause], list[Guess | None]]:
    """The clauses of a phrase, and what each means where that is known."""
    whole = known(trimmed(normal(phrase)), words)
    parts = [Clause(phrase, 1.0)] if whole else clauses(phrase)
    if not parts:
        raise UnknownWordError(phrase, [*words, *words.aliases])
    guesses = [whole or known(part.text, words) for part in parts]
    for part, guess in zip(parts, guesses, strict=True):
        if guess is None:
            _refuse_misspelled(part.text, phrase, words)
    return parts, guesses


def plain(phrase: str) -> str:
    """As it stands in the name of our ReaEQ, where '%', ',' and ' + ' have a meaning."""
    return " ".join(re.sub(r"[%,]| \+ ", " ", str(phrase)).split())[:60]


def known(text: str, vocabulary: WordsByName[Any]) -> Guess | None:
    """Without any model: a word, an alias or a synonym, or a form of one, in English or Spanish."""
    english = in_english(text)
    forms = [english.removesuffix(ending) + base for ending, base in _FORMS if english.endswith(ending)]
    forms += [form[:-1] for form in forms if form[-2:-1] == form[-1:]]  # sadder
    for candidate in dict.fromkeys((text, english, *forms)):
        try:
            name, sign = resolve(candidate, vocabulary)
            return Guess({name: float(sign)})
        except UnknownWordError:
            if (other := _by_synonym().get(candidate)) and other in vocabulary:
                return Guess({other: 1.0})
    return None


@cache
def _by_synonym() -> dict[str, str]:
    return {trimmed(said): name for name, others in synonyms()["near"].items() for said in others}


def in_english(text: str) -> str:
    """Each Spanish word that is listed put into English; other text stays as it is."""
    table = {spanish: english for english, said in synonyms()["spanish"].items() for spanish in said}
    return " ".join(table.get(word, word) for word in text.split())


def _refuse_misspelled(text: str, phrase: str, vocabulary: WordsByName[Any]) -> None:
    names = [*vocabulary, *vocabulary.aliases]
    if " " not in text and difflib.get_close_matches(text, names, n=1, cutoff=MISSPELLED_FROM):
        raise UnknownWordError(phrase if text == normal(phrase) else text, names)


def _guessed(
    phrase: str, parts: list[Clause], guesses: list[Guess | None], vocabulary: WordsByName[Any]
) -> tuple[list[Clause], list[Guess]]:
    """With the clauses that are not known compared by the model; a phrase may say more than its parts."""
    unknown = [n for n, guess in enumerate(guesses) if guess is None]
    found = compare([parts[n].text for n in unknown], vocabulary, sentences()) if unknown else []
    missed = [n for n, guess in zip(unknown, found, strict=True) if isinstance(guess, NotUnderstoodError)]
    if len(missed) == len(parts) > 1 and all(part.weight > 0 for part in parts):
        whole = compare([normal(phrase)], vocabulary, sentences())[0]
        if isinstance(whole, Guess):
            return [Clause(normal(phrase), 1.0)], [whole]
    for n, guess in zip(unknown, found, strict=True):
        if isinstance(guess, NotUnderstoodError):
            raise guess
        guesses[n] = guess
    return parts, [guess for guess in guesses if guess is not None]


def compare(
    texts: Sequence[str], vocabulary: WordsByName[Any], model: Sentences, near_enough: float = NEAR_ENOUGH
) -> list[Guess | NotUnderstoodError]:
    """Each text against everything that stands for a word that is known well enough to be guessed."""
    near = {n: [n, *said] for n, said in synonyms()["near"].items() if n in vocabulary and not vocabulary[n].weak}
    things = synonyms()["elsewhere"]["things"]
    if not near:
        return [NotUnderstoodError(f"cannot tell what {text!r} is as a sound", ()) for text in texts]
    import torch

    names = list(near)
    vectors = _vectors(model, tuple(said for name in names for said in near[name]))
    alike = model.encode([in_english(text) for text in texts])
    nearest = torch.stack([part.amax(1) for part in (alike @ vectors.T).split([len(near[n]) for n in names], 1)], 1)
    beside = (alike @ _vectors(model, tuple(things)).T).amax(1)
    return [
        _guess(text, names, row, float(other), vocabulary, near_enough)
        for text, row, other in zip(texts, nearest, beside, strict=True)
    ]


def _guess(
    text: str, names: Sequence[str], alike: Tensor, beside: float, vocabulary: WordsByName[Any], near_enough: float
) -> Guess | NotUnderstoodError:
    """From the cosine to each word (words,), and to what no EQ can do, to shares of the nearest words."""
    import torch

    top = alike.topk(min(MOST_WORDS, len(names)))
    best = float(top.values[0])
    candidates = [names[n] for n in top.indices.tolist()]
    if beside > max(best, near_enough):
        return NotUnderstoodError(f"{text!r} is nothing that an EQ can do", candidates)
    if best < near_enough:
        return NotUnderstoodError(f"cannot tell what {text!r} is as a sound", candidates)
    # a sentence model takes opposites for neighbors; what people did with the words does not
    first = vocabulary[candidates[0]].mean
    agree = torch.stack([torch.cosine_similarity(vocabulary[name].mean, first, dim=0) > 0 for name in candidates])
    shares = (top.values / SOFTNESS).softmax(0) * agree
    shares = shares / shares.sum()
    shares = shares.where(shares >= LEAST_SHARE, 0.0)
    each = (shares / shares.sum()).tolist()
    return Guess({n: share for n, share in zip(candidates, each, strict=True) if share > 0}, min(best, 1.0))


@cache
def _vectors(model: Sentences, texts: tuple[str, ...]) -> Tensor:
    return model.encode(texts)
