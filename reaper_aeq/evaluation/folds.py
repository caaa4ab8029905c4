"""Encoders that have never seen what they are examined on: whole source repositories left out, fold by fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..dsp.spectrum import Analysis, analyze_blocks
from ..errors import AeqError, ModelError
from ..methods.cvae.network import NAME, Cvae
from ..methods.cvae.training import known_rows, train_cvae
from ..model import DEFAULT_ENCODER, ENCODERS, NETWORKS
from ..model.audio_encoder import BalanceEncoder, Usual
from ..model.checkpoint import Checkpoint
from ..model.eq_autoencoder import EqAutoencoder
from ..model.free_text.sentences import Sentences
from ..model.kinds import FROM_MANIFEST, KINDS
from ..model.usual import UsualBalance, features, load_encoder
from ..model.words import Vocabulary
from ..training.audio import dealt, train_audio
from ..training.datasets.descriptor_settings import once_each
from ..training.datasets.readers import (
    Clip,
    PeopleData,
    PeopleSettings,
    SocialWord,
    TrackSpectra,
    read_contributions,
    read_safe,
)
from ..training.loop import Run, fingerprint, near_duplicates
from ..training.usual import balanced_folds, source_of, train_usual
from ..training.words import build_words
from ..util.paths import shipped
from ..util.settings import AudioTraining, CvaeTraining, UsualTraining, WordsTraining
from .law import TestSound

N_FOLDS = 5
FOLDER = "folds"

Paths = Sequence[Path | str]
Tell = Callable[[str], None]
Table = dict[str, dict[str, dict[str, Any]]]  # row -> who -> figure -> value


def mixes_and_folds(clips: Sequence[Clip], what: str) -> tuple[list[Clip], dict[str, int]]:
    """The mixes among `clips`, and the fold of each of their sources. Raises `AeqError` where `what` needs more."""
    mixes = [clip for clip in clips if clip.kind == "mix"]
    if len({clip.source for clip in mixes}) < N_FOLDS:
        raise AeqError(f"{what} mixes of at least {N_FOLDS} sources")
    return mixes, exam_folds(mixes)


def sources_in(fold_of: Mapping[str, int], fold: int) -> set[str]:
    """The sources of a fold."""
    return {source for source, own in fold_of.items() if own == fold}


def exam_folds(mixes: Sequence[Clip]) -> dict[str, int]:
    """Source -> fold, the largest sources dealt first to the emptiest fold: the same for the same recordings."""
    sources = [clip.source for clip in mixes]
    return dealt(sorted(set(sources)), sources, N_FOLDS)


def all_folds(clips: Sequence[Clip]) -> dict[str, int]:
    """Source -> fold, for recordings of every kind: sources of mixes as in `exam_folds`, whatever else their owner made
    in the same fold, and the others so that each kind is spread evenly."""
    of_mixes = exam_folds([clip for clip in clips if clip.kind == "mix"])
    taken = {source_of(source): fold for source, fold in of_mixes.items()}
    rest = [clip for clip in clips if source_of(clip.source) not in taken and clip.kind in FROM_MANIFEST]
    kinds = [list(KINDS).index(FROM_MANIFEST[clip.kind]) for clip in rest]
    taken |= balanced_folds([source_of(clip.source) for clip in rest], kinds, N_FOLDS) if rest else {}
    known = {clip.source for clip in clips if source_of(clip.source) in taken}
    return of_mixes | {source: taken[source_of(source)] for source in sorted(known - set(of_mixes))}


def unseen_folds(models: Path | str | None, sources: set[str]) -> dict[str, int]:
    """Source -> the first fold whose model of usual balance has not learned from it; those that all have seen are left
    out. Raises `ModelError`."""
    found: dict[str, int] = {}
    for k in range(N_FOLDS):
        info = Checkpoint.load(f"{ENCODERS[DEFAULT_ENCODER]}{k}", fold_folder(models)).info
        found |= {source: k for source in sorted(sources - set(info["data"]["sources"]) - set(found))}
    return found


def fold_folder(models: Path | str | None) -> Path:
    """Where the models of the folds lie."""
    return (shipped("models") if models is None else Path(models)) / FOLDER


def load_fold(
    models: Path | str | None, fold: int, sources: set[str], encoder: str = DEFAULT_ENCODER
) -> BalanceEncoder:
    """The encoder of a fold. Raises `ModelError` where it is missing, or has seen one of `sources` in training."""
    folder, name = fold_folder(models), f"{ENCODERS[encoder]}{fold}"
    seen = sources & set(Checkpoint.load(name, folder).info["data"]["sources"])
    if seen:
        raise ModelError(
            f"{name} was trained on {', '.join(sorted(seen))}, which it is examined on: train the folds again"
        )
    return load_encoder(folder, encoder, str(fold))


class UnseenEncoder(BalanceEncoder):
    """An encoder that hears each recording by the fold's model that has not learned from its source.

    A recording is known again by its features, which no EQ changes: so versions of it through EQs, of another level or
    sample rate, and other excerpts go to the same fold, and examinations that ask one engine about many recordings stay
    as they are.

    Args:
        models: of usual balance, one a fold. known: features (n, f) of recordings. fold: whose each of them is.
    """

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

    @torch.no_grad()
    def usual_of(self, analysis: Analysis, prior: Tensor | None, eq_model: EqAutoencoder) -> Usual:
        """What is usual for a sound, by the model that has not learned from it."""
        del eq_model
        raw = features(analysis)
        nearest = int((self.models[0].components(raw) - self.known).square().sum(1).argmin())
        return self.models[self.fold[nearest]].usual(raw, prior)


def train_folds(
    settings: AudioTraining, clips: Sequence[Clip], prior: TrackSpectra, mixes: Sequence[Clip], eq_model: EqAutoencoder,
    out: Path, run: Run,
) -> None:  # fmt: skip
    """Trains one encoder a fold of `mixes` on everything else and writes them into `out`/folds."""
    fold_of = exam_folds(mixes)
    for k in range(N_FOLDS):
        sources, name = sources_in(fold_of, k), f"{NETWORKS[settings.network]}{k}"
        run.tell(f"fold {k + 1} of {N_FOLDS}")
        rest = [clip for clip in clips if clip.source not in sources]
        train_audio(settings, rest, prior.without(sources), eq_model, out / FOLDER, run, name=name)


def train_usual_folds(
    settings: UsualTraining, clips: Sequence[Clip], examined: Sequence[Clip], out: Path, run: Run
) -> None:
    """Fits one model of usual balance a fold of `examined` on everything else and writes them into `out`/folds."""
    fold_of = all_folds(examined)
    for k in range(N_FOLDS):
        owners = {source_of(source) for source in sources_in(fold_of, k)}
        run.tell(f"fold {k + 1} of {N_FOLDS}")
        rest = [clip for clip in clips if source_of(clip.source) not in owners]
        train_usual(settings, rest, out / FOLDER, run, name=f"{ENCODERS[DEFAULT_ENCODER]}{k}")


def setting_folds(curves_db: Tensor) -> Tensor:
    """(n, bands) -> (n,), the fold of each setting; near-duplicates share one."""
    groups = near_duplicates(curves_db)
    order = torch.randperm(int(groups.max()) + 1, generator=torch.Generator().manual_seed(1))
    return order[groups] % N_FOLDS


@dataclass(frozen=True)
class People:
    """Both data sets and the fold of each row; near-duplicates share one."""

    safe: PeopleSettings
    keys: list[tuple[str, str]]
    curves: Tensor
    safe_fold: Tensor
    fold: Tensor

    def rest(self, fold: int) -> PeopleData:
        """What a fold's models may learn from: SAFE's rows, SocialEQ's words made of the other people's curves, and
        these curves."""
        kept = (self.fold != fold).nonzero()[:, 0].tolist()
        keys, curves = [self.keys[n] for n in kept], self.curves[kept]
        words = []
        for name, language in dict.fromkeys(keys):
            own = curves[[n for n, other in enumerate(keys) if other == (name, language)]]
            # half of the people of SocialEQ are among the contributions
            words.append(SocialWord(name, language, 2 * len(own), own.mean(0)))
        return PeopleData(self.safe.subset((self.safe_fold != fold).tolist()), words, (keys, curves))

    def vocabulary(self, fold: int, eq_model: EqAutoencoder) -> Vocabulary:
        """Words that know nothing of a fold's rows."""
        return build_words(WordsTraining(), self.rest(fold), eq_model)

    def held(self, fold: int) -> str:
        """By which a checkpoint says what it has not seen: its settings, to a thousandth of a dB, for their last digits
        hang on how a response is computed."""
        rows = self.safe.curves_db[self.safe_fold == fold], self.curves[self.fold == fold]
        return fingerprint("held", *((1000 * row).round().long() for row in rows))


