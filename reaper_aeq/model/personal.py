"""What a word means to one person: everybody's distribution, updated by that person's own settings.

A hierarchical Gaussian. Settings of a word are N(m, C) over everybody; of that, the share `PERSON_SHARE` is how people
differ from one another and the rest how one person differs from sound to sound, both in the same directions:

    meaning of a person ~ N(m, p C),    a setting of theirs ~ N(meaning, (1 - p) C)

so the mean of n own settings moves the word by n p / (n p + 1 - p) of the way, and what is left open shrinks (Gelman et
al., Bayesian Data Analysis, 2013, section 5.4). Full covariances of their own for people cannot be told from twenty
people: they predict worse (`evaluate personal`, models/README.md).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..request import check_learnable, check_profile
from .curves import N_GRID, center
from .eq_autoencoder import EqAutoencoder
from .profile_store import Edit, ProfileStore
from .words import DescriptorSettings, Vocabulary, Word

PERSON_SHARE = 0.45  # of the variance of a word's settings, how people differ (SAFE's controlled sessions)
KIND_FROM = 3  # own settings of a kind of sounds from which the word has a meaning of its own for it

LEAST_INTENSITY = 0.25  # by which what was made of a small press is divided at most
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OwnSetting:
    """One setting of a person: `code` (32,) of what the word meant there, float64; `kind`: of sound, or ''."""

    code: Tensor
    kind: str = ""


def followed(settings: int, person_share: float = PERSON_SHARE) -> float:
    """0..1, how far of the way from everybody's mean to the mean of so many own settings."""
    return settings * person_share / (settings * person_share + 1.0 - person_share)


def updated(everybody: DescriptorSettings, codes: Tensor, person_share: float = PERSON_SHARE) -> DescriptorSettings:
    """Everybody's distribution given a person's own settings, codes (n, 32), n at least 1; what their next
    setting will be."""
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
    return replace(word, mean=usual.mean, cov=usual.cov, by_kind=by_kind, own={word.name: len(own)})


@dataclass(frozen=True)
class OwnWord:
    """What came of an edit: the word as the vocabulary spells it, how many settings of it there are now, and how much
    of the edit (0..1) the next answer to that sound has by itself, as the word means it now."""

    word: str
    settings: int
    share: float


class Profiles:
    """The vocabulary as each profile means it, read anew whenever the store has changed."""

    def __init__(self, words: Vocabulary, eq_model: EqAutoencoder, store: ProfileStore | None = None):
        self.words, self.eq_model, self.store = words, eq_model, store or ProfileStore()
        self._known: dict[str, tuple[object, Vocabulary]] = {}

    def words_of(self, profile: str | None) -> Vocabulary:
        """Everybody's words for None, and where this person has taught nothing. Raises `AeqError`."""
        if profile is None:
            return self.words
        check_profile(profile)
        state = self.store.state
        if state is None:
            return self.words
        if profile not in self._known or self._known[profile][0] != state:
            edits = self.store.edits(profile)
            for sentence in self.store.told:
                log.warning("%s", sentence)
            self.store.told.clear()
            words = personal_vocabulary(self.words, self.settings(edits)) if edits else self.words
            self._known[profile] = (state, words)
        return self._known[profile][1]

    def learn(
        self,
        profile: str,
        word: str,
        intensity: float,
        computed_db: Tensor,
        made_db: Tensor,
        kind: str = "",
        heard_db: Tensor | None = None,
        once: bool = False,
    ) -> OwnWord:
        """Keeps what somebody made of an answer, and what it was made for.

        Args:
            computed_db, made_db: (bands,) dB, of bands alone.
            heard_db: LTAS of the sound, (bands,) dB.
            once: in place of what this profile made before of this word for the very same sound.

        Raises `AeqError`, `StoreError`.
        """
        check_learnable(intensity)
        before = self.words_of(profile)
        known = before.find(word)
        name = known.name.removeprefix("less ") if known.name not in self.words else known.name
        signed = intensity if name == known.name else -intensity
        meant = before[name].for_kind(kind).mean
        decoder = self.eq_model.decoder.weight.detach().to("cpu", torch.float64)
        then = center(decoder @ meant)
        heard, computed, made, meant_db = (
            () if curve is None else tuple(curve.tolist()) for curve in (heard_db, computed_db, made_db, then)
        )
        self.store.add([Edit(profile, name, kind, heard, computed, made, meant_db, signed)], once)
        after = self.words_of(profile)[name]
        moved, edit = signed * (decoder @ (after.for_kind(kind).mean - meant)), center(made_db - computed_db)
        share = float((moved @ edit) / (edit @ edit).clamp_min(1e-9))
        return OwnWord(name, after.own.get(name, 0), min(max(share, 0.0), 1.0))

    def settings(self, edits: Sequence[Edit]) -> dict[str, list[OwnSetting]]:
        """What the edits say that the words mean, {word: settings}; those of other words are left out.

        What a person adds to an answer, they would have added to the word it was made of: the answer follows the
        word's mean nearly one to one, as what the sound says does not depend on it (docs/algorithm.md, section 7).
        """
        found: dict[str, list[OwnSetting]] = defaultdict(list)
        for edit in edits:
            if edit.word in self.words and len(edit.computed_db) == N_GRID:
                made, computed, meant = (
                    torch.tensor(curve, dtype=torch.float64)
                    for curve in (edit.made_db, edit.computed_db, edit.meant_db)
                )
                scale = max(abs(edit.intensity), LEAST_INTENSITY) * (1 if edit.intensity > 0 else -1)
                curve = center(meant + (made - computed) / scale)
                found[edit.word].append(OwnSetting(self.eq_model.encode(curve.float()).double(), edit.kind))
        return found


def personal_vocabulary(words: Vocabulary, own: Mapping[str, Sequence[OwnSetting]]) -> Vocabulary:
    """The vocabulary as one person means it; words without own settings are the very same objects."""
    return Vocabulary({name: personal(word, own.get(name, ())) for name, word in words.items()}, words.aliases)
