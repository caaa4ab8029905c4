"""The one place that changes the project: all tracks of a run in one undo point, in one of REAPER's cycles."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ...eq import Eq, MovingEq
from ..edits import HandEdit, along, kept, signature
from ..instance_record import EDITED, InstanceRecord
from ..reaeq.names import blend_of, family_of
from . import check, fx, instances, moving, reaeq, render_state
from .api import Api, Later, LiveError, RefusedCall
from .target import Target
from .tracks import exists, front_project

UNDO_STATE = 1 | 2  # track and master FX, and what is kept beside a track; nothing else of the project
MISCCFG = 8  # what is kept beside the project
SAME_WEIGHT = 0.005  # names have whole per cents


@dataclass
class Entry:
    """What a target's instance is to hold, and its name.

    `alone`: no other of our instances stays on that track. `afresh`: what somebody changed by hand is dropped. `heard`:
    the sound it was computed for, to be learned from later. `moving`: the EQ along the project, where it is to follow
    the song.
    """

    target: Target
    eq: Eq
    name: str
    alone: bool = False
    afresh: bool = False
    heard: Mapping[str, Any] | None = None
    moving: MovingEq | None = None

    @property
    def family(self) -> str:
        """By its name."""
        return family_of(self.name) or "word"

    @property
    def blend(self) -> Mapping[str, float]:
        """As its name says."""
        return blend_of(self.name, self.family)


def check_still_there(reaper: Api, targets: Sequence[Target]) -> None:
    """Raises `LiveError` if the project, or something that is about to be rendered or changed, is gone."""
    if front_project(reaper) != reaper.project:
        raise LiveError("another project came to the front in REAPER: nothing was changed, go back and try again")
    for target in targets:
        for pointer in (target.track, *target.items):
            if not exists(reaper, pointer):
                what = "it" if pointer == target.track else "an item on it"
                raise LiveError(f"{target.name!r}: {what} was removed meanwhile: nothing was changed, try again")


@contextmanager
def undo_point(reaper: Api, label: str, targets: Sequence[Target], more: int = 0) -> Iterator[None]:
    """What is done in it is one undo point; whatever is raised, all of it is taken back. While REAPER is held.

    `more`: flags of what it changes beside tracks and FX.
    """
    check_still_there(reaper, targets)
    failed = True
    block = begin_block(reaper)
    try:
        with reaper.guard() as later:
            render_state.no_automation(reaper, [target.track for target in targets], later)
            yield
        failed = False
    finally:
        with reaper.closed():
            end_block(reaper, block, None if failed else f"AEQ: {label}", more)
        if not failed:
            reaper.settled()


def begin_block(reaper: Api) -> str:
    """An undo block; gives the label under which it is to be taken back, which no other step has."""
    with reaper.closed():
        reaper("Undo_BeginBlock2", reaper.project)
        reaper("PreventUIRefresh", 1)
    return f"AEQ: taken back {secrets.token_hex(4)}"


def end_block(reaper: Api, block: str, label: str | None, more: int = 0) -> None:
    """Closes it as a step called `label`, or, with None, takes back what it changed.

    REAPER adds no step for a block that changed nothing: undo would then take the user's own last edit, so it is only
    called while our step is the last one.
    """
    reaper("PreventUIRefresh", -1)
    reaper("Undo_EndBlock2", reaper.project, label or block, UNDO_STATE | more)
    if label is None and last_step(reaper) == block:
        reaper("Undo_DoUndo2", reaper.project)


def last_step(reaper: Api) -> str:
    """What Edit > Undo would take back, "" for nothing: Undo_CanUndo2 fails in Python where there is nothing."""
    try:
        return reaper("Undo_CanUndo2", reaper.project) or ""
    except RefusedCall:
        return ""


def write_all(reaper: Api, label: str, entries: Sequence[Entry]) -> None:
    """The EQs of all entries as one undo point."""
    # which envelopes of the master's EQ are ours is kept beside the project
    more = MISCCFG if any(e.target.is_master and (e.moving or e.target.instance) for e in entries) else 0
    with undo_point(reaper, _counted(label, len(entries)), [entry.target for entry in entries], more):
        for entry in entries:
            write_one(reaper, entry)


def write_one(reaper: Api, entry: Entry) -> None:
    """Into our instance if there is one, else into a new one at the target's place. Raises `LiveError`."""
    target, track = entry.target, entry.target.track
    instance = instances.find(reaper, track, target.family)  # FX may have been moved or added meanwhile
    if instance and reaper("TrackFX_GetOffline", track, instance.index):
        raise LiveError(f"the EQ of ours on {target.name!r} is offline: set it online in the FX window, then try again")
    if instance and entry.alone:
        guid = fx.guid(reaper, track, instance.index)
        while others := [one for one in instances.ours(reaper, track) if fx.guid(reaper, track, one.index) != guid]:
            _delete(reaper, track, others[-1].index, target)
        index = fx.find(reaper, track, guid)
        if index is None:
            raise _not_taken(reaper, target, "its place in the chain")
        instance = replace(instance, index=index)
    # read before a fresh one takes its place
    edit = instances.edit_of(reaper, track, None if entry.afresh else instance)
    whole = _with_edit(entry, edit)
    lanes = _without_lanes(reaper, target, instance) if instance else ()
    new_place = 0 if target.place == "first" else reaper("TrackFX_GetCount", track)
    place = instance.index if instance else new_place
    index = instance.index if instance else reaeq.add(reaper, track, place)
    if index is None:
        raise _not_added(reaper, target)
    # what holds the hand's work already stays as it is to the last digit
    what = None if edit and reaeq.holds(reaper, track, index, whole) else reaeq.write(reaper, track, index, whole)
    # a name that the user gave it stays
    own = instance is not None and instance.has_own_name and not entry.alone
    name = instance.name if instance and own else entry.name + EDITED * bool(edit)
    if not what and entry.moving:
        target.steady = moving.why_not(index, instance, whole, lanes)
        if not target.steady:
            lanes, what = moving.write(reaper, track, index, along(entry.eq, whole, entry.moving), lanes)
    if not what and not instances.rename(reaper, track, index, name):
        what = "its name"
    if not what and index != place:
        what = "its place in the chain"
    if what:
        raise _not_taken(reaper, target, what)
    moving.keep(reaper, track, index, lanes)
    told, learned = (edit.change, edit.record.learned) if edit else ("", "")
    record = InstanceRecord(
        fx=fx.guid(reaper, track, index), family=entry.family, name=name, blend=entry.blend, eq=entry.eq.to_dict(),
        heard=entry.heard, told=told, learned=learned, lanes=lanes,
    )  # fmt: skip
    instances.note(reaper, track, record, target.group)
    if instance:
        target.kept = told
        target.overridden = reaeq.overridden(reaper, track, index, whole, lanes)
        if fx.is_bypassed(reaper, track, index):  # one that was off and gets a new EQ is meant to be heard
            fx.bypass(reaper, track, index, False)


