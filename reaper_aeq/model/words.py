"""Words as distributions over EQ settings: what people did when they were asked for 'warm', and how far they agreed.

A word is a Gaussian over level-free curves in the EQ space: a mean, and a covariance that says in which ways people
differ. Where it means something else for a kind of sounds (body of a bass, body of a violin) it has another one for
them, and `for_kinds` chooses. Opposites and aliases are words of their own that point at another word's data; 'less
<word>' works for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import AeqError, NoTextModelError, UnknownWordError, WrongTypeError, as_number
from ..request import check_range, parse_word
from .checkpoint import Checkpoint
from .free_text.free_text import plain, understand
from .kinds import KINDS
from .word_table import Evidence, KnownWord, WordsByName, WordTable, resolve


@dataclass(frozen=True)
class DescriptorSettings:
    """A Gaussian over codes of level-free curves: `mean` (32,), `cov` (32, 32), float64."""

    mean: Tensor
    cov: Tensor


@dataclass(frozen=True)
class Word:
    """`mean` (32,) and `cov` (32, 32): codes of level-free curves, float64.

    `core`: a word for a sound, as engineers use it, rather than for a mood or the music; only these are suggested.
    `parts`: the known words it is made of where it is not one of them. `free`: what was typed is no known word.
    `by_kind`: what it means for some kinds of sounds; for all others it is `mean` and `cov`.
    `own`: {word: settings} of the person whose meaning it is; empty for everybody's.
    """

    name: str
    language: str
    mean: Tensor
    cov: Tensor
    evidence: Evidence
    core: bool = True
    parts: Mapping[str, float] | None = None
    free: bool = False
    by_kind: Mapping[str, DescriptorSettings] = field(default_factory=dict)
    own: Mapping[str, int] = field(default_factory=dict)

    @property
    def made_of(self) -> Mapping[str, float]:
        """{known word: weight}; negative where it is turned round."""
        return self.parts or {self.name: 1.0}

    @property
    def understood(self) -> Mapping[str, float] | None:
        """For words of one's own, the blend of known words that they were taken for."""
        return self.parts if self.free else None

    @property
    def known(self) -> KnownWord:
        """How well it is known."""
        return KnownWord(self.name, self.language, self.evidence, self.core, tuple(self.by_kind))

    def for_kind(self, kind: str) -> DescriptorSettings:
        """What it means for sounds of one kind."""
        return self.by_kind.get(kind) or DescriptorSettings(self.mean, self.cov)

    def for_kinds(self, probabilities: Tensor | None) -> Word:
        """As it is meant for a sound of these kinds, (kinds,) in the order of `KINDS`; None where nothing is known."""
        if not self.by_kind or probabilities is None:
            return self
        each = [(float(share), self.for_kind(kind)) for share, kind in zip(probabilities, KINDS, strict=True)]
        mean = sum((share * one.mean for share, one in each), torch.zeros(()))
        spread = (share * (one.cov + torch.outer(one.mean - mean, one.mean - mean)) for share, one in each)
        return replace(self, mean=mean, cov=sum(spread, torch.zeros(())), by_kind={})

    @property
    def weak(self) -> bool:
        """Whether people hardly agree on what it is."""
        return self.known.weak

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the name and how well it is known."""
        return self.known.to_dict()

    def opposite(self) -> Word:
        """The same people's settings turned round: what 'less <word>' means."""
        name = self.name.removeprefix("less ") if self.name.startswith("less ") else f"less {self.name}"
        turned = {word: -weight for word, weight in self.made_of.items()}
        kinds = {kind: replace(one, mean=-one.mean) for kind, one in self.by_kind.items()}
        return replace(self, name=name, mean=-self.mean, parts=None if turned == {name: 1.0} else turned, by_kind=kinds)


