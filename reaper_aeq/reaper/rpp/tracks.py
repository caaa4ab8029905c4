"""Tracks and the master of a project: what sounds on them, and their EQs (docs/reaper.md, section 6).

Everything but the EQs is read once and is plain data; the chunk stays the one truth of what is written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..chunks import Chunk, Line, number
from ..instance_record import EDITED, NAME, InstanceRecord, Kept, dumps, loads
from . import track_ext
from .fxchain import ChainHolder
from .items import Item, read_item
from .lanes import NUMBER

LANES_OF_MASTER = "REAPER-AEQ-LANES"  # the section in which the actions and `live` keep them
_FIXED_LANES = 2  # of FREEMODE
_PRE_FADER = (1, 3)  # modes of a send: 0 is behind the fader, 1 before the FX, 3 behind the FX but before the fader
_NO_AUDIO = -1


@dataclass(frozen=True)
class Receive:
    """An AUXRECV line that carries sound: that of track number `source` comes in beside items and folder children."""

    source: int
    pre_fader: bool
    volume: float
    pan: float
    inverted: bool


class Track(ChainHolder):
    """One track.

    `depth` counts the folders around it, `parent` is the nearest and `children` are the tracks directly inside.
    `volume` is linear; `pan` and `width` run from -1 to 1. `frozen` and `locked` tracks were closed by the user.
    """

    chain_name = "FXCHAIN"
    behind_chain = ("FREEZE", "FXCHAIN_REC", "ITEM")

    def __init__(self, chunk: Chunk, index: int, folder: Path | None, platform: str | None, path: Path | None):
        super().__init__(chunk, platform, path)
        self.index = index
        self.depth = 0
        self.parent: Track | None = None
        self.children: list[Track] = []
        self.name = chunk.value("NAME")
        self.guid = chunk.value("TRACKID") or (chunk.tokens[1:] or [""])[0]
        self.volume, self.pan, _, _, self.width = chunk.floats("VOLPAN", [1.0, 0.0, -1.0, -1.0, 1.0])
        self.mute, self.solo, self.solo_defeat = map(bool, chunk.ints("MUTESOLO", [0, 0, 0]))
        self.phase_inverted = bool(chunk.ints("IPHASE", [0])[0])
        _, self.depth_change = chunk.ints("ISBUS", [0, 0])
        self.fx_enabled = bool(chunk.ints("FX", [1])[0])
        self.channels = chunk.ints("NCHAN", [2])[0]
        self.sends_to_parent = bool(chunk.ints("MAINSEND", [1])[0])
        self.receives: tuple[Receive, ...] = ()  # those that are not muted; filled in once all tracks are known
        self.damage: list[str] = []  # what of it cannot be followed, a sentence each
        self.frozen = chunk.find("FREEZE") is not None
        self.locked = bool(chunk.ints("LOCK", [0])[0])
        self.items: tuple[Item, ...] = tuple(read_item(inner, folder) for inner in chunk.find_all("ITEM"))

    @property
    def title(self) -> str:
        """What to call it: one without a name goes by its number, as in REAPER."""
        return self.name or f"Track {self.index + 1}"

    def plays(self, item: Item) -> bool:
        """Whether an item sounds here: not muted, and in a lane that plays where the track has fixed lanes."""
        if item.mute:
            return False
        (mode,) = self.chunk.ints("FREEMODE", [0])
        # Without LANESOLO all lanes play; it may also be left over from a mode that was switched off.
        if item.lane is None or mode != _FIXED_LANES or self.chunk.line("LANESOLO") is None:
            return True
        lanes = self.chunk.ints("LANESOLO", [0] * 8)
        word, bit = divmod(item.lane, 32)
        return word >= len(lanes) or bool(lanes[word] >> bit & 1)

    def remove_eq(self, name: str) -> bool:
        """As of the base; what is kept beside the track about EQs that are gone goes as well."""
        found = super().remove_eq(name)
        self.keep_records(None)
        return found

    def records(self) -> Kept:
        """What is kept beside the track about the EQs that were put on it."""
        return loads(track_ext.read(self.chunk, NAME), self.guid)

    def keep_records(self, record: InstanceRecord | None) -> None:
        """Drops what is kept of EQs that are gone, and keeps this."""
        before = self.records()
        if record is None and not before.records:
            return
        alive = {one.guid for one in self.eqs()}
        records = [one for one in before.records if one.fx in alive and (record is None or one.fx != record.fx)]
        after = replace(before, records=[*records, *([record] if record else [])])
        # in a copied track the record of an EQ that is there is known by its name
        bare = record.name.removesuffix(EDITED) if record else ""
        about = [one for one in before.records if one.fx in alive or one.name.removesuffix(EDITED) == bare]
        if record and before.before is None and not about:
            after.before = self._lost_by(before)
        if after.records != before.records:
            track_ext.write(self.chunk, NAME, dumps(after, self.guid), empty_stays=after.before == "")

    def _lost_by(self, kept: Kept) -> str | None:
        """The text beside the track, read as `kept`, where it would not come back by itself once our EQ is gone."""
        text = track_ext.read(self.chunk, NAME)
        if not text:
            return "" if track_ext.is_empty(self.chunk) else None
        return text if text != dumps(replace(kept, records=[]), self.guid) else None

    def drawn_in_reaper(self, name: str, fxid: str) -> Collection[int]:
        records = self.records().records
        found = [one for one in records if one.fx == fxid]
        # a copied track, a merged project
        found = found or [one for one in records if one.name.removesuffix(EDITED) == name.removesuffix(EDITED)]
        return found[0].lanes if found else ()

    def __repr__(self) -> str:
        """For whoever debugs."""
        return f"<Track {self.index + 1} {self.name!r}>"


class Master(ChainHolder):
    """The master track; its settings stand among the project's own lines."""

    chain_name = "MASTERFXLIST"
    behind_chain = ("MASTERPLAYSPEEDENV", "TEMPOENVEX", "PROJBAY", "TRACK")  # where no line of the master tells it

    def __init__(self, project: Chunk, platform: str | None, path: Path | None):
        super().__init__(project, platform, path)
        self.name = "MASTER"
        self.volume, self.pan = project.floats("MASTER_VOLUME", [1.0, 0.0])
        (state,) = project.ints("MASTERMUTESOLO", [0])
        self.mute = bool(state & 1)
        self.fx_enabled = bool(project.ints("MASTER_FX", [1])[0])
        self.channels = project.ints("MASTER_NCH", [2])[0]

    def drawn_in_reaper(self, name: str, fxid: str) -> Collection[int]:
        # Beside the master nothing can be kept: it is among the project's own values, whose names REAPER has in
        # capitals. Their text is only known from a project that somebody wrote by hand and REAPER read.
        for _, _, line in self._kept_of(fxid):
            return [int(number) for number in re.findall(NUMBER, " ".join(line.tokens[1:]))]
        return ()

    def forget_drawn(self, fxid: str) -> None:
        for values, section, line in self._kept_of(fxid):
            section.children.remove(line)
            if not section.children:
                values.children.remove(section)
            if not values.children:
                self.chunk.children.remove(values)

    def _kept_of(self, fxid: str) -> list[tuple[Chunk, Chunk, Line]]:
        """The lines that tell which envelopes of an EQ are ours, with the chunks that they stand in."""
        return [
            (values, section, line)
            for values in self.chunk.chunks
            if values.name == "EXTSTATE"
            for section in values.chunks
            if section.name.upper() == LANES_OF_MASTER
            for line in section.lines
            if line.name.upper() == fxid.upper()
        ]

    def place_of_chain(self) -> int:
        lines = ((i, child) for i, child in enumerate(self.chunk.children) if isinstance(child, Line))
        own = [i for i, line in lines if line.name.startswith("MASTER")]
        return own[-1] + 1 if own else super().place_of_chain()

    def __repr__(self) -> str:
        """For whoever debugs."""
        return "<Master>"


