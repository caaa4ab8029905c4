"""`reaper-aeq train ...`: settings in, weights and metrics out. A killed run goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...errors import AeqError, ModelError, check_known
from ...model import NETWORKS
from ...model.free_text.sentences import sentences
from ...training.datasets.tables import CONTRIBUTIONS, SETTINGS, SPECTRA, WORDS
from ...util.files import make_folder
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
from .checks import check_data, check_folder, check_new_folder, check_recordings
from .console import answer, progress
from .devices import NO_CUDA, check_device
from .options import NONE_GIVEN, App, Audio, Data, Device, Json, Models, RunFolder

if TYPE_CHECKING:
    from ...model.audio_encoder import AudioEncoder
    from ...training.loop import Run


train = App("Train the models anew.")

SomeData = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Folder of people's settings and spectra; may be left out.")
]
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE", help="TOML; by default the one that comes with the program."),
]
Weights = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the weights go.")]
WEIGHTS = Path("runs/models")


@dataclass(frozen=True)
class TrainingPlaces:
    """What a training is given: a settings file (the shipped one where None), where weights and state go."""

    settings: SettingsFile = None
    out: Weights = WEIGHTS
    run: RunFolder = Path("runs")
    device: Annotated[Device, typer.Option("--device", help="Device to run on.")] = Device.AUTO
    as_json: Json = False

    def load(self, cls: type, name: str) -> Any:
        """The settings of the training `name`, as `cls`. Raises `SettingsError`."""
        ours = shipped("models") / f"train_{name}.toml"
        return load_settings(cls, self.settings or (ours if ours.is_file() else None))


RUNS = {name: TrainingPlaces(run=Path("runs") / name) for name in ("eq", "audio", "words", "proxy", "cvae")}


@train.command("eq")
def train_eq(data: SomeData = None, places: TrainingPlaces = RUNS["eq"]) -> None:
    """Train the EQ autoencoder on people's settings and random EQs; without --data on random EQs alone."""
    settings = places.load(EqTraining, "eq")
    with _training(places, "eq", settings.seed, data, needed=(SETTINGS, CONTRIBUTIONS)) as (run, metrics):
        from ...training.eq import train_eq

        metrics |= train_eq(settings, data, places.out, run)


@train.command("audio")
def train_audio(
    data: SomeData = None,
    audio: Annotated[list[Path], typer.Option(metavar="DIR", help="Recordings; may be repeated.")] = NONE_GIVEN,
    sounds: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="music, noise or bootstrap; may be repeated. Else music if there is some."),
    ] = None,
    folds: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Train the encoders that 'evaluate repair' examines on these recordings."),
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"{' or '.join(NETWORKS)}; else as the settings say.")
    ] = None,
    models: Models = None,
    places: TrainingPlaces = RUNS["audio"],
) -> None:
    """Train the audio encoder on recordings; without --audio on sounds made from noise and the EQ model."""
    if folds and not (data and audio):
        raise AeqError("--folds needs --data and --audio: there is nothing to leave out of a bootstrap")
    sounds = sounds or (["music"] if audio else ["bootstrap"])
    if "music" in sounds and not audio:
        raise AeqError("there is no music without --audio: name a folder of recordings")
    settings = places.load(AudioTraining, "audio")
    settings = replace(settings, network=encoder or settings.network)
    check_known("encoder", settings.network, NETWORKS)
    if wrong := set(sounds) - set(WAYS):
        raise AeqError(f"unknown sounds {sorted(wrong)[0]!r}: use {', '.join(WAYS)}")
    name, examined = NETWORKS[settings.network], [folds] if folds else []
    heard = [*audio, *examined]
    with _training(places, name, settings.seed, data, models, audio=heard, needed=(SPECTRA,)) as (run, metrics):
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

            mixes = [clip for clip in read_clips(examined, run.tell) if clip.kind == "mix"]
            train_folds(settings, clips, prior, mixes, eq_model, places.out, run)
            return
        metrics |= train_audio(settings, clips, prior, eq_model, places.out, run, name=name)


@train.command("usual")
def train_usual(
    audio: Audio,
    folds: Annotated[
        list[Path],
        typer.Option(metavar="DIR", help="Fit the models that 'evaluate repair' examines on these; may be repeated."),
    ] = NONE_GIVEN,
    settings: SettingsFile = None,
    out: Weights = WEIGHTS,
    run: RunFolder = Path("runs/usual"),
    as_json: Json = False,
) -> None:
    """Learn kinds of sounds and their usual balance from recordings whose MANIFEST.tsv names the kind."""
    places = TrainingPlaces(settings, out, run, Device.CPU, as_json)
    chosen = places.load(UsualTraining, "usual")
    with _training(places, "usual", 0, audio=[*audio, *folds]) as (to, metrics):
        from ...training.datasets.readers import read_clips
        from ...training.usual import train_usual

        clips = read_clips(audio, to.tell, other_speeds=True)
        if folds:
            from ...evaluation.folds import train_usual_folds

            train_usual_folds(chosen, clips, read_clips(folds, to.tell), out, to)
            return
        metrics |= train_usual(chosen, clips, out, to)


