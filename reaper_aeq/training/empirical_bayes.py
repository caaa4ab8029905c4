"""What few settings say of a word: their mean, drawn towards no EQ at all.

Three people's settings for 'boomy' overshoot what a fourth would do. A word's own curve is taken for a draw around
flat, of which n settings give a mean that is off by as much as n people differ. Then the likeliest curve is the mean of
these settings and of some flat ones, as many as the sizes of all words' means and people's differences within words
tell (empirical Bayes; Efron and Morris 1975). Of many settings next to nothing changes.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..model.curves import center, rms_db, weights
from ..util.settings import WordsTraining
from .datasets.descriptor_settings import WordSettings, gather
from .datasets.readers import PeopleData

# A word with fewer settings does not tell how words differ: it is mostly a preset's name. Two of SAFE's are worth a
# little less than two independent ones.
SEVERAL = 1.9
LEAST_WORDS = 8  # that tell it; with fewer, nothing is added
MOST_FLAT = 8.0
FOR_COMMON = 5  # settings in one data set from which a word tells how people differ


@dataclass(frozen=True)
class Pool:
    """How people differ `within` a word, (bands, bands) dB², and how many flat settings each word is given."""

    within: Tensor
    flat: float

    @classmethod
    def of(cls, shown: Iterable[WordSettings], within: Tensor) -> Pool:
        """By moments over all words."""
        several = [word for word in shown if word.settings >= SEVERAL]
        if len(several) < LEAST_WORDS:
            return cls(within, 0.0)
        spread = float(within.diagonal() @ weights())
        between = statistics.fmean(float(rms_db(word.mean)) ** 2 - spread / word.settings for word in several)
        return cls(within, min(spread / max(between, 1e-9), MOST_FLAT))

    def meaning(self, word: WordSettings) -> tuple[Tensor, Tensor]:
        """The word's own curve (bands,) dB, level-free, and how uncertain it is (bands, bands) dB²."""
        settings = max(word.settings + self.flat, 1e-9)
        return center(word.settings / settings * word.mean), self.within / max(settings, 1.0)


def common_covariance(shown: Iterable[WordSettings]) -> Tensor:
    """(bands, bands) dB²: how people differ within a word, over all words with enough settings in one data set."""
    centered = []
    for word in shown:
        for curves in (word.rows, word.singles):
            if len(curves) >= FOR_COMMON:
                centered.append((curves - curves.mean(0)) * (len(curves) / (len(curves) - 1)) ** 0.5)
    stacked = torch.cat(centered)
    return stacked.T @ stacked / len(stacked)


def learn(settings: WordsTraining, people: PeopleData) -> tuple[dict[tuple[str, str], WordSettings], Pool]:
    """What people showed of each (word, language), as `gather` finds it, and how settings and words differ."""
    everything = gather(settings, people)
    return everything, Pool.of(everything.values(), common_covariance(everything.values()))
