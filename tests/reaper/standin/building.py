"""Making things: tracks, items, takes, sources, and opening and closing tabs."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import StandInError
from .fx_chain import new_guid
from .handles import Source
from .project import Project
from .registry import api
from .tree import Node, quote_token

_TRACK = ("NAME {name}", "PEAKCOL 16576", "BEAT -1", "AUTOMODE 0", "VOLPAN 1 0 -1 -1 1", "MUTESOLO 0 0 0", "IPHASE 0")
_TRACK += ("ISBUS 0 0", "SHOWINMIX 1 0.6667 0.5 1 0.5 0 0 0 0", "SEL 0", "REC 0 0 1 0 0 0 0 0", "NCHAN 2", "FX 1")
_TRACK += ("TRACKID {guid}", "PERF 0", "MIDIOUT -1", "MAINSEND 1 0")
_ITEM = ("POSITION 0", "SNAPOFFS 0", "LENGTH 0", "LOOP 1", "ALLTAKES 0", "FADEIN 1 0.01 0 1 0 0 0")
_ITEM += ("FADEOUT 1 0.01 0 1 0 0 0", "MUTE 0 0", "SEL 0", "IGUID {guid}")
_TAKE = ('NAME ""', "VOLPAN 1 0 1 -1", "SOFFS 0", "PLAYRATE 1 1 0 -1 0 0.0025", "CHANMODE 0", "GUID {guid}")
EMPTY = b'<REAPER_PROJECT 0.1 "7.66/linux-x86_64" 1 0\n>\n'
KINDS = {".mp3": "MP3", ".flac": "FLAC", ".ogg": "VORBIS", ".wv": "WAVPACK", ".mid": "MIDI"}


def _lines(indent: str, template: tuple[str, ...], **values: str) -> list[str]:
    return [indent + line.format(**values) for line in template]


@api
def InsertTrackAtIndex(reaper, index, defaults):
    project, guid = reaper.project, new_guid()
    root = project.root
    node = Node(f"{root.indent}  <TRACK {guid}")
    node.body = _lines(node.indent + "  ", _TRACK, name=quote_token(""), guid=guid)
    tracks = root.nodes("TRACK")
    place = root.body.index(tracks[index]) if 0 <= index < len(tracks) else None
    if place is None:
        place = root.body.index(tracks[-1]) + 1 if tracks else len(root.body)
    root.body.insert(place, node)
    project.touch()
    project.reindex()


@api
def AddMediaItemToTrack(reaper, track):
    node = Node(track.node.indent + "  <ITEM")
    guid = new_guid()
    node.body = _lines(node.indent + "  ", _ITEM, guid=guid)
    track.node.body.append(node)
    track.project.touch()
    track.project.reindex()
    return next(item for item in track.items if item.guid == guid)


@api
def AddTakeToMediaItem(reaper, item):
    if item.takes:
        raise StandInError("not modeled", "a second take")
    indent = item.node.indent + "  "
    item.node.body += [*_lines(indent, _TAKE, guid=new_guid()), Node(f"{indent}<SOURCE EMPTY")]
    item.project.touch()
    item.project.reindex()
    return item.takes[0]


@api
def PCM_Source_CreateFromFile(reaper, name):
    if not os.path.isfile(name):
        return None
    node = Node(f"<SOURCE {KINDS.get(Path(name).suffix.lower(), 'WAVE')}")
    node.body = [f"  FILE {quote_token(name)}"]
    return Source(reaper.project, None, node)


@api
def SetMediaItemTake_Source(reaper, take, source):
    if source.take is not None:
        raise StandInError("argument", "a source that another take owns")
    place = take.node.body.index(take.source.node)
    take.node.body[place] = source.node = source.node.reindent(take.node.indent + "  ")
    source.take, take.source = take, source
    take.project.touch()
    return True


def new_tab(reaper, project) -> None:
    reaper.projects.append(Project(EMPTY, reaper))
    reaper.project = reaper.projects[-1]


def close_tab(reaper, project) -> None:
    closing = reaper.project
    if closing.dirty or closing.bytes() != closing.saved_state:
        raise StandInError("dialog", "REAPER would ask whether to save the tab that is closed")
    index = reaper.projects.index(closing)
    reaper.projects.remove(closing)
    closing.open = False
    if not reaper.projects:
        raise StandInError("forbidden", "the user's last tab was closed")
    reaper.project = reaper.projects[min(index, len(reaper.projects) - 1)]


@api
def Main_openProject(reaper, name):
    """Opens in the tab in front; "noprompt:" throws away what was not saved there without a question."""
    old, path = reaper.project, name.removeprefix("noprompt:")
    if old.dirty and path == name:
        raise StandInError("dialog", "REAPER would ask whether to save the project that is replaced")
    if not os.path.isfile(path):
        raise StandInError("dialog", f"REAPER would say that it cannot open {path}")
    new = Project(path, reaper)
    old.open = False
    reaper.projects[reaper.projects.index(old)] = reaper.project = new
    reaper.ends_scripts = reaper.disputed.open_project == "ends"