class Vocabulary(WordsByName[Word]):
    """Words by name. `vocabulary.find` also understands aliases, case, 'less ...' and 'brighter'."""

    def find(self, name: str) -> Word:
        """The word meant by `name`. Raises `UnknownWordError`, which names the nearest."""
        asked, sign = resolve(name, self)
        return self[asked] if sign > 0 else self[asked].opposite()

    def meant(self, text: str) -> Word:
        """`find`, or for any other text the blend of known words that comes nearest to it (`free_text`).

        Raises `UnknownWordError`.
        """
        try:
            return self.find(text)
        except UnknownWordError as unknown:
            try:
                guess = understand(text, self)
            except NoTextModelError as none:
                raise UnknownWordError(text, [*self, *self.aliases], none) from unknown
        blend = self.blend(guess.shares)
        evidence = replace(blend.evidence, agreement=round(blend.evidence.agreement * guess.likeness, 3))
        return replace(blend, name=plain(text), evidence=evidence, core=False, parts=guess.shares, free=True)

    def spelled(self, text: str) -> str:
        """A word as the vocabulary spells it; free text as it may stand in the name of an EQ."""
        try:
            return self.find(text).name
        except UnknownWordError:
            return plain(text)

    def blend(self, request: str | Mapping[str, float]) -> Word:
        """One word or phrase, or a weighted sum: means add, as EQs in series do; the spread is the widest's share.

        A sum may be given as text ('warm 0.7, airy 0.3'). Weights may be negative ('less'). Raises `UnknownWordError`,
        `RangeError` for a weight beyond intensity's range, `AeqError` for a blend that is empty or cannot be read.
        """
        if isinstance(request, str):
            request = parse_word(request)
        if isinstance(request, str):
            return self.meant(request)
        if not isinstance(request, Mapping):
            raise WrongTypeError("a word", request, "text, or a blend such as {'warm': 0.7}")
        if not request:
            raise AeqError("an empty blend asks for nothing: name at least one word")
        for name, weight in request.items():
            if not isinstance(name, str):
                raise WrongTypeError("a word", name, "text")
            told = f"the weight of {name!r}"
            check_range("intensity", as_number(told, weight), told)
        parts = [(self.meant(name), float(weight)) for name, weight in request.items()]
        if len(parts) == 1 and parts[0][1] == 1.0:
            return parts[0][0]
        total = sum(abs(weight) for _, weight in parts) or 1.0

        def added(kind: str) -> DescriptorSettings:
            mean, cov = torch.zeros(2)
            for word, weight in parts:
                one = word.for_kind(kind)
                mean, cov = mean + weight * one.mean, cov + abs(weight) / total * one.cov
            return DescriptorSettings(mean, cov)

        usual = added("")
        kinds = {kind: added(kind) for kind in KINDS if any(kind in word.by_kind for word, _ in parts)}
        least = min(parts, key=lambda part: part[0].evidence.confidence)[0].evidence
        label = " + ".join(f"{word.name} {weight:g}" for word, weight in parts)
        made_of: dict[str, float] = {}
        for word, weight in parts:
            for name, share in word.made_of.items():
                made_of[name] = made_of.get(name, 0.0) + weight * share
        free = any(word.free for word, _ in parts)
        own = {name: count for word, _ in parts for name, count in word.own.items()}
        return Word(
            label, parts[0][0].language, usual.mean, usual.cov, least, parts=made_of, free=free, by_kind=kinds, own=own
        )  # fmt: skip

    def save(self, folder: Path | str, info: dict[str, Any]) -> None:
        """Writes `words.safetensors` and `words.json` into `folder`. Raises `OutputError`."""
        tensors = {
            "mean": torch.stack([word.mean for word in self.values()]).float(),
            "cov": torch.stack([word.cov for word in self.values()]).half(),
        }
        by_kind = [one for word in self.values() for one in word.by_kind.values()]
        if by_kind:
            tensors["kind_mean"] = torch.stack([one.mean for one in by_kind]).float()
            tensors["kind_cov"] = torch.stack([one.cov for one in by_kind]).half()
        rows = [
            {"name": n, "language": w.language, "core": w.core, "confidence": w.evidence.confidence}
            | {**vars(w.evidence), "kinds": list(w.by_kind)}
            for n, w in self.items()
        ]
        Checkpoint(tensors, {**info, "words": rows, "aliases": self.aliases}).save(folder, "words")

    @classmethod
    def load(cls, folder: Path | str | None = None) -> Vocabulary:
        """The shipped words, or those in `folder`. Raises `ModelError`."""
        checkpoint = Checkpoint.load("words", folder)
        table = WordTable.of(checkpoint.info)
        rows = zip(table.values(), checkpoint.tensors["mean"], checkpoint.tensors["cov"], strict=True)
        kinds = zip(
            checkpoint.tensors.get("kind_mean", ()), checkpoint.tensors.get("kind_cov", ()), strict=True
        )  # of all words, one after the other
        words = {
            one.name: Word(
                one.name, one.language, mean.double(), cov.double(), one.evidence, one.core,
                by_kind={kind: DescriptorSettings(*(part.double() for part in next(kinds))) for kind in one.kinds},
            )
            for one, mean, cov in rows
        }  # fmt: skip
        return cls(words, table.aliases)
