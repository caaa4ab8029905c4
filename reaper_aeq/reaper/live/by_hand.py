"""What somebody did by hand to an EQ of ours in the open project since it was computed, and keeping it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...eq import Eq
from ..edits import HeldEq, described, kept, without_envelopes
from ..instance_record import InstanceRecord
from . import reaeq
from .api import Api, LiveError
from .envelopes import driven
from .target import Target

SAME_WEIGHT = 0.005  # names have whole per cents


@dataclass(frozen=True)
class HandEdit:
    """An instance that is not what was computed: its place in the chain, both EQs, and the difference in words."""

    index: int
    record: InstanceRecord
    computed: Eq
    held: HeldEq
    change: str


def edit_of(reaper: Api, track: str, instance: reaeq.Instance | None) -> HandEdit | None:
    """None where nobody changed it, and where nothing is known of it (the master's, those of version 0.1)."""
    if instance is None or instance.record is None:
        return None
    computed = instance.record.computed
    held = HeldEq(*reaeq.read(reaper, track, instance.index))
    if computed is None or not held.bands:  # one without bands tells nothing: writing to it will say why
        return None
    change = described(computed, held)
    if change:
        held = without_envelopes(computed, held, driven(reaper, track, instance.index))
        change = described(computed, held)
    return HandEdit(instance.index, instance.record, computed, held, change) if change else None


def with_edit(
    target: Target, edit: HandEdit | None, eq: Eq, blend: Mapping[str, float], heard: Mapping[str, Any] | None
) -> Eq:
    """What is to be written for `eq`, the answer to `blend` for the sound `heard`: the hand's work on it.

    Raises `LiveError` where that cannot be read.
    """
    if edit is None:
        return eq
    if None in edit.held.bands:
        raise LiveError(
            f"the EQ of ours on {target.name!r} was given a band of a kind that only ReaEQ can compute: choose another"
            " kind for it, or say --afresh to drop what was changed by hand"
        )
    if edit.record.taught and _same_question(edit.record, blend, heard):
        # the word has learned of it: how much of it the answer has by itself now is known to the last digit
        return Eq(tuple(band for band in edit.held.bands if band), edit.held.output_gain_db)
    return kept(edit.computed, edit.held, eq)


def _same_question(record: InstanceRecord, blend: Mapping[str, float], heard: Mapping[str, Any] | None) -> bool:
    """One word, as much of it, the same sound."""
    if record.heard is None or heard is None or record.heard.get("ltas") != heard["ltas"]:
        return False
    if len(blend) != 1 or blend.keys() != record.blend.keys():
        return False
    return all(abs(weight - record.blend[word]) < SAME_WEIGHT for word, weight in blend.items())
