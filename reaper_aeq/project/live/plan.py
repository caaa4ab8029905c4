"""A plan on the project that is open in REAPER: the tracks by its rules, buses with what feeds them, the master last.

A bus and the master are heard with the new EQs of the tracks in place. Those are put in for that render only, within
one of REAPER's cycles, and taken out again to the letter: all is written together in the end, as one undo point.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from ...dsp.analyze_file import Heard, listen_to
from ...engine import AdaptiveEQ
from ...match_request import MatchRequest
from ...reaper.live import check, preferences, target, write
from ...reaper.live.api import Api
from ...reaper.live.render_state import all_tracks
from ...reaper.live.target import Target
from ...request import Asked
from ...result.result import Result
from ..kinds import kinds_of
from ..plan import Action, Plan
from ..rows import Row
from .run import (
    IDLE,
    STEP,
    Progress,
    fill,
    is_idle,
    listen_all,
    named,
    overridden,
    raised,
    row_of,
    scratch,
    side_by_side,
)


@dataclass
class Strip:
    """A track as the plan sees it. `sources`: places in the project of the tracks that feed it."""

    target: Target
    row: Row
    sources: list[int] = field(default_factory=list)


def run_plan(reaper: Api, engine: AdaptiveEQ, plan: Plan, progress: Progress, always_render: bool = False) -> list[Row]:
    """Gives a row for each track in order, the master's last. Raises `LiveError`, `PlanError`."""
    with scratch() as folder:
        work = _Work(reaper, engine, plan, progress, folder, always_render)
        for level in work.levels():
            work.listen([strip.target for strip in level], work.give)
        work.master()
        work.write()
    return [strip.row for strip in work.strips] + work.master_rows


class _Work:
    """What is known so far."""

    def __init__(
        self, reaper: Api, engine: AdaptiveEQ, plan: Plan, progress: Progress, folder: Path, always_render: bool
    ):
        self.always_render = always_render
        self.reaper, self.engine, self.plan, self.progress, self.folder = reaper, engine, plan, progress, folder
        self.entries: list[write.Entry] = []
        self.master_rows: list[Row] = []
        self.given: list[tuple[Target, Row]] = []
        self.heard = 0
        with reaper.held():
            self.project = target.front_project(reaper)
            check.check_reaper(reaper, self.project)
            self.strips = _survey(reaper, self.project, plan)
        self.total = sum(not strip.row.left for strip in self.strips) + bool(plan.master)

    def levels(self) -> list[list[Strip]]:
        """The tracks to listen to, those that feed others first; tracks of a level do not feed each other."""
        level: dict[int, int] = {}

        def of(n: int, above: frozenset[int] = frozenset()) -> int:
            if n not in level and n not in above:
                inside = [of(source, above | {n}) for source in self.strips[n].sources]
                level[n] = 1 + max(inside, default=-1)
            return level.get(n, 0)

        chosen = sorted((of(n), n) for n, strip in enumerate(self.strips) if not strip.row.left)
        return [[self.strips[n] for _, n in group] for _, group in groupby(chosen, key=lambda pair: pair[0])]

    def listen(
        self, targets: Sequence[Target], give: Callable[[Sequence[Target], Sequence[Heard | None]], None]
    ) -> None:
        """Listens to `targets` with all EQs so far in place, and hands what is heard to `give`."""
        with self.reaper.held():
            write.check_still_there(self.reaper, self.project, [*targets, *(entry.target for entry in self.entries)])
            preferences.media_online(self.reaper, self.project)
            listen = listen_all(self.reaper, self.project, targets, self.folder, self.always_render, self.entries)
        before = self.heard

        def heard(done: int) -> None:
            self.heard = before + done
            self.progress(STEP, self.heard, self.total)

        give(targets, side_by_side(listen, targets, heard))

    def give(self, targets: Sequence[Target], found: Sequence[Heard | None]) -> None:
        """The rules of the plan to the tracks of one level."""
        chosen: list[tuple[Strip, Heard, Action]] = []
        for one, heard in zip(targets, found, strict=True):
            strip = self.strips[one.number - 1]
            if heard is None:
                strip.row.left = "it is silent"
                continue
            known = row_of(one, heard.analysis, self.engine)
            row = strip.row
            row.kind, row.duration_s, row.lufs, row.heard = known.kind, known.duration_s, known.lufs, known.heard
            kinds = kinds_of(self.engine, heard.analysis, (one.name, *reversed(row.folders)))
            row.kind = kinds[0]
            action = self.plan.action(one.name, row.folders, kinds, row.is_bus)
            if action is None:
                row.left = "no rule of the plan fits it"
            else:
                chosen.append((strip, heard, action))
        asked = [
            Asked(
                h.analysis, a.word, a.intensity, a.adaptation, a.method, kind=a.heard_as,
                name=(strip.target.name, *reversed(strip.row.folders)),
            )
            for strip, h, a in chosen
        ]  # fmt: skip
        for (strip, heard, action), answer in zip(chosen, self.engine.adapt_many(asked), strict=True):
            self._note(strip.target, strip.row, action, heard.measured(raised(answer)), heard)

    def master(self) -> None:
        """The mix with the tracks' new EQs."""
        if not self.plan.master:
            return
        with self.reaper.held():
            track = all_tracks(self.reaper, self.project)[0]
            one = target.of_track(self.reaper, track, None)
            muted = bool(self.reaper("GetMediaTrackInfo_Value", track, "B_MUTE"))
        if muted:
            self.master_rows = [row_of(one)]
            self.master_rows[0].left = "it is muted"
            return
        self.listen([one], self._give_master)

    def _give_master(self, targets: Sequence[Target], found: Sequence[Heard | None]) -> None:
        (one,), (heard,), action = targets, found, self.plan.master
        assert action is not None
        row = row_of(one, heard.analysis if heard else None, self.engine)
        row.is_bus, self.master_rows = True, [row]
        if heard is None:
            row.left = "it is silent"
            return
        result: Result
        if action.reference:
            wanted = listen_to(str(action.reference)).analysis
            request = MatchRequest(intensity=action.intensity)
            result = self.engine.match_analysis(heard.analysis, [wanted], [action.reference.name], request)
        else:
            asked = Asked(
                heard.analysis, action.word, action.intensity, action.adaptation, action.method, kind=action.heard_as,
                name=named(one),
            )  # fmt: skip
            result = raised(self.engine.adapt_many([asked])[0])
        self._note(one, row, action, heard.measured(result), heard)

    def _note(self, one: Target, row: Row, action: Action, result: Result, heard: Heard) -> None:
        if is_idle(one, result):
            row.left = IDLE
            return
        name = action.name(self.engine.words.spelled)
        fill(row, action, name, result, heard.analysis, self.engine)
        if one.instance or not result.does_nothing:
            self.entries.append(write.Entry(one, result.eq, name, alone=True))
            self.given.append((one, row))

    def write(self) -> None:
        if not self.entries:
            return
        label = "default plan" if self.plan.is_default else f"plan {self.plan.path.stem}"
        with self.reaper.held():
            write.write_all(self.reaper, self.project, label, self.entries)
        for one, row in self.given:
            row.warnings += overridden(one)


