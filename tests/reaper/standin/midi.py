"""MIDI takes: how many events, notes, and their times."""

from __future__ import annotations

from .errors import StandInError
from .item_audio import midi_notes
from .items import item_value
from .registry import api
from .takes import TakeIsMIDI

TICKS = 960.0


def _notes(take):
    """The notes that lie in the item, as the stand-in's instruments play them."""
    return midi_notes(take.item) if take.item.active_take is take else []


@api
def MIDI_CountEvts(reaper, take):
    if not TakeIsMIDI(reaper, take):
        return 0, 0, 0, 0
    return len(_notes(take)), len(_notes(take)), 0, 0


@api
def MIDI_GetNote(reaper, take, index):
    """retval, selected, muted, startppq, endppq, chan, pitch, vel"""
    notes = _notes(take)
    if not 0 <= index < len(notes):
        return False, False, False, 0.0, 0.0, 0, 0, 0
    note, second = notes[index], _ticks_a_second(take)
    start = item_value(take.item, "D_POSITION")
    return (
        True, False, False, (note.start_s - start) * second, (note.end_s - start) * second, 0, 60,
        round(note.velocity * 127),
    )  # fmt: skip


@api
def MIDI_GetProjTimeFromPPQPos(reaper, take, ppq):
    return item_value(take.item, "D_POSITION") + ppq / _ticks_a_second(take)


def _ticks_a_second(take) -> float:
    if take.project.root.node("TEMPOENVEX") is not None:
        raise StandInError("not modeled", "a tempo that changes")
    return TICKS * take.project.root.number("TEMPO", 0, 120.0) / 60
