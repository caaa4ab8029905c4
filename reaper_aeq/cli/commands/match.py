"""`reaper-aeq match`: one file, the balance of others, one EQ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import AeqError
from ...reaper.reaeq.names import match_name
from ...request import MatchRequest
from ...util.printable import printable
from ...util.scores import shown_change
from .adapt import about, show_eq
from .checks import check_models, check_outputs, check_sounds
from .console import COMPUTING, LOADING, SOON_S, print_json, progress, say
from .outputs import Outputs

if TYPE_CHECKING:
    from ...methods.reference.match import MatchResult


def match(
    source: Path,
    references: Sequence[Path],
    *,
    weights: str | None,
    options: dict[str, Any],
    outputs: Outputs,
    force: bool,
    name: str | None,
    models: Path | None,
    as_json: bool,
) -> None:
    """Computes the EQ, writes `outputs`, prints. What can be wrong with the request is said before a file is read.

    `options`: the fields of `MatchRequest` but `weights`, which is text such as '2, 1'.
    """
    request = MatchRequest(weights=parse_weights(weights), **options)
    request.shares(len(references))
    outputs.refuse_replacing([source, *references], force)
    check_sounds([source, *references])
    check_outputs(outputs.paths)
    check_models(models)

    with progress(SOON_S) as (_, step_done):
        step_done(LOADING, 0, 1)
        from ...dsp.audio import AudioFile

        opened = [AudioFile(path) for path in references]
        with AudioFile(source) as file, outputs.opened(file.sample_rate, file.channels, like=file) as files:
            from ...result.result import with_loudness
            from .sound import counted, hear, load_engine

            engine = load_engine(models)
            step_done(LOADING, 1, 1)
            heard, others = hear(file, step_done), []
            for one in opened:
                with one as other:
                    others.append(hear(other, step_done).analysis)
            step_done(COMPUTING, 0, 1)
            names = [str(path) for path in references]
            result = with_loudness(engine.match_analysis(heard.analysis, others, names, request), heard)
            step_done(COMPUTING, 1, 1)
            name = name or match_name(references, request.intensity)
            title = f"{source.name}: {name.removeprefix('AEQ ')}"
            files.write(result, counted(file, step_done), name, title=title)
    if as_json:
        print_json(about(heard, source, outputs.paths) | result.to_dict())
    else:
        show(result, outputs.paths)


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


def show(result: MatchResult, written: list[Path]) -> None:
    """What a person wants to know of a result."""
    say(result.explanation)
    say(f"\nlikeness {shown_change(result.score_before, result.score_after)}, confidence {result.confidence:.2f}\n")
    show_eq(result.eq)
    for path in written:
        say(f"wrote {printable(path)}")
