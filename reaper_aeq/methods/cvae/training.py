"""`reaper-aeq train cvae`: how people's settings for a word differ, and how a sound tells which of them it wants."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import AeqError
from ...model.eq_autoencoder import EqAutoencoder
from ...model.free_text.free_text import in_english
from ...model.free_text.sentences import Sentences
from ...model.words import Vocabulary
from ...training.datasets.readers import near_duplicates
from ...training.loop import Run, Schedule, fingerprint, train_network
from ...training.plots import plot_history
from ...util.settings import CvaeTraining
from .network import NAME, Cvae, reconstruction
from .samples import Drawer, Rows

LEAST_ROWS = 40
VALIDATION_DRAWS = 32


def train_cvae(
    settings: CvaeTraining, rows: Rows, vocabulary: Vocabulary, residual_cov: Tensor, eq_model: EqAutoencoder,
    model: Sentences, out: Path, run: Run, *, name: str = NAME, about: dict[str, Any] | None = None,
) -> dict[str, float]:  # fmt: skip
    """Trains on `rows`, validates on some that are left out, writes `name` into `out`; returns the metrics.

    `residual_cov`: (bands, bands), what music leaves open. `about`: more for the checkpoint's JSON.
    Raises `AeqError` for too few rows and `NoTextModelError`.
    """
    held = _held(rows, eq_model, settings.valid_share, run)
    train, valid = rows.subset(~held), rows.subset(held)
    if len(train.words) < LEAST_ROWS:
        raise AeqError(f"{len(train.words)} settings are too few to train on: at least {LEAST_ROWS} are needed")
    run.tell(f"{len(train.words)} settings of {len(vocabulary)} words to train on, {len(valid.words)} for validation")
    vectors = model.encode([in_english(word.split(" (")[0]) for word in vocabulary]).float()
    architecture: dict[str, Any] = {
        "vector": vectors.shape[1], "axes": settings.axes, "text": settings.text, "latent": settings.latent,
        "hidden": settings.hidden, "known_from": settings.known_from, "dropout": settings.dropout,
    }  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        network = Cvae(list(vocabulary), **architecture)
    fix(network, train, vectors)
    drawer = Drawer(network, vocabulary, residual_cov, eq_model, settings)
    network.to(run.device)
    worth = torch.bincount(train.words, train.counts, minlength=len(vocabulary))
    chance = train.counts * worth[train.words] ** -settings.word_power

    def loss_of(generator: torch.Generator) -> dict[str, Tensor]:
        picked = torch.multinomial(chance, settings.batch, replacement=True, generator=generator)
        point, odd, gates, _ = drawer.draw(train.subset(picked), generator)
        mean, log_std = network.encode(point, odd, gates)
        z = mean + log_std.exp() * torch.randn(mean.shape, generator=generator).to(mean)
        left = reconstruction(point, *network.decode(z, odd, gates)).mean()
        told = (0.5 * (mean.square() + (2 * log_std).exp() - 1) - log_std).sum(-1).mean()
        return {"loss": left + settings.kl_weight * told, "left_nats": left, "told_nats": told}

    fixed = fingerprint((settings, about), train.codes, train.words, vectors, residual_cov)
    schedule = Schedule(settings.steps, settings.learning_rate, settings.weight_decay, settings.save_every, fixed)
    train_network(run, name, network, schedule, loss_of)
    network.cpu()
    metrics = validate(network, drawer, valid, run)
    run.tell(f"unseen settings: {metrics['nats']:.2f} nats each, {metrics['gaussian_nats']:.2f} by words' Gaussians")
    info = {
        "architecture": architecture,
        "data": "SAFE Equalizer settings, SocialEQ contributions",
        "text_model": {"name": model.folder.parent.name, "fingerprint": model.fingerprint},
        "settings": asdict(settings),
        "metrics": metrics,
    }
    network.save(out, info | (about or {}), name)
    plot_history(run, run.folder / f"{name}.png", "conditional VAE")
    return metrics


def fix(network: Cvae, rows: Rows, vectors: Tensor) -> None:
    """What is not trained: the axes along which people differ within words, and what is known of words."""
    means = torch.zeros(len(network.words), rows.codes.shape[1], dtype=torch.float64)
    number = torch.bincount(rows.words, minlength=len(means)).double()
    means = means.index_add(0, rows.words, rows.codes) / number.clamp_min(1)[:, None]
    several = (number > 1)[rows.words]
    centered = (rows.codes - means[rows.words])[several]
    values, axes = torch.linalg.eigh(centered.T @ centered / max(len(centered), 1))
    network.axes.copy_(axes.flip(1)[:, : network.n_axes])
    network.scale.copy_(values.flip(0)[: network.n_axes].clamp_min(1e-3).sqrt())
    network.vectors.copy_(vectors.half().float())  # as they are shipped
    network.counts.copy_(torch.bincount(rows.words, rows.counts, minlength=len(means)))


@torch.no_grad()
def validate(network: Cvae, drawer: Drawer, rows: Rows, run: Run) -> dict[str, float]:
    """How likely unseen settings are without any sound, in nats: by the network and by the words' Gaussians."""
    generator = run.generator("validate", 0)
    point, odd, gates, spread = drawer.draw(rows, generator, torch.zeros(len(rows.words), dtype=torch.float64))
    plain = reconstruction(point, torch.zeros_like(point), torch.zeros_like(point))
    mean, log_std = network.encode(point, odd, gates)
    draws = torch.randn(VALIDATION_DRAWS, *mean.shape, generator=generator)
    z = mean + log_std.exp() * draws  # (draws, rows, latent)
    conditions = (x.expand(len(z), *x.shape) for x in (odd, gates))
    weight = 0.5 * (draws.square() - z.square()).sum(-1) + log_std.sum(-1)
    likely = torch.logsumexp(weight - reconstruction(point, *network.decode(z, *conditions)), 0)
    nats = torch.tensor(float(VALIDATION_DRAWS)).log() - likely
    return {
        "settings": len(rows.words),
        "nats": round(float((nats - spread).median()), 3),
        "gaussian_nats": round(float((plain - spread).median()), 3),
    }


def _held(rows: Rows, eq_model: EqAutoencoder, share: float, run: Run) -> Tensor:
    """(n,) bool: whole groups of near-duplicates, about `share` of all rows."""
    group = near_duplicates(eq_model.decode_curve(rows.codes.float()).double())
    names = sorted(set(group))
    order = torch.randperm(len(names), generator=run.generator("split", 0)).tolist()
    held = {names[n] for n in order[: max(1, round(share * len(names)))]}
    return torch.tensor([g in held for g in group])