def eq_to_write(reaper: Api, entry: Entry) -> Eq:
    """With what somebody changed by hand in the instance that is there."""
    if entry.afresh:
        return entry.eq
    instance = instances.find(reaper, entry.target.track, entry.target.family)
    return _with_edit(entry, instances.edit_of(reaper, entry.target.track, instance))


def _with_edit(entry: Entry, edit: HandEdit | None) -> Eq:
    """The answer with the hand's work on it. Raises `LiveError` where that cannot be read."""
    if edit is None:
        return entry.eq
    if None in edit.held.bands:
        raise LiveError(
            f"the EQ of ours on {entry.target.name!r} was given a band of a kind that only ReaEQ can compute: choose"
            " another kind for it, or say --afresh to drop what was changed by hand"
        )
    if edit.record.taught and _same_question(edit.record, entry):
        # the word has learned of it: how much of it the answer has by itself now is known to the last digit
        return edit.held.known
    return kept(edit.computed, edit.held, entry.eq)


def _same_question(record: InstanceRecord, entry: Entry) -> bool:
    """One word, as much of it, the same sound."""
    if record.heard is None or entry.heard is None or record.heard.get("ltas") != entry.heard["ltas"]:
        return False
    if len(entry.blend) != 1 or entry.blend.keys() != record.blend.keys():
        return False
    return all(abs(weight - record.blend[word]) < SAME_WEIGHT for word, weight in entry.blend.items())


def put_in_for_now(reaper: Api, entries: Sequence[Entry], later: Later) -> None:
    """New instances with the EQs of `entries`, taken out again by `later`: for a mix to be heard with them.

    What of ours is there is bypassed meanwhile and not written to, so that it stays as it is to the letter. All is
    inside one undo block, for adding an FX would be a step of its own; a block that leaves all as it was is none.
    """
    before = {entry.target.track: instances.guids(reaper, entry.target.track) for entry in entries}
    block = begin_block(reaper)

    def close() -> None:
        clean = all(instances.guids(reaper, track) == alive for track, alive in before.items())
        # a step that carries what the user changed before, without a step of its own, must not be undone
        end_block(reaper, block, "AEQ: heard the tracks" if clean else None)

    later(close)
    render_state.no_automation(reaper, [entry.target.track for entry in entries], later)
    for entry in entries:
        track = entry.target.track
        ours, whole = instances.ours(reaper, track), eq_to_write(reaper, entry)
        fx.bypass_for_now(reaper, track, [one.index for one in ours], later)
        instance = instances.find(reaper, track, entry.target.family)
        count = reaper("TrackFX_GetCount", track)
        place = min(instance.index, count) if instance else 0 if entry.target.place == "first" else count
        index = reaeq.add(reaper, track, place)
        if index is None:
            raise _not_added(reaper, entry.target)
        later(partial(_take_out, reaper, track, fx.guid(reaper, track, index)))
        if what := reaeq.write(reaper, track, index, whole):
            raise _not_taken(reaper, entry.target, what)


