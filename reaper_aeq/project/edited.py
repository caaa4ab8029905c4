"""What somebody changed by hand in an EQ of ours in a project file, kept on the next one, as the actions and `live` do.

What was computed is kept beside the track, as the actions keep it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..eq import Band, Eq
from ..errors import AeqError
from ..reaper.edits import FIELDS, HeldEq, described, kept, without_envelopes
from ..reaper.instance_record import InstanceRecord
from ..reaper.reaeq.instance import to_eq
from ..reaper.reaeq.names import blend_of, family_of
from ..reaper.reaeq.state import StateError
from ..reaper.rpp.fxchain import EqInstance
from ..reaper.rpp.tracks import Master, Track

UNKNOWN_KIND = (
    "its EQ was given a band of a kind that only ReaEQ can compute: choose another kind for it, or say --afresh to drop"
    " what was changed by hand"
)
_SAME = 1e-9


@dataclass(frozen=True)
class FileEdit:
    """An EQ of ours that is not what was computed: both, and the difference in words."""

    computed: Eq
    held: HeldEq
    change: str

    def on(self, eq: Eq) -> Eq:
        """The next answer with it; what is there where that is the same, to the last digit."""
        whole, there = kept(self.computed, self.held, eq), [band for band in self.held.bands if band]
        fields = [(whole.output_gain_db, self.held.output_gain_db)]
        for now, before in zip(whole.bands, there, strict=False):
            fields += [(getattr(now, name), getattr(before, name)) for name in FIELDS]
        alike = [(band.kind, band.enabled) for band in whole.bands] == [(band.kind, band.enabled) for band in there]
        same = alike and all(math.isclose(a, b, rel_tol=_SAME, abs_tol=_SAME) for a, b in fields)
        return Eq(tuple(there), self.held.output_gain_db) if same else whole


def ours_of(holder: Track | Master) -> list[EqInstance]:
    """The instances of ours, by their names, in the order of the chain; those in containers are left alone."""
    return [one for one in holder.eqs() if family_of(one.name) and not one.in_container]


def edit_of(holder: Track | Master, instance: EqInstance | None) -> FileEdit | None:
    """None where nobody changed it, and where nothing is known of it: of the master nothing is kept.

    Raises `AeqError` for a change that cannot be kept.
    """
    if instance is None or isinstance(holder, Master):
        return None
    beside = holder.records()
    found = [one for one in beside.records if one.fx == instance.guid]
    found = found or [one for one in beside.records if one.name == instance.name]  # a copied track, a merged project
    computed = found[0].computed if found else None
    if computed is None:
        return None
    held = _held(instance, computed)
    change = described(computed, held)
    if change and None in held.bands:
        raise AeqError(UNKNOWN_KIND)
    return FileEdit(computed, held, change) if change else None


def note(track: Track, name: str, eq: Eq, told: str) -> None:
    """Keeps beside the track what was computed for the instance of this name, and which envelopes of it are ours."""
    instance = next((one for one in ours_of(track) if one.name == name), None)
    family = family_of(name)
    if instance is None or not instance.guid or family is None:
        return
    blend, lanes = blend_of(name, family) if family == "word" else {}, tuple(sorted(instance.our_lanes))
    track.keep_records(InstanceRecord(instance.guid, family, name, blend, eq.to_dict(), told=told, lanes=lanes))


def _held(instance: EqInstance, computed: Eq) -> HeldEq:
    """What it holds; what follows an envelope is no hand's work and counts as it was computed."""
    bands: list[Band | None] = []
    for band in instance.state.bands:
        try:
            bands += to_eq(replace(instance.state, bands=(band,))).bands
        except StateError:
            bands.append(None)
    output_gain_db = to_eq(replace(instance.state, bands=())).output_gain_db
    return without_envelopes(computed, HeldEq(bands, output_gain_db), instance.lanes)
