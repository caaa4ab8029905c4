"""The one place that changes the project: all tracks of a run in one undo point, in one of REAPER's cycles."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ...eq import Eq, MovingEq
from ..edits import along, signature
from ..instance_record import EDITED, record_of
from . import by_hand, check, envelopes, fx, moving, reaeq, records, render_state
from .api import Api, Later, LiveError, RefusedCall
from .target import Target, front_project

UNDO_STATE = 1 | 2  # track and master FX, and what is kept beside a track; nothing else of the project
MISCCFG = 8  # what is kept beside the project


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
        return reaeq.family_of(self.name) or "word"

    @property
    def blend(self) -> Mapping[str, float]:
        """As its name says."""
        return reaeq.Instance(0, self.name, self.family).blend


def check_still_there(reaper: Api, project: str, targets: Sequence[Target]) -> None:
    """Raises `LiveError` if the project, or something that is about to be rendered or changed, is gone."""
    if front_project(reaper) != project:
        raise LiveError("another project came to the front in REAPER: nothing was changed, go back and try again")
    for target in targets:
        # the pointer of something deleted dangles: to use it could take REAPER down
        pointers = [(target.track, "MediaTrack*"), *((item, "MediaItem*") for item in target.items)]
        for pointer, kind in pointers:
            # reapy's own form of this function wants the bare address
            if not reaper("ValidatePtr2", project, int(pointer.split(")")[1], 16), kind):
                what = "it" if kind == "MediaTrack*" else "an item on it"
                raise LiveError(f"{target.name!r}: {what} was removed meanwhile: nothing was changed, try again")


def undoable(
    reaper: Api, project: str, label: str, targets: Sequence[Target], body: Callable[[], None], more: int = 0
) -> None:
    """`body()` as one undo point; whatever it raises, all of it is taken back. To be called while REAPER is held.

    `more`: flags of what it changes beside tracks and FX.
    """
    check_still_there(reaper, project, targets)
    failed = True
    block = begin_block(reaper, project)
    try:
        with reaper.guard() as later:
            render_state.no_automation(reaper, project, [target.track for target in targets], later)
            body()
        failed = False
    finally:
        with reaper.closed():
            end_block(reaper, project, block, None if failed else f"AEQ: {label}", more)
        if not failed:
            reaper.settled()


def begin_block(reaper: Api, project: str) -> str:
    """An undo block; gives the label under which it is to be taken back, which no other step has."""
    with reaper.closed():
        reaper("Undo_BeginBlock2", project)
        reaper("PreventUIRefresh", 1)
    return f"AEQ: taken back {secrets.token_hex(4)}"


def end_block(reaper: Api, project: str, block: str, label: str | None, more: int = 0) -> None:
    """Closes it as a step called `label`, or, with None, takes back what it changed.

    REAPER adds no step for a block that changed nothing: undo would then take the user's own last edit, so it is only
    called while our step is the last one.
    """
    reaper("PreventUIRefresh", -1)
    reaper("Undo_EndBlock2", project, label or block, UNDO_STATE | more)
    if label is None and last_step(reaper, project) == block:
        reaper("Undo_DoUndo2", project)


def last_step(reaper: Api, project: str) -> str:
    """What Edit > Undo would take back, "" for nothing: Undo_CanUndo2 fails in Python where there is nothing."""
    try:
        return reaper("Undo_CanUndo2", project) or ""
    except RefusedCall:
        return ""


def write_all(reaper: Api, project: str, label: str, entries: Sequence[Entry]) -> None:
    """The EQs of all entries as one undo point."""

    def body() -> None:
        for entry in entries:
            write_one(reaper, project, entry)

    targets = [entry.target for entry in entries]
    # which envelopes of the master's EQ are ours is kept beside the project
    more = MISCCFG if any(e.target.is_master and (e.moving or e.target.instance) for e in entries) else 0
    undoable(reaper, project, _counted(label, len(entries)), targets, body, more)


def write_one(reaper: Api, project: str, entry: Entry) -> None:
    """Into our instance if there is one, else into a new one at the target's place. Raises `LiveError`."""
    target, track = entry.target, entry.target.track
    instance = reaeq.find(reaper, track, target.family)  # FX may have been moved or added meanwhile
    old = instance.index if instance else None
    if old is not None and reaper("TrackFX_GetOffline", track, old):
        raise LiveError(f"the EQ of ours on {target.name!r} is offline: set it online in the FX window, then try again")
    if entry.alone and old is not None:
        kept = fx.guid(reaper, track, old)
        while others := [one for one in reaeq.ours(reaper, track) if fx.guid(reaper, track, one.index) != kept]:
            _delete(reaper, track, others[-1].index, target)
        old = fx.find(reaper, track, kept)
    moved = replace(instance, index=old) if instance and old is not None and not entry.afresh else None
    # read before a fresh one takes its place
    edit = by_hand.edit_of(reaper, track, moved)
    whole = by_hand.with_edit(target, edit, entry.eq, entry.blend, entry.heard)
    lanes = _without_lanes(reaper, project, target, old, instance) if old is not None and instance else ()
    place = 0 if target.place == "first" else reaper("TrackFX_GetCount", track)
    index = old if old is not None else reaeq.add(reaper, track, place)
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
            sections, bands = along(entry.eq, whole, entry.moving), reaeq.count(reaper, track, index)
            lanes, what = moving.write(reaper, track, index, bands, sections, lanes)
    if not what and not reaeq.rename(reaper, track, index, name):
        what = "its name"
    if not what and index != (place if old is None else old):
        what = "its place in the chain"
    if what:
        raise _not_taken(reaper, target, what)
    moving.keep(reaper, project, track, index, lanes)
    told = {"told": edit.change, "learned": edit.record.learned} if edit else {}
    _note(reaper, track, index, entry, name, heard=entry.heard, lanes=lanes, **told)
    if old is not None:
        target.kept = edit.change if edit else ""
        target.overridden = reaeq.overridden(reaper, track, index, whole, lanes)
    # an instance that was off and gets a new EQ is meant to be heard
    if old is not None and fx.is_bypassed(reaper, track, index):
        fx.bypass(reaper, track, index, False)


