"""The command line of `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..model import NETWORKS
from .options import (
    PLAIN,
    App,
    Audio,
    Data,
    Device,
    DeviceName,
    Help,
    Json,
    Models,
    RunFolder,
    SettingsFile,
    SomeData,
    Weights,
    help_alone,
)

train = App(help="Train the models anew.", **PLAIN)
WEIGHTS = Path("runs/models")


@train.callback(invoke_without_command=True)
def group(context: typer.Context, help_: Help = False) -> None:
    help_alone(context)


@train.command("eq")
def train_eq_command(
    data: SomeData = None,
    settings: SettingsFile = None,
    out: Weights = WEIGHTS,
    run: RunFolder = Path("runs/eq"),
    device: DeviceName = Device.AUTO,
    as_json: Json = False,
) -> None:
    """Train the EQ autoencoder on people's settings and random EQs; without --data on random EQs alone."""
    from .commands.train import TrainingPlaces, train_eq

    train_eq(TrainingPlaces(settings, out, run, device, as_json), data)


@train.command("audio")
def train_audio_command(
    data: SomeData = None,
    audio: Annotated[list[Path] | None, typer.Option(metavar="DIR", help="Recordings; may be repeated.")] = None,
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
    settings: SettingsFile = None,
    out: Weights = WEIGHTS,
    run: RunFolder = Path("runs/audio"),
    device: DeviceName = Device.AUTO,
    as_json: Json = False,
) -> None:
    """Train the audio encoder on recordings; without --audio on sounds made from noise and the EQ model."""
    from .commands.train import TrainingPlaces, train_audio

    train_audio(
        TrainingPlaces(settings, out, run, device, as_json), data, audio or [], models, folds, encoder, sounds or []
    )


@train.command("usual")
def train_usual_command(
    audio: Audio,
    folds: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Fit the models that 'evaluate repair' examines on these; may be repeated."),
    ] = None,
    settings: SettingsFile = None,
    out: Weights = WEIGHTS,
    run: RunFolder = Path("runs/usual"),
    as_json: Json = False,
) -> None:
    """Learn kinds of sounds and their usual balance from recordings whose MANIFEST.tsv names the kind."""
    from .commands.train import TrainingPlaces, train_usual

    train_usual(TrainingPlaces(settings, out, run, "cpu", as_json), audio, folds or [])


@train.command("words")
def train_words_command(
    data: Data,
    models: Models = None,
    settings: SettingsFile = None,
    out: Weights = WEIGHTS,
    run: RunFolder = Path("runs/words"),
    device: DeviceName = Device.AUTO,
    as_json: Json = False,
) -> None:
    """Compute the words from people's settings."""
    from .commands.train import TrainingPlaces, train_words

    train_words(TrainingPlaces(settings, out, run, device, as_json), data, models)


@train.command("proxy")
def train_proxy_command(
    data: SomeData = None,
    models: Models = None,
    settings: SettingsFile = None,
    out: Weights = WEIGHTS,
    run: RunFolder = Path("runs/proxy"),
    device: DeviceName = Device.AUTO,
    as_json: Json = False,
) -> None:
    """Train the network that says what bands do; without --data on random EQs alone."""
    from .commands.train import TrainingPlaces, train_proxy

    train_proxy(TrainingPlaces(settings, out, run, device, as_json), data, models)


@train.command("cvae")
def train_cvae_command(
    data: Data,
    folds: Annotated[bool, typer.Option("--folds", help="Train those that 'evaluate variations' examines.")] = False,
    models: Models = None,
    settings: SettingsFile = None,
    out: Weights = WEIGHTS,
    run: RunFolder = Path("runs/cvae"),
    device: DeviceName = Device.AUTO,
    as_json: Json = False,
) -> None:
    """Train the conditional VAE on people's settings; needs a sentence model."""
    from .commands.train import TrainingPlaces, train_cvae

    train_cvae(TrainingPlaces(settings, out, run, device, as_json), data, models, folds)


@train.command("match")
def train_match_command(
    data: Data,
    audio: Audio,
    out: Weights = WEIGHTS,
    run: RunFolder = Path("runs/match"),
    as_json: Json = False,
) -> None:
    """Compute what a match knows: how people equalize, and how the parts of one recording differ."""
    from .commands.train import TrainingPlaces, train_match

    train_match(TrainingPlaces(None, out, run, "cpu", as_json), data, audio)
