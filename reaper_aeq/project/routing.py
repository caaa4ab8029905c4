"""Which tracks sound, and where their sound goes: folders, sends, mute and solo (facts sheet, section 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..reaper.tracks import Track

PRE_FADER = (1, 3)  # modes of a send: 0 is behind the fader, 1 before the FX, 3 behind the FX but before the fader
NO_AUDIO = -1


@dataclass(frozen=True)
class Receive:
    """An AUXRECV line: sound of track number `source` that comes in beside items and folder children."""

    source: int
    pre_fader: bool
    volume: float
    pan: float
    inverted: bool


def receives(track: Track) -> list[Receive]:
    """The sends into a track that are not muted and carry sound. Channels other than 1/2 are not told apart."""
    found = []
    for line in track.chunk.lines:
        if line.name != "AUXRECV":
            continue
        fields = [_number(token) for token in line.tokens[1:9]] + [0.0] * 8
        source, mode, volume, pan, mute, _, inverted, channels = fields[:8]
        if not mute and channels != NO_AUDIO:
            found.append(Receive(int(source), int(mode) in PRE_FADER, volume, pan, bool(inverted)))
    return found


def silenced(tracks: Sequence[Track]) -> dict[int, str]:
    """Track numbers that a rendering would not let sound, with the reason as the end of a sentence."""
    reasons: dict[int, str] = {}
    heard = _soloed(tracks)
    for track in tracks:
        muted = next((above for above in _upwards(track) if above.mute), None)
        if muted is track:
            reasons[track.index] = "it is muted"
        elif muted is not None:
            reasons[track.index] = f"its folder {muted.name!r} is muted"
        elif heard is not None and track.index not in heard:
            reasons[track.index] = "other tracks are soloed"
    return reasons


def _soloed(tracks: Sequence[Track]) -> set[int] | None:
    """What sounds while some are soloed: these, what lies in and above them, and what they send to. None: no solo."""
    if not any(track.solo for track in tracks):
        return None
    heard = {track.index for track in tracks if track.solo_defeat}
    for track in tracks:
        if track.solo:
            heard |= {above.index for above in _upwards(track)} | {inner.index for inner in _inside(track)}
    while True:
        fed = {t.index for t in tracks if t.index not in heard and any(r.source in heard for r in receives(t))}
        if not fed:
            return heard
        heard |= fed | {above.index for n in fed for above in _upwards(tracks[n])}


def _upwards(track: Track) -> list[Track]:
    return [track, *(_upwards(track.parent) if track.parent else [])]


def _inside(track: Track) -> list[Track]:
    return [track, *(inner for child in track.children for inner in _inside(child))]


def _number(token: str) -> float:
    try:
        return float(token.replace(",", "."))
    except ValueError:
        return 0.0
