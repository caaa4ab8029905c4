"""A project file as what a plan runs on: the mixer plays it, EQs go first in the chains of its text.

What somebody changed by hand in an EQ of ours is kept on the next one, as the actions and `live` do; what was computed
lies beside the track, as the actions keep it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ..dsp.analyze_file import AnalyzedAudio
from ..eq import Band, Eq, MovingEq
from ..errors import AeqError, AudioError
from ..reaper.edits import FIELDS, HandEdit, HeldEq, along, kept
from ..reaper.instance_record import EDITED, InstanceRecord
from ..reaper.reaeq.instance import to_eq
from ..reaper.reaeq.names import blend_of, family_of
from ..reaper.reaeq.state import StateError
from ..reaper.rpp.fxchain import EqInstance, stored_name
from ..reaper.rpp.project import Project
from ..reaper.rpp.tracks import Master, Track
from ..result.result import Result
from . import NOTHING_PLAYS
from .analysis_pool import AnalysisPool
from .described import AnalyzedItems
from .mix import Mixer
from .plan import Plan
from .rows import MASTER, Row
from .runner import Channel, why_left

MOST_FRAMES = 100_000  # analyzed at a time: two and a half hours of sound, 50 MB
_SAME = 1e-9


class FileBackend:
    """Sets the EQs in `project`, which `mixer` plays and `hearing` listens to."""

    def __init__(self, project: Project, plan: Plan, mixer: Mixer, hearing: AnalysisPool, afresh: bool = False):
        """`afresh`: what somebody changed by hand in EQs of ours is dropped."""
        self.project, self.plan, self.mixer, self.hearing, self.afresh = project, plan, mixer, hearing, afresh
        mixer.sections = any(action.sections for action in plan.actions)
        self.channels: list[Channel[Track | Master]] = [self._channel(track) for track in project.tracks]
        self._heard_again = bool(plan.master and project.master) or any(
            channel.sources and not channel.row.left for channel in self.channels
        )
        # what an earlier run left on tracks that this one does not touch
        left = [track for track, channel in zip(project.tracks, self.channels, strict=True) if channel.row.left]
        self.eqs = {track.index: eq for track in left if (eq := _ours(track))}

    def seconds(self) -> float:
        """Of sound to be analyzed."""
        each = [
            self.mixer.heard_by(track)
            for track, channel in zip(self.project.tracks, self.channels, strict=True)
            if not channel.row.left
        ]
        if self.plan.master and self.project.master:
            each.append(self.mixer.heard_by(None))
        return sum(map(self.mixer.seconds, each))

    def parts(self, level: list[Channel[Track | Master]]) -> list[list[Channel[Track | Master]]]:
        """As many at a time as memory allows."""
        found: list[list[Channel[Track | Master]]] = []
        room = 0.0
        for channel in level:
            assert isinstance(channel.track, Track)
            frames = 11.2 * self.mixer.seconds(self.mixer.heard_by(channel.track), repeated=self.mixer.sections)
            if not found or frames > room:
                found, room = [*found, []], float(MOST_FRAMES)
            found[-1].append(channel)
            room -= frames
        return found

    def listen(self, channels: Sequence[Channel[Track | Master]]) -> list[AnalyzedAudio | None]:
        """See `ProjectBackend`."""

        def heard(track: Track) -> AnalyzedAudio | None:
            analysis = self.mixer.analyze_track(track, self.eqs, self.hearing.analyze, final=self._heard_again)
            return AnalyzedItems("", analysis, None, self.mixer.timeline(track))

        if tracks := [channel.track for channel in channels if isinstance(channel.track, Track)]:
            return self.hearing.each(heard, tracks)
        # the master, which is heard alone
        analysis = self.mixer.analyze_master(self.eqs, self.hearing.analyze, self.hearing.each)
        return [AnalyzedItems("", analysis, None, self.mixer.timeline(None))]

    def put(self, channel: Channel[Track | Master], result: Result, name: str) -> str | None:
        """See `ProjectBackend`."""
        name, track = stored_name(name), channel.track
        try:
            edit = None if self.afresh else edit_of(track, next(iter(ours_of(track)), None))
        except AeqError as error:  # nothing of it is changed
            channel.row.left = str(error)
            return None
        whole = with_edit(edit, result.eq) if edit else result.eq
        moving = result.moving and along(result.eq, whole, result.moving)
        shown = name + EDITED * bool(edit)
        set_ours(track, None if result.does_nothing and not edit else whole, shown, moving)
        if isinstance(track, Track):
            self.eqs[track.index] = whole
            note(track, shown, result.eq, edit.change if edit else "")
        if edit:
            channel.row.warnings.append(f"what was changed by hand is kept ({edit.change}): --afresh drops it")
        return name

    def master(self) -> Channel[Track | Master] | None:
        """See `ProjectBackend`."""
        if not (master := self.project.master):
            return None
        row = Row(MASTER, "MASTER")
        row.left = "it is muted" if master.mute else ""
        row.warnings = [] if row.left else _off(master.fx_enabled)
        return Channel(master, row)

    def add_file_warnings(self) -> None:
        """What was found wrong with files while they were read."""
        for track, channel in zip(self.project.tracks, self.channels, strict=True):
            paths = {take.source.path for _, take in self.mixer.playing[track.index][0] if take.source}
            found = [sentence for path, sentence in self.mixer.library.warnings.items() if path in paths]
            channel.row.warnings += [sentence for sentence in found if sentence not in channel.row.warnings]

    def _channel(self, track: Track) -> Channel[Track | Master]:
        found, reasons = self.mixer.playing[track.index]
        sources = [source.index for source, _ in self.mixer.inputs(track)]
        is_bus = bool(track.children) or (not found and bool(sources))
        row = Row(track.index + 1, track.name, _folders(track), is_bus=is_bus)
        row.left = why_left(
            self.plan, row, silenced=self.mixer.silenced.get(track.index, ""),
            closed="it is frozen" if track.frozen else "it is locked" if track.locked else "",
            plays=bool(found), fed=bool(sources), unheard="; ".join(reasons),
        )  # fmt: skip
        cut = " and ".join(repr(self.project.tracks[n].title) for n in sorted(self.mixer.cut.get(track.index, ())))
        row.warnings += track.damage
        row.warnings += [f"tracks feed each other in a long circle: what comes from {cut} is not heard"] if cut else []
        row.warnings += _warnings(track, reasons) if found or not row.left else []
        return Channel(track, row, sources)


def refuse_silence(mixer: Mixer) -> None:
    """Raises `AudioError` if no item of any track can be heard."""
    if any(found for found, _ in mixer.playing.values()):
        return
    reasons = [reason for _, reasons in mixer.playing.values() for reason in reasons]
    if not reasons:
        raise AudioError(NOTHING_PLAYS)
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    raise AudioError(f"none of the project's media can be heard: {reasons[0]}{more}")


def ours_of(holder: Track | Master) -> list[EqInstance]:
    """The instances of ours, by their names, in the order of the chain; those in containers are left alone."""
    return [one for one in holder.eqs() if family_of(one.name) and not one.in_container]


def edit_of(holder: Track | Master, instance: EqInstance | None) -> HandEdit | None:
    """None where nobody changed it, and where nothing is known of it: of the master nothing is kept.

    Raises `AeqError` for a change that cannot be kept.
    """
    if instance is None or isinstance(holder, Master):
        return None
    records = holder.records().records
    found = [one for one in records if one.fx == instance.guid]
    found = found or [one for one in records if one.name == instance.name]  # a copied track, a merged project
    edit = HandEdit.of(found[0], _held(instance), lambda: instance.lanes) if found else None
    if edit and None in edit.held.bands:
        raise AeqError(
            "its EQ was given a band of a kind that only ReaEQ can compute: choose another kind for it, or say --afresh"
            " to drop what was changed by hand"
        )
    return edit


def with_edit(edit: HandEdit, eq: Eq) -> Eq:
    """The next answer with what was changed by hand; what is there where that is the same, to the last digit."""
    whole, there = kept(edit.computed, edit.held, eq), edit.held.known
    fields = [(whole.output_gain_db, there.output_gain_db)]
    for now, before in zip(whole.bands, there.bands, strict=False):
        fields += [(getattr(now, name), getattr(before, name)) for name in FIELDS]
    alike = [(band.kind, band.enabled) for band in whole.bands] == [(band.kind, band.enabled) for band in there.bands]
    same = alike and all(math.isclose(a, b, rel_tol=_SAME, abs_tol=_SAME) for a, b in fields)
    return there if same else whole


def note(track: Track, name: str, eq: Eq, told: str) -> None:
    """Keeps beside the track what was computed for the instance of this name, and which envelopes of it are ours."""
    instance = next((one for one in ours_of(track) if one.name == name), None)
    family = family_of(name)
    if instance is None or not instance.guid or family is None:
        return
    blend, lanes = blend_of(name, family) if family == "word" else {}, tuple(sorted(instance.our_lanes))
    track.keep_records(
        InstanceRecord(fx=instance.guid, family=family, name=name, blend=blend, eq=eq.to_dict(), told=told, lanes=lanes)
    )


def _held(instance: EqInstance) -> HeldEq:
    bands: list[Band | None] = []
    for band in instance.state.bands:
        try:
            bands += to_eq(replace(instance.state, bands=(band,))).bands
        except StateError:
            bands.append(None)
    return HeldEq(bands, to_eq(replace(instance.state, bands=())).output_gain_db)


def set_ours(holder: Track | Master, eq: Eq | None, name: str, moving: MovingEq | None = None) -> None:
    """Puts the EQ first in the chain, or into our instance of that name; our others go. None: that one goes too.
    `moving`: along the project, with envelopes."""
    names = [found.name for found in ours_of(holder)]
    alike = [other for other in names if other.removesuffix(EDITED) == name.removesuffix(EDITED)]
    if eq is not None and alike and name not in alike:
        holder.rename_eq(alike[0], name)
        names[names.index(alike[0])] = name
    for other in set(names):
        if other != name or eq is None:
            holder.remove_eq(other)
    if eq is not None:
        holder.set_eq(eq, name, moving=moving)


def _ours(track: Track) -> Eq | None:
    """What an EQ of ours does there; None where none is on."""
    return next((found.eq for found in ours_of(track) if not found.bypassed and not found.offline), None)


def _folders(track: Track) -> tuple[str, ...]:
    """The names of the folders around a track, the outermost first."""
    names: list[str] = []
    while track.parent:
        track = track.parent
        names.append(track.title)
    return tuple(reversed(names))


def _warnings(track: Track, reasons: Sequence[str]) -> list[str]:
    found = [f"not heard: {reason}" for reason in reasons]
    takes = [item.take for item in track.items if track.plays(item) and item.take]
    found += ["FX on its items are not heard"] * any(take.has_fx for take in takes)
    found += ["automation of its items is not followed"] * any(take.has_envelopes for take in takes)
    found += ["stretch markers are not followed"] * any(take.has_stretch_markers for take in takes)
    found += ["of its channels only 1 and 2 are heard"] * (track.channels > 2)
    return found + _off(track.fx_enabled)


def _off(fx_enabled: bool) -> list[str]:
    return [] if fx_enabled else ["its FX are switched off: the EQ will sound once they are on"]
