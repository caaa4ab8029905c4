"""The repair tests (design, section 6): take a quality out, ask for the word, compare with the clean recording.

Only recordings whose source repository the encoder never saw, and only people's settings the words never saw. All
methods answer the same trials; 'adaptive' goes through real ReaEQ bands, the rules to beat are spared that.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from scipy.stats import spearmanr
from torch import Tensor

from ..dsp.thought import equalised
from ..engine import AdaptiveEQ
from ..errors import AeqError
from ..methods import DRAWS, ENCODERS
from ..model.curves import along, level_free, rms_db
from ..model.eq_autoencoder import EqAutoencoder
from ..model.words import Vocabulary
from ..settings import WordsTraining
from ..train.data import (
    Settings,
    read_clips,
    read_contributions,
    read_ltas_prior,
    read_safe,
    read_social_words,
)  # fmt: skip
from ..train.music import gaussian, level_by_middle
from ..train.shown import form_name
from ..train.words import build_words
from .contestants import REPAIR, Contestant, Fold, Trial, genre_neighbours
from .edits import PUBLISHED, Published, band_energy_ratio
from .folds import N_FOLDS, exam_folds, load_fold, setting_folds, without
from .people import load_cvae_fold, read_people
from .rules import Music

PEOPLE_WORDS = ("warm", "bright")
LITTLE_KNOWN = "little-known words"  # all others: a handful of SAFE's settings each, examined together


@dataclass
class Score:
    """What one method did on one word's trials: LSD in dB, band-energy error, direction of each trial; how much was
    taken out (RMS dB), and the share of it that was given back."""

    lsd_db: list[float] = field(default_factory=list)
    missing_db: list[float] = field(default_factory=list)
    restored: list[float] = field(default_factory=list)
    energy_error: list[float] = field(default_factory=list)
    right_way: list[bool] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        out = {"trials": len(self.lsd_db), "lsd_db": round(statistics.median(self.lsd_db), 3)}
        if self.energy_error:
            out["energy_error"] = round(statistics.fmean(self.energy_error), 4)
            out["right_way"] = round(statistics.fmean(self.right_way), 4)
        out["restored"] = round(statistics.median(self.restored), 3)
        given = [missing * share for missing, share in zip(self.missing_db, self.restored, strict=True)]
        # who always gives the same follows nothing: its amounts differ by rounding only
        constant = len(given) < 3 or statistics.pstdev(given) < 0.01
        out["follows_missing"] = 0.0 if constant else round(float(spearmanr(self.missing_db, given).statistic), 3)
        return out


def run_repair(
    audio: Sequence[Path | str],
    data: Path | str,
    models: Path | str | None = None,
    *,
    rows_per_clip: int = 10,
    gains_per_clip: int = 5,
    every: int = 1,
    contestants: Mapping[str, Contestant] = REPAIR,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """{'people' | 'published': {word: {method: figures}}}; recordings come from every n-th of the mixes in `audio`.

    Raises `AeqError` for missing data and `ModelError` where an encoder has seen what it is examined on.
    """
    folds = load_folds(audio, data, models, tell, contestants)
    return repaired(folds, contestants, rows_per_clip, gains_per_clip, every, tell)


def repaired(
    folds: Sequence[Fold], contestants: Mapping[str, Contestant], rows_per_clip: int, gains_per_clip: int, every: int,
    tell: Callable[[str], None],
) -> dict[str, dict[str, dict[str, dict[str, float]]]]:  # fmt: skip
    """`run_repair` with what it examines on."""
    tables: dict[str, dict[str, dict[str, Score]]] = {"people": {}, "published": {}}
    for k, fold in enumerate(folds):
        clips = fold.clips[::every]
        for i, clip in enumerate(clips):
            tell(f"fold {k + 1} of {N_FOLDS}: mix {i + 1} of {len(clips)}")
            trials: list[tuple[str, str, Trial, Published | None]] = []
            asked = {word: [(word, row) for row in fold.people[word]] for word in PEOPLE_WORDS}
            for label, rows in (asked | {LITTLE_KNOWN: fold.little_known}).items():
                picked = torch.randperm(len(rows), generator=torch.Generator().manual_seed(100 * k + i))
                for word, row in (rows[n] for n in picked[:rows_per_clip]):
                    trial = Trial(fold, clip, word, -row, equalised(clip.analysis, -row))
                    trials.append(("people", label, trial, None))
            for edit in PUBLISHED:
                for gain_db in edit.gains(gains_per_clip):
                    damage = edit.curve(gain_db)
                    trial = Trial(fold, clip, edit.word, damage, equalised(clip.analysis, damage), adaptation=1.0)
                    trials.append(("published", edit.word, trial, edit))
            for name, answer in contestants.items():
                curves = answer([trial for _, _, trial, _ in trials])
                for (kind, label, trial, edit), curve in zip(trials, curves, strict=True):
                    if curve is not None:
                        scores = tables[kind].setdefault(label, {})
                        note(scores.setdefault(name, Score()), trial, edit, curve)
    return {
        kind: {word: {name: score.summary() for name, score in scores.items()} for word, scores in words.items()}
        for kind, words in tables.items()
    }


def note(score: Score, trial: Trial, edit: Published | None, curve: Tensor) -> None:
    """What an answer (bands,) dB is worth, into `score`."""
    score.lsd_db.append(float(rms_db(trial.damage + curve)))
    score.missing_db.append(float(rms_db(trial.damage)))
    score.restored.append(float(along(curve, -trial.damage)))
    if edit is not None:
        heard = (trial.clip.analysis.ltas_db(), trial.ltas_db, trial.ltas_db + curve)
        clean, before, after = (band_energy_ratio(ltas_db, edit.low_hz, edit.high_hz) for ltas_db in heard)
        score.energy_error.append(abs(after - clean))
        score.right_way.append((after - before) * (clean - before) > 0)


def load_folds(
    audio: Sequence[Path | str], data: Path | str, models: Path | str | None, tell: Callable[[str], None],
    only: Iterable[str] = (),
) -> list[Fold]:  # fmt: skip
    """Every fold with words and music statistics fitted without its settings and sources.

    `only`: who will be asked; the conditional VAE of a fold is loaded for 'cvae' alone, which must not answer with the
    shipped one: that has seen everybody.
    """
    clips = read_clips(audio, tell)
    mixes = [clip for clip in clips if clip.kind == "mix"]
    if len({clip.source for clip in mixes}) < N_FOLDS:
        raise AeqError(f"the repair tests need mixes of at least {N_FOLDS} sources")
    fold_of = exam_folds(mixes)
    safe, social, single = read_safe(data), read_social_words(data), read_contributions(data)
    prior = read_ltas_prior(data)
    eq_model = EqAutoencoder.load(models)
    neighbours = genre_neighbours(mixes)
    row_fold = setting_folds(safe)
    folds = []
    for k in range(N_FOLDS):
        sources = {source for source, fold in fold_of.items() if fold == k}
        seen_settings = safe.subset([fold != k for fold in row_fold])
        vocabulary = build_words(WordsTraining(), seen_settings, social, single, eq_model)
        engine, second = (
            AdaptiveEQ(eq_model, load_fold(models, k, sources, encoder), vocabulary, models) for encoder in ENCODERS
        )
        if DRAWS in only:
            engine.models.cvae = load_cvae_fold(models, k, read_people(data))
        _, rest = without([], prior, sources)
        music = Music(*gaussian(level_by_middle(rest.ltas_db, rest.known), rest.known))
        little_known = unseen_rows(safe, [fold == k for fold in row_fold], vocabulary)
        curves, covs = {}, {}
        for word in {edit.word for edit in PUBLISHED} | {word for word, _ in little_known}:
            rows = [i for i, name in enumerate(seen_settings.words) if form_name(name) == word]
            curves[word] = {"SAFE": level_free(seen_settings.curves_db[rows]).mean(0)} if rows else {}
            for other in social:
                if (other.name, other.language) == (word, "en"):
                    curves[word]["SocialEQ"] = level_free(WordsTraining().socialeq_db * other.curve)
            # the words' own covariance: what the posterior rule is defined by
            decoder = eq_model.decoder.weight.double()
            covs[word] = decoder @ vocabulary.find(word).cov @ decoder.T
        people = {
            word: safe.curves_db[[i for i, n in enumerate(safe.words) if n == word and row_fold[i] == k]]
            for word in PEOPLE_WORDS
        }
        own = [clip for clip in mixes if fold_of[clip.source] == k]
        folds.append(Fold(own, engine, music, curves, people, covs, second, neighbours, little_known))
    return folds


def unseen_rows(safe: Settings, unseen: Sequence[bool], vocabulary: Vocabulary) -> list[tuple[str, Tensor]]:
    """(word, setting) of each unseen row whose word others have set as well, `PEOPLE_WORDS` aside."""
    names = [form_name(name) for name in safe.words]
    set_by_others = {name for name, new in zip(names, unseen, strict=True) if not new} & set(vocabulary)
    asked = set_by_others - set(PEOPLE_WORDS)
    return [(n, row) for n, row, new in zip(names, safe.curves_db, unseen, strict=True) if new and n in asked]
