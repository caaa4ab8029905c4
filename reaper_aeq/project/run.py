"""The story of one project: listen to each track, give it what the plan says, then the buses, then the master.

A track's EQ is computed from the sound that reaches the front of its chain and is put there. What feeds a bus or the
master is heard with its new EQs; no other FX is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from ..dsp.analyze_file import listen_to
from ..dsp.spectrum import Analysis
from ..engine import AdaptiveEQ
from ..eq import Eq
from ..errors import AeqError, AudioError
from ..match_request import MatchRequest
from ..reaper.rpp.fxchain import stored_name
from ..reaper.rpp.items import Take
from ..reaper.rpp.project import Project
from ..reaper.rpp.tracks import Master, Track
from ..request import Asked
from ..result.result import Result
from . import NOTHING_PLAYS
from .analysis_pool import Hearing, Progress, open_hearing
from .kinds import kinds_of
from .mix import Mixer
from .plan import Action, Plan
from .rows import MASTER, Row, loudness_lufs, visible_share

OURS = ("AEQ: ", "AEQ match: ")
MOST_FRAMES = 100_000  # analysed at a time: two and a half hours of sound, 50 MB
NARROW_SHARE = 0.6


def check_words(plan: Plan, engine: AdaptiveEQ) -> None:
    """Raises `PlanError` with the line of a word that is not known, or of a reference that is not there."""
    for action in plan.actions:
        try:
            if action.reference is None:
                engine.words.blend(action.word)
            elif not action.reference.is_file():
                raise AudioError(f"{action.reference} does not exist: check the path of the reference")
        except AeqError as error:
            raise plan.refuse(action, error) from None


def equalise(
    project: Project, mixer: Mixer, plan: Plan, engine: AdaptiveEQ, progress: Progress, threads: int | None = None
) -> list[Row]:
    """Sets the EQs in `project`, which `mixer` plays, and gives a row for each track in order, the master's last."""
    work = _Work(project, plan, engine, mixer)
    with open_hearing(progress, project.sample_rate, threads) as hearing:
        hearing.total_s = work.seconds()
        for level in work.levels():
            work.tracks(level, hearing)
        if project.master and plan.master:
            work.master(project.master, plan.master, hearing)
    for row in work.rows.values():
        row.warnings += [w for w in work.file_warnings(row) if w not in row.warnings]
    return [*(row for n, row in sorted(work.rows.items()) if n != MASTER), *work.master_row()]


def refuse_silence(mixer: Mixer) -> None:
    """Raises `AudioError` if no item of any track can be heard."""
    if any(found for found, _ in mixer.playing.values()):
        return
    reasons = [reason for _, reasons in mixer.playing.values() for reason in reasons]
    if not reasons:
        raise AudioError(NOTHING_PLAYS)
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    raise AudioError(f"none of the project's media can be heard: {reasons[0]}{more}")


