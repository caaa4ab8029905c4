"""`reaper-aeq adapt`: one file, one word, one EQ."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..bands import Eq
from ..blend import check_range, instance_name, parse_word
from ..errors import AeqError
from ..methods import METHODS
from .console import print_json, say, table
from .outputs import Outputs

if TYPE_CHECKING:
    from ..result import Result


def adapt(
    source: Path,
    word: str,
    *,
    intensity: float,
    adaptation: float | None,
    method: str,
    outputs: Outputs,
    name: str | None,
    models: Path | None,
    as_json: bool,
) -> None:
    """Computes the EQ, writes `outputs`, prints. What can be wrong with the request is said before the file is read."""
    request = parse_word(word)
    check_range("intensity", intensity)
    if adaptation is not None:
        check_range("adaptation", adaptation)
    if method not in METHODS:
        raise AeqError(f"unknown method {method!r}: use one of {', '.join(METHODS)}")

    from ..dsp.audio import AudioFile
    from .sound import hear, load_engine

    with AudioFile(source) as file, outputs.opened(file.sample_rate, file.channels, like=file) as files:
        engine = load_engine(models)
        engine.words.blend(request)
        heard = hear(file)
        result = heard.measured(
            engine.adapt_analysis(heard.analysis, request, intensity=intensity, adaptation=adaptation, method=method)
        )
        name = name or instance_name(request, intensity, lambda word: engine.words.find(word).name)
        files.write(result, file.blocks(), name, title=f"{source.name}: {name.removeprefix('AEQ: ')}")
    if as_json:
        print_json(result.to_dict())
    else:
        show(result, outputs.paths)


def show(result: Result, written: list[Path]) -> None:
    """What a person wants to know of a result."""
    say(result.explanation)
    say(f"\nscore {result.score_before:.2f} -> {result.score_after:.2f}, confidence {result.confidence:.2f}\n")
    columns = {"band": "left", "frequency": "right", "gain": "right", "bandwidth": "right"}
    table(columns, band_rows(result.eq))
    say(f"\noutput gain {decibels(result.eq.output_gain_db)}")
    for path in written:
        say(f"wrote {path}")


def decibels(value_db: float) -> str:
    """With its sign, and never -0.0."""
    return f"{round(value_db, 1) + 0.0:+.1f} dB"


def band_rows(eq: Eq) -> list[list[str]]:
    """The enabled bands as text."""
    return [
        [
            band.kind.replace("_", " "),
            f"{band.freq_hz:.0f} Hz" if band.freq_hz < 1000 else f"{band.freq_hz / 1000:.2f} kHz",
            decibels(band.gain_db),
            f"{band.bandwidth_oct:.2f} oct",
        ]
        for band in eq.bands
        if band.enabled
    ]
