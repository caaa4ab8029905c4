"""Project tabs, pointers, transport, cursor and time selection."""

from __future__ import annotations

from pathlib import Path

from .errors import StandInError
from .handles import Item, Take, Track
from .project import Project
from .registry import api

_TYPES = {"ReaProject*": Project, "MediaTrack*": Track, "MediaItem*": Item, "MediaItem_Take*": Take}


@api
def EnumProjects(reaper, index):
    """-1 is the tab in front. The file name is "" for a project that was never saved."""
    if index == 0x40000000:  # the one that renders in the background
        rendering = reaper.background.project if reaper.background else None
        return (None, "") if rendering is None else (rendering, str(rendering.path or ""))
    project = reaper.project if index == -1 else None
    if 0 <= index < len(reaper.projects):
        project = reaper.projects[index]
    return (None, "") if project is None else (project, str(project.path or ""))


@api
def SelectProjectInstance(reaper, project):
    reaper.project = project


@api
def GetProjectName(reaper, project):
    return project.path.name if project.path else ""


@api
def GetProjectPath(reaper):
    return _path(reaper.project)


@api
def GetProjectPathEx(reaper, project):
    """The recording path: Media inside the project's folder, where the project says so."""
    return _path(project)


def _path(project):
    record = project.root.get("RECORD_PATH") or [""]
    return str(Path(project.folder()) / record[0]) if record[0] else str(project.folder())


@api
def ValidatePtr2(reaper, project, pointer, kind):
    if kind not in _TYPES and kind != "PCM_source*":
        raise StandInError("argument", f"ValidatePtr2 knows no type {kind!r} (is the * missing?)")
    if kind == "ReaProject*":
        return isinstance(pointer, Project) and pointer.open
    right = isinstance(pointer, _TYPES[kind]) if kind in _TYPES else pointer.lua_type == "PCM_source"
    owner = getattr(pointer, "project", None)
    return bool(right and pointer.alive and (owner is None or owner is project))


@api
def ValidatePtr(reaper, pointer, kind):
    return any(ValidatePtr2(reaper, project, pointer, kind) for project in reaper.projects)


@api
def GetProjectLength(reaper, project):
    ends = [item.node.number("POSITION") + item.node.number("LENGTH") for item in project.items]
    return max(ends, default=0.0)


@api
def GetPlayStateEx(reaper, project):
    """&1 playing, &2 paused, &4 recording."""
    return project.play_state


@api
def GetPlayState(reaper):
    return reaper.project.play_state


@api
def GetPlayPositionEx(reaper, project):
    return project.play_position


@api
def OnStopButtonEx(reaper, project):
    project.play_state = 0


@api
def OnPlayButtonEx(reaper, project):
    project.play_state = 1


@api
def OnPauseButtonEx(reaper, project):
    project.play_state = 2 if project.play_state & 1 else 1


@api
def OnStopButton(reaper):
    OnStopButtonEx(reaper, reaper.project)


@api
def OnPlayButton(reaper):
    OnPlayButtonEx(reaper, reaper.project)


@api
def CSurf_OnStop(reaper):
    OnStopButtonEx(reaper, reaper.project)


@api
def CSurf_OnPlay(reaper):
    OnPlayButtonEx(reaper, reaper.project)


@api
def GetCursorPositionEx(reaper, project):
    return project.root.number("CURSOR")


@api
def GetCursorPosition(reaper):
    return reaper.project.root.number("CURSOR")


@api
def SetEditCurPos2(reaper, project, time, moveview, seekplay):
    if project.root.number("CURSOR") != time:
        project.root.set("CURSOR", [time])
        project.touch()
    if seekplay:
        project.play_position = time


@api
def SetEditCurPos(reaper, time, moveview, seekplay):
    SetEditCurPos2(reaper, reaper.project, time, moveview, seekplay)


# bits of the preference projsellock, as the SWS extension reads it
LOCKED, LOCK_SELECTION, LOCK_LOOP = 1 << 14, 1, 1 << 10


@api
def GetSet_LoopTimeRange2(reaper, project, is_set, is_loop, start, end, autoseek):
    key = "SELECTION2" if is_loop else "SELECTION"
    if is_set and (project.root.number(key, 0), project.root.number(key, 1)) != (start, end):
        locks = int(reaper.preferences.config.get("projsellock", "0"))
        if locks & LOCKED and locks & (LOCK_LOOP if is_loop else LOCK_SELECTION):
            raise StandInError("dialog", "Loop/time selections locked")
        project.root.set(key, [start, end], after=("PLAYRATE", "SELECTION"))
        project.touch()
    return project.root.number(key, 0), project.root.number(key, 1)


@api
def GetSet_LoopTimeRange(reaper, is_set, is_loop, start, end, autoseek):
    return GetSet_LoopTimeRange2(reaper, reaper.project, is_set, is_loop, start, end, autoseek)


@api
def GetSetRepeatEx(reaper, project, value):
    """-1 asks, 0 and 1 set, 2 switches over."""
    now = int(project.root.number("LOOP"))
    new = {-1: now, 0: 0, 1: 1, 2: 1 - now}[value]
    if new != now:
        project.root.set("LOOP", [new])
        project.touch()
    return new


@api
def GetSetRepeat(reaper, value):
    return GetSetRepeatEx(reaper, reaper.project, value)
