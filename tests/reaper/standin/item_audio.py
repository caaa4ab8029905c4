"""The sound of one item: its active take's source at its rate, volumes, pan and fades, through the take's FX."""

from __future__ import annotations

import numpy as np
import soxr

from .errors import StandInError
from .handles import Item, Source, Take
from .items import item_value
from .media import MediaMissing, source_audio
from .plugins import Note, run_chain
from .takes import take_value
from .tree import Node


def item_audio(item: Item, sample_rate: float, with_fx: bool = True) -> np.ndarray:
    """(samples, 2) as long as the item; silence for empty, missing, offline and MIDI takes."""
    count = round(item_value(item, "D_LENGTH") * sample_rate)
    take = item.active_take
    if take is None or item_value(item, "B_MUTE"):
        return np.zeros((count, 2))
    refuse_envelopes(item.node)
    audio = take_audio(take, count, sample_rate)
    if with_fx:
        audio = run_chain(take, audio, sample_rate)
    left, right = pan_gains(take_value(take, "D_PAN"))
    gain = item_value(item, "D_VOL") * take_value(take, "D_VOL")
    return audio * [gain * left, gain * right] * _fades(item, count, sample_rate)[:, None]


def take_audio(take: Take, count: int, sample_rate: float) -> np.ndarray:
    """(count, 2): the source from the take's offset, at its rate, repeated or ended by silence."""
    try:
        source = source_audio(take.source, sample_rate) if not _is_midi(take.source) else np.zeros((0, 2))
    except MediaMissing:
        source = np.zeros((0, 2))
    if not len(source):
        return np.zeros((count, 2))
    rate = take_value(take, "D_PLAYRATE")
    if (rate != 1 and take_value(take, "B_PPITCH")) or take_value(take, "D_PITCH"):
        # Stretching is élastique's business: a rate with preserved pitch would sound otherwise than resampled.
        raise StandInError("not modeled", "a take that is stretched or pitched; switch preserve pitch off")
    first = round(take_value(take, "D_STARTOFFS") * sample_rate)
    needed = np.arange(first, first + round(count * rate) + 1)
    if item_value(take.item, "B_LOOPSRC"):
        part = source[needed % len(source)]
    else:
        inside = (needed >= 0) & (needed < len(source))
        part = np.where(inside[:, None], source[np.clip(needed, 0, len(source) - 1)], 0.0)
    if rate != 1:
        part = soxr.resample(part, sample_rate * rate, sample_rate)
    part = _channels(part, int(take_value(take, "I_CHANMODE")))[:count]
    return np.vstack((part, np.zeros((count - len(part), 2))))


def refuse_envelopes(node: Node) -> None:
    """Automation and stretch markers of a track or item are not followed, so they must not be there."""
    envelopes = node.nodes("VOLENV", "VOLENV2", "PANENV", "PANENV2", "MUTEENV", "PITCHENV")
    if any(envelope.number("ACT") for envelope in envelopes) or node.index("SM") >= 0:
        raise StandInError("not modeled", "envelopes and stretch markers")


def pan_gains(pan: float) -> tuple[float, float]:
    """Balance at 0 dB in the center, which PANLAW 1 means."""
    return min(1.0, 1 - pan), min(1.0, 1 + pan)


def _is_midi(source: Source) -> bool:
    return source.kind in ("MIDI", "MIDIPOOL") or (source.parent is not None and _is_midi(source.parent))


def _channels(audio: np.ndarray, mode: int) -> np.ndarray:
    """I_CHANMODE: 0 normal, 1 swapped, 2 downmix, 3 left, 4 right."""
    if mode > 4:
        raise StandInError("not modeled", f"channel mode {mode}")
    left, right = audio[:, 0], audio[:, -1 if audio.shape[1] == 1 else 1]
    if mode == 2:
        left = right = (left + right) / 2
    pairs = {0: (left, right), 1: (right, left), 2: (left, left), 3: (left, left), 4: (right, right)}
    return np.column_stack(pairs[mode])


# How a fade rises over x = 0..1. 0 is linear; the others are the curves that users draw for them, not measured.
_SHAPES = {
    0: lambda x: x,
    1: lambda x: x * (2 - x),
    2: lambda x: x * x,
    3: lambda x: 1 - (1 - x) ** 4,
    4: lambda x: x**4,
    5: lambda x: x * x * (3 - 2 * x),
}


def _fades(item: Item, count: int, sample_rate: float) -> np.ndarray:
    gain = np.ones(count)
    for end, direction in (("IN", 1), ("OUT", -1)):
        automatic = item_value(item, f"D_FADE{end}LEN_AUTO")
        length_s = automatic if automatic > 0 else item_value(item, f"D_FADE{end}LEN")
        n = min(round(length_s * sample_rate), count)
        if n:
            shape = _SHAPES.get(int(item_value(item, f"C_FADE{end}SHAPE")))
            if shape is None:
                raise StandInError("not modeled", "this fade shape")
            view = gain[::direction]
            view[:n] *= shape(np.arange(n) / n)
    return gain


def midi_notes(item: Item) -> list[Note]:
    """The notes of a MIDI item in project time; the tempo must not change."""
    take = item.active_take
    if take is None or take.source.kind != "MIDI" or item_value(item, "B_MUTE"):
        return []
    start, end = item_value(item, "D_POSITION"), item_value(item, "D_POSITION") + item_value(item, "D_LENGTH")
    ticks_per_quarter = float((take.source.node.get("HASDATA") or ["1", "960"])[1])
    second = 60 / item.project.root.number("TEMPO", 0, 120.0) / ticks_per_quarter
    time, held, notes = start - take_value(take, "D_STARTOFFS"), {}, []
    for line in take.source.node.body:
        words = str(line).split()
        if words[:1] not in (["e"], ["E"]) or len(words) < 5:
            continue
        time += int(words[1]) * second
        status, pitch, velocity = (int(word, 16) for word in words[2:5])
        if status & 0xF0 == 0x90 and velocity:
            held[pitch] = (time, velocity)
        elif status & 0xF0 in (0x80, 0x90) and pitch in held:
            began, velocity = held.pop(pitch)
            freq_hz = 440 * 2 ** ((pitch - 69) / 12)
            notes.append(Note(max(began, start), min(time, end), freq_hz, velocity / 127))
    return [note for note in notes if note.end_s > note.start_s]