def eq_to_write(reaper: Api, entry: Entry) -> Eq:
    """With what somebody changed by hand in the instance that is there."""
    if entry.afresh:
        return entry.eq
    instance = reaeq.find(reaper, entry.target.track, entry.target.family)
    edit = by_hand.edit_of(reaper, entry.target.track, instance)
    return by_hand.with_edit(entry.target, edit, entry.eq, entry.blend, entry.heard)


def put_in_for_now(reaper: Api, project: str, entries: Sequence[Entry], later: Later) -> None:
    """New instances with the EQs of `entries`, taken out again by `later`: for a mix to be heard with them.

    What of ours is there is bypassed meanwhile and not written to, so that it stays as it is to the letter. All is
    inside one undo block, for adding an FX would be a step of its own; a block that leaves all as it was is none.
    """
    before = {entry.target.track: _alive(reaper, entry.target.track) for entry in entries}
    block = begin_block(reaper, project)

    def close() -> None:
        clean = all(_alive(reaper, track) == alive for track, alive in before.items())
        # a step that carries what the user changed before, without a step of its own, must not be undone
        end_block(reaper, project, block, "AEQ: heard the tracks" if clean else None)

    later(close)
    render_state.no_automation(reaper, project, [entry.target.track for entry in entries], later)
    for entry in entries:
        track = entry.target.track
        ours, whole = reaeq.ours(reaper, track), eq_to_write(reaper, entry)
        fx.bypass_for_now(reaper, project, track, [fx.LiveFx(one.index) for one in ours], later)
        instance = reaeq.find(reaper, track, entry.target.family)
        count = reaper("TrackFX_GetCount", track)
        place = min(instance.index, count) if instance else 0 if entry.target.place == "first" else count
        index = reaeq.add(reaper, track, place)
        if index is None:
            raise _not_added(reaper, entry.target)
        later(partial(_take_out, reaper, track, fx.guid(reaper, track, index)))
        if what := reaeq.write(reaper, track, index, whole):
            raise _not_taken(reaper, entry.target, what)


