"""What `reaper-aeq live` does to the project that is open in REAPER: listen, ask the engine, write all at once.

REAPER is held only while it renders and while it is written to; in between its user goes on working. Nothing of the
project is changed before every answer is there, and then in one undo point.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ...dsp.analyze_file import AnalyzedAudio, analyze_file
from ...dsp.spectrum import Analysis
from ...engine import AdaptiveEQ
from ...errors import AudioError
from ...methods.validation import AnalyzedRequest
from ...reaper.live import check, moving, preferences, target, tracks, write
from ...reaper.live.api import Api, LiveError
from ...reaper.live.render import render
from ...reaper.live.rendered import Rendered, summed
from ...reaper.live.spans import ALONG_S, LONGEST_S
from ...reaper.live.target import Target
from ...reaper.reaeq.names import LINKED, instance_name, match_name
from ...request import EqRequest, MatchRequest, check_range
from ...result.result import Result, raised, with_loudness
from ...result.sketch import heard_of
from ...util.files import output_error
from ..analysis_pool import AnalysisPool, Progress
from ..described import along_the_project, in_sound
from ..plan import Action
from ..rows import MASTER, Row
from ..runner import IDLE, describe, fill, names_of
from ..spans import Span, Timeline
from .files import FileSound, in_files

Listen = Callable[[Target, Callable[[], None]], AnalyzedAudio | None]  # what it calls between blocks raises to end it
Heard = list[tuple[Target, AnalyzedAudio]]
Answers = Callable[[Heard, Sequence[float] | None], list[tuple[Action, str, Result]]]  # to what was heard, with names
STEP = "tracks heard"
STEADY = "it needs no movement along the song: one EQ does for all of it"


@dataclass(frozen=True)
class TrackChoice:
    """Whose EQ: that of the tracks with these names, of every track that sounds, or of what is selected in REAPER.

    `always_render`: what REAPER itself plays is heard, even where the files hold all of the sound. `linked`: they share
    one EQ, computed from their sum, from now on. `afresh`: what somebody changed by hand in EQs of ours is dropped.
    """

    names: tuple[str, ...] = ()
    everything: bool = False
    always_render: bool = False
    linked: bool = False
    afresh: bool = False

    def targets(self, reaper: Api, family: str) -> list[Target]:
        """Raises `LiveError` if it means nothing."""
        if self.names:
            return target.named(reaper, family, self.names)
        if not self.everything:
            return target.selected(reaper, family)
        every = tracks.all_tracks(reaper)[1:]
        heard = [track for track in every if check.sounds(reaper, track) and tracks.audible(reaper, track)]
        if not heard:
            raise LiveError("no track of the project has audio that can be heard")
        return [target.of_track(reaper, track, family) for track in heard]


def make(reaper: Api, engine: AdaptiveEQ, choice: TrackChoice, wanted: EqRequest, progress: Progress) -> list[Row]:
    """More of a word. The same word again replaces what was there, another one joins it. Raises `LiveError`."""
    added = _blend(wanted, engine)

    def answers(heard: Heard, edges_s: Sequence[float] | None) -> list[tuple[Action, str, Result]]:
        actions = [_action(one, added, engine, wanted) for one, _ in heard]
        asked = [
            AnalyzedRequest(
                sound.analysis, replace(action, name=names_of(row_of(one))), edges_s=in_sound(sound, edges_s)
            )
            for (one, sound), action in zip(heard, actions, strict=True)
        ]
        results = map(raised, engine.adapt_many(asked))
        names = [instance_name(action.word, action.intensity) for action in actions]
        return list(zip(actions, names, results, strict=True))

    label = instance_name(added, 1.0).removeprefix("AEQ: ") + " along the song" * wanted.sections
    return _run(reaper, engine, choice, "word", label, answers, progress, wanted.sections)


def match(
    reaper: Api,
    engine: AdaptiveEQ,
    choice: TrackChoice,
    references: Sequence[Path],
    intensity: float,
    progress: Progress,
) -> list[Row]:
    """The balance of the references. Raises `LiveError`, and `AudioError` for a reference before REAPER is touched."""
    request, name = MatchRequest(intensity=intensity), match_name(references, intensity)
    request.shares(len(references))
    others = [analyze_file(str(path)).analysis for path in references]
    names = [str(path) for path in references]

    action = Action(intensity=intensity, reference=references[0])

    def answers(heard: Heard, _: Sequence[float] | None) -> list[tuple[Action, str, Result]]:
        found = (engine.match_analysis(sound.analysis, others, names, request) for _, sound in heard)
        return [(action, name, result) for result in found]

    return _run(reaper, engine, choice, "match", name.removeprefix("AEQ "), answers, progress)


def remove(reaper: Api, choice: TrackChoice) -> list[tuple[Target, str]]:
    """Takes our EQs away: which, by name. Raises `LiveError` if there are none."""
    with reaper.held():
        tracks.enter_front_project(reaper)
        if choice.everything:
            chosen = [target.of_track(reaper, track, None) for track in tracks.all_tracks(reaper)]
        else:
            chosen = target.with_linked(reaper, choice.targets(reaper, "word"))
        for one in chosen:
            if one.instance:
                check.may_change(reaper, one)
        return write.remove_all(reaper, chosen)


def row_of(one: Target) -> Row:
    """What is known of a target before it is heard."""
    row = Row(MASTER if one.is_master else one.number, one.name)
    if one.heard_in:
        row.heard = how_heard(one)
    if one.fx_off:
        row.warnings.append("its FX are switched off: the EQ will sound once they are on")
    return row


def overridden(one: Target) -> list[str]:
    """What of the EQ that was just written will not last; and what of the one before lasts."""
    kept = [one.steady] if one.steady else []
    kept += [f"what was changed by hand is kept ({one.kept}): --afresh drops it"] if one.kept else []
    if not one.overridden:
        return kept
    names = ", ".join(map(repr, one.overridden))
    told = f"an envelope controls {names} of its EQ, so what was set there will not be heard: bypass or"
    return [*kept, f"{told} remove the envelope"]


def entry(one: Target, name: str, result: Result, heard: Analysis, *, alone: bool, afresh: bool) -> write.Entry:
    """What is to be written for an answer to what was heard, which is kept to learn from, if it was to a word."""
    sound = heard_of(heard, result) if result.word is not None else None
    return write.Entry(one, result.eq, name, alone=alone, afresh=afresh, heard=sound, moving=result.moving)


def is_idle(one: Target, result: Result) -> bool:
    """Whether nothing is worth inserting. An EQ of ours that is there is set to it all the same."""
    return one.instance is None and result.does_nothing


def how_heard(one: Target) -> str:
    """'in its files', or 'rendered, because ...'."""
    if one.heard_in == "files":
        return "in its files"
    return f"rendered, because {one.why_rendered}" if one.why_rendered else "rendered"


@dataclass(frozen=True)
class AnalyzedRender(AnalyzedAudio):
    """As for any file; `timeline`: where it lies in the project."""

    timeline: Timeline | None = None


def listened(sounds: Sequence[Rendered], between_blocks: Callable[[], None], sections: bool) -> AnalyzedRender | None:
    """What was rendered, of several their sum; None where nothing can be heard."""
    path = summed(sounds) if len(sounds) > 1 else sounds[0].whole()
    try:
        heard = analyze_file(str(path), between_blocks, sections=sections)
    except AudioError:
        return None
    rate = heard.analysis.sample_rate
    spans = tuple(Span(round(from_s * rate), round(to_s * rate)) for from_s, to_s in sounds[0].stretches_s())
    return AnalyzedRender(heard.path, heard.analysis, heard.warning, Timeline(spans, rate))


@contextmanager
def scratch() -> Iterator[Path]:
    """A private folder for what REAPER renders."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="reaper-aeq-", ignore_cleanup_errors=True)
    except OSError as error:
        raise output_error(tempfile.gettempdir(), error) from error
    with folder as path:
        yield Path(path)