class _Work:
    """What is known so far of each track."""

    def __init__(self, project: Project, plan: Plan, engine: AdaptiveEQ, mixer: Mixer):
        self.project, self.plan, self.engine, self.mixer = project, plan, engine, mixer
        self.rows = {track.index + 1: self._row(track) for track in project.tracks}
        self.eqs: dict[int, Eq] = {}
        for track in project.tracks:
            if self._row_of(track).left and (eq := _ours(track)):
                self.eqs[track.index] = eq

    # Before listening ----------------------------------------------------------------------------------------------

    def _row(self, track: Track) -> Row:
        found, reasons = self.mixer.playing[track.index]
        inputs = self.mixer.inputs(track)
        row = Row(
            track.index + 1, track.name, _folders(track), is_bus=bool(track.children) or (not found and bool(inputs))
        )
        row.left = self._why_left(track, row, bool(found), bool(inputs), reasons)
        row.warnings = track.damage + self._left_out(track)
        row.warnings += _warnings(track, reasons) if found or not row.left else []
        return row

    def _left_out(self, track: Track) -> list[str]:
        cut = [repr(self.project.tracks[n].title) for n in sorted(self.mixer.cut.get(track.index, ()))]
        return [f"tracks feed each other in a long circle: what comes from {' and '.join(cut)} is not heard"] * bool(
            cut
        )

    def _why_left(self, track: Track, row: Row, items: bool, inputs: bool, reasons: list[str]) -> str:
        if self.plan.leaves(track.name):
            return "the plan leaves it alone"
        if track.index in self.mixer.silenced:
            return self.mixer.silenced[track.index]
        if track.frozen or track.locked:
            return "it is frozen" if track.frozen else "it is locked"
        if not items and not inputs:
            return f"nothing of it can be heard: {'; '.join(reasons)}" if reasons else "nothing plays on it"
        if row.is_bus and not any(rule.on != "tracks" for rule in self.plan.rules):
            return "it is a bus: a rule with on = 'buses' would treat it"
        return ""

    def _row_of(self, track: Track) -> Row:
        return self.rows[track.index + 1]

    def levels(self) -> list[list[Track]]:
        """The tracks to listen to, those that feed others first; tracks of a level do not feed each other."""
        level: dict[int, int] = {}
        last: dict[int, int] = {}  # of the circle that a track is in
        for group in self.mixer.groups:
            sources = {source.index for n in group for source, _ in self.mixer.inputs(self.project.tracks[n])}
            first = 1 + max((last[source] for source in sources.difference(group)), default=-1)
            level |= {n: first + place for place, n in enumerate(group)}  # of a circle one after the other
            last |= dict.fromkeys(group, first + len(group) - 1)
        chosen = [t for t in self.project.tracks if not self._row_of(t).left]
        chosen.sort(key=lambda t: (level[t.index], t.index))
        return [list(group) for _, group in groupby(chosen, key=lambda t: level[t.index])]

    def seconds(self) -> float:
        """Of sound to be analysed."""
        each = [self.mixer.heard_by(t) for t in self.project.tracks if not self._row_of(t).left]
        if self.plan.master and self.project.master:
            each.append(set().union(*(self.mixer.heard_by(t) for t in self.mixer.top())))
        return sum(map(self.mixer.seconds, each))

    # Listening -----------------------------------------------------------------------------------------------------

    def tracks(self, level: Sequence[Track], hearing: Hearing) -> None:
        """Listens to tracks and gives them their EQs, as many at a time as memory allows."""
        for group in self._groups(level):
            heard = hearing.each(lambda t: self.mixer.analyze_track(t, self.eqs, hearing.analyse, final=True), group)
            asked: list[tuple[Track, Analysis, Action]] = []
            for track, analysis in zip(group, heard, strict=True):
                row = self._row_of(track)
                kinds = kinds_of(self.engine, analysis, (track.name, *reversed(row.folders)))
                row.kind, row.duration_s = kinds[0], analysis.duration_s
                row.lufs = (loudness_lufs(analysis),) * 2
                row.action = self.plan.action(track.name, row.folders, kinds, row.is_bus)
                if analysis.silent:
                    row.left = "it is silent"
                elif row.action is None:
                    row.left = "no rule of the plan fits it"
                else:
                    asked.append((track, analysis, row.action))
            requests = [
                Asked(
                    an, act.word, act.intensity, act.adaptation, act.method, kind=act.heard_as,
                    name=(track.name, *reversed(self._row_of(track).folders)),
                )
                for track, an, act in asked
            ]  # fmt: skip
            for (track, analysis, _), answer in zip(asked, self.engine.adapt_many(requests), strict=True):
                if isinstance(answer, AeqError):
                    raise answer
                self._give(track, self._row_of(track), analysis, answer)
                self.eqs[track.index] = answer.eq

    def _groups(self, level: Sequence[Track]) -> list[list[Track]]:
        groups: list[list[Track]] = []
        room = 0.0
        for track in level:
            frames = 11.2 * self.mixer.seconds(self.mixer.heard_by(track))
            if not groups or frames > room:
                groups, room = [*groups, []], float(MOST_FRAMES)
            groups[-1].append(track)
            room -= frames
        return groups

    def master(self, master: Master, action: Action, hearing: Hearing) -> None:
        """Listens to the sum of all tracks with their new EQs."""
        row = self.rows[MASTER] = Row(MASTER, "MASTER", is_bus=True, action=action)
        if master.mute:
            row.left = "it is muted"
            return
        analysis = self.mixer.analyze_master(self.eqs, hearing.analyse, hearing.each)
        row.kind, row.duration_s = kinds_of(self.engine, analysis, ("mix",))[0], analysis.duration_s
        if analysis.silent:
            row.left = "it is silent"
            return
        result: Result
        if action.reference:
            try:
                wanted = listen_to(str(action.reference)).analysis
                request = MatchRequest(intensity=action.intensity)
                result = self.engine.match_analysis(analysis, [wanted], [action.reference.name], request)
            except AudioError as error:
                raise self.plan.refuse(action, error) from None
        else:
            result = self.engine.adapt_analysis(
                analysis, action.word, intensity=action.intensity, adaptation=action.adaptation, method=action.method,
                kind=action.heard_as, name="mix",
            )  # fmt: skip
        row.warnings = _off(master.fx_enabled)
        self._give(master, row, analysis, result)

    def master_row(self) -> list[Row]:
        return [self.rows[MASTER]] if MASTER in self.rows else []

    def _give(self, holder: Track | Master, row: Row, analysis: Analysis, result: Result) -> None:
        row.result, row.lufs = result, (loudness_lufs(analysis), loudness_lufs(analysis, result.eq))
        action = row.action
        assert action is not None, "only what has an action gets an EQ"
        row.instance = stored_name(action.name(self.engine.words.spelled))
        row.warnings += doubts(action, result, self.engine)
        set_ours(holder, result.eq if row.inserted else None, row.instance)

    def file_warnings(self, row: Row) -> list[str]:
        """What was found wrong with files while they were read."""
        if row.number == MASTER:
            return []
        paths = {take.source.path for _, take in self.mixer.playing[row.number - 1][0] if take.source}
        return [sentence for path, sentence in self.mixer.library.warnings.items() if path in paths]


