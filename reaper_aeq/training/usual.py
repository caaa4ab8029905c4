"""`reaper-aeq train usual`: kinds, the usual balance and its covariance from recordings whose kind is known.

Everything is solved at once or by a few steps of L-BFGS. Whatever is learned from errors (the covariance, its scale,
how far kinds can be told apart) is learned from errors on repositories that had been left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from itertools import compress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import AeqError
from ..model.audio_encoder import SILENT_BELOW_DB, visibility
from ..model.checkpoint import Checkpoint
from ..model.curves import COMPARED, N_GRID, center
from ..model.kinds import FROM_MANIFEST, KINDS
from ..model.usual import IN_STEPS, N_KINDS, SMOOTH, UsualBalance, UsualShape, features, smooth_shapes, tonality
from ..util.settings import UsualTraining
from .datasets.music import fill, gaussian, level_by_middle
from .datasets.readers import Clip
from .loop import Run

INNER_FOLDS = 5
GRAM_JITTER = 1e-6
# Recordings that are not what their manifest says: a mouth that plays drums, a chicken among voices, synthesizers among
# strings, keys among synthesizers, a test tone among flutes.
MISLABELED = {
    "vocobox2_beatbox.ogg", "megaglest_chicken.ogg", "lmms_space_strings01.ogg", "lmms_space_strings02.ogg",
    "lmms_strings01.ogg", "lmms_strings02.ogg", "mdn_rnblofi.flac", "lmms_flute01.ogg",
}  # fmt: skip
# Owners of many repositories that are not by one hand; all other repositories of one owner count as one source.
PUBLISHERS = ("sfzinstruments", "debian:")


@dataclass(frozen=True)
class Sounds:
    """Recordings as they are learned from: all (n, ...) float64.

    `features` (n, f) raw; `targets` (n, bands) dB, level-free spectra, silence raised to `SILENT_BELOW_DB` under the
    loudest band; `heard` (n, bands) bool, compared bands that hold sound; `kinds` (n,) places in `KINDS`.
    `other_speeds`: the same played faster or slower, from whose features and targets the mean also learns; none where
    clips were read without them.
    """

    repositories: tuple[str, ...]
    features: Tensor
    targets: Tensor
    heard: Tensor
    kinds: Tensor
    other_speeds: tuple[Sounds, ...] = ()

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """What is left out together: all `repositories` of one owner."""
        return tuple(map(source_of, self.repositories))

    def subset(self, keep: Tensor) -> Sounds:
        """`keep`: (n,) bool."""
        repositories = tuple(compress(self.repositories, keep.tolist()))
        parts = (self.features[keep], self.targets[keep], self.heard[keep], self.kinds[keep])
        return Sounds(repositories, *parts, tuple(one.subset(keep) for one in self.other_speeds))


def sounds_of(clips: Sequence[Clip]) -> Sounds:
    """Those of `clips` whose kind is one of ours. Raises `AeqError` where there are none, or none of a kind."""
    clips = [clip for clip in clips if clip.kind in FROM_MANIFEST and clip.name not in MISLABELED]
    kinds = torch.tensor([list(KINDS).index(FROM_MANIFEST[clip.kind]) for clip in clips], dtype=torch.long)
    missing = [kind for n, kind in enumerate(KINDS) if not bool((kinds == n).any())]
    if missing:
        raise AeqError(f"there are no recordings of {', '.join(missing)}: name folders that hold every kind")
    ltas, known = _spectra(clips)
    heard = torch.stack([visibility(row) for row in ltas]) * torch.stack([clip.analysis.in_reach for clip in clips])
    music = kinds == list(KINDS).index("mix")
    mixes = gaussian(_raised(ltas, known)[music], known[music])
    repositories, sound = tuple(clip.source for clip in clips), (heard > 0.5) & known & COMPARED
    as_it_is, *at_speeds = (
        Sounds(repositories, _features(at), _targets(*_spectra(at), mixes), sound, kinds)
        for at in (clips, *zip(*(clip.other_speeds for clip in clips), strict=True))
    )
    return replace(as_it_is, other_speeds=tuple(at_speeds))


def _features(clips: Sequence[Clip]) -> Tensor:
    return torch.stack([features(clip.analysis) for clip in clips])


def _spectra(clips: Sequence[Clip]) -> tuple[Tensor, Tensor]:
    """LTAS in dB, and which bands a codec or the sample rate left, (n, bands)."""
    return torch.stack([clip.analysis.ltas_db() for clip in clips]), torch.stack([clip.known for clip in clips])


def _raised(ltas: Tensor, known: Tensor) -> Tensor:
    """(n, bands) level-free, silence raised to `SILENT_BELOW_DB` under the loudest band."""
    return level_by_middle(torch.maximum(ltas, ltas.amax(1, keepdim=True) - SILENT_BELOW_DB), known)


def _targets(ltas: Tensor, known: Tensor, mixes: tuple[Tensor, Tensor]) -> Tensor:
    """(n, bands) level-free; unknown bands as the Gaussian of mixes expects them."""
    rows = fill(_raised(ltas, known), known, *mixes)
    return center(torch.maximum(rows, rows.amax(1, keepdim=True) - SILENT_BELOW_DB))


def source_of(repository: str) -> str:
    """What is left out together: all that one owner made."""
    return repository if repository.startswith(PUBLISHERS) else repository.split("/")[0]


def balanced_folds(sources: Sequence[str], kinds: Sequence[int], folds: int = INNER_FOLDS) -> dict[str, int]:
    """Source -> fold, each kind spread as evenly as whole sources allow; the same for the same recordings."""
    own = np.zeros((len(set(sources)), N_KINDS))
    names = sorted(set(sources))
    for source, kind in zip(sources, kinds, strict=True):
        own[names.index(source), int(kind)] += 1
    share = own / np.maximum(own.sum(0), 1)
    load, fold = np.zeros((folds, N_KINDS)), {}
    for n in sorted(range(len(names)), key=lambda n: (-share[n].max(), names[n])):
        cost = [np.square(load + np.eye(folds)[k][:, None] * share[n]).sum() for k in range(folds)]
        fold[names[n]] = int(np.argmin(cost))
        load[fold[names[n]]] += share[n]
    return fold


def train_usual(
    settings: UsualTraining, clips: Sequence[Clip], out: Path, run: Run, *, name: str = "usual"
) -> dict[str, float]:
    """Fits and writes `name` into `out`, returns the metrics. Raises `AeqError` for too few recordings."""
    sounds = sounds_of(clips)
    run.tell(f"{len(sounds.kinds)} recordings of {len(set(sounds.sources))} sources")
    model, metrics = fit_usual(settings, sounds)
    save_usual(model, sounds, settings, metrics, out, name)
    return metrics


def save_usual(
    model: UsualBalance, sounds: Sounds, settings: UsualTraining, metrics: dict[str, float], out: Path, name: str
) -> None:
    """Writes `name` into `out`, large parts in half precision. Raises `OutputError`."""
    n, f = len(model.features), len(model.feature_mean)
    architecture = {"n": n, "f": f, "shape": asdict(model.shape), "shifted": len(model.shifted)}
    data = {"recordings": len(sounds.kinds), "sources": sorted(set(sounds.repositories))}
    info = {"architecture": architecture, "data": data, "settings": asdict(settings), "metrics": metrics}
    half = {"residual", "kind_probability", "shifted_probability", "basis"}
    tensors = {key: value.half() if key in half else value.float() for key, value in model.state_dict().items()}
    tensors |= {key: _steps(model.state_dict()[key], model.step).to(torch.int8) for key in IN_STEPS}
    Checkpoint(tensors, info).save(out, name)


def fit_usual(settings: UsualTraining, sounds: Sounds) -> tuple[UsualBalance, dict[str, float]]:
    """The model and how it does on what it did not see while its parts were fitted. Raises `AeqError`."""
    if len(set(sounds.sources)) < INNER_FOLDS:
        raise AeqError(f"recordings of {len(set(sounds.sources))} sources cannot be split {INNER_FOLDS} ways")
    fold_of = balanced_folds(sounds.sources, sounds.kinds.tolist())
    fold = torch.tensor([fold_of[source] for source in sounds.sources])
    model = untrained(UsualShape(), sounds, settings.kind_power, settings.source_power)
    _fit_kinds(model, sounds, fold, settings)
    _fit_mean(model, sounds, fold, settings)
    fit_near(model)
    _fit_scale(model, sounds, fold, settings)
    kind = sounds.kinds
    right = (model.kind_probability.argmax(1) == kind).double()
    music = kind == list(KINDS).index("mix")
    explained = {
        label: 1 - _square(model.residual[rows], sounds.heard[rows]) / _square(
            (sounds.targets - model.kind_mean_db[list(KINDS).index("mix")])[rows], sounds.heard[rows])
        for label, rows in (("mixes", music), ("single_sources", ~music))
    }  # fmt: skip
    metrics = {f"explained_unseen_{label}": round(float(value), 4) for label, value in explained.items()}
    return model, {**metrics, "kind_right_unseen": round(float(right.mean()), 4)}


def untrained(shape: UsualShape, sounds: Sounds, kind_power: float, source_power: float) -> UsualBalance:
    """A model that holds the components of the sounds' features, their kinds and their `weights`."""
    raw = sounds.features
    model = UsualBalance(len(raw), raw.shape[1], shape, shifted=len(raw) * len(sounds.other_speeds))
    model.feature_mean = raw.nanmean(0).nan_to_num(0.0)
    model.feature_scale = (raw - model.feature_mean).square().nanmean(0).sqrt().nan_to_num(0.0) + 1e-3
    standard = model.standardize(raw)
    _, _, directions = torch.linalg.svd(standard - standard.mean(0), full_matrices=False)
    count = min(model.basis.shape[1], len(directions))
    model.basis[:, :count] = directions[:count].T.half()
    # as they are shipped, in whole steps
    places = model.components(raw)
    model.step = (places.abs().amax(0) / 127).clamp_min(1e-6).float().double()
    model.features, model.kind = model.step * _steps(places, model.step), sounds.kinds.double()
    if sounds.other_speeds:
        rows = torch.cat([model.components(one.features) for one in sounds.other_speeds])
        model.shifted = model.step * _steps(rows, model.step)
    model.weight = weights(sounds, kind_power, source_power)
    return model