def read_people(data: Path | str) -> People:
    """Raises `AeqError`."""
    safe, (keys, curves) = once_each(read_safe(data)), read_contributions(data)
    social_db = WordsTraining().socialeq_db * curves
    return People(safe, keys, curves, setting_folds(safe.curves_db), setting_folds(social_db))


def train_cvae_folds(
    settings: CvaeTraining, data: Path | str, eq_model: EqAutoencoder, model: Sentences, models: Path | str | None,
    out: Path, run: Run,
) -> None:  # fmt: skip
    """One conditional VAE a fold, trained on nobody of that fold and on what its own usual balance leaves open."""
    people = read_people(data)
    for k in range(N_FOLDS):
        run.tell(f"fold {k + 1} of {N_FOLDS}")
        vocabulary = people.vocabulary(k, eq_model)
        rows = known_rows(vocabulary, people.rest(k), settings, eq_model)
        cov = UsualBalance.load(fold_folder(models), f"{ENCODERS[DEFAULT_ENCODER]}{k}").pooled()
        about = {"held": people.held(k)}
        train_cvae(settings, rows, vocabulary, cov, eq_model, model, out / FOLDER, run, name=f"{NAME}{k}", about=about)


def load_cvae_fold(models: Path | str | None, fold: int, people: People) -> Cvae:
    """The conditional VAE of a fold. Raises `ModelError` where it is missing or was trained on another split."""
    folder, name = fold_folder(models), f"{NAME}{fold}"
    if Checkpoint.load(name, folder).info.get("held") != people.held(fold):
        raise ModelError(f"{name} may have seen the settings it is examined on: train the folds again")
    return Cvae.load(folder, name)