def remove_all(reaper: Api, project: str, targets: Sequence[Target]) -> list[tuple[Target, str]]:
    """Takes our EQs away, and nothing else, as one undo point; returns which. Raises `LiveError` if there are none."""
    found = [(target, reaeq.ours(reaper, target.track)) for target in targets]
    if not any(instances for _, instances in found):
        raise LiveError("no EQ of ours is on these tracks: there is nothing to remove")

    def body() -> None:
        for target, instances in found:
            for _ in instances:  # looked up anew: deleting moves those behind
                _delete(reaper, target.track, reaeq.ours(reaper, target.track)[-1].index, target)
            if instances:
                kept, alive = records.read(reaper, target.track), _alive(reaper, target.track)
                left = [record for record in kept.records if record.fx in alive]
                records.keep(reaper, target.track, replace(kept, records=left))

    holders = [target for target, instances in found if instances]
    undoable(reaper, project, _counted("remove EQ", len(holders)), holders, body)
    return [(target, instance.name) for target, instances in found for instance in instances]


def _without_lanes(
    reaper: Api, project: str, target: Target, index: int, instance: reaeq.Instance
) -> tuple[int, ...]:  # fmt: skip
    """Rids an instance of the envelopes by which it follows the song: a fresh one takes its place, for no call deletes
    an envelope; its wet/dry mix goes with it. Where the user has some on it, it stays, and ours are emptied and
    switched off; gives these."""
    track = target.track
    ours = set(moving.ours(reaper, project, track, replace(instance, index=index)))
    if not ours or not (there := envelopes.lanes(reaper, track, index)):
        return ()
    if set(there) - ours:
        for parameter in sorted(ours & set(there)):
            moving.clear(reaper, there[parameter])
            envelopes.switch_off(reaper, there[parameter])
        return tuple(sorted(ours & set(there)))
    wet = envelopes.parameter_called(reaper, track, index, envelopes.WET)
    mix = 1.0 if wet is None else reaper("TrackFX_GetParam", track, index, wet, 0, 0)[0]
    if reaeq.add(reaper, track, index) != index:
        raise _not_added(reaper, target)
    _delete(reaper, track, index + 1, target)
    # its number is another where the numbers of bands differ
    if mix != 1 and (wet := envelopes.parameter_called(reaper, track, index, envelopes.WET)) is not None:
        reaper("TrackFX_SetParam", track, index, wet, mix)
    return ()


def note_learned(reaper: Api, target: Target, edit: by_hand.HandEdit, computed: Eq) -> None:
    """What counts as computed from now on, beside the track, and the name; in a block of the caller's."""
    track, before = target.track, edit.record
    found = (one for one in reaeq.ours(reaper, track) if one.record and one.record.fx == before.fx)
    if (instance := next(found, None)) is None:
        raise LiveError(f"the EQ of ours on {target.name!r} was removed meanwhile: nothing was changed, try again")
    name = instance.name
    if not instance.has_own_name and not name.endswith(EDITED):
        name += EDITED
        if not reaeq.rename(reaper, track, instance.index, name):
            raise _not_taken(reaper, target, "its name")
    learned = record_of(
        fx.guid(reaper, track, instance.index), before.family, name, before.blend, computed, heard=before.heard,
        told=before.told, learned=signature(edit.held), taught=True, lanes=before.lanes,
    )  # fmt: skip
    records.note(reaper, track, learned, _alive(reaper, track))


def _note(reaper: Api, track: str, index: int, entry: Entry, name: str, **more: Any) -> None:
    """What was written is kept beside the track: the FX is found again whatever it is called."""
    record = record_of(fx.guid(reaper, track, index), entry.family, name, entry.blend, entry.eq, **more)
    records.note(reaper, track, record, _alive(reaper, track), entry.target.group)


def _alive(reaper: Api, track: str) -> set[str]:
    return {fx.guid(reaper, track, one.index) for one in fx.every(fx.chain(reaper, track))}


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
