"""`reaper-aeq train audio`: what balance is usual for a sound that moves like this one.

Four networks are trained, each without a quarter of the source repositories. What they say about the recordings they
never saw gives the honest residual (how much music leaves open once its texture is known) and the weights of networks
and kernel regression; together they are the shipped ensemble.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..dsp.spectrum import N_MELS
from ..errors import AeqError
from ..model.audio_encoder import AudioEncoder, KernelRegression
from ..model.checkpoint import Checkpoint
from ..model.curves import COMPARED, N_GRID, center, soft_clip
from ..model.eq_autoencoder import EqAutoencoder
from ..model.texture import SEGMENT, UNIT_DB, segments, statistics, texture
from ..model.texture_nets import NETWORKS
from ..util.settings import AudioTraining
from .datasets.music import fill, gaussian, level_by_middle
from .datasets.readers import Clip, TrackSpectra
from .loop import Run, Schedule, fingerprint, train_network

MUSIC_KINDS = ("mix", "submix")


@dataclass(frozen=True)
class Examples:
    """`maps`: textures (mels, frames_i); `stats` (n, s); `targets` (n, bands) dB, the clip's own balance minus the
    mean of music, bounded; `sources` of each."""

    maps: list[Tensor]
    stats: Tensor
    targets: Tensor
    sources: tuple[str, ...]

    def weights(self, power: float) -> Tensor:
        """(n,): a repository with n clips counts n^(1 - power)."""
        count = {source: self.sources.count(source) for source in set(self.sources)}
        return torch.tensor([count[source] ** -power for source in self.sources])


def train_audio(
    settings: AudioTraining,
    clips: Sequence[Clip],
    prior: TrackSpectra | None,
    eq_model: EqAutoencoder,
    out: Path,
    run: Run,
    *,
    name: str = "audio",
) -> dict[str, float]:
    """Trains on `clips` (and the spectra of `prior`), writes `name` into `out`, returns the metrics.

    An EQ on a clip is invisible to what the networks see (`texture`), so recordings come as they are; sounds made from
    noise come with an EQ each (`sounds.Way.with_eqs`), or their balance would never vary.
    """
    mean_db, total_cov, examples = examples_of(clips, prior)
    quarter = fold_sources(examples.sources, settings.members, run)
    run.tell(f"{len(clips)} recordings of {len(set(examples.sources))} sources")
    members = []
    unseen_nets, unseen_kernel = torch.zeros(2, len(clips), N_GRID, dtype=torch.float64)
    for k in range(settings.members):
        seen = [i for i, q in enumerate(quarter) if q != k]
        held = [i for i, q in enumerate(quarter) if q == k]
        net = train_member(settings, examples, seen, held, eq_model, run, f"{name}{k}")
        members.append(net)
        kernel = fit_kernel(settings, examples, seen, eq_model)
        with torch.no_grad():
            for i in held:
                unseen_nets[i] = eq_model.decode_curve(net(segments(examples.maps[i]).to(run.device)).mean(0).cpu())
            unseen_kernel[held] = eq_model.decode_curve(kernel(examples.stats[held])).double()

    kernel = fit_kernel(settings, examples, list(range(len(clips))), eq_model)
    architecture: dict[str, Any] = {
        "members": settings.members,
        "n_centres": len(kernel.centres),
        "n_stats": kernel.centres.shape[1],
        "gamma": settings.kernel_gamma,
        "network": settings.network,
    }
    encoder = AudioEncoder(**architecture)
    for own, trained in zip(encoder.members, members, strict=True):
        own.load_state_dict(trained.cpu().state_dict())
    encoder.kernel = kernel
    # only mixes say what mixes are like; stems teach the networks but would swell the covariance
    music = [i for i, clip in enumerate(clips) if clip.kind in MUSIC_KINDS] or list(range(len(clips)))
    encoder.mix, residual = mixing(unseen_nets[music], unseen_kernel[music], examples.targets[music])
    encoder.mean_db, encoder.total_cov = mean_db, total_cov
    explained = 1 - float(residual.square().sum() / examples.targets[music][:, COMPARED].square().sum())
    encoder.residual_cov = residual_covariance(residual, total_cov, settings.cov_ridge_db)
    metrics = {
        "explained_variance_unseen": round(explained, 4),
        "weight_networks": round(float(encoder.mix[0]), 3),
        "weight_kernel": round(float(encoder.mix[1]), 3),
    }
    run.tell(f"unseen sources: {100 * explained:.1f} % of the variance of music's balance is explained by its texture")
    info = {
        "architecture": architecture,
        "data": {
            "recordings": len(clips),
            "sources": sorted(set(examples.sources) | set(prior.sources if prior else ())),
            "spectra": len(prior.sources) if prior else 0,
        },
        "settings": asdict(settings),
        "metrics": metrics,
    }
    state = encoder.state_dict()
    # the largest part in half precision; `fit_kernel` rounded it before it solved
    Checkpoint(state | {"kernel.centres": state["kernel.centres"].half()}, info).save(out, name)
    run.plot(name, "audio encoder")
    return metrics


def examples_of(clips: Sequence[Clip], prior: TrackSpectra | None) -> tuple[Tensor, Tensor, Examples]:
    """Clips -> mean and covariance of music's spectra (with those of `prior`), and what the networks learn from."""
    ltas = torch.stack([clip.analysis.ltas_db() for clip in clips])
    known = torch.stack([clip.known for clip in clips])
    music = torch.tensor([clip.kind in MUSIC_KINDS for clip in clips])
    if not bool(music.any()):
        music = ~music
    rows, mask = ltas[music], known[music]
    if prior is not None:
        rows, mask = torch.cat([prior.ltas_db, rows]), torch.cat([prior.known, mask])
    mean, cov = gaussian(level_by_middle(rows, mask), mask)
    at_level = level_by_middle(ltas, known)
    # a stem lacks what it lacks: bounded, and never asked to explain bands that hold nothing
    targets = center(soft_clip(fill(at_level, known, mean, cov) - mean))
    maps = [texture(clip.analysis) for clip in clips]
    sources = tuple(clip.source for clip in clips)
    return mean, cov, Examples(maps, torch.stack([statistics(m) for m in maps]), targets, sources)


