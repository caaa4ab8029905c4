"""`reaper-aeq train ...`: settings in, weights and metrics out. A killed run goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import AeqError, ModelError
from ...model import NETWORKS
from ...training.datasets.tables import CONTRIBUTIONS, SETTINGS, SPECTRA, WORDS
from ...util.files import output_error
from ...util.paths import shipped
from ...util.printable import printable
from ...util.settings import (
    WAYS,
    AudioTraining,
    CvaeTraining,
    EqTraining,
    ProxyTraining,
    UsualTraining,
    WordsTraining,
    load_settings,
)
from .checks import check_data, check_encoder, check_folder, check_new_folder, check_recordings, check_sentence_model
from .console import print_json, progress, say
from .devices import NO_CUDA, check_device

if TYPE_CHECKING:
    from ...model.audio_encoder import AudioEncoder
    from ...training.loop import Run


@dataclass(frozen=True)
class TrainingPlaces:
    """What every training is given: a settings file (the shipped one where None), where weights and state go."""

    settings: Path | None
    out: Path
    run: Path
    device: str = "auto"
    as_json: bool = False

    def load(self, cls: type, name: str) -> Any:
        ours = shipped("models") / f"train_{name}.toml"
        return load_settings(cls, self.settings or (ours if ours.is_file() else None))


def train_eq(places: TrainingPlaces, data: Path | None) -> None:
    settings = places.load(EqTraining, "eq")
    _check(places, data, needed=(SETTINGS, CONTRIBUTIONS))
    with _run(places, settings.seed) as run:
        from ...training.eq import train_eq

        metrics = train_eq(settings, data, places.out, run)
    _report(places, "eq", metrics)


def train_audio(
    places: TrainingPlaces, data: Path | None, audio: Sequence[Path], models: Path | None, folds: Path | None = None,
    encoder: str | None = None, sounds: Sequence[str] = (),
) -> None:  # fmt: skip
    """`sounds`: names of `train.sounds.WAYS`; else `music` where there is `audio` and `bootstrap` where there is none.

    With `folds`, a folder of recordings, the encoders are trained that `evaluate repair` examines on its mixes.
    """
    if folds and not (data and audio):
        raise AeqError("--folds needs --data and --audio: there is nothing to leave out of a bootstrap")
    sounds = sounds or (["music"] if audio else ["bootstrap"])
    if "music" in sounds and not audio:
        raise AeqError("there is no music without --audio: name a folder of recordings")
    settings = places.load(AudioTraining, "audio")
    settings = replace(settings, network=encoder or settings.network)
    check_encoder(settings.network, NETWORKS)
    if wrong := set(sounds) - set(WAYS):
        raise AeqError(f"unknown sounds {sorted(wrong)[0]!r}: use {', '.join(WAYS)}")
    _check(places, data, models, [*audio, *([folds] if folds else [])], (SPECTRA,))
    with _run(places, settings.seed) as run:
        from ...model.eq_autoencoder import EqAutoencoder
        from ...training.audio import train_audio
        from ...training.datasets.readers import read_clips, read_ltas_prior
        from ...training.datasets.sources import gather

        eq_model = EqAutoencoder.load(models)
        prior = read_ltas_prior(data) if data else None
        recordings = read_clips(audio, run.tell) if "music" in sounds else []
        known = _known_encoder(models) if "bootstrap" in sounds else None
        clips = gather(sounds, recordings, settings, eq_model, known, run)
        if folds:
            assert prior is not None, "--folds needs --data, as said above"
            from ...evaluation.folds import train_folds

            mixes = [clip for clip in read_clips([folds], run.tell) if clip.kind == "mix"]
            train_folds(settings, clips, prior, mixes, eq_model, places.out, run)
            return
        name = NETWORKS[settings.network]
        metrics = train_audio(settings, clips, prior, eq_model, places.out, run, name=name)
    _report(places, name, metrics)


def train_usual(places: TrainingPlaces, audio: Sequence[Path], folds: Sequence[Path] = ()) -> None:
    """With `folds`, folders of recordings, the models are fitted that `evaluate repair` examines on these."""
    settings = places.load(UsualTraining, "usual")
    _check(places, None, audio=[*audio, *folds])
    with _run(places, 0) as run:
        from ...training.datasets.readers import read_clips
        from ...training.usual import SPEEDS, train_usual

        clips = read_clips(audio, run.tell, SPEEDS)
        if folds:
            from ...evaluation.folds import train_usual_folds

            train_usual_folds(settings, clips, read_clips(folds, run.tell), places.out, run)
            return
        metrics = train_usual(settings, clips, places.out, run)
    _report(places, "usual", metrics)


def train_proxy(places: TrainingPlaces, data: Path | None, models: Path | None) -> None:
    settings = places.load(ProxyTraining, "proxy")
    _check(places, data, models)
    with _run(places, settings.seed) as run:
        from ...methods.proxy.training import train_proxy
        from ...model.eq_autoencoder import EqAutoencoder

        metrics = train_proxy(settings, data, EqAutoencoder.load(models), places.out, run)
    _report(places, "proxy", metrics)


def train_cvae(places: TrainingPlaces, data: Path, models: Path | None, folds: bool = False) -> None:
    """With `folds`, those are trained that `evaluate variations` examines: each without a part of the people."""
    settings = places.load(CvaeTraining, "cvae")
    _check(places, data, models, needed=(SETTINGS, WORDS, CONTRIBUTIONS))
    check_sentence_model()
    with _run(places, settings.seed) as run:
        from ...methods.cvae.samples import known_rows
        from ...methods.cvae.training import train_cvae
        from ...model.audio_encoder import AudioEncoder
        from ...model.eq_autoencoder import EqAutoencoder
        from ...model.free_text.sentences import sentences
        from ...model.words import Vocabulary
        from ...training.datasets.readers import read_contributions, read_safe, read_social_words

        eq_model, text_model = EqAutoencoder.load(models), sentences()
        if folds:
            from ...evaluation.people import train_cvae_folds

            train_cvae_folds(settings, data, eq_model, text_model, models, places.out, run)
            return
        words, cov = Vocabulary.load(models), AudioEncoder.load(models).residual_cov.double()
        read = (read_safe(data), read_social_words(data), read_contributions(data))
        rows = known_rows(words, *read, settings, eq_model)
        metrics = train_cvae(settings, rows, words, cov, eq_model, text_model, places.out, run)
    _report(places, "cvae", metrics)


def train_words(places: TrainingPlaces, data: Path, models: Path | None) -> None:
    settings = places.load(WordsTraining, "words")
    _check(places, data, models, needed=(SETTINGS, WORDS, CONTRIBUTIONS))
    with _run(places, 0) as run:
        from ...model.eq_autoencoder import EqAutoencoder
        from ...training.words import train_words

        metrics = train_words(settings, data, EqAutoencoder.load(models), places.out, run)
    _report(places, "words", metrics)


def train_match(places: TrainingPlaces, data: Path, audio: Sequence[Path]) -> None:
    _check(places, data, audio=audio)
    with _run(places, 0) as run:
        from ...methods.reference.training import train_match
        from ...training.datasets.readers import read_clips

        metrics = train_match(data, read_clips(audio, run.tell), places.out, run)
    _report(places, "match", metrics)


def _check(
    places: TrainingPlaces, data: Path | None, models: Path | None = None, audio: Sequence[Path] = (),
    needed: Sequence[str] = (SETTINGS,),
) -> None:  # fmt: skip
    """What is known to be wrong before torch is loaded. A folder of models may lack those that are to be trained."""
    check_device(places.device)
    check_data(data, *needed)
    check_recordings(audio)
    if models:
        check_folder(models, "folder of models")
    check_new_folder(places.out)
    check_new_folder(places.run)


@contextmanager
def _run(places: TrainingPlaces, seed: int) -> Iterator[Run]:
    """A `Run` whose steps are shown. What could only fail once hours are spent is tried first."""
    try:
        places.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(places.out, error) from None
    import torch

    from ...training.loop import Run

    if places.device == "cuda" and not torch.cuda.is_available():
        raise AeqError(NO_CUDA)
    has_cuda = places.device != "cpu" and torch.cuda.is_available()
    with progress() as (tell, step_done):
        yield Run(places.run, seed, tell, step_done, torch.device("cuda" if has_cuda else "cpu"))


def _known_encoder(models: Path | None) -> AudioEncoder | None:
    """The encoder there is, whose idea of music's mean the bootstrap starts from; the first training has none."""
    from ...model.audio_encoder import AudioEncoder

    try:
        return AudioEncoder.load(models)
    except ModelError:
        return None


def _report(places: TrainingPlaces, name: str, metrics: dict[str, float]) -> None:
    if places.as_json:
        print_json({"trained": name, "metrics": metrics, "out": str(places.out), "run": str(places.run)})
        return
    for key, value in metrics.items():
        say(f"{key.replace('_', ' ')}: {value:g}")
    say(f"wrote {printable(places.out / name)}.safetensors and .json; the log is in {printable(places.run)}")
