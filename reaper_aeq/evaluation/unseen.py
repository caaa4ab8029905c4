"""What the repair tests examine on: a quality taken out of a clean recording by a known edit, recordings and settings
that nothing examined has seen, fold by fold.

Published edits follow SonicMaster's EQ test (gross lacks); nobody's 'bright' is meant by them, so nothing is trained on
them. The curves act on the sixth-octave band powers of the analysis.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..dsp.spectrum import GRID_HZ
from ..engine import AdaptiveEQ
from ..eq import Band, BandKind, Eq
from ..errors import AeqError
from ..model import NETWORKS
from ..model.curves import GRID, REFERENCE_RATE, center
from ..model.eq_autoencoder import EqAutoencoder
from ..model.kinds import FROM_MANIFEST
from ..model.words import Vocabulary
from ..request import DRAWS
from ..training.datasets.descriptor_settings import form_name
from ..training.datasets.music import gaussian, level_by_middle
from ..training.datasets.readers import PeopleData, PeopleSettings, read_clips, read_ltas_prior, read_social_words
from ..training.usual import MISLABELED, sounds_of, source_of
from ..training.words import build_words, known_charts
from ..util.settings import WordsTraining
from . import folds
from .baselines import Fold, genre_neighbors
from .folds import N_FOLDS, Paths, Tell
from .rules import UsualRule

PEOPLE_WORDS = ("warm", "bright")
LITTLE_KNOWN = "little-known words"  # all others: a handful of SAFE's settings each, examined together


@dataclass(frozen=True)
class Published:
    """One kind of edit: a band with gains from `mild_db` to `gross_db`, and the band of energy that is watched."""

    word: str
    kind: BandKind
    freq_hz: float
    mild_db: float
    gross_db: float
    low_hz: float
    high_hz: float
    bandwidth_oct: float = 1.0

    def curve(self, gain_db: float) -> Tensor:
        """(bands,) dB"""
        eq = Eq((Band(self.kind, self.freq_hz, gain_db, self.bandwidth_oct),))
        return torch.from_numpy(eq.response_db(GRID_HZ, REFERENCE_RATE))

    def gains(self, count: int) -> list[float]:
        """So many gains from mild to gross, dB."""
        return np.linspace(self.mild_db, self.gross_db, count).tolist()


TOP = 20_500.0
LOW, HIGH, PEAK = BandKind.LOW_SHELF, BandKind.HIGH_SHELF, BandKind.BAND
# muddy: one band from 200 to 500 Hz, 1.32 octaves around their middle
PUBLISHED = (
    Published("warm", LOW, 400, -6, -20, 20, 400),
    Published("bright", HIGH, 6000, -6, -15, 6000, TOP),
    Published("boomy", LOW, 120, -10, -20, 20, 150),
    Published("airy", HIGH, 10_000, -10, -20, 10_000, TOP),
    Published("muddy", PEAK, 316.2, -6, -15, 200, 500, 1.32),
    Published("dark", HIGH, 6000, 6, 15, 6000, TOP),
    Published("thin", LOW, 400, 6, 20, 20, 400),
)


def band_energy_ratio(ltas_db: Tensor, low_hz: float, high_hz: float) -> float:
    """The share of all energy that lies between two frequencies, 0..1."""
    power = 10 ** (ltas_db / 10)
    inside = (low_hz <= GRID) & (high_hz >= GRID)
    return float(power[inside].sum() / power.sum())


def load_folds(
    audio: Paths, data: Path | str, models: Path | str | None, tell: Tell, only: Iterable[str] = ()
) -> list[Fold]:
    """Every fold with words and music statistics fitted without its settings and sources.

    `only`: who will be asked; the conditional VAE of a fold is loaded for 'cvae' alone, which must not answer with the
    shipped one: that has seen everybody.
    """
    clips = read_clips(audio, tell)
    mixes, fold_of = folds.mixes_and_folds(clips, "the repair tests need")
    stems = [clip for clip in clips if FROM_MANIFEST.get(clip.kind, "mix") != "mix" and clip.name not in MISLABELED]
    # whoever left a source of stems out examines on it, whichever recordings are at hand
    fold_of = folds.unseen_folds(models, {clip.source for clip in stems}) | fold_of
    people, social = folds.read_people(data), read_social_words(data)
    prior, charts = read_ltas_prior(data), known_charts(data)
    eq_model = EqAutoencoder.load(models)
    sounds = None
    with suppress(AeqError):  # a folder of mixes alone: then that rule does not answer
        sounds = sounds_of(clips)
    neighbors = genre_neighbors(mixes)
    found = []
    for k in range(N_FOLDS):
        sources = folds.sources_in(fold_of, k)
        of_mixes = sources & {clip.source for clip in mixes}
        unseen = (people.safe_fold == k).tolist()
        seen_settings = people.safe.subset((people.safe_fold != k).tolist())
        seen = PeopleData(seen_settings, social, (people.keys, people.curves))
        vocabulary = build_words(WordsTraining(), seen, eq_model, charts)
        engine = AdaptiveEQ(eq_model, folds.load_fold(models, k, sources), vocabulary, models)
        # networks have learned from stems of the repositories whose mixes they have not seen: they answer for mixes
        others = {
            network: AdaptiveEQ(eq_model, folds.load_fold(models, k, of_mixes, network), vocabulary, models)
            for network in NETWORKS
        }
        if DRAWS in only:
            engine.models.put(folds.load_cvae_fold(models, k, people))
        rest = prior.without(sources)
        music = gaussian(level_by_middle(rest.ltas_db, rest.known), rest.known)
        little_known = unseen_rows(people.safe, unseen, vocabulary)
        curves, covs = {}, {}
        for word in {edit.word for edit in PUBLISHED} | {word for word, _ in little_known}:
            rows = [i for i, name in enumerate(seen_settings.words) if form_name(name) == word]
            curves[word] = {"SAFE": center(seen_settings.curves_db[rows]).mean(0)} if rows else {}
            for other in social:
                if (other.name, other.language) == (word, "en"):
                    curves[word]["SocialEQ"] = center(WordsTraining().socialeq_db * other.curve)
            # the words' own covariance: what the posterior rule is defined by
            decoder = eq_model.decoder.weight.double()
            covs[word] = decoder @ vocabulary.find(word).cov @ decoder.T
        unseen_settings = people.safe.subset(unseen)
        own, alone = ([clip for clip in some if fold_of.get(clip.source) == k] for some in (mixes, stems))
        owners = {source_of(source) for source in sources}
        rule = None
        if sounds:  # of other people than those behind the sources of the fold
            rule = UsualRule.fit(sounds.subset(torch.tensor([owner not in owners for owner in sounds.sources])))
        asked = {word: unseen_settings.of(word) for word in PEOPLE_WORDS}
        found.append(Fold(own, engine, music, curves, asked, covs, others, neighbors, little_known, alone, rule))
    return found


def unseen_rows(safe: PeopleSettings, unseen: Sequence[bool], vocabulary: Vocabulary) -> list[tuple[str, Tensor]]:
    """(word, setting) of each unseen row whose word others have set as well, `PEOPLE_WORDS` aside."""
    names = [form_name(name) for name in safe.words]
    set_by_others = {name for name, new in zip(names, unseen, strict=True) if not new} & set(vocabulary)
    asked = set_by_others - set(PEOPLE_WORDS)
    return [(n, row) for n, row, new in zip(names, safe.curves_db, unseen, strict=True) if new and n in asked]