def doubts(action: Action, result: Result, engine: AdaptiveEQ) -> list[str]:
    """What a user should know before they trust a result, a sentence each."""
    found = []
    if action.word and (word := engine.words.blend(action.word)).weak:
        found.append(f"'{word.name}' is a weak word: the people asked hardly agree on what it is")
    if visible_share(result) < NARROW_SHARE:
        found.append("a narrow source: bands in which it is silent were left alone")
    return found


def set_ours(holder: Track | Master, eq: Eq | None, name: str) -> None:
    """Puts the EQ first in the chain, or into our instance of that name; our others go. None: that one goes too."""
    for other in {found.name for found in holder.eqs() if found.name.startswith(OURS) and not found.in_container}:
        if other != name or eq is None:
            holder.remove_eq(other)
    if eq is not None:
        holder.set_eq(eq, name, "first")


def _ours(track: Track) -> Eq | None:
    """What an earlier run left on a track that this one does not touch."""
    for found in track.eqs():
        if found.name.startswith(OURS) and not found.bypassed and not found.offline and not found.in_container:
            return found.eq
    return None


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
    checks: list[tuple[Callable[[Take], bool], str]] = [
        (lambda take: take.has_fx, "FX on its items are not heard"),
        (lambda take: take.has_envelopes, "automation of its items is not followed"),
        (lambda take: take.has_stretch_markers, "stretch markers are not followed"),
    ]
    found += [sentence for check, sentence in checks if any(map(check, takes))]
    if track.channels > 2:
        found.append("of its channels only 1 and 2 are heard")
    return found + _off(track.fx_enabled)


def _off(fx_enabled: bool) -> list[str]:
    return [] if fx_enabled else ["its FX are switched off: the EQ will sound once they are on"]