def _steps(places: Tensor, step: Tensor) -> Tensor:
    """Components (n, c) in whole steps, -127..127."""
    return (places / step).round().clamp(-127, 127)


def weights(sounds: Sounds, kind_power: float, source_power: float) -> Tensor:
    """(n,) of mean 1: a kind of k recordings counts k^(1 - kind_power), a source alike."""
    kind_count = sounds.kinds.bincount(minlength=N_KINDS).double()[sounds.kinds]
    count = Counter(sounds.sources)
    source_count = torch.tensor([count[source] for source in sounds.sources], dtype=torch.float64)
    weight = kind_count**-kind_power * source_count**-source_power
    return weight / weight.mean()


def _fit_kinds(model: UsualBalance, sounds: Sounds, fold: Tensor, settings: UsualTraining) -> None:
    """The classifier, and what classifiers without a sound's own fold say of it, also at other speeds."""
    fold_of_shifted = fold.repeat(len(sounds.other_speeds))
    gram = model.mean_kernel(model.features, model.features)

    def fitted(rows: Tensor) -> Tensor:
        """Of likeness to all training sounds, those that are not among `rows` of no weight."""
        part = sounds.subset(rows)
        # in coordinates in which the kernel is an inner product
        root = torch.linalg.cholesky(gram[rows][:, rows] + GRAM_JITTER * torch.eye(len(part.kinds), dtype=gram.dtype))
        table = logistic(root, part.kinds, weights(part, 1.0, 0.5), settings.kind_penalty)
        out = torch.zeros_like(model.classifier)
        out[:-1][rows] = torch.linalg.solve_triangular(root.T, table[:-1], upper=True)
        out[-1] = table[-1]
        return out

    for k in fold.unique():
        own = fold == k
        model.classifier = fitted(~own)
        model.kind_probability[own] = model.kinds_by_sound(model.features[own])
        own = fold_of_shifted == k
        model.shifted_probability[own] = model.kinds_by_sound(model.shifted[own])
    model.kind_probability = model.kind_probability.half().double()
    model.shifted_probability = model.shifted_probability.half().double()
    model.classifier = fitted(torch.ones_like(fold, dtype=torch.bool))


