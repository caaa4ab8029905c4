"""The project that is open in REAPER as what a plan runs on.

A bus and the master are heard with the new EQs of the tracks in place. Those are put in for that render only, within
one of REAPER's cycles, and taken out again to the letter: all is written together in the end, as one undo point.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ...dsp.analyze_file import AnalyzedAudio
from ...dsp.spectrum import Analysis
from ...engine import AdaptiveEQ
from ...reaper.live import check, preferences, track_state, tracks, write
from ...reaper.live.api import Api
from ...reaper.live.target import Target, of_track
from ...result.result import Result
from .. import runner
from ..analysis_pool import Progress
from ..plan import Plan
from ..rows import Row
from ..runner import Channel, why_left
from .run import STEP, entry, how_heard, is_idle, listen_all, overridden, row_of, scratch, side_by_side


def run_plan(
    reaper: Api, engine: AdaptiveEQ, plan: Plan, progress: Progress, always_render: bool = False, afresh: bool = False
) -> list[Row]:
    """Gives a row for each track in order, the master's last. Raises `LiveError`, `PlanError`.

    `afresh`: what somebody changed by hand in EQs of ours is dropped.
    """
    with scratch() as folder:
        backend = LiveBackend(reaper, plan, progress, folder, always_render, afresh)
        rows = runner.run(plan, engine, backend)
        if backend.entries:
            with reaper.held():
                write.write_all(
                    reaper, "default plan" if plan.is_default else f"plan {plan.path.stem}", backend.entries
                )
        for channel in backend.given:
            channel.row.warnings += overridden(channel.track)
    return rows


class LiveBackend:
    """Listens to the open project, and keeps the EQs until all are written."""

    def __init__(self, reaper: Api, plan: Plan, progress: Progress, folder: Path, always_render: bool, afresh: bool):
        self.reaper, self.plan, self.progress, self.folder = reaper, plan, progress, folder
        self.always_render, self.afresh = always_render, afresh
        self.sounds: dict[int, Analysis] = {}  # by the number of the track
        self.entries: list[write.Entry] = []
        self.given: list[Channel[Target]] = []
        self.heard = 0
        self.sections = any(action.sections for action in plan.actions)
        with reaper.held():
            tracks.enter_front_project(reaper)
            check.check_reaper(reaper)
            self.channels = _survey(reaper, plan)
        self.total = sum(not channel.row.left for channel in self.channels) + bool(plan.master)

    def parts(self, level: list[Channel[Target]]) -> list[list[Channel[Target]]]:
        """See `ProjectBackend`: all of them."""
        return [level]

    def listen(self, channels: Sequence[Channel[Target]]) -> list[AnalyzedAudio | None]:
        """See `ProjectBackend`."""
        targets = [channel.track for channel in channels]
        with self.reaper.held():
            write.check_still_there(self.reaper, [*targets, *(entry.target for entry in self.entries)])
            preferences.media_online(self.reaper)
            listen = listen_all(self.reaper, targets, self.folder, self.always_render, self.entries, self.sections)
        found = side_by_side(listen, targets, lambda done: self.progress(STEP, self.heard + done, self.total))
        self.heard += len(targets)
        for channel, heard in zip(channels, found, strict=True):
            if heard is not None:
                self.sounds[channel.track.number] = heard.analysis
                channel.row.heard = how_heard(channel.track)
                channel.row.warnings += [heard.warning] if heard.warning else []
        return found

    def put(self, channel: Channel[Target], result: Result, name: str) -> str | None:
        """See `ProjectBackend`."""
        if is_idle(channel.track, result):
            return None
        heard = self.sounds[channel.track.number]
        self.entries.append(entry(channel.track, name, result, heard, alone=True, afresh=self.afresh))
        self.given.append(channel)
        return name

    def master(self) -> Channel[Target]:
        """See `ProjectBackend`."""
        with self.reaper.held():
            track = tracks.all_tracks(self.reaper)[0]
            one = of_track(self.reaper, track, None)
            muted = tracks.track_value(self.reaper, track, "B_MUTE")
        row = row_of(one)
        row.left = "it is muted" if muted else ""
        return Channel(one, row)


def _survey(reaper: Api, plan: Plan) -> list[Channel[Target]]:
    """All tracks in their order, each with why it is left alone, if it is."""
    pointers = tracks.all_tracks(reaper)[1:]
    place = {track: n for n, track in enumerate(pointers)}
    targets = [of_track(reaper, track, None) for track in pointers]
    parents = [place.get(reaper("GetParentTrack", track)) for track in pointers]
    channels = []
    for n, one in enumerate(targets):
        chunk = track_state.whole_where_fed(reaper, one.track)
        children = [child for child, parent in enumerate(parents) if parent == n]
        sources = children + [int(source) for source in re.findall(r"\n\s*AUXRECV (\d+) ", chunk)]
        row = row_of(one)
        row.folders = _folders(n, parents, targets)
        plays = check.sounds(reaper, one.track)
        row.is_bus = bool(children) or (not plays and bool(sources))
        silenced = "" if tracks.audible(reaper, one.track) else "it is muted, or another track is soloed"
        closed = check.closed_reason(chunk)
        row.left = why_left(plan, row, silenced=silenced, closed=closed, plays=plays, fed=bool(sources))
        if not row.left:
            reasons = [check.item_reason(reaper, item) for item in tracks.items_of(reaper, one.track)]
            row.warnings += [f"not heard: {reason}" for reason in dict.fromkeys(filter(None, reasons))]
        channels.append(Channel(one, row, sources))
    return channels


def _folders(n: int, parents: Sequence[int | None], targets: Sequence[Target]) -> tuple[str, ...]:
    """The names of the folders around a track, the outermost first."""
    above = parents[n]
    return () if above is None else (*_folders(above, parents, targets), targets[above].name)
