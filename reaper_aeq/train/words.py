"""`reaper-aeq train words`: people's settings turned into distributions, in closed form.

Both data sets count, a SAFE row for more than a person in SocialEQ: it is an EQ that somebody set and heard, whereas
SocialEQ's curves are inferred from ratings and their scale in dB is a convention. The mean of few settings is drawn
towards flat (`pooling`), their covariance leans on the common one (how people differ whatever the word); what the two
sets disagree on, and how uncertain the mean is, is added to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from ..model.curves import level_free, weights
from ..model.eq_autoencoder import N_LATENT, EqAutoencoder
from ..model.words import Evidence, Vocabulary, Word
from ..settings import WordsTraining
from .data import Settings, SocialWord, read_contributions, read_safe, read_social_words
from .loop import Run
from .pooling import Pool, learn
from .shown import FORMS, Shown

MEANT_AS_LESS = {"unmuddy": "less muddy", "mud-free": "less muddy", "unboxy": "less boxy", "de-harsh": "less harsh"}
# Words that people ask for, kept although few settings stand behind them; the tool says how weak they are.
ASKED_FOR = (
    "warm", "bright", "muddy", "deep", "airy", "tinny", "dark", "thin", "boomy", "harsh", "smooth", "soft", "cold",
    "crisp", "mellow", "heavy", "clear", "full", "tight", "boxy", "bassy", "punchy", "hollow", "sharp", "dull", "toppy",
    "presence", "fat", "rich", "thick", "nasal", "big", "sweet", "muffled", "brilliant",
)  # fmt: skip
AGREEMENT_ROWS = 200


def train_words(
    settings: WordsTraining, data: Path | str, eq_model: EqAutoencoder, out: Path, run: Run
) -> dict[str, float]:
    """Builds the vocabulary from the data sets and writes `words` into `out`. Returns the metrics."""
    everything, pool = learn(settings, read_safe(data), read_social_words(data), read_contributions(data))
    vocabulary = vocabulary_of(settings, everything, pool, eq_model)
    evidence = {name: word.evidence.confidence for name, word in vocabulary.items()}
    metrics = {"words": len(vocabulary), "weak": sum(word.weak for word in vocabulary.values())}
    metrics["flat_settings"] = round(pool.flat, 2)
    for i, (name, confidence) in enumerate(sorted(evidence.items(), key=lambda item: -item[1])):
        run.log("words", i, confidence=confidence, settings=vocabulary[name].evidence.settings)
        run.step_done("words", i + 1, len(evidence))
    run.tell(f"{metrics['words']} words, {metrics['weak']} of them weak; best known: {', '.join(list(evidence)[:6])}")
    info = {
        "architecture": {"n_latent": N_LATENT},
        "data": "SAFE Equaliser settings (Stables et al. 2014), SocialEQ (Cartwright and Pardo 2013)",
        "settings": asdict(settings),
        "metrics": metrics,
    }
    vocabulary.save(out, info)
    return metrics


def build_words(
    settings: WordsTraining,
    safe: Settings,
    social: list[SocialWord],
    contributions: tuple[list[tuple[str, str]], Tensor],
    eq_model: EqAutoencoder,
) -> Vocabulary:
    """People's settings -> `Vocabulary`. Pure, so that an examination can leave settings out."""
    return vocabulary_of(settings, *learn(settings, safe, social, contributions), eq_model)


def vocabulary_of(
    settings: WordsTraining, everything: Mapping[tuple[str, str], Shown], pool: Pool, eq_model: EqAutoencoder
) -> Vocabulary:
    """What people showed of each (word, language) -> those that are known well enough or asked for."""
    english = dict.fromkeys((name, "en") for name in ASKED_FOR)
    known = dict.fromkeys(key for key, shown in everything.items() if shown.people >= settings.min_people)
    words: dict[str, Word] = {}
    for name, language in english | known:
        shown = everything.get((name, language))
        if shown is None or (len(shown.rows) < settings.min_settings and not shown.people):
            continue  # asked for, and nobody has shown what it means
        mean, uncertain = pool.meaning(shown)
        cov = word_covariance(settings, shown.rows, shown.singles, pool.within) + shown.disagreement + uncertain
        label = name if name not in words else f"{name} ({language})"
        words[label] = Word(
            label,
            language,
            eq_model.encode(mean.float()).double(),
            _to_code(cov, eq_model),
            evidence_of(shown),
            core=language == "en" and name in ASKED_FOR,
        )
    aliases = {form: word for word, forms in FORMS.items() for form in forms if word in words and form not in words}
    aliases |= {form: less for form, less in MEANT_AS_LESS.items() if less.removeprefix("less ") in words}
    return Vocabulary(words, aliases)


def word_covariance(settings: WordsTraining, rows: Tensor, singles: Tensor, common: Tensor) -> Tensor:
    """Own covariance, each data set around its own mean, shrunk towards the common one (bands, bands)."""
    own = torch.zeros_like(common)
    for curves in (rows, singles):
        if len(curves) > 1:
            centred = curves - curves.mean(0)
            own += centred.T @ centred
    n, lean = len(rows) + len(singles), settings.generic_settings
    return (own + lean * common) / (n + lean) + settings.cov_floor_db**2 * torch.eye(len(common)).to(common)


def evidence_of(shown: Shown) -> Evidence:
    """How many stand behind a word and how far they agree."""
    agreements = [(_agreement(curves), len(curves)) for curves in (shown.rows, shown.singles) if len(curves) > 1]
    total = sum(n for _, n in agreements)
    agreement = sum(value * n for value, n in agreements) / total if total else 0.0
    cross = round(float(correlation(shown.safe, shown.social)), 3) if len(shown.rows) >= 3 and shown.people else None
    sources = (("SAFE",) if len(shown.rows) else ()) + (("SocialEQ",) if shown.people else ())
    return Evidence(len(shown.rows) + shown.people, shown.people, round(agreement, 3), cross, sources)


def _agreement(curves: Tensor) -> float:
    """Mean correlation of each curve with the mean of the others."""
    curves = curves[:AGREEMENT_ROWS]
    others = (curves.sum(0) - curves) / (len(curves) - 1)
    return float(correlation(curves, others).mean())


def correlation(a: Tensor, b: Tensor) -> Tensor:
    a, b, w = level_free(a), level_free(b), weights()
    return (a * b * w).sum(-1) / ((a * a * w).sum(-1) * (b * b * w).sum(-1)).clamp_min(1e-12).sqrt()


def _to_code(cov: Tensor, eq_model: EqAutoencoder) -> Tensor:
    encoder = eq_model.encoder.weight.double()
    return encoder @ cov @ encoder.T
