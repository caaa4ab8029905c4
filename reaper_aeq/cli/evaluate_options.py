"""The command line of `evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..request import DEFAULT_METHOD, METHODS
from .options import PLAIN, App, Audio, Data, EveryMix, Help, Json, Learn, Models, RunFolder, help_alone

evaluate = App(help="Examine the models on recordings.", **PLAIN)


@evaluate.callback(invoke_without_command=True)
def group(context: typer.Context, help_: Help = False) -> None:
    help_alone(context)


@evaluate.command("laws")
def evaluate_laws_command(
    audio: Audio,
    every: Annotated[int, typer.Option(min=1, help="Use only every n-th recording, which is quicker.")] = 1,
    method: Annotated[str, typer.Option(help=f"One of {', '.join(METHODS)}.")] = DEFAULT_METHOD,
    only: Annotated[
        list[str] | None, typer.Option(help="Only this law, such as 'signable' or 'heard'; may be repeated.")
    ] = None,
    unseen: Annotated[
        bool, typer.Option("--unseen", help="Hear each recording by models that have not learned from its source.")
    ] = False,
    models: Models = None,
    as_json: Json = False,
) -> int:
    """Test on recordings what must always hold; exit code 1 where a law is broken."""
    from .commands.evaluate import evaluate_laws

    return evaluate_laws(
        audio, every=every, method=method, only=only or [], unseen=unseen, models=models, as_json=as_json
    )


@evaluate.command("repair")
def evaluate_repair_command(audio: Audio, data: Data, models: Models = None, as_json: Json = False) -> int:
    """Spoil recordings with known EQs, ask for the word, and compare with the clean ones."""
    from .commands.evaluate import evaluate_repair

    return evaluate_repair(audio, data, models=models, as_json=as_json)


@evaluate.command("usual")
def evaluate_usual_command(audio: Audio, data: Data, models: Models = None, as_json: Json = False) -> None:
    """How well the usual balance of unseen sounds is known, by kind, and how well it is known how well."""
    from .commands.evaluate import evaluate_usual

    evaluate_usual(audio, data, models=models, as_json=as_json)


@evaluate.command("match")
def evaluate_match_command(
    audio: Audio,
    data: Data,
    learn: Learn = None,
    settings: Annotated[int, typer.Option(min=1, help="People's settings tried on each mix.")] = 4,
    every: EveryMix = 1,
    models: Models = None,
    as_json: Json = False,
) -> int:
    """Put people's EQs on mixes and see how well a match recovers them."""
    from .commands.evaluate import evaluate_match

    return evaluate_match(audio, data, learn or [], settings, every=every, models=models, as_json=as_json)


@evaluate.command("encoder")
def evaluate_encoder_command(audio: Audio, models: Models = None, as_json: Json = False) -> int:
    """How well the audio encoder tells styles of music apart."""
    from .commands.evaluate import evaluate_encoder

    return evaluate_encoder(audio, models=models, as_json=as_json)


@evaluate.command("listen")
def evaluate_listen_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the study is kept: sounds and answers.")],
    audio: Annotated[
        list[Path] | None, typer.Option(metavar="FILE|DIR", help="A recording, or a folder of them; may be repeated.")
    ] = None,
    word: Annotated[list[str] | None, typer.Option(help="A word to be judged; may be repeated.")] = None,
    methods: Annotated[
        str, typer.Option(metavar="M,M,...", help=f"What is compared: original, {', '.join(METHODS)}.")
    ] = "original,fixed,adaptive",
    excerpt: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=1, max=30, help="Length of an excerpt; the most active part is taken."),
    ] = 10.0,
    intensity: Annotated[float, typer.Option(help="How far every method goes.")] = 1.0,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Instead of the usual port, or any free one.")
    ] = None,
    result: Annotated[bool, typer.Option("--result", help="Print what the answers say so far.")] = False,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Let people compare the methods blindly in a browser. Without --audio the study in DIR goes on."""
    from .commands.listen import listen, show_result

    if result:
        return show_result(folder, asked_anew=bool(audio or word), as_json=as_json)
    listen(
        folder, audio=audio or [], words=word or [], methods=methods, excerpt_s=excerpt, intensity=intensity, port=port,
        models=models, as_json=as_json,
    )  # fmt: skip


@evaluate.command("compare")
def evaluate_compare_command(
    audio: Audio,
    data: Data,
    every: EveryMix = 1,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A method by its name in the tables; may be repeated. By default all."),
    ] = None,
    matchering: Annotated[
        bool, typer.Option("--matchering", help="Compare Matchering too, which must be installed; slow.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it: .png, .svg or .pdf.")] = None,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Every method, the rules to beat and a matching tool on the same questions, in one set of tables."""
    from .commands.evaluate import evaluate_compare

    evaluate_compare(
        audio, data, every=every, only=only or [], matchering=matchering, plot=plot, models=models, as_json=as_json
    )  # fmt: skip


@evaluate.command("variations")
def evaluate_variations_command(
    audio: Audio,
    data: Data,
    every: EveryMix = 1,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Are variations as different, and as plausible, as what unseen people do?"""
    from .commands.evaluate import evaluate_variations

    evaluate_variations(audio, data, every=every, models=models, as_json=as_json)


@evaluate.command("text")
def evaluate_text_command(data: Data, models: Models = None, as_json: Json = False) -> None:
    """Is text that is no word taken for what people mean by it? Needs a sentence model."""
    from .commands.evaluate import evaluate_text

    evaluate_text(data, models=models, as_json=as_json)


@evaluate.command("terms")
def evaluate_terms_command(data: Data, models: Models = None, as_json: Json = False) -> int:
    """Do engineers' words lie where published EQ charts put them? Exit code 1 where not."""
    from .commands.evaluate import evaluate_terms

    return evaluate_terms(data, models=models, as_json=as_json)


@evaluate.command("training")
def evaluate_training_command(
    audio: Audio,
    data: Data,
    learn: Learn = None,
    steps: Annotated[int, typer.Option(min=1, help="Training steps of each network.")] = 400,
    run: RunFolder = Path("runs/training"),
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Train the audio encoder on each kind of sounds and without each idea behind it; compare on unseen mixes."""
    from .commands.evaluate import evaluate_training

    evaluate_training(audio, data, learn or [], run, steps=steps, models=models, as_json=as_json)
