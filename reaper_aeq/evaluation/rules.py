"""The rule of usual balance, a page long, that ours has to beat (docs/examinations.md)."""

from __future__ import annotations

import torch
from torch import Tensor

from ..model.audio_encoder import Usual
from ..model.usual import UsualBalance, UsualShape
from ..training.usual import Sounds, balanced_folds, fit_near, logistic, untrained, weights


class UsualRule:
    """The usual balance by a page of linear algebra (docs/examinations.md), which ours has to beat.

    Mean: ridge regression of spectra on standardized features. Covariance: out-of-fold residuals weighted by a Gaussian
    kernel over principal components and by the probability of their kind, shrunk to the pooled one, times a factor.
    """

    RIDGE, COMPONENTS, WIDTH, POOLED, OTHER_KINDS, FACTOR = 3000.0, 40, 2.0, 8.0, 0.02, 1.4

    def __init__(self, model: UsualBalance, classifier: Tensor, table: Tensor, center: Tensor) -> None:
        self.model, self.classifier, self.table, self.center = model, classifier, table, center

    @classmethod
    def fit(cls, sounds: Sounds) -> UsualRule:
        """Of recordings of every kind."""
        shape = UsualShape(
            fine=1.0, components=sounds.features.shape[1], embedded=cls.COMPONENTS, width=2 / cls.WIDTH**2,
            other_kinds=cls.OTHER_KINDS, pooled=cls.POOLED,
        )  # fmt: skip
        model = untrained(shape, sounds, 0.5, 0.5)
        classifier = logistic(model.features, sounds.kinds, weights(sounds, 1.0, 0.5), 30.0)
        fit_near(model)
        fold_of = balanced_folds(sounds.sources, sounds.kinds.tolist())
        fold = torch.tensor([fold_of[source] for source in sounds.sources])
        for k in range(int(fold.max()) + 1):
            own = fold == k
            table, center = cls._ridge(model, sounds, ~own)
            model.residual[own] = sounds.targets[own] - center - model.features[own] @ table
        return cls(model, classifier, *cls._ridge(model, sounds, fold >= 0))

    @classmethod
    def _ridge(cls, model: UsualBalance, sounds: Sounds, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Slopes (f, bands) and offset (bands,) of a fit to `rows` (n,) bool."""
        x, y, w = model.features[rows], sounds.targets[rows], model.weight[rows][:, None]
        x_mean, y_mean = (w * x).sum(0) / w.sum(), (w * y).sum(0) / w.sum()
        gram = (x - x_mean).T @ (w * (x - x_mean)) + cls.RIDGE * torch.eye(x.shape[1], dtype=x.dtype)
        table = torch.linalg.solve(gram, (x - x_mean).T @ (w * (y - y_mean)))
        return table, y_mean - x_mean @ table

    def usual(self, raw: Tensor) -> Usual:
        """Features (f,) of one sound -> what is usual for it."""
        place = self.model.components(raw)
        kinds = (place @ self.classifier[:-1] + self.classifier[-1]).softmax(-1)
        cov = self.FACTOR * self.model.shapes(self.model.alike(place[None], kinds[None]))[0]
        mean = self.center + place @ self.table
        return Usual(mean, cov, mean, kinds)
