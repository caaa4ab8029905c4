"""Are variations as different, and as plausible, as what people do? Answers beside the settings of unseen people.

Every sound is a mix of a left-out source with an unseen person's setting taken back, and is asked for that person's
word. Answers and people are compared as distributions of curves (maximum mean discrepancy, Gretton et al. 2012).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..dsp.virtual_eq import equalized
from ..engine import AdaptiveEQ
from ..methods.validation import AnalyzedRequest
from ..model.curves import center, rms_db
from ..model.eq_autoencoder import EqAutoencoder
from ..request import EqRequest
from ..training.datasets.descriptor_settings import form_name
from ..training.datasets.readers import Clip, read_clips
from ..util.settings import WordsTraining
from . import folds
from .folds import N_FOLDS, Paths, Table, Tell
from .law import answered, response

# Word and language; SocialEQ's are those with the most people.
SAFE_WORDS = (("warm", "en"), ("bright", "en"))
SOCIAL_WORDS = (("warm", "en"), ("cold", "en"), ("claro", "es"), ("soft", "en"), ("loud", "en"), ("happy", "en"))
METHODS = ("fixed", "adaptive", "cvae")
DRAWS = 4  # variations of each sound
WITHOUT = 24  # variations without a sound, of each fold
OTHERS, PLAIN = "other people", "the word's Gaussian"
SOUNDLESS = "cvae variations, adaptation 0"
VARIED = "cvae variations"


@dataclass
class VariationFigures:
    """All answers of one way to one word, and by how far apart answers to the same sound are."""

    curves: list[Tensor] = field(default_factory=list)
    apart: list[float] = field(default_factory=list)
    mmd: list[float] = field(default_factory=list)


Seen = defaultdict[str, VariationFigures]  # by who answers


def run_variations(
    audio: Paths, data: Path | str, models: Path | str | None = None, *, every: int = 1, settings_per_mix: int = 2,
    only: Sequence[str] = (), tell: Tell = lambda _: None,
) -> Table:  # fmt: skip
    """{word and data set: {method: figures}} over every `every`-th mix in `audio`; `only` such as 'warm (SAFE)'.

    Figures: `mmd` (squared, unbiased; 0 where answers and people cannot be told apart), `spread_db` (mean distance of
    two answers), `nearest_db` (median distance to the nearest person), `same_sound_db` (two answers to one sound).

    Raises `AeqError` for missing data and `ModelError` where a model has seen what it is examined on.
    """
    people, eq_model = folds.read_people(data), EqAutoencoder.load(models)
    mixes, fold_of = folds.mixes_and_folds(read_clips(audio, tell), "the test of variations needs")
    safe_keys = [(form_name(name), "en") for name in people.safe.words]
    social_keys = [(form_name(name), language) for name, language in people.keys]
    rows = {}
    for data_set, words, curves, keys, fold in (
        ("SAFE", SAFE_WORDS, people.safe.curves_db, safe_keys, people.safe_fold),
        ("SocialEQ", SOCIAL_WORDS, WordsTraining().socialeq_db * people.curves, social_keys, people.fold),
    ):
        for word in words:
            title = f"{word[0]} ({data_set})"
            if not only or title in only:
                chosen = torch.tensor([key == word for key in keys])
                rows[title] = _Case(word[0], center(curves[chosen]), fold[chosen])
    seen: dict[str, Seen] = {title: defaultdict(VariationFigures) for title in rows}
    for k in range(N_FOLDS):
        tell(f"fold {k + 1} of {N_FOLDS}")
        encoder = folds.load_fold(models, k, folds.sources_in(fold_of, k))
        engine = AdaptiveEQ(eq_model, encoder, people.vocabulary(k, eq_model))
        engine.models.put(folds.load_cvae_fold(models, k, people))
        clips = [clip for clip in mixes if fold_of[clip.source] == k][::every]
        for title, asked in rows.items():
            _fold(seen[title], engine, clips, asked, k, settings_per_mix)
    return {title: _figures(seen[title], asked) for title, asked in rows.items()}


@dataclass(frozen=True)
class _Case:
    """A word and the people behind it in one data set: (people, bands) dB, level-free, and the fold of each."""

    word: str
    people: Tensor
    fold: Tensor


def _fold(seen: Seen, engine: AdaptiveEQ, clips: Sequence[Clip], asked: _Case, fold: int, per_mix: int) -> None:
    """One fold's answers to one word."""
    unseen, others = asked.people[asked.fold == fold], asked.people[asked.fold != fold]
    if len(unseen) < 2 or not clips:
        return
    width = float(_pairs(_distances(asked.people)).median())
    seen[OTHERS].mmd.append(mmd(others, unseen, width))
    word = engine.words.find(asked.word)
    decoder = engine.eq_model.decoder.weight.double()
    root = torch.linalg.cholesky(word.cov + 1e-6 * torch.eye(len(word.cov)).to(word.cov))
    normal = torch.randn(WITHOUT, len(root), generator=torch.Generator().manual_seed(fold), dtype=torch.float64)
    seen[PLAIN].curves.extend(center((word.mean + normal @ root.T) @ decoder.T))
    free = engine.adapt_analysis(clips[0].analysis, asked.word, adaptation=0.0, method="cvae", variations=WITHOUT)
    seen[SOUNDLESS].curves.extend(center(response(one)) for one in free.variations)
    for i, clip in enumerate(clips):
        picked = torch.randperm(len(unseen), generator=torch.Generator().manual_seed(100 * fold + i))[:per_mix]
        for row in unseen[picked]:
            damaged = equalized(clip.analysis, -row)
            requests = [EqRequest(asked.word, method=m, variations=DRAWS if m == "cvae" else 0) for m in METHODS]
            answers = answered(engine.adapt_many([AnalyzedRequest(damaged, request) for request in requests]))
            for method, answer in zip(METHODS, answers, strict=True):
                seen[method].curves.append(center(response(answer)))
            drawn = torch.stack([center(response(one)) for one in answers[-1].variations])
            seen[VARIED].curves.extend(drawn)
            seen[VARIED].apart.append(float(_distances(drawn).sum()) / (DRAWS * (DRAWS - 1)))


