"""`evaluate usual`: how well the usual balance of unseen sounds is known, and whether it is known how well.

Whole source repositories are left out, five folds, kinds spread evenly over them. Beside ours stands the rule to beat
(`rules.UsualRule`). 'People's edits' takes one unseen person's setting for a word out of a recording and asks for the
word; the answer is the posterior mean, ours with the heavy tails of `methods.adaptive`, before bounds and bands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..methods.adaptive.posterior import LEVEL_VAR, ODD_ABOVE, WORD_VAR
from ..model.audio_encoder import BLIND_VAR, Usual, center_robust
from ..model.curves import center
from ..model.eq_autoencoder import EqAutoencoder
from ..model.kinds import KINDS, MELODIC, MELODIC_KIND, heard_as
from ..model.usual import UsualBalance
from ..training.datasets.readers import read_clips
from ..training.usual import Sounds, balanced_folds, contrasts, fit_usual, sounds_of
from ..util.settings import UsualTraining
from .folds import N_FOLDS, Paths, People, Table, Tell, read_people
from .rules import UsualRule

WORDS = ("warm", "bright")
ROWS_PER_CLIP = 10
OURS = "ours"
Fit = Callable[[Sounds], UsualBalance | UsualRule]


def run_usual(
    audio: Paths, data: Path | str, models: Path | str | None = None, tell: Tell = lambda _: None, *, learn: Paths = ()
) -> dict[str, Table]:
    """{table: {kind or group: {who: figures}}}. Raises `AeqError`.

    learn: further recordings from which every fold learns and on which nobody is examined; what is of a source that is
    examined too is left out with it.
    """
    clips, more = read_clips(audio, tell, other_speeds=True), read_clips(learn, tell, other_speeds=True)
    sounds = sounds_of(clips)
    tell(f"{len(sounds.kinds)} recordings of {len(set(sounds.sources))} sources")
    # what is examined stays as it is, whatever else is learned from
    to_learn = sounds_of([*clips, *more]) if more else sounds
    if more:
        own = set(to_learn.sources) - set(sounds.sources)
        tell(f"{len(to_learn.kinds) - len(sounds.kinds)} more to learn from, {len(own)} sources of them not examined")
    people, eq_model = read_people(data), EqAutoencoder.load(models)
    who: dict[str, Fit] = {"rule": UsualRule.fit, OURS: lambda seen: fit_usual(UsualTraining(), seen)[0]}
    found = {}
    for name, fit in who.items():
        tell(name)
        found[name] = unseen(sounds, fit, to_learn)
    tables: dict[str, Table] = {"usual balance of unseen sounds": {}, "kinds of unseen sounds": {}}
    for label, rows in groups(sounds).items():
        tables["usual balance of unseen sounds"][label] = {
            name: balance_figures(sounds, one, rows) for name, one in found.items()
        }
        tables["kinds of unseen sounds"][label] = {OURS: kind_figures(sounds, found[OURS], rows)}
    settings = {k: word_settings(people, k, eq_model) for k in range(N_FOLDS)}
    for word in WORDS:
        tell(f"people's edits: {word}")
        errors = {name: people_errors(sounds, one, word, settings, name == OURS) for name, one in found.items()}
        tables[f"people's edits taken back, '{word}'"] = {
            label: people_figures(errors, rows, sounds.sources) for label, rows in groups(sounds).items()
        }
    tables["called (share of each kind)"] = confusion(sounds, found[OURS])
    return tables


def folds_of(sounds: Sounds) -> dict[str, int]:
    """Source -> fold of those that are examined."""
    return balanced_folds(sounds.sources, sounds.kinds.tolist(), N_FOLDS)


def unseen(sounds: Sounds, fit: Fit, to_learn: Sounds) -> list[Usual]:
    """Predictions for every sound by what was fitted on `to_learn` without its fold's sources."""
    fold_of = folds_of(sounds)
    fold_to_learn = torch.tensor([fold_of.get(source, -1) for source in to_learn.sources])
    models = [fit(to_learn.subset(fold_to_learn != k)) for k in range(N_FOLDS)]
    return [models[fold_of[source]].usual(raw) for source, raw in zip(sounds.sources, sounds.features, strict=True)]


