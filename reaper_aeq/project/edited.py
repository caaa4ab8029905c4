"""What somebody changed by hand in an EQ of ours in a project file, kept on the next one, as the actions and `live` do.

What was computed is kept beside the track, as the actions keep it.
"""

from __future__ import annotations

import math
from dataclasses import replace

from ..eq import Band, Eq
from ..errors import AeqError
from ..reaper.edits import FIELDS, HandEdit, HeldEq, kept
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


def ours_of(holder: Track | Master) -> list[EqInstance]:
    """The instances of ours, by their names, in the order of the chain; those in containers are left alone."""
    return [one for one in holder.eqs() if family_of(one.name) and not one.in_container]


def edit_of(holder: Track | Master, instance: EqInstance | None) -> HandEdit | None:
    """None where nobody changed it, and where nothing is known of it: of the master nothing is kept.

    Raises `AeqError` for a change that cannot be kept.
    """
    if instance is None or isinstance(holder, Master):
        return None
    records = holder.records().records
    found = [one for one in records if one.fx == instance.guid]
    found = found or [one for one in records if one.name == instance.name]  # a copied track, a merged project
    edit = HandEdit.of(found[0], _held(instance), lambda: instance.lanes) if found else None
    if edit and None in edit.held.bands:
        raise AeqError(UNKNOWN_KIND)
    return edit


def with_edit(edit: HandEdit, eq: Eq) -> Eq:
    """The next answer with what was changed by hand; what is there where that is the same, to the last digit."""
    whole, there = kept(edit.computed, edit.held, eq), edit.held.known
    fields = [(whole.output_gain_db, there.output_gain_db)]
    for now, before in zip(whole.bands, there.bands, strict=False):
        fields += [(getattr(now, name), getattr(before, name)) for name in FIELDS]
    alike = [(band.kind, band.enabled) for band in whole.bands] == [(band.kind, band.enabled) for band in there.bands]
    same = alike and all(math.isclose(a, b, rel_tol=_SAME, abs_tol=_SAME) for a, b in fields)
    return there if same else whole


def note(track: Track, name: str, eq: Eq, told: str) -> None:
    """Keeps beside the track what was computed for the instance of this name, and which envelopes of it are ours."""
    instance = next((one for one in ours_of(track) if one.name == name), None)
    family = family_of(name)
    if instance is None or not instance.guid or family is None:
        return
    blend, lanes = blend_of(name, family) if family == "word" else {}, tuple(sorted(instance.our_lanes))
    track.keep_records(InstanceRecord(instance.guid, family, name, blend, eq.to_dict(), told=told, lanes=lanes))


def _held(instance: EqInstance) -> HeldEq:
    bands: list[Band | None] = []
    for band in instance.state.bands:
        try:
            bands += to_eq(replace(instance.state, bands=(band,))).bands
        except StateError:
            bands.append(None)
    return HeldEq(bands, to_eq(replace(instance.state, bands=())).output_gain_db)
