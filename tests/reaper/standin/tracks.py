"""Tracks: counting, names, selection, values and chunks."""

from __future__ import annotations

from .errors import StandInError
from .lanes import lane_plays
from .registry import api
from .track_values import VALUES, parent, value
from .tree import Node, parse_lines


@api
def CountTracks(reaper, project):
    return len(project.tracks)


@api
def GetNumTracks(reaper):
    return len(reaper.project.tracks)


@api
def GetTrack(reaper, project, index):
    return project.tracks[index] if 0 <= index < len(project.tracks) else None


@api
def GetMasterTrack(reaper, project):
    return project.master


def _selected(project, with_master):
    # the master comes first when it counts
    all_tracks = (project.master, *project.tracks) if with_master else project.tracks
    return [track for track in all_tracks if track.selected]


@api
def CountSelectedTracks(reaper, project):
    return len(_selected(project, False))


@api
def GetSelectedTrack(reaper, project, index):
    found = _selected(project, False)
    return found[index] if 0 <= index < len(found) else None


@api
def CountSelectedTracks2(reaper, project, with_master):
    return len(_selected(project, with_master))


@api
def GetSelectedTrack2(reaper, project, index, with_master):
    found = _selected(project, with_master)
    return found[index] if 0 <= index < len(found) else None


@api
def IsTrackSelected(reaper, track):
    return track.selected


@api
def SetTrackSelected(reaper, track, selected):
    track.select(selected)


@api
def SetOnlyTrackSelected(reaper, track):
    for other in (track.project.master, *track.project.tracks):
        other.select(other is track)


@api
def GetTrackGUID(reaper, track):
    return track.guid


@api
def GetTrackName(reaper, track):
    """An unnamed track is called "Track n", the master "MASTER"."""
    return True, "MASTER" if track.is_master else track.name or f"Track {track.number}"


@api
def GetParentTrack(reaper, track):
    return parent(track)


@api
def GetTrackDepth(reaper, track):
    depth, above = 0, parent(track)
    while above is not None:
        depth, above = depth + 1, parent(above)
    return depth


@api
def IsTrackVisible(reaper, track, mixer):
    return bool(value(track, "B_SHOWINMIXER" if mixer else "B_SHOWINTCP"))


@api
def GetMediaTrackInfo_Value(reaper, track, name):
    if name == "IP_TRACKNUMBER":
        return track.number
    if name.startswith("C_LANEPLAYS:"):
        return lane_plays(track, int(name.removeprefix("C_LANEPLAYS:")))
    if name not in VALUES:
        raise StandInError("not modeled", f"track value {name!r}")
    return value(track, name)


@api
def SetMediaTrackInfo_Value(reaper, track, name, new):
    if name not in VALUES or name == "IP_TRACKNUMBER":
        raise StandInError("not modeled", f"track value {name!r}")
    if value(track, name) == new:
        return True
    line, field, default = VALUES[name]
    track.node.set_field(track.key(line), field, new, [default] * (field + 1))
    track.project.touch()
    return True


@api
def GetSetMediaTrackInfo_String(reaper, track, name, text, is_set):
    if name == "GUID" and not is_set:
        return True, track.guid
    if name == "P_NAME" and not track.is_master:
        if not is_set:
            return True, track.name
        track.node.set("NAME", [text])
        track.project.touch()
        return True, text
    if name.startswith("P_EXT:") and not track.is_master:
        return _extension(track, name.removeprefix("P_EXT:"), text, is_set)
    raise StandInError("not modeled", f"track string {name!r}")


def _extension(track, key, text, is_set):
    store = track.node.node("EXT")
    if not is_set:
        found = store.get(key) if store is not None else None
        return bool(found), found[0] if found else ""
    if store is None:
        store = Node(track.node.indent + "  <EXT")
        track.node.body.insert(max(track.node.index("TRACKID"), track.node.index("PERF")) + 1, store)
    if text:
        store.set(key, [text])
    elif store.index(key) >= 0:
        store.body.pop(store.index(key))
    if not store.body:
        track.node.body.remove(store)
    track.project.touch()
    return True, text


@api
def GetTrackStateChunk(reaper, track, text, is_undo):
    if track.is_master:
        raise StandInError("not modeled", "the master's chunk")
    return True, track.node.flat()


@api
def SetTrackStateChunk(reaper, track, text, is_undo):
    if track.is_master:
        raise StandInError("not modeled", "the master's chunk")
    try:
        node = parse_lines(text.replace("\r\n", "\n").split("\n"))
    except ValueError:
        return False
    if node.name != "TRACK":
        return False
    place = track.project.root.body.index(track.node)
    node = node.reindent(track.node.indent)
    node.head = track.node.head  # the pointer keeps meaning this track
    track.project.root.body[place] = node
    track.project.touch()
    track.project.reindex()
    return True


@api
def DeleteTrack(reaper, track):
    track.project.root.body.remove(track.node)
    track.project.touch()
    track.project.reindex()
