"""The usual balance of a sound of its kind, and how far sounds like it differ from that (docs/algorithm.md).

From features that no EQ can change come the kind (logistic regression with a kernel), the expected spectrum (ridge
regression with the same one) and the covariance of what is left: residuals of training sounds, measured while their own
repository was left out, weighted by how alike they move and by the probability of their kind. How large it is, and how
much of it is single bands rather than broad shapes, is calibrated on sounds that had no part in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from ..dsp.fine_structure import BAND_HZ, N_BINS, N_FINE
from ..dsp.spectrum import Analysis
from . import ENCODERS
from .audio_encoder import STAT_LIMIT, AudioEncoder, BalanceEncoder, Usual
from .checkpoint import Checkpoint
from .curves import GRID, N_GRID
from .eq_autoencoder import EqAutoencoder
from .kinds import KINDS
from .texture import statistics, texture

N_KINDS = len(KINDS)
# Beside what alike sounds were off by, every sound may be off by any smooth shape: octaves of correlation and dB RMS,
# before a factor that hangs on the sound. 0 octaves: each band for itself.
SMOOTH = ((0.0, 1.0), (0.25, 3.2), (1.0, 5.0), (3.0, 5.0))
# Of what a sound's features add to the mean of its kind, the part that its score takes for granted: with more of it the
# scores of mixes no longer follow what is bright to the ear.
SCORED_SHARE = 0.37
IN_STEPS = ("features", "shifted")  # what is kept of training sounds in whole steps, a byte each
NEAREST = 5  # training sounds, by whose distance it is judged how much is known of sounds like one
LEAST_BY_SOUND = 0.02  # of a kind that the sound speaks against: no classifier is surer than a telling name


@dataclass(frozen=True)
class UsualShape:
    """What the sums are made of; chosen by the likelihood of unseen recordings (models/README.md).

    `fine`, `bins`: of the fine structure's features, and of those of single bins among them, beside those of how bands
    move. `linear`, `gaussian`, `gammas`: the kernel of kinds and mean, Gaussians of several widths. `kind_weight`: of a
    kind's probability among the mean's features. `components`: principal ones of the features, in which all sounds are
    compared. `embedded`: those of them that say how alike two sounds move.
    `width`: of the kernel over them. `other_kinds`: how much sounds of other kinds count. `pooled`: sounds that the
    pooled covariance is worth. `scaled`: components that its scale hangs on.
    """

    fine: float = 1.5
    bins: float = 1.0
    linear: float = 0.5
    gaussian: float = 0.5
    gammas: Sequence[float] = (0.5, 2.0, 6.0)
    kind_weight: float = 10.0
    components: int = 256
    embedded: int = 40
    width: float = 1.0
    other_kinds: float = 0.1
    pooled: float = 8.0
    scaled: int = 12


@lru_cache(maxsize=1)
def smooth_shapes() -> Tensor:
    """(len(SMOOTH), bands, bands) dB²."""
    table = torch.tensor([(max(octaves, 1e-6), rms**2) for octaves, rms in SMOOTH]).double()
    octaves, variance = table.T[..., None, None]
    apart = (GRID.log2()[:, None] - GRID.log2()) / octaves
    return variance * (-0.5 * apart.square()).exp()


def features(analysis: Analysis) -> Tensor:
    """(n,) float64, the same for a sound and any EQ of it; NaN where nothing is known."""
    return torch.cat((statistics(texture(analysis)), analysis.fine)).double()


class UsualBalance(BalanceEncoder):
    """Built by `training.usual.fit_usual`; `n` training sounds, `f` features in c components (`UsualShape`, at
    most f), `shifted` rows of the same sounds at other speeds, from which the mean alone learns. All of it float64 once
    loaded."""

    feature_mean: Tensor
    feature_scale: Tensor
    basis: Tensor
    step: Tensor
    classifier: Tensor
    features: Tensor
    kind_probability: Tensor
    shifted: Tensor
    shifted_probability: Tensor
    kind: Tensor
    weight: Tensor
    alpha: Tensor
    residual: Tensor
    kind_mean_db: Tensor
    near_mean: Tensor
    near_scale: Tensor
    away_mean: Tensor
    away_scale: Tensor
    tonal_mean: Tensor
    scale: Tensor
    scale_offset: Tensor

    def __init__(self, n: int, f: int, shape: UsualShape | None = None, shifted: int = 0) -> None:
        super().__init__()
        self.shape = shape or UsualShape()
        c = min(self.shape.components, f)
        self._features_left_out = f - c
        sizes = {
            "feature_mean": (f,), "feature_scale": (f,), "basis": (f, c), "step": (c,), "classifier": (n + 1, N_KINDS),
            "features": (n, c), "kind_probability": (n, N_KINDS), "kind": (n,), "weight": (n,),
            "shifted": (shifted, c), "shifted_probability": (shifted, N_KINDS),
            "mean_db": (N_GRID,), "alpha": (n + shifted, N_GRID), "residual": (n, N_GRID),
            "kind_mean_db": (N_KINDS, N_GRID),
            "near_mean": (c,), "near_scale": (), "away_mean": (), "away_scale": (), "tonal_mean": (2,),
            "scale": (N_KINDS + 3 + self.shape.scaled, 1 + len(SMOOTH)), "scale_offset": (1 + len(SMOOTH),),
        }  # fmt: skip
        for name, size in sizes.items():
            self.register_buffer(name, torch.zeros(size, dtype=torch.float64))
        # what is known of the training sounds, once they are loaded and stay the same
        self._pooled: Tensor | None = None
        self._known: Tensor | None = None
        self._known_squares: Tensor | None = None
        self._feature_squares: Tensor | None = None
        self._embedded: Tensor | None = None

    def standardize(self, features: Tensor) -> Tensor:
        """(..., f) -> (..., f) of unit variance, times `fine` and `bins` those; what is unknown is average."""
        standard = (features - self.feature_mean) / self.feature_scale
        standard = standard.clamp(-STAT_LIMIT, STAT_LIMIT).nan_to_num(0.0)
        moving, fine, bins = standard.split((standard.shape[-1] - N_FINE, N_FINE - N_BINS, N_BINS), -1)
        return torch.cat((moving, self.shape.fine * fine, self.shape.bins * bins), -1)

    def components(self, features: Tensor) -> Tensor:
        """Features (..., f) -> (..., c): standardized, on the axes along which sounds differ most."""
        return self.standardize(features) @ self.basis

    def kinds_by_sound(self, place: Tensor) -> Tensor:
        """Components (m, c) -> probabilities (m, kinds): logistic regression on likeness to training sounds."""
        likeness = self.mean_kernel(place, self.features, self._feature_squares)
        return (likeness @ self.classifier[:-1] + self.classifier[-1]).softmax(-1)

    def mean_kernel(self, a: Tensor, b: Tensor, b_squares: Tensor | None = None) -> Tensor:
        """Components, with or without `kind_weight` times kind probabilities, (m, d), (k, d) -> (m, k), each feature
        counting alike; `b_squares` (k,): what the squares of `b` sum to, where that is known."""
        count = a.shape[1] + self._features_left_out
        product = a @ b.T
        squares = b.square().sum(1) if b_squares is None else b_squares
        distance = (a.square().sum(1)[:, None] + squares - 2 * product).clamp_min(0.0) / count
        near = torch.stack([(-0.5 * gamma * distance).exp() for gamma in self.shape.gammas]).sum(0)
        return self.shape.linear * product / count + self.shape.gaussian * near

    def with_kinds(self, place: Tensor, probability: Tensor) -> Tensor:
        """Components (..., c) beside the probabilities of kinds (..., kinds), as `mean_kernel` compares them."""
        return torch.cat((place, self.shape.kind_weight * probability), -1)

    def known(self) -> Tensor:
        """(n + shifted, c + kinds): what the mean compares a sound with."""
        rows = torch.cat((self.features, self.shifted))
        return self.with_kinds(rows, torch.cat((self.kind_probability, self.shifted_probability)))

    def mean(self, place: Tensor, probability: Tensor) -> Tensor:
        """(m, c), (m, kinds) -> expected spectra (m, bands) dB, level-free."""
        known = self.known() if self._known is None else self._known
        likeness = self.mean_kernel(self.with_kinds(place, probability), known, self._known_squares)
        return self.mean_db + likeness @ self.alpha

    def alike(self, place: Tensor, probability: Tensor, use: Tensor | None = None) -> Tensor:
        """Weights (m, n) of the training sounds in the covariance of sounds; `use` (n,) leaves those of 0 out."""
        same = probability[:, self.kind.long()] + self.shape.other_kinds
        weight = self.weight * (-0.5 * self.shape.width * self._apart(place)).exp() * same
        return weight if use is None else weight * use

    def away(self, place: Tensor, use: Tensor | None = None) -> Tensor:
        """(m,): how far sounds are from the nearest training sounds, which tells how much is known of them."""
        apart = self._apart(place)
        count = len(self.features)
        if use is not None:
            apart, count = apart.masked_fill(use == 0, torch.inf), int(use.count_nonzero())
        return apart.topk(min(NEAREST, count), largest=False).values.mean(1).sqrt()

    def _apart(self, place: Tensor) -> Tensor:
        """Squared distances (m, n) from the training sounds, per component."""
        near = self.embed(place)
        known = self.embed(self.features) if self._embedded is None else self._embedded
        return torch.cdist(near, known, compute_mode="donot_use_mm_for_euclid_dist").square() / near.shape[1]

    def embed(self, place: Tensor) -> Tensor:
        """Components (m, c) -> those by which sounds are alike, (m, embedded)."""
        return ((place - self.near_mean) * self.near_scale)[:, : self.shape.embedded]

    def shapes(self, weight: Tensor, use: Tensor | None = None) -> Tensor:
        """(m, n) -> (m, bands, bands): the broad part of the covariance, before its scale."""
        shares = weight / weight.sum(1, keepdim=True).clamp_min(1e-30)
        own = torch.stack([(self.residual * row[:, None]).T @ self.residual for row in shares])
        count = weight.sum(1).square() / weight.square().sum(1).clamp_min(1e-30)  # Kish's number of sounds
        share = (count / (count + self.shape.pooled))[:, None, None]
        return share * own + (1 - share) * self.pooled(use)

    def pooled(self, use: Tensor | None = None) -> Tensor:
        """(bands, bands): what all training sounds were off by."""
        if use is None and self._pooled is not None:
            return self._pooled
        weight = self.weight if use is None else self.weight * use
        return (self.residual * weight[:, None]).T @ self.residual / weight.sum()

    def described(self, away: Tensor, place: Tensor, probability: Tensor, raw: Tensor) -> Tensor:
        """(m, kinds + 3 + scaled): what the scale of the covariance hangs on. `away` (m,): as `away` has it, in
        training of the sounds that were not left out; `raw` (m, f): features."""
        tonal = tonality(raw) - self.tonal_mean
        lonely = ((away - self.away_mean) / self.away_scale)[:, None]
        return torch.cat((probability, tonal / 3, self.embed(place)[:, : self.shape.scaled], lonely), -1)

    def scales(self, described: Tensor) -> Tensor:
        """(m, 1 + len(SMOOTH)): factors of what alike sounds were off by and of the smooth shapes."""
        return (described @ self.scale + self.scale_offset).clamp(-4.0, 5.0).exp()

    def covariance(self, place: Tensor, probability: Tensor, raw: Tensor) -> Tensor:
        """(m, bands, bands) dB²."""
        factors = self.scales(self.described(self.away(place), place, probability, raw))
        own = self.shapes(self.alike(place, probability))
        return factors[:, :1, None] * own + torch.einsum("ms,sij->mij", factors[:, 1:], smooth_shapes())

    def usual_of(self, analysis: Analysis, prior: Tensor | None, eq_model: EqAutoencoder) -> Usual:
        """See `BalanceEncoder`."""
        del eq_model
        return self.usual(features(analysis), prior)

    @torch.no_grad()
    def usual(self, raw: Tensor, prior: Tensor | None = None) -> Usual:
        """Features (f,) of one sound -> what is usual for it."""
        place = self.components(raw)[None]
        kind = combined(self.kinds_by_sound(place)[0], prior)
        mean = self.mean(place, kind[None])[0]
        # a mix is heard against all mixes: a bright style still scores bright. A bass is no dull mix.
        center = kind @ self.kind_mean_db
        granted = center + SCORED_SHARE * (mean - center)
        return Usual(mean, self.covariance(place, kind[None], raw[None])[0], granted, kind, prior is not None)

    @classmethod
    def load(cls, folder: Path | str | None = None, name: str = "usual") -> UsualBalance:
        """The shipped weights, or those in `folder`. Raises `ModelError`."""
        checkpoint = Checkpoint.load(name, folder)
        architecture = dict(checkpoint.info["architecture"])
        model = cls(shape=UsualShape(**architecture.pop("shape")), **architecture)
        tensors = {key: value.double() for key, value in checkpoint.tensors.items()}
        model.load_state_dict(tensors | {key: tensors["step"] * tensors[key] for key in IN_STEPS})
        model._pooled, model._embedded = model.pooled(), model.embed(model.features)
        model._known = model.known()
        n, c = model.features.shape
        model.features, model.shifted = model._known[:n, :c], model._known[n:, :c]  # once in memory
        model._known_squares, model._feature_squares = model._known.square().sum(1), model.features.square().sum(1)
        return model.eval().requires_grad_(False)


def load_encoder(folder: Path | str | None, encoder: str, suffix: str = "") -> BalanceEncoder:
    """Who says what balance is usual, by the names in `model.ENCODERS`; `suffix` of its file's name chooses one of
    several. Raises `ModelError`."""
    cls = UsualBalance if encoder == "kinds" else AudioEncoder
    return cls.load(folder, ENCODERS[encoder] + suffix)


def combined(by_sound: Tensor, prior: Tensor | None) -> Tensor:
    """Probabilities by sound (kinds,) and a likelihood by name, or None -> probabilities by both."""
    if prior is None:
        return by_sound
    both = (by_sound + LEAST_BY_SOUND) * prior
    return both / both.sum()


def tonality(raw: Tensor) -> Tensor:
    """Features (..., f) -> (..., 2): mean flatness and mean ripple over the bands, dB; NaN counts as nothing."""
    fine = raw[..., -N_FINE:]
    bands = len(BAND_HZ)
    return torch.stack((fine[..., :bands].nanmean(-1), fine[..., 3 * bands : 4 * bands].nanmean(-1)), -1).nan_to_num(
        0.0
    )