def _figures(seen: Seen, asked: _Case) -> dict[str, dict[str, Any]]:
    people = asked.people
    between = _distances(people)
    width = float(_pairs(between).median())
    report: dict[str, dict[str, Any]] = {}
    for name, one in seen.items():
        if name == OTHERS:
            between.fill_diagonal_(torch.inf)
            nearest, apart = between.amin(1), between
            report[name] = {"answers": len(people), "mmd": sum(one.mmd) / len(one.mmd)}
        else:
            curves = torch.stack(one.curves)
            nearest, apart = _distances(curves, people).amin(1), _distances(curves)
            report[name] = {"answers": len(curves), "mmd": mmd(curves, people, width)}
        report[name] |= {"spread_db": float(_pairs(apart).mean()), "nearest_db": float(nearest.median())}
        if one.apart:
            report[name]["same_sound_db"] = sum(one.apart) / len(one.apart)
    return {
        name: {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()} for name, row in report.items()
    }


def mmd(a: Tensor, b: Tensor, width_db: float) -> float:
    """Squared maximum mean discrepancy of curves (n, bands), (m, bands), unbiased; Gaussian kernel on RMS distance."""
    n, m = len(a), len(b)
    own, other, both = (torch.exp(-_distances(x, y).square() / (2 * width_db**2)) for x, y in ((a, a), (b, b), (a, b)))
    within = (own.sum() - n) / (n * (n - 1)) + (other.sum() - m) / (m * (m - 1))
    return float(within - 2 * both.mean())


def _distances(a: Tensor, b: Tensor | None = None) -> Tensor:
    """(n, m) dB RMS, of curves (n, bands) from those of `b`, or from each other."""
    return torch.stack([rms_db(row - (a if b is None else b)) for row in a])


def _pairs(distances: Tensor) -> Tensor:
    """(n, n) -> those of two different ones, each once."""
    return distances[torch.ones_like(distances, dtype=torch.bool).triu(1)]