def listen_all(
    reaper: Api, targets: Sequence[Target], folder: Path, always_render: bool,
    new: Sequence[write.Entry] = (), sections: bool = False,
) -> Listen:  # fmt: skip
    """Files where the sound is in them, as few renders as possible for the rest. To be called while REAPER is held.

    `new`: EQs of other tracks that are to be heard as if they were in place. `sections`: the EQs are to follow the
    song, so all of it is rendered where it has to be. What is given back listens to one of
    `targets`, and needs no REAPER any more.
    """
    files: dict[int, FileSound] = {}
    reasons: dict[int, str] = {}
    if not always_render:
        eqs = {entry.target.track: write.eq_to_write(reaper, entry) for entry in new}
        files, reasons = in_files(reaper, targets, eqs, sections)
    rest = [one for one in targets if id(one.leader) not in files]
    rendered: dict[int, Rendered] = {}
    if rest:
        with reaper.guard() as later:
            if new:
                write.put_in_for_now(reaper, new, later)
            longest_s = ALONG_S if sections else LONGEST_S
            given = render(reaper, rest, folder, may_wait=not new, longest_s=longest_s)
            rendered = dict(zip(map(id, rest), given, strict=True))
    for one in targets:
        one.heard_in = "files" if id(one.leader) in files else "render"
        one.why_rendered = reasons.get(id(one.leader), "")

    def heard(one: Target, between_blocks: Callable[[], None]) -> AnalyzedAudio | None:
        if id(one) in files:
            return files[id(one)](between_blocks)
        return listened([rendered[id(member)] for member in one.members], between_blocks, sections)

    return heard