def remove_all(reaper: Api, targets: Sequence[Target]) -> list[tuple[Target, str]]:
    """Takes our EQs away, and nothing else, as one undo point; returns which. Raises `LiveError` if there are none."""
    found = [(target, instances.ours(reaper, target.track)) for target in targets]
    if not any(here for _, here in found):
        raise LiveError("no EQ of ours is on these tracks: there is nothing to remove")
    holders = [target for target, here in found if here]
    with undo_point(reaper, _counted("remove EQ", len(holders)), holders):
        for target, here in found:
            for _ in here:  # looked up anew: deleting moves those behind
                _delete(reaper, target.track, instances.ours(reaper, target.track)[-1].index, target)
            if here:
                instances.note(reaper, target.track)
    return [(target, one.name) for target, here in found for one in here]


def _without_lanes(reaper: Api, target: Target, instance: instances.Instance) -> tuple[int, ...]:
    """Rids an instance of the envelopes by which it follows the song: a fresh one takes its place, for no call deletes
    an envelope; its wet/dry mix goes with it. Where the user has some on it, it stays, and ours are emptied and
    switched off; gives these."""
    track, index = target.track, instance.index
    ours = set(moving.ours(reaper, track, instance))
    if not ours or not (there := fx.lanes(reaper, track, index)):
        return ()
    if set(there) - ours:
        for parameter in sorted(ours & set(there)):
            moving.clear(reaper, there[parameter])
            reaper("GetSetEnvelopeInfo_String", there[parameter], "ACTIVE", "0", True)
        return tuple(sorted(ours & set(there)))
    wet = fx.parameter_called(reaper, track, index, fx.WET)
    mix = 1.0 if wet is None else reaper("TrackFX_GetParam", track, index, wet, 0, 0)[0]
    if reaeq.add(reaper, track, index) != index:
        raise _not_added(reaper, target)
    _delete(reaper, track, index + 1, target)
    # its number is another where the numbers of bands differ
    if mix != 1 and (wet := fx.parameter_called(reaper, track, index, fx.WET)) is not None:
        reaper("TrackFX_SetParam", track, index, wet, mix)
    return ()


def note_learned(reaper: Api, target: Target, edit: HandEdit, computed: Eq) -> None:
    """What counts as computed from now on, beside the track, and the name; in a block of the caller's."""
    track, before = target.track, edit.record
    found = (one for one in instances.ours(reaper, track) if one.record and one.record.fx == before.fx)
    if (instance := next(found, None)) is None:
        raise LiveError(f"the EQ of ours on {target.name!r} was removed meanwhile: nothing was changed, try again")
    name = instance.name
    if not instance.has_own_name and not name.endswith(EDITED):
        name += EDITED
        if not instances.rename(reaper, track, instance.index, name):
            raise _not_taken(reaper, target, "its name")
    learned = replace(
        before, fx=fx.guid(reaper, track, instance.index), name=name, eq=computed.to_dict(),
        learned=signature(edit.held), taught=True,
    )  # fmt: skip
    instances.note(reaper, track, learned)


def _take_out(reaper: Api, track: str, guid: str) -> None:
    index = fx.find(reaper, track, guid)
    if index is not None:
        _delete(reaper, track, index)


def _delete(reaper: Api, track: str, index: int, target: Target | None = None) -> None:
    if not reaper("TrackFX_Delete", track, index):
        if target:
            check.may_change(reaper, target, heavy=True)  # a lock may be why
        raise LiveError("REAPER did not remove an FX of ours: everything was taken back, close its dialogs, try again")


def _not_added(reaper: Api, target: Target) -> LiveError:
    check.may_change(reaper, target, heavy=True)  # a lock may be why
    return LiveError("REAPER could not add ReaEQ, which comes with it: scan its plug-ins again, or reinstall it")


def _not_taken(reaper: Api, target: Target, what: str) -> LiveError:
    check.may_change(reaper, target, heavy=True)  # a lock may be why
    return LiveError(
        f"ReaEQ on {target.name!r} did not take the values ({what}): everything was taken back, the action"
        " 'AEQ_Self-test' shows what is different in this REAPER"
    )


def _counted(label: str, tracks: int) -> str:
    return f"{label} ({tracks} tracks)" if tracks > 1 else label
