"""The repair tests (design, section 6): take a quality out, ask for the word, compare with the clean recording.

Only recordings whose source repository the encoder never saw, and only people's settings the words never saw. All
methods answer the same trials; 'adaptive' goes through real ReaEQ bands, the rules to beat are spared that.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from ..dsp.spectrum import GRID_HZ
from ..dsp.thought import equalised
from ..engine import AdaptiveEQ
from ..errors import AeqError
from ..model.curves import level_free, rms_db
from ..model.eq_autoencoder import EqAutoencoder
from ..settings import WordsTraining
from ..train.data import (
    Clip,
    Settings,
    near_duplicates,
    read_clips,
    read_contributions,
    read_ltas_prior,
    read_safe,
    read_social_words,
)  # fmt: skip
from ..train.music import gaussian, level_by_middle
from ..train.words import build_words, form_name
from .edits import PUBLISHED, Published, band_energy_ratio
from .folds import N_FOLDS, exam_folds, load_fold, without
from .rules import Music, posterior_rule, scalar_rule

METHODS = ("nothing", "fixed SAFE", "fixed SocialEQ", "scalar rule", "posterior rule", "adaptive")
PEOPLE_WORDS = ("warm", "bright")


@dataclass
class Score:
    """What one method did on one word's trials: LSD in dB, band-energy error, direction of each trial."""

    lsd_db: list[float] = field(default_factory=list)
    energy_error: list[float] = field(default_factory=list)
    right_way: list[bool] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        out = {"trials": len(self.lsd_db), "lsd_db": round(statistics.median(self.lsd_db), 3)}
        if self.energy_error:
            out["energy_error"] = round(statistics.fmean(self.energy_error), 4)
            out["right_way"] = round(statistics.fmean(self.right_way), 4)
        return out


@dataclass(frozen=True)
class Fold:
    """One fold's clips and everything fitted without them."""

    clips: list[Clip]
    engine: AdaptiveEQ
    music: Music
    curves: dict[str, dict[str, Tensor]]  # word -> 'SAFE' / 'SocialEQ' mean curve, where there is one
    people: dict[str, Tensor]  # word -> unseen settings (n, bands)
    people_cov: dict[str, Tensor]


def run_repair(
    audio: Sequence[Path | str],
    data: Path | str,
    models: Path | str | None = None,
    *,
    rows_per_clip: int = 10,
    gains_per_clip: int = 5,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """{'people' | 'published': {word: {method: figures}}}; recordings come from the mixes in `audio`.

    Raises `AeqError` for missing data and `ModelError` where an encoder has seen what it is examined on.
    """
    tables: dict[str, dict[str, dict[str, Score]]] = {"people": {}, "published": {}}
    for k, fold in enumerate(load_folds(audio, data, models, tell)):
        tell(f"fold {k + 1} of {N_FOLDS}: {len(fold.clips)} mixes")
        for i, clip in enumerate(fold.clips):
            for word in PEOPLE_WORDS:
                rows = fold.people[word]
                picked = torch.randperm(len(rows), generator=torch.Generator().manual_seed(100 * k + i))
                for row in rows[picked[:rows_per_clip]]:
                    _trial(tables["people"].setdefault(word, {}), fold, clip, word, -row, None, None)
            for edit in PUBLISHED:
                for gain_db in edit.gains(gains_per_clip):
                    scores = tables["published"].setdefault(edit.word, {})
                    _trial(scores, fold, clip, edit.word, edit.curve(gain_db), edit, 1.0)
    return {
        kind: {word: {name: score.summary() for name, score in scores.items()} for word, scores in words.items()}
        for kind, words in tables.items()
    }


def _trial(
    scores: dict[str, Score], fold: Fold, clip: Clip, word: str, damage: Tensor, edit: Published | None,
    adaptation: float | None,
) -> None:  # fmt: skip
    clean = clip.analysis.ltas_db()
    damaged = equalised(clip.analysis, damage)
    ltas = damaged.ltas_db()
    for name, curve in answers(fold, damaged, ltas, word, adaptation).items():
        score = scores.setdefault(name, Score())
        score.lsd_db.append(float(rms_db(damage + curve)))
        if edit is not None:
            ratio = [band_energy_ratio(x, edit.low_hz, edit.high_hz) for x in (clean, ltas, ltas + curve)]
            score.energy_error.append(abs(ratio[2] - ratio[0]))
            score.right_way.append((ratio[2] - ratio[1]) * (ratio[0] - ratio[1]) > 0)


def answers(fold: Fold, damaged, ltas_db: Tensor, word: str, adaptation: float | None) -> dict[str, Tensor]:
    """Each method's curve (bands,) for a damaged recording; methods without data for the word are left out."""
    known = fold.curves[word]
    strength = 0.5 if adaptation is None else adaptation
    out = {"nothing": torch.zeros(len(GRID_HZ), dtype=torch.float64)}
    out |= {f"fixed {source}": curve for source, curve in known.items()}
    published = known.get("SocialEQ", known.get("SAFE"))
    cov = fold.people_cov[word]
    axis = level_free(published)
    along_var = float(axis @ cov @ axis) / float(axis @ axis) ** 2
    out["scalar rule"] = scalar_rule(ltas_db, published, along_var, fold.music, strength)
    out["posterior rule"] = posterior_rule(ltas_db, known.get("SAFE", published), cov, fold.music, strength)
    result = fold.engine.adapt_analysis(damaged, word, adaptation=adaptation)
    out["adaptive"] = torch.from_numpy(result.eq.response_db(GRID_HZ, damaged.sample_rate))
    return out


def load_folds(
    audio: Sequence[Path | str], data: Path | str, models: Path | str | None, tell: Callable[[str], None]
) -> list[Fold]:
    """Every fold with words and music statistics fitted without its settings and sources."""
    clips = read_clips(audio, tell)
    mixes = [clip for clip in clips if clip.kind == "mix"]
    if len({clip.source for clip in mixes}) < N_FOLDS:
        raise AeqError(f"the repair tests need mixes of at least {N_FOLDS} sources")
    fold_of = exam_folds(mixes)
    safe, social, single = read_safe(data), read_social_words(data), read_contributions(data)
    prior = read_ltas_prior(data)
    eq_model = EqAutoencoder.load(models)
    row_fold = setting_folds(safe)
    folds = []
    for k in range(N_FOLDS):
        sources = {source for source, fold in fold_of.items() if fold == k}
        seen_settings = safe.subset([fold != k for fold in row_fold])
        vocabulary = build_words(WordsTraining(), seen_settings, social, single, eq_model)
        engine = AdaptiveEQ(eq_model, load_fold(models, k, sources), vocabulary)
        _, rest = without([], prior, sources)
        music = Music(*gaussian(level_by_middle(rest.ltas_db, rest.known), rest.known))
        curves, covs = {}, {}
        for word in {edit.word for edit in PUBLISHED}:
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
        folds.append(Fold([c for c in mixes if fold_of[c.source] == k], engine, music, curves, people, covs))
    return folds


def setting_folds(safe: Settings) -> list[int]:
    """The fold of each SAFE row; near-duplicates share one."""
    groups = near_duplicates(safe.curves_db)
    names = sorted(set(groups))
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(1)).tolist()
    fold = {name: order[i] % N_FOLDS for i, name in enumerate(names)}
    return [fold[group] for group in groups]
