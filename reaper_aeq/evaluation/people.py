"""People's settings split so that nobody is examined on what was trained on: the same folds for every examination."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..errors import ModelError
from ..methods.cvae.network import NAME, Cvae
from ..methods.cvae.samples import known_rows
from ..methods.cvae.training import train_cvae
from ..model.audio_encoder import AudioEncoder
from ..model.checkpoint import Checkpoint
from ..model.eq_autoencoder import EqAutoencoder
from ..model.free_text.sentences import Sentences
from ..model.words import Vocabulary
from ..training.datasets.descriptor_settings import once_each
from ..training.datasets.readers import PeopleSettings, SocialWord, read_contributions, read_safe
from ..training.loop import Run, fingerprint
from ..training.words import build_words
from ..util.settings import CvaeTraining, WordsTraining
from .folds import FOLDER, N_FOLDS, fold_folder, setting_folds


@dataclass(frozen=True)
class People:
    """Both data sets and the fold of each row; near-duplicates share one."""

    safe: PeopleSettings
    keys: list[tuple[str, str]]
    curves: Tensor
    safe_fold: Tensor
    fold: Tensor

    def rest(self, fold: int) -> tuple[PeopleSettings, list[SocialWord], tuple[list[tuple[str, str]], Tensor]]:
        """What a fold's models may learn from: SAFE's rows, SocialEQ's words made of the other people's curves, and
        these curves."""
        kept = (self.fold != fold).nonzero()[:, 0].tolist()
        keys, curves = [self.keys[n] for n in kept], self.curves[kept]
        words = []
        for name, language in dict.fromkeys(keys):
            own = curves[[n for n, other in enumerate(keys) if other == (name, language)]]
            # half of the people of SocialEQ are among the contributions
            words.append(SocialWord(name, language, 2 * len(own), own.mean(0)))
        return self.safe.subset((self.safe_fold != fold).tolist()), words, (keys, curves)

    def vocabulary(self, fold: int, eq_model: EqAutoencoder) -> Vocabulary:
        """Words that know nothing of a fold's rows."""
        return build_words(WordsTraining(), *self.rest(fold), eq_model)

    def held(self, fold: int) -> str:
        """By which a checkpoint says what it has not seen: its settings, to a thousandth of a dB, for their last digits
        hang on how a response is computed."""
        rows = self.safe.curves_db[self.safe_fold == fold], self.curves[self.fold == fold]
        return fingerprint("held", *((1000 * row).round().long() for row in rows))


def read_people(data: Path | str) -> People:
    """Raises `AeqError`."""
    safe, (keys, curves) = once_each(read_safe(data)), read_contributions(data)
    social = PeopleSettings(tuple(name for name, _ in keys), WordsTraining().socialeq_db * curves)
    return People(safe, keys, curves, torch.tensor(setting_folds(safe)), torch.tensor(setting_folds(social)))


def train_cvae_folds(
    settings: CvaeTraining, data: Path | str, eq_model: EqAutoencoder, model: Sentences, models: Path | str | None,
    out: Path, run: Run,
) -> None:  # fmt: skip
    """One conditional VAE a fold, trained on nobody of that fold and on what its own audio encoder leaves open."""
    people = read_people(data)
    for k in range(N_FOLDS):
        run.tell(f"fold {k + 1} of {N_FOLDS}")
        vocabulary = people.vocabulary(k, eq_model)
        rows = known_rows(vocabulary, *people.rest(k), settings, eq_model)
        encoder = AudioEncoder.load(fold_folder(models), f"audio{k}")
        cov, about = encoder.residual_cov.double(), {"held": people.held(k)}
        train_cvae(settings, rows, vocabulary, cov, eq_model, model, out / FOLDER, run, name=f"{NAME}{k}", about=about)


def load_cvae_fold(models: Path | str | None, fold: int, people: People) -> Cvae:
    """The conditional VAE of a fold. Raises `ModelError` where it is missing or was trained on another split."""
    folder, name = fold_folder(models), f"{NAME}{fold}"
    if Checkpoint.load(name, folder).info.get("held") != people.held(fold):
        raise ModelError(f"{name} may have seen the settings it is examined on: train the folds again")
    return Cvae.load(folder, name)
