"""MIDI takes through the API: their notes, and where those lie in the project."""

from __future__ import annotations

from .items import item_value
from .registry import api
from .takes import take_value


def _notes(take) -> list[tuple[int, int, int, int, int]]:
    """(start, end, channel, pitch, velocity) in ticks, in the order of their starts."""
    time, held, found = 0, {}, []
    for line in take.source.node.body if take.source.kind == "MIDI" else ():
        words = str(line).split()
        if words[:1] not in (["e"], ["E"]) or len(words) < 5:
            continue
        time += int(words[1])
        status, pitch, velocity = (int(word, 16) for word in words[2:5])
        if status & 0xF0 == 0x90 and velocity:
            held[pitch] = (time, velocity)
        elif status & 0xF0 in (0x80, 0x90) and pitch in held:
            start, velocity = held.pop(pitch)
            found.append((start, time, status & 0x0F, pitch, velocity))
    return sorted(found)


@api
def MIDI_CountEvts(reaper, take):
    count = len(_notes(take))
    return count, count, 0, 0


@api
def MIDI_GetNote(reaper, take, index):
    notes = _notes(take)
    if not 0 <= index < len(notes):
        return False, False, False, 0.0, 0.0, 0, 0, 0
    start, end, channel, pitch, velocity = notes[index]
    return True, False, False, float(start), float(end), channel, pitch, velocity


@api
def MIDI_GetProjTimeFromPPQPos(reaper, take, ticks):
    """The tempo must not change."""
    per_quarter = float((take.source.node.get("HASDATA") or ["1", "960"])[1])
    second = 60 / take.item.project.root.number("TEMPO", 0, 120.0) / per_quarter
    return item_value(take.item, "D_POSITION") + ticks * second - take_value(take, "D_STARTOFFS")