def groups(sounds: Sounds) -> dict[str, list[int]]:
    """Label -> places: mixes, single sources, and each kind of these."""
    kinds = [list(KINDS)[k] for k in sounds.kinds.tolist()]
    of = {own: [n for n, kind in enumerate(kinds) if kind == own] for own in KINDS}
    return {"mixes": of.pop("mix"), "single sources": [n for n, kind in enumerate(kinds) if kind != "mix"], **of}


def balance_figures(sounds: Sounds, found: Sequence[Usual], rows: Sequence[int]) -> dict[str, float]:
    """Error of the usual balance (RMS dB), share of the variance about the mean of mixes explained, calibration (mean
    squared Mahalanobis distance a band; 1 is right) and log-likelihood a band."""
    mean = sounds.targets[sounds.kinds == list(KINDS).index("mix")].mean(0)
    left, total, calibration, nats = [], [], [], []
    for n in rows:
        use = sounds.heard[n]
        off = sounds.targets[n, use] - found[n].mean_db[use]
        basis = contrasts(int(use.sum()))
        root = torch.linalg.cholesky(basis.T @ found[n].cov[use][:, use] @ basis)
        white = torch.linalg.solve_triangular(root, (basis.T @ off)[:, None], upper=False)[:, 0]
        bands = len(white)
        left.append(float(off.var(correction=0)))
        total.append(float((sounds.targets[n, use] - mean[use]).var(correction=0)))
        calibration.append(float(white.square().sum()) / bands)
        nats.append(-float(0.5 * white.square().sum() + root.diagonal().log().sum()) / bands - 0.919)
    return {
        "clips": len(rows),
        "error_db": round(_mean(left) ** 0.5, 2),
        "explained": round(1 - sum(left) / sum(total), 3),
        "calibration": round(_mean(calibration), 2),
        "log_likelihood": round(_mean(nats), 3),
    }


def kind_figures(sounds: Sounds, found: Sequence[Usual], rows: Sequence[int]) -> dict[str, float]:
    """How often the likeliest kind is right; on how many clips a kind is named, and how often that is right; how many
    are called melodic, and how many of these are."""
    names, told = list(KINDS), [one for one in (found[n].kinds for n in rows) if one is not None]
    kinds = [names[int(sounds.kinds[n])] for n in rows]
    best = [names[int(one.argmax())] for one in told]
    called = [heard_as(one.tolist())[0] for one in told]
    named = [float(one == kind) for one, kind in zip(called, kinds, strict=True) if one in KINDS]
    melodic = [float(kind in MELODIC) for one, kind in zip(called, kinds, strict=True) if one == MELODIC_KIND]
    return {
        "clips": len(rows),
        "right": round(_mean([float(one == kind) for one, kind in zip(best, kinds, strict=True)]), 3),
        "commits_on": round(len(named) / max(len(rows), 1), 3),
        "right_when_it_commits": round(_mean(named), 3),
        "melodic": round(len(melodic) / max(len(rows), 1), 3),
        "right_when_melodic": round(_mean(melodic), 3),
    }


def confusion(sounds: Sounds, found: Sequence[Usual]) -> Table:
    """{kind: {what it is called: {'share': 0..1}}}, the four commonest each."""
    out: Table = {}
    for k, kind in enumerate(KINDS):
        called = Counter(heard_as(found[n].kinds.tolist())[0] for n in (sounds.kinds == k).nonzero()[:, 0].tolist())
        common = called.most_common(4)
        out[kind] = {other: {"share": round(count / called.total(), 2)} for other, count in common}
    return out


@dataclass(frozen=True)
class WordEdits:
    """A word's mean of SAFE's settings (bands,), its covariance, and settings that neither has seen (n, bands)."""

    mean: Tensor
    cov: Tensor
    unseen: Tensor


def word_settings(people: People, fold: int, eq_model: EqAutoencoder) -> dict[str, WordEdits]:
    """Of each word, without the fold's people."""
    vocabulary = people.vocabulary(fold, eq_model)
    decoder = eq_model.decoder.weight.detach().double()
    out = {}
    for word in WORDS:
        rows = torch.tensor([name == word for name in people.safe.words])
        seen, own = rows & (people.safe_fold != fold), rows & (people.safe_fold == fold)
        cov = decoder @ vocabulary.find(word).cov @ decoder.T
        out[word] = WordEdits(center(people.safe.curves_db[seen]).mean(0), cov, people.safe.curves_db[own])
    return out


