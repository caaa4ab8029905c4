"""`reaper-aeq train cvae`: how people's settings for a word differ, and how a sound tells which of them it wants.

SAFE and SocialEQ do not tie a setting to a recording (it explains 3 % of them), so each setting is given sounds that
lack it: one deviates from what is natural by minus the setting, plus what music leaves open
(`UsualBalance.pooled`), drawn anew at every step. No recording is needed, and none can be learned by heart.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import AeqError
from ...model.audio_encoder import BLIND_VAR
from ...model.curves import COMPARED, GRID, N_GRID
from ...model.eq_autoencoder import EqAutoencoder
from ...model.free_text.free_text import in_english
from ...model.free_text.sentences import Sentences
from ...model.words import Vocabulary
from ...training.datasets.readers import PeopleData
from ...training.empirical_bayes import learn
from ...training.loop import Run, Schedule, fingerprint, train_network
from ...util.settings import CvaeTraining, WordsTraining
from ..adaptive.posterior import LEVEL_VAR, RATIO_LIMIT
from .network import NAME, Cvae, Posterior, posterior, reconstruction

VIEWS = 24  # narrow sounds that are drawn from: some hold no bass, some no treble


@dataclass(frozen=True)
class Rows:
    """People's settings: `words` (n,) index into the vocabulary, `codes` (n, 32), `counts` (n,) what each is worth,
    `others` (n, 32) what the word would mean had this setting not been made."""

    words: Tensor
    codes: Tensor
    counts: Tensor
    others: Tensor

    def subset(self, chosen: Tensor) -> Rows:
        """`chosen`: (n,) bool, or places."""
        return Rows(self.words[chosen], self.codes[chosen], self.counts[chosen], self.others[chosen])


def known_rows(vocabulary: Vocabulary, people: PeopleData, settings: CvaeTraining, eq_model: EqAutoencoder) -> Rows:
    """The rows of both data sets whose word the vocabulary holds."""
    as_in_words = WordsTraining(socialeq_db=settings.socialeq_db)
    everything, pool = learn(as_in_words, people)
    words, curves, counts, others = [], [], [], []
    for n, (name, word) in enumerate(vocabulary.items()):
        shown = everything.get((name.split(" (")[0], word.language))
        if shown is None:
            continue
        words += [n] * (len(shown.rows) + len(shown.singles))
        curves += [shown.rows, shown.singles]
        counts += [settings.safe_weight] * len(shown.rows) + [shown.stands_for] * len(shown.singles)
        rests = [shown.without_row(i) for i in range(len(shown.rows))]
        rests += [shown.without_person(i) for i in range(len(shown.singles))]
        others += [pool.meaning(rest)[0] for rest in rests]
    codes, means = (eq_model.encode(x.float()).double() for x in (torch.cat(curves), torch.stack(others)))
    rows = Rows(torch.tensor(words), codes, torch.tensor(counts, dtype=torch.float64), means)
    # some curves stand for nobody: published of a word that SocialEQ's table does not count
    return rows.subset(rows.counts > 0)


class Drawer:
    """Settings -> what the network sees of them, of their words and of sounds that lack them."""

    def __init__(
        self, network: Cvae, vocabulary: Vocabulary, residual_cov: Tensor, eq_model: EqAutoencoder,
        settings: CvaeTraining,
    ) -> None:  # fmt: skip
        """`network` is still on the CPU, where the algebra stays, in float64."""
        self.network, self.settings = network, settings
        self.to_standard = network.axes / network.scale  # (32, axes)
        self.vectors = network.vectors.clone()
        words = list(vocabulary.values())
        self.covs = torch.stack([network.covariance(word.cov) for word in words])
        evidence = [word.evidence for word in words]
        self.worth = torch.tensor(
            [settings.safe_weight * (e.settings - e.people) + e.people for e in evidence], dtype=torch.float64
        )
        basis = eq_model.decoder.weight.detach().double().cpu() @ (network.axes * network.scale)  # (bands, axes)
        seen = _views()
        noise = residual_cov + LEVEL_VAR + torch.diag_embed(torch.where(seen, 0.0, BLIND_VAR * 1e4))
        self.toward = torch.linalg.solve(noise, basis.expand(len(seen), -1, -1)).mT  # (views, axes, bands)
        self.precision = self.toward @ basis
        self.root = torch.linalg.cholesky(residual_cov)

    def draw(
        self, rows: Rows, generator: torch.Generator, ratio: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Standardized settings (n, axes), the two conditions, and the log of how much standardizing spread each.

        Each row is left out of its own word's mean. `ratio`: (n,), how much the sounds count; else drawn.
        """
        n, network = len(rows.words), self.network
        point = rows.codes @ self.to_standard
        chance = torch.rand(3, n, generator=generator, dtype=torch.float64)
        if ratio is None:
            ratio = RATIO_LIMIT * 2 ** (-6 * chance[0])
            ratio = torch.where(chance[1] < self.settings.no_sound_share, 0.0, ratio)
        narrow = torch.randint(1, VIEWS, (n,), generator=generator)
        view = torch.where(chance[2] < self.settings.narrow_share, narrow, 0)
        natural = torch.randn(n, N_GRID, generator=generator, dtype=torch.float64) @ self.root.T
        precision = ratio[:, None, None] * self.precision[view]
        noise = ratio.sqrt()[:, None, None] * self.toward[view] @ natural[..., None]
        mean, worth = rows.others @ self.to_standard, (self.worth[rows.words] - rows.counts).clamp_min(0.0)
        sound = posterior(mean, self.covs[rows.words], precision, (precision @ point[..., None] - noise)[..., 0])
        standard = (sound.inverse @ (point - sound.mean)[..., None])[..., 0].float()
        vector = self.vectors[rows.words] * network.shares(worth)[:, None].float()
        device = network.gate.weight.device
        sound_there = Posterior(*(part.to(device) for part in vars(sound).values()))
        mean, vector, ratio, worth = (x.to(device) for x in (mean, vector, ratio, worth))
        odd, gates = network.condition(mean, vector, sound_there, ratio, worth)
        return standard.to(device), odd, gates, torch.linalg.slogdet(sound.inverse)[1]


def _views() -> Tensor:
    """(VIEWS, bands) bool: the first sees everything, the others lack what lies below or above some frequency."""
    generator = torch.Generator().manual_seed(0)
    cuts = torch.rand(VIEWS, 2, generator=generator, dtype=torch.float64)
    low, high = 50 * 2 ** (4 * cuts[:, :1]), 16_000 * 2 ** (-4 * cuts[:, 1:])
    low[0], high[0] = 0.0, 1e6
    return (low <= GRID) & (high >= GRID) & COMPARED


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
    held = run.held_out(eq_model.decode_curve(rows.codes.float()).double(), settings.valid_share)
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
    train_network(run, name, network, Schedule.of(settings, fixed), loss_of)
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
    run.plot(name, "conditional VAE")
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
