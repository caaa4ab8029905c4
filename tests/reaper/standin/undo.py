"""Undo: a block makes one point, but only if the project differs from the last point; a step restores all of that."""

from __future__ import annotations

from .errors import ArgumentRefused, StandInError
from .project import Project
from .registry import api
from .tree import Node, parse

FX, ITEMS, TRACKCFG, MISCCFG, FREEZE = 2, 4, 1, 8, 16


def begin(project: Project) -> None:
    project.block.append(project.bytes())


def end(project: Project, label: str, flags: int) -> None:
    if not project.block:
        raise StandInError("undo block", f"Undo_EndBlock2({label!r}) without a beginning")
    before = project.block.pop()
    if not project.block:
        project.steps += 1
        missing = _flags_needed(before, project.bytes()) & ~flags
        if flags != -1 and missing:
            raise StandInError("undo flags", f"{label!r} changed what its flags {flags} leave out ({missing})")
        record(project, label, flags)


def record(project: Project, label: str, flags: int = -1) -> None:
    """A point, if anything differs from the last one: also what was changed before and without a point of its own."""
    if project.bytes() != project.saved_state:
        project.add_undo_point(label, project.saved_state, flags)


def step_outside_block(project: Project, label: str) -> None:
    """What REAPER itself records for a call; inside a block that takes it in."""
    if not project.block:
        project.steps += 1
        record(project, label)


def _flags_needed(before: bytes, after: bytes) -> int:
    """Which parts of the project differ, as undo flags (docs/reaper.md, section 10)."""
    if before == after:
        return 0
    needed = 0
    roots = parse(before)[0], parse(after)[0]
    for flag, names in ((ITEMS, ("ITEM",)), (FX, ("FXCHAIN", "MASTERFXLIST"))):
        removed = [_remove(root, names) for root in roots]
        needed |= flag if removed[0] != removed[1] else 0
    tracks = [_remove(root, ("TRACK",)) for root in roots]
    needed |= TRACKCFG if tracks[0] != tracks[1] else 0
    return needed | (MISCCFG if list(roots[0].lines()) != list(roots[1].lines()) else 0)


def _remove(node: Node, names: tuple[str, ...]) -> list[str]:
    """Takes the named chunks out of a tree and returns their lines."""
    taken, kept = [], []
    for part in node.body:
        if isinstance(part, Node) and part.name in names:
            taken += part.lines()
            continue
        if isinstance(part, Node):
            taken += _remove(part, names)
        kept.append(part)
    node.body = kept
    return taken


@api
def Undo_BeginBlock2(reaper, project):
    begin(project)


@api
def Undo_EndBlock2(reaper, project, label, flags):
    end(project, label, flags)
    reaper.running.blocks_closed += 1


@api
def Undo_BeginBlock(reaper):
    begin(reaper.project)


@api
def Undo_EndBlock(reaper, label, flags):
    Undo_EndBlock2(reaper, reaper.project, label, flags)


@api
def Undo_OnStateChange2(reaper, project, label):
    """Recorded nothing for volumes, FX and markers where it was measured."""
    reaper.running.blocks_closed += 1


@api
def Undo_CanUndo2(reaper, project):
    return project.undo_points[-1].label if project.undo_points else None


@api
def Undo_CanRedo2(reaper, project):
    return project.redo_points[-1].label if project.redo_points else None


@api
def Undo_DoUndo2(reaper, project):
    if project.block:
        raise StandInError("undo block", "undo inside an undo block")
    return int(bool(project.undo()))


@api
def Undo_DoRedo2(reaper, project):
    if not project.redo_points:
        return 0
    project.steps += 1
    point = project.redo_points.pop()
    project.undo_points.append(point)
    project.restore(point.after)
    project.saved_state = point.after
    return 1


@api
def PreventUIRefresh(reaper, count):
    if count == 0:
        raise ArgumentRefused("PreventUIRefresh(0) does nothing")
    reaper.refresh_prevented += count


@api
def MarkProjectDirty(reaper, project):
    project.dirty = True


@api
def IsProjectDirty(reaper, project):
    return int(project.dirty)


@api
def GetProjectStateChangeCount(reaper, project):
    """Moves by one at the end of a block, even of one that changed nothing, and by no write outside of one (measured in
    7.82, Windows); nor by tracks that are inserted or deleted (7.77, macOS)."""
    return project.steps
