"""Envelopes of tracks and takes, as far as they are asked about: which there are, whether they are on, their points."""

from __future__ import annotations

import numpy as np

from .errors import StandInError
from .fx_api import get
from .fx_chain import Fx, fx_list
from .fx_params import GetNumParams, GetParamEx, GetParamIdent, _ident, plugin_count, refuse_recording
from .handles import Take, Track
from .reaeq_instance import from_raw
from .registry import api
from .tracks import GetTrackName
from .tree import Node

# Names as REAPER shows them in English, by their chunk; those with 2 lie behind the FX of a track.
_OF_TRACK = {
    "VOLENV": "Volume (Pre-FX)", "PANENV": "Pan (Pre-FX)", "WIDTHENV": "Width (Pre-FX)", "VOLENV2": "Volume",
    "PANENV2": "Pan", "WIDTHENV2": "Width", "VOLENV3": "Trim Volume", "MUTEENV": "Mute",
}  # fmt: skip
BYPASS = 6  # of the global automation override: no envelope moves anything
_OF_TAKE = {"VOLENV": "Volume", "PANENV": "Pan", "MUTEENV": "Mute", "PITCHENV": "Pitch"}


class Envelope:
    """Two handles of the same envelope are equal, as REAPER's pointers are."""

    lua_type = "TrackEnvelope"

    def __init__(self, owner: Track | Take, node: Node):
        self.owner, self.node = owner, node

    @property
    def alive(self) -> bool:
        return self.owner.alive

    @property
    def active(self) -> bool:
        return bool(self.node.number("ACT", 0, 1.0))

    @property
    def points(self) -> int:
        return len(self.values)

    @property
    def places(self) -> list[int]:
        """Where the lines of the points stand."""
        parts = enumerate(self.node.body)
        return [place for place, part in parts if isinstance(part, str) and part.split()[:1] == ["PT"]]

    @property
    def values(self) -> list[tuple[float, float]]:
        """(seconds, value) of each point."""
        points = [str(self.node.body[place]).split() for place in self.places]
        return [(float(point[1]), float(point[2])) for point in points]

    def point_line(self, time: float, value: float, shape: int) -> str:
        return f"{self.node.indent}  PT {time!r} {value!r} {shape}"

    def sort(self) -> None:
        places = self.places
        lines = sorted((str(self.node.body[place]) for place in places), key=lambda line: float(line.split()[1]))
        for place, line in zip(places, lines, strict=True):
            self.node.body[place] = line


def envelopes(owner: Track | Take) -> list[Envelope]:
    names = _OF_TAKE if isinstance(owner, Take) else _OF_TRACK
    parts = owner.node.body[owner.start : owner.stop] if isinstance(owner, Take) else owner.node.body
    found = [Envelope(owner, part) for part in parts if isinstance(part, Node) and part.name in names]
    if isinstance(owner, Track) and owner.chain() is not None:  # those of FX parameters count among the track's
        found += [Envelope(owner, part) for part in owner.chain().nodes("PARMENV")]
    return found


def lanes(fx: Fx) -> list[tuple[int, Node]]:
    """The envelopes of an FX with the numbers of their parameters, "1" of `<PARMENV 1:_Gain_Low_Shelf ...`."""
    parts = fx.chain.body[fx.start : fx.stop]
    found = [part for part in parts if isinstance(part, Node) and part.name == "PARMENV"]
    return [(int(part.arguments[0].partition(":")[0]), part) for part in found]