def _survey(reaper: Api, project: str, plan: Plan) -> list[Strip]:
    """All tracks in their order, each with why it is left alone, if it is."""
    tracks = all_tracks(reaper, project)[1:]
    place = {track: n for n, track in enumerate(tracks)}
    targets = [target.of_track(reaper, track, None) for track in tracks]
    chunks = [
        check.chunk_of(reaper, track)  # where sends come from stands nowhere else
        if reaper("GetTrackNumSends", track, -1) > 0
        else check.light_chunk_of(reaper, track)
        for track in tracks
    ]
    parents = [place.get(reaper("GetParentTrack", track)) for track in tracks]
    any_solo = bool(reaper("AnyTrackSolo", project))
    strips = [Strip(one, row_of(one)) for one in targets]
    for n, (strip, chunk) in enumerate(zip(strips, chunks, strict=True)):
        children = [child for child, parent in enumerate(parents) if parent == n]
        strip.sources = children + [int(source) for source in re.findall(r"\n\s*AUXRECV (\d+) ", chunk)]
        strip.row.folders = _folders(n, parents, targets)
        plays = check.sounds(reaper, tracks[n])
        strip.row.is_bus = bool(children) or (not plays and bool(strip.sources))
        audible = check.audible(reaper, project, tracks[n], any_solo)
        strip.row.left = _why_left(plan, strip, plays, audible, check.closed_reason(chunk))
        if not strip.row.left:
            reasons = [check.item_reason(reaper, item) for item in target.items_of(reaper, tracks[n])]
            strip.row.warnings += [f"not heard: {reason}" for reason in dict.fromkeys(filter(None, reasons))]
    return strips


def _why_left(plan: Plan, strip: Strip, plays: bool, audible: bool, closed: str) -> str:
    if plan.leaves(strip.target.name):
        return "the plan leaves it alone"
    if not audible:
        return "it is muted, or another track is soloed"
    if closed:
        return closed
    if not plays and not strip.sources:
        return "nothing plays on it"
    if strip.row.is_bus and not any(rule.on != "tracks" for rule in plan.rules):
        return "it is a bus: a rule with on = 'buses' would treat it"
    return ""


def _folders(n: int, parents: Sequence[int | None], targets: Sequence[Target]) -> tuple[str, ...]:
    """The names of the folders around a track, the outermost first."""
    above = parents[n]
    return () if above is None else (*_folders(above, parents, targets), targets[above].name)
