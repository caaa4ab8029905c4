"""`reaper-aeq match`: one file, the balance of others, one EQ."""

from __future__ import annotations

from typing import Annotated

import typer

from ...errors import AeqError
from ...reaper.reaeq.names import match_name
from ...request import DEFAULT_MATCH, MATCHES, MatchRequest
from .adapt import about, show
from .checks import check_models, check_outputs, check_sounds
from .console import COMPUTING, LOADING, SOON_S, print_json, progress
from .options import Json, Models, References, Source, range_of
from .outputs import Outputs, all_opened


def match(
    source: Source,
    references: References,
    *,
    weights: Annotated[
        str | None, typer.Option(metavar="W,W,...", help="How much each reference counts; by default all count alike.")
    ] = None,
    intensity: Annotated[
        float, typer.Option(help=f"How far to go, {range_of('match_intensity')}; 0 is nothing, 1 the reference.")
    ] = 1.0,
    low: Annotated[float | None, typer.Option(metavar="HZ", help="Leave frequencies below this as they are.")] = None,
    high: Annotated[float | None, typer.Option(metavar="HZ", help="Leave frequencies above this as they are.")] = None,
    smoothing: Annotated[
        float | None,
        typer.Option(metavar="OCT", help=f"Smooth the EQ over this many octaves, {range_of('smoothing_oct')}."),
    ] = None,
    by: Annotated[str, typer.Option(help=f"How: {', '.join(MATCHES)}.")] = DEFAULT_MATCH,
    outputs: Outputs,
    name: Annotated[
        str | None, typer.Option(help="Name of the EQ in REAPER, instead of 'AEQ match: REF 100%'.")
    ] = None,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Compute the EQ that brings a sound to the balance of one or several references."""
    # what can be wrong with the request is said before a file is read
    request = MatchRequest(intensity, parse_weights(weights), low, high, smoothing, by)
    request.shares(len(references))
    outputs.refuse_replacing([source, *references])
    check_sounds([source, *references])
    check_outputs(outputs.paths)
    check_models(models)

    with progress(SOON_S) as (_, step_done):
        step_done(LOADING, 0, 1)
        from ...dsp.audio import AudioFile

        opened = [AudioFile(path) for path in references]
        with AudioFile(source) as file, all_opened([outputs], file.sample_rate, file.channels, like=file) as (files,):
            from ...result.result import with_loudness
            from .sound import counted, hear, load_engine

            engine = load_engine(models)
            step_done(LOADING, 1, 1)
            heard, others = hear(file, step_done), []
            for one in opened:
                with one as other:
                    others.append(hear(other, step_done, powers_only=request.needs_balances_alone).analysis)
            step_done(COMPUTING, 0, 1)
            names = [str(path) for path in references]
            result = with_loudness(engine.match_analysis(heard.analysis, others, names, request), heard)
            kind = engine.heard_as(heard.analysis) if as_json else None
            step_done(COMPUTING, 1, 1)
            name = name or match_name(references, request.intensity)
            title = f"{source.name}: {name.removeprefix('AEQ ')}"
            files.write(result, counted(file, step_done), name, title=title)
    if as_json:
        print_json(about(heard, source, outputs.paths, kind.kind if kind else None) | result.to_dict())
    else:
        show(result, outputs.paths, "likeness")


def parse_weights(text: str | None) -> list[float] | None:
    """'2, 1' -> [2.0, 1.0]. Raises `AeqError`.

    >>> parse_weights("2, 1")
    [2.0, 1.0]
    """
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise AeqError(f"cannot read the weights {text!r}: write them like '2, 1'") from None