def drive(fx: Fx) -> bool:
    """An active envelope sets its parameter, whatever was written to it; whether that changed anything."""
    project, changed = fx.owner.project, False
    if fx.inside or fx.flag(1) or project.reaper.automation_override == BYPASS:
        return False
    at_s = project.play_position if project.play_state & 1 else float((project.root.get("CURSOR") or ["0"])[0])
    for number, node in lanes(fx):
        envelope = Envelope(fx.owner, node)
        if not envelope.active or not envelope.points:
            continue
        if project.reaper.disputed.retyped_lanes == "dead" and _ident(fx, number) != node.arguments[0]:
            continue
        value, place = float(np.interp(at_s, *zip(*envelope.values, strict=True))), number - plugin_count(fx)
        if place == 0:
            changed |= fx.flag(0) != (value >= 0.5)
            fx.set_flag(0, value >= 0.5)
        elif place == 1:
            changed |= fx.wet != value
            fx.set_wet(value)
        elif place < 0 and fx.is_reaeq:
            where = fx.eq.place(number)
            changed |= fx.eq.set_value(where, value if where.band is None else from_raw(where.field, value))
    return changed


def drive_all(reaper) -> None:
    """Between two cycles, as the audio passes. What an envelope sets is no edit of the user's."""
    for project in reaper.projects:
        tracks = (project.master, *project.tracks)
        places = [(track, fx.index) for track in tracks for fx in fx_list(track) if lanes(fx)]
        recorded = bool(places) and project.bytes() == project.saved_state
        # listed anew each time: a first WET line moves those behind
        changed = [drive(fx_list(track)[index]) for track, index in places]
        if any(changed) and recorded:
            project.saved_state = project.bytes()


@api
def CountTakeEnvelopes(reaper, take):
    return len(envelopes(take))


@api
def GetTakeEnvelope(reaper, take, index):
    found = envelopes(take)
    return found[index] if 0 <= index < len(found) else None


@api
def CountTrackEnvelopes(reaper, track):
    return len(envelopes(track))


@api
def GetTrackEnvelope(reaper, track, index):
    found = envelopes(track)
    return found[index] if 0 <= index < len(found) else None


@api
def GetTrackEnvelopeByChunkName(reaper, track, name):
    """By the chunk's name with its "<": the names that are shown are translated."""
    return next((one for one in envelopes(track) if f"<{one.node.name}" == name), None)


@api
def CountEnvelopePoints(reaper, envelope):
    return envelope.points


@api
def GetFXEnvelope(reaper, track, fx_index, parameter, create):
    """A fresh FX has none. A new one is armed and shown, with a point at 0 in the parameter's native value: 0.25 is a
    gain of 0 dB. One that is there and off is switched on. Nothing deletes one."""
    fx = get(track, fx_index)
    if fx is None or fx.inside or not 0 <= parameter < GetNumParams(reaper, track, fx_index):
        return None
    found = [part for number, part in lanes(fx) if number == parameter]
    if found:
        envelope = Envelope(track, found[0])
        if create and not envelope.active:
            envelope.node.set("ACT", ["1", "-1"])
            track.project.touch()
        return envelope
    if not create:
        return None
    value, low, high, middle = GetParamEx(reaper, track, fx_index, parameter)
    _, name = GetParamIdent(reaper, track, fx_index, parameter)
    indent = fx.chain.indent + "  "
    lines = ["ACT 1 -1", "VIS 1 1 1", "LANEHEIGHT 0 0", "ARM 1", "DEFSHAPE 0 -1 -1", f"PT 0 {value!r} 0"]
    node = Node(f"{indent}<PARMENV {name} {low:g} {high:g} {middle:g}", [f"{indent}  {line}" for line in lines])
    before_wak = fx.chain.index("WAK", fx.start, fx.stop)
    fx.chain.body.insert(fx.stop if before_wak < 0 else before_wak, node)
    track.project.touch()
    return Envelope(track, node)


@api
def GetEnvelopePoint(reaper, envelope, index):
    """retval, time, value, shape, tension, selected"""
    if not 0 <= index < envelope.points:
        return False, 0.0, 0.0, 0, 0.0, False
    return True, *envelope.values[index], 0, 0.0, False


def _changed(reaper, envelope) -> None:
    refuse_recording(reaper, envelope.owner)
    envelope.owner.project.touch()


@api
def InsertEnvelopePoint(reaper, envelope, time, value, shape, tension, selected, no_sort=None):
    """A second point at a time that has one joins it; times before 0 are taken. Only the count tells of success."""
    _changed(reaper, envelope)
    places = envelope.places
    envelope.node.body.insert(
        places[-1] + 1 if places else len(envelope.node.body), envelope.point_line(time, value, shape)
    )
    if not no_sort:
        envelope.sort()
    return True


