"""An encoder that hears each recording by the fold's model that has not learned from its source.

A recording is known again by its features, which no EQ changes: so versions of it through EQs, of another level or
sample rate, and other excerpts go to the same fold, and examinations that ask one engine about many recordings stay as
they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..dsp.spectrum import Analysis, analyze_blocks
from ..errors import AeqError
from ..model.audio_encoder import BalanceEncoder, Usual
from ..model.eq_autoencoder import EqAutoencoder
from ..model.usual import UsualBalance, features
from .folds import N_FOLDS, load_fold, sources_in, unseen_folds
from .law import TestSound


class UnseenEncoder(BalanceEncoder):
    """`models`: of usual balance, one a fold. `known`: features (n, f) of recordings. `fold`: whose each of them is."""

    def __init__(self, models: Sequence[UsualBalance], known: Tensor, fold: Sequence[int]) -> None:
        super().__init__()
        self.models, self.fold = list(models), list(fold)
        self.known = self.models[0].components(known)

    @classmethod
    def load(cls, folder: Path | str | None, sounds: Sequence[TestSound]) -> tuple[UnseenEncoder, list[TestSound]]:
        """The encoder, and those of `sounds` that some fold has not learned from. Raises `ModelError`, and `AeqError`
        where there are none."""
        fold_of = unseen_folds(folder, {sound.source for sound in sounds})
        unseen = [sound for sound in sounds if sound.source in fold_of]
        if not unseen:
            raise AeqError("every fold has learned from these recordings: name those that the folds left out")
        loaded = [load_fold(folder, k, sources_in(fold_of, k)) for k in range(N_FOLDS)]
        models = [model for model in loaded if isinstance(model, UsualBalance)]
        both = [(sound, audio) for sound in unseen for audio in (sound.audio, sound.whole)]
        rows = [features(analyze_blocks([audio], sound.sample_rate)) for sound, audio in both]
        return cls(models, torch.stack(rows), [fold_of[sound.source] for sound, _ in both]), unseen

    def fold_for(self, raw: Tensor) -> int:
        """Whose recording the features (f,) are."""
        off = self.models[0].components(raw) - self.known
        return self.fold[int(off.square().sum(1).argmin())]

    @torch.no_grad()
    def usual_of(
        self, analyses: Sequence[Analysis], priors: Sequence[Tensor | None], eq_model: EqAutoencoder
    ) -> list[Usual]:
        """What is usual for each sound, by the model that has not learned from it."""
        del eq_model
        found = [(features(one), prior) for one, prior in zip(analyses, priors, strict=True)]
        return [self.models[self.fold_for(raw)].usual_alone(raw, prior) for raw, prior in found]

    def place(self, device: str) -> None:
        """Stays where the linear algebra is cheapest, as its models do."""

    @property
    def device(self) -> str:
        """Always the CPU."""
        return "cpu"
