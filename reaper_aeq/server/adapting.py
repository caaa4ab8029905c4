"""Tasks heard and adapted, as every process of a backend does it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ..errors import AeqError
from . import wire
from .guard import check_path

if TYPE_CHECKING:
    from ..dsp.analyze_file import AnalyzedAudio
    from ..engine import AdaptiveEQ
    from ..methods.validation import AnalyzedRequest
    from ..project.media import Library
    from ..result.result import Result

log = logging.getLogger("reaper_aeq.server")

Key = TypeVar("Key")


def listen(given: wire.SoundTask, library: Library, between_blocks: Callable[[], None]) -> AnalyzedAudio:
    """Hears the sound of a task, in whatever process. Raises `AeqError`, and what `between_blocks` raises."""
    from ..dsp.analyze_file import analyze_file
    from ..project.described import hear

    sections = isinstance(given, wire.AdaptTask) and given.sections
    if given.sound is None:
        assert given.path is not None, "wire.SoundTask has one of both"
        return analyze_file(given.path, between_blocks, sections=sections)
    return hear(given.sound, library, check_path, between_blocks, sections=sections)


def answered(given: wire.AdaptTask, heard: AnalyzedAudio, adapted: Result) -> tuple[wire.AdaptAnswer, Result]:
    """What is answered to a task, and the engine's result with its loudness measured."""
    from ..project.described import along_the_project
    from ..result.result import with_loudness
    from ..result.sketch import heard_of, sketch_of

    number = given.variation
    drawn = adapted.variations[number - 1] if 0 < number <= len(adapted.variations) else adapted
    result = along_the_project(with_loudness(replace(drawn, variations=()), heard), heard)
    sound = wire.HeardSound(**heard_of(heard.analysis, result))
    sketch = wire.Sketch(**sketch_of(result, heard.analysis)) if given.sketch else None
    return wire.AdaptAnswer(**result.to_dict(), heard=sound, sketch=sketch), result


def adapt_all(
    engine: AdaptiveEQ,
    group: Sequence[tuple[Key, wire.AdaptTask, AnalyzedAudio]],
    refuse: Callable[[Key, Exception], object],
) -> list[tuple[Key, AnalyzedAudio, Result]]:
    """One batch through the engine; `Key`: by which the caller knows a task. Where the batch as a whole fails, each
    task is tried on its own."""
    from ..methods.validation import AnalyzedRequest
    from ..project.described import in_sound

    asked: list[tuple[Key, AnalyzedAudio, AnalyzedRequest]] = []
    for key, given, heard in group:
        try:
            edges_s = in_sound(heard, given.edges_s)
            asked.append((key, heard, AnalyzedRequest(heard.analysis, given.eq_request(), edges_s=edges_s)))
        except AeqError as error:
            refuse(key, error)
    answers: Sequence[Result | Exception]
    try:
        answers = engine.adapt_many([wanted for _, _, wanted in asked])
    except Exception:
        log.exception("a batch of %d failed: one by one instead", len(asked))
        answers = [_alone(engine, wanted) for _, _, wanted in asked]
    found = []
    for (key, heard, _), answer in zip(asked, answers, strict=True):
        if isinstance(answer, Exception):
            refuse(key, answer)
        else:
            found.append((key, heard, answer))
    return found


def _alone(engine: AdaptiveEQ, wanted: AnalyzedRequest) -> Result | Exception:
    try:
        return engine.adapt_many([wanted])[0]
    except Exception as error:
        return error