def logistic(features: Tensor, kinds: Tensor, weight: Tensor, penalty: float) -> Tensor:
    """(n, f), (n,), (n,) -> (f + 1, kinds): multinomial logistic regression, the last row the offsets."""
    x = torch.cat((features, features.new_ones(len(features), 1)), 1)
    table = x.new_zeros(x.shape[1], N_KINDS).requires_grad_()

    def loss() -> Tensor:
        error = torch.nn.functional.cross_entropy(x @ table, kinds, reduction="none")
        return (weight * error).sum() + 0.5 * penalty * table[:-1].square().sum()

    return minimized(loss, [table], 60)[0]


def _fit_mean(model: UsualBalance, sounds: Sounds, fold: Tensor, settings: UsualTraining) -> None:
    """Kernel ridge regression of the spectra at all speeds, and its residuals where a sound's own fold was left out."""
    x, speeds = model.known(), 1 + len(sounds.other_speeds)
    gram = model.mean_kernel(x, x)
    targets = torch.cat((sounds.targets, *(one.targets for one in sounds.other_speeds)))

    def fitted(rows: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Of the recordings (n,) bool, each as it is and at the other speeds."""
        rows, weight = rows.repeat(speeds), weight.repeat(speeds)
        mean = (weight[:, None] * targets[rows]).sum(0) / weight.sum()
        ridge = settings.mean_ridge * torch.diag(1 / weight)
        return mean, torch.linalg.solve(gram[rows][:, rows] + ridge, targets[rows] - mean)

    for k in fold.unique():
        own = fold == k
        mean, alpha = fitted(~own, weights(sounds.subset(~own), settings.kind_power, settings.source_power))
        model.residual[own] = sounds.targets[own] - mean - gram[: len(own)][own][:, (~own).repeat(speeds)] @ alpha
    model.residual = model.residual.half().double()
    model.mean_db, model.alpha = fitted(torch.ones_like(fold, dtype=torch.bool), model.weight)
    for kind in range(N_KINDS):
        own = sounds.kinds == kind
        weight = model.weight[own]
        model.kind_mean_db[kind] = (weight[:, None] * sounds.targets[own]).sum(0) / weight.sum()


def fit_near(model: UsualBalance) -> None:
    """The components by which sounds are alike, together of unit mean square."""
    model.near_mean, model.near_scale = model.features.mean(0), torch.ones((), dtype=torch.float64)
    near = model.embed(model.features)
    model.near_scale = 1 / (near.square().sum(1).mean() / model.shape.embedded).sqrt().clamp_min(1e-9)


def _fit_scale(model: UsualBalance, sounds: Sounds, fold: Tensor, settings: UsualTraining) -> None:
    """How large the parts of the covariance are, from the likelihood of residuals that had no part in its shape."""
    tonal = tonality(sounds.features)
    model.tonal_mean = tonal.mean(0)
    shapes = torch.zeros(len(sounds.kinds), N_GRID, N_GRID, dtype=torch.float64)
    away = torch.zeros(len(sounds.kinds), dtype=torch.float64)
    for k in fold.unique():
        own = fold == k
        rest = (~own).double()
        weight = model.alike(model.features[own], model.kind_probability[own], rest)
        shapes[own], away[own] = model.shapes(weight, rest), model.away(model.features[own], rest)
    model.away_mean, model.away_scale = away.mean(), away.std().clamp_min(1e-6)
    x = model.described(away, model.features, model.kind_probability, sounds.features)
    parts, residual, hidden = _contrasts(shapes, model.residual, sounds.heard)
    weight = weights(sounds, 0.5, settings.source_power)
    bands = (~hidden).sum(1)
    scale = x.new_zeros(x.shape[1], 1 + len(SMOOTH)).requires_grad_()
    offset = torch.tensor([-0.3, 1.0] + [-1.5] * (len(SMOOTH) - 1), dtype=x.dtype).requires_grad_()

    kind = torch.nn.functional.one_hot(sounds.kinds, N_KINDS).double()
    recordings = kind.sum(0).clamp_min(1.0)

    def loss() -> Tensor:
        factors = (x @ scale + offset).clamp(-4.0, 5.0).exp()
        cov = torch.einsum("np,npij->nij", factors, parts) + torch.diag_embed(hidden.double() + 1e-6)
        root = torch.linalg.cholesky(cov)
        white = torch.linalg.solve_triangular(root, residual[..., None], upper=False)[..., 0]
        log_det = root.diagonal(dim1=-2, dim2=-1).log().masked_fill(hidden, 0.0).sum(1)
        distance = white.square().sum(1) / bands
        nats = log_det / bands + 0.5 * distance
        # a sound's kind is only guessed here: the likelihood alone leaves kinds that are mistaken for others too sure
        calibrated = ((distance @ kind) / recordings).clamp_min(1e-3).log().square()[kind.sum(0) > 0].sum()
        penalty = 0.5 * settings.scale_penalty * scale.square().sum() + settings.calibration_penalty * calibrated
        return (weight * nats).sum() + penalty

    model.scale, model.scale_offset = minimized(loss, [scale, offset], settings.scale_steps)


def _contrasts(shapes: Tensor, residual: Tensor, heard: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Covariances' parts (n, parts, c, c), residuals (n, c), which of them are none (n, c): differences between the
    bands that hold sound, as a recording's level says nothing."""
    smooth, most = smooth_shapes(), int(COMPARED.sum()) - 1
    parts = torch.zeros(len(shapes), 1 + len(smooth), most, most, dtype=torch.float64)
    rows, hidden = torch.zeros(len(shapes), most, dtype=torch.float64), torch.ones(len(shapes), most, dtype=torch.bool)
    for n, use in enumerate(heard):
        basis, size = contrasts(int(use.sum())), int(use.sum()) - 1
        together = torch.cat((shapes[n][None], smooth))[:, use][:, :, use]
        parts[n, :, :size, :size] = basis.T @ together @ basis
        rows[n, :size], hidden[n, :size] = basis.T @ residual[n, use], False
    return parts, rows, hidden


@lru_cache(maxsize=64)
def contrasts(count: int) -> Tensor:
    """(count, count - 1), orthonormal, each blind to the mean."""
    start = torch.cat((torch.ones(count, 1), torch.eye(count)[:, : count - 1]), 1).double()
    return torch.linalg.qr(start)[0][:, 1:]


def minimized(loss: Callable[[], Tensor], variables: list[Tensor], steps: int) -> list[Tensor]:
    """The variables where L-BFGS ends after at most so many steps."""
    optimizer = torch.optim.LBFGS(variables, max_iter=steps, history_size=20, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(closure)
    return [variable.detach() for variable in variables]


def _square(rows: Tensor, heard: Tensor) -> Tensor:
    """Sum of squares over the bands that hold sound, each row level-free."""
    use = heard.double()
    return (((rows - (rows * use).sum(1, keepdim=True) / use.sum(1, keepdim=True)) * use) ** 2).sum()
