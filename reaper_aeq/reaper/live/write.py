"""The one place that changes the project: all tracks of a run in one undo point, in one of REAPER's cycles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...bands import Eq
from . import reaeq
from .api import Api, LiveError
from .check import chunk_of
from .target import Target, front_project

UNDO_FX = 2  # UNDO_STATE_FX: track and master FX, nothing else of the project


@dataclass
class Entry:
    """What a target's instance is to hold, and its name. `alone`: no other of our instances stays on that track."""

    target: Target
    eq: Eq
    name: str
    alone: bool = False


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


def undoable(reaper: Api, project: str, label: str, targets: Sequence[Target], body: Callable[[], None]) -> None:
    """`body()` as one undo point; whatever it raises, all of it is taken back. To be called while REAPER is held."""
    check_still_there(reaper, project, targets)
    failed = True
    with reaper.closed():
        reaper("Undo_BeginBlock2", project)
        reaper("PreventUIRefresh", 1)
    try:
        body()
        failed = False
    finally:
        with reaper.closed():
            reaper("PreventUIRefresh", -1)
            reaper("Undo_EndBlock2", project, f"AEQ: {label}", UNDO_FX)
            if failed:
                reaper("Undo_DoUndo2", project)
            else:
                reaper.settled()


def write_all(reaper: Api, project: str, label: str, entries: Sequence[Entry]) -> None:
    """The EQs of all entries as one undo point."""

    def body() -> None:
        for entry in entries:
            write_one(reaper, entry)

    undoable(reaper, project, _counted(label, len(entries)), [entry.target for entry in entries], body)


def write_one(reaper: Api, entry: Entry) -> None:
    """Into our instance if there is one, else into a new one at the target's place. Raises `LiveError`."""
    target, track = entry.target, entry.target.track
    old = _current(reaper, target)
    if entry.alone:
        for other in reversed(reaeq.ours(reaper, track)):
            if old is not None and other.index != old:
                reaper("TrackFX_Delete", track, other.index)
                old -= other.index < old
    place = 0 if target.place == "first" else reaper("TrackFX_GetCount", track)
    fx = old if old is not None else reaeq.add(reaper, track, place)
    if fx is None:
        raise LiveError("REAPER could not add ReaEQ, which comes with it: scan its plug-ins again, or reinstall it")
    what = reaeq.write(reaper, track, fx, entry.eq)
    if not what and not reaeq.rename(reaper, track, fx, entry.name):
        what = "its name"
    if not what and fx != (place if old is None else old):
        what = "its place in the chain"
    if what:
        raise LiveError(
            f"ReaEQ on {target.name!r} did not take the values ({what}): everything was taken back, the action"
            " 'AEQ_Self-test' shows what is different in this REAPER"
        )
    # an instance that was off and gets a new EQ is meant to be heard
    if old is not None and not reaper("TrackFX_GetEnabled", track, fx):
        reaper("TrackFX_SetEnabled", track, fx, True)


def remove_all(reaper: Api, project: str, targets: Sequence[Target]) -> list[tuple[Target, str]]:
    """Takes our EQs away, and nothing else, as one undo point; returns which. Raises `LiveError` if there are none."""
    found = [(target, reaeq.ours(reaper, target.track)) for target in targets]
    if not any(instances for _, instances in found):
        raise LiveError("no EQ of ours is on these tracks: there is nothing to remove")

    def body() -> None:
        for target, instances in found:
            for instance in reversed(instances):  # from the end: deleting moves those behind
                reaper("TrackFX_Delete", target.track, instance.index)

    holders = [target for target, instances in found if instances]
    undoable(reaper, project, _counted("remove EQ", len(holders)), holders, body)
    return [(target, instance.name) for target, instances in found for instance in instances]


def put_in_for_now(reaper: Api, entries: Sequence[Entry], later: Callable) -> None:
    """Writes entries that `later` takes out again, to the letter: for a mix to be heard with them. Not the master's."""
    for entry in entries:
        track, before = entry.target.track, chunk_of(reaper, entry.target.track)
        later(lambda track=track, before=before: reaper("SetTrackStateChunk", track, before, False))
        write_one(reaper, entry)


def _current(reaper: Api, target: Target) -> int | None:
    """Where the target's instance is now: FX may have been moved or added meanwhile."""
    found = [one for one in reaeq.ours(reaper, target.track) if target.family in (None, one.family)]
    return found[0].index if found else None


def _counted(label: str, tracks: int) -> str:
    return f"{label} ({tracks} tracks)" if tracks > 1 else label