@api
def SetEnvelopePoint(reaper, envelope, index, time, value, shape=None, tension=None, selected=None, no_sort=None):
    if not 0 <= index < envelope.points:
        return False
    _changed(reaper, envelope)
    was = envelope.values[index]
    new = (was[0] if time is None else time, was[1] if value is None else value)
    envelope.node.body[envelope.places[index]] = envelope.point_line(*new, shape or 0)
    if not no_sort:
        envelope.sort()
    return True


@api
def DeleteEnvelopePointEx(reaper, envelope, item, index):
    if item != -1:
        raise StandInError("not modeled", "automation items")
    if not 0 <= index < envelope.points:
        return False
    _changed(reaper, envelope)
    envelope.node.body.pop(envelope.places[index])
    return True


@api
def Envelope_SortPoints(reaper, envelope):
    envelope.sort()
    return True


@api
def GetSetEnvelopeInfo_String(reaper, envelope, name, text, is_set):
    if name not in ("ACTIVE", "VISIBLE", "ARM"):
        raise StandInError("not modeled", f"envelope string {name!r}")
    line = {"ACTIVE": "ACT", "VISIBLE": "VIS", "ARM": "ARM"}[name]
    words = envelope.node.get(line) or ["1", "-1"]
    if not is_set:
        return True, "1" if float(words[0]) else "0"
    if words[0] != text:
        _changed(reaper, envelope)
        envelope.node.set(line, [text, *words[1:]])
    return True, text


@api
def GetTakeNumStretchMarkers(reaper, take):
    """A line SM holds them all: pairs of position and place in the source, with a + between."""
    values = take.node.get("SM", take.start, take.stop)
    return 0 if values is None else 1 + values.count("+")


SEND_FIELDS = {"I_SENDMODE": 1, "D_VOL": 2, "D_PAN": 3, "B_MUTE": 4, "B_MONO": 5, "B_PHASE": 6, "I_SRCCHAN": 7}
SEND_FIELDS |= {"I_DSTCHAN": 8, "I_MIDIFLAGS": 10}


def _receives(track, category: int, name: str) -> list[int]:
    """Places of the AUXRECV lines in a track's body."""
    if category != -1:
        raise StandInError("not modeled", f"sends of category {category}")
    if name not in SEND_FIELDS:
        raise StandInError("not modeled", f"send value {name!r}")
    parts = enumerate(track.node.body)
    return [place for place, part in parts if isinstance(part, str) and part.split()[:1] == ["AUXRECV"]]


@api
def GetTrackSendInfo_Value(reaper, track, category, index, name):
    """Of receives (category -1), the fields of their AUXRECV lines; P_SRCTRACK gives the track itself."""
    places = _receives(track, category, "B_MUTE" if name == "P_SRCTRACK" else name)
    if not 0 <= index < len(places):
        return 0.0
    words = track.node.body[places[index]].split()[1:]
    if name == "P_SRCTRACK":
        return track.project.tracks[int(words[0])]
    return float(words[SEND_FIELDS[name]]) if SEND_FIELDS[name] < len(words) else 0.0


@api
def GetTrackReceiveName(reaper, track, index):
    """Of the track that sends, as `GetTrackName` has it."""
    source = GetTrackSendInfo_Value(reaper, track, -1, index, "P_SRCTRACK")
    return GetTrackName(reaper, source) if source else (False, "")


@api
def SetTrackSendInfo_Value(reaper, track, category, index, name, value):
    places = _receives(track, category, name)
    if not 0 <= index < len(places):
        return False
    line = track.node.body[places[index]]
    words = line.split()
    words[1 + SEND_FIELDS[name]] = f"{value:g}"
    track.node.body[places[index]] = line[: len(line) - len(line.lstrip())] + " ".join(words)
    track.project.touch()
    return True
