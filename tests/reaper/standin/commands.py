"""REAPER's own actions, as many as scripts of ours may call."""

from __future__ import annotations

import time

import soundfile

from .background_render import BackgroundRender
from .building import close_tab, new_tab
from .errors import StandInError
from .handles import Track
from .media import forget_formats
from .project_api import OnPlayButtonEx, OnStopButtonEx
from .registry import api
from .render import begin, render

RENDER = (41824, 42230)  # with the last settings; 42230 closes its window by itself


@api
def Main_OnCommandEx(reaper, command, flag, project):
    reaper.commands.append(command)
    if command in RENDER:
        _render(reaper, project, command)
    elif command in _SIMPLE:
        _SIMPLE[command](reaper, project)
    else:
        raise StandInError("not modeled", f"action {command}")


@api
def Main_OnCommand(reaper, command, flag):
    Main_OnCommandEx(reaper, command, flag, reaper.project)


def _render(reaper, project, command):
    if project is not reaper.project:
        raise StandInError("render", "a project that is not in front cannot be rendered")
    if command == 41824:
        raise StandInError("render", "41824 leaves its window open until the user closes it; use 42230")
    if project.play_state & 4:
        raise StandInError("render", "REAPER would ask: it is recording")
    if reaper.background is not None:
        raise StandInError("render", "a render is running in the background already")
    project.play_state = 0  # rendering stops the transport
    started = time.perf_counter()
    try:
        if reaper.preferences.background_render:
            jobs, rate, subtype = begin(reaper, project)
            reaper.background = BackgroundRender(reaper, project, jobs, rate, subtype)
            return
        files = render(reaper, project)
        reaper.renders.append(files)
        if reaper.preferences.render_speed:
            reaper.clock.pass_s(sum(soundfile.info(file).duration for file in files[:1]))
    except (OSError, soundfile.LibsndfileError) as error:
        # a full disk: REAPER says so in a window and goes on when it is closed
        reaper.ui.dialogs.append(f"render failed: {error}")
    finally:
        reaper.running.rendered(time.perf_counter() - started)


def _unselect_items(reaper, project):
    for item in project.items:
        item.select(False)


def _unselect_tracks(reaper, project):
    for track in (project.master, *project.tracks):
        track.select(False)


def _select_all_items(reaper, project):
    for item in project.items:
        item.select(True)


def _select_all_tracks(reaper, project):
    for track in project.tracks:
        track.select(True)


def _all_media_online(reaper, project):
    """ "Item: Set all media online": what the user had set offline comes online as well."""
    reaper.media_online = True
    for item in project.items:
        for take in filter(None, item.takes):
            node = take.source.node
            if node.head.lstrip().startswith("<SOURCE _OFFLINE_"):
                node.head = node.head.replace("_OFFLINE_", "", 1)
                project.touch()


def _all_media_offline(reaper, project):
    for item in project.items:
        forget_formats(item)
        for take in filter(None, item.takes):
            node = take.source.node
            if "_OFFLINE_" not in node.head and take.source.file:
                node.head = node.head.replace("<SOURCE ", "<SOURCE _OFFLINE_", 1)
                project.touch()


def _play_stop(reaper, project):
    (OnStopButtonEx if project.play_state & 1 else OnPlayButtonEx)(reaper, project)


def _undo(reaper, project):
    with reaper.as_user():
        project.undo()


_SIMPLE = {
    40044: _play_stop,
    40029: _undo,
    40100: _all_media_offline,
    40101: _all_media_online,
    1007: lambda reaper, project: OnPlayButtonEx(reaper, project),
    1016: lambda reaper, project: OnStopButtonEx(reaper, project),
    40182: _select_all_items,
    40289: _unselect_items,
    40296: _select_all_tracks,
    40297: _unselect_tracks,
    40859: new_tab,
    41929: new_tab,
    40860: close_tab,
}


@api
def AnyTrackSolo(reaper, project):
    return any(track.node.number("MUTESOLO", 1) for track in project.tracks)


@api
def GetTrackNumSends(reaper, track, category):
    """Below 0 receives, 0 sends, above hardware outputs."""

    def count(of: Track, key: str, wanted: str | None = None) -> int:
        lines = [part.split() for part in of.node.body if isinstance(part, str)]
        return sum(words[:1] == [key] and (wanted is None or words[1] == wanted) for words in lines)

    if category > 0:
        return count(track, "HWOUT")
    if category < 0:
        return count(track, "AUXRECV")
    return sum(count(other, "AUXRECV", str(track.number - 1)) for other in track.project.tracks)