def nest(tracks: Sequence[Track]) -> None:
    """Fills in depth, parent and children, and the receives.

    A folder's ISBUS line opens a level, its last track's closes some; an AUXRECV line names a track by its number.
    """
    folders: list[Track] = []
    for track in tracks:
        _connect(track, len(tracks))
        track.depth, track.parent = len(folders), folders[-1] if folders else None
        if track.parent:
            track.parent.children.append(track)
        if track.depth_change > 0:
            folders.append(track)
        elif track.depth_change < 0:
            del folders[max(0, len(folders) + track.depth_change) :]


def _connect(track: Track, count: int) -> None:
    """Channels other than 1/2 are not told apart."""
    found = []
    for line in track.chunk.lines:
        if line.name != "AUXRECV":
            continue
        given = [number(token) for token in line.tokens[1:9]] or [math.nan]
        source, mode, volume, pan, mute, _, inverted, channels = (given + [0.0] * 8)[:8]
        if mute or channels == _NO_AUDIO:
            continue
        if not (source.is_integer() and 0 <= source < count):
            shown = (line.tokens[1:] or [""])[0][:20]
            track.damage.append(f"line {line.number} receives from track number {shown!r}, which does not exist")
        elif not math.isfinite(volume) or not math.isfinite(pan):
            track.damage.append(f"line {line.number} holds a receive without a volume that can be read")
        else:
            pre_fader = math.isfinite(mode) and int(mode) in _PRE_FADER
            found.append(Receive(int(source), pre_fader, volume, max(-1.0, min(1.0, pan)), bool(inverted)))
    track.receives = tuple(found)