@train.command("words")
def train_words(data: Data, models: Models = None, places: TrainingPlaces = RUNS["words"]) -> None:
    """Compute the words from people's settings."""
    settings = places.load(WordsTraining, "words")
    needed = (SETTINGS, WORDS, CONTRIBUTIONS)
    with _training(places, "words", 0, data, models, needed=needed) as (run, metrics):
        from ...model.eq_autoencoder import EqAutoencoder
        from ...training.words import train_words

        metrics |= train_words(settings, data, EqAutoencoder.load(models), places.out, run)


@train.command("proxy")
def train_proxy(data: SomeData = None, models: Models = None, places: TrainingPlaces = RUNS["proxy"]) -> None:
    """Train the network that says what bands do; without --data on random EQs alone."""
    settings = places.load(ProxyTraining, "proxy")
    with _training(places, "proxy", settings.seed, data, models) as (run, metrics):
        from ...methods.proxy.training import train_proxy
        from ...model.eq_autoencoder import EqAutoencoder

        metrics |= train_proxy(settings, data, EqAutoencoder.load(models), places.out, run)


@train.command("cvae")
def train_cvae(
    data: Data,
    folds: Annotated[bool, typer.Option("--folds", help="Train those that 'evaluate variations' examines.")] = False,
    models: Models = None,
    places: TrainingPlaces = RUNS["cvae"],
) -> None:
    """Train the conditional VAE on people's settings; needs a sentence model."""
    settings = places.load(CvaeTraining, "cvae")
    needed = (SETTINGS, WORDS, CONTRIBUTIONS)
    with _training(places, "cvae", settings.seed, data, models, needed=needed, text_model=True) as (run, metrics):
        from ...methods.cvae.training import known_rows, train_cvae
        from ...model.eq_autoencoder import EqAutoencoder
        from ...model.usual import UsualBalance
        from ...model.words import Vocabulary
        from ...training.datasets.readers import read_people_data

        eq_model, known_text = EqAutoencoder.load(models), sentences()
        if folds:
            from ...evaluation.folds import train_cvae_folds

            train_cvae_folds(settings, data, eq_model, known_text, models, places.out, run)
            return
        words, cov = Vocabulary.load(models), UsualBalance.load(models).pooled()
        rows = known_rows(words, read_people_data(data), settings, eq_model)
        metrics |= train_cvae(settings, rows, words, cov, eq_model, known_text, places.out, run)


@train.command("match")
def train_match(
    data: Data, audio: Audio, out: Weights = WEIGHTS, run: RunFolder = Path("runs/match"), as_json: Json = False
) -> None:
    """Compute what a match knows: how people equalize, and how the parts of one recording differ."""
    places = TrainingPlaces(None, out, run, Device.CPU, as_json)
    with _training(places, "match", 0, data, audio=audio) as (to, metrics):
        from ...methods.reference.training import train_match
        from ...training.datasets.readers import read_clips

        metrics |= train_match(data, read_clips(audio, to.tell), out, to)


@contextmanager
def _training(
    places: TrainingPlaces, name: str, seed: int, data: Path | None = None, models: Path | None = None, *,
    audio: Sequence[Path] = (), needed: Sequence[str] = (SETTINGS,), text_model: bool = False,
) -> Iterator[tuple[Run, dict[str, float]]]:  # fmt: skip
    """A `Run` whose steps are shown, and a place for the metrics of what it trained, which are told at its end.

    What is known to be wrong is told before torch is loaded, and what could only fail once hours are spent is tried
    first. A folder of models may lack those that are to be trained.
    """
    check_device(places.device)
    check_data(data, *needed)
    check_recordings(audio)
    if models:
        check_folder(models, "folder of models")
    check_new_folder(places.out)
    check_new_folder(places.run)
    if text_model:
        sentences()  # raises `NoTextModelError` where there is none
    make_folder(places.out)
    import torch

    from ...training.loop import Run

    if places.device == "cuda" and not torch.cuda.is_available():
        raise AeqError(NO_CUDA)
    has_cuda = places.device != "cpu" and torch.cuda.is_available()
    metrics: dict[str, float] = {}
    with progress() as (tell, step_done):
        yield Run(places.run, seed, tell, step_done, torch.device("cuda" if has_cuda else "cpu")), metrics
    if metrics:
        report = {"trained": name, "metrics": metrics, "out": str(places.out), "run": str(places.run)}
        told = "".join(f"{key.replace('_', ' ')}: {value:g}\n" for key, value in metrics.items())
        told += f"wrote {printable(places.out / name)}.safetensors and .json; the log is in {printable(places.run)}"
        answer(places.as_json, report, told)


def _known_encoder(models: Path | None) -> AudioEncoder | None:
    """The encoder there is, whose idea of music's mean the bootstrap starts from; the first training has none."""
    from ...model.audio_encoder import AudioEncoder

    try:
        return AudioEncoder.load(models)
    except ModelError:
        return None
