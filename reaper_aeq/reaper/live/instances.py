"""Which EQs of a track are ours, what is kept about them beside the track, and what somebody did to them by hand.

It is kept in the track's P_EXT: saved, copied and undone with the track. The actions (`reascripts/aeq/instances.lua`)
read and write the same. An EQ is known by the GUID of its FX; in a copied track, a template or a merged project that
GUID is another one, and the EQ is known again by its name and what it holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..edits import HandEdit
from ..instance_record import NAME, InstanceRecord, Kept, dumps, loads
from ..reaeq.names import blend_of, family_of
from . import reaeq
from .api import Api
from .fx import chain, config, driven, every, guid, is_reaeq
from .tracks import number_of

KEY = f"P_EXT:{NAME}"


@dataclass(frozen=True)
class Instance:
    """One of ours: its place in the chain, its name, whether it is for a word or a match, and what is kept about it."""

    index: int
    name: str
    family: str
    record: InstanceRecord | None = None

    @property
    def has_own_name(self) -> bool:
        """Whether the user has given it a name that says nothing of us."""
        return family_of(self.name) is None

    @property
    def blend(self) -> Mapping[str, float]:
        """{word: weight} as the name says, else as it was kept; empty if neither can be read.

        >>> Instance(0, "AEQ: warm 70% + airy 50%", "word").blend
        {'warm': 0.7, 'airy': 0.5}
        """
        said = {} if self.has_own_name else blend_of(self.name, self.family)
        return said or (self.record.blend if self.record else {})


def fx_name(reaper: Api, track: str, fx: int) -> str:
    """The user's name of an FX, else the plug-in's."""
    return config(reaper, track, fx, "renamed_name") or reaper.text("TrackFX_GetFXName", track, fx)


def ours(reaper: Api, track: str) -> list[Instance]:
    """Our instances on a track in the order of its chain, those inside containers too.

    Ours is an EQ of which a record is kept, whatever it is called now, and one with a name of ours. A ReaEQ of another
    name without a record is not.
    """
    found: dict[int, Instance] = {}
    eqs = [one.index for one in every(chain(reaper, track)) if is_reaeq(reaper, track, one.index)]
    names = {index: fx_name(reaper, track, index) for index in eqs}
    open_records = []
    for record in kept_beside(reaper, track).records:
        index = next((n for n in eqs if n not in found and guid(reaper, track, n) == record.fx), None)
        if index is None:
            open_records.append(record)
        else:
            found[index] = Instance(index, names[index], record.family, record)
    for record in open_records:
        alike = [index for index in eqs if index not in found and names[index] == record.name]
        held = (index for index in alike if record.holds(reaeq.read(reaper, track, index).bands))
        if (index := next(held, alike[0] if alike else None)) is not None:
            found[index] = Instance(index, names[index], record.family, record)
    for index in eqs:
        family = family_of(names[index])
        if index not in found and family:
            found[index] = Instance(index, names[index], family)
    return [found[index] for index in eqs if index in found]


def find(reaper: Api, track: str, family: str | None) -> Instance | None:
    """Ours of a family, None: of either; one with a record before one that only has the name."""
    fit = [one for one in ours(reaper, track) if family in (None, one.family)]
    return next((one for one in fit if one.record), fit[0] if fit else None)


def rename(reaper: Api, track: str, fx: int, name: str) -> bool:
    """True if REAPER keeps the name: ours are found again by it."""
    reaper("TrackFX_SetNamedConfigParm", track, fx, "renamed_name", name)
    return fx_name(reaper, track, fx) == name


def kept_beside(reaper: Api, track: str) -> Kept:
    """Whatever cannot be read counts as nothing: anybody may write there. The master goes by names alone."""
    if number_of(reaper, track) < 0:
        return Kept()
    return loads(_text(reaper, track), _track_guid(reaper, track))


def note(reaper: Api, track: str, record: InstanceRecord | None = None, group: str | None = None) -> None:
    """Keeps what was just written, if anything; records of FX that are gone go. Beside the master nothing is kept.

    `group`: of tracks that share this EQ; without it the track stays in the group that it is in.
    """
    if number_of(reaper, track) < 0:
        return
    before, alive = kept_beside(reaper, track), guids(reaper, track)
    records = [one for one in before.records if one.fx in alive and not (record and one.fx == record.fx)]
    records += [record] if record else []
    text = dumps(replace(before, records=records, group=group or before.group), _track_guid(reaper, track))
    if _text(reaper, track) != text:
        reaper("GetSetMediaTrackInfo_String", track, KEY, text, True)


def guids(reaper: Api, track: str) -> set[str]:
    """Of all FX of a track."""
    return {guid(reaper, track, one.index) for one in every(chain(reaper, track))}


def edit_of(reaper: Api, track: str, instance: Instance | None) -> HandEdit | None:
    """None where nobody changed it, and where nothing is known of it (the master's, those of version 0.1)."""
    if instance is None or instance.record is None:
        return None
    held = reaeq.read(reaper, track, instance.index)
    if not held.bands:  # one without bands tells nothing: writing to it will say why
        return None
    return HandEdit.of(instance.record, held, lambda: driven(reaper, track, instance.index))


def _track_guid(reaper: Api, track: str) -> str:
    return reaper("guidToString", reaper("GetTrackGUID", track), "")[1]


def _text(reaper: Api, track: str) -> str:
    """[ok, track, key, text, is_set]"""
    answer = reaper("GetSetMediaTrackInfo_String", track, KEY, "", False)
    return answer[3] if answer[0] else ""
