"""A plan on a project, whatever plays it: each track gets what the plan says, then the buses, then the master.

An EQ is computed from the sound that reaches the front of its chain. What feeds a bus or the master is heard with its
new EQs; no other FX is. A backend plays the project and takes the EQs: a file (`file_backend`), or the project that is
open in REAPER (`live.backend`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Generic, Protocol, TypeVar

from ..dsp.analyze_file import AnalyzedAudio, analyze_file
from ..dsp.spectrum import Analysis
from ..engine import AdaptiveEQ
from ..errors import AudioError
from ..methods.validation import AnalyzedRequest
from ..request import MatchRequest
from ..result.result import Result, raised, with_loudness
from .circles import groups
from .described import along_the_project
from .kinds import kinds_of
from .plan import Action, Plan
from .rows import MASTER, Row, loudness_lufs, visible_share

NARROW_SHARE = 0.6
IDLE = "it is as asked already: a higher intensity would do more"

T = TypeVar("T")


@dataclass
class Channel(Generic[T]):
    """A track, or the master, of a run.

    Attributes:
        track: what the backend knows it by.
        row: what is known of it so far; `row.left` says why it is left alone.
        sources: places in the project, from 0, of the tracks that feed it.
    """

    track: T
    row: Row
    sources: Sequence[int] = ()


class ProjectBackend(Protocol[T]):
    """What plays a project and takes its EQs. `channels`: all its tracks in their order."""

    channels: list[Channel[T]]

    def parts(self, level: list[Channel[T]]) -> list[list[Channel[T]]]:
        """Of tracks that do not feed each other, those that are heard and answered together."""

    def listen(self, channels: Sequence[Channel[T]]) -> list[AnalyzedAudio | None]:
        """What reaches their EQs, with all EQs so far in place; None where nothing does."""

    def put(self, channel: Channel[T], result: Result, name: str) -> str | None:
        """Takes an EQ; gives the name under which it is found again, or None where nothing is worth inserting."""

    def master(self) -> Channel[T] | None:
        """None where the project has none."""


def run(plan: Plan, engine: AdaptiveEQ, backend: ProjectBackend[T]) -> list[Row]:
    """Gives a row for each track in order, the master's last. Raises what the backend does, and `PlanError`."""
    for level in levels(backend.channels):
        for part in backend.parts(level):
            _treat(plan, engine, backend, part)
    rows = [channel.row for channel in backend.channels]
    if plan.master and (master := backend.master()):
        row = master.row
        row.is_bus, row.action = True, plan.master
        if not row.left:
            _treat(plan, engine, backend, [master])
        rows.append(row)
    return rows


def levels(channels: Sequence[Channel[T]]) -> list[list[Channel[T]]]:
    """The tracks to listen to, those that feed others first; tracks of a level do not feed each other."""
    level: dict[int, int] = {}
    last: dict[int, int] = {}  # of the circle that a track is in
    for group in groups([channel.sources for channel in channels]):
        sources = {source for n in group for source in channels[n].sources}
        first = 1 + max((last[source] for source in sources.difference(group)), default=-1)
        level |= {n: first + place for place, n in enumerate(group)}  # of a circle one after the other
        last |= dict.fromkeys(group, first + len(group) - 1)
    chosen = sorted((level[n], n) for n, channel in enumerate(channels) if not channel.row.left)
    return [[channels[n] for _, n in group] for _, group in groupby(chosen, key=lambda pair: pair[0])]


def why_left(plan: Plan, row: Row, *, silenced: str, closed: str, plays: bool, fed: bool, unheard: str = "") -> str:
    """The end of a sentence; '' for a track that is to be treated.

    Args:
        silenced, closed: why it does not sound, why it cannot be changed; '' where neither is so.
        plays, fed: whether items sound on it, whether other tracks come in.
        unheard: why its items do not sound.
    """
    if plan.leaves(row.name):
        return "the plan leaves it alone"
    if silenced or closed:
        return silenced or closed
    if not plays and not fed:
        return f"nothing of it can be heard: {unheard}" if unheard else "nothing plays on it"
    if row.is_bus and not any(rule.on != "tracks" for rule in plan.rules):
        return "it is a bus: a rule with on = 'buses' would treat it"
    return ""


def fill(row: Row, action: Action, name: str, result: Result, analysis: Analysis, engine: AdaptiveEQ) -> None:
    """What was found, into the row of its track."""
    row.action, row.instance, row.result = action, name, result
    row.lufs = (loudness_lufs(analysis), loudness_lufs(analysis, result.eq))
    # what a user should know before they trust a result
    if action.word and (word := engine.words.blend(action.word)).weak:
        row.warnings.append(f"'{word.name}' is a weak word: the people asked hardly agree on what it is")
    if visible_share(result) < NARROW_SHARE:
        row.warnings.append("a narrow source: bands in which it is silent were left alone")


def _treat(plan: Plan, engine: AdaptiveEQ, backend: ProjectBackend[T], part: list[Channel[T]]) -> None:
    """Listens to tracks, or to the master, and gives them what the rules say, or what was asked for already."""
    chosen: list[tuple[Channel[T], AnalyzedAudio, Action]] = []
    for channel, heard in zip(part, backend.listen(part), strict=True):
        row = channel.row
        kinds = describe(row, heard, engine)
        if heard is None or heard.analysis.silent:
            row.left = "it is silent"
        elif (action := row.action or plan.action(row.name, row.folders, kinds, row.is_bus)) is None:
            row.left = "no rule of the plan fits it"
        else:
            chosen.append((channel, heard, action))
    adapted = iter(engine.adapt_many([
        AnalyzedRequest(heard.analysis, replace(action, name=names_of(channel.row)))
        for channel, heard, action in chosen
        if not action.reference
    ]))  # fmt: skip
    for channel, heard, action in chosen:
        answer = _matched(plan, engine, action, heard.analysis) if action.reference else raised(next(adapted))
        result = along_the_project(with_loudness(answer, heard), heard)
        name = backend.put(channel, result, action.in_reaper(engine.words.spelled))
        if name is None:
            channel.row.left = channel.row.left or IDLE
        else:
            fill(channel.row, action, name, result, heard.analysis, engine)


def _matched(plan: Plan, engine: AdaptiveEQ, action: Action, analysis: Analysis) -> Result:
    """The answer to the balance of the action's reference."""
    assert action.reference
    try:
        wanted = analyze_file(str(action.reference)).analysis
        request = MatchRequest(intensity=action.intensity)
        return engine.match_analysis(analysis, [wanted], [action.reference.name], request)
    except AudioError as error:
        raise plan.refuse(action, error) from None


def names_of(row: Row) -> tuple[str, ...]:
    """What says of which kind a sound is, the nearest first."""
    return ("mix",) if row.number == MASTER else (row.name, *reversed(row.folders))


def describe(row: Row, heard: AnalyzedAudio | None, engine: AdaptiveEQ) -> tuple[str, ...]:
    """What was heard, into the row; gives what it may be called."""
    if heard is None:
        return ()
    kinds = kinds_of(engine, heard.analysis, names_of(row))
    row.kind, row.duration_s = kinds[0], heard.analysis.duration_s
    row.lufs = (loudness_lufs(heard.analysis),) * 2
    return kinds
