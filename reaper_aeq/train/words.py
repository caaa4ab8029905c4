"""`reaper-aeq train words`: people's settings turned into distributions, in closed form.

Both data sets count, a SAFE row for more than a person in SocialEQ: it is an EQ that somebody set and heard, whereas
SocialEQ's curves are inferred from ratings and their scale in dB is a convention. The covariance of a word with few
settings leans on the common one (how people differ whatever the word); what the two sets disagree on is added to it.
"""

from __future__ import annotations

from collections import Counter
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

# Other forms of a word: their settings count for it, and users may type them.
FORMS = {
    "airy": ("air", "airier"), "bassy": ("bass", "bassier"), "boomy": ("boomier",), "boxy": ("box", "boxier"),
    "bright": ("brighter",), "clear": ("clarity", "clearer"), "cold": ("colder",), "crisp": ("crisper", "crispy"),
    "dark": ("darker",), "deep": ("deeper",), "dull": ("duller",), "full": ("fuller",), "harsh": ("harsher",),
    "heavy": ("heavier",), "mellow": ("mellower",), "muddy": ("mud", "muddier"), "sharp": ("sharper",),
    "smooth": ("smoother",), "soft": ("softer",), "thin": ("thinner",), "tight": ("tighter",), "tinny": ("tinnier",),
    "warm": ("warmer", "warmth"),
}  # fmt: skip
MEANT_AS_LESS = {"unmuddy": "less muddy", "mud-free": "less muddy", "unboxy": "less boxy", "de-harsh": "less harsh"}
# Words that people ask for, kept although few settings stand behind them; the tool says how weak they are.
ASKED_FOR = (
    "warm", "bright", "muddy", "deep", "airy", "tinny", "dark", "thin", "boomy", "harsh", "smooth", "soft", "cold",
    "crisp", "mellow", "heavy", "clear", "full", "tight", "boxy", "bassy", "punchy", "hollow", "sharp", "dull", "toppy",
    "presence", "fat", "rich", "thick", "nasal", "big", "sweet", "muffled", "brilliant",
)  # fmt: skip
CONTRIBUTIONS_FOR_COMMON = 5
_WORD_OF_FORM = {form: word for word, forms in FORMS.items() for form in forms}
AGREEMENT_ROWS = 200


def train_words(
    settings: WordsTraining, data: Path | str, eq_model: EqAutoencoder, out: Path, run: Run
) -> dict[str, float]:
    """Builds the vocabulary from the data sets and writes `words` into `out`. Returns the metrics."""
    vocabulary = build_words(settings, read_safe(data), read_social_words(data), read_contributions(data), eq_model)
    evidence = {name: word.evidence.confidence for name, word in vocabulary.items()}
    metrics = {"words": len(vocabulary), "weak": sum(word.weak for word in vocabulary.values())}
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
    safe_names = [form_name(name) for name in safe.words]
    safe_curves = level_free(safe.curves_db)
    single_names = [(form_name(name), language) for name, language in contributions[0]]
    single_curves = level_free(settings.socialeq_db * contributions[1])
    by_word: dict[tuple[str, str], list[SocialWord]] = {}
    for word in social:
        by_word.setdefault((form_name(word.name), word.language), []).append(word)

    common = common_covariance(safe_names, safe_curves, single_names, single_curves)
    counts = Counter(safe_names)
    names = dict.fromkeys((name, "en") for name in ASKED_FOR)
    names |= dict.fromkeys(k for k, ws in by_word.items() if sum(w.people for w in ws) >= settings.min_people)
    words: dict[str, Word] = {}
    for name, language in names:
        rows = safe_curves[[i for i, n in enumerate(safe_names) if n == name and language == "en"]]
        singles = single_curves[[i for i, key in enumerate(single_names) if key == (name, language)]]
        group = by_word.get((name, language), [])
        people = sum(word.people for word in group)
        if len(rows) < settings.min_settings and not people:
            continue  # asked for, and nobody has shown what it means
        social_mean = sum(w.people * settings.socialeq_db * level_free(w.curve) for w in group) / max(people, 1)
        n_safe = counts[name] if language == "en" else 0
        safe_share = settings.safe_weight * n_safe / (settings.safe_weight * n_safe + people)
        apart = rows.mean(0) - social_mean if n_safe and people else torch.zeros(common.shape[0]).to(common)
        mean = (rows.mean(0) if n_safe else 0) * safe_share + (1 - safe_share) * social_mean
        # between the two sets: the variance of which of them is right
        between = safe_share * (1 - safe_share) * torch.outer(apart, apart)
        cov = word_covariance(settings, rows, singles, common) + between
        shown = name if name not in words else f"{name} ({language})"
        words[shown] = Word(
            shown,
            language,
            eq_model.encode(mean.float()).double(),
            _to_code(cov, eq_model),
            evidence_of(rows, singles, social_mean if people else None, people),
            core=language == "en" and name in ASKED_FOR,
        )
    aliases = {form: word for form, word in _WORD_OF_FORM.items() if word in words and form not in words}
    aliases |= {form: less for form, less in MEANT_AS_LESS.items() if less.removeprefix("less ") in words}
    return Vocabulary(words, aliases)


def form_name(name: str) -> str:
    """The word that a form such as 'brighter' or 'warmth' counts for."""
    return _WORD_OF_FORM.get(name, name)


def common_covariance(
    safe_names: list[str], safe_curves: Tensor, single_names: list[tuple[str, str]], single_curves: Tensor
) -> Tensor:
    """(bands, bands): how people differ within a word, over all words with enough settings in one data set."""
    centred = []
    for keys, curves in ((safe_names, safe_curves), (single_names, single_curves)):
        for key, count in Counter(keys).items():
            if count >= CONTRIBUTIONS_FOR_COMMON and key != "test":
                rows = curves[[i for i, k in enumerate(keys) if k == key]]
                centred.append((rows - rows.mean(0)) * (count / (count - 1)) ** 0.5)
    stacked = torch.cat(centred)
    return stacked.T @ stacked / len(stacked)


def word_covariance(settings: WordsTraining, rows: Tensor, singles: Tensor, common: Tensor) -> Tensor:
    """Own covariance, each data set around its own mean, shrunk towards the common one (bands, bands)."""
    own = torch.zeros_like(common)
    for curves in (rows, singles):
        if len(curves) > 1:
            centred = curves - curves.mean(0)
            own += centred.T @ centred
    n, lean = len(rows) + len(singles), settings.generic_settings
    return (own + lean * common) / (n + lean) + settings.cov_floor_db**2 * torch.eye(len(common)).to(common)


def evidence_of(rows: Tensor, singles: Tensor, social_mean: Tensor | None, people: int) -> Evidence:
    """How many stand behind a word and how far they agree; rows (n, bands) SAFE, singles (k, bands) SocialEQ."""
    agreements = [(_agreement(curves), len(curves)) for curves in (rows, singles) if len(curves) > 1]
    total = sum(n for _, n in agreements)
    agreement = sum(value * n for value, n in agreements) / total if total else 0.0
    cross = None
    if len(rows) >= 3 and social_mean is not None:
        cross = round(float(correlation(rows.mean(0), social_mean)), 3)
    sources = (("SAFE",) if len(rows) else ()) + (("SocialEQ",) if people else ())
    return Evidence(len(rows) + people, people, round(agreement, 3), cross, sources)


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