def side_by_side(listen: Listen, targets: Sequence[Target], heard: Callable[[int], None]) -> list[AnalyzedAudio | None]:
    """Listens to several at a time; `heard` is told how many are done. Gives what was heard in order.

    An error, or an interrupt, ends what is still heard at its next block.
    """
    with AnalysisPool() as pool:
        return pool.each(lambda one: listen(one, pool.check), targets, heard)


def _run(
    reaper: Api, engine: AdaptiveEQ, choice: TrackChoice, family: str, label: str, answers: Answers, progress: Progress,
    sections: bool = False,
) -> list[Row]:  # fmt: skip
    with scratch() as folder:
        with reaper.held():
            tracks.enter_front_project(reaper)
            check.check_reaper(reaper)
            preferences.media_online(reaper)
            targets = choice.targets(reaper, family)
            targets = target.linked(reaper, targets) if choice.linked else target.with_linked(reaper, targets)
            check.check_targets(reaper, targets)
            edges_s = moving.edges_s(reaper) if sections else None
            listen = listen_all(reaper, targets, folder, choice.always_render, sections=sections)
        asked = [one for one in targets if one.leader is one]
        found = side_by_side(listen, asked, lambda done: progress(STEP, done, len(asked)))
        audible = [(one, heard) for one, heard in zip(asked, found, strict=True) if heard]
        if not audible:
            raise _silence(reaper, targets)
        rows = {one.number: row_of(one) for one in targets}
        for row in rows.values():
            row.left = "it is silent"
        entries = []
        for (leader, heard), (action, name, answer) in zip(audible, answers(audible, edges_s), strict=True):
            result = along_the_project(with_loudness(answer, heard), heard)
            for one in leader.members:  # of linked tracks each gets the answer to their sum
                row = rows[one.number]
                row.left = IDLE if is_idle(one, result) else ""
                describe(row, heard, engine)
                if not row.left:
                    shown = name + LINKED * bool(one.link)
                    entries.append(entry(one, shown, result, heard.analysis, alone=False, afresh=choice.afresh))
                    fill(row, action, shown, result, heard.analysis, engine)
                    row.warnings += [STEADY] if sections and not result.sections else []
                row.warnings += [heard.warning] if heard.warning else []
        if entries:
            with reaper.held():
                write.write_all(reaper, label, entries)
    for one in targets:
        rows[one.number].warnings += overridden(one)
    return list(rows.values())


def _silence(reaper: Api, targets: Sequence[Target]) -> LiveError:
    names = " and ".join(repr(one.name) for one in targets) if len(targets) < 4 else "any of these tracks"
    hint = preferences.silence_hint(reaper) if any(one.heard_in == "render" for one in targets) else ""
    return LiveError(f"nothing can be heard on {names}: leave it out, or check volumes and items{hint}")


def _action(one: Target, added: Mapping[str, float], engine: AdaptiveEQ, wanted: EqRequest) -> Action:
    """What a target's instance is to hold: what it holds, and what is added."""
    held = one.instance.blend if one.instance else {}
    blend = {engine.words.spelled(word): weight for word, weight in held.items()} | dict(added)
    # one word keeps its own meaning of intensity
    ((word, intensity),) = blend.items() if len(blend) == 1 else ((blend, 1.0),)
    return Action(word, intensity, wanted.adaptation, wanted.method, profile=wanted.profile, sections=wanted.sections)


def _blend(wanted: EqRequest, engine: AdaptiveEQ) -> dict[str, float]:
    """{word as the vocabulary spells it: weight}. Raises `AeqError`."""
    engine.words.blend(wanted.word)
    parts = {wanted.word: 1.0} if isinstance(wanted.word, str) else wanted.word
    found = {engine.words.spelled(word): weight * wanted.intensity for word, weight in parts.items()}
    for word, weight in found.items():
        check_range("intensity", weight, f"the amount of {word!r}")
    return found