def fold_sources(sources: Sequence[str], folds: int, run: Run) -> list[int]:
    """The fold of each clip; a source is wholly in one. Raises `AeqError` for too few sources."""
    names = sorted(set(sources))
    if len(names) < folds:
        raise AeqError(f"recordings of {len(names)} sources cannot be split {folds} ways: add sources (sub-folders)")
    order = torch.randperm(len(names), generator=run.generator("sources", 0)).tolist()
    fold = dealt([names[i] for i in order], sources, folds)
    return [fold[source] for source in sources]


def dealt(names: Sequence[str], sources: Sequence[str], folds: int) -> dict[str, int]:
    """Source -> fold: those with the most among `sources` first, of equals in the order of `names`, each to the fold
    that holds least."""
    load, fold = [0] * folds, {}
    for name in sorted(names, key=lambda name: -sources.count(name)):
        fold[name] = load.index(min(load))
        load[fold[name]] += sources.count(name)
    return fold


def train_member(
    settings: AudioTraining,
    examples: Examples,
    seen: list[int],
    held: list[int],
    eq_model: EqAutoencoder,
    run: Run,
    name: str,
) -> nn.Module:
    """One network on the clips `seen`; its error on `held` goes to the log."""
    net = run.network(name, NETWORKS[settings.network])
    weights = examples.weights(settings.repository_power)[seen]
    targets = examples.targets.float()
    decoder = eq_model.decoder.weight.T.to(run.device)  # (32, bands)
    compared = COMPARED.to(run.device)
    valid = torch.cat([segments(examples.maps[i])[:1] for i in held]).to(run.device)
    valid_targets = targets[held].to(run.device)

    def error_db(x: Tensor, y: Tensor) -> Tensor:
        return ((net(x) @ decoder - y)[:, compared].square().mean(-1) + 0.1).sqrt().mean()

    def loss_of(generator: torch.Generator) -> dict[str, Tensor]:
        picked = torch.multinomial(weights, settings.batch, replacement=True, generator=generator).tolist()
        crops = []
        for i in (seen[p] for p in picked):
            start = int(torch.randint(examples.maps[i].shape[1] - SEGMENT + 1, (1,), generator=generator))
            crops.append(examples.maps[i][:, start : start + SEGMENT])
        x = torch.stack(crops)
        x = x + settings.jitter_db / UNIT_DB * torch.randn(len(x), N_MELS, 1, generator=generator)
        y = targets[[seen[p] for p in picked]]
        figures = {"loss": error_db(x.to(run.device), y.to(run.device))}
        if int(torch.randint(50, (1,), generator=generator)) == 0:
            net.eval()
            with torch.no_grad():
                figures["unseen_db"] = error_db(valid, valid_targets)
            net.train()
        return figures

    about = fingerprint((settings, seen), examples.targets, examples.stats)
    train_network(run, name, net, Schedule.of(settings, about), loss_of)
    return net


def fit_kernel(
    settings: AudioTraining, examples: Examples, use: list[int], eq_model: EqAutoencoder
) -> KernelRegression:
    """Kernel ridge regression of the codes on the texture statistics of the clips `use`, solved at once."""
    stats = examples.stats[use]
    kernel = KernelRegression(len(use), stats.shape[1], settings.kernel_gamma)
    kernel.mean, kernel.scale = stats.mean(0), stats.std(0, correction=0) + 1e-3
    # rounded first: this is how they are shipped
    kernel.centres = kernel.standardize(stats).half().float()
    gram = kernel.kernel(kernel.centres, kernel.centres).double()
    targets = eq_model.encode(examples.targets[use].float()).double()
    ridge = settings.kernel_ridge * torch.eye(len(use), dtype=torch.float64)
    kernel.alpha = torch.linalg.solve(gram + ridge, targets).float()
    return kernel


def mixing(nets: Tensor, kernel: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Least-squares weights of two predictions (n, bands) in 0..1, and what they leave (n, compared bands)."""
    a, b, y = (x[:, COMPARED] for x in (nets, kernel, targets))
    grid = torch.linspace(0, 1, 21, dtype=torch.float64)
    pairs = torch.cartesian_prod(grid, grid)
    errors = torch.stack([(y - p * a - q * b).square().sum() for p, q in pairs])
    mix = pairs[errors.argmin()]
    return mix.float(), y - mix[0] * a - mix[1] * b


def residual_covariance(residual: Tensor, total_cov: Tensor, ridge_db: float) -> Tensor:
    """(bands, bands): the residual's own covariance where it was measured, the total's scaled alike elsewhere."""
    share = residual.square().mean() / total_cov[COMPARED][:, COMPARED].diagonal().mean()
    cov = total_cov * share
    inside = COMPARED.nonzero()[:, 0]
    # the outer bands keep their correlations with the inner ones only through the total
    own = residual.T @ residual / len(residual)
    cov[inside[:, None], inside] = 0.5 * own + 0.5 * cov[inside[:, None], inside]
    values, vectors = torch.linalg.eigh(cov)
    return (vectors * values.clamp_min(0.05)) @ vectors.T + ridge_db**2 * torch.eye(N_GRID, dtype=cov.dtype)
