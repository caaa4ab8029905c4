"""What a word means to one person: everybody's distribution, updated by that person's own settings.

A hierarchical Gaussian. Settings of a word are N(m, C) over everybody; of that, the share `PERSON_SHARE` is how people
differ from one another and the rest how one person differs from sound to sound, both in the same directions:

    meaning of a person ~ N(m, p C),    a setting of theirs ~ N(meaning, (1 - p) C)

so the mean of n own settings moves the word by n p / (n p + 1 - p) of the way, and what is left open shrinks (Gelman et
al., Bayesian Data Analysis, 2013, section 5.4). Full covariances of their own for people cannot be told from twenty
people: they predict worse (`evaluate personal`, models/README.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .words import DescriptorSettings, Vocabulary, Word

PERSON_SHARE = 0.45  # of the variance of a word's settings, how people differ (SAFE's controlled sessions)
KIND_FROM = 3  # own settings of a kind of sounds from which the word has a meaning of its own for it


@dataclass(frozen=True)
class OwnSetting:
    """One setting of a person: `code` (32,) of what the word meant there, float64; `kind`: of sound, or ''."""

    code: Tensor
    kind: str = ""


def followed(settings: int, person_share: float = PERSON_SHARE) -> float:
    """0..1, how far of the way from everybody's mean to the mean of so many own settings."""
    return settings * person_share / (settings * person_share + 1.0 - person_share)


def updated(everybody: DescriptorSettings, codes: Tensor, person_share: float = PERSON_SHARE) -> DescriptorSettings:
    """Everybody's distribution given a person's own settings, codes (n, 32); what their next setting will be."""
    if not len(codes):
        return everybody
    share = followed(len(codes), person_share)
    mean = everybody.mean + share * (codes.mean(0) - everybody.mean)
    return DescriptorSettings(mean, (1.0 - person_share * share) * everybody.cov)


def personal(word: Word, own: Sequence[OwnSetting]) -> Word:
    """The word as this person means it, for each kind of sounds where there are enough settings."""
    if not own:
        return word
    every = torch.stack([one.code for one in own])
    kinds: dict[str, list[Tensor]] = defaultdict(list)
    for one in own:
        kinds[one.kind].append(one.code)
    enough = {kind for kind, codes in kinds.items() if kind and len(codes) >= KIND_FROM}
    usual = updated(DescriptorSettings(word.mean, word.cov), every)
    shift = usual.mean - word.mean
    by_kind = {
        kind: updated(word.for_kind(kind), torch.stack(kinds[kind]))
        if kind in enough
        else DescriptorSettings(word.for_kind(kind).mean + shift, word.for_kind(kind).cov)
        for kind in dict.fromkeys([*word.by_kind, *sorted(enough)])
    }
    return replace(word, mean=usual.mean, cov=usual.cov, by_kind=by_kind)


def personal_vocabulary(words: Vocabulary, own: Mapping[str, Sequence[OwnSetting]]) -> Vocabulary:
    """The vocabulary as one person means it; words without own settings are the very same objects."""
    return Vocabulary({name: personal(word, own.get(name, ())) for name, word in words.items()}, words.aliases)
