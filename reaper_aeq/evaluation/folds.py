"""Encoders that have never seen what they are examined on: whole source repositories left out, fold by fold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from ..errors import ModelError
from ..model import DEFAULT_ENCODER, ENCODERS, NETWORKS
from ..model.audio_encoder import BalanceEncoder
from ..model.checkpoint import Checkpoint
from ..model.encoders import load_encoder
from ..model.eq_autoencoder import EqAutoencoder
from ..model.kinds import FROM_MANIFEST, KINDS
from ..training.audio import train_audio
from ..training.datasets.readers import Clip, PeopleSettings, Spectra, near_duplicates
from ..training.loop import Run
from ..training.usual import balanced_folds, source_of, train_usual
from ..util.paths import shipped
from ..util.settings import AudioTraining, UsualTraining

N_FOLDS = 5
FOLDER = "folds"


def exam_folds(mixes: Sequence[Clip], folds: int = N_FOLDS) -> dict[str, int]:
    """Source -> fold, the largest sources dealt first to the emptiest fold: the same for the same recordings."""
    sources = [clip.source for clip in mixes]
    load, fold = [0] * folds, {}
    for name in sorted(set(sources), key=lambda s: (-sources.count(s), s)):
        least = load.index(min(load))
        fold[name] = least
        load[least] += sources.count(name)
    return fold


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


def without(clips: Sequence[Clip], prior: Spectra, sources: set[str]) -> tuple[list[Clip], Spectra]:
    """Everything but these sources, in recordings and spectra."""
    keep = [i for i, source in enumerate(prior.sources) if source not in sources]
    rest = Spectra(prior.ltas_db[keep], prior.known[keep], tuple(prior.sources[i] for i in keep))
    return [clip for clip in clips if clip.source not in sources], rest


def unseen_folds(models: Path | str | None, sources: set[str]) -> dict[str, int]:
    """Source -> the first fold whose model of usual balance has not learned from it; those that all have seen are left
    out. Raises `ModelError`."""
    found: dict[str, int] = {}
    for k in range(N_FOLDS):
        info = Checkpoint.load(f"{ENCODERS[DEFAULT_ENCODER]}{k}", fold_folder(models)).info
        found |= {source: k for source in sorted(sources - set(info["data"]["sources"]) - set(found))}
    return found


def fold_folder(models: Path | str | None) -> Path:
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


def train_folds(
    settings: AudioTraining, clips: Sequence[Clip], prior: Spectra, mixes: Sequence[Clip], eq_model: EqAutoencoder,
    out: Path, run: Run,
) -> None:  # fmt: skip
    """Trains one encoder a fold of `mixes` on everything else and writes them into `out`/folds."""
    fold_of = exam_folds(mixes)
    for k in range(N_FOLDS):
        rest, spectra = without(clips, prior, {source for source, fold in fold_of.items() if fold == k})
        run.tell(f"fold {k + 1} of {N_FOLDS}")
        train_audio(settings, rest, spectra, eq_model, out / FOLDER, run, name=f"{NETWORKS[settings.network]}{k}")


def train_usual_folds(
    settings: UsualTraining, clips: Sequence[Clip], examined: Sequence[Clip], out: Path, run: Run
) -> None:
    """Fits one model of usual balance a fold of `examined` on everything else and writes them into `out`/folds."""
    fold_of = all_folds(examined)
    for k in range(N_FOLDS):
        held = {source for source, fold in fold_of.items() if fold == k}
        owners = {source_of(source) for source in held}
        run.tell(f"fold {k + 1} of {N_FOLDS}")
        rest = [clip for clip in clips if source_of(clip.source) not in owners]
        train_usual(settings, rest, out / FOLDER, run, name=f"{ENCODERS[DEFAULT_ENCODER]}{k}")


def setting_folds(safe: PeopleSettings) -> list[int]:
    """The fold of each SAFE row; near-duplicates share one."""
    groups = near_duplicates(safe.curves_db)
    names = sorted(set(groups))
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(1)).tolist()
    fold = {name: order[i] % N_FOLDS for i, name in enumerate(names)}
    return [fold[group] for group in groups]