def people_errors(
    sounds: Sounds,
    found: Sequence[Usual],
    word: str,
    settings: Mapping[int, Mapping[str, WordEdits]],
    heavy_tails: bool,
) -> Tensor:
    """(n, 3): mean LSD of each sound's trials over bands with sound, of nothing, the SAFE mean and the posterior."""
    out = torch.zeros(len(sounds.kinds), 3, dtype=torch.float64)
    fold_of = folds_of(sounds)
    for n, (usual, source) in enumerate(zip(found, sounds.sources, strict=True)):
        own = settings[fold_of[source]][word]
        order = torch.randperm(len(own.unseen), generator=torch.Generator().manual_seed(n))
        rows = own.unseen[order[:ROWS_PER_CLIP]]
        use = sounds.heard[n].double() / sounds.heard[n].sum()
        posterior = posterior_means(sounds.targets[n] - rows, usual, own, sounds.heard[n], heavy_tails)
        for place, answer in enumerate((0 * rows, own.mean.expand_as(rows), posterior)):
            off = answer - rows
            off = off - (off * use).sum(1, keepdim=True)
            out[n, place] = (off.square() * use).sum(1).sqrt().mean()
    return out


def posterior_means(ltas_db: Tensor, usual: Usual, word: WordEdits, heard: Tensor, heavy_tails: bool) -> Tensor:
    """(k, bands) spectra -> E[setting | spectrum] where the setting is the word's Gaussian and the spectrum
    without it would be that of `usual`; with `heavy_tails` as `methods.adaptive` takes it."""
    visible = heard.double()
    deviation = torch.stack([center_robust(row - usual.mean_db, visible) for row in ltas_db]) * visible
    noise = usual.cov + LEVEL_VAR
    blind = torch.diag(BLIND_VAR * (1 - visible) / visible.clamp_min(1e-4))
    oddness = torch.ones(len(ltas_db), dtype=ltas_db.dtype)
    if heavy_tails:
        total = word.cov + noise + blind + WORD_VAR * torch.outer(word.mean, word.mean)
        distance = (deviation * torch.linalg.solve(total, deviation.T).T).sum(1) / visible.sum()
        oddness = (distance / ODD_ABOVE).clamp_min(1.0)
    whole = word.cov + blind + oddness[:, None, None] * noise
    lacking = torch.linalg.solve(whole, (-deviation - word.mean)[..., None])[..., 0]
    return center(word.mean + lacking @ word.cov)


def people_figures(
    errors: Mapping[str, Tensor], rows: Sequence[int], sources: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Mean LSD, and how far each rule is under the SAFE mean, with the standard error clustered by source."""
    first = next(iter(errors.values()))[list(rows)]
    own = [sources[n] for n in rows]
    fixed = first[:, 1]
    out = {"nothing": {"lsd_db": round(float(first[:, 0].mean()), 3)}}
    out["SAFE mean"] = {"lsd_db": round(float(fixed.mean()), 3)}
    for name, error in errors.items():
        answer = error[list(rows), 2]
        apart, spread = clustered(answer - fixed, own)
        out[name] = {
            "lsd_db": round(float(answer.mean()), 3), "beside_mean_db": round(apart, 3),
            "standard_error_db": round(spread, 3), "gain": round(1 - float(answer.mean() / fixed.mean()), 3),
        }  # fmt: skip
    if "rule" in errors:
        apart, spread = clustered(errors[OURS][list(rows), 2] - errors["rule"][list(rows), 2], own)
        out[OURS] |= {"beside_rule_db": round(apart, 3), "its_standard_error_db": round(spread, 3)}
    return out


def clustered(values: Tensor, sources: Sequence[str]) -> tuple[float, float]:
    """Mean and its standard error where recordings of one source are not independent."""
    mean, names = float(values.mean()), set(sources)
    sums = [sum(float(v) - mean for v, s in zip(values, sources, strict=True) if s == name) for name in names]
    several = len(names) / max(len(names) - 1, 1)
    return mean, (several * sum(s * s for s in sums)) ** 0.5 / len(values)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(len(values), 1)
